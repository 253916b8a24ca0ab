/* Finds the memory that each shape of calls.def touches, and whether there is room for it
 * (guard/touch.h). */
#include <errno.h>
#include <limits.h>
#include "strings/call.h"

const struct hak_string_row hak_string_rows[HAK_STRING_CALLS] = {
#define CALL(name, shape, unit, a, b, c) {shape, unit, a, b, c},
#include "strings/calls.def"
};

static size_t bytes_of_all(const struct call *call) {
    return product(last(call), call->row->unit);
}
static size_t bytes_of_items(const struct call *call) {
    return product(word(call, call->row->b), last(call));
}

static void look_at_copy(struct call *call) {
    reads(call, second(call), bytes_of_all(call));
    writes(call, first(call), bytes_of_all(call));
}
static void look_at_fill(struct call *call) {
    writes(call, first(call), bytes_of_all(call));
}
static void look_at_compare(struct call *call) {
    reads(call, second(call), bytes_of_all(call));
    reads(call, first(call), bytes_of_all(call));
}
static void look_at_read(struct call *call) {
    if (!hak_string_is_refused(call->number, first(call), last(call)))
        reads(call, first(call), bytes_of_all(call));
}
static void look_at_read_items(struct call *call) {
    reads(call, first(call), bytes_of_items(call));
}
/* swab leaves an odd byte alone. */
static void look_at_swap(struct call *call) {
    int64_t bytes = (int64_t)last(call);
    size_t even = bytes > 0 ? (size_t)bytes & ~(size_t)1 : 0;
    reads(call, second(call), even);
    writes(call, first(call), even);
}
static void look_at_copy_until(struct call *call) {
    hak_string_look_at_copy_until(call);
}
static void look_at_find(struct call *call) {
    hak_string_look_at_find(call);
}
static void look_at_search(struct call *call) {
    hak_string_look_at_search(call);
}
static void look_at_string_copy(struct call *call) {
    hak_string_look_at_copy(call);
}
static void look_at_find_piece(struct call *call) {
    reads(call, first(call), last(call));
    reads(call, second(call), word(call, 3));
}
static void look_at_string(struct call *call) {
    hak_string_reads(call, first(call), SIZE_MAX);
}
static void look_at_string_open(struct call *call) {
    hak_string_reads_open(call, first(call), 1, SIZE_MAX);
}
/* The kernel refuses a longer name. */
static void reads_name(const struct call *call, const char *name) {
    hak_string_reads_open(call, name, 1, PATH_MAX);
}
static void look_at_name(struct call *call) {
    reads_name(call, first(call));
}
static void look_at_string_n(struct call *call) {
    hak_string_reads(call, first(call), last(call));
}
static void look_at_search_of_string(struct call *call) {
    hak_string_look_at_search_for(call);
}
static void look_at_string_copy_n(struct call *call) {
    hak_string_reads(call, second(call), last(call));
    writes(call, first(call), bytes_of_all(call));
}
static void look_at_string_copy_within(struct call *call) {
    hak_string_look_at_copy_within(call, last(call));
}
static void look_at_string_append_within(struct call *call) {
    hak_string_look_at_append_within(call, last(call));
}
static void look_at_string_append(struct call *call) {
    hak_string_look_at_append(call, SIZE_MAX);
}
static void look_at_string_append_n(struct call *call) {
    hak_string_look_at_append(call, last(call));
}
static void look_at_string_compare(struct call *call) {
    hak_string_look_at_compare(call, SIZE_MAX);
}
static void look_at_string_compare_n(struct call *call) {
    hak_string_look_at_compare(call, last(call));
}
static void look_at_token(struct call *call) {
    const char *s = first(call);
    if (!s && call->row->c != 0) { /* where the call before has ended, as strtok_r keeps it */
        const char *const *kept = (const char *const *)(uintptr_t)last(call);
        s = hak_string_is_there(kept) ? *kept : NULL;
    }
    hak_string_look_at_token(call, s);
    if (!s && call->row->c == 0)
        call->way = HAK_CALL_AND_LOOK; /* where it goes on is libc's own */
}
static void look_at_token_at(struct call *call) {
    const char *const *kept = (const char *const *)(void *)first(call);
    hak_string_look_at_token(call, hak_string_is_there(kept) ? *kept : NULL);
}
static void look_at_number(struct call *call) {
    hak_string_look_at_number(call, call->row->c == 0 ? 10 : (int)last(call));
}
static void look_at_strings(struct call *call) {
    hak_string_reads(call, first(call), SIZE_MAX);
    hak_string_reads(call, second(call), SIZE_MAX);
}
static void look_at_strings_open(struct call *call) {
    hak_string_reads_open(call, first(call), 1, SIZE_MAX);
    hak_string_reads_open(call, second(call), 1, SIZE_MAX);
}
static void look_at_names(struct call *call) {
    reads_name(call, first(call));
    reads_name(call, second(call));
}
static void look_at_execute(struct call *call) {
    reads_name(call, first(call));
    hak_string_reads_vector(call, (char *const *)(void *)second(call));
    if (call->row->c != 0)
        hak_string_reads_vector(call, (char *const *)(uintptr_t)last(call));
}
static void look_at_execute_list(struct call *call) {
    reads_name(call, first(call));
    uint64_t behind = hak_string_reads_arguments(call);
    if (call->row->shape == EXECUTE_LIST_IN)
        hak_string_reads_vector(call, (char *const *)(uintptr_t)behind);
}
static void look_at_transform(struct call *call) {
    hak_string_look_at_transform(call);
}
static void look_at_sort(struct call *call) {
    if (word(call, call->row->b) > 1) /* one is in order */
        reads(call, first(call), bytes_of_items(call));
}
static void look_later(struct call *call, bool is_later) {
    if (is_later)
        call->way = HAK_CALL_AND_LOOK;
}
static void look_at_read_pieces(struct call *call) {
    look_later(call, hak_string_reads_pieces(call));
}
static void look_at_read_messages(struct call *call) {
    hak_string_reads_messages(call);
}
static void look_at_receive(struct call *call) {
    look_later(call, hak_string_receives(call, first(call), last(call)));
}
static void look_at_receive_items(struct call *call) {
    look_later(call, hak_string_receives(call, first(call), bytes_of_items(call)));
}
static void look_at_receive_pieces(struct call *call) {
    look_later(call, hak_string_receives_pieces(call));
}
static void look_at_receive_messages(struct call *call) {
    look_later(call, hak_string_receives_messages(call));
}
static void look_at_receive_of_name(struct call *call) {
    reads_name(call, second(call));
    look_at_receive(call);
}
static void look_at_convert(struct call *call) {
    look_later(call, hak_string_converts(call));
}
static void look_at_find_item(struct call *call) {
    look_later(call, hak_string_finds_item(call));
}
static void look_at_receive_line(struct call *call) {
    look_later(call, hak_string_receives(call, first(call),
                                         product((size_t)(int)last(call), call->row->unit)));
}
static void look_at_receive_path(struct call *call) {
    if (call->row->b != call->row->a)
        hak_string_reads(call, second(call), SIZE_MAX);
    look_later(call, hak_string_receives(call, first(call), PATH_MAX));
}
static void look_at_receive_text(struct call *call) {
    look_later(call, hak_string_receives(call, first(call), bytes_of_all(call)));
}
static void look_at_receive_growing(struct call *call) {
    look_later(call, hak_string_receives_line(call));
}
static void look_at_print_list(struct call *call) {
    if (!hak_string_has_list(call))
        return;
    hak_string_look_at_arguments(call);
    hak_string_look_at_output(call, SIZE_MAX);
}
static void look_at_print_list_n(struct call *call) {
    if (!hak_string_has_list(call))
        return;
    hak_string_look_at_arguments(call);
    hak_string_look_at_output(call, word(call, 1));
}
static void look_at_print_wide_list(struct call *call) {
    if (word(call, 1) == 0 || !hak_string_has_list(call)) /* it fails, and reads nothing */
        return;
    hak_string_look_at_arguments(call);
    hak_string_look_at_wide_output(call, word(call, 1));
}
static void look_at_print_out_list(struct call *call) {
    if (hak_string_has_list(call))
        hak_string_look_at_arguments(call);
}
/* The same with variable arguments. */
static void look_at_print_all(struct call *call) {
    call->way = HAK_JUMP_VARIADIC;
    look_at_print_list(call);
}
static void look_at_print_n(struct call *call) {
    call->way = HAK_JUMP_VARIADIC;
    look_at_print_list_n(call);
}
static void look_at_print_wide(struct call *call) {
    call->way = HAK_JUMP_VARIADIC;
    look_at_print_wide_list(call);
}
static void look_at_print_out(struct call *call) {
    call->way = HAK_JUMP_VARIADIC;
    look_at_print_out_list(call);
}
static void look_at_scan(struct call *call) {
    hak_string_reads(call, first(call), SIZE_MAX); /* glibc looks for its end first */
    hak_string_scan(call);
}
static void look_at_scan_stream(struct call *call) {
    hak_string_scan(call);
}
static void look_at_extend(struct call *call) {
    (void)call;
    hak_string_extend_formats();
}
static void look_at_load(struct call *call) {
    hak_string_reads(call, first(call), SIZE_MAX);
    hak_strings_expect_modules();
}
static void look_at_look_up(struct call *call) {
    hak_string_reads(call, first(call), SIZE_MAX); /* new modules were looked for before */
}

