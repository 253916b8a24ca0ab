/* What every command of hakmem-trace is made of: the table of commands and options, the invocation
 * as parsed, the capture that is asked, and how answers are printed.
 *
 *   main -> parse (commands.c is the table) -> command's own file -> output.c -> stdout (or a
 * pager)
 *
 * Statuses are those of the whole tool: see enum view_status. One thread. */
#ifndef HAK_VIEWER_VIEW_H
#define HAK_VIEWER_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "report/color.h"
#include "report/text.h"
#include "store/reader/reader.h"

#define VIEW_OPTIONS_MAX  64
#define VIEW_FAULT_STATUS 1
#define VIEW_BLOCKS_MAX   1024 /* of the blocks that one address was in, these are looked at */

enum view_status {
    VIEW_OK = 0,
    VIEW_FAULT = 1,         /* a fault was found */
    VIEW_USAGE = 2,         /* the command line is wrong */
    VIEW_UNREADABLE = 3,    /* the capture cannot be read */
    VIEW_INCOMPLETE = 4,    /* the capture is incomplete and the answer could differ */
    VIEW_INTERRUPTED = 130, /* by Ctrl-C, as shells have it */
};

/* One option: from this come parsing and help. `name` "" = not an option, skip it. */
struct view_option {
    const char *name;
    char letter;          /* 0 = none */
    const char *argument; /* what stands behind it, for people; NULL = a switch */
    const char *sentence;
};

/* What an option that takes a value means without one ("run --leaks"); NULL = it needs one. Such an
 * option takes its value by `=` only, so that what follows it is not taken for one. */
const char *view_value_alone(const struct view_option *option);

struct view;

struct view_command {
    const char *name;
    const char *group;     /* heading on the general page */
    const char *arguments; /* "ADDR", "[N]", "-- PROGRAM [ARG...]" */
    const char *sentence;  /* on the general page */
    const char *about;     /* the text of the command's own page, lines ended by '\n' */
    const char *examples;
    const struct view_option *options;
    int option_count;
    int arguments_min, arguments_max; /* -1 = any number */
    bool stops_at_first; /* options end at the first argument: it belongs to another program */
    int (*run)(struct view *view); /* returns enum view_status, or any status for `run` */
};

/* The table; NULL past the end. */
const struct view_command *view_command_at(int i);
const struct view_command *view_find_command(const char *name);
/* The same; when there is none the error, with what may have been meant, is printed. */
const struct view_command *view_need_command(const char *name);
/* Options that every command has. */
extern const struct view_option view_common_options[];
extern const int view_common_option_count;

struct view {
    const struct view_command *command;
    struct view_option option[VIEW_OPTIONS_MAX]; /* the command's, then the common ones */
    const char *value[VIEW_OPTIONS_MAX];         /* NULL = not given; a switch: "" */
    int option_count;
    char **argument;
    int argument_count;
    bool json;
    enum hak_color color_when;       /* --color */
    bool color;                      /* stdout takes colours */
    bool terminal;                   /* stdout is a terminal */
    char *store_path;                /* set by view_open */
    struct hak_store_reader *reader; /* set by view_open */
    struct hak_store_summary summary;
};

/* Parses the command line behind the program's name. Returns -1 when there is a command to run,
 * else the exit status (help or version were printed, or the error was). */
int view_parse(struct view *view, int argc, char **argv);
/* Value of an option: NULL = not given, "" for a switch that was. */
const char *view_value(const struct view *view, const char *name);
bool view_given(const struct view *view, const char *name);
/* Value of a number option into `out`; false (and the error is printed) when it is no number. Not
 * given: `out` stays. */
bool view_number(const struct view *view, const char *name, uint64_t *out);

void view_help_general(FILE *to);
void view_help_command(FILE *to, const struct view_command *command);

/* Opens the capture that was named, or the newest one here. 0, or an exit status; the error is
 * printed. Notes on a capture that is still written or ended early go to stderr. */
int view_open(struct view *view);
void view_close(struct view *view);
/* VIEW_INCOMPLETE when events are missing from this capture, else VIEW_OK. */
int view_completeness(const struct view *view);
/* Behind an answer made of the log: a capture that was being written has gone on, and may have lost
 * more since. 0, or the exit status of an error that was printed. */
