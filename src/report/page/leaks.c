/* Writes the page on leaks. */
#include "report/page/page.h"

#include <string.h>
#include "fault_codes.h"
#include "report/known/known.h"
#include "report/page/parts.h"
#include "trace/record.h"

enum {
    LINES_OF_PLACES = 36, /* of HAK_REPORT_LINES */
    FRAMES_FIRST = 6,
    FRAMES_LATER = 3,
    PLACES_COMPARED = 64, /* more are not on the page */
};

int hak_leak_place_order(const void *a, const void *b) {
    const struct hak_leak_place *left = a, *right = b;
    if (left->is_told != right->is_told)
        return left->is_told ? -1 : 1;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return left->bytes < right->bytes ? 1 : left->bytes > right->bytes ? -1 : 0;
}

const char *hak_words_leak(unsigned kind) {
    return kind == HAK_LEAK_IS_DIRECT     ? "Direct leak"
           : kind == HAK_LEAK_IS_INDIRECT ? "Indirect leak"
                                          : "Still reachable:";
}

const char *hak_words_leak_kind(unsigned kind) {
    return kind == HAK_LEAK_IS_DIRECT     ? "direct"
           : kind == HAK_LEAK_IS_INDIRECT ? "indirect"
                                          : "reachable";
}

const char *hak_words_leak_reason(unsigned reason) {
    return reason == HAK_LEAK_AT_EXIT      ? "at exit"
           : reason == HAK_LEAK_BY_SIGNAL  ? "on a signal"
           : reason == HAK_LEAK_BY_CONTROL ? "by ctl"
                                           : "by hak_find_leaks()";
}

bool hak_words_add_partial(struct hak_text *text, unsigned partial) {
    static const struct {
        unsigned bit;
        const char *words;
    } notes[] = {
        {HAK_PARTIAL_THREADS,
         "a thread could not be stopped: what only its registers held is reported "
         "as lost"},
        {HAK_PARTIAL_PAGES, "/proc/self/pagemap cannot be read: what only mappings above 256 MiB "
                            "held is reported as lost"},
        {HAK_PARTIAL_MEMORY, "no memory was left for all of the scan"},
        {HAK_PARTIAL_STACK, "where the program's own frames begin was not found: what dead frames "
                            "hold is not reported"},
        {HAK_PARTIAL_CLOSED, "the program has closed pages of its blocks: what only those hold is "
                             "reported as lost"},
        {HAK_PARTIAL_POOLS, "the program's own pools: pools, pieces or calls were missed, and no "
                            "counters say how many"},
    };
    int told = 0;
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (partial & notes[i].bit)
            hak_text_add(text, "%s%s", told++ ? "; " : "", notes[i].words);
    return told > 0;
}

void hak_leak_add_layer(struct hak_text *text, const struct hak_leak_place *place) {
    if (place->layer)
        hak_text_add(text, "%s", hak_words_place(place->layer));
    if (place->layer && place->pool)
        hak_text_add(text, " %s",
                     place->pool_name[0] ? hak_words_quoted(place->pool, place->pool_name)
                                         : hak_words_number(place->pool));
}

void hak_leak_add_age(struct hak_text *text, const struct hak_leak_place *place, uint64_t ns) {
    if (place->newest_ns && place->newest_ns <= ns) {
        uint64_t least = ns - place->newest_ns, most = ns - place->oldest_ns;
        if (place->count > 1)
            hak_text_add(text, "%s to ", hak_words_time(least));
        hak_text_add(text, "%s old", hak_words_time(most));
    }
    if (!place->layer)
        return;
    hak_text_add(text, "%sserved by ", place->newest_ns ? "; " : "");
    hak_leak_add_layer(text, place);
    hak_text_add(text, "%s", place->count > 1 && !place->pool ? " (the last one)" : "");
}

/* Adds the frame in which the place's stack differs from another place's whose lines read the
 * same. */