static void (*const looks[])(struct call *) = {
    [COPY] = look_at_copy,
    [COPY_UNTIL] = look_at_copy_until,
    [FILL] = look_at_fill,
    [COMPARE] = look_at_compare,
    [READ] = look_at_read,
    [READ_ITEMS] = look_at_read_items,
    [SWAP] = look_at_swap,
    [FIND_PIECE] = look_at_find_piece,
    [FIND] = look_at_find,
    [STRING] = look_at_string,
    [STRING_OPEN] = look_at_string_open,
    [NAME] = look_at_name,
    [STRING_N] = look_at_string_n,
    [FIND_IN_STRING] = look_at_search,
    [FIND_STRING] = look_at_search_of_string,
    [FIND_STRING_CASE] = look_at_search_of_string,
    [SPAN] = look_at_search_of_string,
    [SPAN_WITHOUT] = look_at_search_of_string,
    [TOKEN] = look_at_token,
    [TOKEN_AT] = look_at_token_at,
    [NUMBER] = look_at_number,
    [STRINGS] = look_at_strings,
    [STRINGS_OPEN] = look_at_strings_open,
    [NAMES] = look_at_names,
    [EXECUTE] = look_at_execute,
    [EXECUTE_LIST] = look_at_execute_list,
    [EXECUTE_LIST_IN] = look_at_execute_list,
    [STRING_COPY] = look_at_string_copy,
    [STRING_COPY_N] = look_at_string_copy_n,
    [STRING_COPY_WITHIN] = look_at_string_copy_within,
    [STRING_APPEND] = look_at_string_append,
    [STRING_APPEND_N] = look_at_string_append_n,
    [STRING_APPEND_WITHIN] = look_at_string_append_within,
    [STRING_COMPARE] = look_at_string_compare,
    [STRING_COMPARE_N] = look_at_string_compare_n,
    [STRING_COMPARE_CASE] = look_at_string_compare,
    [STRING_COMPARE_CASE_N] = look_at_string_compare_n,
    [STRING_COMPARE_CASE_IN] = look_at_string_compare,
    [STRING_COMPARE_CASE_N_IN] = look_at_string_compare_n,
    [TRANSFORM] = look_at_transform,
    [TRANSFORM_IN] = look_at_transform,
    [SORT] = look_at_sort,
    [FIND_ITEM] = look_at_find_item,
    [READ_PIECES] = look_at_read_pieces,
    [READ_MESSAGE] = look_at_read_pieces,
    [READ_MESSAGES] = look_at_read_messages,
    [RECEIVE] = look_at_receive,
    [RECEIVE_ITEMS] = look_at_receive_items,
    [RECEIVE_PIECES] = look_at_receive_pieces,
    [RECEIVE_MESSAGE] = look_at_receive_pieces,
    [RECEIVE_MESSAGES] = look_at_receive_messages,
    [RECEIVE_OF_NAME] = look_at_receive_of_name,
    [RECEIVE_IF_THERE] = look_at_receive,
    [RECEIVE_NEEDED] = look_at_receive,
    [RECEIVE_LINE] = look_at_receive_line,
    [RECEIVE_GROWING] = look_at_receive_growing,
    [RECEIVE_PATH] = look_at_receive_path,
    [RECEIVE_NAME] = look_at_receive,
    [RECEIVE_TEXT] = look_at_receive_text,
    [CONVERT] = look_at_convert,
    [CONVERT_REST] = look_at_convert,
    [CONVERT_REST_N] = look_at_convert,
    [PRINT] = look_at_print_all,
    [PRINT_N] = look_at_print_n,
    [PRINT_LIST] = look_at_print_list,
    [PRINT_LIST_N] = look_at_print_list_n,
    [PRINT_WIDE] = look_at_print_wide,
    [PRINT_WIDE_LIST] = look_at_print_wide_list,
    [PRINT_OUT] = look_at_print_out,
    [PRINT_OUT_LIST] = look_at_print_out_list,
    [SCAN] = look_at_scan,
    [SCAN_LIST] = look_at_scan,
    [SCAN_STREAM] = look_at_scan_stream,
    [SCAN_STREAM_LIST] = look_at_scan_stream,
    [EXTEND] = look_at_extend,
    [LOAD] = look_at_load,
    [LOOK_UP] = look_at_look_up,
};

