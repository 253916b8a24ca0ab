/* Tells of a call that touches too many bytes of a block. */
#include "strings/call.h"

#include <errno.h>

void *hak_string_functions[HAK_STRING_CALLS];

void hak_string_tell(const struct call *call, const char *p, size_t bytes, bool is_write,
                     bool is_at_least, bool is_done) {
    int before = errno;
    hak_touch_report(&(struct hak_touch){.pointer = p,
                                         .bytes = bytes,
                                         .call = call->row->name,
                                         .is_write = is_write,
                                         .is_at_least = is_at_least,
                                         .is_done = is_done});
    errno = before;
}

void hak_string_runs_out(const struct call *call, const char *p, size_t room) {
    size_t unit = call->row->unit;
    hak_string_tell(call, p, (room / unit + 1) * unit, false, true, false);
}
