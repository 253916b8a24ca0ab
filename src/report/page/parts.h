/* A report while it is made: what is known of the fault, and the parts that write the page.
 *
 *   page.c        gathers the facts below, then calls the parts in the order of the page
 *   clauses.c     what several parts say
 *   headline.c    first line; the pointer in words
 *   bytes.c       BYTES: memory around the pointer
 *   picture.c     the block as a line of boxes with a mark under the pointer
 *   stack.c       which frames of a stack are shown
 *   wrappers.c    which of them wrap the allocator, by who calls them
 *   steps.c       FIRST WRONG STEP and FOUND, with their stacks
 *   access.c      the first line for an access that the processor stopped
 *   source.c      lines of the program's source under a stack
 *   life.c        ALLOCATED and FREED: the two ends of the block's life, with their stacks
 *   history.c     HISTORY: the last life of the block, or the lives that a stale owner ties
 *   threads.c     THREADS: where the threads were created that the page names
 *   end.c         COMPLETENESS, GUESS, SUMMARY
 *   next.c        NEXT: commands to type
 *   instruction.c INSTRUCTION, REGISTERS: at which instruction the program was stopped
 *   pointed.c     the block that a register points to, as the store knows it
 *   candidates.c  GUESS: the blocks that a value may have been read from
 *   crash.c       a death by a signal that is no heap fault
 *   signal.c      what a signal means, in words
 *   address.c     what lies at the address of a crash, in words
 *   identity.c    what the finding is known by in other runs
 *   json.c        the same facts for machines */
#ifndef HAK_REPORT_PAGE_PARTS_H
#define HAK_REPORT_PAGE_PARTS_H

#include <stdbool.h>
#include "base/json.h"
#include "report/instruction/instruction.h"
#include "report/words/words.h"
#include "report/page/page.h"
#include "report/text/text.h"

/* Where the right path was left, as far as the record shows it. */
enum wrong_step {
    WRONG_UNKNOWN,  /* no record shows it */
    WRONG_EARLIER,  /* `wrong` is that event, and the fault was noticed later */
    WRONG_IS_FOUND, /* the call or move that was stopped is itself the first wrong step */
};

/* The threads that the page names, in the order in which it does. */
#define REPORT_NAMED 32
struct report_named {
    uint32_t row[REPORT_NAMED], number[REPORT_NAMED]; /* row 0 = the store has none */
    int count;
};

/* Column of the page at which the words behind a heading begin. */
#define REPORT_COLUMN 20

/* The lines of source that the page has shown. */
#define REPORT_SHOWN 8
struct report_shown {
    const char *file[REPORT_SHOWN];
    uint32_t line[REPORT_SHOWN];
    int count;
};

/* Left out where all parts at their full length do not fit the page; each step leaves out all that
 * those before it do, too. The source where the fault was found stays longest. */
enum report_cut {
    CUT_NOTHING,
    CUT_ASIDES,      /* ALLOCATOR; registers that have to do with neither address nor block */
    CUT_LENGTHS,     /* the middle of HISTORY, stacks of THREADS, BYTES in front */
    CUT_LIFE_SOURCE, /* source where the block was allocated and freed */
    CUT_STACKS,      /* frames */
    CUT_SOURCE,
};

