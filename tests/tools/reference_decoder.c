/* A second reader of stores, made from docs/specs/event-log.md and store.md alone: prints every
 * event.
 *
 *   reference_decoder STORE                one line for each event, tab-separated, names of the
 *                                          columns first
 *   reference_decoder STORE blocks         of the moves, only the first with its process, base,
 *                                          class and, where the class is none, size
 *   reference_decoder STORE moves FILE     only the moves at the bases in FILE, decimal, one a line
 *   reference_decoder STORE forks          only the FORK events
 *   reference_decoder STORE calls          no events: for each process and kind how many there are
 *   reference_decoder STORE near FILE      every event whose address or base is a number in FILE,
 *                                          and the moves of blocks that one of the numbers lies in;
 *                                          moves of all large blocks
 *   reference_decoder STORE alive PROCESS EVENT NS
 *                                          no events: for each base that calls of the process up to
 *                                          that event and time speak of, how it stands after them
 *
 * It shares no code with src/store, goes through all chunks in order and knows no postings: what it
 * prints is what the fast paths of hakmem-trace are compared with. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { SHAPE, ACTOR, NS, BASE, DELTA, STACK, SIZE, OLD, GENERATION, COLUMNS };
enum { CONSTANT = 1, STREAMS };
#define EVENTS_MAX 65536
#define RAW_MAX    (EVENTS_MAX * 25 + 400)
#define BLOCKS_MAX (1u << 23)
#define BASES_MAX  65536
#define ROWS_MAX   65536 /* of processes */

static uint64_t value[COLUMNS][EVENTS_MAX];
static uint32_t block_of[EVENTS_MAX]; /* which of the distinct bases */
static uint8_t raw[COLUMNS][RAW_MAX];
static uint64_t last_of_base[EVENTS_MAX];
static char kind_name[256][32];
static uint64_t calls[ROWS_MAX][5]; /* by row and kind: MALLOC 1 to REALLOC_FROM 4 */
static uint32_t crc_table[256];
static uint64_t chunk_id;
static enum { ALL_EVENTS, BLOCKS, MOVES, FORKS, CALLS, NEAR, ALIVE } mode;
static uint64_t bases[BASES_MAX];
static size_t base_count;
static uint64_t slot_bytes[256];                 /* by class */
static uint64_t alive_of, alive_until, alive_ns; /* process, last event, last time */

static void give_up(const char *why) {
    fprintf(stderr, "reference_decoder: chunk %llu: %s\n", (unsigned long long)chunk_id, why);
    exit(1);
}

static uint32_t crc32c(const uint8_t *bytes, size_t count) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < count; i++)
        crc = crc >> 8 ^ crc_table[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

static uint64_t number(const uint8_t *bytes, int count) {
    uint64_t n = 0;
    for (int i = 0; i < count; i++)
        n |= (uint64_t)bytes[i] << (8 * i);
    return n;
}

static const uint8_t *at, *end;

static uint64_t varint(void) {
    uint64_t n = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (at == end)
            give_up("a column ends in the middle of a number");
        uint8_t byte = *at++;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return n;
    }
    give_up("a number is too long");
    return 0;
}

/* The place of a slab's number in a table; they are few. */
static uint32_t find_slab(uint64_t slab) {
    static uint64_t keys[1 << 18], chunk_of[1 << 18];
    uint32_t k = (uint32_t)(slab * 2654435761u) & ((1 << 18) - 1);
    while (chunk_of[k] == chunk_id && keys[k] != slab)
        k = (k + 1) & ((1 << 18) - 1);
    keys[k] = slab;
    chunk_of[k] = chunk_id;
    return k;
}

#include "reference_walk.h"

static void decode_column(int column, int codec, uint32_t n) {
    if (codec == CONSTANT) {
        uint64_t constant = varint();
        for (uint32_t i = 0; i < n; i++)
            value[column][i] = constant;
    } else if (codec == STREAMS) {
        decode_guessed(column, n);
    } else {
        give_up("unknown codec");
    }
    if (at != end)
        give_up("bytes left over in a column");
}

