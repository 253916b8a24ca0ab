/* What printf would write, measured by printing to nowhere first, where the block may be too small.
 */
#include <errno.h>
#include <stdio.h>
#include "strings/call.h"

/* A va_list (System V ABI, AMD64, 3.5.7). */
struct list {
    unsigned words_offset, vectors_offset;
    void *on_stack;
    struct hak_string_arguments *arguments;
};

/* How many bytes the end included the call prints; UNKNOWN: it fails. */
static size_t printed_bytes(const struct call *call) {
    int (*print)(char *, size_t, const char *, struct list *);
    struct list list = {.words_offset = call->row->c * 8u,
                        .vectors_offset = offsetof(struct hak_string_arguments, vector),
                        .on_stack = call->on_stack,
                        .arguments = call->arguments};
    int before = errno;
    *(void **)&print = hak_string_functions[HAK_CALL_vsnprintf];
    if (call->row->shape == PRINT_LIST || call->row->shape == PRINT_LIST_N)
        list = *(const struct list *)(uintptr_t)word(call, call->row->c);
    int length = print ? print(NULL, 0, second(call), &list) : -1;
    errno = before;
    return length < 0 ? UNKNOWN : (size_t)length + 1;
}

void hak_string_print(const struct call *call, size_t most) {
    size_t room = hak_room_at(first(call));
    if (room == UNKNOWN || most <= room)
        return;
    size_t bytes = printed_bytes(call);
    if (bytes != UNKNOWN && smaller(bytes, most) > room)
        hak_string_tell(call, first(call), smaller(bytes, most), true, false, false);
}
