/* Writes the memory tags of large blocks in level light. */
#include "large/tags.h"

#include "platform/tags.h"

static char *end_of_block(const struct hak_large *large) {
    return (char *)large->base.p + large->mapped_bytes;
}

/* Whether memory right in front of [start, end), pages of a chunk, or behind has the tag: a chunk's
 * edges can be read, too (runs.c). */
static bool is_beside(const char *start, const char *end, unsigned tag) {
    return hak_tag_at(start - HAK_TAG_GRANULE) == tag || hak_tag_at(end) == tag;
}

static void tag_anew(char *start, char *end, unsigned before) {
    unsigned tag = before;
    do
        tag = hak_tag_after(tag, 1);
    while (is_beside(start, end, tag));
    hak_tag_memory(start, end, tag);
}

unsigned hak_large_tag_of(const struct hak_large *large) {
    char *start = large->base.p, *end = end_of_block(large);
    if (!large->chunk)
        return 0;
    unsigned tag = hak_tag_at(start);
    if (!hak_tags_are_given())
        hak_tag_memory(start, end, 0);
    else if (!hak_tags_stand(start, end, tag) || is_beside(start, end, tag))
        tag_anew(start, end,
                 tag != 0 ? tag
                          : 1 + (unsigned)((uintptr_t)start / HAK_PAGE_BYTES % HAK_TAG_CYCLE));
    tag = hak_tag_at(start);
    if (tag == 0) /* the kernel has refused, perhaps for some pages alone */
        hak_tag_memory(start, end, 0);
    return tag;
}

void hak_large_tag_next(const struct hak_large *large) {
    unsigned tag = hak_large_tag_of(large);
    if (tag != 0)
        tag_anew(large->base.p, end_of_block(large), tag);
}

void hak_large_tag_grown(const struct hak_large *large, size_t old_bytes, unsigned tag) {
    char *start = large->base.p, *end = end_of_block(large);
    if (is_beside(start, end, tag))
        (void)hak_large_tag_of(large);
    else
        hak_tag_memory(start + old_bytes, end, tag);
}

void hak_large_tag_cut(const struct hak_large *large, size_t bytes) {
    char *cut = (char *)large->base.p + bytes, *end = end_of_block(large);
    if (!large->chunk)
        return;
    if (hak_tags_are_given())
        tag_anew(cut, end, hak_tag_at(cut) != 0 ? hak_tag_at(cut) : 1);
    else
        hak_tag_memory(cut, end, 0);
}

void hak_large_tag_moved(const struct hak_large *large, char *pages) {
    hak_tag_memory(pages, pages + large->mapped_bytes, 0);
    hak_tags_fit(large->base.p, large->mapped_bytes);
}
