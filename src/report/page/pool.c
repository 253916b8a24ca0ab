/* Faults of the program's own pools (hakmem.h): the call, the piece, the pools. */
#include "report/page/parts.h"

#include <jansson.h>
#include <string.h>
#include "check.h"
#include "store/calls.h"

/* A pool's name, which a dying program wrote, ended by NUL. */
static const char *pool_name(char copy[HAK_POOL_NAME], const char name[HAK_POOL_NAME]) {
    memcpy(copy, name, HAK_POOL_NAME);
    copy[HAK_POOL_NAME - 1] = 0;
    return copy;
}

/* Adds `pool 2 "rows"`, or `pool 2` where it has no name. */
static void add_numbered_pool(struct hak_text *text, uint32_t number,
                              const char name[HAK_POOL_NAME]) {
    char copy[HAK_POOL_NAME];
    pool_name(copy, name);
    hak_text_add(text, "pool %s",
                 copy[0] ? hak_words_quoted(number, copy) : hak_words_number(number));
}

/* The pool that the call named. */
static void add_named_pool(struct hak_text *text, const struct report_page *page) {
    const struct hak_pool_facts *pool = &page->facts->pool;
    add_numbered_pool(text, pool->number, pool->name);
}

/* The pool that the piece is of. */
static void add_pool_of_piece(struct hak_text *text, const struct report_page *page) {
    const struct hak_pool_facts *pool = &page->facts->pool;
    if (pool->other_number)
        add_numbered_pool(text, pool->other_number, pool->other_name);
    else
        add_named_pool(text, page);
}

static const char *end_words(const struct report_page *page) {
    return page->facts->pool.end == HAK_POOL_WAS_RESET ? "reset" : "destroyed";
}

/* ", reset by serve() server.c:40": the end of the pool, and by whom. */
static void add_end(struct hak_text *text, const struct report_page *page) {
    struct hak_text who = {0};
    hak_text_add(text, "%s", end_words(page));
    if (report_add_who(&who, &page->free_frames))
        hak_text_add(text, " by %s", hak_text_string(&who));
    hak_text_free(&who);
}

/* Adds "a 40-byte piece of pool 1 "sessions"" and its author's place. */
static void add_piece(struct hak_text *text, const struct report_page *page,
                      const struct hak_frames *author, const char *did) {
    struct hak_text who = {0};
    report_add_block(text, page);
    hak_text_add(text, " of ");
    add_pool_of_piece(text, page);
    if (report_add_who(&who, author))
        hak_text_add(text, "%s %s", did, hak_text_string(&who));
    hak_text_free(&who);
}

/* "hak_pool_free", "the sweep at exit": it found that bytes were changed. */
static const char *finder_of_damage(const struct report_page *page) {
    return page->facts->found_by == HAK_FOUND_BY_CALL ? report_function(page) : report_finder(page);
}

static void add_more_damage(struct hak_text *text, const struct report_page *page) {
    uint32_t more = page->facts->more_damaged;
    if (more > 0)
        hak_text_add(text, "; and %s",
                     hak_words_count(more, "more damaged piece", "more damaged pieces"));
}

/* "at least 4 bytes past a 40-byte piece of pool 1 "rows" from new_row() app.c:9, found by ..." */
static void headline_of_overflow(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    struct hak_text who = {0};
    hak_text_add(text, "%s%s %s ", facts->damage_is_open ? "at least " : "",
                 hak_words_bytes(facts->damaged_bytes), facts->offset < 0 ? "before" : "past");
    add_piece(text, page, &page->alloc_frames, " from");
    hak_text_add(text, ", found by %s", finder_of_damage(page));
    if (facts->found_by != HAK_FOUND_BY_EXIT && report_add_who(&who, &page->frames))
        hak_text_add(text, " in %s", hak_text_string(&who));
    hak_text_free(&who);
    add_more_damage(text, page);
}

/* Adds the piece that was moved, or the address and the piece that it lies in. */
static void add_moved(struct hak_text *text, const struct report_page *page) {
    uint64_t address = page->facts->found_address;
    if (page->base && address == page->user) {
        add_piece(text, page, &(struct hak_frames){0}, "");
        return;
    }
    hak_text_add(text, "0x%llx, ", (unsigned long long)address);
    if (page->base) {
        hak_text_add(text, "%s into ", hak_words_bytes(address - page->user));
        add_piece(text, page, &page->alloc_frames, " from");
    } else {
        hak_text_add(text, "which is no known piece of ");
        add_named_pool(text, page);
    }
}

static const char *place_name(char copy[HAK_POOL_PLACE_NAME], const char *name) {
    memcpy(copy, name, HAK_POOL_PLACE_NAME);
    copy[HAK_POOL_PLACE_NAME - 1] = 0;
    return copy;
}

/* "free" to "list" */
static void add_move(struct hak_text *text, const struct report_page *page) {
    char from[HAK_POOL_PLACE_NAME], to[HAK_POOL_PLACE_NAME];
    hak_text_add(text, "\"%s\" to \"%s\"", place_name(from, page->facts->pool.from),
                 place_name(to, page->facts->pool.to));
}

