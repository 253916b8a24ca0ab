/* Compares the rows of table superslab with the events. */
#include "store/check/superslabs.h"

#include "hop.h"
#include "store/reader/inner.h"

static const char checking_superslabs[] = "checking its SuperSlabs";
static const char no_event[] = "there is no such event";

/* True when the row was made of this event. */
static bool is_row_of(const struct hak_query *row, const struct hak_event *e) {
    uint64_t bytes = e->kind == HAK_SUPERSLAB_MAP ? e->size : -e->size;
    return hak_query_number(row, 0) == e->id && hak_query_number(row, 1) == e->ns &&
           hak_query_number(row, 2) == e->process && hak_query_number(row, 3) == bytes;
}

static void add_wrong_superslab(struct hak_check_findings *findings, uint64_t event,
                                const char *wrong) {
    hak_check_add(findings, HAK_CHECK_PROFILE, event, .column = "superslab", .text = wrong);
}

int hak_superslab_check_chunk(struct hak_store_reader *r, struct hak_check_findings *findings,
                              const struct hak_columns *c, uint64_t first_id) {
    struct hak_event e;
    if (!hak_database_has_table(&r->db, "superslab"))
        return 0;
    struct hak_query q = hak_ask(&r->db,
                                 "SELECT event, ns, process, bytes FROM superslab"
                                 " WHERE event >= ?1 AND event < ?2 ORDER BY event",
                                 checking_superslabs, first_id, first_id + c->events);
    bool has_rows = hak_query_next(&q), is_there = has_rows, is_right = true;
    for (uint32_t i = 0; i < c->events && has_rows && is_right; i++) {
        uint8_t kind = (uint8_t)hak_columns_value(c, HAK_COLUMN_SHAPE, i);
        if (kind != HAK_SUPERSLAB_MAP && kind != HAK_SUPERSLAB_UNMAP)
            continue;
        hak_columns_get(c, i, first_id + i, &e);
        is_right = is_there && is_row_of(&q, &e);
        if (!is_right)
            add_wrong_superslab(findings, e.id, "it is missing, or is not what the event says");
        is_there = hak_query_next(&q);
    }
    if (is_right && is_there)
        add_wrong_superslab(findings, hak_query_number(&q, 0), no_event);
    return hak_query_end(&q);
}

int hak_superslab_check_finish(struct hak_store_reader *r, struct hak_check_findings *findings) {
    if (!hak_database_has_table(&r->db, "superslab"))
        return 0;
    struct hak_query q =
        hak_ask(&r->db,
                "SELECT event FROM superslab s WHERE event >= coalesce((SELECT id + events"
                " FROM chunk c WHERE c.id <= s.event ORDER BY c.id DESC LIMIT 1), event)",
                checking_superslabs);
    while (hak_query_next(&q))
        add_wrong_superslab(findings, hak_query_number(&q, 0), no_event);
    return hak_query_end(&q);
}
