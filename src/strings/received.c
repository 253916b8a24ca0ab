/* Checks data that comes from outside into a buffer: how many bytes a read brings is known after it
 * alone, and looked at then, if there may be more than fit. */
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "strings/call.h"

/* Values kept over the call, where a variadic one has vectors: the line that getline was given, how
 * many items lfind looks through. */
static const char **kept_line(const struct call *call) {
    return (const char **)(void *)call->arguments->vector;
}
static size_t *kept_count(const struct call *call) {
    return (size_t *)(void *)call->arguments->vector;
}

/* True when it is to be looked at after the call. To a freed block nothing may come at all. */
bool hak_string_receives(const struct call *call, const char *p, size_t most) {
    if (most == 0 || HAK_LIKELY(most <= room_for(call, p, most, true)))
        return false;
    if (!hak_touch_is_after_free(p)) {
        hak_touch_open(p, most); /* a closed page would cut the call short */
        call->notes->is_cut_short |= hak_tags_are_given() &&
                                     hak_string_is_of_kernel(call->number) &&
                                     hak_touch_is_of_block(p);
        return true;
    }
    hak_string_tell(call, p, most, true, false, false);
    return false;
}

/* The tables of pieces that a call of the kernel is given. A table may be anything: it is a block
 * whose bytes the call reads, or memory that cannot be read, and the kernel then touches nothing.
 */
struct tables {
    const struct call *call;
    struct hak_readable known;
    bool is_done; /* the call was done */
};
/* clang-format off */
#define TABLES_OF(call, is_done) {call, HAK_READABLE_STACK, is_done}
/* clang-format on */

/* A table is told of before the call alone. */
static void note_table(const struct tables *tables, const void *table, size_t bytes) {
    if (!tables->is_done)
        reads(tables->call, table, bytes);
}

/* Copies what may be closed at any moment: the copy is looked at. */
static bool take(struct tables *tables, void *to, const void *from, size_t bytes) {
    return hak_copy_readable(&tables->known, to, from, bytes);
}

/* Of a table of pieces some are here at a time. */
enum { PIECES_AT_ONCE = 16 };
struct pieces {
    struct tables *tables;
    const struct iovec *first; /* the program's */
    size_t count;              /* 0: there are none, or the kernel refuses them */
    size_t from, held;         /* those that are here */
    struct iovec here[PIECES_AT_ONCE];
};

/* NULL behind the last one, and where it cannot be read. */
static const struct iovec *piece_at(struct pieces *pieces, size_t i) {
    if (i >= pieces->count)
        return NULL;
    if (i - pieces->from >= pieces->held) {
        size_t count = smaller(pieces->count - i, PIECES_AT_ONCE);
        pieces->held = 0;
        if (!take(pieces->tables, pieces->here, pieces->first + i, count * sizeof *pieces->here))
            return NULL;
        pieces->from = i;
        pieces->held = count;
    }
    return &pieces->here[i - pieces->from];
}

static void take_pieces(struct pieces *pieces, struct tables *tables, const struct iovec *first,
                        size_t count) {
    pieces->tables = tables;
    pieces->first = first;
    pieces->count = count <= IOV_MAX ? count : 0;
    pieces->held = 0;
    if (pieces->count > 0)
        note_table(tables, first, count * sizeof *first);
    for (size_t i = 0; i < pieces->count; i++) {
        const struct iovec *piece = piece_at(pieces, i);
        if (!piece || hak_string_is_too_far(piece->iov_base, piece->iov_len))
            pieces->count = 0;
    }
}

static void take_pieces_of_message(struct pieces *pieces, struct tables *tables,
                                   const struct msghdr *from) {
    struct msghdr message;
    note_table(tables, from, sizeof *from);
    if (take(tables, &message, from, sizeof message))
        take_pieces(pieces, tables, message.msg_iov, message.msg_iovlen);
    else
        take_pieces(pieces, tables, NULL, 0);
}

static void take_pieces_of_call(struct pieces *pieces, struct tables *tables) {
    const struct call *call = tables->call;
    int count = (int)last(call); /* the upper half of its register may be anything */
    if (call->row->shape == RECEIVE_MESSAGE || call->row->shape == READ_MESSAGE)
        take_pieces_of_message(pieces, tables, (const struct msghdr *)(void *)first(call));
    else
        take_pieces(pieces, tables, (const struct iovec *)(void *)first(call),
                    count < 0 ? 0 : (size_t)count);
}

/* Message `i` of recvmmsg and sendmmsg, which take no more than so many at once; false: there is
 * none, or the kernel goes no further. */
static bool take_message(struct tables *tables, size_t i, struct mmsghdr *message) {
    const struct call *call = tables->call;
    const struct mmsghdr *from = (const struct mmsghdr *)(void *)first(call) + i;
    if (i >= smaller((unsigned)last(call), IOV_MAX))
        return false;
    note_table(tables, from, sizeof *from);
    return take(tables, message, from, sizeof *message);
}