static uint32_t decode_chunk(const uint8_t *blob, size_t bytes) {
    if (bytes < 28 || memcmp(blob, "HKCK", 4) != 0 || number(blob + 4, 2) != 1)
        give_up("no chunk of this format");
    if (crc32c(blob, bytes - 4) != number(blob + bytes - 4, 4))
        give_up("wrong checksum");
    uint32_t columns = (uint32_t)number(blob + 6, 2), n = (uint32_t)number(blob + 8, 4);
    if (columns != COLUMNS || n == 0 || n > EVENTS_MAX || number(blob + 16, 8) != chunk_id)
        give_up("impossible header");
    size_t offset = 24 + 12 * (size_t)columns, raw_bytes[COLUMNS];
    int codec[COLUMNS];
    for (uint32_t i = 0; i < columns; i++) {
        const uint8_t *entry = blob + 24 + 12 * (size_t)i;
        size_t packed_bytes = number(entry + 8, 4);
        raw_bytes[i] = number(entry + 4, 4);
        codec[i] = entry[1];
        if (entry[0] != i || raw_bytes[i] > RAW_MAX || packed_bytes > bytes - 4 - offset)
            give_up("impossible directory");
        if (entry[2] == 0) {
            if (raw_bytes[i] != packed_bytes)
                give_up("impossible directory");
            memcpy(raw[i], blob + offset, raw_bytes[i]);
        } else if (ZSTD_decompress(raw[i], RAW_MAX, blob + offset, packed_bytes) != raw_bytes[i]) {
            give_up("zstd cannot unpack a column");
        }
        offset += packed_bytes;
    }
    static const int walked[] = {SHAPE, ACTOR, BASE, STACK};
    for (int i = 0; i < 4; i++) {
        if (codec[walked[i]] != STREAMS)
            give_up("a column of the walk with another codec");
        at = raw[walked[i]];
        end = at + raw_bytes[walked[i]];
        split_streams(walked[i]);
    }
    decode_walk(n);
    for (int i = 0; i < COLUMNS; i++) {
        at = raw[i];
        end = raw[i] + raw_bytes[i];
        if (i != SHAPE && i != ACTOR && i != BASE && i != STACK)
            decode_column(i, codec[i], n);
    }
    return n;
}

/* Writes a number and a tab; printf would take most of the time. */
static char *put(char *out, uint64_t n) {
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    while (count)
        *out++ = digits[--count];
    *out++ = '\t';
    return out;
}

static int compare_numbers(const void *one, const void *other) {
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return a < b ? -1 : a > b;
}

/* Is this the first move with its process, base, class and size? */
static int is_new_block(uint64_t process, uint64_t base, uint64_t class_and_size) {
    struct move {
        uint64_t process, base, class_and_size;
    };
    static struct move seen[BLOCKS_MAX];
    static uint32_t count;
    uint64_t place =
        ((base ^ process << 48) * 0x9e3779b97f4a7c15u ^ class_and_size * 0xff51afd7ed558ccdu) >> 20;
    for (;; place++) {
        place %= BLOCKS_MAX;
        if (seen[place].process == process && seen[place].base == base &&
            seen[place].class_and_size == class_and_size)
            return 0;
        if (seen[place].base == 0)
            break;
    }
    if (++count > BLOCKS_MAX / 2)
        give_up("more different blocks than fit in this program's table");
    seen[place].process = process;
    seen[place].base = base;
    seen[place].class_and_size = class_and_size;
    return 1;
}

