/* Makes a capture of a simulated program, of any length, through the real store writer:
 *
 *   capture [OPTIONS] STORE|-        - = nothing is written: what making the events costs alone
 *     -n EVENTS     default 1,000,000,000
 *     -s SEED       default 1: the same seed makes the same events
 *     -r RATE       events a second, at most; default as fast as it goes
 *     -c CHUNKS     chunks of 65,536 events in a commit, default 1, as the collector does
 *     -t THREADS    of the recorded program, default 8
 *     -f FORKS      children, default 3
 *     -p EVENTS     keeps the profile from the first event on, in runs of so many
 *     -a FILE       some addresses: hot, medium or cold, base, how many events it has
 *     -q            no progress on stderr
 *
 * At the end one line of words and numbers: events, calls, seconds, CPU of the writer (that of the
 * process without that of making events) and of making them, events a second of writer CPU, bytes,
 * peak memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "program.h"
#include "hop.h"
#include "store/codec/column.h"
#include "store/profile/profile.h"
#include "store/writer/inner.h"

#define SAMPLE 2000 /* addresses of each kind */

static struct program_settings settings = {
    .seed = 1, .events = 1000000000, .threads = 8, .nodes = 100000, .functions = 4000, .forks = 3};
static struct hak_store_writer *writer; /* NULL: nothing is written */
static struct hak_columns columns;
static uint64_t written, calls, newest_ns, run_events;
static uint32_t threads_put;
static double making_seconds;

static double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int result) {
    if (result >= 0)
        return;
    fprintf(stderr, "capture: %s\n", hak_store_message());
    exit(1);
}

static void put_meta(void) {
    must(hak_store_put_meta(writer, "program", "/usr/bin/simulated"));
    must(hak_store_put_meta(writer, "command_line", "simulated"));
    must(hak_store_put_meta(writer, "started", "1760000000000000000"));
    must(hak_store_put_meta(writer, "layout", "same"));
    must(hak_store_put_meta(writer, "check", "trace"));
    must(hak_store_put_meta(writer, "slab_bytes", "65536"));
    must(hak_store_put_meta(writer, "superslab_bytes", "2097152"));
}

static void put_modules(void) {
    for (uint32_t i = 1; i <= MODULES; i++) {
        char path[64], build_id[41];
        snprintf(path, sizeof path, i == 1 ? "/usr/bin/simulated" : "/usr/lib/libpart%u.so", i);
        snprintf(build_id, sizeof build_id, "%040x", i);
        struct hak_module_row row = {.id = i,
                                     .process = 1,
                                     .start = MODULE_START(i),
                                     .end = MODULE_START(i) + MODULE_BYTES,
                                     .load_bias = MODULE_START(i),
                                     .path = path,
                                     .build_id = build_id};
        must(hak_store_put_module(writer, &row));
    }
}

static int compare_offsets(const void *a, const void *b) {
    const struct trie_node *x = *(const struct trie_node *const *)a;
    const struct trie_node *y = *(const struct trie_node *const *)b;
    return (x->ip > y->ip) - (x->ip < y->ip);
}

/* A function and line for each distinct return address. */
static void put_frames(void) {
    const struct trie_node **sorted = malloc(settings.nodes * sizeof(struct trie_node *));
    if (!sorted)
        exit(1);
    for (uint32_t i = 0; i < settings.nodes; i++)
        sorted[i] = program_node(i + 1);
    qsort(sorted, settings.nodes, sizeof *sorted, compare_offsets);
    for (uint32_t i = 0; i < settings.nodes; i++) {
        if (i && sorted[i]->ip == sorted[i - 1]->ip)
            continue;
        uint64_t offset = sorted[i]->ip - MODULE_START(sorted[i]->module);
        char function[48], file[64];
        snprintf(function, sizeof function, "function_%" PRIu64, offset >> 7);
        snprintf(file, sizeof file, "/src/part%u/file%" PRIu64 ".c", sorted[i]->module,
                 offset >> 12);
        struct hak_frame_row row = {.module = sorted[i]->module,
                                    .offset = offset,
                                    .line = (uint32_t)(offset >> 3 & 1023),
                                    .function = function,
                                    .file = file};
        must(hak_store_put_frame(writer, &row));
    }
    free(sorted);
}

static void put_nodes(void) {
    for (uint32_t i = 1; i <= settings.nodes; i++) {
        const struct trie_node *node = program_node(i);
        struct hak_node_row row = {.id = i, .parent = node->parent, .process = 1, .ip = node->ip};
        must(hak_store_put_node(writer, &row));
    }
}

