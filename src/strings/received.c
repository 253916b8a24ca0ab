/* What comes from outside into a buffer: how many bytes a read brings is known after it alone, and
 * looked at then, if there may be more than fit. */
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "strings/call.h"

/* The line that getline was given, kept over the call where a variadic one has vectors. */
static const char **kept_line(const struct call *call) {
    return (const char **)(void *)call->arguments->vector;
}

/* True when it is to be looked at after the call. To a freed block nothing may come at all. */
bool hak_string_receives(const struct call *call, const char *p, size_t most) {
    if (most == 0 || HAK_LIKELY(most <= hak_room_at(p)))
        return false;
    if (!hak_touch_is_after_free(p)) {
        hak_touch_open(p, most); /* a closed page would cut the call short */
        return true;
    }
    hak_string_tell(call, p, most, true, false, false);
    return false;
}

static const struct iovec *pieces_of(const struct call *call, size_t *count) {
    const struct msghdr *message = (const struct msghdr *)(void *)first(call);
    if (call->row->shape != RECEIVE_MESSAGE && call->row->shape != READ_MESSAGE) {
        int pieces = (int)last(call); /* the upper half of its register may be anything */
        *count = pieces > 0 ? smaller((size_t)pieces, IOV_MAX) : 0;
        return (const struct iovec *)(void *)first(call);
    }
    *count = message ? smaller(message->msg_iovlen, IOV_MAX) : 0;
    return message ? message->msg_iov : NULL;
}

bool hak_string_receives_pieces(const struct call *call) {
    size_t count;
    const struct iovec *pieces = pieces_of(call, &count);
    bool is_later = false;
    for (size_t i = 0; pieces && i < count; i++)
        is_later |= hak_string_receives(call, pieces[i].iov_base, pieces[i].iov_len);
    return is_later;
}

void hak_string_reads_pieces(const struct call *call) {
    size_t count;
    const struct iovec *pieces = pieces_of(call, &count);
    for (size_t i = 0; pieces && i < count; i++)
        reads(call, pieces[i].iov_base, pieces[i].iov_len);
}

/* getline(line, bytes, ...): a block of the program, which may be made larger. */
bool hak_string_receives_line(const struct call *call) {
    char *const *line = (char *const *)(void *)first(call);
    const size_t *bytes = (const size_t *)(uintptr_t)last(call);
    if (!line || !bytes || !*line || !hak_string_receives(call, *line, *bytes))
        return false;
    *kept_line(call) = *line;
    return true;
}

void hak_string_wrote(const struct call *call, const char *p, size_t bytes) {
    if (bytes > hak_room_at(p))
        hak_string_tell(call, p, bytes, true, false, true);
}

static void received_pieces(const struct call *call, size_t left) {
    size_t count;
    const struct iovec *pieces = pieces_of(call, &count);
    for (size_t i = 0; i < count && left > 0; i++) {
        size_t bytes = smaller(left, pieces[i].iov_len);
        hak_string_wrote(call, pieces[i].iov_base, bytes);
        left -= bytes;
    }
}

/* A string with its end. */
static void received_string(const struct call *call) {
    unsigned unit = call->row->unit;
    hak_string_wrote(call, first(call), (length_within(first(call), unit, SIZE_MAX) + 1) * unit);
}

static void received_some(const struct call *call, size_t count) {
    switch (call->row->shape) {
    case RECEIVE:
        hak_string_wrote(call, first(call), count);
        break;
    case RECEIVE_ITEMS:
        hak_string_wrote(call, first(call), product(count, word(call, call->row->b)));
        break;
    case RECEIVE_TEXT: /* `count` does not have the end, which is left out where it does not fit */
        hak_string_wrote(call, first(call),
                         product(smaller(count + 1, last(call)), call->row->unit));
        break;
    case RECEIVE_PIECES:
    case RECEIVE_MESSAGE:
        received_pieces(call, count);
        break;
    default:
        if (*(char *const *)(void *)first(call) == *kept_line(call))
            hak_string_wrote(call, *kept_line(call), count + 1);
    }
}

void hak_string_received(const struct call *call, int64_t result) {
    switch (call->row->shape) {
    case RECEIVE_NAME: /* an int: 0 where it is there */
        if ((int)result == 0)
            received_string(call);
        break;
    case RECEIVE_LINE: /* a pointer */
    case RECEIVE_PATH:
        if (result != 0)
            received_string(call);
        break;
    default:
        if (result > 0)
            received_some(call, (size_t)result);
    }
}
