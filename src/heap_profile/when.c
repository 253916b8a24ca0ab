/* Reads HAKMEM_HEAP_PROFILE_DUMP, and compares time and live bytes with what is due next. */
#include "heap_profile/when.h"

#include <stdatomic.h>
#include <string.h>

#define SECOND_NS ((uint64_t)1000000000)
enum {
    DAYS_MOST = 366,
    PEAK_PART = 10,       /* a peak is higher than the last one by its tenth, */
    PEAK_BYTES = 1 << 20, /* and by so many bytes */
};

static uint64_t every_ns; /* 0 = never */
static _Atomic uint64_t next_ns = UINT64_MAX;
static _Atomic int64_t next_peak = INT64_MAX; /* the live bytes that are one */

/* ---- the text -------------------------------------------------------------------------------- */

/* Bytes to the next comma, or to the end. */
static size_t word_bytes(const char *text) {
    size_t bytes = 0;
    while (text[bytes] && text[bytes] != ',')
        bytes++;
    return bytes;
}

/* Reads "10m", "30s", "2h" or "1d", `bytes` long. 0: it is none, or longer than DAYS_MOST. */
static uint64_t read_time(const char *text, size_t bytes) {
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t number = 0, most = (uint64_t)DAYS_MOST * 86400;
    size_t digits = 0;
    for (; digits < bytes && text[digits] >= '0' && text[digits] <= '9' && number <= most; digits++)
        number = number * 10 + (uint64_t)(text[digits] - '0');
    if (digits == 0 || digits + 1 != bytes)
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == text[digits] && number <= most / units[i].seconds)
            return number * units[i].seconds * SECOND_NS;
    return 0;
}

/* The bytes behind `before`, where the word begins with it; NULL: it does not. */
static const char *behind(const char *word, size_t *bytes, const char *before) {
    size_t length = strlen(before);
    if (*bytes < length || strncmp(word, before, length) != 0)
        return NULL;
    *bytes -= length;
    return word + length;
}

/* Reads one of the words behind the directory. False: it is none, or stood there before. */
static bool read_word(const char *word, size_t bytes, struct hak_heap_when *when) {
    size_t rest = bytes;
    const char *value = behind(word, &rest, "every=");
    if (value) {
        bool is_first = when->every_ns == 0;
        when->every_ns = read_time(value, rest);
        return is_first && when->every_ns != 0;
    }
    if (behind(word, &rest, "peak") && rest == 0) {
        bool is_first = !when->at_peaks;
        when->at_peaks = true;
        return is_first;
    }
    rest = bytes;
    value = behind(word, &rest, "signal");
    if (!value || when->signal[0])
        return false;
    if (rest == 0) {
        memcpy(when->signal, "USR2", sizeof "USR2");
        return true;
    }
    if (*value != '=' || rest < 2 || rest > sizeof when->signal)
        return false;
    memcpy(when->signal, value + 1, rest - 1);
    when->signal[rest - 1] = '\0';
    return true;
}

bool hak_heap_when_read(const char *text, struct hak_heap_when *when) {
    *when = (struct hak_heap_when){.directory_bytes = word_bytes(text)};
    const char *next = text + when->directory_bytes;
    if (when->directory_bytes == 0 || *next == '\0')
        return false;
    while (*next == ',') {
        size_t bytes = word_bytes(++next);
        if (!read_word(next, bytes, when))
            return false;
        next += bytes;
    }
    return true;
}

/* ---- the moments ----------------------------------------------------------------------------- */

void hak_heap_when_start(const struct hak_heap_when *when, uint64_t now_ns) {
    every_ns = when->every_ns;
    atomic_store_explicit(&next_ns, every_ns ? now_ns + every_ns : UINT64_MAX,
                          memory_order_relaxed);
    bool is_first = atomic_load_explicit(&next_peak, memory_order_relaxed) == INT64_MAX;
    if (when->at_peaks && is_first)
        atomic_store_explicit(&next_peak, PEAK_BYTES, memory_order_relaxed);
}

bool hak_heap_when_is_due(uint64_t now_ns, int64_t live) {
    return now_ns >= atomic_load_explicit(&next_ns, memory_order_relaxed) ||
           live >= atomic_load_explicit(&next_peak, memory_order_relaxed);
}

void hak_heap_when_done(uint64_t now_ns, int64_t live) {
    if (now_ns >= atomic_load_explicit(&next_ns, memory_order_relaxed))
        atomic_store_explicit(&next_ns, now_ns + every_ns, memory_order_relaxed);
    if (live < atomic_load_explicit(&next_peak, memory_order_relaxed))
        return;
    int64_t more = live / PEAK_PART;
    atomic_store_explicit(&next_peak, live + (more > PEAK_BYTES ? more : PEAK_BYTES),
                          memory_order_relaxed);
}