/* The row of a process and, if it is new, of its first thread. */
static void put_process(uint32_t id, uint64_t fork_event, uint64_t end_ns) {
    struct hak_process_row row = {.id = id,
                                  .parent = id > 1,
                                  .fork_event = fork_event,
                                  .pid = (int32_t)(1000 + id),
                                  .parent_pid = id > 1 ? 1001 : 1,
                                  .session = 1,
                                  .start_ns = fork_event ? newest_ns : 0,
                                  .end_ns = end_ns,
                                  .end_kind = end_ns != 0,
                                  .program = "/usr/bin/simulated",
                                  .command_line = "simulated"};
    must(hak_store_put_process(writer, &row));
}

static void put_new_threads(void) {
    for (; threads_put < program_threads(); threads_put++) {
        const struct thread *thread = program_thread(threads_put + 1);
        char name[32];
        snprintf(name, sizeof name, "worker %u", threads_put + 1);
        struct hak_thread_row row = {.id = threads_put + 1,
                                     .process = thread->process,
                                     .number = thread->process > 1 ? 1 : threads_put + 1,
                                     .tid = (int32_t)(1001 + threads_put),
                                     .start_ns = newest_ns,
                                     .name = name};
        must(hak_store_put_thread(writer, &row));
    }
}

/* Fills the columns with the next events; the forks among them: number and id. */
static uint32_t make_events(uint64_t forks[16], uint32_t *fork_count) {
    uint64_t left = settings.events - written;
    uint32_t count = left < HAK_CHUNK_EVENTS_MAX ? (uint32_t)left : HAK_CHUNK_EVENTS_MAX;
    double start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    *fork_count = 0;
    hak_columns_begin(&columns, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct hak_event *e = program_next();
        hak_columns_put(&columns, i, e);
        calls += e->kind >= HAK_MALLOC && e->kind <= HAK_REALLOC;
        if (e->kind == HAK_FORK && *fork_count < 16)
            forks[(*fork_count)++] = written + i + 1;
        newest_ns = e->ns;
    }
    making_seconds += seconds_of(CLOCK_THREAD_CPUTIME_ID) - start;
    return count;
}

static void tell_progress(double started) {
    double seconds = seconds_of(CLOCK_MONOTONIC) - started;
    fprintf(stderr, "\rcapture: %" PRIu64 " of %" PRIu64 " M events, %.0f s, %.1f M/s   ",
            written / 1000000, settings.events / 1000000, seconds, (double)written / 1e6 / seconds);
}

static void hold_rate(double started, double rate) {
    double ahead = (double)written / rate - (seconds_of(CLOCK_MONOTONIC) - started);
    if (rate > 0 && ahead > 0.001) {
        struct timespec t = {(time_t)ahead, (long)((ahead - (double)(time_t)ahead) * 1e9)};
        nanosleep(&t, NULL);
    }
}

static void write_all(double rate, uint32_t chunks_in_commit, bool is_quiet) {
    double started = seconds_of(CLOCK_MONOTONIC), told = started;
    uint32_t forks_seen = 0, chunks = 0;
    while (written < settings.events) {
        uint64_t forks[16];
        uint32_t fork_count, count = make_events(forks, &fork_count);
        if (writer) {
            if (chunks == 0)
                must(hak_store_begin(writer));
            for (uint32_t i = 0; i < fork_count; i++)
                put_process(2 + forks_seen++, forks[i], 0);
            put_new_threads();
            must(hak_store_put_columns(writer, &columns));
            if (++chunks == chunks_in_commit) {
                must(hak_store_commit(writer));
                chunks = 0;
            }
        }
        written += count;
        if (!is_quiet && seconds_of(CLOCK_MONOTONIC) - told > 0.5) {
            told = seconds_of(CLOCK_MONOTONIC);
            tell_progress(started);
        }
        hold_rate(started, rate);
    }
    if (writer && chunks)
        must(hak_store_commit(writer));
    if (!is_quiet)
        fputc('\n', stderr);
}

/* Addresses of one kind, each as likely as any other (reservoir sampling, Vitter 1985). */
struct sample {
    const char *kind;
    uint32_t from, to; /* events */
    uint64_t base[SAMPLE];
    uint32_t events[SAMPLE];
    uint64_t seen, random;
};
static struct sample samples[3];

static void add_address(void *context, uint64_t base, uint32_t events) {
    (void)context;
    for (int i = 0; i < 3; i++) {
        struct sample *s = &samples[i];
        if (events < s->from || events > s->to)
            continue;
        s->random = s->random * 6364136223846793005u + 1442695040888963407u;
        uint64_t place = s->seen < SAMPLE ? s->seen : (s->random >> 20) % (s->seen + 1);
        if (place < SAMPLE) {
            s->base[place] = base;
            s->events[place] = events;
        }
        s->seen++;
    }
}

