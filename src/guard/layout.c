/* The bytes around a block in layout header: a header in front, a canary behind.
 *
 *   same      base == user | bytes asked ................ slack to the slot's end |
 *
 *   header    base | padding of aligned blocks | header | bytes asked | canary   |
 *                                              ^ 16 bytes             ^ one byte at least
 *
 *   guarded   base | filled | header | bytes asked | canary, to 16 |          HAK_GUARDED_AFTER
 *             base == user | bytes asked | canary to the page's end |         HAK_GUARDED_BEFORE
 *
 * The header lies directly before the user's first byte. Its two words name the block, as the
 * canary's do (trace/pattern.h), so that a copied header does not stand. The canary runs to the
 * slot's end, for a large block to the end of its mapping but at most HAK_CANARY_MAX_BYTES, so that
 * a block that was shrunk in place does not touch pages that it gave up. Nothing here is trusted:
 * what a header should be is computed from the slot's state, which lies out of line.
 *
 * Extension points: other layouts (guard pages) add a case to hak_place_user and
 * hak_check_slot_bytes and have no canary here; poison fills [user, slot end) in hak_check_freed
 * and is compared where hak_canary_damage is, when the block is handed out again. */
#include "guard/around.h"

#include "guard/slot_bytes.h"
#include "platform/platform.h"
#include "platform/readable.h"

#define EIGHT(byte) byte, byte, byte, byte, byte, byte, byte, byte
const uint8_t hak_bytes_of_block[64] = {EIGHT(0xff), EIGHT(0xff), EIGHT(0xff), EIGHT(0xff)};
#undef EIGHT

static void put_header(char *user, struct hak_header header) {
    __builtin_memcpy(user - HAK_HEADER_BYTES, &header, sizeof header);
}

/* The header's bytes as they are, in front of the user pointer. */
static struct hak_header header_before(const char *user) {
    struct hak_header header;
    __builtin_memcpy(&header, user - HAK_HEADER_BYTES, sizeof header);
    return header;
}

/* Writes a block's header; the bytes in front of a guarded block's are filled with the header's
 * first word. */
void hak_write_header(const struct hak_located *at) {
    if (hak_has_no_header(at))
        return;
    if (hak_is_guarded(at))
        hak_fill_with(at->base, hak_user_in(at) - HAK_HEADER_BYTES,
                      hak_word_of(at, HAK_PATTERN_HEADER));
    put_header(hak_user_in(at), hak_header_due(at));
}

void hak_write_list_header(const struct hak_located *at) {
    put_header(at->base + HAK_HEADER_BYTES, hak_header_due(at));
}

/* Whether the slot's header is whole, of whichever life of the slot. */
bool hak_list_header_stands(const struct hak_located *at) {
    struct hak_header found = header_before(at->base + HAK_HEADER_BYTES);
    uint64_t differs = found.first ^ hak_word_of(at, HAK_PATTERN_HEADER);
    return (differs & ~((uint64_t)HAK_PATTERN_LIVES_MASK << HAK_PATTERN_LIVES_SHIFT)) == 0 &&
           found.second == hak_header_of_word(found.first).second;
}

/* The canary's offset from the block's base. */
static size_t canary_from(const struct hak_located *at) {
    return hak_delta_bytes_of(at) + hak_asked_bytes_of(at);
}

static size_t canary_to(const struct hak_located *at) {
    size_t from = canary_from(at), to = at->slot_bytes;
    return at->large && to > from + HAK_CANARY_MAX_BYTES ? from + HAK_CANARY_MAX_BYTES : to;
}

void hak_fill_with(char *start, const char *end, uint64_t word) {
    word = hak_pattern_turned(word, (uintptr_t)start);
    for (hak_two_words both = {word, word}; end - start >= (ptrdiff_t)sizeof both;
         start += sizeof both)
        *(hak_any_words *)start = both;
    for (; end - start >= (ptrdiff_t)sizeof word; start += sizeof word)
        __builtin_memcpy(start, &word, sizeof word);
    __builtin_memcpy(start, &word, (size_t)(end - start));
}