/* Looks at a call of any shape, and tells of what is wrong. */
static __attribute__((noinline)) struct hak_string_next
look_at_call(unsigned number, struct hak_string_arguments *arguments, void *on_stack) {
    struct notes notes = {0};
    struct call call = {.row = &hak_string_rows[number],
                        .number = number,
                        .arguments = arguments,
                        .on_stack = on_stack,
                        .notes = &notes};
    if (HAK_UNLIKELY(hak_strings_loader != 0))
        hak_strings_look_for_modules();
    looks[call.row->shape](&call);
    if (HAK_UNLIKELY(notes.damaged != NULL) && !notes.is_told)
        hak_string_tell_damage(&call);
    if (notes.is_cut_short && call.way == HAK_CALL_AND_LOOK)
        hak_tags_pause((uintptr_t)arguments);
    return (struct hak_string_next){hak_string_functions[number], call.way};
}

/* ---- the commonest shapes ----------------------------------------------------------------------
 * A shorter way to the same: whether there is surely nothing to be told of. Else the call is looked
 * at as any other is, and told of. No module is being loaded. */

/* hak_room_at of a pointer, as far as the bytes around its block are whole: else 0. */
HAK_IN_PLACE size_t whole_room_at(unsigned number, uint64_t address, size_t bytes) {
    const void *p = (const void *)(uintptr_t)address;
    unsigned shape = hak_string_rows[number].shape;
    size_t room =
        hak_string_tags_room(number, p, bytes, shape == RECEIVE || shape == RECEIVE_ITEMS);
    if (room != 0)
        return room;
    room = hak_room_near(p);
    if (HAK_LIKELY(room != 0))
        return room;
    struct hak_look look = hak_look_at(p, hak_string_is_of_kernel(number));
    return look.is_whole ? look.room : 0;
}

