/* A call as the functions that look at it see it: its arguments by their part in it, and the fault
 * when it touches too many bytes. For this folder alone. */
#ifndef HAK_STRINGS_CALL_H
#define HAK_STRINGS_CALL_H

#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <wchar.h>
#include "guard/touch.h"
#include "light.h"
#include "platform/readable.h"
#include "strings/format.h"
#include "strings/libc.h"
#include "strings/strings.h"

/* The memory that a call touches, by its arguments (docs/specs/strings.md). */
enum hak_string_shape {
    COPY,
    COPY_UNTIL,
    FILL,
    COMPARE,
    READ,
    READ_ITEMS,
    SWAP,
    FIND_PIECE,
    FIND,
    STRING,
    STRING_OPEN,
    NAME,
    STRING_N,
    FIND_IN_STRING,
    FIND_STRING,
    FIND_STRING_CASE,
    SPAN,
    SPAN_WITHOUT,
    TOKEN,
    TOKEN_AT,
    NUMBER,
    STRINGS,
    STRINGS_OPEN,
    NAMES,
    EXECUTE,
    EXECUTE_LIST,
    EXECUTE_LIST_IN,
    STRING_COPY,
    STRING_COPY_N,
    STRING_COPY_WITHIN,
    STRING_APPEND,
    STRING_APPEND_N,
    STRING_APPEND_WITHIN,
    STRING_COMPARE,
    STRING_COMPARE_N,
    STRING_COMPARE_CASE,
    STRING_COMPARE_CASE_N,
    STRING_COMPARE_CASE_IN,
    STRING_COMPARE_CASE_N_IN,
    TRANSFORM,
    TRANSFORM_IN,
    SORT,
    FIND_ITEM,
    READ_PIECES,
    READ_MESSAGE,
    READ_MESSAGES,
    RECEIVE,
    RECEIVE_ITEMS,
    RECEIVE_PIECES,
    RECEIVE_MESSAGE,
    RECEIVE_MESSAGES,
    RECEIVE_OF_NAME,
    RECEIVE_IF_THERE,
    RECEIVE_NEEDED,
    RECEIVE_LINE,
    RECEIVE_GROWING,
    RECEIVE_PATH,
    RECEIVE_NAME,
    RECEIVE_TEXT,
    CONVERT,
    CONVERT_REST,
    CONVERT_REST_N,
    PRINT,
    PRINT_N,
    PRINT_LIST,
    PRINT_LIST_N,
    PRINT_WIDE,
    PRINT_WIDE_LIST,
    PRINT_OUT,
    PRINT_OUT_LIST,
    SCAN,
    SCAN_LIST,
    SCAN_STREAM,
    SCAN_STREAM_LIST,
    EXTEND,
    LOAD,
    LOOK_UP,
};

struct hak_string_row {
    uint8_t shape, unit, a, b, c;
};
HAK_HIDDEN extern const struct hak_string_row hak_string_rows[HAK_STRING_CALLS];
HAK_HIDDEN const char *hak_string_name(unsigned number);

/* Notes that are made while a call is looked at. */
struct notes {
    const void *damaged; /* a pointer into a block around which bytes are not as due, or NULL */
    bool is_told;        /* the call itself touches too many bytes */
    bool is_cut_short;   /* memory tags behind a block would stop the kernel there */
};

/* A call that is looked at: its arguments by their part in it. */
struct call {
    const struct hak_string_row *row;
    unsigned number; /* of the row */
    struct hak_string_arguments *arguments;
    void *on_stack;
    struct notes *notes;
    enum hak_string_way way;
};

#define UNKNOWN SIZE_MAX

static inline uint64_t word(const struct call *call, unsigned number) {
    return call->arguments->word[number];
}
static inline char *first(const struct call *call) {
    return (char *)(uintptr_t)word(call, call->row->a);
}
static inline char *second(const struct call *call) {
    return (char *)(uintptr_t)word(call, call->row->b);
}
static inline size_t last(const struct call *call) {
    return word(call, call->row->c);
}
static inline size_t product(size_t count, size_t bytes) {
    size_t all;
    return __builtin_mul_overflow(count, bytes, &all) ? SIZE_MAX : all;
}
static inline size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Tells of it. `is_at_least`: there may be more bytes; `is_done`: the call was done. */
HAK_HIDDEN HAK_COLD void hak_string_tell(const struct call *call, const char *p, size_t bytes,
                                         bool is_write, bool is_at_least, bool is_done);
/* Tells of the damage that was noted. */
HAK_HIDDEN HAK_COLD void hak_string_tell_damage(const struct call *call);
/* It reads all of its room, in steps of `unit` bytes, and goes on. */
HAK_HIDDEN HAK_COLD void hak_string_runs_out(const struct call *call, const char *p, size_t room,
                                             unsigned unit);