/* The bytes that come may be written over the table itself, which then says nothing any more. */
static bool is_overwritten(struct pieces *pieces) {
    uintptr_t start = (uintptr_t)pieces->first, end = (uintptr_t)(pieces->first + pieces->count);
    const struct iovec *piece;
    for (size_t i = 0; (piece = piece_at(pieces, i)) != NULL; i++) {
        uintptr_t at = (uintptr_t)piece->iov_base;
        if (at < end && at + piece->iov_len > start)
            return true;
    }
    return false;
}

/* Looks at the pieces of a call or of a message, of which `received` bytes have come; true: look
 * again after the call. */
typedef bool look_at_each(struct pieces *pieces, size_t received);

/* Another thread may free it while the kernel waits. */
static bool is_of_block(const struct iovec *piece) {
    return piece->iov_len > 0 && hak_room_at(piece->iov_base) != SIZE_MAX;
}

static bool receives_each(struct pieces *pieces, size_t received) {
    bool is_later = false;
    const struct iovec *piece;
    (void)received;
    for (size_t i = 0; (piece = piece_at(pieces, i)) != NULL; i++) {
        is_later |= hak_string_receives(pieces->tables->call, piece->iov_base, piece->iov_len);
        is_later |= is_of_block(piece);
    }
    return is_later && !is_overwritten(pieces);
}

static bool reads_each(struct pieces *pieces, size_t received) {
    bool is_later = false;
    const struct iovec *piece;
    (void)received;
    for (size_t i = 0; (piece = piece_at(pieces, i)) != NULL; i++) {
        reads(pieces->tables->call, piece->iov_base, piece->iov_len);
        is_later |= is_of_block(piece);
    }
    return is_later;
}

/* Tells of the write into each piece that the received bytes have reached. */
static bool tell_each(struct pieces *pieces, size_t received) {
    const struct iovec *piece;
    for (size_t i = 0; received > 0 && (piece = piece_at(pieces, i)) != NULL; i++) {
        size_t bytes = smaller(received, piece->iov_len);
        hak_string_wrote(pieces->tables->call, piece->iov_base, bytes);
        received -= bytes;
    }
    return false;
}

static bool look_at_pieces(const struct call *call, look_at_each *look, bool is_done,
                           size_t received) {
    struct tables tables = TABLES_OF(call, is_done);
    struct pieces pieces;
    take_pieces_of_call(&pieces, &tables);
    return look(&pieces, received);
}

/* Of the first `most` messages, as far as they can be read. */
static bool look_at_messages(const struct call *call, look_at_each *look, bool is_done,
                             size_t most) {
    struct tables tables = TABLES_OF(call, is_done);
    struct mmsghdr message;
    bool is_later = false;
    for (size_t i = 0; i < most && take_message(&tables, i, &message); i++) {
        struct pieces pieces;
        take_pieces(&pieces, &tables, message.msg_hdr.msg_iov, message.msg_hdr.msg_iovlen);
        is_later |= look(&pieces, message.msg_len);
    }
    return is_later;
}

bool hak_string_receives_pieces(const struct call *call) {
    return look_at_pieces(call, receives_each, false, 0);
}
bool hak_string_reads_pieces(const struct call *call) {
    return look_at_pieces(call, reads_each, false, 0);
}
bool hak_string_receives_messages(const struct call *call) {
    return look_at_messages(call, receives_each, false, IOV_MAX);
}
void hak_string_reads_messages(const struct call *call) {
    (void)look_at_messages(call, reads_each, false, IOV_MAX);
}

/* Of the source as much is read as makes the characters that fit, or all, where none are stored. */
bool hak_string_converts(const struct call *call) {
    const char *to = first(call), *from = second(call);
    size_t units = to ? last(call) : SIZE_MAX;
    unsigned unit = call->row->unit == 1 ? sizeof(wchar_t) : 1;
    if (call->row->shape == CONVERT_REST_N && word(call, 2) == 0) /* it reads nothing */
        from = NULL;
    else if (call->row->shape != CONVERT)
        from = hak_string_is_there(from) ? *(const char *const *)(const void *)from : NULL;
    bool is_within =
        call->row->shape == CONVERT_REST_N && product(word(call, 2), unit) <= hak_room_at(from);
    if (from && !is_within)
        hak_string_reads_converted(call, from, unit, units);
    return hak_string_receives(call, to, product(last(call), call->row->unit));
}

/* lfind(key, items, count, bytes, compare): how far it comes depends on the program's function. */
bool hak_string_finds_item(const struct call *call) {
    const size_t *count = (const size_t *)(void *)second(call);
    size_t bytes = last(call);
    if (!hak_string_is_there(count) || product(*count + 1, bytes) <= hak_room_at(first(call)))
        return false;
    *kept_count(call) = *count;
    return true;
}

/* getline(line, bytes, ...): a block of the program, which may be made larger. glibc 2.43
 * looks at neither where the stream has had an error. */
bool hak_string_receives_line(const struct call *call) {
    struct hak_readable known = HAK_READABLE_STACK;
    const char *line;
    size_t bytes;
    if (!hak_copy_readable(&known, &line, first(call), sizeof line) ||
        !hak_copy_readable(&known, &bytes, (const void *)(uintptr_t)last(call), sizeof bytes) ||
        !line || !hak_string_receives(call, line, bytes))
        return false;
    *kept_line(call) = line;
    return true;
}

