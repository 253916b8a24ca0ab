/* The block as a line of boxes: header, bytes asked, slack or canary, and a mark under the pointer.
 *
 *   base 0x7f21c4a12940      user 0x7f21c4a12950
 *   |<- header, 16 bytes ->|<----- 24 bytes asked ----->|#8#|
 *                          ^ pushed here; base was due        */
#include "report/page/parts.h"

#include <stdio.h>
#include <string.h>
#include "hop.h"

#define MARGIN      6
#define BYTES_SHOWN 8

enum { HEADER_BYTES = 16 };

struct box {
    uint64_t from, to; /* addresses */
    char label[48];
    int column; /* of its left bar, from the first bar */
};

struct picture {
    struct box box[3];
    int boxes;
    int width;
};

/* Adds a part of the slot to the picture, unless it is empty. */
static void add_box(struct picture *picture, uint64_t from, uint64_t to, const char *label) {
    if (to <= from || picture->boxes == 3)
        return;
    struct box *box = &picture->box[picture->boxes++];
    box->from = from;
    box->to = to;
    snprintf(box->label, sizeof box->label, "%s", label);
    box->column = picture->width;
    picture->width += (int)strlen(box->label) + 1;
}

/* The bytes from the base to the user's first: of a guarded or an aligned block more than a header.
 */
static void label_front(char *label, size_t room, const struct report_page *page, uint64_t bytes) {
    bool is_header = page->has_header && bytes <= HEADER_BYTES && !report_is_of_pool(page);
    snprintf(label, room, is_header ? "<- header, %s ->" : "<- %s ->", hak_words_bytes(bytes));
}

/* The address under which the mark stands. */
static uint64_t marked_address(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    return hak_fault_is_damage(facts->fault) ? page->user + (uint64_t)facts->offset
                                             : facts->found_address;
}

/* The bytes in front of the program's are the allocator's, and shown where they matter. */
static bool is_front_shown(const struct report_page *page) {
    return page->layer_move || marked_address(page) < page->user;
}

/* Behind the block lie bytes that hakmem has filled. */
static bool has_guard_bytes(const struct report_page *page) {
    return page->has_header || report_is_of_pool(page);
}

/* Lays out the slot: header, bytes asked for, canary or slack. */
static struct picture lay_out(const struct report_page *page) {
    struct picture picture = {0};
    char label[48];
    uint64_t end = page->base + page->slot_bytes;
    uint64_t user = page->user ? page->user : page->base;
    label_front(label, sizeof label, page, user - page->base);
    if (is_front_shown(page))
        add_box(&picture, page->base, user, label);
    if (!page->asked_known) {
        snprintf(label, sizeof label, "<----- %s of slot ----->", hak_words_bytes(end - user));
        add_box(&picture, user, end, label);
        return picture;
    }
    uint64_t asked_end = user + page->asked_bytes;
    snprintf(label, sizeof label, "<----- %s asked ----->", hak_words_bytes(page->asked_bytes));
    add_box(&picture, user, asked_end, label);
    /* '#' is canary that hakmem wrote and verifies, '.' is slack that nobody looks at. */
    snprintf(label, sizeof label, has_guard_bytes(page) ? "#%s#" : ".%s.",
             hak_words_number(end - asked_end));
    add_box(&picture, asked_end, end, label);
    return picture;
}

const char *report_border_words(const struct report_page *page) {
    bool is_shown = page->base && page->slot_bytes != 0 && page->user && page->asked_known &&
                    page->user + page->asked_bytes < page->base + page->slot_bytes;
    return !is_shown ? "" : has_guard_bytes(page) ? "; # = guard bytes" : "; . = unused bytes";
}

/* The column of the picture in which an address is, counted from the first bar; one between boxes
 * is at the next, one behind all at the end. */
static int column_of(const struct picture *picture, uint64_t address) {
    for (int i = 0; i < picture->boxes; i++) {
        const struct box *box = &picture->box[i];
        if (address < box->from)
            return box->column;
        if (address < box->to) {
            uint64_t span = box->to - box->from;
            uint64_t width = strlen(box->label) + 1;
            uint64_t step = (address - box->from) * width / span;
            return box->column + (int)(address > box->from && step == 0 ? 1 : step);
        }
    }
    return picture->width;
}

