/* What comes from outside into a buffer: how many bytes a read brings is known after it alone, and
 * looked at then, if there may be more than fit. */
#include <limits.h>
#include <string.h>
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
    if (call->row->shape != RECEIVE_MESSAGE) {
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

/* getline(line, bytes, ...): a block of the program, which may be made larger. */
bool hak_string_receives_line(const struct call *call) {
    char *const *line = (char *const *)(void *)first(call);
    const size_t *bytes = (const size_t *)(uintptr_t)last(call);
    if (!line || !bytes || !*line || !hak_string_receives(call, *line, *bytes))
        return false;
    *kept_line(call) = *line;
    return true;
}

static void receives_now(const struct call *call, const char *p, size_t bytes) {
    if (bytes > hak_room_at(p))
        hak_string_tell(call, p, bytes, true, false, true);
}

static void received_pieces(const struct call *call, size_t left) {
    size_t count;
    const struct iovec *pieces = pieces_of(call, &count);
    for (size_t i = 0; i < count && left > 0; i++) {
        size_t bytes = smaller(left, pieces[i].iov_len);
        receives_now(call, pieces[i].iov_base, bytes);
        left -= bytes;
    }
}

void hak_string_received(const struct call *call, int64_t result) {
    bool is_count = call->row->shape != RECEIVE_LINE; /* else a pointer */
    if (result == 0 || (is_count && result < 0))
        return;
    switch (call->row->shape) {
    case RECEIVE:
        receives_now(call, first(call), (size_t)result);
        break;
    case RECEIVE_ITEMS:
        receives_now(call, first(call), product((size_t)result, word(call, call->row->b)));
        break;
    case RECEIVE_PIECES:
    case RECEIVE_MESSAGE:
        received_pieces(call, (size_t)result);
        break;
    case RECEIVE_LINE:
        receives_now(call, first(call), strlen(first(call)) + 1);
        break;
    default:
        if (*(char *const *)(void *)first(call) == *kept_line(call))
            receives_now(call, *kept_line(call), (size_t)result + 1);
    }
}