void hak_string_wrote(const struct call *call, const char *p, size_t bytes) {
    const struct hak_kernel_touch touch = {p, bytes, true, hak_string_name(call->number)};
    if (hak_light_serves() && hak_tags_are_known() && hak_string_is_of_kernel(call->number))
        hak_touch_has_received(&touch);
    else if (bytes > hak_room_at(p))
        hak_string_tell(call, p, bytes, true, false, true);
}

void hak_string_has_read(const struct call *call, const char *p, size_t bytes) {
    if (bytes > hak_room_at(p))
        hak_string_tell(call, p, bytes, false, false, true);
}

/* Tells of bytes in a block that another thread freed while the kernel was to touch them. */
static bool tell_refused(const struct call *call, const char *p, size_t bytes) {
    bool is_freed = bytes > 0 && hak_touch_is_after_free(p);
    if (is_freed)
        hak_touch_report(&(struct hak_touch){.pointer = p,
                                             .bytes = bytes,
                                             .call = hak_string_name(call->number),
                                             .is_write = call->row->shape >= RECEIVE,
                                             .is_refused = true});
    return is_freed;
}

static bool tell_refused_piece(struct pieces *pieces, size_t received) {
    const struct iovec *piece;
    (void)received;
    for (size_t i = 0; (piece = piece_at(pieces, i)) != NULL; i++)
        if (tell_refused(pieces->tables->call, piece->iov_base, piece->iov_len))
            return true;
    return false;
}

void hak_string_refused(const struct call *call) {
    switch (call->row->shape) {
    case READ:
    case RECEIVE:
        (void)tell_refused(call, first(call), last(call));
        break;
    case READ_PIECES:
    case READ_MESSAGE:
    case RECEIVE_PIECES:
    case RECEIVE_MESSAGE:
        (void)look_at_pieces(call, tell_refused_piece, true, 0);
        break;
    default:
        break;
    }
}

/* All items up to the one that was found; a new one stands behind them. */
static void tell_found_item(const struct call *call, const char *found) {
    const char *items = first(call);
    size_t count = *kept_count(call), bytes = last(call);
    bool is_new = *(const size_t *)(void *)second(call) > count;
    if (is_new)
        hak_string_wrote(call, items, product(count + 1, bytes));
    else
        hak_string_has_read(call, items,
                            found ? (size_t)(found - items) + bytes : product(count, bytes));
}

/* How many characters a conversion has stored; its end, if it came so far. */
static size_t converted_units(const struct call *call, size_t count) {
    bool has_end = call->row->shape == CONVERT || !*(const char *const *)(const void *)second(call);
    return smaller(count + has_end, last(call));
}

/* A string with its end. */
static void tell_received_string(const struct call *call) {
    unsigned unit = call->row->unit;
    hak_string_wrote(call, first(call), (length_within(first(call), unit, SIZE_MAX) + 1) * unit);
}

static void tell_received(const struct call *call, size_t count) {
    switch (call->row->shape) {
    case RECEIVE:
    case RECEIVE_OF_NAME:
        hak_string_wrote(call, first(call), count);
        break;
    case RECEIVE_NEEDED:
        hak_string_wrote(call, first(call), smaller(count, last(call)));
        break;
    case RECEIVE_MESSAGES:
        (void)look_at_messages(call, tell_each, true, count);
        break;
    case CONVERT:
    case CONVERT_REST:
    case CONVERT_REST_N:
        hak_string_wrote(call, first(call), product(converted_units(call, count), call->row->unit));
        break;
    case RECEIVE_ITEMS:
        hak_string_wrote(call, first(call), product(count, word(call, call->row->b)));
        break;
    case RECEIVE_TEXT: /* `count` does not have the end */
        hak_string_wrote(call, first(call), product(count + 1, call->row->unit));
        break;
    case RECEIVE_PIECES:
    case RECEIVE_MESSAGE:
        (void)look_at_pieces(call, tell_each, true, count);
        break;
    default:
        if (*(char *const *)(void *)first(call) == *kept_line(call))
            hak_string_wrote(call, *kept_line(call), count + 1);
    }
}

void hak_string_received(const struct call *call, int64_t result) {
    const char *pointer = (const char *)(uintptr_t)result;
    switch (call->row->shape) {
    case TOKEN:
        if (pointer)
            hak_string_has_read(call, pointer, strlen(pointer) + 1);
        break;
    case FIND_ITEM:
        tell_found_item(call, pointer);
        break;
    case RECEIVE_IF_THERE: /* else it is a text of libc's own */
        if (pointer == first(call))
            tell_received_string(call);
        break;
    case RECEIVE_NAME: /* an int: 0 where it is there */
        if ((int)result == 0)
            tell_received_string(call);
        break;
    case RECEIVE_LINE: /* a pointer */
    case RECEIVE_PATH:
        if (result != 0)
            tell_received_string(call);
        break;
    case READ:
    case READ_PIECES:
    case READ_MESSAGE:
        break;
    default:
        if (result > 0)
            tell_received(call, (size_t)result);
    }
}
