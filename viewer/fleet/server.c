/* Loads hakmem_postgres.so, where a URL is given. */
#include "viewer/fleet/fleet.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/error.h"
#include "store/schema.h"
#include "store/source.h"

static const struct hak_remote *loaded_remote;

/* Loads the module from beside the command, or from where it is installed. NULL:
 * hak_store_message() says why. */
static void *load_module(void) {
    static const char *const parts[] = {"", "/../lib/hakmem", "/../lib", "/../libexec/hakmem"};
    char folder[PATH_MAX], path[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    folder[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; slash && i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s%s/hakmem_postgres.so", folder, parts[i]);
        if (access(path, R_OK) != 0)
            continue;
        void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!module)
            hak_store_say("a URL needs libpq (Debian: libpq5, 14 or later): %s", dlerror());
        return module;
    }
    hak_store_say(
        "a URL needs hakmem_postgres.so, which is not in %s, nor in ../lib/hakmem from there: "
        "build hakmem where libpq's headers are (Debian: libpq-dev), or copy the capture's "
        "file here",
        folder);
    return NULL;
}

const struct hak_remote *fleet_load_remote(void) {
    void *module = loaded_remote ? NULL : load_module();
    if (!module)
        return loaded_remote;
    const struct hak_remote *found = dlsym(module, "hak_remote");
    if (found && found->abi == HAK_REMOTE_ABI)
        loaded_remote = found;
    else
        hak_store_say(
            "hakmem_postgres.so beside hakmem-trace is of another version: install both anew");
    return loaded_remote;
}

/* Opens a capture on a server, for which it loads the remote library; an error's words go to
 * hak_store_say(). */
static int open_url(const char *url, struct hak_source *out) {
    char *why = NULL;
    if (!fleet_load_remote())
        return HAK_STORE_NO_ACCESS;
    struct hak_remote_capture capture;
    int error = loaded_remote->open(url, hak_store_schema_sql, &capture, &why);
    *out = (struct hak_source){capture.connection, -1, capture.bytes, capture.name};
    if (error)
        hak_store_say("%s", why ? why : "out of memory");
    free(why);
    return error;
}

void fleet_start(void) {
    hak_source_open_url = open_url;
}

const char *fleet_need_url(const struct view *view) {
    const char *url = view_value(view, "to");
    if (!url)
        url = view_value(view, "store");
    if (!url)
        view_error("fleet: which server? Say --to postgresql://HOST/DATABASE");
    else if (!hak_source_is_url(url)) {
        view_error("fleet: %s is no server; expected postgresql://HOST/DATABASE", url);
        url = NULL;
    }
    return url;
}
