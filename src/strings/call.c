/* Tells of a call that touches too many bytes of a block. */
#include "strings/call.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

void *hak_string_functions[HAK_STRING_CALLS];

/* One behind the other: pointers to them would be relocated in every program. */
static const struct names {
#define CALL(name, shape, unit, a, b, c) char of_##name[sizeof #name];
#include "strings/calls.def"
} names = {
#define CALL(name, shape, unit, a, b, c) #name,
#include "strings/calls.def"
};
static const uint16_t places[HAK_STRING_CALLS] = {
#define CALL(name, shape, unit, a, b, c) offsetof(struct names, of_##name),
#include "strings/calls.def"
};

const char *hak_string_name(unsigned number) {
    return (const char *)&names + places[number];
}

static bool is_sent(const struct call *call) {
    unsigned shape = call->row->shape;
    return shape == READ || shape == READ_PIECES || shape == READ_MESSAGE || shape == READ_MESSAGES;
}

/* Its first argument is a descriptor. */
static bool has_descriptor(const struct call *call) {
    return hak_string_is_of_kernel(call->number) && call->row->a == 1 && call->row->b == 0 &&
           call->row->shape != RECEIVE_OF_NAME;
}

static long ask_socket(int socket, int option) {
    int value = 0;
    socklen_t bytes = sizeof value;
    long result = hak_raw_call(SYS_getsockopt, socket, SOL_SOCKET, option, &value, &bytes);
    return result < 0 ? result : value;
}

/* The kernel refuses a longer message before it reads any of it; SIZE_MAX: not known, as of those
 * that are cut up. */
static size_t longest_message(int socket) {
    long type = ask_socket(socket, SO_TYPE), family = ask_socket(socket, SO_DOMAIN);
    if (type < 0 || type == SOCK_STREAM)
        return SIZE_MAX;
    if (family == AF_UNIX || family == AF_NETLINK)
        return (size_t)ask_socket(socket, SO_SNDBUF);
    return type == SOCK_DGRAM && (family == AF_INET || family == AF_INET6) ? UINT16_MAX : SIZE_MAX;
}

/* Does the kernel refuse the call for its descriptor, and touch none of the bytes? That is not
 * open, or not for this, or a socket whose messages are not so long. */
static bool is_refused_by_descriptor(const struct call *call, size_t bytes) {
    if (!has_descriptor(call))
        return false;
    int descriptor = (int)word(call, 0);
    long flags = hak_raw_call(SYS_fcntl, descriptor, F_GETFL);
    if (flags < 0)
        return flags == -EBADF;
    if ((flags & O_PATH) || (flags & O_ACCMODE) == (is_sent(call) ? O_RDONLY : O_WRONLY))
        return true;
    return is_sent(call) && bytes > longest_message(descriptor);
}

void hak_string_tell(const struct call *call, const char *p, size_t bytes, bool is_write,
                     bool is_at_least, bool is_done) {
    int before = errno;
    if (!is_done && is_refused_by_descriptor(call, bytes))
        return;
    call->notes->is_told = true;
    hak_touch_report(&(struct hak_touch){.pointer = p,
                                         .bytes = bytes,
                                         .call = hak_string_name(call->number),
                                         .is_write = is_write,
                                         .is_at_least = is_at_least,
                                         .is_done = is_done});
    errno = before;
}

void hak_string_tell_damage(const struct call *call) {
    int before = errno;
    hak_damage_met(call->notes->damaged, hak_string_name(call->number));
    errno = before;
}

size_t hak_string_room_at(const struct call *call, const void *p) {
    struct hak_look look = hak_look_at(p, hak_string_is_of_kernel(call->number));
    if (!look.is_whole)
        call->notes->damaged = p;
    return look.room;
}

void hak_string_runs_out(const struct call *call, const char *p, size_t room, unsigned unit) {
    hak_string_tell(call, p, (room / unit + 1) * unit, false, true, false);
}

/* The last page of each place that could be read, by its last byte. */
_Atomic uintptr_t hak_string_pages[HAK_STRING_PAGES];

bool hak_string_asks_about(const void *p) {
    uintptr_t page_end = page_end_of(hak_untagged(p));
    if (!hak_may_read(p, 1)) /* by the tag of the block in which it lies */
        return false;
    atomic_store_explicit(place_of_page(page_end), page_end, memory_order_relaxed);
    return true;
}

static bool is_given_list(const struct call *call) {
    switch (call->row->shape) {
    case PRINT_LIST:
    case PRINT_LIST_N:
    case PRINT_WIDE_LIST:
    case PRINT_OUT_LIST:
    case SCAN_LIST:
    case SCAN_STREAM_LIST:
        return true;
    default:
        return false;
    }
}

struct hak_list hak_string_list_of(const struct call *call) {
    if (is_given_list(call))
        return *(const struct hak_list *)(uintptr_t)last(call);
    return hak_list_of(call->arguments, call->row->c, call->on_stack);
}

bool hak_string_has_list(const struct call *call) {
    return !is_given_list(call) || hak_string_is_there((const void *)(uintptr_t)last(call));
}
