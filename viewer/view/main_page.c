/* Keys of the main page. */
#include "viewer/view/main_page.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"

#define FAR_COLUMNS 10

struct lines *main_page_lines(struct page *page) {
    return &((struct main_page *)page)->lines;
}

/* ---- lines -------------------------------------------------------------------------------------
 */

void main_page_make_lines(struct main_page *m, struct browser *b, bool is_refresh) {
    struct list *list = &m->page.list;
    struct lines *l = &m->lines;
    if (m->tab == TAB_FINDINGS) {
        list->rows = (int)b->data.findings.count;
        list_settle(list);
        return;
    }
    bool is_kept = list->cursor > 0 && (uint32_t)list->cursor < l->count;
    uint64_t id = is_kept ? l->line[list->cursor].id : 0;
    browser_end_question(b, lines_make(l, is_refresh));
    list->rows = (int)l->count;
    int64_t found = is_kept ? lines_find(l, id) : -1;
    if (found >= 0)
        list->cursor = (int)found;
    list_settle(list);
}

/* Goes to a tab, its first line and column, and makes its lines. */
static void choose_tab(struct main_page *m, struct browser *b, enum tab tab) {
    static const enum lines_kind kinds[TABS] = {
        [TAB_TREE] = LINES_TREE, [TAB_CALLERS] = LINES_CALLERS, [TAB_TOP] = LINES_TOP};
    m->tab = tab;
    m->shift = 0;
    if (tab != TAB_FINDINGS)
        m->lines.kind = kinds[tab];
    m->page.list.cursor = m->page.list.top = 0;
    main_page_make_lines(m, b, false);
}

/* Whether this tab can group by this key: a tree has those of places; a capture that keeps only the
 * profile has none of blocks. */
static bool has_per(const struct main_page *m, const struct browser *b, enum profile_key per) {
    if (per >= PROFILE_KEYS && m->tab != TAB_TOP)
        return false;
    if (data_is_by_block(per) && b->data.is_alone)
        return false;
    return per != PROFILE_PROCESS || b->data.view->summary.processes > 1;
}

/* Groups by the next key (or, with -1, the one before) that this tab can group by. */
static void next_per(struct main_page *m, struct browser *b, int direction) {
    const int count = PROFILE_PROCESS + 1;
    int per = (int)m->lines.query.per;
    bool is_skipped = false;
    if (m->tab == TAB_FINDINGS)
        return;
    do {
        per = (per + direction + count) % count;
        is_skipped |= data_is_by_block((enum profile_key)per);
    } while (!has_per(m, b, (enum profile_key)per));
    m->lines.per = (enum profile_key)per;
    m->page.list.cursor = m->page.list.top = 0;
    main_page_make_lines(m, b, false);
    if (is_skipped && b->data.is_alone && m->tab == TAB_TOP && !b->message.length)
        browser_say(b, "No class, size, lifetime, thread: --profile-only keeps no blocks.");
}

/* Sorts by another column and goes to the first line. */
static void sort_lines_by(struct main_page *m, struct browser *b, enum column sort) {
    if (m->tab == TAB_FINDINGS || sort >= COLUMNS)
        return;
    m->lines.sort = sort;
    main_page_make_lines(m, b, false);
    list_go_to(&m->page.list, 0);
}

/* ---- deeper ------------------------------------------------------------------------------------
 */

/* Opens a page with the chosen finding's report. */
static void show_finding(struct main_page *m, struct browser *b) {
    const struct finding *one = &b->data.findings.list[m->page.list.cursor];
    struct hak_text text = {0};
    finding_add_report(&text, b->data.view, one);
    browser_push(b, text_page_make(one->headline, &text));
    hak_text_free(&text);
}

/* Opens what lies below the chosen line: a finding's report, a stack's blocks, or the stacks
 * through it. */
static void go_deeper(struct main_page *m, struct browser *b) {
    if (!m->page.list.rows)
        return;
    if (m->tab == TAB_FINDINGS) {
        show_finding(m, b);
        return;
    }
    const struct line *line = &m->lines.line[m->page.list.cursor];
    if (m->tab == TAB_TOP && m->lines.per == PROFILE_STACK)
        browser_push(b,
                     blocks_page_make(b, (uint32_t)m->lines.groups.group[line->number].key, NULL));
    else
        browser_push(b, stacks_page_make(b, &m->page));
}

