/* Opens a capture: a file, or a server that a URL names. */
#include "store/source.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/file.h"

int (*hak_source_open_url)(const char *url, struct hak_source *out);

bool hak_source_is_url(const char *path) {
    return strncmp(path, "postgresql://", 13) == 0 || strncmp(path, "postgres://", 11) == 0;
}

/* Opens a capture on a server, by src/remote where that is linked. An error: it is not. */
static int open_url(const char *url, struct hak_source *out) {
    if (hak_source_open_url)
        return hak_source_open_url(url, out);
    return hak_store_fail(HAK_STORE_MISSING, "a URL names no file; expected a capture's file");
}

int hak_source_open(const char *path, struct hak_source *out) {
    *out = (struct hak_source){.fd = -1};
    if (hak_source_is_url(path))
        return open_url(path, out);
    int error = hak_store_file_open(path, false, &out->fd, &out->path);
    if (!error)
        error = hak_store_file_connect(out->path, out->fd, false, &out->connection);
    if (error)
        hak_source_close(out);
    return error;
}

void hak_source_close(struct hak_source *source) {
    sqlite3_close(source->connection);
    if (source->fd >= 0)
        close(source->fd);
    free(source->path);
    *source = (struct hak_source){.fd = -1};
}