static void add_difference(struct hak_text *text, const struct hak_leak_page *page,
                           const struct hak_leak_place *place, int frames_max) {
    struct hak_text own = {0}, others = {0};
    report_add_part(&own, &place->frames, frames_max, "");
    for (uint32_t i = 0; i < page->count && i < PLACES_COMPARED; i++) {
        const struct hak_leak_place *other = &page->places[i];
        int at = hak_words_differing_frame(place->frames.frame, place->frames.count,
                                           other->frames.frame, other->frames.count);
        if (other == place || at < 0 || !other->is_told || other->kind != place->kind)
            continue;
        others.length = 0;
        report_add_part(&others, &other->frames, frames_max, "");
        if (!own.bytes || !others.bytes || strcmp(own.bytes, others.bytes) != 0)
            continue;
        hak_text_add(text, "      here via ");
        hak_words_add_place(text, &place->frames.frame[at], 1);
        hak_text_add(text, "\n");
        break;
    }
    hak_text_free(&own);
    hak_text_free(&others);
}

/* One place's lines: kind, sums, stack, and the age of its blocks. */
static void add_leak_place(struct hak_text *text, const struct hak_leak_page *page,
                           const struct hak_leak_place *place, int frames_max) {
    struct hak_text age = {0};
    hak_leak_add_age(&age, place, page->ns);
    hak_text_add(text, "  %s of %s byte(s) in %s object(s) allocated from:\n",
                 hak_words_leak(place->kind), hak_words_number(place->bytes),
                 hak_words_number(place->count));
    report_add_part(text, &place->frames, frames_max, "none was kept of this allocation");
    if (place->old_count > 0) {
        hak_text_add(text, "      known to the baseline, and ");
        hak_baseline_add_growth(text, place->old_count, place->old_bytes, place->all_count,
                                place->all_bytes);
        hak_text_add(text, "\n");
    }
    add_difference(text, page, place, frames_max);
    if (age.bytes && age.length)
        hak_text_add(text, "      %s\n", age.bytes);
    hak_text_free(&age);
}

struct sums {
    uint64_t lost_blocks, lost_bytes, direct_blocks, reachable_blocks, reachable_bytes;
    uint32_t direct_places;
};

/* Sums the places that the report tells: lost, of these direct ones, and reachable. */
static struct sums add_up(const struct hak_leak_page *page) {
    struct sums sums = {0};
    for (uint32_t i = 0; i < page->count; i++) {
        const struct hak_leak_place *place = &page->places[i];
        if (!place->is_told)
            continue;
        if (place->kind == HAK_LEAK_IS_REACHABLE) {
            sums.reachable_blocks += place->count;
            sums.reachable_bytes += place->bytes;
            continue;
        }
        sums.lost_blocks += place->count;
        sums.lost_bytes += place->bytes;
        if (place->kind == HAK_LEAK_IS_DIRECT) {
            sums.direct_blocks += place->count;
            sums.direct_places++;
        }
    }
    return sums;
}

/* Appends the first line: what leaked, or what is only still reachable, and the program. */
static void add_headline(struct hak_text *text, const struct hak_leak_page *page,
                         const struct sums *sums) {
    hak_text_add(text, "hakmem: HKM-%d memory-leak: ", HAK_FAULT_MEMORY_LEAK);
    if (sums->lost_blocks)
        hak_text_add(text, "%s in %s leaked", hak_words_bytes(sums->lost_bytes),
                     hak_words_count(sums->lost_blocks, "block", "blocks"));
    else
        hak_text_add(text, "nothing leaked; %s in %s still reachable",
                     hak_words_bytes(sums->reachable_bytes),
                     hak_words_count(sums->reachable_blocks, "block is", "blocks are"));
    if (page->program[0]) {
        hak_text_add(text, ", %s", page->program);
    }
    hak_text_add(text, "\n\n");
}

/* Writes the biggest places, until one does not fit; the others are only counted. */
static void add_places(struct hak_text *text, const struct hak_leak_page *page) {
    int start = hak_text_lines(text);
    uint32_t told = 0, all = 0;
    uint64_t bytes_left = 0;
    bool fits = true;
    for (uint32_t i = 0; i < page->count; i++) {
        const struct hak_leak_place *place = &page->places[i];
        if (!place->is_told)
            continue;
        struct hak_text one = {0};
        if (fits)
            add_leak_place(&one, page, place, told < 2 ? FRAMES_FIRST : FRAMES_LATER);
        fits = fits && one.bytes &&
               hak_text_lines(text) - start + hak_text_lines(&one) <= LINES_OF_PLACES;
        if (fits)
            hak_text_add_text(text, &one);
        hak_text_free(&one);
        all++;
        told += fits;
        bytes_left += fits ? 0 : place->bytes;
    }
    if (all > told)
        hak_text_add(
            text, "  %s (%s)%s\n", hak_words_count(all - told, "more place", "more places"),
            hak_words_bytes(bytes_left), page->store_path[0] ? ": hakmem-trace leaks" : "");
}

