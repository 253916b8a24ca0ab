/* Words for numbers, kinds, places and faults, from the .def tables. */
#include "report/words/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <signal.h>
#include "check.h"
#include "hop.h"
#include "signal_names.h"
#include "store/calls.h"
#include "superslab.h"
#include "trace/record.h"
#include "trace/session.h"

static char buffers[HAK_WORDS_BUFFERS][192];

static char *next_buffer(void) {
    static unsigned turn;
    return buffers[turn++ % HAK_WORDS_BUFFERS];
}

static const struct hak_fault_words fault_table[] = {
#define FAULT(NAME, number, text, tag, injection, meaning, advice)                                 \
    {number, text, tag, injection, meaning, advice},
#include "faults.def"
};
#define FAULTS (sizeof fault_table / sizeof fault_table[0])

struct kind_words {
    unsigned number;
    const char *name, *sentence;
    unsigned from, to; /* sets of places */
};

#define IN(place) (1u << HAK_PLACE_##place)
static const struct kind_words kind_table[] = {
#define HOP(name, number, from, to, sentence) {number, #name, sentence, from, to},
#define NOTE(name, number, sentence)          {number, #name, sentence, 0, 0},
#include "hops.def"
};
#undef IN
#define KINDS (sizeof kind_table / sizeof kind_table[0])

static const struct {
    unsigned number;
    const char *name, *text, *sentence;
} place_table[] = {
#define PLACE(name, number, text, sentence) {number, #name, text, sentence},
#include "hops.def"
};
#define PLACES (sizeof place_table / sizeof place_table[0])

static const struct {
    unsigned slot_bytes, band;
} class_table[] = {
#define CLASS(slot_bytes, band) {slot_bytes, band},
#include "classes.def"
#undef CLASS
};
#define CLASSES (sizeof class_table / sizeof class_table[0])

const struct hak_fault_words *hak_words_fault_at(unsigned i) {
    return i < FAULTS ? &fault_table[i] : NULL;
}

const struct hak_fault_words *hak_words_fault(unsigned code) {
    for (unsigned i = 0; i < FAULTS; i++)
        if (fault_table[i].code == code)
            return &fault_table[i];
    return NULL;
}

const struct hak_fault_words *hak_words_find_fault(const char *text) {
    const char *digits = strncasecmp(text, "HKM-", 4) == 0 ? text + 4 : text;
    if (*digits && strspn(digits, "0123456789") == strlen(digits))
        return strlen(digits) > 6 ? NULL : hak_words_fault((unsigned)atoi(digits));
    size_t length = strlen(text);
    bool bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
    const char *name = bracketed ? text + 1 : text;
    size_t name_length = bracketed ? length - 2 : length;
    for (unsigned i = 0; i < FAULTS; i++) {
        const char *candidates[2] = {fault_table[i].name, fault_table[i].tag};
        for (int k = 0; k < 2; k++)
            if (name_length > 0 && strlen(candidates[k]) == name_length &&
                strncasecmp(candidates[k], name, name_length) == 0)
                return &fault_table[i];
    }
    return NULL;
}

/* The words of a record's kind; NULL: it is not known. */
static const struct kind_words *kind_of(unsigned kind) {
    for (unsigned i = 0; i < KINDS; i++)
        if (kind_table[i].number == kind)
            return &kind_table[i];
    return NULL;
}

const char *hak_words_kind(unsigned kind) {
    const struct kind_words *words = kind_of(kind);
    if (words)
        return words->name;
    char *out = next_buffer();
    snprintf(out, sizeof buffers[0], "KIND %u", kind);
    return out;
}

const char *hak_words_kind_at(unsigned i) {
    return i < KINDS ? kind_table[i].name : NULL;
}

int hak_words_kind_number(const char *name) {
    for (unsigned i = 0; i < KINDS; i++)
        if (strcasecmp(kind_table[i].name, name) == 0)
            return (int)kind_table[i].number;
    return -1;
}

const char *hak_words_kind_sentence(unsigned kind) {
    const struct kind_words *words = kind_of(kind);
    return words ? words->sentence : "a kind of record that this hakmem does not know";
}

const char *hak_words_place(unsigned place) {
    for (unsigned i = 0; i < PLACES; i++)
        if (place_table[i].number == place)
            return place_table[i].text;
    return "unknown place";
}

const char *hak_words_place_sentence(unsigned place) {
    for (unsigned i = 0; i < PLACES; i++)
        if (place_table[i].number == place)
            return place_table[i].sentence;
    return "in a place that this hakmem does not know";
}

bool hak_words_find_place(const char *text, unsigned *place) {
    for (unsigned i = 0; i < PLACES; i++) {
        *place = place_table[i].number;
        if (strcasecmp(place_table[i].name, text) == 0 ||
            strcasecmp(place_table[i].text, text) == 0)
            return true;
    }
    return false;
}

bool hak_words_is_thread_place(unsigned place) {
    const unsigned shared = 1u << HAK_PLACE_SLAB | 1u << HAK_PLACE_REMOTE;
    return place < 32 && (kind_of(HAK_LEFT_SPILL)->from & ~shared) >> place & 1;
}