#define REPORT_TYPE 96 /* bytes of its name */
struct report_page {
    struct hak_store_reader *r; /* NULL = no store */
    const struct hak_report_request *request;
    const struct hak_fault_facts *facts;
    const struct hak_fault_words *words; /* NULL = a crash that is no heap fault */
    struct hak_report_context context;   /* strings never NULL */
    struct hak_frames frames;            /* the fault's own stack */
    struct hak_story *story;             /* NULL = nothing is known of the block */
    const struct hak_life *life;         /* the last life, NULL = none */
    const struct hak_life *stale;        /* the life whose first ending is STALE, NULL = none */
    struct report_named *named;          /* filled in while the page is written */
    struct report_shown *shown;          /* likewise */
    char trouble[300];                   /* why the store could not answer, "" = it could */
    enum wrong_step wrong_step;
    struct hak_event wrong; /* id 0 = no event */
    struct hak_event found; /* the call that the fault stopped; id 0 = it has no event of its own */
    struct hak_frames wrong_frames;
    struct hak_frames alloc_frames, free_frames; /* of the block's last life */
    struct hak_frames clean_frames;              /* where a sweep last found the block whole */
    enum report_cut cut;
    bool is_freed;   /* the block had been given back before the fault */
    bool layer_move; /* a fault of moves between layers: hakmem's own frames are shown */
    bool has_header; /* the block lies in layout header */
    uint64_t user;   /* user pointer of the block, 0 = not known */
    uint64_t base, slot_bytes, asked_bytes;
    char fingerprint[HAK_FINGERPRINT_BYTES];
    bool asked_known;
    char type[REPORT_TYPE]; /* of the block, as its source names it: "Job"; "" = not known */
    bool is_decoded;        /* `instruction` is the one that was stopped */
    struct hak_instruction instruction;
    const struct hak_touch *touch; /* of it, the bytes that the fault is about; NULL = not known */
};

/* True when the signal came with the address of an access (not sent by kill). */
bool report_has_address(const struct report_page *page);
/* True of a crash by an access with a wrong memory tag that was found later: the signal tells
 * neither its address nor its instruction, and came when the thread was elsewhere. */
bool report_is_late_tag(const struct report_page *page);
/* True when a mapping lies at the address that the signal names. */
bool report_is_mapped(const struct report_page *page);

/* The processor stopped the thread: at a page that may not be touched, or by a debug register. */
static inline bool report_is_stopped(const struct hak_fault_facts *facts) {
    return facts->found_by == HAK_FOUND_BY_ACCESS || facts->found_by == HAK_FOUND_BY_WATCH;
}
/* The fault is a read or write as it was done, or was about to be: by the processor, or by a
 * function that was looked at. */
static inline bool report_is_by_function(const struct report_page *page) {
    return page->facts->found_by == HAK_FOUND_BY_FUNCTION;
}
static inline bool report_is_access(const struct report_page *page) {
    return report_is_stopped(page->facts) || report_is_by_function(page);
}

/* A fault of the program's own pools: the "block" of the page is a piece of one, or there is none.
 */
static inline bool report_is_of_pool(const struct report_page *page) {
    return page->facts->fault >= 501 && page->facts->fault <= 599;
}

/* A write in front of a block that did not begin in its header (HKM-302). */
static inline bool report_is_far_in_front(const struct report_page *page) {
    return (page->facts->offset < -16 || !page->has_header) && !report_is_access(page);
}

/* The processor refused an address that is the fill pattern of memory in or around this block: the
 * address was read there. */
static inline bool report_is_proved_by_word(const struct report_page *page) {
    return page->facts->found_by == HAK_FOUND_BY_ACCESS && page->request->signal != 0 &&
           !report_has_address(page);
}

/* A call was given such an address. */
static inline bool report_is_given_word(const struct report_page *page) {
    return page->facts->fault == 304 && page->facts->found_by == HAK_FOUND_BY_CALL;
}

/* False for a pointer that was read somewhere in a freed block: one pattern fills all of it. */
static inline bool report_has_offset(const struct report_page *page) {
    return page->facts->fault != 304 ||
           !(report_is_proved_by_word(page) || report_is_given_word(page));
}

/* The event at which the fault was found: the call that it stopped, where that was recorded, else
 * the fault's own record; 0 where nothing is recorded. */
static inline uint64_t report_found_event(const struct report_page *page) {
    return page->request->is_unrecorded ? 0
           : page->found.id             ? page->found.id
                                        : page->context.fault_event;
}

/* Looks a thread up that the page then names, and notes that it does; the same for one that is
 * known by its number in the fault's process (row 0), or by both. */
void report_look_up_thread(const struct report_page *page, uint32_t row,
                           struct hak_thread_words *out);
