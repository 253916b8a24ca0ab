/* Functions of SQL that misuse PostgreSQL's memory contexts, each in a way that the server survives
 * for a while: a chunk of a slab is freed twice, so that two owners get it; a chunk is freed after
 * its context's reset, into a list of memory that is not the list's. */
#include "postgres.h"

#include "fmgr.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(free_twice);
PG_FUNCTION_INFO_V1(free_late);
PG_FUNCTION_INFO_V1(free_well);

static void end_scan(void *row) {
    pfree(row);
}

static void *first_row(MemoryContext rows, Size bytes) {
    void *row = MemoryContextAlloc(rows, bytes);
    (void)MemoryContextAlloc(rows, bytes); /* another one, which keeps the block */
    return row;
}

Datum free_twice(PG_FUNCTION_ARGS) {
    MemoryContext rows = SlabContextCreate(CurrentMemoryContext, "rows", 8192, 40);
    void *row = first_row(rows, 40), *one, *two;
    end_scan(row);
    end_scan(row);
    one = MemoryContextAlloc(rows, 40);
    two = MemoryContextAlloc(rows, 40);
    ereport(NOTICE, errmsg("two rows lie in %s memory", one == two ? "the same" : "different"));
    PG_RETURN_VOID();
}

Datum free_late(PG_FUNCTION_ARGS) {
    MemoryContext rows = AllocSetContextCreate(CurrentMemoryContext, "rows", ALLOCSET_SMALL_SIZES);
    void *row = first_row(rows, 40), *one, *two;
    MemoryContextReset(rows);
    end_scan(row);
    one = MemoryContextAlloc(rows, 40);
    two = MemoryContextAlloc(rows, 40);
    ereport(NOTICE, errmsg("two rows lie in %s memory", one == two ? "the same" : "different"));
    PG_RETURN_VOID();
}

Datum free_well(PG_FUNCTION_ARGS) {
    MemoryContext rows = SlabContextCreate(CurrentMemoryContext, "rows", 8192, 40);
    end_scan(first_row(rows, 40));
    MemoryContextReset(rows);
    end_scan(first_row(rows, 40));
    MemoryContextDelete(rows);
    PG_RETURN_VOID();
}
