/* Opens a capture on the server as an SQLite connection, so that every reader of stores can read
 * it: its tables in memory (image.h), and over the large ones views that fetch blobs (blobs.h). All
 * of a connection sees one state of the capture. */
#include "remote/reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/checksum.h"
#include "remote/blobs.h"
#include "remote/schema.h"
#include "remote/symbols.h"
#include "store/error.h"

enum { IDENTITY_VERSION = 2 }; /* of what lies in a cache file */

/* The questions about a capture. */
enum { BEGIN, CAPTURE, SIZES, VERSIONS, ORIGIN, QUESTIONS };

struct capture {
    struct hak_link link;
    struct hak_remote_tables tables;
    struct hak_image image;
    struct hak_cache cache;
    struct hak_symbols symbols;
    struct hak_blobs blobs;
};

/* Closes cache and connection of a capture that was read. */
static void close_capture(void *context) {
    struct capture *of = context;
    sqlite3_free(of->symbols.row);
    hak_cache_close(&of->cache);
    hak_link_close(&of->link);
    hak_remote_tables_free(&of->tables);
    free(of);
}

/* ---- which capture it is ----------------------------------------------------------------------
 */

/* Writes a value of the server's as text, for people who look at a cache file. */
static void print_value(FILE *text, const PGresult *rows, int row, int column) {
    uint64_t number;
    size_t bytes;
    const char *data = hak_link_text(rows, row, column, &bytes);
    if (data)
        fprintf(text, " %.64s", data);
    else if (hak_link_number(rows, row, column, &number))
        fprintf(text, " %" PRId64, (int64_t)number);
    else
        fprintf(text, " -");
}

/* The server, the database, the role, the capture, the moment of its push, its parts and the layout
 * here: with any other of these the cache file is another. To be freed. */