bool hak_words_touches_place(const struct hak_event *event, unsigned place) {
    const struct kind_words *words = kind_of(event->kind);
    if (!words || !hak_event_is_move(event))
        return false;
    return event->place == place || (!hak_event_is_call(event) && words->from == 1u << place);
}

/* The names of the places of a set, in one of the shared buffers. */
static const char *place_set(unsigned set, const char *between) {
    char *out = next_buffer();
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < PLACES && used < sizeof buffers[0]; i++)
        if (set >> place_table[i].number & 1)
            used += (size_t)snprintf(out + used, sizeof buffers[0] - used, "%s%s",
                                     used > 0 ? between : "", place_table[i].text);
    return out;
}

const char *hak_words_allowed_from(unsigned kind) {
    const struct kind_words *words = kind_of(kind);
    return words ? place_set(words->from, " or ") : "";
}

const char *hak_words_move(unsigned kind, unsigned place) {
    const struct kind_words *words = kind_of(kind);
    if (!words || kind <= HAK_REALLOC_FROM || !words->from)
        return NULL;
    unsigned from = words->from & ~(1u << HAK_PLACE_UNTOUCHED);
    if (__builtin_popcount(from) > 2)
        return words->sentence; /* the record does not hold which of them it was */
    unsigned to = __builtin_popcount(words->to) > 1 && place < 32 ? 1u << place : words->to;
    char *out = next_buffer();
    snprintf(out, sizeof buffers[0], "%s -> %s", place_set(from, "/"), place_set(to, "/"));
    return out;
}

const char *hak_words_number(uint64_t value) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    char *out = next_buffer(), *to = out;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *hak_words_offset(int64_t value) {
    uint64_t size = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    char *out = next_buffer();
    snprintf(out, sizeof buffers[0], "%c%s", value < 0 ? '-' : '+', hak_words_number(size));
    return out;
}

const char *hak_words_count(uint64_t value, const char *one, const char *many) {
    char *out = next_buffer();
    snprintf(out, sizeof buffers[0], "%s %s", hak_words_number(value), value == 1 ? one : many);
    return out;
}

const char *hak_words_watched(uint64_t blocks, uint64_t calls) {
    if (blocks == 0)
        return "no block was watched";
    if (calls <= blocks)
        return "every block was watched";
    uint64_t of = (calls + blocks / 2) / blocks;
    if (of < 2)
        return "nearly every block was watched";
    char *out = next_buffer();
    snprintf(out, sizeof buffers[0], "1 of %s blocks was watched", hak_words_number(of));
    return out;
}

const char *hak_words_bytes(uint64_t bytes) {
    return hak_words_count(bytes, "byte", "bytes");
}

const char *hak_words_size(uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024)
        return hak_words_bytes(bytes);
    double value = (double)bytes / 1024;
    int unit = 0;
    while (value >= 1024 && unit < 3) {
        value /= 1024;
        unit++;
    }
    char *out = next_buffer();
    snprintf(out, sizeof buffers[0], "%.1f %s", value, units[unit]);
    return out;
}

const char *hak_words_time(uint64_t ns) {
    char *out = next_buffer();
    snprintf(out, sizeof buffers[0], "%s.%03u s", hak_words_number(ns / 1000000000),
             (unsigned)(ns / 1000000 % 1000));
    return out;
}

const char *hak_words_ago(uint64_t ns) {
    char *out = next_buffer();
    if (ns < 1000000)
        snprintf(out, sizeof buffers[0], "%llu us", (unsigned long long)ns / 1000);
    else if (ns < 1000000000)
        snprintf(out, sizeof buffers[0], "%llu ms", (unsigned long long)ns / 1000000);
    else
        snprintf(out, sizeof buffers[0], "%s.%u s", hak_words_number(ns / 1000000000),
                 (unsigned)(ns / 100000000 % 10));
    return out;
}

void hak_words_add_late(struct hak_text *text, const char *const *modules) {
    enum { NAMED = 3 };
    hak_text_add(text, "the symbols of ");
    for (int i = 0; i <= NAMED && modules[i]; i++)
        hak_text_add(text, "%s%s",
                     i == 0                        ? ""
                     : modules[i + 1] && i < NAMED ? ", "
                                                   : " and ",
                     i < NAMED ? hak_words_path(modules[i], 1, false) : "others");
    hak_text_add(text, " were not read in time: frames there have no names yet");
}

const char *hak_words_quoted(uint64_t number, const char *name) {
    char *out = next_buffer();
    struct hak_text text = {0};
    hak_text_add_name(&text, name);
    snprintf(out, sizeof buffers[0], "%s \"%s\"", hak_words_number(number), hak_text_string(&text));
    hak_text_free(&text);
    return out;
}

const char *hak_words_class(struct hak_store_reader *r, unsigned class_index) {
    if (class_index == HAK_CLASS_NONE)
        return r && hak_store_is_kept(r) ? "no class" : "large";
    uint64_t slot_bytes;
    unsigned band = 0;
    bool known = r ? hak_store_class(r, class_index, &slot_bytes, &band) : class_index < CLASSES;
    if (!known)
        return "C?";
    if (!r)
        band = class_table[class_index].band;
    char *out = next_buffer();
    snprintf(out, sizeof buffers[0], "C%u", band);
    return out;
}