int view_look_again(struct view *view);
/* For an answer that has no place for it: what was lost or dropped, in a line on stderr, or at the
 * end of what a pager shows. Returns view_completeness(). */
int view_say_completeness(struct view *view);
/* "app.db (1,234 events of 2 processes)": where an answer was looked for. */
void view_add_extent(struct hak_text *text, const struct view *view);
/* "Nothing was lost in this capture.", or what was. */
void view_add_completeness(struct hak_text *text, const struct view *view);
/* Says on stderr why the answer ends before it is whole, and keeps that for its JSON document. */
void view_fail(const char *message);
/* What view_fail said last; NULL = nothing. */
const char *view_failure(void);
/* The status of a question that could not be read: of use, or where the store was asked for what it
 * names, of a store that cannot be read. */
int view_asked_wrong(void);
/* Prints the reader's last error with what to do; returns the exit status for it. */
int view_store_error(const struct view *view, int error);

/* An address as it was typed. `process` and `event` are set for p:N and @fault, else 0. */
struct view_place {
    uint64_t address, event;
    uint32_t process;
};
/* What a person may type for an address: 0x7f.., 7f.., sym+off, p:N, @fault, @fault:N; p:N counts
 * the allocations of `process` (row id, 0 = of all). False: the error is printed. */
bool view_address(struct view *view, const char *text, uint32_t process, struct view_place *out);
/* A moment: "1.5", "1.5s", "200ms", "30us" into `ns`, "#4711" into `id`. False: the error, which
 * names --`option`, is printed. */
bool view_when(const char *option, const char *text, uint64_t *ns, uint64_t *id);

/* Lets reads of the open capture show their progress and be ended by Ctrl-C; view_open calls it. */
void view_watch_reading(struct view *view);
/* Ctrl-C was typed: go on no longer than it takes to end the answer well. */
bool view_is_interrupted(void);
/* A shell goes on with the next question. */
void view_forget_interrupt(void);
/* The answer was ended by Ctrl-C before it was whole. */
bool view_answer_is_cut(void);

/* Progress on stderr, where that is a terminal; shown from the second second on, until the answer
 * begins on the same terminal. Called once for each chunk. */
void view_progress(const struct hak_progress *progress);
/* Takes the line away, for other lines on stderr. */
void view_progress_clear(void);
void view_progress_end(void);

/* Prints to stdout or stderr, with foreign text escaped as hak_text_add does. Nothing else in the
 * viewer prints. */
void view_write(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Error or note on stderr: "hakmem-trace: ..." and a newline. */
void view_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Lets the first line of output start a pager where that is right; call before it. */
void view_start_pager(struct view *view);
/* Output goes to a pager, or will; and one is there. */
bool view_has_pager(void);
bool view_is_paging(void);
/* Ends output: flushes, waits for the pager. False: stdout could not be written. */
bool view_end_output(void);
/* Prints and frees. False and an error line when memory ran out. */
bool view_print(struct hak_text *text);
bool view_print_to(FILE *to, struct hak_text *text);
/* The same for the lines of a report or of a stack, in colour where the output takes it. */
bool view_print_report(const struct view *view, struct hak_text *text);
/* Appends them so to `to`, and frees them. */
void view_add_report(struct hak_text *to, const struct view *view, struct hak_text *lines);
/* The same for a document of hak_json_print or view_json_compact; NULL is memory that ran out. */
bool view_print_json(char *text);
/* Escape codes, "" without colour. */
enum view_style { VIEW_PLAIN, VIEW_BOLD, VIEW_RED, VIEW_DIM, VIEW_PLACE };
const char *view_style(const struct view *view, enum view_style style);

int command_run(struct view *view);
int command_import(struct view *view);
int command_why(struct view *view);
int command_block(struct view *view);
int command_threads(struct view *view);
int command_modules(struct view *view);
int command_layers(struct view *view);
int command_events(struct view *view);
int command_faults(struct view *view);
int command_leaks(struct view *view);
int command_export(struct view *view);
int command_info(struct view *view);
int command_sql(struct view *view);
int command_explain(struct view *view);
int command_check(struct view *view);
int command_completion(struct view *view);
int command_help(struct view *view);

#endif
