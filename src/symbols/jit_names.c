/* Reads perf-PID.map, and makes names of JIT compilers readable. */
#include "symbols/jit_names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/bytes.h"

size_t hak_jit_first_from(const struct hak_jit_place *places, size_t count, uint64_t address) {
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (places[middle].address < address)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

bool hak_jit_place_name(struct hak_jit_place *place, uint64_t loaded_ns, const char *name,
                        size_t name_bytes) {
    bool is_same = place->name && strncmp(place->name, name, name_bytes) == 0 &&
                   place->name[name_bytes] == '\0';
    bool is_before = loaded_ns > 0 && loaded_ns <= place->from_ns;
    if (is_before)
        place->is_reused = false; /* the code there before it is gone */
    else if (place->name && !is_same)
        place->is_reused = true;
    if (place->name && loaded_ns > place->until_ns)
        return false;
    if (is_same)
        return true;
    char *mine = strndup(name, name_bytes);
    if (!mine)
        return false;
    free(place->name);
    place->name = mine;
    return true;
}

void hak_jit_places_clear(struct hak_jit_place *places, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(places[i].name);
        free(places[i].file);
        places[i].name = places[i].file = NULL;
    }
}

/* Reads a hexadecimal number and the space behind it. False: there is none. */
static bool take_number(char **at, uint64_t *number) {
    char *end;
    *number = strtoull(*at, &end, 16);
    if (end == *at || *end != ' ' || **at == ' ' || **at == '-' || **at == '+')
        return false;
    *at = end + 1;
    return true;
}

/* Names the places in the range of one line of a perf map; the first name of a place stays. False:
 * the line is broken. */
static bool read_line(char *line, struct hak_jit_place *places, size_t count) {
    uint64_t start, bytes;
    if (!take_number(&line, &start) || !take_number(&line, &bytes) || !*line)
        return false;
    size_t name_bytes = strlen(line);
    for (size_t i = hak_jit_first_from(places, count, start);
         i < count && places[i].address - start < bytes; i++)
        if (!places[i].code_start)
            hak_jit_place_name(&places[i], 0, line, name_bytes);
    return true;
}

struct hak_jit_reading hak_jit_read_map(int fd, struct hak_jit_place *places, size_t count) {
    struct hak_jit_reading reading = {0};
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        reading.is_other = true;
        return reading;
    }
    reading.is_cut = (uint64_t)about.st_size > HAK_JIT_MAP_BYTES_MAX;
    size_t bytes = reading.is_cut ? HAK_JIT_MAP_BYTES_MAX : (size_t)about.st_size;
    char *text = malloc(bytes + 1);
    if (!text) {
        reading.is_other = true;
        return reading;
    }
    bytes = lseek(fd, 0, SEEK_SET) == 0 ? hak_read_fully(fd, text, bytes) : 0;
    text[bytes] = '\0';
    for (char *line = text, *end = text + bytes, *next; line < end; line = next) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        next = stop ? stop + 1 : end;
        if (stop)
            *stop = '\0';
        else if (reading.is_cut)
            break;
        if (memchr(line, '\0', (size_t)(next - line - (stop != NULL))) != NULL ||
            !read_line(line, places, count))
            reading.broken += *line != '\0';
        else
            reading.entries++;
    }
    free(text);
    return reading;
}

/* How V8 calls JavaScript; a letter for the compiler follows. */
static const char *const v8_tags[] = {"LazyCompile:", "Function:", "JS:", "Script:", "Eval:"};

static const char *behind(const char *text, const char *prefix) {
    size_t bytes = strlen(prefix);
    return strncmp(text, prefix, bytes) == 0 ? text + bytes : NULL;
}

static bool ends_in_number(const char *text) {
    const char *colon = strrchr(text, ':');
    return colon && colon[1] >= '0' && colon[1] <= '9';
}

/* Cuts ":NUMBER" off the end of `text`. False: it does not end so. */
static bool cut_number(char *text, uint32_t *number) {
    char *colon = strrchr(text, ':'), *end;
    if (!ends_in_number(text))
        return false;
    unsigned long long value = strtoull(colon + 1, &end, 10);
    if (*end || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    *colon = '\0';
    return true;
}

/* Finds where the file begins in "NAME FILE"; both may have spaces. NULL = there is none. */
static char *find_file(char *text) {
    static const char *const begins[] = {" /", " node:", " file:", " wasm:", " http:", " https:"};
    char *first = NULL;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        char *found = strstr(text, begins[i]);
        if (found && (!first || found < first))
            first = found;
    }
    return first ? first : strrchr(text, ' ');
}

/* "NAME FILE:LINE:COLUMN" of V8, without the column up to Node 18. */
static struct hak_symbol read_v8(char *text, const char *nameless, struct hak_strings *strings) {
    struct hak_symbol s = {"", "", 0};
    uint32_t last, line = 0;
    const char *file = "";
    if (*text && strchr("~^*+", *text))
        text++;
    if (cut_number(text, &last) && (!ends_in_number(text) || cut_number(text, &line))) {
        char *space = find_file(text);
        if (space) {
            *space = '\0';
            file = space + 1;
            const char *path = behind(file, "file://");
            s.file = hak_strings_join(strings, "", path ? path : file);
            s.line = line ? line : last;
        }
    }
    s.function = hak_strings_mark(strings, *text ? text : nameless, "");
    return s;
}

/* Rewrites "Lcom/acme/Row;::parse" of perf-map-agent in place as com.acme.Row.parse; false: it is
 * no such name. */
static bool read_java(char *text) {
    char *end = strstr(text, ";::");
    if (text[0] != 'L' || !end || strchr(text, ' '))
        return false;
    for (char *c = text; c < end; c++)
        if (*c == '/')
            *c = '.';
    *end = '.';
    memmove(end + 1, end + 3, strlen(end + 3) + 1);
    return true;
}

/* Splits a JIT's name into function and file, by the tags of V8, CPython and Java; others are
 * demangled. It may change `text`. */
static struct hak_symbol read_name(char *text, struct hak_strings *strings) {
    for (size_t i = 0; i < sizeof v8_tags / sizeof *v8_tags; i++) {
        char *rest = (char *)behind(text, v8_tags[i]);
        if (rest)
            return read_v8(
                rest, v8_tags[i][0] == 'S' || v8_tags[i][0] == 'E' ? "(top level)" : "(anonymous)",
                strings);
    }
    char *rest = (char *)behind(text, "py::"), *colon = rest ? strchr(rest, ':') : NULL;
    if (colon && colon > rest) {
        *colon = '\0';
        return (struct hak_symbol){hak_strings_mark(strings, rest, ""),
                                   hak_strings_join(strings, "", colon + 1), 0};
    }
    if (read_java(text))
        return (struct hak_symbol){hak_strings_mark(strings, text + 1, ""), "", 0};
    return (struct hak_symbol){hak_strings_demangle(strings, text), "", 0};
}

struct hak_symbol hak_jit_symbol(const struct hak_jit_place *place, struct hak_strings *strings) {
    struct hak_symbol s = {"", "", 0};
    char *text = place->name ? strdup(place->name) : NULL;
    if (!text)
        return s;
    s = read_name(text, strings);
    free(text);
    if (place->file && place->line) {
        s.file = hak_strings_join(strings, "", place->file);
        s.line = place->line;
    }
    if (place->is_reused)
        s.function = hak_strings_mark(strings, s.function, HAK_REUSED_MARK);
    return s;
}
