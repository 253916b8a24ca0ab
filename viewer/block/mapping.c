/* Describes memory that the program mapped itself, in words and JSON. */
#include "viewer/block/mapping.h"

#include <inttypes.h>
#include <jansson.h>
#include "hop.h"
#include "report/words/words.h"
#include "trace/record.h"

enum { STEPS_SHOWN = 20 };

int mapping_read(struct view *view, uint64_t address, uint32_t process, uint64_t until,
                 struct hak_mapped_place *out) {
    *out = (struct hak_mapped_place){0};
    if (hak_store_is_profile_only(view->reader))
        return 0;
    return hak_mapped_place_read(view->reader, address, process, until, out);
}

/* ---- in words --------------------------------------------------------------------------------
 */

static const char *protection_of(const struct hak_mapped_place *m) {
    bool is_code = m->way & HAK_MAPPED_CODE;
    return m->way & HAK_MAPPED_CLOSED      ? "closed"
           : m->way & HAK_MAPPED_READ_ONLY ? is_code ? "read and execute" : "read only"
           : is_code                       ? "read, write and execute"
                                           : "read and write";
}

/* How the range is mapped, if that is known. */
static void add_way(struct hak_text *text, const struct hak_mapped_place *m) {
    if (m->is_break && m->is_way_known)
        hak_text_add(text, ": of its break (brk, sbrk)");
    else if (m->is_way_known)
        hak_text_add(text, ": %s%s, %s", m->way & HAK_MAPPED_SHARED ? "shared" : "private",
                     m->way & HAK_MAPPED_FILE ? ", a file" : "", protection_of(m));
}

/* Says where in the range the address lies, and whether that is still mapped. */
static void add_mapping_state(struct hak_text *text, struct view *view, uint64_t address,
                              const struct hak_mapped_place *m) {
    const struct hak_mapped_step *last = &m->step[m->steps - 1];
    uint64_t bytes = m->range.end - m->range.start;
    if (view->summary.processes > 1) {
        hak_text_add(text, "In process ");
        view_add_process(text, view, m->process);
        hak_text_add(text, " it ");
    } else {
        hak_text_add(text, "It ");
    }
    hak_text_add(text, "%s ", m->is_there ? "is" : "was");
    if (address == m->range.start)
        hak_text_add(text, "the start of");
    else
        hak_text_add(text, "%s into", hak_words_bytes(address - m->range.start));
    hak_text_add(text, " %s that the program mapped itself, 0x%" PRIx64 " to 0x%" PRIx64,
                 hak_words_bytes(bytes), m->range.start, m->range.end);
    add_way(text, m);
    if (!m->is_there && last->is_mapped)
        hak_text_add(text, "; gone with its process");
    else if (!m->is_there)
        hak_text_add(text, "; gone with event %s", hak_words_number(last->event.id));
    hak_text_add(text, ".\n");
}

static const char *mapping_call_name(const struct hak_event *e) {
    return e->kind == HAK_PROGRAM_MAP       ? "mmap"
           : e->kind == HAK_PROGRAM_UNMAP   ? "munmap"
           : e->kind == HAK_PROGRAM_REMAP   ? "mremap"
           : e->kind == HAK_PROGRAM_PROTECT ? "mprotect"
                                            : "brk";
}

/* A row for one call that changed the mapping, with --stacks its stack. */
static void add_step(struct answer *steps, struct view *view, const struct hak_event *e) {
    answer_row(steps, FIGURE("event", hak_words_number, e->id),
               FIGURE("time", hak_words_time, e->ns),
               MADE("<what", hak_text_add, "%s: %s", mapping_call_name(e), hak_words_change(e)),
               CELL("<thread", view_thread_label(view, e->thread)),
               MADE("<where", view_add_place, view, e->stack));
    if (view_given(view, "stacks")) {
        struct hak_text stack = {0};
        view_add_event_stack(&stack, view, e, 4);
        table_add_below(&steps->table, &stack);
    }
}

void mapping_add(struct hak_text *text, struct view *view, uint64_t address,
                 const struct hak_mapped_place *m) {
    struct answer steps = answer_begin(view, false);
    bool is_cut = m->steps > STEPS_SHOWN && !view_given(view, "all");
    uint32_t first = is_cut ? m->steps - STEPS_SHOWN : 0;
    add_mapping_state(text, view, address, m);
    hak_text_add(text, "\n");
    for (uint32_t i = first; i < m->steps; i++)
        add_step(&steps, view, &m->step[i].event);
    answer_print(text, &steps);
    if (is_cut)
        hak_text_add(text, "%s not shown; `why 0x%" PRIx64 " --all` shows them\n",
                     hak_words_count(first, "older change is", "older changes are"), address);
    hak_text_add(text, "\n");
}

/* ---- JSON ------------------------------------------------------------------------------------
 */

json_t *mapping_json(struct view *view, uint64_t address, const struct hak_mapped_place *m) {
    if (!m->steps)
        return json_null();
    json_t *steps = json_array();
    json_t *object =
        hak_json_object(NUMBER("process", m->process), ADDRESS("start", m->range.start),
                        NUMBER("bytes", m->range.end - m->range.start),
                        NUMBER("offset", address - m->range.start), FLAG("mapped", m->is_there));
    bool is_known = m->is_way_known;
    hak_json_set(object, TEXT("protection", is_known ? protection_of(m) : NULL),
                 JSON("shared", is_known ? json_boolean(m->way & HAK_MAPPED_SHARED) : json_null()),
                 JSON("file", is_known ? json_boolean(m->way & HAK_MAPPED_FILE) : json_null()));
    for (uint32_t i = 0; i < m->steps; i++)
        json_array_append_new(
            steps, hak_json_event(view->reader, &m->step[i].event, view_given(view, "stacks")));
    return hak_json_set(object, JSON("events", steps));
}