/* Adds the changed bytes in hexadecimal and as text under the picture. */
static void mark_damage(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    uint64_t first = page->user + (uint64_t)facts->offset;
    uint64_t far_in_front = facts->fault == 302 && first < page->base ? page->base - first : 0;
    uint32_t span =
        facts->damaged_span > facts->damaged_bytes ? facts->damaged_span : facts->damaged_bytes;
    unsigned shown = span < BYTES_SHOWN ? span : BYTES_SHOWN, printable = 0;
    hak_text_add(text, "%s", facts->damage_is_open ? "at least " : "");
    if (far_in_front > 0)
        hak_text_add(text,
                     "%s changed, starting %s before this:", hak_words_bytes(facts->damaged_bytes),
                     hak_words_bytes(far_in_front));
    else
        hak_text_add(text, "%s changed from here on:", hak_words_bytes(facts->damaged_bytes));
    for (unsigned i = 0; i < shown; i++) {
        hak_text_add(text, " %02x", facts->damage[i]);
        printable += facts->damage[i] >= 0x20 && facts->damage[i] < 0x7f;
    }
    hak_text_add(text, shown < span ? " ..." : "");
    if (printable == 0)
        return;
    hak_text_add(text, "  \"");
    for (unsigned i = 0; i < shown; i++)
        hak_text_add(text, "%c",
                     facts->damage[i] >= 0x20 && facts->damage[i] < 0x7f ? facts->damage[i] : '.');
    hak_text_add(text, "\"");
}

/* Adds under the picture what touched there; the picture need not reach the address. */
static void mark_touch(struct hak_text *text, const struct report_page *page) {
    uint64_t address = page->facts->found_address, end = page->base + page->slot_bytes;
    if (page->facts->call_flags & HAK_TOUCH_ASKS)
        hak_text_add(text, "%s was asked about this", report_function(page));
    else if (report_is_by_function(page))
        hak_text_add(text, "%s %s from here on", report_function(page),
                     page->facts->access == HAK_ACCESS_WRITE ? "writes" : "reads");
    else if (address < page->base)
        hak_text_add(text, "touched before this");
    else if (address > end)
        hak_text_add(text, "touched past this");
    else
        hak_text_add(text, "touched here");
}

/* Appends the words at the pointer's mark, by the fault: what is or should be there. */
static void add_pointer_mark(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    bool at_push = page->wrong.id != 0 && page->wrong.kind == HAK_SLL_PUSH;
    switch (facts->fault) {
    case 101:
    case 104:
        if (facts->offset != 0)
            hak_text_add(text, "%s here; expected the base",
                         at_push || facts->kind == HAK_SLL_PUSH ? "pushed" : "popped");
        else
            hak_text_add(text,
                         facts->fault == 104 ? "the expected header is not here" : "taken here");
        return;
    case 102:
        hak_text_add(text, "in a list of %s", hak_words_class(page->r, facts->class_found));
        return;
    case 201:
    case 503:
        hak_text_add(text, "freed here");
        if (page->user && page->user != facts->found_address)
            hak_text_add(text, "; expected 0x%llx", (unsigned long long)page->user);
        return;
    case 202:
    case 501:
        hak_text_add(text, "freed here, a second time");
        return;
    case 301:
    case 302:
    case 303:
    case 505:
        if (report_is_proved_by_word(page))
            hak_text_add(text, "the pointer was read from here on");
        else if (report_is_by_function(page) ||
                 (report_is_access(page) && facts->damaged_bytes == 0))
            mark_touch(text, page);
        else
            mark_damage(text, page);
        return;
    case 304:
        if (report_is_proved_by_word(page) || report_is_given_word(page)) {
            hak_text_add(text, "the pointer was read from this block, after it was freed");
        } else {
            mark_touch(text, page);
            hak_text_add(text, ", after it was freed");
        }
        return;
    case 203:
    case 204:
    case 502:
    case 504:
        hak_text_add(text, "freed here");
        return;
    case 507:
        hak_text_add(text, "moved here");
        if (page->user && page->user != facts->found_address)
            hak_text_add(text, "; expected 0x%llx", (unsigned long long)page->user);
        return;
    case 506:
        hak_text_add(text, "handed out here, a second time");
        return;
    case 105:
        hak_text_add(text, "the link here is 0x%llx", (unsigned long long)facts->link);
        return;
    default:
        hak_text_add(text, "here");
    }
}

void report_picture(struct hak_text *text, const struct report_page *page) {
    bool user_outside =
        page->user && (page->user < page->base || page->user - page->base > page->slot_bytes);
    if (!page->base || page->slot_bytes == 0 || user_outside) {
        hak_text_add(text, "\n");
        return;
    }
    struct picture picture = lay_out(page);
    hak_text_add(text, "\n");
    hak_text_fill(text, ' ', MARGIN);
    bool has_front = page->user > page->base && is_front_shown(page);
    hak_text_add(text, "%s 0x%llx", has_front || !page->user ? "base" : "user",
                 (unsigned long long)(has_front || !page->user ? page->base : page->user));
    if (has_front) {
        hak_text_add_at(text, MARGIN + (picture.boxes > 1 ? picture.box[1].column : picture.width),
                        "user 0x%llx", (unsigned long long)page->user);
    }
    hak_text_add(text, "\n");
    hak_text_fill(text, ' ', MARGIN);
    for (int i = 0; i < picture.boxes; i++)
        hak_text_add(text, "|%s", picture.box[i].label);
    hak_text_add(text, "|\n");
    hak_text_fill(text, ' ', MARGIN + column_of(&picture, marked_address(page)));
    hak_text_add(text, "^ ");
    add_pointer_mark(text, page);
    hak_text_add(text, "\n\n");
}
