/* Prints all that a store holds, as its readers see it.
 *
 *   dump_store FILE...           all plain tables, all events, stories of addresses, `check`
 *   dump_store --events FILE...  the events alone, in the reference decoder's form
 *   dump_store --check FILE...   `check` alone
 *   dump_store --heap FILE       what the profile says of each "FROM TO PROCESS" of stdin
 *
 * Exit status 1 and the store's message on stderr when one cannot be read. Several files: each has
 * its name on stderr first. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/reader/reader.h"
#include "store/history/history.h"
#include "store/sql/sql.h"
#include "store/writer/inner.h"
#include "report/words/check.h"

static char kind_name[256][32];

static int complain(void) {
    fflush(stdout);
    fprintf(stderr, "%s\n", hak_store_message());
    return 1;
}

static int print_event(void *context, const struct hak_event *e) {
    (void)context;
    printf("%" PRIu64 "\t%" PRIu64 "\t%u\t%u\t%s\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
           "\t%" PRIu64 "\t%u\t%u\t%u\t%u\t%" PRIu64 "\t%u\n",
           e->id, e->ns, e->process, e->thread, kind_name[e->kind], e->kind, e->address, e->base,
           e->size, e->old_address, e->class_index, e->place, e->subkind, e->stack, e->generation,
           e->flags);
    return 0;
}

static void print_sum(const char *name, const struct hak_amount *s) {
    printf(" %s %" PRIu64 " %" PRIu64, name, s->blocks, s->bytes);
}

/* Makes the profile of a store that is too short to have one. */
static int make_profile(const char *path) {
    struct hak_store_writer *w;
    if (hak_store_resume(path, &w))
        return complain();
    hak_profile_set_limits(w->profile, 0, (uint64_t)1 << 18);
    if (hak_store_begin(w) || hak_profile_catch_up(w->profile, UINT64_MAX >> 1) ||
        hak_store_commit(w))
        return complain();
    return hak_store_finish(w) ? complain() : 0;
}

/* Rows and processes of each span that is asked for. */
static int print_heaps(struct hak_store_reader *r) {
    uint64_t from, to;
    uint32_t process;
    while (scanf("%" SCNu64 " %" SCNu64 " %" SCNu32, &from, &to, &process) == 3) {
        struct hak_heap h;
        int result = hak_heap_read(r, from, to, process, &h);
        if (result < 0)
            return complain();
        printf("span %" PRIu64 " %" PRIu64 " %u %s\n", from, to, process,
               result ? "answered" : h.why_not);
        for (uint32_t i = 0; i < h.rows && result; i++) {
            const struct hak_heap_row *w = &h.row[i];
            printf("row %u %u %u", w->process, w->group, w->stack);
            print_sum("before", &w->before);
            print_sum("inherited", &w->inherited);
            print_sum("came", &w->came);
            print_sum("went", &w->went);
            print_sum("brief", &w->brief);
            print_sum("live", &w->live);
            putchar('\n');
        }
        for (uint32_t i = 0; i < h.processes && result; i++)
            printf("process %u live %" PRIu64 " peak %" PRIu64 " %" PRIu64 " unknown %" PRIu64 "\n",
                   h.process[i].process, h.process[i].live_bytes, h.process[i].peak_bytes,
                   h.process[i].peak_event, h.process[i].unknown_ends);
        if (result)
            printf("events_read %" PRIu64 "\n", h.events_read);
        hak_heap_free(&h);
    }
    return 0;
}

/* Rows of a query, values parted by '|'. */
static int print_query(sqlite3 *database, const char *title, const char *sql) {
    sqlite3_stmt *rows;
    printf("== %s\n", title);
    if (sqlite3_prepare_v2(database, sql, -1, &rows, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(database));
        return 1;
    }
    int result;
    while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            const char *text = (const char *)sqlite3_column_text(rows, i);
            printf("%s%s", i ? "|" : "", text ? text : "NULL");
        }
        putchar('\n');
    }
    if (result != SQLITE_DONE)
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(database));
    sqlite3_finalize(rows);
    return result != SQLITE_DONE;
}

static void print_problem(void *context, const struct hak_check_finding *finding) {
    struct hak_text text = {0};
    (void)context;
    hak_words_add_check_finding(&text, finding);
    puts(hak_text_string(&text));
    hak_text_free(&text);
}

static int print_story(struct hak_store_reader *r, uint64_t address) {
    struct hak_story *story;
    int told = hak_story_load(r, address, 0, 0, &story);
    printf("== story of 0x%" PRIx64 "\n", address);
    if (told < 0)
        return complain();
    if (!told)
        return 0;
    printf("base 0x%" PRIx64 " slot %" PRIu64 " process %u class %u offset %" PRId64
           " lives %" PRIu64 " moves %" PRIu64 " wrong %" PRIu64 " fault %" PRIu64 " lost %" PRIu64
           "\n",
           story->block.base, story->block.slot_bytes, story->block.process,
           story->block.class_index, story->offset, story->lives_total, story->moves_total,
           story->first_wrong.id, story->fault.id, story->lost_events);
    for (int i = 0; i < story->life_count; i++) {
        const struct hak_life *l = &story->lives[i];
        printf("%u: %" PRIu64 " %d %" PRIu64 " %" PRIu64 " %s %u\n", l->number, l->birth.id,
               l->resize_count, l->ends[0].id, l->ends[1].id, l->stale_end ? "STALE" : "-",
               l->stale_owner);
    }
    hak_story_free(story);
    return 0;
}

