/* Lays out a new store: its tables and views, and the names behind the numbers. */
#include "store/schema.h"

#include <stdio.h>
#include "hop.h"
#include "size_class.h"
#include "store/database.h"
#include "store/file.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct name_row {
    int id, is_move;
    const char *name, *text, *sentence, *what_to_do;
};

static const struct name_row kinds[] = {
#define HOP(name, number, from, to, sentence) {number, 1, #name, NULL, sentence, NULL},
#define NOTE(name, number, sentence)          {number, 0, #name, NULL, sentence, NULL},
#include "hops.def"
};
static const struct name_row places[] = {
#define PLACE(name, number, text, sentence) {number, 0, #name, text, sentence, NULL},
#include "hops.def"
};
static const struct name_row faults[] = {
#define FAULT(NAME, number, name, tag, injection, sentence, what)                                  \
    {number, 0, name, tag, sentence, what},
#include "faults.def"
};
static const int bands[] = {
#define CLASS(slot_bytes, band) band,
#include "classes.def"
#undef CLASS
};

static const char naming[] = "writing its tables of names";

/* Fills the tables of kinds, places, fault codes and classes. 0, or an error. */
static int put_names(const struct hak_database *db) {
    int error = 0;
    for (size_t i = 0; i < COUNT_OF(kinds) && !error; i++)
        error = hak_do(db, "INSERT INTO kind VALUES(?, ?, ?, ?)", naming, HAK_NUMBER(kinds[i].id),
                       HAK_TEXT(kinds[i].name), HAK_NUMBER(kinds[i].is_move),
                       HAK_TEXT(kinds[i].sentence));
    for (size_t i = 0; i < COUNT_OF(places) && !error; i++)
        error = hak_do(db, "INSERT INTO place VALUES(?, ?, ?, ?)", naming, HAK_NUMBER(places[i].id),
                       HAK_TEXT(places[i].name), HAK_TEXT(places[i].text),
                       HAK_TEXT(places[i].sentence));
    for (size_t i = 0; i < COUNT_OF(faults) && !error; i++)
        error = hak_do(db, "INSERT INTO fault_code VALUES(?, ?, ?, ?, ?)", naming,
                       HAK_NUMBER(faults[i].id), HAK_TEXT(faults[i].name), HAK_TEXT(faults[i].text),
                       HAK_TEXT(faults[i].sentence), HAK_TEXT(faults[i].what_to_do));
    for (unsigned i = 0; i < HAK_CLASSES && !error; i++)
        error = hak_do(db, "INSERT INTO class VALUES(?, ?, ?, ?)", naming, HAK_NUMBER(i),
                       HAK_NUMBER(hak_class_bytes(i)), HAK_NUMBER(bands[i]),
                       HAK_NUMBER(hak_first_slot_offset(i)));
    return error;
}

int hak_store_make_schema(const struct hak_database *db) {
    char start[256], geometry[256];
    static const char doing[] = "laying out its tables";
    snprintf(start, sizeof start,
             "PRAGMA page_size=4096; BEGIN IMMEDIATE;"
             "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             HAK_STORE_APPLICATION_ID, HAK_STORE_FORMAT);
    snprintf(geometry, sizeof geometry,
             "INSERT INTO meta VALUES('slab_bytes', '%zu'), ('superslab_bytes', '%zu'); COMMIT;",
             HAK_SLAB_BYTES, HAK_SUPERSLAB_BYTES);
    int error = hak_database_run(db, start, doing);
    if (!error)
        error = hak_database_run(db, hak_store_schema_sql, doing);
    if (!error)
        error = put_names(db);
    return error ? error : hak_database_run(db, geometry, doing);
}
