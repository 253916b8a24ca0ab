/* Lists the reads that the trapped instruction can have made.
 *
 * The end of an instruction does not tell its beginning. But one of the first 15 bytes of the code
 * in front is a beginning, and decoding from each of them leads into step with the rest soon: the
 * last instruction of one of these ways was it. One that reads elsewhere was not. If a load has
 * overwritten its own address, the loaded value shows the address: the bytes around a block are
 * words that stand nowhere else. */
#include <string.h>
#include "platform/raw_call.h"
#include "watch/decode.h"
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

/* How many bytes in front of `at` can be read, as far as they are wanted. */
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

static void add(struct question *question, const struct hak_decoded *decoded, uintptr_t address,
                bool is_placed) {
    struct hak_watch_read read = {.address = address,
                                  .bytes = decoded->bytes,
                                  .is_placed = is_placed,
                                  .is_scalar = decoded->is_scalar && decoded->reads,
                                  .is_vector = decoded->is_loose && decoded->reads,
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

static bool keeps_address(const struct hak_decoded *decoded) {
    return !(decoded->base >= 0 && decoded->changed >> decoded->base & 1) &&
           !(decoded->index >= 0 && decoded->changed >> decoded->index & 1);
}

static void add_placed(struct question *question, const struct hak_decoded *decoded) {
    uintptr_t address = part(question, decoded->base, 1) +
                        part(question, decoded->index, decoded->scale) +
                        (uintptr_t)decoded->displacement;
    if (decoded->is_of_rip)
        address += question->registers->value[HAK_RIP];
    if (decoded->is_narrow)
        address &= UINT32_MAX;
    if (overlaps(question, address, decoded->bytes))
        add(question, decoded, address, true);
}

/* rsi and rdi have moved on by one element. */
static void add_string(struct question *question, const struct hak_decoded *decoded) {
    uintptr_t back = question->flags & DIRECTION ? decoded->bytes : -(uintptr_t)decoded->bytes;
    uintptr_t first = part(question, decoded->base, 1) + back;
    uintptr_t second = part(question, decoded->index, 1) + back;
    if (decoded->base >= 0 && overlaps(question, first, decoded->bytes))
        add(question, decoded, first, true);
    if (decoded->index >= 0 && overlaps(question, second, decoded->bytes))
        add(question, decoded, second, true);
}

/* ---- and one that was overwritten by what was read there ------------------------------------- */

static bool holds(uintptr_t address, uint64_t value, unsigned bytes) {
    uintptr_t last = address + bytes - 1;
    if (address / PAGE_BYTES != last / PAGE_BYTES && (!is_readable(address) || !is_readable(last)))
        return false;
    return memcmp((const void *)address, &value, bytes) == 0;
}

/* The register of the address that the load has changed, as it was before; the other one, if there
 * is one, is known. */
static void restore(struct question *question, const struct hak_decoded *decoded,
                    uintptr_t address) {
    struct hak_watch_read *read = &question->found[question->count - 1];
    bool is_base = decoded->base == decoded->loaded, is_index = decoded->index == decoded->loaded;
    if (question->count > question->most || is_base == is_index || decoded->is_narrow ||
        (is_index && decoded->scale != 1))
        return;
    int other = is_base ? decoded->index : decoded->base;
    read->restored = decoded->loaded;
    read->restored_value = address - (uintptr_t)decoded->displacement -
                           part(question, other, is_base ? decoded->scale : 1);
}

/* Each place that overlaps the watched bytes and holds the loaded value. */
static void add_by_value(struct question *question, const struct hak_decoded *decoded) {
    uint64_t value = question->registers->value[decoded->loaded];
    uintptr_t from = question->watched - decoded->bytes + 1;
    uintptr_t to = question->watched + question->watched_bytes;
    for (uintptr_t address = from; address < to; address++) {
        unsigned before = question->count;
        if (holds(address, value, decoded->bytes))
            add(question, decoded, address, true);
        if (question->count != before)
            restore(question, decoded, address);
    }
}

/* ---- which instruction ----------------------------------------------------------------------- */

static void look_at(struct question *question, const struct hak_decoded *decoded) {
    if (!decoded->reads && !decoded->writes)
        return;
    if (decoded->is_unknown)
        add(question, decoded, question->watched, false);
    else if (decoded->is_string)
        add_string(question, decoded);
    else if (keeps_address(decoded))
        add_placed(question, decoded);
    else if (decoded->loaded >= 0)
        add_by_value(question, decoded);
    else
        add(question, decoded, question->watched, false);
}

/* The length of the last instruction of the way that begins at `from`; 0 = none leads to `end`. */
static unsigned last_on_the_way(const uint8_t *from, const uint8_t *end) {
    struct hak_decoded decoded = {.length = 0};
    for (; from < end; from += decoded.length)
        if (!hak_decode(from, (size_t)(end - from), &decoded))
            return 0;
    return decoded.length;
}

unsigned hak_watch_reads(const struct hak_registers *registers, uint64_t flags, uintptr_t watched,
                         unsigned watched_bytes, struct hak_watch_read *found, unsigned most) {
    struct question question = {.registers = registers,
                                .flags = flags,
                                .watched = watched,
                                .watched_bytes = watched_bytes,
                                .found = found,
                                .most = most};
    uintptr_t ip = registers->value[HAK_RIP];
    unsigned window = readable_in_front(ip);
    uint32_t lengths = 0; /* a bit for each length of a last instruction */
    const uint8_t *end = (const uint8_t *)ip;
    for (unsigned i = 0; i < HAK_DECODE_LONGEST && i < window; i++)
        lengths |= 1u << last_on_the_way(end - window + i, end);
    for (unsigned length = 1; length <= HAK_DECODE_LONGEST; length++) {
        struct hak_decoded decoded;
        if ((lengths >> length & 1) && hak_decode(end - length, length, &decoded))
            look_at(&question, &decoded);
    }
    return question.count;
}
