/* A heap profile as gperftools writes it, after the names of its addresses: the format that
 * google-pprof reads.
 *
 *   --- symbol          0xADDRESS NAMES     outermost first, inlined ones behind "--"
 *   heap profile:       LIVE: BYTES [CAME: BYTES] @ ADDRESS...     innermost first
 *   MAPPED_LIBRARIES:   as /proc/PID/maps */
#include "viewer/export/parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "viewer/export/message.h"
#include "viewer/export/stacks.h"

#define MADE_ADDRESS 0x100000000000ull /* and the site's number: where no code lies */

struct pprof_text {
    struct export *export;
    struct export_sites sites;
    struct message_texts names, maps;
    uint64_t *address; /* of each site */
    uint32_t *name;    /* of each site: its names' number */
    uint32_t address_room, name_room, named;
    struct hak_index by_address; /* site's number */
    bool failed;
};

/* ---- addresses ---------------------------------------------------------------------------------
 */

/* Adds a function's name; a "--" in it, as in C++'s operator--, gets a blank, as that stands
 * between two functions. */
static void add_function(struct hak_text *text, const struct hak_frame *frame) {
    struct hak_text name = {0};
    export_add_name(&name, frame);
    const char *from = hak_text_string(&name);
    for (; *from; from++)
        hak_text_add(text, from[0] == '-' && from[1] == '-' ? "%c " : "%c", *from);
    hak_text_free(&name);
}

/* The site's functions, from the outermost inlined in. */
static void add_names(const struct pprof_text *p, struct hak_text *text, uint32_t number) {
    const struct export_site *site = &p->sites.site[number - 1];
    for (uint32_t i = site->count; i-- > 0;) {
        add_function(text, &p->export->places.place[p->sites.place[site->first + i]].frame);
        hak_text_add(text, i ? "--" : "");
    }
}

/* The site's own address; a made-up one if it has none, or if another process has other code there.
 * `*is_new` is false if the address has this name already. */
static uint64_t choose_address(struct pprof_text *p, uint32_t number, bool *is_new) {
    uint32_t code = p->sites.site[number - 1].code;
    uint64_t address = MADE_ADDRESS + number, ip = 0, at = 0;
    *is_new = true;
    if (code != UINT32_MAX)
        ip = p->export->places.code[code].ip;
    uint32_t other = ip ? hak_index_find(&p->by_address, ip, &at) : 0;
    if (other && p->name[other - 1] == p->name[number - 1])
        *is_new = false;
    if (!ip || (other && *is_new))
        return address;
    if (!other)
        p->failed |= !hak_index_add(&p->by_address, ip, number);
    return ip;
}

/* Gives the site an address, and writes its names if it is new. */
static void name_site(struct pprof_text *p, uint32_t number) {
    struct hak_text names = {0}, line = {0};
    bool is_new;
    add_names(p, &names, number);
    hak_text_add(&line, " %s\n", hak_text_string(&names));
    p->failed |=
        !hak_growing_make_room(&p->address, p->named, &p->address_room, sizeof *p->address) ||
        !hak_growing_make_room(&p->name, p->named, &p->name_room, sizeof *p->name);
    if (!p->failed) {
        struct hak_text address = {0};
        p->name[p->named] = message_number_text(&p->names, &names, &is_new);
        p->address[p->named] = choose_address(p, number, &is_new);
        hak_text_add(&address, "0x%016" PRIx64, p->address[p->named++]);
        if (is_new) {
            view_sink_add(p->export->sink, &address);
            view_sink_add(p->export->sink, &line);
        }
        hak_text_free(&address);
    }
    hak_text_free(&names);
    hak_text_free(&line);
    p->failed |= p->names.failed;
}

/* ---- rows --------------------------------------------------------------------------------------
 */

static bool has_no_blocks(const struct profile_sums *s) {
    return !s->live.blocks && !s->came.blocks && !s->came.bytes;
}

/* Calls `each` with the sites of each row. */
static void follow_rows(struct pprof_text *p,
                        void (*each)(struct pprof_text *p, const struct export_row *row)) {
    struct export *e = p->export;
    for (uint32_t i = 0; i < e->rows && !p->failed; i++) {
        if (has_no_blocks(&e->row[i].sums))
            continue;
        if (!export_find_path(e, &e->row[i]))
            return;
        p->failed |= !export_find_sites(&p->sites, &e->path);
        if (!p->failed)
            each(p, &e->row[i]);
    }
}

