/* Describes the address of a crash: the kernel's mapping there, how it was touched, and what the
 * checks say of it. */
#include <signal.h>
#include <string.h>
#include "decode/decode.h"
#include "fault_codes.h"
#include "platform/platform.h"
#include "platform/maps.h"
#include "platform/raw_call.h"
#include "platform/tags.h"
#include "superslab.h"
#include "trace/crash/crash.h"
#include "trace/crash/processor.h"
#include "trace/trace.h"
#include "unwind/stack_memory.h"
#include HAK_ARCH_FILE(instruction.h)

enum {
    GREATEST_STACK = 256 << 20,
    GREATEST_GUARD = 16 << 20,
};

static const struct hak_trace_checks *guard_checks;

void hak_trace_set_checks(const struct hak_trace_checks *the_checks) {
    guard_checks = the_checks;
}

void hak_crash_count_guarded(uint64_t *calls, uint64_t *blocks) {
    *calls = *blocks = 0;
    if (guard_checks && guard_checks->count_guarded)
        guard_checks->count_guarded(calls, blocks);
}

void hak_crash_each_life(bool again, void (*visit)(void *, const struct hak_guarded_life *),
                         void *context) {
    if (guard_checks && guard_checks->each_life)
        guard_checks->each_life(again, visit, context);
}

/* Fills in the mapping at `address`, or what lies around the gap. A private one of /dev/zero, as
 * guarded blocks lie in, is memory of no file. */
static void look_at_maps(uint64_t address, struct hak_report_region *region) {
    static struct hak_maps maps; /* one thread reports at a time */
    struct hak_mapping line, below = {.end = 0};
    *region = (struct hak_report_region){0};
    if (!hak_maps_begin(&maps))
        return;
    while (hak_maps_next(&maps, &line) && line.end <= address)
        below = line;
    hak_maps_end(&maps);
    bool is_mapped = line.start <= address && address < line.end;
    const struct hak_mapping *named = is_mapped ? &line : &below;
    if (strcmp(named->path, "/dev/zero") != 0)
        memcpy(region->path, named->path, sizeof region->path);
    region->protection = named->protection;
    region->start = is_mapped ? line.start : 0;
    region->end = is_mapped ? line.end : 0;
    region->below_end = is_mapped ? 0 : below.end;
    region->above_start = is_mapped ? 0 : line.start;
    region->is_known = 1;
}

/* Guard pages that are no mapping of their own (MADV_GUARD_INSTALL, which glibc 2.42 closes the end
 * of a thread's stack with): the kernel lists them as part of what can be written. */
static void look_for_guard(uint64_t address, struct hak_report_region *region) {
    uint64_t page = address & ~(uint64_t)(HAK_PAGE_BYTES - 1), first = page,
             end = page + HAK_PAGE_BYTES;
    if (!region->is_known || (region->protection & PROT_READ) == 0 || page < region->start ||
        page >= region->end || hak_raw_readable(page))
        return;
    while (first > region->start && page - first < GREATEST_GUARD &&
           !hak_raw_readable(first - HAK_PAGE_BYTES))
        first -= HAK_PAGE_BYTES;
    while (end < region->end && end - page < GREATEST_GUARD && !hak_raw_readable(end))
        end += HAK_PAGE_BYTES;
    region->start = first;
    region->end = end;
    region->protection = PROT_NONE;
}

/* ---- the address -------------------------------------------------------------------------------
 */

static enum hak_access access_of(const struct hak_incident *incident) {
    if (incident->trap != HAK_EXCEPTION_PAGE)
        return HAK_ACCESS_UNKNOWN;
    return incident->trap_error & HAK_PAGE_ERROR_FETCH   ? HAK_ACCESS_EXECUTE
           : incident->trap_error & HAK_PAGE_ERROR_WRITE ? HAK_ACCESS_WRITE
                                                         : HAK_ACCESS_READ;
}

/* Bytes of the vector that the instruction takes, when it is one of AVX or AVX-512 and the address
 * a multiple of them: a search for the end of a string begins in front of it then. 0 where it is
 * none, and for those of 16 bytes, which are no more than what a block begins at. */
static uint32_t vector_bytes(const struct hak_incident *incident) {
    uintptr_t ip = incident->registers.value[HAK_REGISTER_IP];
    const uint8_t *code = (const uint8_t *)ip;
    if (!hak_raw_readable(ip & ~(uintptr_t)7) || !hak_raw_readable((ip + 3) & ~(uintptr_t)7))
        return 0;
    uint32_t bytes = hak_wide_vector_bytes(code);
    return bytes != 0 && incident->address % bytes == 0 ? bytes : 0;
}

