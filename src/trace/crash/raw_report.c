/* The report of a dying program without a collector: numbers, and frames as module and offset, for
 * addr2line. */
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include "fault_codes.h"
#include "decode/decode.h"
#include "options.h"
#include "trace/crash/crash.h"
#include "trace/crash/places.h"
#include "trace/memory/memory.h"
#include "platform/line.h"
#include "platform/objects.h"
#include "platform/path.h"
#include "platform/tags.h"
#include "trace/trace.h"
#include "platform/raw_call.h"
#include "unwind/modules.h"
#include HAK_ARCH_FILE(instruction.h)

enum { STDERR = 2, FRAMES_SHOWN = 40, LOG_MODE = 0600, THREAD_NAME_BYTES = 256, CODE_SHOWN = 15 };

static const struct {
    uint32_t number;
    const char *name;
} faults[] = {
#define FAULT(NAME, number, name, tag, injection, meaning, advice) {number, name},
#include "faults.def"
};

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGABRT, "SIGABRT"}, {SIGILL, "SIGILL"},
    {SIGFPE, "SIGFPE"},   {SIGTRAP, "SIGTRAP"}, {SIGSYS, "SIGSYS"},
};

/* Absolute, "" = stderr. */
static char log_path[HAK_PATH_BYTES];

void hak_raw_report_start(void) {
    char program[HAK_PATH_BYTES];
    if (hak_options.log[0] == 0)
        return;
    hak_modules_program(program, sizeof program);
    if (!hak_path_expand(log_path, sizeof log_path, hak_options.log, NULL, program))
        log_path[0] = 0;
}

static long open_log(void) {
    long file = -1;
    if (log_path[0])
        file = hak_raw_call(SYS_openat, AT_FDCWD, log_path,
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, LOG_MODE);
    return file < 0 ? STDERR : file;
}

/* As hak_begin_line (base/bytes.c): behind an unfinished line of the
 * program's a new one begins, in a file where that can be seen, on a terminal always. */
static void begin_line(long file) {
    struct stat status;
    struct hak_line line = {0};
    char last = '\n';
    if (hak_raw_call(SYS_fstat, file, &status) != 0)
        return;
    if (S_ISREG(status.st_mode)) {
        long flags = hak_raw_call(SYS_fcntl, file, F_GETFL);
        long end = flags > 0 && (flags & O_APPEND) ? status.st_size
                                                   : hak_raw_call(SYS_lseek, file, 0, SEEK_CUR);
        hak_line_say(&line, "/proc/self/fd/", (uint64_t)file, "");
        long reading = end > 0 ? hak_open(hak_line_text(&line)) : -1;
        line.length = 0;
        if (reading < 0)
            return;
        (void)hak_raw_call(SYS_pread64, reading, &last, 1, end - 1);
        hak_close(reading);
    } else {
        struct termios terminal;
        bool is_terminal = hak_raw_call(SYS_ioctl, file, TCGETS, &terminal) == 0;
        last = is_terminal ? 0 : '\n';
    }
    if (last != '\n') {
        hak_line_add(&line, "\n");
        (void)hak_line_write(&line, file);
    }
}

/* The name of the store in which the record lies, without its directory, as in every SUMMARY. */
static void add_store(struct hak_line *line) {
    char name[THREAD_NAME_BYTES] = "none";
    if (hak_current_ready()) {
        const char *path = hak_current.session->store_path;
        size_t start = 0, length = 0;
        for (size_t i = 0; i < HAK_PATH_BYTES - 1 && path[i]; i++)
            if (path[i] == '/')
                start = i + 1;
        for (; length < THREAD_NAME_BYTES - 1 && path[start + length]; length++)
            name[length] = path[start + length] <= ' ' ? '?' : path[start + length];
        if (length > 0)
            name[length] = 0;
    }
    hak_line_add(line, " store=");
    hak_line_add_name(line, name);
    hak_line_add(line, "\n");
}

void (*hak_raw_leaks)(const char *, long);

static const char *fault_name(uint32_t number) {
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        if (faults[i].number == number)
            return faults[i].name;
    return "unknown-fault";
}

static const char *signal_name(uint32_t number) {
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        if ((uint32_t)signals[i].number == number)
            return signals[i].name;
    return "a signal";
}

