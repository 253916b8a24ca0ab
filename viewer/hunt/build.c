/* A capture of another build of PROGRAM: its stacks are found again by function and line.
 *
 *   build id of the capture's program  != that of the file
 *   run 1, level normal by itself      --> its allocation stacks
 *   the one whose functions (and lines) are those of the fault's stack --> the blocks to guard
 *
 * Offsets into modules, by which stacks are compared otherwise, mean nothing there. */
#include "viewer/hunt/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "collector/target/target.h"
#include "store/history/history.h"

/* The build id of the file that PROGRAM is; "" = it has none. */
static void read_build_id(const char *program, char id[HAK_BUILD_ID_TEXT]) {
    static struct hak_target_trouble trouble;
    char path[PATH_MAX];
    id[0] = '\0';
    if (hak_target_find(program, path, &trouble))
        hak_target_build_id(path, id); /* else the first run says why */
}

static void say(const struct hunt *hunt, const char *what, const char *path) {
    if (!view_given(hunt->view, "quiet"))
        view_write(stderr, "hakmem: %s %s\n", view_path_from_here(path), what);
}

bool hunt_note_build(struct hunt *hunt, const struct view *seen) {
    const struct hak_database *database = hak_store_database(seen->reader);
    char now[HAK_BUILD_ID_TEXT];
    read_build_id(hunt->view->argument[0], now);
    char *then = hak_database_text(database,
                                   "SELECT i.build_id FROM image i JOIN process p ON p.program ="
                                   " i.path JOIN fault f ON f.process = p.id WHERE f.id = ?1",
                                   hunt->target.row);
    bool good = true;
    if (then && then[0] && now[0] && strcmp(then, now) != 0) {
        char *text =
            hak_database_text(database, "SELECT json FROM fault WHERE id = ?1", hunt->target.row);
        json_t *document = text ? json_loads(text, 0, NULL) : NULL;
        hunt->wanted =
            json_incref(json_object_get(json_object_get(document, "fault"), "allocated"));
        json_decref(document);
        free(text);
        good = hunt_copy_fault(&hunt->given, &hunt->target);
        hunt_forget_fault(&hunt->target);
        say(hunt,
            "is of another build of the program; its stack is looked for by function and line",
            hunt->best_store);
    }
    free(then);
    return good;
}

/* The frames that are compared: the program's, none inlined. */
static bool is_compared(const json_t *frame) {
    return !json_is_true(json_object_get(frame, "inlined")) &&
           !json_is_true(json_object_get(frame, "hakmem"));
}

/* The next of them from `*at` on; NULL: there is no more. */
static const json_t *next_compared(const json_t *frames, size_t *at) {
    const json_t *frame;
    while ((frame = json_array_get(frames, (*at)++)) != NULL)
        if (is_compared(frame))
            return frame;
    return NULL;
}

enum alike { ALIKE_NOT, ALIKE_IN_FUNCTIONS, ALIKE_IN_LINES };
enum { ALIKE_MAX = 64 };

static enum alike compare(const json_t *a, const json_t *b) {
    enum alike alike = ALIKE_IN_LINES;
    size_t at_a = 0, at_b = 0, count = 0;
    for (;; count++) {
        const json_t *one = next_compared(a, &at_a), *other = next_compared(b, &at_b);
        if (!one || !other)
            return one || other || count == 0 ? ALIKE_NOT : alike;
        const char *function = hak_json_string(one, "function");
        if (!function[0] || strcmp(function, hak_json_string(other, "function")) != 0)
            return ALIKE_NOT;
        if (!json_equal(json_object_get(one, "line"), json_object_get(other, "line")))
            alike = ALIKE_IN_FUNCTIONS;
    }
}

/* The stacks that are most alike so far: one by lines, or all by functions. */
struct search {
    struct hunt *hunt;
    struct view *seen;
    enum alike how;
    int count;
};

/* Takes a stack in: the first one becomes the target's, others are guarded beside it. */
static void take_stack(struct search *search, const json_t *frames, enum alike how) {
    struct hunt *hunt = search->hunt;
    char *site = hunt_site_of(search->seen, frames);
    if (how > search->how) {
        free(hunt->target.site);
        free(hunt->earlier);
        hunt->earlier = NULL;
        hunt->target.site = site;
        search->count = 1;
        search->how = how;
        return;
    }
    char *sites = site ? hunt_add_site(hunt->earlier, site) : NULL;
    if (sites) {
        free(hunt->earlier);
        hunt->earlier = sites;
        search->count++;
    }
    free(site);
}

static void try_stack(struct search *search, uint32_t stack) {
    struct hak_frames frames;
    if (search->how == ALIKE_IN_LINES || search->count == ALIKE_MAX ||
        hak_frames_load(&frames, search->seen->reader, stack) != 0)
        return;
    json_t *one = hak_json_frames(&frames);
    enum alike how = compare(search->hunt->wanted, one);
    if (how != ALIKE_NOT && how >= search->how)
        take_stack(search, one, how);
    json_decref(one);
    hak_frames_free(&frames);
}

/* Looks through all stacks that allocated: out of the stored profile, else out of the events. */
static bool find_alike(struct search *search) {
    struct hak_heap heap = {0};
    struct hak_flow flow = {0};
    struct hak_flow_query all = {0};
    bool is_stored = hak_heap_read(search->seen->reader, 0, 0, 0, &heap) == 1;
    for (uint32_t i = 0; is_stored && i < heap.rows; i++)
        try_stack(search, heap.row[i].stack);
    if (!is_stored && hak_flow_read(search->seen->reader, &all, &flow) == 0)
        for (uint32_t i = 0; i < flow.rows; i++)
            try_stack(search, flow.row[i].stack);
    hak_heap_free(&heap);
    hak_flow_free(&flow);
    return search->how != ALIKE_NOT;
}

void hunt_find_build(struct hunt *hunt, struct view *seen, const struct hunt_fault *fault) {
    struct search search = {.hunt = hunt, .seen = seen};
    if (!hunt->wanted)
        return;
    bool has_block = fault->site && fault->site[0]; /* the run names one by itself */
    if (!has_block && hunt_copy_fault(&hunt->target, &hunt->given) && find_alike(&search)) {
        hunt->target.number = hunt->target.ordinal = 0; /* of other blocks */
        hunt->tried = 0;
    } else if (!has_block) {
        hunt_forget_fault(&hunt->target);
        say(hunt, "names a stack that this build does not have; the hunt begins from nothing",
            hunt->best_store);
    }
    hunt->is_given = false;
    json_decref(hunt->wanted);
    hunt->wanted = NULL;
}
