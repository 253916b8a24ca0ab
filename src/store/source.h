/* The place of a capture's tables: an SQLite file, or a server that a URL names. Readers get a
 * connection in both cases, and ask it the same. */
#ifndef HAK_STORE_SOURCE_H
#define HAK_STORE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;

struct hak_source {
    struct sqlite3 *connection;
    int fd;         /* of the file; -1 = a server's */
    uint64_t bytes; /* of a server's rows */
    char *path;     /* for messages; to be freed */
};

/* True: "postgresql://..." or "postgres://...", no file's name. */
bool hak_source_is_url(const char *path);

/* Opens either, a file or a server's capture. 0 or an error; `out` is empty then. */
int hak_source_open(const char *path, struct hak_source *out);
void hak_source_close(struct hak_source *source);

/* Opens a URL. The code that can (viewer/fleet) sets it before the first call; NULL = URLs are
 * refused. */
extern int (*hak_source_open_url)(const char *url, struct hak_source *out);

#endif
