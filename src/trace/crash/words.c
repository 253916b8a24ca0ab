/* Finds the blocks that poisoned registers name: memory around and in blocks is filled with words
 * that name their block (pattern.h), and a program that uses one as an address or an index has read
 * it there.
 *
 *   the register that the instruction takes its address from holds
 *     a word that names one block    the fault is known, and whose it is
 *     that of a header               the same where nothing lives right in front of its block, or
 *                                    the instructions before show with which pointer it was read;
 *                                    else both blocks are candidates
 *     one that names several, or an earlier life of a block; a part of a word (a read of four
 *     bytes, or of bytes of two kinds)    candidates: all blocks that are named; freed blocks to
 *                                         which registers or the innermost stack lead */
#include "decode/decode.h"
#include "fault_codes.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "superslab.h"
#include "trace/crash/crash.h"
#include "trace/crash/processor.h"
#include "trace/pattern.h"
#include "trace/trace.h"

enum {
    STACK_BYTES = 512, /* looked at: the innermost frame or two */
    SAME_BYTES = 3,    /* of a word, that are no chance */
};

/* Where the failed instruction took its address from. */
struct source {
    hak_register_bits registers;    /* base and index of its operands, or a jump's target */
    const struct hak_operand *jump; /* jump or call to where the word there leads; NULL = none */
    struct hak_decoded decoded;
};

static void find_source(const struct hak_registers *registers, struct source *source) {
    uint64_t code = registers->value[HAK_REGISTER_IP];
    struct hak_decoded *decoded = &source->decoded;
    const hak_register_bits one = 1;
    *source = (struct source){.registers = 0};
    if (hak_pattern_of(code) != HAK_PATTERN_NONE) { /* the jump has been made */
        source->registers = (hak_register_bits)1 << HAK_REGISTER_IP;
        return;
    }
    if (!hak_crash_decode(code, decoded))
        return;
    for (unsigned i = 0; i < decoded->count; i++) {
        const struct hak_operand *operand = &decoded->operands[i];
        source->registers |= operand->base >= 0 ? one << operand->base : 0;
        source->registers |= operand->index >= 0 ? one << operand->index : 0;
    }
    if (decoded->is_jump && decoded->source >= 0)
        source->registers |= one << decoded->source;
    source->registers &= ~((hak_register_bits)1 << HAK_REGISTER_SP);
    const struct hak_operand *first = decoded->operands;
    if (decoded->is_jump && first->reads && !first->moves &&
        (first->base >= 0 || first->index >= 0))
        source->jump = first;
}

/* A jump through memory: where it leads is what was read there, and `registers` has that for rip.
 */
static void take_target(const struct hak_operand *jump, struct hak_registers *registers) {
    uint64_t address = hak_operand_address(jump, registers->value, 0);
    if (hak_raw_readable(address))
        __builtin_memcpy(&registers->value[HAK_REGISTER_IP], (const void *)(uintptr_t)address,
                         sizeof registers->value[HAK_REGISTER_IP]);
}

static void add_candidate(struct hak_incident *incident, const struct hak_named *named,
                          uint64_t value, unsigned reg) {
    uint32_t count = incident->candidate_count;
    for (uint32_t i = 0; i < count; i++)
        if (incident->candidates[i].user == named->facts.user)
            return;
    if (count == HAK_REPORT_CANDIDATES)
        return;
    incident->candidates[count] = (struct hak_report_candidate){
        .value = value,
        .user = named->facts.user,
        .asked_bytes = named->facts.asked_bytes,
        .named_as = named->as,
        .reg = reg,
    };
    incident->candidate_count = count + 1;
}

/* ---- whole words -------------------------------------------------------------------------------
 */

static void prove(struct hak_incident *incident, const struct hak_named *named) {
    uint32_t access = incident->facts.access;
    incident->facts = named->facts;
    incident->facts.access = access;
    incident->facts.found_by = HAK_FOUND_BY_ACCESS;
    incident->candidate_count = 0;
    if (named->as == HAK_NAMED_FREED) {
        incident->facts.fault = HAK_FAULT_USE_AFTER_FREE;
        incident->facts.memory = HAK_MEMORY_INSIDE_FREE;
    } else if (named->as == HAK_NAMED_IN_FRONT) {
        incident->facts.fault = HAK_FAULT_HEAP_BUFFER_UNDERFLOW;
    } else {
        incident->facts.fault = HAK_FAULT_HEAP_BUFFER_OVERFLOW;
        if (incident->facts.offset == 0) /* some word of the canary */
            incident->facts.offset = (int64_t)named->facts.asked_bytes;
    }
}

/* A header lies between two blocks: in front of `behind`, past the end of `before`. The pointer
 * with which it was read tells whose end was passed. */