/* Notes that the page names a thread, by row, or by number where the store has none. */
void report_name_thread(const struct report_page *page, uint32_t row, uint32_t number);
/* Loads where the named threads were created, and their creators, as far as the store or the report
 * knows. */
void report_load_creations(struct hak_creations *all, const struct report_page *page);
/* The section THREADS: where the threads were created that the page names. */
void report_threads(struct hak_text *text, const struct report_page *page);

/* Appends the first line without its end: the fault's headline, or the signal with place and
 * address of a crash. */
void report_headline(struct hak_text *text, const struct report_page *page);
/* Appends the sentence on the pointer, below the first line: where it lies, or that it lies in no
 * block. */
void report_pointer(struct hak_text *text, const struct report_page *page);
/* Draws the block as a line of boxes with a mark under the pointer. */
void report_picture(struct hak_text *text, const struct report_page *page);
/* "; # = guard bytes": the part behind the bytes asked for in the block's picture; "" = none. */
const char *report_border_words(const struct report_page *page);
/* The section BYTES: memory around the pointer as it was when the fault was found; nothing where it
 * was not kept. */
void report_bytes(struct hak_text *text, const struct report_page *page);
void report_steps(struct hak_text *text, const struct report_page *page);
/* Appends the sentence under FIRST WRONG STEP, without the end of its line: that a stale owner
 * frees; else the wrong event before the finding; else the sentence under FOUND. */
void report_wrong_sentence(struct hak_text *text, const struct report_page *page);
/* The sentence under FOUND. */
void report_found_sentence(struct hak_text *text, const struct report_page *page);
/* "event 12   0.913 s   thread 1 "main"" and the end of the line. */
void report_when(struct hak_text *text, uint64_t event, uint64_t ns, uint32_t number,
                 const char *name);
/* The same for a fault of the program's calls and accesses, the stack that stands for it first. */
void report_stacks(struct hak_text *text, const struct report_page *page);
/* Adds three lines of source around the first frame of a stack, under it; nothing where the file is
 * not there as it was built, where the page has shown them, or from `last_cut` on. */
void report_add_source(struct hak_text *text, const struct report_page *page,
                       const struct hak_frames *frames, enum report_cut last_cut);
/* Finds the type that the source names where the block was allocated by new, into page->type. */
void report_find_type(struct report_page *page);
/* Adds the sections ALLOCATED and, if the block was freed, FREED. */
void report_life(struct hak_text *text, const struct report_page *page);
/* Adds the section FREED before ALLOCATED. */
void report_life_backwards(struct hak_text *text, const struct report_page *page);
/* True when only damage was seen, and not its author: the allocation stands for the fault. */
bool report_is_found_late(const struct report_page *page);
/* True when a sweep found the block whole before such damage, after the last event that changed the
 * block: context.clean_ns is when. */
bool report_has_clean_look(const struct report_page *page);
/* "server.c:131": the program's line at which such damage was found; false where there is none. */
bool report_found_place(struct hak_text *text, const struct report_page *page);
/* "slot 233 of slab 1 (C3, 48-byte slots), ...": words for the allocator's authors alone. */
void report_allocator(struct hak_text *text, const struct report_page *page);
/* The section HISTORY: the events of the block's last life, or why they are not known. */
void report_history(struct hak_text *text, const struct report_page *page);
/* The name of the call at which the fault was found, as the program wrote it. */
const char *report_call(const struct report_page *page);
/* The finder of the fault, in words: "the sweep at exit", "the processor", "free() of the block
 * beside it". */
const char *report_finder(const struct report_page *page);
/* "freed it": the act of the call that found damage; NULL = none found it. */
const char *report_did_to_it(const struct report_page *page);
/* Adds the size or alignment that a delete named, against the block's. */
void report_given_sentence(struct hak_text *text, const struct report_page *page);
/* True when more bytes may have been written than differ: a written byte may be the very one that
 * was due, and bytes on both sides of it differ; or the write went on where nothing can be
 * compared. */