/* The variable arguments of the call. */
HAK_HIDDEN struct hak_list hak_string_list_of(const struct call *call);
/* False: it is given a list that cannot be read. */
HAK_HIDDEN bool hak_string_has_list(const struct call *call);

/* Units in front of the end of the string at `s`, of the first `most`: `most` where there is none.
 */
static inline size_t length_within(const char *s, unsigned unit, size_t most) {
    if (HAK_LIKELY(unit == 1))
        return most == SIZE_MAX ? strlen(s) : strnlen(s, most);
    const wchar_t *wide = (const wchar_t *)(const void *)s;
    return most == SIZE_MAX ? hak_libc.wcslen(wide) : hak_libc.wcsnlen(wide, most);
}

/* Units from `s` on that begin in its page, at least one. */
static inline size_t hak_string_units_of_page(const char *s, unsigned unit) {
    size_t bytes = HAK_READABLE_PAGE_BYTES - (uintptr_t)s % HAK_READABLE_PAGE_BYTES;
    return bytes < unit ? 1 : bytes / unit;
}

/* Does the kernel write or read the program's memory in it? No closed page stops it: it ends such a
 * call with EFAULT, or before all was read. */
static inline bool hak_string_is_of_kernel(unsigned number) {
    return (number >= HAK_CALL_write && number <= HAK_CALL___fread_unlocked_chk) ||
           number == HAK_CALL_getcwd || number == HAK_CALL___getcwd_chk;
}

/* The same of a pointer of which hak_room_near says nothing. */
HAK_HIDDEN size_t hak_string_room_at(const struct call *call, const void *p);

/* Bytes that reach into the kernel's half of all addresses, or that are more than a call could say
 * that it wrote: of a piece, or of a write, the kernel touches none then. (A send is cut shorter.)
 */
static inline bool hak_string_is_too_far(const void *p, size_t bytes) {
    return bytes > SSIZE_MAX - ((uintptr_t)hak_untagged(p) & SSIZE_MAX);
}
static inline bool hak_string_is_refused(unsigned number, const void *p, size_t bytes) {
    return number >= HAK_CALL_write && number <= HAK_CALL_pwrite64 &&
           hak_string_is_too_far(p, bytes);
}

/* The tags of memory that a call touches are looked at. Not 0: level light looks at nothing else,
 * and has so many bytes for a call that receives. */
static inline size_t hak_string_tags_room(unsigned number, const void *p, size_t bytes,
                                          bool is_write) {
    if (!hak_tags_are_known() || !hak_string_is_of_kernel(number))
        return 0;
    const struct hak_kernel_touch touch = {p, bytes, is_write, hak_string_name(number)};
    if (!hak_string_is_refused(number, p, bytes))
        hak_touch_for_kernel(&touch);
    return !hak_light_serves() ? 0 : is_write ? hak_touch_kernel_room(p) : UNKNOWN;
}

/* hak_room_at of a pointer from which the call touches so many bytes; and the bytes around its
 * block are compared. */
static inline size_t room_for(const struct call *call, const void *p, size_t bytes, bool is_write) {
    size_t room = hak_string_tags_room(call->number, p, bytes, is_write);
    if (room == 0)
        room = hak_room_near(p);
    return HAK_LIKELY(room != 0) ? room : hak_string_room_at(call, p);
}
/* The same of one of which the bytes are not known. */
static inline size_t room_at(const struct call *call, const void *p) {
    return room_for(call, p, 1, false);
}

/* True when `p`, through which libc is to read without asking the kernel, can be read: by what its
 * page was when it was asked about first. The others are left to libc, where the program dies then
 * by itself. */
HAK_HIDDEN HAK_COLD bool hak_string_asks_about(const void *p);
HAK_HIDDEN extern _Atomic uintptr_t hak_string_pages[];
enum { HAK_STRING_PAGES = 16 };
static inline uintptr_t page_end_of(const void *p) {
    return (uintptr_t)p | (HAK_READABLE_PAGE_BYTES - 1);
}
static inline _Atomic uintptr_t *place_of_page(uintptr_t page_end) {
    return &hak_string_pages[page_end / HAK_READABLE_PAGE_BYTES % HAK_STRING_PAGES];
}
static inline bool hak_string_is_there(const void *p) {
    const void *plain = hak_untagged(p);
    uintptr_t page_end = page_end_of(plain);
    return hak_is_on_stack(plain) ||
           HAK_LIKELY(atomic_load_explicit(place_of_page(page_end), memory_order_relaxed) ==
                      page_end) ||
           hak_string_asks_about(p);
}
/* The same of a unit, which may lie in two pages. */
static inline bool hak_string_unit_is_there(const char *p, unsigned unit) {
    return hak_string_is_there(p) && (unit == 1 || hak_string_is_there(p + unit - 1));
}