/* Names the sites not yet named. */
static void name_sites(struct pprof_text *p, const struct export_row *row) {
    (void)row;
    while (p->named < p->sites.sites && !p->failed)
        name_site(p, p->named + 1);
}

static void add_sums(struct hak_text *text, const struct profile_sums *s) {
    hak_text_add(text, "%6" PRIu64 ": %8" PRIu64 " [%6" PRIu64 ": %8" PRIu64 "] @", s->live.blocks,
                 s->live.bytes, s->came.blocks, s->came.bytes);
}

/* Writes the row's sums and addresses. */
static void write_row(struct pprof_text *p, const struct export_row *row) {
    struct hak_text line = {0};
    add_sums(&line, &row->sums);
    for (uint32_t i = 0; i < p->sites.count; i++)
        hak_text_add(&line, " 0x%016" PRIx64, p->address[p->sites.of_path[i] - 1]);
    hak_text_add(&line, "\n");
    view_sink_add(p->export->sink, &line);
    hak_text_free(&line);
}

/* Writes the sum of all rows. */
static void write_header(struct pprof_text *p) {
    struct profile_sums all = {0};
    struct hak_text line = {0};
    for (uint32_t i = 0; i < p->export->rows; i++)
        profile_add_sums(&all, &p->export->row[i].sums);
    hak_text_add(&line, "---\nheap profile: ");
    add_sums(&line, &all);
    hak_text_add(&line, " heapprofile\n");
    view_sink_add(p->export->sink, &line);
    hak_text_free(&line);
}

/* ---- modules -----------------------------------------------------------------------------------
 */

/* Writes a line of /proc/PID/maps, once. */
static void write_module(struct pprof_text *p, const struct export_module *m) {
    struct hak_text line = {0};
    bool is_new;
    uint64_t offset = m->load_bias ? m->start - m->load_bias : 0;
    hak_text_add(&line, "%08" PRIx64 "-%08" PRIx64 " r-xp %08" PRIx64 " 00:00 0 ", m->start, m->end,
                 offset);
    hak_text_add_name(&line, m->path);
    hak_text_add(&line, "\n");
    uint32_t number = message_number_text(&p->maps, &line, &is_new);
    p->failed |= p->maps.failed;
    if (number && is_new)
        view_sink_add_bytes(p->export->sink, p->maps.text[number - 1],
                            strlen(p->maps.text[number - 1]));
}

/* Writes the modules of all sites. */
static void write_modules(struct pprof_text *p) {
    static const char title[] = "\nMAPPED_LIBRARIES:\n";
    struct export *e = p->export;
    view_sink_add_bytes(e->sink, title, sizeof title - 1);
    for (uint32_t i = 0; i < p->sites.sites && !p->failed; i++) {
        uint32_t code = p->sites.site[i].code;
        const struct export_module *module =
            code == UINT32_MAX ? NULL : export_find_module(e, &e->places.code[code]);
        if (module)
            write_module(p, module);
    }
}

/* ---- the file ----------------------------------------------------------------------------------
 */

/* Writes the heading and the program's name. */
static void write_begin(struct pprof_text *p) {
    const struct export *e = p->export;
    struct hak_text line = {0};
    hak_text_add(&line, "--- symbol\n");
    for (uint32_t i = 0; i < e->processes; i++)
        if (!e->query.process || e->process[i].row == e->query.process) {
            hak_text_add(&line, "binary=");
            hak_text_add_name(&line, e->process[i].program);
            hak_text_add(&line, "\n");
            break;
        }
    view_sink_add(e->sink, &line);
    hak_text_free(&line);
}

int export_pprof_text(struct export *e) {
    struct pprof_text p = {.export = e};
    int status = export_read_processes(e);
    if (status == 0)
        status = export_read_modules(e);
    if (status == 0) {
        write_begin(&p);
        follow_rows(&p, name_sites);
        write_header(&p);
        follow_rows(&p, write_row);
        write_modules(&p);
    }
    e->failed |= p.failed;
    message_free_texts(&p.names);
    message_free_texts(&p.maps);
    export_free_sites(&p.sites);
    hak_index_free(&p.by_address);
    free(p.address);
    free(p.name);
    return status;
}
