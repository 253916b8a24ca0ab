/* Lays out hak_control and a sampled heap profile with known sums, without hakmem, for tests of
 * `hakmem-trace ctl PID profile`. Each line of its input: `came NAME BLOCKS BYTES` and `went NAME
 * BLOCKS BYTES` change the sums of the stack in function NAME; `set FIELD VALUE` writes a field of
 * the table's head; `end`. Each is answered by its line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "heap_profile/table.h"
#include "options.h"
#include "trace/control.h"

enum { SITES = 8, NODES = 64, RATE = 512 << 10 };

static struct hak_heap_profile_site site[SITES] = {{.node = 0}};
static struct hak_heap_profile_node node[NODES];
static struct hak_heap_profile profile = {.magic = HAK_HEAP_PROFILE_MAGIC,
                                          .version = HAK_HEAP_PROFILE_VERSION,
                                          .bytes = sizeof profile,
                                          .rate = RATE};

/* As the library's: in writable data, found by its first bytes. */
__attribute__((used)) struct hak_control hak_control = {
    .magic = HAK_CONTROL_MAGIC, .version = HAK_CONTROL_VERSION, .level = HAK_CHECK_LIGHT + 1};

/* A new node: the address to which it returns. */
__attribute__((noinline)) static uint32_t here(uint32_t parent) {
    uint32_t number = profile.node_count;
    node[number] = (struct hak_heap_profile_node){.address = (uintptr_t)__builtin_return_address(0),
                                                  .parent = parent};
    profile.node_count = number + 1;
    return number;
}

/* clang-format off */
#line 10 "/srv/app/server.c"
__attribute__((noinline)) static uint32_t serve(void) {
    volatile uint32_t at = here(0);
    return at;
}
#line 20 "/srv/app/parse.c"
__attribute__((noinline)) static uint32_t parse_row(uint32_t parent) {
    volatile uint32_t at = here(parent);
    return at;
}
#line 30 "/srv/app/cache.c"
__attribute__((noinline)) static uint32_t cache_put(uint32_t parent) {
    volatile uint32_t at = here(parent);
    return at;
}
#line 60 "profiled.c"
/* clang-format on */

static void lay_out(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    profile.start_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    profile.sites = site;
    profile.nodes = node;
    profile.site_capacity = SITES;
    profile.node_capacity = NODES;
    profile.node_count = 1;
    uint32_t server = serve();
    site[1].node = parse_row(server);
    site[2].node = cache_put(server);
    profile.site_count = 3;
}

static struct hak_heap_profile_site *find_site(const char *name) {
    return strcmp(name, "parse_row") == 0   ? &site[1]
           : strcmp(name, "cache_put") == 0 ? &site[2]
                                            : &site[0];
}

static void change(const char *word, const char *name, uint64_t blocks, uint64_t bytes) {
    struct hak_heap_profile_site *s = find_site(name);
    bool came = strcmp(word, "came") == 0;
    if (profile.site_count == 0)
        lay_out();
    *(came ? &s->came_samples : &s->went_samples) += 1;
    *(came ? &s->came_blocks : &s->went_blocks) += blocks << HAK_HEAP_PROFILE_FRACTION_BITS;
    *(came ? &s->came_bytes : &s->went_bytes) += bytes;
}

static void set(const char *field, uint64_t value) {
    if (strcmp(field, "table") == 0)
        hak_control.heap_profile = value ? &profile : NULL;
    else if (strcmp(field, "level") == 0)
        hak_control.level = (uint32_t)value;
    else if (strcmp(field, "version") == 0)
        profile.version = (uint32_t)value;
    else if (strcmp(field, "sites") == 0)
        profile.site_count = (uint32_t)value;
    else if (strcmp(field, "unsampled") == 0)
        profile.unsampled = value;
    else if (strcmp(field, "unplaced") == 0)
        profile.unplaced = value;
    else if (strcmp(field, "at") == 0)
        profile.sites = (void *)(uintptr_t)value;
}

int main(void) {
    char line[256];
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        char word[16] = "", name[32] = "";
        unsigned long first = 0, second = 0;
        sscanf(line, "%15s %31s %lu %lu", word, name, &first, &second);
        if (strcmp(word, "end") == 0)
            break;
        if (strcmp(word, "set") == 0)
            set(name, first);
        else
            change(word, name, first, second);
        printf("%s", line);
    }
    return 0;
}