#define WELL(number)  ((struct hak_string_next){hak_string_functions[number], HAK_JUMP})
#define LATER(number) ((struct hak_string_next){hak_string_functions[number], HAK_CALL_AND_LOOK})

/* Whether the kernel reads or writes a block, which another thread may free while it waits. */
static inline bool may_be_freed_meanwhile(unsigned number, size_t room) {
    unsigned shape = hak_string_rows[number].shape;
    return room != UNKNOWN && (shape == READ || shape == RECEIVE) &&
           hak_string_is_of_kernel(number);
}

static __attribute__((noinline)) struct hak_string_next
look_at_one_block(unsigned number, struct hak_string_arguments *arguments, void *on_stack,
                  uint64_t bytes) {
    size_t room = whole_room_at(number, arguments->word[hak_string_rows[number].a], bytes);
    if (HAK_UNLIKELY(bytes > room))
        return look_at_call(number, arguments, on_stack);
    return may_be_freed_meanwhile(number, room) ? LATER(number) : WELL(number);
}

static __attribute__((noinline)) struct hak_string_next
look_at_two_blocks(unsigned number, struct hak_string_arguments *arguments, void *on_stack) {
    const struct hak_string_row *row = &hak_string_rows[number];
    const uint64_t *words = arguments->word;
    size_t bytes = product(words[row->c], row->unit);
    if (HAK_LIKELY(bytes <= whole_room_at(number, words[row->b], bytes)) &&
        HAK_LIKELY(bytes <= whole_room_at(number, words[row->a], bytes)))
        return WELL(number);
    return look_at_call(number, arguments, on_stack);
}