/* ---- moments -----------------------------------------------------------------------------------
 */

/* Makes the lines anew after a move that went well, and shows the error of one that did not; always
 * true. */
static bool moved(struct main_page *m, struct browser *b, int status) {
    if (browser_end_question(b, status))
        main_page_make_lines(m, b, false);
    return true;
}

/* Moves to the next mark of the program (or, with -1, the one before); always true. */
static bool go_to_mark(struct main_page *m, struct browser *b, int direction) {
    struct view_moment at;
    if (!time_pane_find_mark(&b->data, direction, &at)) {
        browser_say(b, "%s",
                    b->data.zooms ? "No mark lies in what is zoomed to."
                                  : "The program set no mark (hak_mark, or ctl PID mark).");
        return true;
    }
    return moved(m, b, data_choose_moment(&b->data, &at));
}

/* Begins a span at the moment or ends the one there is, and sorts by growth while there is one;
 * always true. */
static bool set_span(struct main_page *m, struct browser *b) {
    bool is_span = !b->data.is_span;
    moved(m, b, data_set_span(&b->data, is_span));
    if (is_span && !b->message.length)
        browser_say(b, "A span begins here: move to its end with ] and }, or F7 for the peak.");
    if (is_span)
        sort_lines_by(m, b, COLUMN_GROWN);
    else if (m->lines.sort == COLUMN_GROWN)
        sort_lines_by(m, b, COLUMN_LIVE);
    return true;
}

/* Zooms in or out, or says why there is no more to zoom; always true. */
static bool zoom(struct main_page *m, struct browser *b, bool is_in) {
    int status = is_in ? data_zoom_in(&b->data) : data_zoom_out(&b->data);
    if (status != DATA_NO_ZOOM)
        return moved(m, b, status);
    browser_say(b, "%s",
                is_in ? "There is nothing more to be seen between these moments."
                      : "This is the whole time: z zooms to a span (s), or around the moment.");
    return true;
}

/* Moves the moment by one step of the timeline; back from an event within a step first to that
 * step's end. Always true: the key was used. */
static bool move_step(struct main_page *m, struct browser *b, int by) {
    int64_t step = b->data.at.step + by;
    if (by < 0 && b->data.at.is_event)
        step = b->data.at.step;
    return moved(m, b, data_choose_step(&b->data, step));
}

/* ---- the tree ----------------------------------------------------------------------------------
 */

/* Opens or closes the chosen node of a tree; closing one that is closed goes to its parent; false
 * where there is no tree. */
static bool open_node(struct main_page *m, bool is_open) {
    uint32_t at = (uint32_t)m->page.list.cursor;
    if (m->tab != TAB_TREE && m->tab != TAB_CALLERS)
        return false;
    if (lines_set_open(&m->lines, at, is_open))
        m->page.list.rows = (int)m->lines.count;
    else if (!is_open)
        list_go_to(&m->page.list, (int)lines_parent(&m->lines, at));
    list_settle(&m->page.list);
    return true;
}

/* Opens all nodes below that of the cursor, until Esc is typed; they come behind it one by one.
 * False: the tab has no tree, or no lines. */
static bool open_all(struct main_page *m, struct browser *b) {
    struct lines *l = &m->lines;
    uint32_t at = (uint32_t)m->page.list.cursor, i = at;
    if ((m->tab != TAB_TREE && m->tab != TAB_CALLERS) || !l->count)
        return false;
    uint64_t end = i + 1 < l->count ? 0 : UINT64_MAX; /* id of the first line behind */
    for (uint32_t k = at + 1; k < l->count && !end; k++)
        if (!lines_is_below(l, k, at))
            end = l->line[k].id;
    for (; i < l->count && (i == at || l->line[i].id != end); i++) {
        lines_set_open(l, i, true);
        if (i % 256 == 255 && browser_is_stopped(b))
            break;
    }
    m->page.list.rows = (int)l->count;
    return true;
}

/* ---- keys --------------------------------------------------------------------------------------
 */

