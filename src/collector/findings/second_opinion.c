/* Asks libunwind about a fault's stack, in a child that may die of it, and compares. */
#include "collector/findings/second_opinion.h"

#include <elf.h>
#include <errno.h>
#include <libunwind.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>
#include "symbols/debug_file.h"

enum { LIMIT_MS = 500, MODULES_MAX = 512, HEADER_BYTES = 12, ENTRY_BYTES = 8 };

/* libunwind's search in a sorted table, made for users like this one but in no header. */
extern int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t, unw_word_t, unw_dyn_info_t *,
                                              unw_proc_info_t *, int, void *);

/* A module as bytes: its file's, or our own vdso. */
struct image {
    uint32_t module; /* row id */
    const uint8_t *bytes;
    size_t size;
};

struct asked {
    const struct hak_report_request *request;
    struct hak_rows *rows;
    uint32_t process;
    uint64_t registers[HAK_REPORT_REGISTERS];
    struct image images[MODULES_MAX];
    uint32_t image_count;
};

static struct hak_module_info *module_at(struct asked *a, uint64_t address) {
    return hak_rows_module_info(a->rows,
                                hak_rows_module_of(a->rows, a->process, UINT32_MAX, address));
}

static bool is_elf(const uint8_t *bytes, size_t size) {
    return bytes && size >= sizeof(Elf64_Ehdr) && memcmp(bytes, ELFMAG, SELFMAG) == 0 &&
           bytes[EI_CLASS] == ELFCLASS64;
}

/* The bytes of the vDSO's loaded segments in its file; 0 without one. */
static size_t vdso_bytes(const uint8_t *vdso) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)vdso;
    size_t bytes = 0;
    for (unsigned i = 0; vdso && i < header->e_phnum; i++) {
        const Elf64_Phdr *segment = (const Elf64_Phdr *)(vdso + header->e_phoff) + i;
        if (segment->p_type == PT_LOAD && segment->p_offset + segment->p_filesz > bytes)
            bytes = segment->p_offset + segment->p_filesz;
    }
    return bytes;
}

/* The bytes of a module; NULL when its file cannot be used. Opened once: the child ends soon. */
static const struct image *image_of(struct asked *a, const struct hak_module_info *m) {
    for (uint32_t i = 0; i < a->image_count; i++)
        if (a->images[i].module == m->row.id)
            return &a->images[i];
    if (a->image_count == MODULES_MAX)
        return NULL;
    struct image *image = &a->images[a->image_count++];
    *image = (struct image){.module = m->row.id};
    if (strcmp(m->row.path, "linux-vdso.so.1") == 0) {
        image->bytes = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
        image->size = vdso_bytes(image->bytes);
    } else if (m->row.path[0] == '/') {
        const struct hak_process_info *p = hak_rows_process_info(a->rows, m->row.process);
        struct hak_debug_file *file = malloc(sizeof *file);
        if (!file)
            return image;
        hak_debug_file_open(file, m->row.path, m->row.build_id, p ? p->outer_pid : 0, 0);
        if (file->own.elf)
            image->bytes = (const uint8_t *)elf_rawfile(file->own.elf, &image->size);
    }
    if (!is_elf(image->bytes, image->size))
        image->bytes = NULL;
    return image;
}

/* Program header `index`, or NULL at the end. */
static const Elf64_Phdr *segment_of(const struct image *image, unsigned index) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)image->bytes;
    if (!image->bytes || index >= header->e_phnum || header->e_phentsize != sizeof(Elf64_Phdr) ||
        header->e_phoff > image->size ||
        (image->size - header->e_phoff) / sizeof(Elf64_Phdr) <= index)
        return NULL;
    return (const Elf64_Phdr *)(image->bytes + header->e_phoff) + index;
}

/* Where the file has the `bytes` at `address` of the module; NULL when it has not. */
static const uint8_t *find_bytes(const struct image *image, uint64_t address, size_t bytes) {
    const Elf64_Phdr *segment;
    for (unsigned i = 0; (segment = segment_of(image, i)) != NULL; i++) {
        uint64_t into = address - segment->p_vaddr;
        if (segment->p_type != PT_LOAD || into >= segment->p_filesz ||
            bytes > segment->p_filesz - into || segment->p_offset > image->size ||
            segment->p_offset + into > image->size ||
            bytes > image->size - segment->p_offset - into)
            continue;
        return image->bytes + segment->p_offset + into;
    }
    return NULL;
}

/* Reads bytes at an address from the file of the module that lies there. False: they are in
 * none. */
