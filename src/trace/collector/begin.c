/* Begins a session: its memory, the keeper that holds it, and this process's entry. */
#include <errno.h>
#include <string.h>
#include "options.h"
#include "platform/platform.h"
#include "trace/collector/collector.h"
#include "trace/collector/say.h"
#include "trace/memory/memory.h"
#include "trace/wait.h"

static bool only_joins;

void hak_collector_only_join(void) {
    only_joins = true;
}

/* Joins, in level light, the keeper of the report before, which may still close its store. False:
 * there is none. */
static bool join_last(const struct hak_session_memory *memory, struct hak_hello_answer *answer) {
    struct hak_collector_failure failure = {0};
    const char *name = hak_options.stores_faults ? hak_report_session_keeper() : "";
    return name[0] && hak_collector_join(name, memory->file, memory->total_bytes, answer, &failure);
}

/* Finds or starts the keeper for `memory`: the one that was joined last, the environment's, or a
 * new one, also by the offer of the memory where it cannot be reached. False: `failure` says
 * why. */
static bool find_keeper(const struct hak_session_memory *memory,
                        struct hak_collector_failure *failure) {
    struct hak_hello_answer answer;
    char name[sizeof answer.session_name];
    hak_environment_read_session(name, sizeof name);
    bool found =
        join_last(memory, &answer) ||
        (name[0] && hak_collector_join(name, memory->file, memory->total_bytes, &answer, failure));
    /* Gone, or ending in this moment, or a stranger has its name. */
    bool is_lost = failure->error == ECONNREFUSED || failure->error == ECONNRESET ||
                   failure->error == EPIPE || failure->error == EPERM || failure->error == EAGAIN;
    if (!found && is_lost && hak_collector_is_elsewhere(name)) {
        failure->is_hidden = !hak_collector_offer(memory->session);
        if (failure->is_hidden)
            return false;
        memcpy(answer.session_name, name, sizeof name);
        found = true;
    } else if (!found && name[0] && only_joins) {
        return false;
    } else if (!found && name[0] && is_lost && hak_options.trace) {
        memory->session->resume_store = HAK_RESUME_TREE;
        found = hak_collector_succeed(name, memory->file, memory->total_bytes, &answer, failure);
    }
    if (!found && !hak_collector_start(NULL, memory->file, memory->total_bytes, &answer, failure))
        return false;
    memcpy(hak_current.keeper_name, answer.session_name, sizeof hak_current.keeper_name);
    atomic_store(&memory->session->keeper_heartbeat_ns, hak_monotonic_ns());
    if (!hak_options.stores_faults && strcmp(answer.session_name, name) != 0)
        hak_environment_set_tree(answer.session_name, memory->session->store_path);
    return true;
}

bool hak_collector_begin(struct hak_collector_failure *failure) {
    struct hak_session_memory memory;
    failure->what = "no session memory";
    failure->error = hak_memory_make(0, &memory);
    if (failure->error == EFBIG)
        failure->what = "the limits of the process (ulimit -f, -v) leave no room for the session";
    if (failure->error)
        return false;
    bool is_in_place = hak_current_take_place(&memory);
    if (!hak_options.trace && !hak_options.stores_faults)
        memory.session->resume_store = HAK_RESUME_NO_STORE;
    hak_memory_publish(memory.session);
    if (hak_options.stores_faults)
        hak_report_session_fill(memory.session);
    bool found = find_keeper(&memory, failure);
    hak_close(memory.file);
    if (found)
        *failure = (struct hak_collector_failure){.what = "no session memory", .error = ENOMEM};
    if (!found || !hak_current_begin(memory.session, memory.total_bytes)) {
        if (is_in_place)
            hak_current_let_go();
        else
            hak_raw_unmap(memory.session, memory.total_bytes);
        return false;
    }
    hak_current.replace_silent = hak_collector_replace_dead;
    return true;
}

/* Says that, and why, nothing will be recorded: in the recording that this process should belong
 * to, else on stderr. */
static void say_unrecorded(const struct hak_collector_failure *failure) {
    struct hak_line why = {0}, line = {0};
    char name[sizeof hak_current.keeper_name];
    if (failure->is_hidden) /* the row of who executed it says it */
        return;
    hak_environment_read_session(name, sizeof name);
    hak_say_reason(&why, failure);
    if (name[0] && hak_collector_tell_unrecorded(name, hak_line_text(&why), 0))
        return;
    hak_line_add(&line, "hakmem: nothing is recorded: ");
    hak_line_add(&line, hak_line_text(&why));
    hak_line_add(&line, "; the program runs checked but unrecorded, no file is written"
                        " (HAKMEM_TRACE=off asks for that without this line)\n");
    (void)hak_line_write(&line, 2);
}

bool hak_collector_begin_recording(void) {
    struct hak_collector_failure failure = {.what = "no file for the rings can be made"};
    bool is_begun = (!hak_file_is_inherited() && hak_collector_begin(&failure)) ||
                    (!failure.is_hidden && hak_file_begin(&failure));
    if (!is_begun)
        say_unrecorded(&failure);
    return is_begun;
}