/* Is one of the numbers in the file in first..last? */
static int is_listed(uint64_t first, uint64_t last) {
    size_t low = 0, high = base_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (bases[middle] < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < base_count && bases[low] <= last;
}

static int is_wanted(uint32_t i) {
    uint64_t kind = value[SHAPE][i] & 0xff, class_index = value[SHAPE][i] >> 8 & 0xff;
    if (mode == ALL_EVENTS)
        return 1;
    if (mode == FORKS)
        return strcmp(kind_name[kind], "FORK") == 0;
    if (mode == NEAR &&
        (is_listed(value[BASE][i], value[BASE][i]) ||
         is_listed(value[BASE][i] + value[DELTA][i], value[BASE][i] + value[DELTA][i])))
        return 1;
    if (kind < 1 || kind > 63)
        return 0;
    if (mode == NEAR) /* of large blocks every move: only some say how long the block is */
        return class_index == 255 ||
               is_listed(value[BASE][i], value[BASE][i] + slot_bytes[class_index] - 1);
    if (mode == MOVES)
        return bsearch(&value[BASE][i], bases, base_count, sizeof *bases, compare_numbers) != NULL;
    return is_new_block(value[ACTOR][i] >> 32, value[BASE][i],
                        class_index << 56 | (class_index == 255 ? value[SIZE][i] : 0));
}

static void print_events(uint32_t n) {
    char line[512];
    for (uint32_t i = 0; i < n; i++) {
        if (!is_wanted(i))
            continue;
        uint64_t shape = value[SHAPE][i], base = value[BASE][i];
        char *out = put(line, chunk_id + i);
        out = put(out, value[NS][i]);
        out = put(out, value[ACTOR][i] >> 32);
        out = put(out, value[ACTOR][i] & 0xffffffff);
        size_t length = strlen(kind_name[shape & 0xff]);
        memcpy(out, kind_name[shape & 0xff], length);
        out += length;
        *out++ = '\t';
        out = put(out, shape & 0xff);
        out = put(out, base + value[DELTA][i]);
        out = put(out, base);
        out = put(out, value[SIZE][i]);
        out = put(out, value[OLD][i]);
        out = put(out, shape >> 8 & 0xff);
        out = put(out, shape >> 16 & 0xff);
        out = put(out, shape >> 24 & 0xff);
        out = put(out, value[STACK][i]);
        out = put(out, value[GENERATION][i]);
        out = put(out, shape >> 32 & 0xff);
        out[-1] = '\n';
        if (fwrite(line, 1, (size_t)(out - line), stdout) != (size_t)(out - line))
            exit(1);
    }
}

static void count_calls(uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint64_t process = value[ACTOR][i] >> 32, kind = value[SHAPE][i] & 0xff;
        if (process >= ROWS_MAX)
            give_up("more processes than this program counts");
        if (kind >= 1 && kind <= 4)
            calls[process][kind]++;
    }
}

static void print_calls(void) {
    for (int process = 0; process < ROWS_MAX; process++)
        for (int kind = 1; kind <= 4; kind++)
            if (calls[process][kind])
                printf("%d\t%s\t%llu\n", process, kind_name[kind],
                       (unsigned long long)calls[process][kind]);
}

static void read_bases(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        give_up(path);
    unsigned long long base;
    while (base_count < BASES_MAX && fscanf(file, "%llu", &base) == 1)
        bases[base_count++] = base;
    if (base_count == BASES_MAX || !feof(file))
        give_up("the list of bases is too long, or no list of numbers");
    fclose(file);
    qsort(bases, base_count, sizeof *bases, compare_numbers);
}

/* Facts of a block of the process that `alive` asks about. */
struct alive {
    uint64_t base, birth, size;
    int is_open, has_birth_or_end;
};
static struct alive *alive;
static uint64_t alive_slots, alive_used;

static struct alive *find_alive(uint64_t base) {
    if (alive_used * 2 >= alive_slots) {
        struct alive *old = alive;
        uint64_t old_slots = alive_slots;
        alive_slots = alive_slots ? alive_slots * 2 : 65536;
        alive = calloc(alive_slots, sizeof *alive);
        if (!alive)
            give_up("out of memory");
        alive_used = 0;
        for (uint64_t i = 0; i < old_slots; i++)
            if (old[i].base)
                *find_alive(old[i].base) = old[i];
        free(old);
    }
    uint64_t at = base * 0x9e3779b97f4a7c15u >> 24;
    while (alive[at % alive_slots].base && alive[at % alive_slots].base != base)
        at++;
    struct alive *a = &alive[at % alive_slots];
    alive_used += a->base == 0;
    a->base = base;
    return a;
}

static void live_on(uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint64_t kind = value[SHAPE][i] & 0xff, place = value[SHAPE][i] >> 16 & 0xff;
        if (kind < 1 || kind > 4 || value[SHAPE][i] >> 32 & 2 || value[BASE][i] == 0 ||
            value[ACTOR][i] >> 32 != alive_of || chunk_id + i > alive_until ||
            value[NS][i] > alive_ns)
            continue;
        struct alive *a = find_alive(value[BASE][i]);
        a->is_open = kind == 1 || kind == 3;
        a->size = a->is_open ? value[SIZE][i] : 0;
        if (kind == 3 && place == 5) /* a resize: the life goes on */
            continue;
        a->birth = a->is_open ? chunk_id + i : 0;
        a->has_birth_or_end = 1;
    }
}

