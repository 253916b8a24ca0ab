/* Reports the progress of long reads to their watcher. */
#include "store/reader/watch.h"

#include "store/reader/inner.h"

static struct {
    hak_watcher tell;
    void *context;
    const char *doing;
} watch = {.doing = ""};

void hak_store_watch(hak_watcher watcher, void *context) {
    watch.tell = watcher;
    watch.context = context;
    watch.doing = "";
}

void hak_watch_doing(const char *doing) {
    watch.doing = doing;
}

int hak_watch_progress(struct hak_store_reader *r, uint64_t id, bool backwards) {
    if (!watch.tell)
        return 0;
    if (id > r->newest_event &&
        hak_database_numbers(&r->db,
                             "SELECT id + events - 1, ?1 FROM chunk ORDER BY id DESC LIMIT 1", 0,
                             &r->newest_event, 1) < 0)
        return 0;
    uint64_t newest = r->newest_event;
    struct hak_progress progress = {.doing = watch.doing,
                                    .done = backwards && id <= newest ? newest - id : id,
                                    .total = newest};
    if (watch.tell(watch.context, &progress) == 0)
        return 0;
    return hak_store_fail(HAK_STORE_STOPPED, "%s: reading was stopped", r->db.path);
}
