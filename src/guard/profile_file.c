/* Begins to write the heap profile into a file when it is due, or a signal asks for it. */
#include "guard/profile_file.h"
#include "heap_profile/heap_profile.h"
#include "light.h"
#include "options.h"
#include "platform/line.h"
#include "trace/trace.h"
#include "trace/wait.h"

bool hak_writes_profile;
static struct hak_heap_when when;
static _Atomic bool is_asked; /* by a signal, which no file was begun for */

/* Says on stderr what was expected; there are no files. */
static HAK_COLD void print_bad_dump(const char *value, const char *expected) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: HAKMEM_HEAP_PROFILE_DUMP=");
    hak_line_add_name(&line, value);
    hak_line_add(&line, ": ");
    hak_line_add(&line, expected);
    hak_line_add(&line, "; no profile is written");
    hak_line_end(&line);
}

void hak_profile_file_start(void) {
    if (!hak_options.has_text[HAK_INDEX_HEAP_PROFILE_DUMP])
        return;
    const char *text = hak_options.heap_profile_dump;
    if (!hak_heap_when_read(text, &when)) {
        print_bad_dump(text, "expected a folder and every=TIME, peak or signal=NAME behind commas, "
                             "as in /var/tmp,every=10m (units s, m, h and d)");
    } else if (!hak_heap_profile_table()) {
        print_bad_dump(text, hak_light_serves() ? "HAKMEM_HEAP_PROFILE is 0"
                                                : "it needs HAKMEM_CHECK=light");
    } else if (!hak_dump_start(text, when.directory_bytes)) {
        print_bad_dump(text, "the folder's path is too long");
    } else {
        hak_heap_when_start(&when, hak_monotonic_ns());
        hak_writes_profile = true;
    }
}

const char *hak_profile_file_signal(void) {
    return hak_writes_profile && when.signal[0] ? when.signal : NULL;
}

/* False: it is to be tried again. */
static bool begin_file(void) {
    const struct hak_heap_profile *table = hak_heap_profile_table();
    return atomic_load_explicit(&table->site_count, memory_order_acquire) != 0 &&
           hak_dump_write(table) != HAK_DUMP_BUSY;
}

void hak_write_profile_if_due(uint64_t now_ns) {
    int64_t live = hak_heap_profile_live_bytes();
    bool was_asked = atomic_load_explicit(&is_asked, memory_order_relaxed);
    if (!was_asked && !hak_heap_when_is_due(now_ns, live))
        return;
    if (was_asked)
        atomic_store_explicit(&is_asked, false, memory_order_relaxed);
    if (begin_file())
        hak_heap_when_done(now_ns, live);
    else if (was_asked)
        atomic_store_explicit(&is_asked, true, memory_order_relaxed);
}

void hak_write_profile_now(void) {
    if (!begin_file())
        atomic_store_explicit(&is_asked, true, memory_order_relaxed);
}

void hak_profile_file_fork_child(void) {
    if (!hak_writes_profile)
        return;
    atomic_store_explicit(&is_asked, false, memory_order_relaxed);
    hak_dump_forget();
    hak_heap_when_start(&when, hak_monotonic_ns());
}