static void weigh_header(struct hak_incident *incident, const struct hak_trace_checks *checks,
                         const struct source *source, const struct hak_named *behind) {
    struct hak_named before;
    uint64_t pointers[2], address = behind->facts.user + (uint64_t)behind->facts.offset;
    unsigned reg = incident->candidates[0].reg, count = 1, of_before = 0, of_behind = 0;
    if (!checks->find_before(behind, &before)) {
        prove(incident, behind);
        return;
    }
    if (source->jump && source->jump->base >= 0)
        pointers[0] = incident->registers.value[source->jump->base];
    else
        count = hak_crash_loaded_by(&incident->registers, reg, address, pointers);
    for (unsigned i = 0; i < count; i++) {
        of_before += pointers[i] - before.facts.user <= before.facts.asked_bytes;
        of_behind += pointers[i] - behind->facts.user <= behind->facts.asked_bytes;
    }
    if (of_before != of_behind && (of_before == 0 || of_behind == 0))
        prove(incident, of_before ? &before : behind);
    else
        add_candidate(incident, &before, incident->candidates[0].value, reg);
}

/* Adds the blocks that the registers in `looked_at` name, the last in `named`. */
static void look_for_words(struct hak_incident *incident, const struct hak_trace_checks *checks,
                           const struct hak_registers *registers, hak_register_bits looked_at,
                           struct hak_named *named) {
    for (unsigned i = 0; i < HAK_REGISTERS; i++) {
        struct hak_named found[HAK_REPORT_CANDIDATES];
        uint64_t value = registers->value[i];
        if (!(looked_at >> i & 1))
            continue;
        unsigned count = checks->find_named(value, found, HAK_REPORT_CANDIDATES);
        for (unsigned k = 0; k < count; k++) {
            add_candidate(incident, &found[k], value, i);
            *named = found[k];
        }
    }
}

/* ---- parts of words ----------------------------------------------------------------------------
 */

/* A read of four bytes, with or without a sign, times the size of an element. */
static bool is_half(uint64_t value, uint32_t half) {
    for (unsigned scale = 1; scale <= HAK_INDEX_SCALE_MAX; scale *= 2)
        if (value == (uint64_t)half * scale || value == (uint64_t)(int32_t)half * scale)
            return true;
    return false;
}

/* A register whose value shares so much with `word` that it may have been read from there. */
static bool holds_part(const struct hak_registers *registers, hak_register_bits looked_at,
                       uint64_t word, unsigned *reg) {
    for (unsigned i = 0; i < HAK_REGISTER_IP; i++) {
        uint64_t value = registers->value[i];
        if (!(looked_at >> i & 1))
            continue;
        *reg = i;
        if (is_half(value, (uint32_t)word) || is_half(value, (uint32_t)(word >> 32)))
            return true;
        unsigned same = 0;
        for (unsigned byte = 0; byte < 8; byte++)
            same += hak_pattern_byte(value, byte) == hak_pattern_byte(word, byte);
        if (same >= SAME_BYTES)
            return true;
    }
    return false;
}

static void look_behind(struct hak_incident *incident, const struct hak_trace_checks *checks,
                        hak_register_bits looked_at, uint64_t pointer) {
    uint64_t word = pointer < HAK_PAGE_BYTES ? 0 : checks->word_in(pointer);
    struct hak_named named = {.as = HAK_NAMED_NEARBY};
    unsigned reg = 0;
    if (!word || !holds_part(&incident->registers, looked_at, word, &reg))
        return;
    named.facts.found_address = pointer;
    checks->describe(&named.facts, false);
    if (named.facts.fault == HAK_FAULT_USE_AFTER_FREE)
        add_candidate(incident, &named, incident->registers.value[reg], reg);
}

static void look_for_parts(struct hak_incident *incident, const struct hak_trace_checks *checks,
                           hak_register_bits looked_at) {
    const struct hak_registers *registers = &incident->registers;
    for (unsigned i = 0; i < HAK_REGISTER_IP; i++)
        look_behind(incident, checks, looked_at, registers->value[i]);
    uintptr_t from = (registers->value[HAK_REGISTER_SP] - HAK_RED_ZONE_BYTES) & ~(uintptr_t)7;
    for (uintptr_t at = from; at < from + STACK_BYTES; at += 8)
        if (hak_raw_readable(at))
            look_behind(incident, checks, looked_at, *(const uint64_t *)at);
}

void hak_crash_look_at_words(struct hak_incident *incident, const struct hak_trace_checks *checks) {
    struct source source;
    find_source(&incident->registers, &source);
    struct hak_registers registers = incident->registers;
    hak_register_bits looked_at =
        source.registers ? source.registers : ((hak_register_bits)1 << HAK_REGISTER_IP) - 1;
    struct hak_named named = {.as = HAK_NAMED_NOT};
    if (source.jump) {
        take_target(source.jump, &registers);
        looked_at |= (hak_register_bits)1 << HAK_REGISTER_IP;
    }
    look_for_words(incident, checks, &registers, looked_at, &named);
    if (source.registers && incident->candidate_count == 1 &&
        (named.as == HAK_NAMED_FREED || named.as == HAK_NAMED_BEHIND))
        prove(incident, &named);
    else if (source.registers && incident->candidate_count == 1 && named.as == HAK_NAMED_IN_FRONT)
        weigh_header(incident, checks, &source, &named);
    else if (incident->candidate_count == 0)
        look_for_parts(incident, checks, looked_at);
    if (incident->candidate_count == 0 && !incident->facts.fault)
        look_for_words(incident, checks, &registers, ((hak_register_bits)1 << HAK_REGISTER_IP) - 1,
                       &named);
}