bool report_wrote_more(const struct hak_fault_facts *facts);
/* "read", "write", "jump", or "access" where it is not known. */
const char *report_access_words(const struct report_page *page);
/* The name of the function that was looked at. */
const char *report_function(const struct report_page *page);
/* The sentence on an access that the processor stopped or a function was about to make. */
void report_access_sentence(struct hak_text *text, const struct report_page *page);
/* The first line for such an access: its kind, bytes and distance from the block. */
void report_access_headline(struct hak_text *text, const struct report_page *page);
/* "Pool::work() app.cpp:166": the function and line that stand for a stack; false: there is none.
 */
bool report_add_who(struct hak_text *text, const struct hak_frames *frames);
/* The same of the fault's own stack: "the program" where none stands for it. */
void report_add_doer(struct hak_text *text, const struct report_page *page);
/* The program's frame that a reader looks at first; NULL = none is the program's. */
const struct hak_frame *report_first_frame(const struct hak_frames *frames);
/* Adds "a 40-byte block", by the program's request. */
void report_add_block(struct hak_text *text, const struct report_page *page);
/* Adds "a 40-byte block freed by Pool::finish() app.cpp:150". */
void report_add_freed_block(struct hak_text *text, const struct report_page *page);
/* Adds "a 40-byte block from Pool::add() app.cpp:90". */
void report_add_allocated_block(struct hak_text *text, const struct report_page *page);
/* Adds what lies at the address of a crash, as a sentence. */
void report_address(struct hak_text *text, const struct report_page *page);
/* Names the mapping of the region that the request has, "a mapping of libfoo.so". */
void report_add_mapping(struct hak_text *text, const struct report_page *page);
/* Adds the first line's words on a crash's address: ": write to ..."; false: nothing is to be
 * said. */
bool report_address_headline(struct hak_text *text, const struct report_page *page);
/* True when the processor refused a pointer and does not tell which. */
bool report_is_general_fault(const struct report_page *page);
/* True when register value `value` is no address that the processor takes. */
bool report_is_no_address(uint64_t value);
/* The section COMPLETENESS: what the record lacks that would have told more. */
void report_completeness(struct hak_text *text, const struct report_page *page);
/* Adds a guess of how the fault came about. False, and nothing is written, where nothing can be
 * guessed. */
bool report_guess(struct hak_text *text, const struct report_page *page);
/* The section NEXT: commands to type that tell more, or run the program again. */
void report_next(struct hak_text *text, const struct report_page *page);
/* The SUMMARY's name for the move or call; READ, WRITE, ACCESS or EXECUTE for an access that the
 * processor stopped, SWEEP for damage found by looking at all blocks. */
const char *report_hop(const struct report_page *page);
/* The last line, SUMMARY, with the fault's name, place and hop. */
void report_summary(struct hak_text *text, const struct report_page *page);
/* Adds the meaning of a crash's signal: what the kernel did not allow, or who sent it. */
void report_cause(struct hak_text *text, const struct report_page *page);
/* Adds the first line's words on a crash's signal, behind the address. */
void report_ending(struct hak_text *text, const struct report_page *page);
/* Adds that the program's own handler ran first, and of which signal the program died then. False:
 * none ran. */
bool report_handler(struct hak_text *text, const struct report_page *page);
/* Adds the line of one thread that failed at the same time. False: there is none at `i`. */
bool report_other_thread(struct hak_text *text, const struct report_page *page, int i);
/* Adds the section AT THE SAME TIME: a line for each thread that failed then; nothing without
 * any. */
void report_others(struct hak_text *text, const struct report_page *page);
/* Adds a GUESS of the blocks from which a value used as an address may have been read. False:
 * nothing is added. */
bool report_guess_candidates(struct hak_text *text, const struct report_page *page);
/* Adds a GUESS that a value used as an address has the form of the pattern that fills freed memory.
 * False: nothing is added. */
bool report_guess_pattern(struct hak_text *text, const struct report_page *page);
/* The memory from which a crash's pointer was read by these guesses, for the headline: "from freed
 * memory". NULL: there is no such guess. */