void report_pool_headline(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (facts->fault == 505) {
        headline_of_overflow(text, page);
        return;
    }
    report_add_doer(text, page);
    hak_text_add(text, " calls %s ", report_function(page));
    switch (facts->fault) {
    case 501:
        hak_text_add(text, "on ");
        add_piece(text, page, &page->free_frames, " freed by");
        return;
    case 502:
        hak_text_add(text, "for ");
        add_named_pool(text, page);
        hak_text_add(text, " on ");
        add_piece(text, page, &page->alloc_frames, " from");
        return;
    case 503:
        hak_text_add(text, "on 0x%llx, ", (unsigned long long)facts->found_address);
        if (page->base) {
            hak_text_add(text, "%s into ", hak_words_bytes((uint64_t)facts->offset));
            add_piece(text, page, &page->alloc_frames, " from");
        } else {
            hak_text_add(text, "which is no live piece of ");
            add_named_pool(text, page);
        }
        return;
    case 506:
        hak_text_add(text, "on ");
        add_piece(text, page, &page->alloc_frames, " still out since");
        return;
    case 507:
        hak_text_add(text, "on ");
        add_moved(text, page);
        hak_text_add(text, ", from ");
        add_move(text, page);
        hak_text_add(text, ": the pool has no such move");
        return;
    default:
        hak_text_add(text, "on ");
        if (page->base)
            add_piece(text, page, &(struct hak_frames){0}, "");
        else
            add_named_pool(text, page);
        hak_text_add(text, ", ");
        add_end(text, page);
    }
}

void report_pool_sentence(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    if (facts->fault == 505) {
        hak_text_add(text, "%s found changed bytes %s the piece", finder_of_damage(page),
                     facts->offset < 0 ? "before" : "past");
        add_more_damage(text, page);
        return;
    }
    hak_text_add(text, "%s was given ", report_function(page));
    switch (facts->fault) {
    case 501:
        hak_text_add(text, "a piece that was already free");
        return;
    case 502:
        hak_text_add(text, "a piece of another pool");
        return;
    case 503:
        hak_text_add(text, "an address that is no live piece of the pool");
        return;
    case 506:
        hak_text_add(text, "a piece that was still out");
        return;
    case 507:
        hak_text_add(text, "%s; the pool's table has no move from ",
                     page->base && facts->found_address == page->user ? "a piece" : "an address");
        add_move(text, page);
        return;
    default:
        hak_text_add(
            text, page->base ? "a piece of a pool that was %s since" : "a pool that was %s before",
            end_words(page));
    }
}

void report_pool_pointer(struct hak_text *text, const struct report_page *page) {
    uint64_t into = page->facts->found_address - page->user;
    if (page->base) {
        if (into == 0)
            hak_text_add(text, "is the start of ");
        else
            hak_text_add(text, "is %s into ", hak_words_bytes(into));
        report_add_block(text, page);
        hak_text_add(text, " of ");
        add_pool_of_piece(text, page);
        hak_text_add(text, "%s:\n", report_border_words(page));
    } else if (page->facts->fault == 503 || page->facts->fault == 507) {
        hak_text_add(text, "is not the start of a %s piece of ",
                     page->facts->fault == 503 ? "live" : "known");
        add_named_pool(text, page);
        hak_text_add(text, ".\n");
    } else {
        hak_text_add(text, "stands for ");
        add_named_pool(text, page);
        hak_text_add(text, ".\n");
    }
}

const char *report_pool_birth(const struct report_page *page) {
    return page->base ? "  ALLOCATED         " : "  CREATED           ";
}

const char *report_pool_death(const struct report_page *page) {
    return page->facts->pool.end == HAK_POOL_WAS_RESET       ? "  RESET             "
           : page->facts->pool.end == HAK_POOL_WAS_DESTROYED ? "  DESTROYED         "
           : page->facts->fault == 507                       ? "  FREED             "
                                                             : "  FREED BEFORE      ";
}

static bool is_guarded(const struct report_page *page) {
    return (page->facts->subkind & 0xff) == HAK_BY_POOL;
}

const char *report_pool_birth_call(const struct report_page *page) {
    if (!page->base)
        return "hak_pool_create";
    return is_guarded(page) ? hak_call_taken(HAK_BY_POOL) : "hak_pool_alloc";
}

const char *report_pool_death_call(const struct report_page *page) {
    return page->facts->pool.end == HAK_POOL_WAS_RESET       ? "hak_pool_reset"
           : page->facts->pool.end == HAK_POOL_WAS_DESTROYED ? "hak_pool_destroy"
           : is_guarded(page)                                ? hak_call_given(HAK_GIVEN_BY_POOL)
                                                             : "hak_pool_free";
}

json_t *report_pool_json(const struct report_page *page) {
    static const char *const ends[] = {NULL, "reset", "destroyed"};
    const struct hak_pool_facts *pool = &page->facts->pool;
    bool is_move = page->facts->fault == 507;
    char name[HAK_POOL_NAME], other[HAK_POOL_NAME];
    char from[HAK_POOL_PLACE_NAME], to[HAK_POOL_PLACE_NAME];
    return hak_json_object(
        NUMBER("number", pool->number), TEXT("name", pool_name(name, pool->name)),
        JSON("other_number", pool->other_number ? json_integer(pool->other_number) : json_null()),
        JSON("other_name",
             pool->other_number ? hak_json_text(pool_name(other, pool->other_name)) : json_null()),
        JSON("end", hak_json_word(pool->end < 3 ? ends[pool->end] : NULL)),
        JSON("from", is_move ? hak_json_text(place_name(from, pool->from)) : json_null()),
        JSON("to", is_move ? hak_json_text(place_name(to, pool->to)) : json_null()));
}
