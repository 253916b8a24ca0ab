/* The kind of place of a fault, as its SUMMARY line has it. */
#include "viewer/reduce/parts.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 16 };

/* The last " name=" of the line: names of files and functions stand before. NULL: it has none. */
static const char *value_of(const char *line, const char *name) {
    const char *found = NULL;
    for (const char *at = line; (at = strstr(at, name)); at += strlen(name))
        found = at + strlen(name);
    return found;
}

static enum side side_of(unsigned code, const char *size, const char *offset) {
    char *end;
    if (!offset)
        return SIDE_UNKNOWN;
    long long at = strtoll(offset, &end, 10);
    if (end == offset)
        return SIDE_UNKNOWN;
    if (code < BAD_FREE) /* of the layers: the user pointer, or another one */
        return at == HEADER_BYTES ? SIDE_BASE : SIDE_UNKNOWN;
    if (at < 0)
        return SIDE_BEFORE;
    if (at == 0 && (code <= NEW_DELETE_TYPE_MISMATCH || code >= POOL_DOUBLE_FREE))
        return SIDE_BASE;
    long long bytes = size ? strtoll(size, &end, 10) : 0;
    return size && end != size && at >= bytes ? SIDE_BEHIND : SIDE_INSIDE;
}

void place_read(struct place *place, unsigned code, const char *summary) {
    char line[4096];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(summary, "\n"), summary);
    const char *hop = value_of(line, " hop=");
    *place = (struct place){.code = code};
    if (hop)
        snprintf(place->hop, sizeof place->hop, "%.*s", (int)strcspn(hop, " "), hop);
    place->side = side_of(code, value_of(line, " size="), value_of(line, " offset="));
}

void place_read_from(struct place *place, const char *name) {
    bool is_own = strcmp(name, "out") != 0 && strcmp(name, "free") != 0 && strcmp(name, "new") != 0;
    snprintf(place->from, sizeof place->from, "%s", is_own ? "own" : name);
}

/* Reads the place that a headline names as the last one of its kind: `, from "new" to "cache": the
 * pool has no such move`. */
static void read_headline(struct place *place, const char *report) {
    static const char head[] = ", from \"";
    char line[1024], name[16];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(report, "\n"), report);
    place->is_raw = strstr(line, PLACE_RAW) != NULL;
    const char *from = place->code == POOL_ILLEGAL_MOVE ? value_of(line, head) : NULL;
    if (!from)
        return;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(from, "\""), from);
    place_read_from(place, name);
}

void place_read_first(struct place *place, const char *said) {
    static const char head[] = "hakmem: HKM-";
    const char *report = strstr(said, head);
    const char *summary = report ? strstr(report, "SUMMARY: ") : NULL;
    unsigned code = report ? (unsigned)strtoul(report + sizeof head - 1, NULL, 10) : 0;
    place_read(place, code, summary ? summary : "");
    if (report)
        read_headline(place, report);
}

bool place_is_same(const struct place *a, const struct place *b) {
    return !a->is_raw && !b->is_raw && a->code == b->code && a->side == b->side &&
           strcmp(a->from, b->from) == 0 &&
           (!a->hop[0] || !b->hop[0] || strcmp(a->hop, b->hop) == 0);
}