/* Hot: at least one event of 100,000. Cold: at most 100 events. */
static void write_addresses(const char *path) {
    uint32_t hot = (uint32_t)(settings.events / 100000 > 200 ? settings.events / 100000 : 200);
    samples[0] = (struct sample){.kind = "hot", .from = hot, .to = UINT32_MAX};
    samples[1] = (struct sample){.kind = "medium", .from = 101, .to = hot - 1};
    samples[2] = (struct sample){.kind = "cold", .from = 1, .to = 100};
    heap_each_address(add_address, NULL);
    FILE *out = fopen(path, "we");
    for (int i = 0; out && i < 3; i++) {
        uint64_t count = samples[i].seen < SAMPLE ? samples[i].seen : SAMPLE;
        fprintf(out, "%s of %" PRIu64 "\n", samples[i].kind, samples[i].seen);
        for (uint64_t k = 0; k < count; k++)
            fprintf(out, "%s 0x%" PRIx64 " %u\n", samples[i].kind, samples[i].base[k],
                    samples[i].events[k]);
    }
    if (!out || fclose(out) != 0) {
        fprintf(stderr, "capture: %s could not be written\n", path);
        exit(1);
    }
}

static void open_store(const char *path) {
    must(hak_store_create(path, 1, &writer));
    if (run_events)
        hak_profile_set_limits(writer->profile, 0, run_events);
    must(hak_store_begin(writer));
    put_meta();
    put_process(1, 0, 0);
    put_modules();
    put_nodes();
    must(hak_store_commit(writer));
}

static void finish_store(void) {
    must(hak_store_begin(writer));
    put_frames();
    put_process(1, 0, newest_ns);
    must(hak_store_commit(writer));
    must(hak_store_finish(writer));
}

static int explain(void) {
    fputs("usage: capture [-n EVENTS] [-s SEED] [-r RATE] [-c CHUNKS] [-t THREADS] [-f FORKS] "
          "[-p EVENTS] [-a FILE] [-q] STORE|-\n",
          stderr);
    return 2;
}

int main(int argc, char **argv) {
    double rate = 0;
    uint32_t chunks_in_commit = 1;
    const char *addresses = NULL;
    bool is_quiet = false;
    for (int letter; (letter = getopt(argc, argv, "n:s:r:c:t:f:p:a:q")) != -1;) {
        if (letter == 'n')
            settings.events = strtoull(optarg, NULL, 0);
        else if (letter == 's')
            settings.seed = strtoull(optarg, NULL, 0);
        else if (letter == 'r')
            rate = atof(optarg);
        else if (letter == 'c')
            chunks_in_commit = (uint32_t)strtoul(optarg, NULL, 0);
        else if (letter == 't')
            settings.threads = (uint32_t)strtoul(optarg, NULL, 0);
        else if (letter == 'f')
            settings.forks = (uint32_t)strtoul(optarg, NULL, 0);
        else if (letter == 'p')
            run_events = strtoull(optarg, NULL, 0);
        else if (letter == 'a')
            addresses = optarg;
        else if (letter == 'q')
            is_quiet = true;
        else
            return explain();
    }
    if (optind + 1 != argc || !settings.events || !chunks_in_commit || !settings.threads ||
        settings.forks > 16)
        return explain();
    const char *path = argv[optind];
    double making_started = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    program_start(&settings);
    if (!hak_columns_init(&columns))
        return 1;
    making_seconds = seconds_of(CLOCK_THREAD_CPUTIME_ID) - making_started;
    double started = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    double before = making_seconds;
    if (strcmp(path, "-") != 0)
        open_store(path);
    write_all(rate, chunks_in_commit, is_quiet);
    if (writer)
        finish_store();
    double wall = seconds_of(CLOCK_MONOTONIC) - started;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu - (making_seconds - before);
    struct stat about = {0};
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    if (writer && stat(path, &about) != 0)
        return 1;
    if (addresses)
        write_addresses(addresses);
    printf("events %" PRIu64 " calls %" PRIu64 " seconds %.2f writer_cpu %.2f making_cpu %.2f "
           "writer_events_per_s %.0f bytes %" PRIu64 " bytes_per_call %.3f peak_kib %ld\n",
           written, calls, wall, cpu, making_seconds, writer ? (double)written / cpu : 0.0,
           (uint64_t)about.st_size, (double)about.st_size / (double)calls, used.ru_maxrss);
    return 0;
}
