/* Lists the reads that the trapped instruction can have made.
 *
 * Its end does not tell its beginning, and so there may be several (hak_decode_lengths). One that
 * reads elsewhere was not it. If a load has overwritten its own address, the loaded value shows the
 * address: the bytes around a block are words that stand nowhere else. */
#include <string.h>
#include "decode/decode.h"
#include "platform/raw_call.h"
#include "watch/watch.h"

enum {
    WINDOW_BYTES = 96,
    PAGE_BYTES = 4096,
    WORD_BYTES = 8,    /* of what hak_raw_readable looks at */
    DIRECTION = 0x400, /* of rflags: string instructions go downwards */
};

/* A search for the reads, and its result so far. */
struct question {
    const struct hak_registers *registers;
    uint64_t flags;
    uintptr_t watched;
    unsigned watched_bytes;
    struct hak_watch_read *found;
    unsigned count, most;
};

static bool is_readable(uintptr_t address) {
    return hak_raw_readable(address & ~(uintptr_t)(WORD_BYTES - 1)) != 0;
}

/* How many bytes of code in front of `at` can be read, at most WINDOW_BYTES; only those of its page
 * where the page before cannot be read. */
static unsigned readable_in_front(uintptr_t at) {
    unsigned from_start = (unsigned)((at - 1) % PAGE_BYTES) + 1;
    if (at < 2 * PAGE_BYTES || !is_readable(at - 1))
        return 0;
    return from_start >= WINDOW_BYTES || is_readable(at - WINDOW_BYTES) ? WINDOW_BYTES : from_start;
}

static bool overlaps(const struct question *question, uintptr_t address, unsigned bytes) {
    return address < question->watched + question->watched_bytes &&
           question->watched < address + bytes;
}

static bool is_same(const struct hak_watch_read *one, const struct hak_watch_read *other) {
    return one->address == other->address && one->bytes == other->bytes &&
           one->is_placed == other->is_placed && one->is_scalar == other->is_scalar &&
           one->is_vector == other->is_vector;
}

/* An operand of the instruction, of which there may be two. */
struct access {
    const struct hak_decoded *decoded;
    const struct hak_operand *operand;
};

/* Adds a read the instruction may have made, unless it is there already; beyond `most` it is only
 * counted. */
static void add(struct question *question, const struct access *access, uintptr_t address,
                bool is_placed) {
    const struct hak_operand *operand = access->operand;
    struct hak_watch_read read = {.address = address,
                                  .bytes = operand->bytes,
                                  .is_placed = is_placed,
                                  .is_scalar = operand->reads && operand->is_exact &&
                                               operand->bytes <= WORD_BYTES,
                                  .is_vector = operand->reads && access->decoded->is_loose,
                                  .restored = -1};
    for (unsigned i = 0; i < question->count && i < question->most; i++)
        if (is_same(&question->found[i], &read))
            return;
    if (question->count < question->most)
        question->found[question->count] = read;
    question->count++;
}

/* ---- an address that is known ---------------------------------------------------------------- */

static uintptr_t part(const struct question *question, int number, unsigned scale) {
    return number < 0 ? 0 : question->registers->value[number] * scale;
}

static bool keeps(const struct access *access, int number) {
    return number < 0 || !(access->decoded->changed >> number & 1);
}

/* Adds an access whose address the registers tell, if it overlaps the watched bytes: they had their
 * values before the instruction, or moved as far as a string instruction moves them. */
static void add_placed(struct question *question, const struct access *access) {
    const struct hak_operand *operand = access->operand;
    bool is_down = access->decoded->is_string && (question->flags & DIRECTION);
    intptr_t moved = is_down ? -operand->moves : operand->moves;
    uintptr_t address = part(question, operand->base, 1) +
                        part(question, operand->index, operand->scale) +
                        (uintptr_t)operand->displacement - (uintptr_t)moved;
    if (operand->is_of_rip)
        address += question->registers->value[HAK_REGISTER_IP];
    if (operand->is_narrow)
        address &= UINT32_MAX;
    if (overlaps(question, address, operand->bytes))
        add(question, access, address, true);
}

/* ---- and one that was overwritten by what was read there ------------------------------------- */

/* True when the memory holds the value; false, too, where it cannot be read. */
static bool holds(uintptr_t address, uint64_t value, unsigned bytes) {
    uintptr_t last = address + bytes - 1;
    if (address / PAGE_BYTES != last / PAGE_BYTES && (!is_readable(address) || !is_readable(last)))
        return false;
    return memcmp((const void *)address, &value, bytes) == 0;
}

/* Notes in the read found last the value that the loaded register had before the load, computed
 * from the address. Only where it was base or index alone, and not scaled. */
static void restore(struct question *question, const struct access *access, uintptr_t address) {
    const struct hak_operand *operand = access->operand;
    struct hak_watch_read *read = &question->found[question->count - 1];
    int loaded = access->decoded->loaded;
    bool is_base = operand->base == loaded, is_index = operand->index == loaded;
    if (question->count > question->most || is_base == is_index || operand->is_narrow ||
        (is_index && operand->scale != 1))
        return;
    int other = is_base ? operand->index : operand->base;
    read->restored = loaded;
    read->restored_value = address - (uintptr_t)operand->displacement -
                           part(question, other, is_base ? operand->scale : 1);
}

/* Adds each place that overlaps the watched bytes and holds the loaded value. */
static void add_by_value(struct question *question, const struct access *access) {
    uint64_t value = question->registers->value[access->decoded->loaded];
    unsigned bytes = access->operand->bytes;
    uintptr_t from = question->watched - bytes + 1;
    uintptr_t to = question->watched + question->watched_bytes;
    for (uintptr_t address = from; address < to; address++) {
        unsigned before = question->count;
        if (holds(address, value, bytes))
            add(question, access, address, true);
        if (question->count != before)
            restore(question, access, address);
    }
}

/* ---- which instruction ----------------------------------------------------------------------- */

/* Adds the reads of an operand: at its address if its registers still hold, else by the loaded
 * value, else of unknown place. */
static void look_at(struct question *question, const struct access *access) {
    const struct hak_operand *operand = access->operand;
    bool is_known =
        operand->moves || (keeps(access, operand->base) && keeps(access, operand->index));
    if (!operand->reads && !operand->writes)
        return;
    if (is_known && !operand->is_unknown)
        add_placed(question, access);
    else if (!operand->is_unknown && access->decoded->loaded >= 0)
        add_by_value(question, access);
    else
        add(question, access, question->watched, false);
}

unsigned hak_watch_reads(const struct hak_registers *registers, uint64_t flags, uintptr_t watched,
                         unsigned watched_bytes, struct hak_watch_read *found, unsigned most) {
    struct question question = {.registers = registers,
                                .flags = flags,
                                .watched = watched,
                                .watched_bytes = watched_bytes,
                                .found = found,
                                .most = most};
    uintptr_t ip = registers->value[HAK_REGISTER_IP];
    unsigned window = readable_in_front(ip);
    const uint8_t *end = (const uint8_t *)ip;
    uint32_t lengths = hak_decode_lengths(end - window, window);
    for (unsigned length = 1; length <= HAK_DECODE_LONGEST; length++) {
        struct hak_decoded decoded;
        if (!(lengths >> length & 1) || !hak_decode(end - length, length, &decoded) ||
            decoded.is_jump)
            continue;
        for (unsigned i = 0; i < decoded.count; i++)
            look_at(&question, &(struct access){&decoded, &decoded.operands[i]});
    }
    return question.count;
}
