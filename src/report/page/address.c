/* Describes the memory at the address of a crash: by the kernel's list of mappings, by the blocks
 * of the heap, and by the number itself. */
#include "report/page/parts.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "hop.h"
#include "newer.h"
#include "trace/pattern.h"

#define NULL_REACH                                                                                 \
    65536 /* an object at the null pointer is hardly bigger; nothing is mapped there */
#define NEAR_MAPPING_BYTES ((uint64_t)1 << 20)
#define SHARED             16
/* The processor's numbers of exceptions; the second one is the first by way of rbp or rsp. */
#define GENERAL_PROTECTION 13
#define STACK_FAULT        12

bool report_is_late_tag(const struct report_page *page) {
    return !page->words && page->context.signal == SIGSEGV &&
           page->request->signal_code == SEGV_MTEAERR;
}

bool report_has_address(const struct report_page *page) {
    bool is_late_tag =
        page->context.signal == SIGSEGV && page->request->signal_code == SEGV_MTEAERR;
    return !is_late_tag && (page->context.signal == SIGSEGV || page->context.signal == SIGBUS) &&
           page->request->signal_code > 0 && page->request->signal_code != SI_KERNEL;
}

bool report_is_no_address(uint64_t value) {
    int64_t high = (int64_t)value >> HAK_ADDRESS_BITS;
    return high != 0 && high != -1;
}

bool report_is_general_fault(const struct report_page *page) {
    const struct hak_report_request *request = page->request;
    return (request->trap == GENERAL_PROTECTION || request->trap == STACK_FAULT) &&
           request->signal_code > 0;
}

static const struct hak_report_region *region_of(const struct report_page *page) {
    return &page->request->region;
}

/* Adds a mapping's file without folders, "libfoo.so", from a path that a dying program wrote; "" =
 * none. */
static void add_base_name(struct hak_text *text, const struct hak_report_region *region) {
    char path[HAK_REGION_PATH];
    memcpy(path, region->path, sizeof path);
    path[sizeof path - 1] = 0;
    const char *slash = strrchr(path, '/');
    hak_text_add_name(text, slash && slash[1] ? slash + 1 : path);
}

static bool is_called(const struct hak_report_region *region, const char *name) {
    return strncmp(region->path, name, strlen(name)) == 0;
}

/* Whether the region is a module: a frame of the stack lies in its file, it can be executed, or its
 * name says so. */
static bool is_module(const struct report_page *page, const struct hak_report_region *region) {
    char path[HAK_REGION_PATH];
    memcpy(path, region->path, sizeof path);
    path[sizeof path - 1] = 0;
    const char *name = strrchr(path, '/');
    for (int i = 0; i < page->frames.count; i++)
        if (strcmp(page->frames.frame[i].module, path) == 0)
            return true;
    return (region->protection & PROT_EXEC) || (name && strstr(name, ".so"));
}

void report_add_mapping(struct hak_text *text, const struct report_page *page) {
    const struct hak_report_region *region = region_of(page);
    uint32_t allowed = region->protection & (PROT_READ | PROT_WRITE | PROT_EXEC);
    if (is_called(region, "[vdso]") || is_called(region, "[vvar]") ||
        is_called(region, "[vsyscall]")) {
        hak_text_add(text, "kernel memory (");
        add_base_name(text, region);
        hak_text_add(text, ")");
    } else if (is_called(region, "[stack]")) {
        hak_text_add(text, "the stack of the first thread");
    } else if (is_called(region, "[heap]")) {
        hak_text_add(text, "the C library's own heap");
    } else if (region->path[0] == '/') {
        bool module = is_module(page, region);
        hak_text_add(text, "%s of ",
                     module && (allowed & PROT_EXEC)  ? "the code"
                     : module && allowed == PROT_READ ? "the read-only data"
                     : module                         ? "the data"
                     : allowed == 0                   ? "an inaccessible mapping"
                     : (allowed & PROT_WRITE)         ? "a mapping"
                                                      : "a read-only mapping");
        add_base_name(text, region);
    } else if (allowed == 0) {
        hak_text_add(text, "%s",
                     page->facts->memory == HAK_MEMORY_HEAP_INTERNAL
                         ? "memory that hakmem keeps inaccessible, with no block in it"
                     : page->facts->memory == HAK_MEMORY_STACK
                         ? "the guard page below its thread's stack"
                         : "inaccessible memory");
    } else {
        hak_text_add(text, "%s memory that the program mapped",
                     allowed & PROT_EXEC    ? "executable"
                     : allowed & PROT_WRITE ? "writable"
                                            : "read-only");
    }
}