const char *report_guessed_source(const struct report_page *page);
/* Whether the instruction at which the processor stopped the program is known: false where it did
 * not, or the code could not be read. */
bool report_has_instruction(const struct report_page *page);
/* Decodes the instruction at or before the fault, as far as that can be done, into the page; finds
 * the bytes that it touched. */
void report_find_instruction(struct report_page *page);
/* The section INSTRUCTION: the one that the program was stopped at, and the bytes that it touched.
 */
void report_instruction(struct hak_text *text, const struct report_page *page);
/* The section REGISTERS: those of the address and those that point into the heap. */
void report_registers(struct hak_text *text, const struct report_page *page);
/* Adds the register's role in the instruction: "the base of the address", "the divisor". False: it
 * has none that is known. */
bool report_add_role(struct hak_text *text, const struct report_page *page, int number);
/* The words over such registers. */
const char *report_roles(const struct report_page *page);
/* The section INSTRUCTION as JSON. */
json_t *report_instruction_json(const struct report_page *page);
/* The section REGISTERS as JSON: name, value, role and block of each; empty without an
 * instruction. */
json_t *report_registers_json(const struct report_page *page);
/* "rax", by DWARF's number. */
const char *report_register_name(const struct report_page *page, uint32_t number);
/* The number of the instruction pointer, behind all other registers. */
int report_instruction_pointer(const struct report_page *page);
/* Writes the page of a crash that is no heap fault: address, instruction, registers that point into
 * the heap, stack. */
void report_crash(struct hak_text *text, const struct report_page *page);
/* Appends the program's frames of a stack, each as "      #0 function   file:line": the usual
 * number of them, with `layer_move` after hakmem's transfer functions; `absent` stands for an empty
 * stack. */
void report_add_stack(struct hak_text *text, const struct hak_frames *frames, bool layer_move,
                      const char *absent);
/* Appends a stack's frames as report_add_stack, with at most `most` of the program's; `absent` if
 * there are none. */
void report_add_part(struct hak_text *text, const struct hak_frames *frames, int most,
                     const char *absent);
/* The stack by which the SUMMARY names the place: of the first wrong step; of the block's
 * allocation, where only damage was found; else of the fault. */
const struct hak_frames *report_main_frames(const struct report_page *page);
/* Adds, for an `address` in a block that the store knows: "20 bytes into a block of 56 bytes, live,
 * malloc(56) by thread 1 at server.c:118". False when it knows none. */
bool report_describe(struct hak_text *text, const struct report_page *page, uint64_t address);
/* Finds the block that the store knows at `address`. False: none. */
bool report_point(const struct report_page *page, uint64_t address,
                  struct hak_report_pointed *pointed);
/* Copies the stack of the block's allocation; none where it is not known. 0, or a negative error.
 */
int report_load_allocated(struct hak_frames *out, const struct report_page *page);
/* identity.c: makes the fingerprint: of damage by the allocation, else by the fault's own stack. */
void report_fingerprint(char out[HAK_FINGERPRINT_BYTES], const struct report_page *page,
                        const struct hak_frames *allocated);
/* pool.c: the parts of the page of a fault of the program's own pools. The first line behind the
 * code; the sentence under FOUND; the one on the pointer, behind it; the headings and the calls at
 * both ends of the life of the piece, or of the pool. */
void report_pool_headline(struct hak_text *text, const struct report_page *page);
void report_pool_sentence(struct hak_text *text, const struct report_page *page);
void report_pool_pointer(struct hak_text *text, const struct report_page *page);
const char *report_pool_birth(const struct report_page *page);
const char *report_pool_death(const struct report_page *page);
const char *report_pool_birth_call(const struct report_page *page);
const char *report_pool_death_call(const struct report_page *page);
/* The pools of such a fault as JSON. */
json_t *report_pool_json(const struct report_page *page);
/* The whole report as JSON text, to be freed. */
char *report_json(const struct report_page *page, const char *headline, const char *summary);

#endif
