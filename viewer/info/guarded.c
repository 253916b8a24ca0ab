/* How many blocks lay alone between closed pages (HAKMEM_GUARD), and how many had no room there. */
#include "viewer/info/parts.h"

/* Nothing is known where the store cannot be read, which is said. */
static struct hak_coverage read_coverage(struct view *view) {
    struct hak_coverage coverage;
    int error = view_read_coverage(view, &coverage);
    if (error)
        view_store_error(view, error);
    return coverage;
}

void info_add_guarded(struct hak_text *text, struct view *view) {
    struct hak_coverage coverage = read_coverage(view);
    if (!hak_coverage_is_known(&coverage))
        return;
    view_add_heading(text, view, "guarded", 14);
    hak_words_add_guarded(text, &coverage);
    hak_text_add(text, "\n");
}

json_t *info_guarded_json(struct view *view) {
    struct hak_coverage coverage = read_coverage(view);
    return hak_coverage_json(&coverage);
}
