/* Lists the memory that the programs of a capture mapped themselves: at a moment, and the ranges
 * that came and went between two (docs/specs/mappings.md).
 *
 *   PROGRAM_MAP, _UNMAP, _REMAP, _PROTECT, _BREAK --+
 *   forks, ends of processes (lineup.h) ------------+--> ranges of processes (ranges.h) --> pieces
 *
 * A child of a fork has the ranges of its parent. A process that has ended has none, but where the
 * moment is the end of the capture those of its own end. Of a trimmed capture only the ranges that
 * the log still has are known. */
#ifndef HAK_STORE_HISTORY_MAPPED_H
#define HAK_STORE_HISTORY_MAPPED_H

#include "store/history/lineup.h"
#include "store/history/ranges.h"
#include "store/reader/reader.h"

enum hak_mapped_piece {
    HAK_MAPPED_BEFORE, /* was there at `from` */
    HAK_MAPPED_CAME,   /* behind `from` */
    HAK_MAPPED_WENT,
    HAK_MAPPED_THERE, /* at `to` */
};

struct hak_mapped_query {
    uint64_t from, to; /* events; 0 = the begin, the end */
    uint32_t process;  /* row id, 0 = all */
    void (*piece)(void *context, enum hak_mapped_piece what, uint32_t process,
                  const struct hak_range *range);
    /* Is called, where it is not NULL, of each event that changes what `address` is in, also in
     * processes that are not asked for; NULL = it is in no range before, or after. */
    void (*step)(void *context, const struct hak_event *event, const struct hak_range *before,
                 const struct hak_range *after);
    uint64_t address;
    struct hak_lineup *lineup; /* gets the processes, for the caller to free; NULL = not wanted */
    void *context;
};

/* Calls query->piece for every piece, at last for those that are there. 0, or an error. */
int hak_mapped_read(struct hak_store_reader *r, const struct hak_mapped_query *query);

#endif
