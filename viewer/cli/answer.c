/* Gives each row of an answer to its table or to its JSON list. */
#include "viewer/cli/cli.h"

#include <jansson.h>
#include <string.h>

#define BAR_WIDTH 40
#define FACTS_AT  14 /* behind their headings */

const char *answer_count(uint64_t value) {
    return value ? hak_words_number(value) : "";
}

uint64_t answer_bar_width(uint64_t value, uint64_t most) {
    return most ? (uint64_t)(((unsigned __int128)value * BAR_WIDTH + most - 1) / most) : 0;
}

const char *answer_bar(uint64_t width) {
    static const char full[] = "########################################";
    return &full[sizeof full - 1 - (width < BAR_WIDTH ? width : BAR_WIDTH)];
}

struct answer answer_begin(struct view *view, bool is_list) {
    return (struct answer){.view = view, .list = is_list ? json_array() : NULL};
}

/* Takes the cell's text: made, a number as it is shown, a text, or the words for nothing. */
static struct hak_text take_cell(const struct answer_value *value) {
    const struct hak_member *member = &value->member;
    struct hak_text cell = value->made;
    if (!cell.bytes && !cell.failed)
        hak_text_add(&cell, "%s",
                     member->kind == HAK_MEMBER_NUMBER ? value->show((uint64_t)member->number)
                     : member->kind == HAK_MEMBER_TEXT ? (member->text ? member->text : "")
                                                       : value->otherwise);
    return cell;
}

/* Adds the value's cell; below several headings its text is divided by bars as they are. */
static void add_cell(struct table *table, const struct answer_value *value) {
    struct hak_text text = take_cell(value);
    const char *heading = value->heading, *from = hak_text_string(&text);
    for (bool has_more = true; has_more;) {
        struct hak_text cell = {.failed = text.failed};
        heading = strchr(heading, '|');
        has_more = heading != NULL;
        size_t length = has_more ? strcspn(from, "|") : strlen(from);
        hak_text_add_bytes(&cell, from, length);
        table_add_text(table, &cell);
        from += length + (has_more && from[length]);
        heading += has_more;
    }
    hak_text_free(&text);
}

void answer_add(struct answer *answer, const struct answer_value *value) {
    json_t *object = answer->list ? json_object() : NULL;
    bool is_begun = answer->table.columns > 0;
    for (const struct answer_value *v = value; v->member.kind && !answer->list && !is_begun; v++)
        if (v->heading && v->heading[0])
            table_add_headings(&answer->table, v->heading);
    for (; value->member.kind; value++) {
        struct hak_text unused = value->made;
        if (answer->list && value->member.name)
            hak_json_set_member(object, &value->member);
        else if (!answer->list && value->heading && !answer->has_no_row)
            add_cell(&answer->table, value);
        else
            hak_text_free(&unused);
    }
    if (answer->list)
        hak_json_append(answer->list, object);
    answer->rows++;
}

void answer_next_line(struct hak_text *fact) {
    if (fact->length) {
        hak_text_add(fact, "\n");
        hak_text_tab(fact, FACTS_AT);
    }
}

void answer_add_facts(struct view *view, struct hak_text *text, json_t *document,
                      const struct answer_value *value) {
    for (; value->member.kind; value++) {
        bool is_line = !document && value->heading;
        struct hak_text cell = is_line ? take_cell(value) : value->made;
        if (document && value->member.name)
            hak_json_set_member(document, &value->member);
        if (is_line && (cell.length || cell.failed)) {
            view_add_heading(text, view, value->heading, FACTS_AT);
            hak_text_add_text(text, &cell);
            hak_text_add(text, "\n");
        }
        hak_text_free(&cell);
    }
}

void answer_print(struct hak_text *text, struct answer *answer) {
    table_append(text, &answer->table, answer->view);
}

void answer_print_line(struct hak_text *text, struct answer *answer, const char *name) {
    const struct table *table = &answer->table;
    for (uint32_t i = 1; i < table->count; i++)
        hak_text_add(text, "%s%s", i > 1 ? ", " : name, table->cell[i]);
    hak_text_add(text, "%s", table->count > 1 ? ".\n" : "");
    text->failed |= table->failed;
    answer_end(answer);
}

void answer_end(struct answer *answer) {
    struct hak_text none = {0};
    table_append(&none, &answer->table, answer->view);
    hak_text_free(&none);
    json_decref(answer->list);
}