static bool is_access(uint32_t signal, int code) {
    return signal == SIGSEGV &&
           (code == SEGV_MAPERR || code == SEGV_ACCERR || code == HAK_TAGS_FAULT);
}

/* ---- memory tags ------------------------------------------------------------------------------
 *
 * The tag of the pointer comes with the address of an access by a wrong one (SA_EXPOSE_TAGBITS),
 * and is kept aside: every address here is one without. */

enum { TOP_BYTE_SHIFT = 56, USERS_HALF_BIT = 55, TOP_BITS_SHIFT = 60 };

/* Of the access that the calling thread's last signal told of, with HAK_FACTS_TAG; 0 = it was
 * another signal. */
static _Thread_local uint8_t wrong_tag __attribute__((tls_model("initial-exec")));

void hak_crash_take_tag(siginfo_t *info) {
    uintptr_t address = (uintptr_t)info->si_addr;
    wrong_tag = 0;
    if (!hak_tags_are_known() || info->si_signo != SIGSEGV || info->si_code <= 0)
        return;
    if (info->si_code == HAK_TAGS_FAULT)
        wrong_tag = (uint8_t)(HAK_FACTS_TAG | hak_tag_of_pointer(info->si_addr));
    if (address >> TOP_BITS_SHIFT != 0 && !(address >> USERS_HALF_BIT & 1))
        wrong_tag &= HAK_FACTS_TAG; /* no tag of ours has more bits */
    if (address >> USERS_HALF_BIT & 1)
        return;
    address &= ((uintptr_t)1 << TOP_BYTE_SHIFT) - 1;
    if (wrong_tag != 0)
        address = hak_tags_first_wrong(address, wrong_tag % HAK_TAGS);
    info->si_addr = (void *)address;
}

bool hak_crash_allows_tag(uint64_t address, const struct hak_registers *registers) {
    return wrong_tag != 0 && guard_checks && guard_checks->allows_tag &&
           guard_checks->allows_tag(address, wrong_tag % HAK_TAGS, registers->value, HAK_REGISTERS);
}

bool hak_crash_tag_fits(uint64_t address) {
    return !hak_tags_are_given() || hak_tag_at((const void *)address) == wrong_tag % HAK_TAGS;
}

bool hak_crash_is_by_tag(void) {
    return wrong_tag != 0;
}

/* The address as guard is asked about it. */
static uint64_t with_tag(uint64_t address, int code) {
    return code == HAK_TAGS_FAULT ? address | (uint64_t)wrong_tag << TOP_BYTE_SHIFT : address;
}

/* ---- an index out of range ---------------------------------------------------------------------
 *
 * Far from any block nothing tells whose the access was, but how the address came about: it is the
 * first byte of a live block (or a member of its first element) plus what a register holds, times
 * the size of an element. */

enum { MEMBER_BYTES = 64 };

/* `address` lies in the first element of a live block, which `found` is about then. */
static bool is_first_element(uint64_t address, struct hak_fault_facts *found) {
    *found = (struct hak_fault_facts){
        .found_address = address, .class_found = HAK_CLASS_NONE, .class_due = HAK_CLASS_NONE};
    if (address < HAK_PAGE_BYTES)
        return false;
    guard_checks->describe(found, false);
    uint64_t offset = address - found->user;
    return found->memory == HAK_MEMORY_INSIDE_LIVE && offset < found->asked_bytes &&
           offset < MEMBER_BYTES;
}

static void look_for_index(struct hak_incident *incident) {
    for (int i = 0; i < HAK_REGISTER_IP; i++) {
        uint64_t index = incident->registers.value[i];
        for (uint64_t scale = 1; scale <= HAK_INDEX_SCALE_MAX && index != 0; scale *= 2) {
            struct hak_fault_facts found;
            if (!is_first_element(incident->address - index * scale, &found))
                continue;
            uint64_t distance = incident->address - found.user;
            if (distance < found.asked_bytes)
                continue;
            found.access = incident->facts.access;
            found.found_address = incident->address;
            found.offset = (int64_t)distance;
            found.memory = HAK_MEMORY_UNKNOWN;
            found.fault = (int64_t)distance < 0 ? HAK_FAULT_HEAP_BUFFER_UNDERFLOW
                                                : HAK_FAULT_HEAP_BUFFER_OVERFLOW;
            incident->facts = found;
            return;
        }
    }
}

