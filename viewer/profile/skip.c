/* Keeps in the store which functions are passed over. */
#include "viewer/profile/skip.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "store/source.h"

#define WAIT_MS 1000 /* for a collector that writes */

/* Keeps the --skip expression in the capture. NULL, or why it cannot be kept; valid until the next
 * call. */
static const char *keep(const struct view *view, const char *regex) {
    static char why[200];
    sqlite3 *database = NULL;
    sqlite3_stmt *put = NULL;
    if (hak_source_is_url(view->store_path))
        return "it is on a server";
    int error = sqlite3_open_v2(view->store_path, &database, SQLITE_OPEN_READWRITE, NULL);
    sqlite3_busy_timeout(database, WAIT_MS);
    if (error == SQLITE_OK)
        error = sqlite3_prepare_v2(
            database, "INSERT OR REPLACE INTO meta(key, value) VALUES('skip', ?1)", -1, &put, NULL);
    if (error == SQLITE_OK)
        error = sqlite3_bind_text(put, 1, regex, -1, SQLITE_STATIC);
    if (error == SQLITE_OK)
        error = sqlite3_step(put);
    bool is_kept = error == SQLITE_DONE;
    snprintf(why, sizeof why, "%s", sqlite3_errmsg(database));
    sqlite3_finalize(put);
    sqlite3_close(database);
    return is_kept ? NULL : why;
}

/* Compiles the regular expression; false, and an error is printed, for a bad one. */
static bool compile(const char *text, regex_t *out) {
    char message[256];
    int error = regcomp(out, text, REG_EXTENDED | REG_NOSUB);
    if (error == 0)
        return true;
    regerror(error, out, message, sizeof message);
    view_error("--skip %s: %s", text, message);
    return false;
}

bool profile_keep_skip(struct view *view) {
    const char *text = view_value(view, "skip");
    regex_t regex;
    if (!text)
        return true;
    if (!compile(text, &regex))
        return false;
    regfree(&regex);
    char *kept = hak_database_meta(hak_store_database(view->reader), "skip");
    const char *why = strcmp(kept ? kept : "", text) == 0 ? NULL : keep(view, text);
    if (why)
        view_error("--skip is not kept in %s: %s", view->store_path, why);
    free(kept);
    return true;
}

void profile_read_skip(struct profile_places *p) {
    const char *given = view_value(p->view, "skip");
    char *kept = given ? NULL : hak_database_meta(hak_store_database(p->view->reader), "skip");
    const char *text = given ? given : kept ? kept : "";
    p->has_read_skip = true;
    p->has_skip = text[0] && regcomp(&p->skip, text, REG_EXTENDED | REG_NOSUB) == 0;
    free(kept);
}
