/* Finds the store of a core's process, by the name that -s gives, or by the recording's id and
 * path, as its memory has them. */
#include "viewer/corefile/recording.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/history/history.h"
#include "viewer/block/block.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/parts.h"
#include "viewer/corefile/stacks.h"

#define PATH_ROOM 8192

/* ---- the process ----------------------------------------------------------------------------- */

/* The session's number in the open store; 0 = it is not of this store, or not known. */
static uint32_t session_number(const struct view *view, uint64_t session) {
    char key[32];
    snprintf(key, sizeof key, "session.%016" PRIx64, session);
    return session ? (uint32_t)hak_database_meta_number(hak_store_database(view->reader), key) : 0;
}

/* Finds the row of the core's process in the open store; 0 = it has none. */
static uint32_t find_process(const struct view *view, const struct core_memory *core,
                             uint64_t session) {
    static const char of_session[] =
        "SELECT id FROM process WHERE session = ?1 AND pid = ?2 ORDER BY id DESC LIMIT 1";
    static const char of_pid[] =
        "SELECT id FROM process WHERE ?1 = 0 AND pid = ?2 ORDER BY id DESC LIMIT 1";
    uint32_t number = session_number(view, session), row = 0;
    if (session && !number)
        return 0;
    struct hak_query q = hak_ask(hak_store_database(view->reader), number ? of_session : of_pid,
                                 "reading processes", (uint64_t)number, (uint64_t)core->pid);
    if (hak_query_next(&q))
        row = hak_query_id(&q, 0);
    hak_query_end(&q);
    return row;
}

/* ---- the store ------------------------------------------------------------------------------- */

/* Opens the store that -s names, and finds the core's process. Returns a status, said if not 0. */
static int open_named(struct view *view, const struct core_memory *core, uint64_t session,
                      uint32_t *process) {
    int status = view_open(view);
    if (status != 0)
        return status;
    *process = find_process(view, core, session);
    if (*process)
        return 0;
    view_error("%s has no process %" PRId32 "%s; `hakmem-trace info --all -s FILE` lists those it "
               "has",
               view->store_path, core->pid, session ? " of this recording" : "");
    return VIEW_UNREADABLE;
}

/* Opens the store if it has the core's process. False: not. */
static bool open_if_ours(struct view *view, const char *path, const struct core_memory *core,
                         uint64_t session, uint32_t *process) {
    if (access(path, R_OK) != 0 || hak_store_open(path, &view->reader) < 0)
        return false;
    *process = find_process(view, core, session);
    if (*process && hak_store_summarise(view->reader, &view->summary) >= 0) {
        view->store_path = strdup(path);
        return view->store_path != NULL;
    }
    hak_store_close(view->reader);
    view->reader = NULL;
    return false;
}

/* Tries the recording's path; then its name beside the core, and here. True: it is open, and
 * `*process` is its process. */
static bool find_ours(struct view *view, const struct core_memory *core, uint64_t session,
                      const char *path, uint32_t *process) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *folder_end = strrchr(core->path, '/');
    struct hak_text beside = {0};
    if (folder_end && !core->is_live)
        hak_text_add(&beside, "%.*s", (int)(folder_end - core->path + 1), core->path);
    hak_text_add(&beside, "%s", name);
    const char *places[] = {path, hak_text_string(&beside), name};
    bool is_found = false;
    for (size_t i = 0; i < sizeof places / sizeof *places && !is_found && *name; i++)
        is_found = open_if_ours(view, places[i], core, session, process);
    hak_text_free(&beside);
    return is_found;
}

int core_recording_open(struct view *view, struct core_blocks *blocks, uint32_t *process) {
    char path[PATH_ROOM];
    uint64_t session = core_session(blocks, path, sizeof path);
    *process = 0;
    if (view_value(view, "store"))
        return open_named(view, &blocks->memory, session, process);
    if (session)
        (void)find_ours(view, &blocks->memory, session, path, process);
    return 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Gives an option a value, as if it had been typed; the option is added where the command has none
 * of that name. */
static void give_option(struct view *view, const char *name, const char *value) {
    for (int i = 0; i < view->option_count; i++)
        if (strcmp(view->option[i].name, name) == 0) {
            view->value[i] = value;
            return;
        }
    if (view->option_count < VIEW_OPTIONS_MAX) {
        view->option[view->option_count] = (struct view_option){.name = name};
        view->value[view->option_count++] = value;
    }
}

int core_recording_add_why(struct hak_text *text, struct view *view, uint64_t address,
                           uint32_t process) {
    struct view as_why = *view;
    struct hak_block_key key;
    char row[16];
    snprintf(row, sizeof row, "#%" PRIu32, process);
    give_option(&as_why, "store", view->store_path);
    give_option(&as_why, "process", row);
    hak_text_add(text, "\nRECORDED in %s\n\n", view->store_path);
    int known = hak_store_blocks_at(view->reader, address, process, &key, 1);
    if (known < 0)
        return view_store_error(view, known);
    if (known == 0) {
        hak_text_add(text, "Nothing was recorded of 0x%" PRIx64 " in this process.\n", address);
        return 0;
    }
    return block_add_why(text, &as_why, address, process, 0, false);
}

/* Asks the store of the core's recording by the command `block`. An exit status; without such a
 * store it is said. */
static int ask_block(struct view *view, struct core_blocks *blocks, uint64_t address,
                     bool has_moves) {
    uint32_t process;
    char row[16], hex[24], *argument[] = {hex}, path[PATH_ROOM];
    int status = core_recording_open(view, blocks, &process);
    if (status != 0)
        return status;
    if (!process) {
        (void)core_session(blocks, path, sizeof path);
        view_error("no store of this process is found%s%s; -s FILE names it",
                   *path ? ": it was recorded into " : "", path);
        return VIEW_UNREADABLE;
    }
    snprintf(row, sizeof row, "#%" PRIu32, process);
    snprintf(hex, sizeof hex, "0x%" PRIx64, address);
    char *store = strdup(view->store_path);
    view_close(view);
    struct view as_block = *view;
    as_block.command = view_find_command("block");
    as_block.argument = argument;
    as_block.argument_count = 1;
    give_option(&as_block, "store", store);
    give_option(&as_block, "process", row);
    if (has_moves)
        give_option(&as_block, "moves", "");
    status = store ? command_block(&as_block) : VIEW_UNREADABLE;
    view_close(&as_block);
    free(store);
    return status;
}

int core_block_lives(struct view *view, struct core_blocks *blocks, uint64_t address) {
    return ask_block(view, blocks, address, false);
}

int core_block_history(struct view *view, struct core_blocks *blocks, uint64_t address) {
    return ask_block(view, blocks, address, true);
}