/* Is the barred page below the stack of the thread that touched it? */
static bool is_own_guard(const struct hak_incident *incident, uintptr_t end) {
    uintptr_t top = hak_stack_bounds.high;
    if (top <= end || top - end > GREATEST_STACK)
        return false;
    for (uintptr_t page = end; page < top; page += HAK_PAGE_BYTES)
        if (!hak_raw_readable(page))
            return false;
    return incident->registers.value[HAK_REGISTER_SP] - end < top - end;
}

void hak_crash_look_at_address(struct hak_incident *incident) {
    struct hak_report_region *region = &incident->region;
    if (incident->facts.fault || incident->code <= 0 ||
        hak_crash_is_late_tag(incident->signal, incident->code))
        return;
    incident->facts.access = access_of(incident);
    if (incident->trap == HAK_EXCEPTION_PROTECTION || incident->trap == HAK_EXCEPTION_STACK) {
        if (guard_checks)
            hak_crash_look_at_words(incident, guard_checks);
        return;
    }
    if (!is_access(incident->signal, incident->code) && incident->signal != SIGBUS)
        return;
    look_at_maps(incident->address, region);
    if (is_access(incident->signal, incident->code))
        look_for_guard(incident->address, region);
    bool is_free = region->is_known && region->start == region->end;
    bool is_closed = region->protection == PROT_NONE && region->path[0] == 0;
    bool is_barred = region->is_known && (is_free || is_closed);
    if (!guard_checks || !is_access(incident->signal, incident->code) ||
        incident->full_stack_bytes != 0)
        return;
    incident->facts.access_bytes =
        incident->facts.access == HAK_ACCESS_READ ? vector_bytes(incident) : 0;
    incident->facts.found_address = with_tag(incident->facts.found_address, incident->code);
    guard_checks->describe(&incident->facts, is_barred);
    if (is_barred && !incident->facts.fault)
        look_for_index(incident);
    if (is_closed && !incident->facts.memory && is_own_guard(incident, region->end))
        incident->facts.memory = HAK_MEMORY_STACK;
    if (is_barred && !incident->facts.fault && incident->facts.base == 0)
        hak_crash_look_at_words(incident, guard_checks);
}

void hak_crash_look_at_mapping(struct hak_incident *incident) {
    look_at_maps(incident->facts.found_address, &incident->region);
}

void hak_crash_look_at_heap(struct hak_incident *incident) {
    struct hak_fault_facts facts = {0};
    if (!incident->facts.fault && guard_checks && guard_checks->look_at_all &&
        guard_checks->look_at_all(&facts) > 0)
        incident->facts = facts;
}

bool hak_crash_is_heap_fault(int signal, int code, uint64_t address) {
    if (!is_access((uint32_t)signal, code) || !guard_checks)
        return false;
    struct hak_fault_facts facts = {.found_address = with_tag(address, code)};
    guard_checks->describe(&facts, false);
    return facts.fault != 0;
}

void hak_crash_find_block(uint64_t address, struct hak_report_pointed *found) {
    address = (uint64_t)(uintptr_t)hak_untagged((const void *)(uintptr_t)address);
    struct hak_fault_facts facts = {
        .found_address = address, .class_found = HAK_CLASS_NONE, .class_due = HAK_CLASS_NONE};
    *found = (struct hak_report_pointed){.user = 0};
    if (!guard_checks || address < HAK_PAGE_BYTES || address >> HAK_ADDRESS_BITS != 0)
        return;
    guard_checks->describe(&facts, false);
    if (facts.base == 0)
        return;
    found->user = facts.user;
    found->asked_bytes = facts.asked_bytes;
    found->is_live = facts.place == HAK_PLACE_LIVE;
}

enum hak_trapped hak_crash_trapped(const void *siginfo, const struct hak_stopped *stopped,
                                   struct hak_fault_facts *facts) {
    return guard_checks && guard_checks->trapped ? guard_checks->trapped(siginfo, stopped, facts)
                                                 : HAK_TRAPPED_NOT;
}

bool hak_crash_open_closed(uint64_t address, uint64_t stack_pointer) {
    return guard_checks && guard_checks->open_closed &&
           guard_checks->open_closed(address, stack_pointer);
}

bool hak_crash_is_less_aligned(uint64_t address) {
    return guard_checks && guard_checks->is_less_aligned && guard_checks->is_less_aligned(address);
}

bool hak_crash_reopen(uint64_t address) {
    return guard_checks && guard_checks->reopen && guard_checks->reopen(address);
}