static const char *store_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return !path[0] ? "none" : slash ? slash + 1 : path;
}

/* Appends the last line, SUMMARY, with the place of the biggest leak and the sums. */
static void add_summary(struct hak_text *text, const struct hak_leak_page *page,
                        const struct sums *sums) {
    hak_text_add(text, "SUMMARY: hakmem: memory-leak ");
    const struct hak_leak_place *first = page->count ? &page->places[0] : NULL;
    int telling = first ? hak_words_telling_frame(first->frames.frame, first->frames.count) : -1;
    if (telling >= 0) {
        const struct hak_frame *frame = &first->frames.frame[telling];
        hak_words_add_location(text, frame, 1);
        hak_text_add(text, " ");
        hak_words_add_function(text, frame->function);
    } else {
        hak_text_add(text, "?? ??");
    }
    hak_text_add(
        text, " hop=LEAK class=none offset=+0 bytes=%llu blocks=%llu store=",
        (unsigned long long)(sums->lost_blocks ? sums->lost_bytes : sums->reachable_bytes),
        (unsigned long long)(sums->lost_blocks ? sums->lost_blocks : sums->reachable_blocks));
    hak_text_add_word(text, store_name(page->store_path));
}

/* Adds the commands of NEXT; a store that the viewer does not find by itself is named, whole. */
static void add_next(struct hak_text *text, const char *store_path) {
    hak_text_add(text, "  NEXT              ");
    if (store_path[0]) {
        hak_text_add(text, "hakmem-trace leaks");
        if (strncmp(hak_words_path(store_path, 1, false), "hakmem.", 7) != 0) {
            hak_text_add(text, " -s %s", store_path);
        }
        hak_text_add(text, "     ");
    }
    hak_text_add(text, "hakmem-trace explain HKM-%d\n", HAK_FAULT_MEMORY_LEAK);
}

void hak_report_leaks(const struct hak_leak_page *page, struct hak_text *text,
                      struct hak_text *summary) {
    struct sums sums = add_up(page);
    struct hak_text partial = {0};
    add_headline(text, page, &sums);
    add_places(text, page);
    hak_text_add(text, "  LOOKED AT         %s, %s, in %s.%llu ms",
                 hak_words_count(page->live_blocks, "live block", "live blocks"),
                 hak_words_leak_reason(page->reason), hak_words_number(page->microseconds / 1000),
                 (unsigned long long)(page->microseconds / 100 % 10));
    if (sums.lost_blocks)
        hak_text_add(text, "; %s at %s, %s reachable only from them",
                     hak_words_count(sums.direct_blocks, "direct leak", "direct leaks"),
                     hak_words_count(sums.direct_places, "place", "places"),
                     hak_words_count(sums.lost_blocks - sums.direct_blocks, "block", "blocks"));
    hak_text_add(text, "\n");
    if (page->lost_blocks > sums.lost_blocks + page->known)
        hak_text_add(text, "  NOT SHOWN         %s: too many to list\n",
                     hak_words_count(page->lost_blocks - sums.lost_blocks - page->known,
                                     "more lost block", "more lost blocks"));
    if (page->known)
        hak_text_add(text, "  NOT SHOWN         %s known to a suppression or the baseline\n",
                     hak_words_count(page->known, "block", "blocks"));
    bool is_partial = hak_words_add_partial(&partial, page->partial);
    if (page->late_modules && page->late_modules[0]) {
        hak_text_add(&partial, is_partial ? "; " : "");
        hak_words_add_late(&partial, page->late_modules);
    }
    if (hak_missed_any(&page->missed)) {
        hak_text_add(&partial, partial.length > 0 ? "; " : "");
        hak_words_add_missed(&partial, &page->missed);
    }
    if (partial.length > 0) {
        hak_text_add(text, "  COMPLETENESS      ");
        hak_text_add_text(text, &partial);
        hak_text_add(text, "\n");
    }
    add_next(text, page->store_path);
    add_summary(summary, page, &sums);
    if (summary->bytes)
        hak_text_add(text, "%s\n", summary->bytes);
    hak_text_free(&partial);
}