/* Does what the keys left and right do: moves the moment, opens or closes a node, or shifts the
 * lines. True: the key was used. */
static bool to_the_side(struct main_page *m, struct browser *b, int direction) {
    if (m->is_time)
        return moved(m, b, time_pane_move(&m->time, &b->data, direction));
    if (open_node(m, direction > 0))
        return true;
    m->shift += direction * BROWSER_SHIFT_COLUMNS;
    m->shift = m->shift < 0 ? 0 : m->shift;
    return true;
}

/* Handles a character that changes the moment, the span or the zoom; false for another. */
static bool moment_character(struct main_page *m, struct browser *b, uint32_t character) {
    struct data *d = &b->data;
    switch (character) {
    case '[':
        return moved(m, b, time_pane_move(&m->time, d, -1));
    case ']':
        return moved(m, b, time_pane_move(&m->time, d, 1));
    case '{':
        return moved(m, b, time_pane_move(&m->time, d, -FAR_COLUMNS));
    case '}':
        return moved(m, b, time_pane_move(&m->time, d, FAR_COLUMNS));
    case ',':
        return move_step(m, b, -1);
    case '.':
        return move_step(m, b, 1);
    case '(':
        return moved(m, b, data_choose_step(d, -1));
    case ')':
        return moved(m, b, data_choose_step(d, (int64_t)d->timeline.steps - 1));
    case 'p':
        return moved(m, b, data_choose_peak(d));
    case 's':
        return set_span(m, b);
    case 'z':
        return zoom(m, b, true);
    case 'Z':
        return zoom(m, b, false);
    case 'm':
        return go_to_mark(m, b, 1);
    case 'M':
        return go_to_mark(m, b, -1);
    default:
        return false;
    }
}

/* Handles a character that changes tab, grouping, order or filter; false for another. */
static bool line_character(struct main_page *m, struct browser *b, uint32_t character) {
    switch (character) {
    case '1':
    case '2':
    case '3':
    case '4':
        choose_tab(m, b, (enum tab)(character - '1'));
        return true;
    case 't':
        choose_tab(m, b, m->tab >= TAB_CALLERS ? TAB_TOP : m->tab + 1);
        return true;
    case 'v':
        next_per(m, b, 1);
        return true;
    case 'V':
        next_per(m, b, -1);
        return true;
    case '>':
        sort_lines_by(m, b, columns_next(m->lines.sort, 1));
        return true;
    case '<':
        sort_lines_by(m, b, columns_next(m->lines.sort, -1));
        return true;
    case '\\':
        browser_prompt(b, PROMPT_FILTER);
        return true;
    case 'a':
        data_show_all(&b->data, !b->data.query.shows_all);
        browser_refresh_pages(b, false);
        return true;
    case '+':
        return open_node(m, true);
    case '-':
        return open_node(m, false);
    case '*':
        return open_all(m, b);
    default:
        return false;
    }
}

/* Handles keys while the timeline has them: start, end, far moves, and back to the lines. False:
 * the key is none of them. */
static bool time_key(struct main_page *m, struct browser *b, const struct key *key) {
    struct data *d = &b->data;
    uint32_t character = key->name == KEY_NAME_CHARACTER ? key->character : 0;
    if (key->name == KEY_NAME_HOME || character == 'g')
        return moved(m, b, data_choose_step(d, -1));
    if (key->name == KEY_NAME_END || character == 'G')
        return moved(m, b, data_choose_step(d, (int64_t)d->timeline.steps - 1));
    if (key->name == KEY_NAME_PAGE_UP)
        return moved(m, b, time_pane_move(&m->time, d, -FAR_COLUMNS));
    if (key->name == KEY_NAME_PAGE_DOWN)
        return moved(m, b, time_pane_move(&m->time, d, FAR_COLUMNS));
    if (key->name == KEY_NAME_ENTER || key->name == KEY_NAME_DOWN || character == 'j') {
        m->is_time = false;
        return true;
    }
    return false;
}

static bool is_on_time(const struct main_page *m, const struct key *key) {
    return key->row >= m->time.row && key->row <= m->time.row + m->time.rows;
}