uint64_t hak_words_slot_bytes(struct hak_store_reader *r, unsigned class_index) {
    uint64_t slot_bytes = 0;
    unsigned band;
    if (r)
        return hak_store_class(r, class_index, &slot_bytes, &band) ? slot_bytes : 0;
    return class_index < CLASSES ? class_table[class_index].slot_bytes : 0;
}

const char *hak_words_signal(unsigned signal) {
    char *out = next_buffer();
    const char *name = hak_signal_name(signal);
    if (name)
        snprintf(out, sizeof buffers[0], "SIG%s", name);
    else
        snprintf(out, sizeof buffers[0], "signal %u", signal);
    return out;
}

const char *hak_words_call(const struct hak_event *event) {
    char *out = next_buffer();
    const char *size = hak_words_number(event->size);
    switch (event->kind) {
    case HAK_MALLOC:
        snprintf(out, sizeof buffers[0], "%s(%s)", hak_call_taken(event->subkind), size);
        return out;
    case HAK_REALLOC:
        if (event->flags & HAK_RECORD_ILLEGAL)
            return "realloc"; /* refused: its size is the block's, not the requested one */
        snprintf(out, sizeof buffers[0], "realloc(%s)", size);
        return out;
    case HAK_FREE:
        return hak_call_given(event->subkind);
    case HAK_REALLOC_FROM:
        return "realloc moved";
    default:
        return hak_words_kind(event->kind);
    }
}

const char *hak_words_route(const struct hak_event *event) {
    if (hak_event_is_call(event) && (event->flags & HAK_RECORD_ILLEGAL))
        return "refused";
    if (event->kind == HAK_REALLOC && event->place == HAK_PLACE_LIVE)
        return "in place";
    char *out = next_buffer();
    if (event->kind == HAK_MALLOC || event->kind == HAK_REALLOC)
        snprintf(out, sizeof buffers[0], "served by %s", hak_words_place(event->place));
    else if (event->kind == HAK_FREE || event->kind == HAK_REALLOC_FROM)
        snprintf(out, sizeof buffers[0], "into %s", hak_words_place(event->place));
    else {
        const char *move = hak_words_move(event->kind, event->place);
        return move ? move : "";
    }
    return out;
}

const char *hak_words_path(const char *path, int parts, bool is_hakmem) {
    if (is_hakmem) {
        const char *own = strstr(path, "src/");
        for (const char *next = own; next; next = strstr(next + 1, "/src/"))
            own = *next == '/' ? next + 1 : next;
        return own ? own : path;
    }
    const char *from = path + strlen(path);
    while (from > path) {
        if (from[-1] == '/' && --parts <= 0)
            break;
        from--;
    }
    return from;
}

void hak_words_add_location(struct hak_text *text, const struct hak_frame *frame, int parts) {
    if (frame->file && frame->file[0]) {
        hak_text_add_name(text, hak_words_path(frame->file, parts, frame->is_hakmem));
        if (frame->line > 0)
            hak_text_add(text, ":%u", frame->line);
    } else if (frame->module && frame->module[0]) {
        hak_text_add_name(text, hak_words_path(frame->module, 1, false));
        hak_text_add(text, "+0x%llx", (unsigned long long)frame->module_offset);
    } else {
        hak_text_add(text, "0x%llx in no module", (unsigned long long)frame->ip);
    }
}

void hak_words_add_place(struct hak_text *text, const struct hak_frame *frame, int parts) {
    hak_words_add_function(text, frame->function);
    hak_text_add(text, " ");
    hak_words_add_location(text, frame, parts);
}

const char *hak_words_unwatched(unsigned why) {
    switch (why) {
    case EACCES:
    case EPERM:
        return "perf_event_open is not allowed (kernel.perf_event_paranoid above 2, or a sandbox)";
    case ENOSPC:
        return "others use the debug registers (a debugger's watchpoints)";
    case HAK_UNWATCHED_OLD_KERNEL:
        return "it needs Linux 5.18";
    case HAK_UNWATCHED_CLOSED:
        return "the program closed the descriptors of the debug registers";
    case HAK_UNWATCHED_SANDBOX:
        return "it ended when the program entered a seccomp sandbox";
    case HAK_UNWATCHED_LEVEL:
        return "it needs level normal and layout header";
    case HAK_UNWATCHED_NO_HANDLER:
        return "the program has taken SIGTRAP for itself, or Valgrind runs it";
    case HAK_UNWATCHED_TRACED:
        return "perf_event_open is not allowed, and a debugger traces the program";
    case HAK_UNWATCHED_BARRED:
        return "neither perf_event_open (kernel.perf_event_paranoid above 2, or a sandbox) nor "
               "ptrace is allowed";
    case HAK_UNWATCHED_DEAF:
        return "debug registers do not fire on this machine";
    case HAK_UNWATCHED_PROCESSOR:
        return "debug registers are used on x86-64 only";
    default:
        return strerror((int)why);
    }
}