static char *identity_of(const struct capture *of, const char *schema, PGresult *const *found) {
    char *text = NULL;
    size_t length;
    const PGconn *connection = of->link.connection;
    const char *host = PQhost(connection), *port = PQport(connection);
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    fprintf(out, "hakmem %d\n%s %s %s\nrole %s\ncapture %" PRIu64 "\nlayout %08x\n",
            IDENTITY_VERSION, host ? host : "", port ? port : "", PQdb(connection),
            PQuser(connection), of->link.capture, (unsigned)hak_crc32c(schema, strlen(schema)));
    fprintf(out, "pushed");
    print_value(out, found[CAPTURE], 0, 2);
    fprintf(out, "\norigin");
    print_value(out, found[ORIGIN], 0, 0);
    for (int row = 0; row < PQntuples(found[SIZES]); row++) {
        fprintf(out, "\n");
        for (int column = 0; column < PQnfields(found[SIZES]); column++)
            print_value(out, found[SIZES], row, column);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* ---- a capture --------------------------------------------------------------------------------
 */

/* An error if the capture is not there or has come in parts only; 0: it is whole. */
static int judge(const struct hak_link *link, bool is_there, bool is_whole) {
    if (is_there && is_whole)
        return 0;
    return is_there
               ? hak_store_fail(HAK_STORE_BROKEN,
                                "%s: capture %" PRIu64 " has come in parts only; push it again "
                                "from where it was recorded: what is there already is not sent "
                                "twice",
                                link->name, link->capture)
               : hak_store_fail(HAK_STORE_MISSING,
                                "%s: has no capture %" PRIu64
                                "; `hakmem-trace push -s FILE --to URL` sends one",
                                link->name, link->capture);
}

/* Opens the local image of the capture's tables, from its cache file or the server. 0, or an
 * error. */
static int open_image(struct capture *of, const char *schema, PGresult *const *found,
                      sqlite3 **out) {
    char *identity = identity_of(of, schema, found);
    if (!identity)
        return hak_store_no_memory(of->link.name);
    hak_cache_open(&of->cache, identity);
    free(identity);
    of->symbols = (struct hak_symbols){
        .link = &of->link, .tables = &of->tables, .image = &of->image, .cache = &of->cache};
    return hak_image_open(&of->image, &of->link, &of->tables, schema, found[SIZES], &of->cache,
                          &of->symbols, out);
}

/* Checks that the capture is on the server, and all of it, and opens the local image of its tables
 * in a transaction that only reads; `*bytes` are those of its rows. 0, or an error. */
static int look_for(struct capture *of, const char *schema, uint64_t *bytes, sqlite3 **out) {
    static char begin[] = "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
    static char look[] =
        "SELECT (SELECT count(*) FROM hakmem.capture WHERE capture = CAST($1 AS BIGINT)),"
        " (SELECT byte_count FROM hakmem.capture_end WHERE capture = CAST($1 AS BIGINT)),"
        " (SELECT CAST(1000000 * extract(epoch FROM min(pushed)) AS BIGINT) FROM hakmem.capture"
        " WHERE capture = CAST($1 AS BIGINT))";
    static char sizes[] =
        "SELECT name, CAST(least(greatest(sum(row_count), -1), 9223372036854775807) AS BIGINT),"
        " CAST(least(greatest(sum(byte_count), -1), 9223372036854775807) AS BIGINT),"
        " CAST(mod(sum(CAST(checksum AS NUMERIC) * (1 + CAST(number AS NUMERIC))),"
        " 9223372036854775807) AS BIGINT) FROM hakmem.part"
        " WHERE capture = CAST($1 AS BIGINT) GROUP BY name ORDER BY name";
    static char origin[] = "SELECT CAST(1000000 * extract(epoch FROM min(applied)) AS BIGINT)"
                           " FROM hakmem.migration";
    struct hak_link *link = &of->link;
    unsigned char id[8];
    const struct hak_link_value value = {id, 8};
    PGresult *found[QUESTIONS];
    if (!link->capture)
        return hak_store_fail(HAK_STORE_MISSING,
                              "%s: names no capture; expected "
                              "postgresql://HOST/DATABASE?capture=N, as push printed it",
                              link->name);
    hak_link_put(link->capture, id);
    int error = hak_link_ask_all(
        link,
        (const struct hak_link_question[]){[BEGIN] = {begin, NULL, 0},
                                           [CAPTURE] = {look, &value, 1},
                                           [SIZES] = {sizes, &value, 1},
                                           [VERSIONS] = {hak_remote_schema_versions, NULL, 0},
                                           [ORIGIN] = {origin, NULL, 0}},
        QUESTIONS, "looking for the capture", found);
    if (error)
        return error;
    uint64_t captures;
    bool has_end = hak_link_number(found[CAPTURE], 0, 1, bytes);
    error = !hak_link_number(found[CAPTURE], 0, 0, &captures) || (has_end && *bytes > INT64_MAX)
                ? hak_link_fail_cell(link, "looking for the capture")
                : judge(link, captures > 0, has_end);
    if (!error)
        error = hak_remote_schema_judge(link, found[VERSIONS]);
    if (!error)
        error = open_image(of, schema, found, out);
    for (int i = 0; i < QUESTIONS; i++)
        PQclear(found[i]);
    return error;
}

/* Connects, looks for the capture, opens its tables and makes its name. 0, or an error. */
static int open_all(struct capture *of, const char *url, const char *schema,
                    struct hak_remote_capture *out) {
    int error = hak_link_open(&of->link, url);
    if (!error)
        error = look_for(of, schema, &out->bytes, &out->connection);
    if (!error &&
        asprintf(&out->name, "%s?capture=%" PRIu64, of->link.name, of->link.capture) < 0) {
        out->name = NULL;
        error = hak_store_no_memory(of->link.name);
    }
    return error;
}

/* Adds the views that fetch blobs; from here on `of` ends with the connection, also where this
 * fails. 0, or an error. */
static int add_blobs(struct capture *of, sqlite3 *database) {
    of->blobs = (struct hak_blobs){.link = &of->link,
                                   .tables = &of->tables,
                                   .image = &of->image,
                                   .cache = &of->cache,
                                   .database = database,
                                   .end = close_capture,
                                   .context = of};
    if (hak_blobs_add(&of->blobs))
        return 0;
    return hak_store_fail(HAK_STORE_INTERNAL, "the views of a capture cannot be made: %s",
                          sqlite3_errmsg(database));
}

int hak_remote_open(const char *url, const char *schema, struct hak_remote_capture *out,
                    char **why) {
    struct capture *of = calloc(1, sizeof *of);
    *out = (struct hak_remote_capture){0};
    *why = NULL;
    int error = of ? open_all(of, url, schema, out) : hak_store_no_memory("the capture");
    if (error && of)
        close_capture(of);
    else if (!error)
        error = add_blobs(of, out->connection);
    if (error) {
        *why = strdup(hak_store_message());
        free(out->name);
        sqlite3_close(out->connection);
        *out = (struct hak_remote_capture){0};
    }
    return error;
}