static int print_frames(struct hak_store_reader *r, uint32_t stack) {
    struct hak_frame f[32];
    int count = hak_store_frames(r, stack, f, 32);
    printf("== stack %u\n", stack);
    for (int i = 0; i < count; i++)
        printf("0x%" PRIx64 " %s+0x%" PRIx64 " %s %s:%u%s%s\n", f[i].ip, f[i].module,
               f[i].module_offset, f[i].function, f[i].file, f[i].line,
               f[i].inlined ? " inlined" : "", f[i].is_hakmem ? " hakmem" : "");
    return count < 0 ? complain() : 0;
}

static int dump(struct hak_store_reader *r) {
    static const char *const tables[] = {"meta",   "class",  "kind", "place",  "process",
                                         "thread", "module", "node", "frame",  "cursor",
                                         "fault",  "loss",   "mark", "metric", "fault_line"};
    static const char runs[] = "SELECT p.kind, p.level, p.first, p.last, p.min_key, p.max_key,"
                               " p.reach, p.keys FROM posting_run p ORDER BY p.id";
    static const char chunks[] = "SELECT id, events, min_ns, max_ns, process, thread, kinds_low, "
                                 "kinds_high, classes FROM chunk";
    /* Columns by name: readers of later versions add some at the end. */
    static const char events[] =
        "SELECT id, ns, tid, kind, layer, class, size, base, user, addr, stack, generation,"
        " process, thread, old_addr, slot, subkind, flags, function FROM event WHERE id % 97 = 0";
    static const char lives[] =
        "SELECT id, ns, tid, base, user, stack, size, last_size, class, slot, kind, resizes,"
        " end_id, end_ns, end_tid, end_stack, end_kind, lifetime_ns, process, thread, end_thread,"
        " generation FROM life WHERE id % 97 = 0 ORDER BY id";
    struct hak_store_summary s;
    sqlite3 *database = hak_store_database(r)->connection;
    if (hak_store_summarise(r, &s))
        return complain();
    printf("events %" PRIu64 " chunks %" PRIu64 " lost %" PRIu64 " faults %u nodes %u early %d\n",
           s.events, s.chunks, s.lost_events, s.faults, s.nodes, s.ended_early);
    int failed = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && !failed; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "SELECT * FROM %s", tables[i]);
        failed = print_query(database, tables[i], sql);
    }
    failed =
        failed || print_query(database, "chunk", chunks) || print_query(database, "posting", runs);
    if (!failed && hak_store_add_tables(database))
        return complain();
    return failed || print_query(database, "event", events) ||
           print_query(database, "life", lives) ||
           print_query(database, "block",
                       "SELECT * FROM block ORDER BY base, process, class LIMIT 50") ||
           print_story(r, 0x7f21c4a20000 + 1056 + 48000 + 20) ||
           print_story(r, 0x7f21c4a10000 + 1024 * 3 + 100) || print_story(r, 0x7ffffffff000) ||
           print_story(r, 0x1234) || print_frames(r, 500) || print_frames(r, 22) ||
           print_frames(r, 599);
}

static int read_store(const char *path, bool events_only, bool check_only, bool heap_only) {
    struct hak_store_reader *r;
    if (heap_only && make_profile(path))
        return 1;
    if (hak_store_open(path, &r))
        return complain();
    sqlite3_stmt *rows;
    int status = 0;
    if (sqlite3_prepare_v2(hak_store_database(r)->connection, "SELECT id, name FROM kind", -1,
                           &rows, NULL) == SQLITE_OK)
        while (sqlite3_step(rows) == SQLITE_ROW)
            snprintf(kind_name[sqlite3_column_int(rows, 0) & 0xff], sizeof kind_name[0], "%s",
                     (const char *)sqlite3_column_text(rows, 1));
    sqlite3_finalize(rows);
    if (heap_only) {
        status = print_heaps(r);
    } else if (events_only) {
        puts("id\tns\tprocess\tthread\tkind\tkind_number\taddress\tbase\tsize\told_address\tclass_"
             "index\t"
             "place\tsubkind\tstack\tgeneration\tflags");
        struct hak_filter all = {.class_index = -1};
        if (hak_store_scan(r, &all, false, print_event, NULL))
            status = complain();
    } else {
        status = check_only ? 0 : dump(r);
        if (!check_only)
            puts("== check");
        if (!status && hak_store_check(r, print_problem, NULL) < 0)
            status = complain();
    }
    hak_store_close(r);
    return status;
}

int main(int argc, char **argv) {
    bool events_only = argc > 2 && strcmp(argv[1], "--events") == 0;
    bool check_only = argc > 2 && strcmp(argv[1], "--check") == 0;
    bool heap_only = argc > 2 && strcmp(argv[1], "--heap") == 0;
    int first = events_only || check_only || heap_only ? 2 : 1, status = 0;
    if (argc < 2 || (first == 1 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: dump_store [--events | --check | --heap] FILE...\n");
        return 2;
    }
    for (int i = first; i < argc; i++) {
        if (argc > first + 1)
            fprintf(stderr, "%s:\n", argv[i]);
        status |= read_store(argv[i], events_only, check_only, heap_only);
    }
    return status;
}