static bool read_module(struct asked *a, uint64_t address, void *to, size_t bytes) {
    struct hak_module_info *m = module_at(a, address);
    const struct image *image = m ? image_of(a, m) : NULL;
    const uint8_t *from = image ? find_bytes(image, address - m->row.load_bias, bytes) : NULL;
    if (from)
        memcpy(to, from, bytes);
    return from != NULL;
}

/* For libunwind: reads a word of the reported stack, or of a module's file; writing is refused. */
static int access_memory(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write,
                         void *context) {
    struct asked *a = context;
    const struct hak_report_request *r = a->request;
    uint64_t have = r->stack_bytes < HAK_REPORT_STACK ? r->stack_bytes : HAK_REPORT_STACK;
    (void)space;
    if (write)
        return -UNW_EINVAL;
    if (have >= sizeof *value && address - r->stack_address <= have - sizeof *value) {
        memcpy(value, r->stack + (address - r->stack_address), sizeof *value);
        return 0;
    }
    return read_module(a, address, value, sizeof *value) ? 0 : -UNW_EINVAL;
}

/* For libunwind: reads or writes a register of the reported thread. */
static int access_register(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value,
                           int write, void *context) {
    struct asked *a = context;
    (void)space;
    if (number < 0 || number >= HAK_REPORT_REGISTERS)
        return -UNW_EBADREG;
    if (write)
        a->registers[number] = *value;
    else
        *value = a->registers[number];
    return 0;
}

static int32_t number_at(const uint8_t *bytes) {
    int32_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

/* For libunwind: has it search the sorted table that .eh_frame_hdr holds in all toolchains' usual
 * form. An error: there is none at the address. */
static int find_procedure(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *info, int wanted,
                          void *context) {
    static const uint8_t usual[4] = {1, 0x1b, 0x03, 0x3b};
    struct asked *a = context;
    struct hak_module_info *m = module_at(a, ip);
    const struct image *image = m ? image_of(a, m) : NULL;
    const Elf64_Phdr *segment;
    for (unsigned i = 0; image && (segment = segment_of(image, i)) != NULL; i++) {
        const uint8_t *header = segment->p_type == PT_GNU_EH_FRAME
                                    ? find_bytes(image, segment->p_vaddr, HEADER_BYTES)
                                    : NULL;
        if (!header || memcmp(header, usual, sizeof usual) != 0)
            continue;
        uint64_t count = (uint32_t)number_at(header + 8), at = segment->p_vaddr + m->row.load_bias;
        if (count > segment->p_filesz / ENTRY_BYTES)
            return -UNW_ENOINFO;
        unw_dyn_info_t table = {
            .format = UNW_INFO_FORMAT_REMOTE_TABLE, .start_ip = m->row.start, .end_ip = m->row.end};
        table.u.rti.segbase = at;
        table.u.rti.table_data = at + HEADER_BYTES;
        table.u.rti.table_len = count * ENTRY_BYTES / sizeof(unw_word_t);
        return UNW_OBJ(dwarf_search_unwind_table)(space, ip, &table, info, wanted, context);
    }
    return -UNW_ENOINFO;
}

static void put_procedure(unw_addr_space_t space, unw_proc_info_t *info, void *context) {
    (void)space;
    (void)info;
    (void)context;
}

/* For libunwind: there is no list of unwinding information. */
static int find_list(unw_addr_space_t space, unw_word_t *list, void *context) {
    (void)space;
    (void)list;
    (void)context;
    return -UNW_ENOINFO;
}

/* For libunwind: there are no floating-point registers. */
static int access_float(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write,
                        void *context) {
    (void)space;
    (void)number;
    (void)value;
    (void)write;
    (void)context;
    return -UNW_EBADREG;
}

/* For libunwind: the thread cannot be resumed. */
static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *context) {
    (void)space;
    (void)cursor;
    (void)context;
    return -UNW_EINVAL;
}

/* For libunwind: no names are looked up. */
static int name_procedure(unw_addr_space_t space, unw_word_t ip, char *name, size_t bytes,
                          unw_word_t *offset, void *context) {
    (void)space;
    (void)ip;
    (void)name;
    (void)bytes;
    (void)offset;
    (void)context;
    return -UNW_ENOINFO;
}

/* The walk, in the child. Frames in no module are libunwind's guesses: it ends there. */
static uint32_t walk(struct asked *a, uint64_t *frames) {
    unw_accessors_t accessors = {.find_proc_info = find_procedure,
                                 .put_unwind_info = put_procedure,
                                 .get_dyn_info_list_addr = find_list,
                                 .access_mem = access_memory,
                                 .access_reg = access_register,
                                 .access_fpreg = access_float,
                                 .resume = resume,
                                 .get_proc_name = name_procedure};
    unw_addr_space_t space = unw_create_addr_space(&accessors, 0);
    unw_cursor_t cursor;
    uint32_t count = 0;
    if (!space || unw_init_remote(&cursor, space, a) != 0)
        return 0;
    do {
        unw_word_t ip = 0;
        if (unw_get_reg(&cursor, UNW_REG_IP, &ip) != 0 || ip == 0 || !module_at(a, ip))
            break;
        frames[count++] = ip;
    } while (count < HAK_REPORT_FRAMES && unw_step(&cursor) > 0);
    return count;
}

