/* The places of stacks, each kept once: what rows and trees of the profile are made of.
 *
 *   stack --> nodes --(cached by process, generation, ip)--> frames --> places --> labels
 *
 * A place is a frame without its address, where its line is known; labels are what is put together:
 * a function (in a file), a line, a file, a module. A path is the places of a stack from the one
 * that tells who allocated (report/words, the program's first one past wrappers and libraries) to
 * its outermost caller. */
#ifndef HAK_VIEWER_PROFILE_PLACES_H
#define HAK_VIEWER_PROFILE_PLACES_H

#include <regex.h>
#include "base/index.h"
#include "store/frame.h"
#include "viewer/cli/cli.h"

enum profile_key {
    PROFILE_FUNCTION,
    PROFILE_LINE,
    PROFILE_FILE,
    PROFILE_MODULE,
    PROFILE_KEYS, /* of places; below: of blocks and rows */
    PROFILE_STACK = PROFILE_KEYS,
    PROFILE_CLASS,
    PROFILE_SIZE,
    PROFILE_LIFETIME,
    PROFILE_THREAD,
    PROFILE_PROCESS,
    PROFILE_POOL, /* of pieces alone */
};

/* The places that are put together under one name. */
struct profile_label {
    const char *function; /* "" = none: of files and modules, and where it is not known */
    const char *file;     /* path, "" = not known */
    const char *module;   /* path, "" = in none */
    uint64_t offset;      /* in the module, where no function is known */
    uint32_t line;        /* 0 = none, or of several lines */
    bool has_lines;       /* several */
    bool is_none;         /* "no stack" */
    bool is_runtime;      /* a library's own block: a buffer of stdio, libstdc++'s pool */
};

struct profile_place {
    struct hak_frame frame; /* texts belong to the places */
    uint32_t label[PROFILE_KEYS];
    bool is_hidden;                  /* hakmem's, a library's, or how every program begins */
    bool is_interpreter, is_skipped; /* in a stack with Python's functions; --skip says so */
    bool is_focus, is_ignored;
};

/* A return address: where its places come from. */
struct profile_code {
    uint32_t process, generation;
    uint64_t ip;
    uint32_t first, count; /* its places in of_codes, innermost first */
};

/* How a place of a path is shown. */
enum profile_shown {
    PROFILE_SHOWN,
    PROFILE_FOLDED,   /* a frame that the path passes over; only with keeps_folded */
    PROFILE_STAND_IN, /* no frame: stands for those of a library that took a block for itself */
};

/* The path of one stack: numbers of places, innermost first. */
struct profile_path {
    uint32_t *place;
    uint32_t *code; /* of each the number of its return address; UINT32_MAX of none */
    uint8_t *shown; /* enum profile_shown */
    uint32_t count, shown_count, capacity, code_capacity, shown_capacity;
    bool is_left_out; /* --focus or --ignore says so */
};

struct profile_places {
    struct view *view;
    bool shows_all;                /* frames of libraries, too */
    bool keeps_folded;             /* paths have the frames that they pass over, but hakmem's */
    const regex_t *focus, *ignore; /* NULL = not given */
    regex_t skip;                  /* functions that are wrappers, too (skip.h) */
    bool has_skip, has_read_skip;
    struct profile_place *place;
    uint32_t places, place_room;
    struct profile_label *label;
    uint32_t labels, label_room;
    struct hak_index by_place, by_label, by_text, by_code; /* row + 1 */
    char **text;
    uint32_t texts, text_room;
    struct profile_code *code; /* of a return address */
    uint32_t codes, code_room;
    uint32_t *of_codes; /* places of all codes */
    uint32_t of_codes_count, of_codes_room;
    struct hak_frame *frame; /* of the stack at hand */
    uint32_t *frame_place, *frame_code;
    uint32_t frame_room, frame_place_room, frame_code_room;
    bool failed; /* no memory */
    int error;   /* of the store */
};

/* Fills `path`, whose memory is used again, with the places of `stack` (0 = none). False: no
 * memory, or the store's error. A path has one place at least. */
bool profile_read_path(struct profile_places *places, uint32_t stack, struct profile_path *path);

/* Frees a path's places and clears it. */
void profile_free_path(struct profile_path *path);
void profile_free_places(struct profile_places *places);

/* An order of labels that does not depend on who was asked first: negative, 0, positive. */
int profile_compare_labels(const struct profile_label *a, const struct profile_label *b);

/* Appends what a label is called, and where it is: "parse_row", "app/parse.c:210"; of lines, files
 * and modules the second is "". `key` says what was put together. */
void profile_add_name(struct hak_text *text, const struct profile_label *label,
                      enum profile_key key);

/* Appends where a label lies: file and line, else module and offset; nothing for files, modules and
 * the label of none. */
void profile_add_where(struct hak_text *text, const struct profile_label *label,
                       enum profile_key key);

#endif