static __attribute__((noinline)) struct hak_string_next
look_at_one_string(unsigned number, struct hak_string_arguments *arguments, void *on_stack) {
    uint64_t s = arguments->word[hak_string_rows[number].a];
    size_t room = whole_room_at(number, s, 1);
    if (room == UNKNOWN || HAK_LIKELY(strnlen((const char *)(uintptr_t)s, room) < room))
        return WELL(number);
    return look_at_call(number, arguments, on_stack);
}

static __attribute__((noinline)) struct hak_string_next
look_at_two_strings(unsigned number, struct hak_string_arguments *arguments, void *on_stack) {
    const struct hak_string_row *row = &hak_string_rows[number];
    const char *a = (const char *)(uintptr_t)arguments->word[row->a];
    const char *b = (const char *)(uintptr_t)arguments->word[row->b];
    size_t room_a = whole_room_at(number, (uintptr_t)a, 1);
    size_t room_b = whole_room_at(number, (uintptr_t)b, 1);
    size_t room = smaller(room_a, room_b);
    if (room == UNKNOWN || (room != 0 && (HAK_LIKELY(strncmp(a, b, room) != 0) ||
                                          HAK_LIKELY(strnlen(a, room) < room))))
        return WELL(number);
    return look_at_call(number, arguments, on_stack);
}

static struct hak_string_next look(unsigned number, struct hak_string_arguments *arguments,
                                   void *on_stack) {
    const struct hak_string_row *row = &hak_string_rows[number];
    const uint64_t *words = arguments->word;
    if (HAK_UNLIKELY(hak_strings_loader != 0))
        return look_at_call(number, arguments, on_stack);
    switch (row->shape) {
    case COPY:
    case COMPARE:
        return look_at_two_blocks(number, arguments, on_stack);
    case FILL:
    case READ:
    case RECEIVE:
        return look_at_one_block(number, arguments, on_stack, product(words[row->c], row->unit));
    case READ_ITEMS:
    case RECEIVE_ITEMS:
        return look_at_one_block(number, arguments, on_stack,
                                 product(words[row->b], words[row->c]));
    case STRING:
        if (row->unit == 1)
            return look_at_one_string(number, arguments, on_stack);
        break;
    case STRING_COMPARE:
        if (row->unit == 1)
            return look_at_two_strings(number, arguments, on_stack);
        break;
    default:
        break;
    }
    return look_at_call(number, arguments, on_stack);
}

/* The look reads memory of the program's through pointers whose tags libc's function will have
 * compared, and around blocks. */
struct hak_string_next hak_strings_look(unsigned number, struct hak_string_arguments *arguments,
                                        void *on_stack) {
    if (!hak_tags_are_known())
        return look(number, arguments, on_stack);
    uintptr_t ear = hak_tags_begin_own();
    hak_tags_resume((uintptr_t)arguments);
    struct hak_string_next next = look(number, arguments, on_stack);
    hak_tags_end_own(ear);
    return next;
}

void hak_strings_look_again(unsigned number, struct hak_string_arguments *arguments,
                            int64_t result) {
    struct notes notes = {0};
    struct call call = {
        .row = &hak_string_rows[number], .number = number, .arguments = arguments, .notes = &notes};
    int before = errno;
    uintptr_t ear = hak_tags_begin_own();
    if (hak_tags_are_known())
        hak_tags_resume((uintptr_t)arguments);
    if ((int)result == -1 && before == EFAULT && hak_string_is_of_kernel(number))
        hak_string_refused(&call);
    else
        hak_string_received(&call, result);
    hak_tags_end_own(ear);
    errno = before;
}