/* Handles a click on the chart, a tab, a heading or a line. False: it is none of these. */
static bool click_main(struct main_page *m, struct browser *b, const struct key *key) {
    if (is_on_time(m, key)) {
        m->is_time = true;
        return moved(m, b, time_pane_choose(&m->time, &b->data, key->column - m->time.column));
    }
    m->is_time = false;
    if (key->row == m->tabs_row) {
        enum tab tab = main_page_tab_at(b, key->column);
        if (tab < TABS)
            choose_tab(m, b, tab);
        return true;
    }
    if (key->row == m->heading_row) {
        sort_lines_by(m, b, columns_at(&m->columns, key->column));
        return true;
    }
    int line = m->page.list.top + key->row - m->list_row;
    if (key->row >= m->list_row && key->row < m->list_row + m->page.list.height &&
        line < m->page.list.rows) {
        list_go_to(&m->page.list, line);
        if (key->name == KEY_NAME_DOUBLE_CLICK)
            go_deeper(m, b);
    }
    return true;
}

/* Handles a function key as the character it stands for. False: it stands for none. */
static bool function_key(struct main_page *m, struct browser *b, int number) {
    static const char letters[PAGE_KEYS + 1] = {
        [2] = 'v', [4] = '\\', [5] = 't', [6] = '>', [7] = 'p', [8] = 's', [9] = 'm'};
    uint32_t character = (unsigned char)letters[number];
    return character && (line_character(m, b, character) || moment_character(m, b, character));
}

/* Handles a key of the main page; false if it is none of its keys. */
static bool main_key(struct page *page, struct browser *b, const struct key *key) {
    struct main_page *m = (struct main_page *)page;
    if (m->is_time && time_key(m, b, key))
        return true;
    switch (key->name) {
    case KEY_NAME_CHARACTER:
        return line_character(m, b, key->character) || moment_character(m, b, key->character) ||
               list_key(&page->list, key);
    case KEY_NAME_LEFT:
        return to_the_side(m, b, -1);
    case KEY_NAME_RIGHT:
        return to_the_side(m, b, 1);
    case KEY_NAME_TAB:
    case KEY_NAME_BACK_TAB:
        m->is_time = !m->is_time;
        return true;
    case KEY_NAME_ENTER:
        go_deeper(m, b);
        return true;
    case KEY_NAME_CLICK:
    case KEY_NAME_DOUBLE_CLICK:
        return click_main(m, b, key);
    case KEY_NAME_WHEEL_UP:
    case KEY_NAME_WHEEL_DOWN:
        if (is_on_time(m, key))
            return moved(
                m, b, time_pane_move(&m->time, &b->data, key->name == KEY_NAME_WHEEL_UP ? -1 : 1));
        return list_key(&page->list, key);
    default:
        if (key->name > KEY_NAME_F1 && key->name < KEY_NAME_F10)
            return function_key(m, b, (int)(key->name - KEY_NAME_F1) + 1);
        return list_key(&page->list, key);
    }
}

/* Moves the cursor to a line that a search found. */
static void go_to_line(struct page *page, struct browser *b, int line) {
    struct main_page *m = (struct main_page *)page;
    (void)b;
    m->is_time = false;
    list_go_to(&page->list, line);
}

static void refresh(struct page *page, struct browser *b, bool is_more) {
    main_page_make_lines((struct main_page *)page, b, is_more);
}

/* Frees the lines and the chart, not the page. */
static void free_main(struct page *page) {
    struct main_page *m = (struct main_page *)page;
    lines_free(&m->lines);
    time_pane_free(&m->time);
}

static const char *const main_keys[PAGE_KEYS] = {"Help", "By",   "Search", "Filter", "Tree",
                                                 "Sort", "Peak", "Span",   "Mark",   "Quit"};
static const struct page_kind main_kind = {.keys = main_keys,
                                           .draw = main_page_draw,
                                           .key = main_key,
                                           .add_line = main_page_add_line,
                                           .go_to = go_to_line,
                                           .refresh = refresh,
                                           .free = free_main};

struct page *main_page_make(struct browser *b) {
    struct main_page *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->page.kind = &main_kind;
    m->lines.data = &b->data;
    m->lines.per = b->data.query.per;
    main_page_make_lines(m, b, false);
    return &m->page;
}