static void print_alive(void) {
    for (uint64_t i = 0; i < alive_slots; i++)
        if (alive[i].base)
            printf("%llu\t%d\t%llu\t%llu\t%d\n", (unsigned long long)alive[i].base,
                   alive[i].is_open, (unsigned long long)alive[i].birth,
                   (unsigned long long)alive[i].size, alive[i].has_birth_or_end);
}

static sqlite3_stmt *query(sqlite3 *database, const char *sql) {
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(database, sql, -1, &rows, NULL) != SQLITE_OK)
        give_up(sqlite3_errmsg(database));
    return rows;
}

int main(int argc, char **argv) {
    sqlite3 *database;
    if (argc == 3 && strcmp(argv[2], "blocks") == 0) {
        mode = BLOCKS;
    } else if (argc == 4 && strcmp(argv[2], "moves") == 0) {
        mode = MOVES;
        read_bases(argv[3]);
    } else if (argc == 3 && strcmp(argv[2], "forks") == 0) {
        mode = FORKS;
    } else if (argc == 3 && strcmp(argv[2], "calls") == 0) {
        mode = CALLS;
    } else if (argc == 4 && strcmp(argv[2], "near") == 0) {
        mode = NEAR;
        read_bases(argv[3]);
    } else if (argc == 6 && strcmp(argv[2], "alive") == 0) {
        mode = ALIVE;
        alive_of = strtoull(argv[3], NULL, 10);
        alive_until = strtoull(argv[4], NULL, 10);
        alive_ns = strtoull(argv[5], NULL, 10);
    } else if (argc != 2) {
        fprintf(stderr, "usage: reference_decoder STORE [blocks | moves FILE | forks | calls |"
                        " near FILE | alive PROCESS EVENT NS]\n");
        return 2;
    }
    for (uint32_t i = 0; i < 256; i++) {
        crc_table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            crc_table[i] = crc_table[i] >> 1 ^ (crc_table[i] & 1 ? 0x82f63b78u : 0);
    }
    if (sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        give_up(sqlite3_errmsg(database));
    sqlite3_stmt *rows = query(database, "SELECT id, name FROM kind");
    while (sqlite3_step(rows) == SQLITE_ROW)
        snprintf(kind_name[sqlite3_column_int(rows, 0) & 0xff], sizeof kind_name[0], "%s",
                 (const char *)sqlite3_column_text(rows, 1));
    sqlite3_finalize(rows);
    rows = query(database, "SELECT id, slot_bytes FROM class");
    while (sqlite3_step(rows) == SQLITE_ROW)
        slot_bytes[sqlite3_column_int(rows, 0) & 0xff] = (uint64_t)sqlite3_column_int64(rows, 1);
    sqlite3_finalize(rows);
    if (mode == CALLS)
        puts("process\tkind\tevents");
    else if (mode == ALIVE)
        puts("base\tis_open\tbirth\tsize\thas_birth_or_end");
    else
        puts("id\tns\tprocess\tthread\tkind\tkind_number\taddress\tbase\tsize\told_address\tclass_"
             "index\t"
             "place\tsubkind\tstack\tgeneration\tflags");
    rows = query(database, "SELECT chunk, data FROM chunk_data ORDER BY chunk");
    int result;
    while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
        chunk_id = (uint64_t)sqlite3_column_int64(rows, 0);
        uint32_t n =
            decode_chunk(sqlite3_column_blob(rows, 1), (size_t)sqlite3_column_bytes(rows, 1));
        if (mode == CALLS)
            count_calls(n);
        else if (mode == ALIVE)
            live_on(n);
        else
            print_events(n);
    }
    if (result != SQLITE_DONE)
        give_up(sqlite3_errmsg(database));
    if (mode == CALLS)
        print_calls();
    if (mode == ALIVE)
        print_alive();
    sqlite3_finalize(rows);
    sqlite3_close(database);
    return fflush(stdout) == 0 ? 0 : 1;
}
