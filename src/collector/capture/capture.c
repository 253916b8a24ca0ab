/* Transactions beside the commits of events. */
#include "collector/capture/capture.h"

bool hak_capture_begin(struct hak_capture *capture) {
    return capture->writer && hak_store_begin(capture->writer) == 0;
}

bool hak_capture_end(struct hak_capture *capture, int error) {
    bool is_stored = error == 0 && hak_store_commit(capture->writer) == 0;
    if (!is_stored)
        hak_store_rollback(capture->writer);
    return is_stored;
}

void hak_capture_store_frames(struct hak_capture *capture) {
    if (hak_resolve_is_dirty(&capture->resolve) && hak_capture_begin(capture) &&
        hak_capture_end(capture, hak_resolve_flush(&capture->resolve, capture->writer)))
        hak_resolve_committed(&capture->resolve);
}