/* A call of a wild pointer: as hakmem's walk did, from the caller on. Returns the frames in front.
 */
static uint32_t step_over_wild_call(struct asked *a) {
    const struct hak_report_request *r = a->request;
    if (r->frame_count < 2 || module_at(a, r->frames[0]))
        return 0;
    a->registers[HAK_REGISTER_IP] = r->frames[1];
    if (HAK_REGISTER_RETURN == HAK_REGISTER_IP) /* the call has pushed it */
        a->registers[HAK_REGISTER_SP] += 8;
    return 1;
}

struct answer {
    uint32_t skipped, count;
    uint64_t frames[HAK_REPORT_FRAMES];
};

/* Walks the stack in the forked child and writes the answer into `to`, then ends the process. */
static void answer_in_child(const struct hak_report_request *request, struct hak_rows *rows,
                            uint32_t process, int to) {
    struct asked *a = calloc(1, sizeof *a);
    struct answer answer = {0};
    if (a) {
        a->request = request;
        a->rows = rows;
        a->process = process;
        memcpy(a->registers, request->registers, sizeof a->registers);
        answer.skipped = step_over_wild_call(a);
        answer.count = walk(a, answer.frames);
    }
    _exit(write(to, &answer, sizeof answer) == sizeof answer ? 0 : 1); /* < PIPE_BUF: whole */
}

/* Has a forked child walk the stack, LIMIT_MS at most, as it may crash or hang. False: there is no
 * answer. */
static bool ask_child(const struct hak_report_request *request, struct hak_rows *rows,
                      uint32_t process, struct answer *answer) {
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    pid_t child = fork();
    if (child == 0)
        answer_in_child(request, rows, process, ends[1]);
    close(ends[1]);
    bool answered = false;
    if (child > 0) {
        struct pollfd wait = {.fd = ends[0], .events = POLLIN};
        int ready;
        while ((ready = poll(&wait, 1, LIMIT_MS)) < 0 && errno == EINTR)
            continue;
        answered = ready > 0 && read(ends[0], answer, sizeof *answer) == sizeof *answer;
        kill(child, SIGKILL);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    close(ends[0]);
    return answered && answer->count > 0 && answer->count <= HAK_REPORT_FRAMES;
}

/* Did hakmem's walk reach the outermost frame, or as many as there is room for? (unwind.h) */
static bool ended_well(uint32_t end) {
    return end == 0 || end == 1 || end == 5;
}

/* Compares the two walks: the first frame where they differ, or that one goes further, and the
 * frames of the other walk. */
static void compare(const struct hak_report_request *request, const struct answer *answer,
                    struct hak_second_opinion *out) {
    uint32_t ours =
        request->frame_count < HAK_REPORT_FRAMES ? request->frame_count : HAK_REPORT_FRAMES;
    uint32_t same = answer->skipped, theirs = answer->count + answer->skipped;
    if (theirs > HAK_REPORT_FRAMES)
        theirs = HAK_REPORT_FRAMES;
    while (same < ours && same < theirs &&
           request->frames[same] == answer->frames[same - answer->skipped])
        same++;
    out->at = same;
    if (same < ours && same < theirs) {
        out->verdict = HAK_OPINION_DIFFERENT;
        out->caller = answer->frames[same - answer->skipped];
    } else if (theirs > ours && !ended_well(request->unwind_end)) {
        out->verdict = HAK_OPINION_FURTHER;
        out->caller = answer->frames[ours - answer->skipped];
        out->count = theirs;
        memcpy(out->frames, request->frames, ours * sizeof *out->frames);
        memcpy(out->frames + ours, answer->frames + (ours - answer->skipped),
               (theirs - ours) * sizeof *out->frames);
    } else {
        out->verdict = HAK_OPINION_AGREES;
    }
}

void hak_second_opinion_take(const struct hak_report_request *request, struct hak_rows *rows,
                             uint32_t process, struct hak_second_opinion *out) {
    struct answer answer;
    *out = (struct hak_second_opinion){.verdict = HAK_OPINION_NONE};
    if (ask_child(request, rows, process, &answer))
        compare(request, &answer, out);
}