/* Fills bytes [from, to) of the user's that malloc or realloc has just added to the block: with
 * HAKMEM_JUNK all of them; without, those where the canary of `from` bytes lay, so that its words
 * are never the program's. */
void hak_fill_unwritten(const struct hak_located *at, size_t from, size_t to) {
    char *user = hak_user_in(at);
    if (!hak_options.junk && at->large && to > from + HAK_CANARY_MAX_BYTES)
        to = from + HAK_CANARY_MAX_BYTES;
    if (from < to)
        hak_fill_with(user + from, user + to, hak_word_of(at, HAK_PATTERN_UNWRITTEN));
}

void hak_write_canary(const struct hak_located *at) {
    hak_fill_with(at->base + canary_from(at), at->base + canary_to(at),
                  hak_word_of(at, HAK_PATTERN_CANARY));
}

/* The first byte of what is written in front of the block. */
static const char *front_of(const struct hak_located *at) {
    return hak_has_no_header(at) ? hak_user_in(at)
           : hak_is_guarded(at)  ? at->base
                                 : hak_user_in(at) - HAK_HEADER_BYTES;
}

struct hak_border_bytes hak_border_bytes_of(const struct hak_located *at) {
    return (struct hak_border_bytes){front_of(at), hak_user_in(at), at->base + canary_from(at),
                                     at->base + canary_to(at)};
}

bool hak_can_read_border(const struct hak_located *at) {
    struct hak_readable known = {0};
    struct hak_border_bytes border = hak_border_bytes_of(at);
    return hak_may_be_readable(&known, border.front, (size_t)(border.user - border.front)) &&
           hak_may_be_readable(&known, border.behind, (size_t)(border.end - border.behind));
}

/* Fills what of [start, end) lies in the page. */
static void fill_in(char *page, char *start, char *end, uint64_t word) {
    start = start < page ? page : start;
    end = end > page + HAK_PAGE_BYTES ? page + HAK_PAGE_BYTES : end;
    if (start < end)
        hak_fill_with(start, end, word);
}

void hak_write_around_in(const struct hak_located *at, char *page) {
    char *header = hak_user_in(at) - HAK_HEADER_BYTES;
    if (!hak_has_no_header(at) && hak_is_guarded(at))
        fill_in(page, at->base, header, hak_word_of(at, HAK_PATTERN_HEADER));
    if (!hak_has_no_header(at) && (uintptr_t)header - (uintptr_t)page < HAK_PAGE_BYTES)
        put_header(hak_user_in(at), hak_header_due(at));
    fill_in(page, at->base + canary_from(at), at->base + canary_to(at),
            hak_word_of(at, HAK_PATTERN_CANARY));
}

/* Counts a damaged byte, from low addresses to high. */
static void add_damaged_byte(struct hak_damage *damage, const uint8_t *p) {
    if (damage->bytes++ == 0)
        damage->first = p;
    damage->last = p;
}

/* Compares [p, end) byte by byte with `word`, whose first byte is due at p. */
static HAK_COLD struct hak_damage count_border_damage(const uint8_t *p, const uint8_t *end,
                                                      uint64_t word) {
    struct hak_damage damage = {.end = end};
    for (size_t i = 0; p + i < end; i++)
        if (p[i] != hak_pattern_byte(word, i))
            add_damaged_byte(&damage, p + i);
    return damage;
}

/* The first 64 bytes from `p` on that are not all `due`, or fewer of them than that are left. The
 * front of a guarded block is most of a page. */
static const uint8_t *skip_whole(const uint8_t *p, const uint8_t *end, uint64_t due) {
    const hak_two_words both = {due, due};
    for (; end - p >= 4 * (ptrdiff_t)sizeof both; p += 4 * sizeof both) {
        const hak_any_words *found = (const hak_any_words *)p;
        hak_two_words other =
            (found[0] ^ both) | (found[1] ^ both) | (found[2] ^ both) | (found[3] ^ both);
        if (HAK_UNLIKELY((other[0] | other[1]) != 0))
            break;
    }
    return p;
}

