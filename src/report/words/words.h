/* Words for numbers, kinds, places, faults, frames, threads and lives, the same in reports and in
 * the viewer, in text and in JSON.
 *
 *   words.c  change.c        numbers, and the lines of the .def tables
 *   function.c  frame.c      names of functions; which frames of a stack are the program's own
 *   lookup.h --> the store   threads, stacks, faults by row
 *   story.h  creations.h     sentences on lives and on who created a thread
 *   check.h                  sentences on what `check` found
 *   coverage.h               how many blocks and call stacks were guarded
 *   missed.c                 what is not known of the program's own pools
 *   json.h                   the pieces of every document
 *
 * Calls text.
 *
 * Functions that return text use a ring of static buffers: a result holds for the next
 * HAK_WORDS_BUFFERS calls of any of them, so several can stand in one printf. For one thread. */
#ifndef HAK_REPORT_WORDS_WORDS_H
#define HAK_REPORT_WORDS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "report/text/text.h"
#include "report/words/check.h"
#include "report/words/coverage.h"
#include "report/words/creations.h"
#include "report/words/json.h"
#include "report/words/lookup.h"
#include "report/words/story.h"
#include "store/event.h"
#include "store/reader/reader.h"

#define HAK_WORDS_BUFFERS 32

static inline bool hak_words_starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

/* One line of faults.def. */
struct hak_fault_words {
    unsigned code;         /* shown as HKM-code */
    const char *name;      /* "tls-sll-hdr-reset" */
    const char *tag;       /* the original's bracket tag, or "" */
    const char *injection; /* value of HAKMEM_INJECT that makes it, or "" */
    const char *meaning, *advice;
};
/* The words of a fault by its code; NULL when faults.def has no such line. */
const struct hak_fault_words *hak_words_fault(unsigned code);
/* Finds a fault by a person's text: "HKM-104", "hkm-104", "104", the name, or the tag with or
 * without [ ]. NULL: none has it. */
const struct hak_fault_words *hak_words_find_fault(const char *text);
/* Line i of faults.def, NULL past the end. */
const struct hak_fault_words *hak_words_fault_at(unsigned i);

/* "MALLOC", "SLL_PUSH"; "KIND 200" when hops.def has no such line. */
const char *hak_words_kind(unsigned kind);
/* Name in line i of hops.def's kinds, NULL past the end. */
const char *hak_words_kind_at(unsigned i);
/* Finds the number of the kind called `name` (any case), -1 when there is none. */
int hak_words_kind_number(const char *name);
/* "magazine to TLS SLL": the sentence of hops.def. */
const char *hak_words_kind_sentence(unsigned kind);
/* "magazine"; and "free in a thread's magazine". */
const char *hak_words_place(unsigned place);

/* A sentence that says where a block in this place lies. */
const char *hak_words_place_sentence(unsigned place);
/* "magazine -> TLS SLL" for a move between two layers; a sentence where it may come from many
 * places; else NULL. `place` is the record's: where the block went, if the move may end in several.
 */
const char *hak_words_move(unsigned kind, unsigned place);
/* "magazine": the set of places from which hops.def allows this kind; "" for notes. */
const char *hak_words_allowed_from(unsigned kind);

/* A number with commas, "81,204,112"; until the next calls of words. */
const char *hak_words_number(uint64_t value);

/* A number with commas and its sign, "+16"; until the next calls of words. */
const char *hak_words_offset(int64_t value);
/* "16 bytes", "1 byte"; "64.0 KiB" style for sizes of files. */
const char *hak_words_bytes(uint64_t bytes);

/* A size in the unit that fits: "512 bytes", "1.5 KiB", up to TiB; until the next calls of
 * words. */
const char *hak_words_size(uint64_t bytes);
/* "12.406 s". */
const char *hak_words_time(uint64_t ns);
/* How long something took: "12 us", "340 ms", "1.2 s". */
const char *hak_words_ago(uint64_t ns);
/* "3 lives", "1 life": `one` or `many` after the number. */
const char *hak_words_count(uint64_t value, const char *one, const char *many);
/* "1 of 4,812 blocks was watched": level light, of so many calls that allocated. */
const char *hak_words_watched(uint64_t blocks, uint64_t calls);
/* Why no debug register watches: an errno, or an enum hak_unwatched (trace/session.h). */
const char *hak_words_unwatched(unsigned why);
/* Appends "the program's own pools: 2 pools and 17 pieces had no room; 3 calls were missed". False,
 * and nothing is added: all are known. */
bool hak_words_add_missed(struct hak_text *text, const struct hak_missed_pools *missed);
/* Appends that the symbols of these modules (paths, ended by NULL, at least one) came too late. */
void hak_words_add_late(struct hak_text *text, const char *const *modules);
/* `2 "worker"`: a number with a name from outside, made harmless. */
const char *hak_words_quoted(uint64_t number, const char *name);
/* "C3" from a class index, "large" for HAK_CLASS_NONE, "C?" when the store has no such class.
 * r may be NULL: then the table that this program was built with is taken. */
const char *hak_words_class(struct hak_store_reader *r, unsigned class_index);
/* Slot bytes of a class as this store (or this build) has them, 0 = not known. */
uint64_t hak_words_slot_bytes(struct hak_store_reader *r, unsigned class_index);
/* "SIGSEGV"; "signal 65" when it has no name. */
const char *hak_words_signal(unsigned signal);

