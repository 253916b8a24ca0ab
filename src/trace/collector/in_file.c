/* Begins recording into a file, where there is no collector. */
#include <fcntl.h>
#include <string.h>
#include "options.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/memory/memory.h"
#include "trace/collector/say.h"
#include "trace/collector/collector.h"
#include "trace/ring/ring.h"

bool hak_file_is_inherited(void) {
    return strncmp(hak_options.session, HAK_SESSION_RINGS, sizeof HAK_SESSION_RINGS - 1) == 0;
}

/* Hands the folder of the file on to programs that are executed, by the variable. One whose name is
 * too long is not handed on: they say their own line. */
static void hand_folder_on(const char *path) {
    struct hak_line session = {0};
    char folder[128] = "";
    size_t length = (size_t)(strrchr(path, '/') - path);
    if (length == 0 || length >= sizeof folder)
        return;
    memcpy(folder, path, length);
    hak_line_add(&session, HAK_SESSION_RINGS);
    hak_line_add(&session, folder);
    hak_environment_set_session(hak_line_text(&session));
}

/* Says that the program records into a file: to the collector that refused it, else on stderr. */
static void say_file(const struct hak_collector_failure *failure, const char *path) {
    struct hak_line note = {0}, line = {0};
    char name[sizeof hak_current.keeper_name];
    hak_environment_read_session(name, sizeof name);
    hak_line_add(&note, "it records by itself into ");
    hak_line_add_name(&note, path);
    hak_line_add(&note, ": ");
    hak_say_reason(&note, failure);
    if (name[0] && hak_collector_tell_unrecorded(name, hak_line_text(&note), 0))
        return;
    hak_line_add(&line, "hakmem: no collector: ");
    hak_say_reason(&line, failure);
    hak_line_add(&line, "; the newest events go into ");
    hak_line_add_name(&line, path);
    hak_line_add(&line, ", of what it executes into files beside it (hakmem-trace import FILE... "
                        "makes a store of them)\n");
    (void)hak_line_write(&line, 2);
}

bool hak_file_begin(const struct hak_collector_failure *failure) {
    static char path[HAK_PATH_BYTES];
    struct hak_session_memory memory;
    if (hak_memory_make_file(&memory, path) != 0)
        return false;
    hak_memory_publish(memory.session);
    memcpy(memory.session->store_path, path, sizeof path); /* a raw report names it */
    hak_close(memory.file);
    hak_current.overwrites = true;
    if (!hak_current_begin(memory.session, memory.total_bytes)) {
        hak_current.overwrites = false;
        (void)hak_raw_call(SYS_unlinkat, AT_FDCWD, path);
        hak_raw_unmap(memory.session, memory.total_bytes);
        return false;
    }
    if (!hak_file_is_inherited()) {
        hand_folder_on(path);
        say_file(failure, path);
    }
    return true;
}

void hak_file_leave(void) {
    if (!hak_current.overwrites)
        return;
    hak_ring_note_now();
    if (hak_is_last_process())
        hak_memory_trim_file(hak_current.session, hak_current.total_bytes);
}