/* Compares [start, end) with `due`, whose first byte is due at start. */
static inline struct hak_damage compare_with(const uint8_t *start, const uint8_t *end,
                                             uint64_t due) {
    const uint8_t *p = skip_whole(start, end, due);
    uint64_t found;
    for (; end - p >= (ptrdiff_t)sizeof found; p += sizeof found) {
        __builtin_memcpy(&found, p, sizeof found);
        if (HAK_UNLIKELY(found != due))
            return count_border_damage(start, end, due);
    }
    found = due;
    __builtin_memcpy(&found, p, (size_t)(end - p));
    if (HAK_LIKELY(found == due))
        return (struct hak_damage){0};
    return count_border_damage(start, end, due);
}

struct hak_damage hak_canary_damage_in(const struct hak_located *at, const char *base) {
    size_t from = canary_from(at);
    return compare_with(
        (const uint8_t *)base + from, (const uint8_t *)base + canary_to(at),
        hak_pattern_turned(hak_word_of(at, HAK_PATTERN_CANARY), (uintptr_t)at->base + from));
}

struct hak_damage hak_canary_damage(const struct hak_located *at) {
    return hak_canary_damage_in(at, at->base);
}

/* Adds each byte of the header at `header` that differs from the due one to the damage. */
static void count_header_damage(const char *header, struct hak_header due,
                                struct hak_damage *damage) {
    const uint8_t *bytes = (const uint8_t *)header;
    uint8_t due_bytes[HAK_HEADER_BYTES];
    __builtin_memcpy(due_bytes, &due, sizeof due);
    damage->end = bytes + HAK_HEADER_BYTES;
    for (size_t i = 0; i < HAK_HEADER_BYTES; i++)
        if (bytes[i] != due_bytes[i])
            add_damaged_byte(damage, bytes + i);
}

/* Compares a guarded block's header and the filled bytes in front of it, from the first of its
 * pages. */
static HAK_COLD struct hak_damage guarded_header_damage(const struct hak_located *at,
                                                        const char *header) {
    if (hak_has_no_header(at))
        return (struct hak_damage){0};
    size_t front_bytes = hak_delta_bytes_of(at) - HAK_HEADER_BYTES;
    const uint8_t *front = (const uint8_t *)header - front_bytes;
    struct hak_damage damage =
        compare_with(front, (const uint8_t *)header,
                     hak_pattern_turned(hak_word_of(at, HAK_PATTERN_HEADER), (uintptr_t)at->base));
    count_header_damage(header, hak_header_due(at), &damage);
    return damage.bytes ? damage : (struct hak_damage){0};
}

struct hak_damage hak_header_damage_in(const struct hak_located *at, const char *header) {
    if (hak_is_guarded(at))
        return guarded_header_damage(at, header);
    struct hak_header found, due = hak_header_due(at);
    struct hak_damage damage = {0};
    __builtin_memcpy(&found, header, sizeof found);
    if (HAK_LIKELY(found.first == due.first && found.second == due.second))
        return damage;
    count_header_damage(header, due, &damage);
    return damage;
}

struct hak_damage hak_header_damage(const struct hak_located *at) {
    return hak_header_damage_in(at, hak_user_in(at) - HAK_HEADER_BYTES);
}

bool hak_check_aligns(void) {
    return hak_layout_has_header();
}

char *hak_place_user(char *base, size_t alignment) {
    if (!hak_layout_has_header())
        return base;
    uintptr_t user = (uintptr_t)base + HAK_HEADER_BYTES;
    if (alignment > HAK_HEADER_BYTES)
        user = (user + alignment - 1) & ~(uintptr_t)(alignment - 1);
    return base + (user - (uintptr_t)base);
}

base_t hak_check_base_of(user_t user) {
    struct hak_located at;
    return base_from(hak_locate(user.p, &at) ? at.base : user.p);
}

user_t hak_check_user_of(base_t base) {
    struct hak_located at;
    return user_from(hak_locate(base.p, &at) ? hak_user_in(&at) : base.p);
}

void **hak_check_link_of(base_t base) {
    return (void **)(void *)(base.p + (hak_layout_has_header() ? HAK_HEADER_BYTES : 0));
}