static const char *access_to(const struct report_page *page) {
    static const char *const words[] = {"access to", "read of", "write to", "jump into"};
    return words[page->facts->access & 3];
}

static uint64_t address_of(const struct report_page *page) {
    return page->request->signal_address;
}

bool report_is_mapped(const struct report_page *page) {
    return region_of(page)->is_known && region_of(page)->end > region_of(page)->start;
}

bool report_address_headline(struct hak_text *text, const struct report_page *page) {
    uint64_t address = address_of(page);
    if (!report_has_address(page) || page->request->full_stack_bytes != 0)
        return false;
    if (address < NULL_REACH) {
        hak_text_add(text, address == 0 ? ": null pointer" : ": null pointer plus %s",
                     hak_words_bytes(address));
        return true;
    }
    if (-address < NULL_REACH) {
        hak_text_add(text, ": null pointer minus %s", hak_words_bytes(-address));
        return true;
    }
    if (report_is_mapped(page) && page->context.signal == SIGBUS) {
        hak_text_add(text, ": %s the missing part of ", access_to(page));
        add_base_name(text, region_of(page));
        return true;
    }
    if (report_is_mapped(page) && page->facts->base == 0) {
        hak_text_add(text, ": %s ", access_to(page));
        report_add_mapping(text, page);
        return true;
    }
    return false;
}

/* Adds where the address lies between mappings: "lies 16 bytes past the end of libfoo.so's last
 * mapping". */
static void add_gap(struct hak_text *text, const struct report_page *page) {
    const struct hak_report_region *region = region_of(page);
    uint64_t address = address_of(page);
    if (region->below_end != 0 && address - region->below_end < NEAR_MAPPING_BYTES) {
        hak_text_add(text, "lies %s past the end of ",
                     address == region->below_end ? "just"
                                                  : hak_words_bytes(address - region->below_end));
        report_add_mapping(text, page);
        hak_text_add(text, "; nothing is mapped there");
    } else if (region->above_start > address &&
               region->above_start - address < NEAR_MAPPING_BYTES) {
        hak_text_add(text, "lies %s below the next mapping; nothing is mapped there",
                     hak_words_bytes(region->above_start - address));
    } else {
        hak_text_add(text, "lies far from any mapping");
    }
}

/* Adds the distance from the block that the checks name: "is 16 bytes into a live block of 56 bytes
 * (large)". */
static void add_block_distance(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    uint64_t address = address_of(page), user = facts->user, end = user + facts->asked_bytes;
    if (address < user)
        hak_text_add(text, "is %s before ", hak_words_bytes(user - address));
    else if (address >= end)
        hak_text_add(text, "is %s past the end of ", hak_words_bytes(address - end));
    else
        hak_text_add(text, "is %s into ", hak_words_bytes(address - user));
    hak_text_add(text, "a %s block of %s", facts->place == HAK_PLACE_LIVE ? "live" : "freed",
                 hak_words_bytes(facts->asked_bytes));
}

void report_address(struct hak_text *text, const struct report_page *page) {
    uint64_t address = address_of(page);
    struct hak_text about = {0};
    if (report_is_late_tag(page)) {
        hak_text_add(
            text,
            "  The access       came between the thread's last two entries into the kernel. "
            "Its address, its\n                   instruction and its block are not known.\n\n");
        return;
    }
    if (!report_has_address(page)) {
        if (report_is_general_fault(page))
            hak_text_add(text,
                         "  The address      is not known: the processor does not report it for "
                         "a non-canonical\n                   pointer or a misaligned vector "
                         "access.\n\n");
        return;
    }
    hak_text_add(text, "  The address      0x%llx ", (unsigned long long)address);
    if (page->request->full_stack_bytes != 0)
        hak_text_add(text, "lies right below the stack of its thread");
    else if (address == 0)
        hak_text_add(text, "is the null pointer");
    else if (address < NULL_REACH)
        hak_text_add(text, "is the null pointer plus %s", hak_words_bytes(address));
    else if (-address < NULL_REACH)
        hak_text_add(text, "is the null pointer minus %s", hak_words_bytes(-address));
    else if (page->facts->base != 0)
        add_block_distance(text, page);
    else if (report_describe(&about, page, address))
        hak_text_add_text(text, &about);
    else if (hak_pattern_of(address) == HAK_PATTERN_FREED)
        hak_text_add(text, "is the pattern that fills freed memory");
    else if (report_is_mapped(page)) {
        hak_text_add(text, "lies in ");
        report_add_mapping(text, page);
    } else if (region_of(page)->is_known) {
        add_gap(text, page);
    } else {
        hak_text_add(text, "lies in no block that hakmem knows");
    }
    hak_text_add(text, ".\n\n");
    hak_text_free(&about);
}
