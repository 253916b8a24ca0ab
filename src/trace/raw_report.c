/* What a dying program says itself when there is no collector: numbers, and frames as module and
 * offset, for addr2line. */
#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include "trace/crash.h"
#include "trace/say.h"
#include "trace/trace.h"

static const struct {
    uint32_t number;
    const char *name;
} faults[] = {
#define FAULT(NAME, number, name, tag, injection, meaning, advice) {number, name},
#include "faults.def"
};

static const char *fault_name(uint32_t number) {
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        if (faults[i].number == number)
            return faults[i].name;
    return "unknown-fault";
}

static const char *signal_name(uint32_t number) {
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGABRT:
        return "SIGABRT";
    case SIGILL:
        return "SIGILL";
    case SIGFPE:
        return "SIGFPE";
    case SIGTRAP:
        return "SIGTRAP";
    default:
        return "a signal";
    }
}

static void say_frame(size_t index, uintptr_t ip) {
    struct hak_text line = {0};
    struct dl_find_object object;
    hak_text_add(&line, "    #");
    hak_text_add_number(&line, index);
    hak_text_add(&line, " ");
    hak_text_add_hex(&line, ip);
    if (_dl_find_object((void *)ip, &object) == 0 && object.dlfo_link_map) {
        const char *name = object.dlfo_link_map->l_name;
        hak_text_add(&line, " ");
        hak_text_add(&line, name && name[0] ? name : "(the program)");
        hak_text_add(&line, "+");
        hak_text_add_hex(&line, ip - object.dlfo_link_map->l_addr);
    }
    hak_text_add(&line, "\n");
    hak_text_say(&line);
}

static void add_field(struct hak_text *line, const char *name, uint64_t value) {
    if (value == 0)
        return;
    hak_text_add(line, name);
    hak_text_add_hex(line, value);
}

void hak_raw_report(const struct hak_incident *incident) {
    enum { FRAMES_SHOWN = 40 };
    const struct hak_fault_facts *facts = incident->facts;
    struct hak_text line = {0};
    hak_text_add(&line, "hakmem: ");
    if (facts->fault) {
        hak_text_add(&line, "HKM-");
        hak_text_add_number(&line, facts->fault);
        hak_text_add(&line, " ");
        hak_text_add(&line, fault_name(facts->fault));
    } else {
        hak_text_add(&line, signal_name(incident->signal));
    }
    hak_text_add(&line, " at ");
    hak_text_add_hex(&line, facts->found_address);
    hak_text_add(&line, ", thread ");
    hak_text_add_number(&line, hak_trace_thread());
    hak_text_add(&line, " (raw report: no collector is there to write the whole one)\n");
    add_field(&line, "  base ", facts->base);
    add_field(&line, "  user ", facts->user);
    add_field(&line, "  asked ", facts->asked_bytes);
    add_field(&line, "  slot ", facts->slot_bytes);
    add_field(&line, "  SuperSlab ", facts->superslab);
    if (facts->base || facts->superslab)
        hak_text_add(&line, "\n");
    hak_text_say(&line);
    for (size_t i = 0; i < incident->frame_count && i < FRAMES_SHOWN; i++)
        say_frame(i, incident->frames[i]);
    hak_text_add(&line, "SUMMARY: hakmem: ");
    hak_text_add(&line, facts->fault ? fault_name(facts->fault) : signal_name(incident->signal));
    add_field(&line, " address=", facts->found_address);
    hak_text_add(&line, " store=none\n");
    hak_text_say(&line);
}