static inline void touches(const struct call *call, const char *p, size_t bytes, bool is_write) {
    if (bytes != 0 && HAK_UNLIKELY(bytes > room_for(call, p, bytes, is_write)))
        hak_string_tell(call, p, bytes, is_write, false, false);
}
static inline void reads(const struct call *call, const char *p, size_t bytes) {
    touches(call, p, bytes, false);
}
static inline void writes(const struct call *call, const char *p, size_t bytes) {
    touches(call, p, bytes, true);
}

/* text.c: reads a string to its end, or `most` units of it. */
HAK_HIDDEN void hak_string_reads(const struct call *call, const char *s, size_t most);
/* The same of one that the call need not come to, or that the kernel reads: where its pages cannot
 * be read nothing is. */
HAK_HIDDEN void hak_string_reads_open(const struct call *call, const char *s, unsigned unit,
                                      size_t most);
/* The same of the format, its second argument: of a stream that is of another orientation, or that
 * is not open for it, libc reads none. False: it cannot be read, or was told of. */
HAK_HIDDEN bool hak_string_reads_format(const struct call *call);
/* True when a string, of which `room` bytes may be read, can be read to its end or to theirs. */
HAK_HIDDEN bool hak_string_is_whole(const char *s, unsigned unit, size_t room);
HAK_HIDDEN void hak_string_look_at_search(const struct call *call);
/* The same of one whose second argument is a string, too. */
HAK_HIDDEN void hak_string_look_at_search_for(const struct call *call);
HAK_HIDDEN void hak_string_look_at_copy(const struct call *call);
HAK_HIDDEN void hak_string_look_at_append(const struct call *call, size_t most);
/* strlcpy, strlcat: of the destination `units` units are there. */
HAK_HIDDEN void hak_string_look_at_copy_within(const struct call *call, size_t units);
HAK_HIDDEN void hak_string_look_at_append_within(const struct call *call, size_t units);
/* Strings at which pointers lead that end with NULL, or that are the call's own arguments, from
 * number `from` on; returns the word behind these. */
HAK_HIDDEN void hak_string_reads_vector(const struct call *call, char *const *strings);
HAK_HIDDEN uint64_t hak_string_reads_arguments(const struct call *call);
HAK_HIDDEN void hak_string_look_at_compare(const struct call *call, size_t most);
HAK_HIDDEN void hak_string_look_at_find(const struct call *call);
HAK_HIDDEN void hak_string_look_at_copy_until(const struct call *call);
HAK_HIDDEN void hak_string_look_at_token(const struct call *call, const char *s);
HAK_HIDDEN void hak_string_look_at_number(const struct call *call, int base);
HAK_HIDDEN void hak_string_look_at_transform(const struct call *call);

/* printed.c: reads as much of a string as makes `most` characters of the row's kind. */
HAK_HIDDEN void hak_string_reads_converted(const struct call *call, const char *s, unsigned unit,
                                           size_t most);
/* The strings that the call prints; its output of at most `most` bytes, or wide characters. */
HAK_HIDDEN void hak_string_look_at_arguments(const struct call *call);
HAK_HIDDEN void hak_string_look_at_output(const struct call *call, size_t most);
HAK_HIDDEN void hak_string_look_at_wide_output(const struct call *call, size_t most);
/* The program adds conversions of its own: no format is understood from now on. */
HAK_HIDDEN void hak_string_extend_formats(void);

/* scanned.c: does the call itself where it may store more than there is room for. */
HAK_HIDDEN void hak_string_scan(struct call *call);

/* received.c: true when it is to be looked at after the call. */
HAK_HIDDEN bool hak_string_receives(const struct call *call, const char *p, size_t most);
HAK_HIDDEN bool hak_string_receives_pieces(const struct call *call);
HAK_HIDDEN bool hak_string_reads_pieces(const struct call *call);
HAK_HIDDEN bool hak_string_receives_messages(const struct call *call);
HAK_HIDDEN void hak_string_reads_messages(const struct call *call);
/* mbstowcs and similar calls. */
HAK_HIDDEN bool hak_string_converts(const struct call *call);
/* lfind, lsearch: how many items there are before the call. */
HAK_HIDDEN bool hak_string_finds_item(const struct call *call);
HAK_HIDDEN bool hak_string_receives_line(const struct call *call);
HAK_HIDDEN void hak_string_received(const struct call *call, int64_t result);
/* The same where the kernel answered EFAULT. */
HAK_HIDDEN void hak_string_refused(const struct call *call);
/* `bytes` have been written, or read. */
HAK_HIDDEN void hak_string_has_read(const struct call *call, const char *p, size_t bytes);
HAK_HIDDEN void hak_string_wrote(const struct call *call, const char *p, size_t bytes);

#endif