/* `(the program)+0x1234`, or nothing for code of no module. */
static void add_place(struct hak_line *line, uintptr_t ip) {
    struct hak_object object;
    if (!hak_object_find(ip, &object) || !object.module)
        return;
    const char *name = object.name;
    hak_line_add(line, " ");
    hak_line_add_name(line, name && name[0] ? name : "(the program)");
    hak_line_add(line, "+");
    hak_line_hex(line, ip - object.bias);
}

static void add_field(struct hak_line *line, const char *label, uint64_t value) {
    if (value == 0)
        return;
    hak_line_add(line, label);
    hak_line_hex(line, value);
}

static void say_headline(const struct hak_incident *incident, const char *why, long file) {
    const struct hak_fault_facts *facts = &incident->facts;
    struct hak_line line = {0};
    hak_line_add(&line, "hakmem: ");
    if (facts->fault) {
        hak_line_add(&line, "HKM-");
        hak_line_number(&line, facts->fault);
        hak_line_add(&line, " ");
        hak_line_add(&line, fault_name(facts->fault));
        if (facts->call[0]) {
            hak_line_add(&line, " in ");
            hak_line_add_name(&line, facts->call);
        }
    } else {
        hak_line_add(&line, signal_name(incident->signal));
    }
    bool is_access = incident->signal == SIGSEGV || incident->signal == SIGBUS;
    if (facts->fault && facts->access == HAK_ACCESS_READ)
        hak_line_add(&line, ", read");
    if (facts->fault && facts->access == HAK_ACCESS_WRITE)
        hak_line_add(&line, ", write");
    if (facts->fault || (is_access && incident->code > 0 &&
                         !hak_crash_is_late_tag(incident->signal, incident->code))) {
        hak_line_add(&line, " at ");
        hak_line_hex(&line, facts->found_address);
    }
    hak_line_add(&line, ", thread ");
    hak_line_number(&line, incident->thread ? incident->thread : hak_trace_thread());
    hak_line_add(&line, " (raw report: ");
    hak_line_add_name(&line, why);
    hak_line_add(&line, ")\n");
    (void)hak_line_write(&line, file);
}

static void say_details(const struct hak_incident *incident, long file) {
    const struct hak_fault_facts *facts = &incident->facts;
    struct hak_line line = {0};
    add_field(&line, "  base ", facts->base);
    add_field(&line, "  user ", facts->user);
    add_field(&line, "  asked ", facts->asked_bytes);
    add_field(&line, "  slot ", facts->slot_bytes);
    add_field(&line, "  SuperSlab ", facts->superslab);
    if (facts->base || facts->superslab)
        hak_line_add(&line, "\n");
    if (facts->pointer_tag) {
        unsigned ago = facts->memory_tag / HAK_TAGS;
        hak_line_say(&line, "  tag ", facts->pointer_tag % HAK_TAGS, " of the pointer, ");
        hak_line_say(&line, "", facts->memory_tag % HAK_TAGS, " of the memory");
        if (ago != 0 && ago != HAK_FACTS_NO_LIFE)
            hak_line_say(&line, ago == 1 ? ": " : ": the slot was freed ", ago,
                         ago == 1 ? " free ago" : " times since");
        hak_line_add(&line, "\n");
    }
    if (hak_crash_is_late_tag(incident->signal, incident->code))
        hak_line_add(&line,
                     "  this thread used a pointer with a wrong memory tag before this point; "
                     "the access is not known; HAKMEM_TAGS=sync stops at it\n");
    if (incident->full_stack_bytes) {
        hak_line_add(&line, "  stack overflow: the thread's stack of ");
        hak_line_number(&line, incident->full_stack_bytes);
        hak_line_add(&line, " bytes is full\n");
    }
    if (incident->handler_signal) {
        hak_line_add(&line, "  the program's own handler ran, then it died by ");
        hak_line_add(&line, signal_name(incident->handler_signal));
        add_place(&line, incident->handler_frames[0]);
        hak_line_add(&line, "\n");
    }
    if (incident->unreported_before)
        hak_line_say(&line, "  ", incident->unreported_before,
                     " more like it were not reported before\n");
    (void)hak_line_write(&line, file);
}

