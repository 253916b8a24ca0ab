/* The file for HAKMEM_GUARD=only:, by which a stack is found again in another run of the program:
 * docs/specs/guarded.md. */
#include "viewer/hunt/parts.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"

enum { FRAMES_MAX = 32 }; /* a deep stack is cut at its outer end, not always at the same frame */

static bool is_plain(const char *path) {
    for (; *path; path++)
        if ((unsigned char)*path < ' ')
            return false;
    return true;
}

static void add_frame(struct hak_text *text, struct view *view, const json_t *frame) {
    const char *path = hak_json_string(frame, "module");
    uint64_t offset = (uint64_t)json_integer_value(json_object_get(frame, "module_offset"));
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT build_id FROM image WHERE path = ?1 ORDER BY id DESC", "reading modules");
    hak_query_bind_text(&q, 1, path);
    const char *id = hak_query_next(&q) ? hak_query_text(&q, 0) : "";
    if (!path[0] || !is_plain(path))
        hak_text_add(text, "  *\n"); /* code that was made while it ran */
    else {
        hak_text_add(text, "  0x%" PRIx64 " %s ", offset, id[0] ? id : "-");
        hak_text_add_bytes(text, path, strlen(path));
        hak_text_add(text, "\n");
    }
    hak_query_end(&q);
}

char *hunt_site_of(struct view *view, const json_t *frames) {
    struct hak_text text = {0};
    int count = 0;
    hak_text_add(&text, "%s", "");
    for (size_t i = 0; i < json_array_size(frames) && count < FRAMES_MAX; i++) {
        const json_t *frame = json_array_get(frames, i);
        if (json_is_true(json_object_get(frame, "inlined")) ||
            json_is_true(json_object_get(frame, "hakmem")))
            continue;
        add_frame(&text, view, frame);
        count++;
    }
    return text.bytes ? hak_text_take(&text) : strdup("");
}

int hunt_site_frames(const char *site) {
    int count = 0;
    for (; *site; site++)
        count += *site == '\n';
    return count;
}

char *hunt_add_site(const char *sites, const char *site) {
    struct hak_text text = {0};
    if (sites)
        hak_text_add_bytes(&text, sites, strlen(sites));
    hak_text_add(&text, "stack\n");
    hak_text_add_bytes(&text, site, strlen(site));
    return hak_text_take(&text);
}

bool hunt_write_site(const struct hunt *hunt, const struct hunt_plan *plan) {
    const char *end = hunt->target.site;
    struct hak_text text = {0};
    for (int left = plan->frames ? plan->frames : FRAMES_MAX; left > 0 && *end; left--)
        end += strcspn(end, "\n") + 1;
    hak_text_add(&text,
                 "hakmem-only 1\n# blocks that are allocated here: HAKMEM_GUARD=only:FILE\n");
    hak_text_add(&text, "stack");
    if (plan->from)
        hak_text_add(&text, " from=%" PRIu64, plan->from);
    if (plan->size)
        hak_text_add(&text, " size=%" PRIu64, plan->size);
    if (plan->is_watched && hunt_is_in_slack(&hunt->target))
        hak_text_add(&text, " watch=%" PRIu64,
                     (uint64_t)hunt->target.offset - hunt->target.asked_bytes);
    if (plan->number)
        hak_text_add(&text, " number=%" PRIu64, plan->number);
    hak_text_add(&text, "\n");
    hak_text_add_bytes(&text, hunt->target.site, (size_t)(end - hunt->target.site));
    if (hunt->earlier)
        hak_text_add_bytes(&text, hunt->earlier, strlen(hunt->earlier));
    bool good = text.bytes && !text.failed && hak_replace_file(hunt->site, text.bytes);
    if (!good)
        view_error("hunt: %s cannot be written: %s", hunt->site, strerror(errno));
    hak_text_free(&text);
    return good;
}