/* Words of a change: "HOT -> DRAINING at 24.9 %", "64 -> 128 blocks", "slab 3 of 0x55... taken"; ""
 * for kinds that are no changes. Holds for the next seven calls. (change.c) */
const char *hak_words_change(const struct hak_event *event);
/* "huge pages for SuperSlabs, 0 or 1": the setting of memory learning with this number; NULL when
 * it has none such. */
const char *hak_words_setting(unsigned setting);
/* True when hops.def has such a place; its number goes to `place`. `text` is its name in either
 * form, "TLS SLL" or "SLL", in any case. */
bool hak_words_find_place(const char *text, unsigned *place);
/* True for the caches of a thread: where a block may be when a fork leaves the thread behind. */
bool hak_words_is_thread_place(unsigned place);
/* Whether the event is a call at, or a move out of or into, this place alone. */
bool hak_words_touches_place(const struct hak_event *event, unsigned place);

/* The call or move: "malloc(24)", "new[](24)", "free", "delete", "realloc(100)", "SLL_PUSH". */
const char *hak_words_call(const struct hak_event *event);
/* Words that the event's place adds: "served by magazine", "into magazine", "magazine -> TLS SLL".
 */
const char *hak_words_route(const struct hak_event *event);

/* A path cut for reading: from "src/" on for hakmem's own, else its last `parts` components. */
const char *hak_words_path(const char *path, int parts, bool is_hakmem);
/* Appends "worker_loop         app/worker.c:41" with the location from column `column` on; says
 * module+offset where nothing better is known. `parts`: components kept of a path. */
void hak_words_add_frame(struct hak_text *text, const struct hak_frame *frame, int column,
                         int parts);
/* Appends where in code: "worker.c:41", "libfoo.so+0x1234", "0x7f...". */
void hak_words_add_location(struct hak_text *text, const struct hak_frame *frame, int parts);
/* Appends function and location: "worker_loop worker.c:41". */
void hak_words_add_place(struct hak_text *text, const struct hak_frame *frame, int parts);
/* Finds the first frame of the program (not hakmem's own), -1 when there is none. */
int hak_words_program_frame(const struct hak_frame *frames, int count);
/* Whether a frame is how every program and thread begins, outside of main and of the thread's own
 * function. */
bool hak_words_is_start(const struct hak_frame *frame);
/* Code that stands between the program and its malloc and tells nothing about it: libc, C++'s
 * library and its inlined levels, the program's own xmalloc. Fingerprints leave it out. */
bool hak_words_is_go_between(const struct hak_frame *frame);
/* "libstdc++": the library of C or C++ that the code belongs to, by its module, or by its source
 * file or name where it was instantiated in the program; NULL = none. */
const char *hak_words_library(const struct hak_frame *frame);
/* The role of a frame for the reader of a stack. */
enum hak_frame_role {
    HAK_FRAME_PROGRAM,
    HAK_FRAME_WRAPPER, /* the program's own malloc or free, where the allocator was called */
    HAK_FRAME_LIBRARY, /* hak_words_library() names it */
    HAK_FRAME_START,
    HAK_FRAME_OWN, /* hakmem's */
};

/* The role of frame `i` in its stack: hakmem's, a thread's start, a library's, an allocation
 * wrapper inside of the program's first frame, or the program's. */
enum hak_frame_role hak_words_frame_role(const struct hak_frame *frames, int count, int i);
/* Marks the frame that called the allocator, in a stack of a fault of code `code`, where the choice
 * of call is the fault: of malloc or new, free or delete, or of the pool. */
void hak_words_accuse_caller(unsigned code, struct hak_frame *frames, int count);
/* Finds the frame that one line names: the program's first one past libraries and wrappers (of
 * modules that have source lines, where there are some); the first of all where there is no other.
 * -1 as above. */
int hak_words_telling_frame(const struct hak_frame *frames, int count);
/* Names a block that a library of C or C++ took for itself: "libstdc++ emergency pool", "stdio
 * buffer of puts". False: it is none of these. */
bool hak_words_add_runtime(struct hak_text *text, const struct hak_frame *frames, int count);
/* Whether a function of Python's, which an interpreter named, is among the frames. */
bool hak_words_has_python(const struct hak_frame *frames, int count);
/* Whether a frame is code of CPython itself or of its own extensions: a library, in a stack that
 * has Python's functions. */
bool hak_words_is_interpreter(const struct hak_frame *frame);
/* Finds the outermost frame of `frames` whose code differs from its counterpart in `others`; -1 =
 * none. */
int hak_words_differing_frame(const struct hak_frame *frames, int count,
                              const struct hak_frame *others, int other_count);
/* Appends a function's name, made harmless; a long one is shortened inside its brackets and in
 * front: "Cache::put<...>", "...::Inner::put". "??" for none. */
void hak_words_add_function(struct hak_text *text, const char *function);
/* Adds a function with the brackets of a call and no parameters: "main()", "Cache::put<...>()". */
void hak_words_add_called(struct hak_text *text, const char *function);
/* Appends the name alone: "ns::Cache::put" of "void ns::Cache<int>::put<char>(char) const [clone
 * .part.0]", with `arguments` in place of those of templates. */
void hak_words_add_bare_function(struct hak_text *text, const char *function,
                                 const char *arguments);

#endif