/* "  code 48 89 47 30", from where the thread stands; of a watchpoint up to there. */
static void say_code(const struct hak_report_code *code, long file) {
    static const char digits[] = "0123456789abcdef";
    uint32_t end = code->before ? code->before : code->count;
    uint32_t from = end > CODE_SHOWN ? end - CODE_SHOWN : 0;
    struct hak_line line = {0};
    hak_line_add(&line, code->before ? "  code before it" : "  code");
    for (uint32_t i = from; i < end; i++) {
        char byte[] = {' ', digits[code->bytes[i] >> 4], digits[code->bytes[i] & 15], 0};
        hak_line_add(&line, byte);
    }
    hak_line_add(&line, "\n");
    (void)hak_line_write(&line, file);
}

/* "  rdi 0x7f12... user+48", or of another block "  rsi 0x7f12... 0x7f12...+8 of 24". */
static void say_register(const struct hak_incident *incident, unsigned number,
                         const struct hak_report_pointed *pointed, long file) {
    struct hak_line line = {0};
    uint64_t value = incident->registers.value[number];
    uint64_t address = (uint64_t)(uintptr_t)hak_untagged((const void *)(uintptr_t)value);
    bool is_before = address < pointed->user;
    hak_line_add(&line, "  ");
    hak_line_add(&line, hak_register_name(HAK_PROCESSOR_HERE, number));
    hak_line_add(&line, " ");
    hak_line_hex(&line, value);
    hak_line_add(&line, " ");
    if (pointed->user == incident->facts.user)
        hak_line_add(&line, "user");
    else
        hak_line_hex(&line, pointed->user);
    hak_line_say(&line, is_before ? "-" : "+",
                 is_before ? pointed->user - address : address - pointed->user, "");
    if (pointed->user != incident->facts.user)
        hak_line_say(&line, " of ", pointed->asked_bytes, "");
    hak_line_add(&line, "\n");
    (void)hak_line_write(&line, file);
}

/* Where the processor stopped the program; and of a fault of the heap, what points to blocks. */
static void say_instruction(const struct hak_incident *incident, long file) {
    static struct hak_report_code code; /* one thread reports at a time */
    static struct hak_report_pointed pointed[HAK_REGISTERS];
    hak_crash_copy_code(incident, &code);
    if (code.count > 0)
        say_code(&code, file);
    hak_crash_look_at_registers(incident, pointed, HAK_REGISTERS);
    for (unsigned i = 0; i < HAK_REGISTER_IP; i++)
        if (pointed[i].user)
            say_register(incident, i, &pointed[i], file);
}

void hak_raw_report(const struct hak_incident *incident, const char *why) {
    const struct hak_fault_facts *facts = &incident->facts;
    struct hak_line line = {0};
    long file = open_log();
    begin_line(file);
    bool is_of_leaks = facts->fault == HAK_FAULT_MEMORY_LEAK && hak_raw_leaks;
    if (is_of_leaks) {
        hak_raw_leaks(why, file);
    } else {
        say_headline(incident, why, file);
        say_details(incident, file);
        if (!hak_crash_is_late_tag(incident->signal, incident->code))
            say_instruction(incident, file);
    }
    for (size_t i = 0; i < incident->frame_count && i < FRAMES_SHOWN && !is_of_leaks; i++) {
        hak_line_add(&line, "    #");
        hak_line_number(&line, i);
        hak_line_add(&line, " ");
        hak_line_hex(&line, incident->frames[i]);
        add_place(&line, incident->frames[i]);
        hak_line_add(&line, "\n");
        (void)hak_line_write(&line, file);
    }
    hak_line_add(&line, "SUMMARY: hakmem: ");
    hak_line_add(&line, facts->fault ? fault_name(facts->fault) : signal_name(incident->signal));
    add_field(&line, " address=", facts->found_address);
    add_store(&line);
    (void)hak_line_write(&line, file);
    if (file != STDERR)
        hak_close(file);
}

void hak_raw_say_unreported(void) {
    uint64_t count = hak_options.report_every ? hak_places_unreported() : 0;
    struct hak_line line = {0};
    if (count == 0)
        return;
    long file = open_log();
    begin_line(file);
    hak_line_say(&line, "hakmem: ", count,
                 count == 1 ? " more fault like those reported was not reported itself"
                            : " more faults like those reported were not reported themselves");
    hak_line_say(&line, " (HAKMEM_REPORT_EVERY=", hak_options.report_every, ")\n");
    (void)hak_line_write(&line, file);
    if (file != STDERR)
        hak_close(file);
}
