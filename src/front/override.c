/* Parses HAKMEM_TINY_TLS_CLASS_OVERRIDE, and says in one line what is wrong with one that cannot be
 * read. */
#include "front/override.h"

#include "front/plan.h"
#include "options.h"

/* Bands C0 to C7, the tiny ones. */
enum { BANDS = 8 };

static struct hak_override overrides[BANDS];

/* Digits up to `most`; NULL when there are none or they say more. */
static const char *read_number(const char *at, unsigned most, unsigned *number) {
    const char *start = at;
    for (*number = 0; *at >= '0' && *at <= '9'; at++) {
        *number = *number * 10 + (unsigned)(*at - '0');
        if (*number > most)
            return NULL;
    }
    return at == start ? NULL : at;
}

/* Reads one "C0:256:16" into its band's place. Returns its end, or NULL when it is nothing of the
 * kind. */
static const char *read_entry(const char *at, struct hak_override *of_band) {
    unsigned band, capacity, batch;
    if (*at != 'C')
        return NULL;
    at = read_number(at + 1, BANDS - 1, &band);
    if (!at || *at != ':')
        return NULL;
    at = read_number(at + 1, HAK_ARRAY_MOST, &capacity);
    if (!at || *at != ':')
        return NULL;
    at = read_number(at + 1, capacity ? capacity : HAK_ARRAY_MOST, &batch);
    if (!at || (*at && *at != ',') || (batch == 0 && capacity != 0))
        return NULL;
    of_band[band] = (struct hak_override){(uint16_t)capacity, (uint16_t)batch, true};
    return at;
}

/* Says on stderr that an entry of HAKMEM_TINY_TLS_CLASS_OVERRIDE is wrong, and the expected form.
 */
static HAK_COLD void complain(const char *text, const char *entry) {
    char cut[64] = "";
    for (unsigned i = 0; i + 1 < sizeof cut && entry[i] && entry[i] != ','; i++)
        cut[i] = entry[i];
    const char *parts[] = {"hakmem: HAKMEM_TINY_TLS_CLASS_OVERRIDE=", text, ": cannot read \"", cut,
                           "\"; expected CLASS:CAPACITY:BATCH,... as in C0:256:16,C3:64:32 with "
                           "C0..C7, capacity 0..4096, batch 1..capacity; taking none"};
    hak_options_say(parts, sizeof parts / sizeof *parts);
}

void hak_override_read(const char *text) {
    struct hak_override found[BANDS] = {0};
    for (const char *at = text; *at;) {
        const char *end = read_entry(at, found);
        if (!end || (*end == ',' && !end[1])) {
            complain(text, end ? end + 1 : at);
            return;
        }
        at = *end ? end + 1 : end;
    }
    __builtin_memcpy(overrides, found, sizeof overrides);
}

const struct hak_override *hak_override_of(unsigned band) {
    return band < BANDS && overrides[band].is_given ? &overrides[band] : NULL;
}
