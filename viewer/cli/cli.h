/* The command line and the terminal: what every command of hakmem-trace has before it looks at a
 * capture.
 *
 *   argv --> parse.c <-- commands.c: the table that main hands over --> help.c, completion.c
 *               |                                                  nearest.c: "did you mean"
 *               v
 *          struct view --> the command's room --> table.c --> output.c --> stdout, or a pager
 *                                       answer.c: rows of tables and of JSON
 *                                                 progress.c --> stderr
 *                                    for programs: sink.c --> stdout, or a file
 *
 * Owns the streams: nothing else in the viewer prints. Calls report (text, words) and the store's
 * types, no other room. Statuses are those of the whole tool: see enum view_status. One thread. */
#ifndef HAK_VIEWER_CLI_CLI_H
#define HAK_VIEWER_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "report/text/text.h"
#include "store/reader/reader.h"
#include "viewer/cli/answer.h"
#include "viewer/cli/sink.h"

#define VIEW_OPTIONS_MAX 64

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

/* The value of an option that is given without one ("run --leaks"); NULL = it needs one. Such an
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
    bool asks;           /* a question to the capture of -s: no argument is a capture itself */
    bool stops_at_first; /* options end at the first argument: it belongs to another program */
    int (*run)(struct view *view); /* returns enum view_status, or any status for `run` */
};

/* The table that view_parse was given; NULL past the end. */
const struct view_command *view_command_at(int i);

/* The command of this name; NULL: there is none. */
const struct view_command *view_find_command(const char *name);
/* Finds a command by name; when there is none, the error is printed with the nearest known word,
 * and NULL returned. */
const struct view_command *view_need_command(const char *name);
void view_use_commands(const struct view_command *commands);
const struct view_command *view_used_commands(void);
/* Options that every command has. */
extern const struct view_option view_common_options[];
extern const int view_common_option_count;

/* Whether the command has an option of this name itself, beside the common ones. */
bool view_has_own_option(const struct view_command *command, const char *name);
/* The option as it is parsed: one that has a common one's name has its letter, too, and is typed
 * alike. */
struct view_option view_option_as_typed(const struct view_option *option);

/* The meaning of each enum view_status, for people; the last sentence is NULL. */
struct view_status_word {
    int status;
    const char *sentence;
};
extern const struct view_status_word view_statuses[];

struct view {
    const struct view_command *command;
    struct view_option option[VIEW_OPTIONS_MAX]; /* the command's, then the common ones */
    const char *value[VIEW_OPTIONS_MAX];         /* NULL = not given; a switch: "" */
    char *joined[VIEW_OPTIONS_MAX]; /* the value of one that was given several times, else NULL */
    int option_count;
    char **argument;
    int argument_count;
    bool json;
    bool wants_pager;          /* where stdout is a terminal */
    enum hak_color color_when; /* --color */
    bool color;                /* stdout takes colours */
    bool terminal;             /* stdout is a terminal */
    char *store_path;          /* set by view_open */
    const char *title;         /* shown in place of store_path, which nobody chose; NULL = none */
    struct hak_store_reader *reader; /* set by view_open */
    struct hak_store_summary summary;
    /* Of a damaged capture: the answer ends behind this event, the last one before the damage; 0 =
     * it does not. */
    uint64_t end_event, end_ns;
};

/* Parses the command line behind the program's name by `commands`, which ends with a name of NULL
 * and stays the table of this process. Returns -1 when there is a command to run, else the exit
 * status (help or version were printed, or the error was). */
int view_parse(struct view *view, const struct view_command *commands, int argc, char **argv);
/* Frees what view_parse made, whatever it returned; the values are gone. Copies of `view` share
 * what it frees: they need no call. */
void view_parse_end(struct view *view);
/* Checks that no argument is a capture: false, and what to type (`words`, the command) is printed,
 * when one is. */
bool view_check_no_capture(const struct view *view, const char *words);
/* Value of an option: NULL = not given, "" for a switch that was. */
const char *view_value(const struct view *view, const char *name);
bool view_given(const struct view *view, const char *name);
/* Reads the value of a number option into `out`; false (and the error is printed) when it is no
 * number. Not given: `out` stays. */
bool view_read_number(const struct view *view, const char *name, uint64_t *out);

/* The HAKMEM_ variables, and the options of `run` that mean the same ("" = none does); the last
 * name is NULL. */
struct view_variable {
    const char *name, *option;
};
extern const struct view_variable view_variables[];
/* The value of a variable, from the options of `run`, else from the environment; NULL = neither. */
const char *view_variable_value(const struct view *view, const char *name);

/* Prints the version, the store's format and the libraries' versions to stdout. */
void view_print_version(void);
/* Prints the help of all commands. */
void view_help_general(FILE *to);

/* Prints the page of one command: usage, what it does, its options, those for all, examples. */
void view_help_command(FILE *to, const struct view_command *command);

/* Progress on stderr, where that is a terminal; shown from the second second on, until the answer
 * begins on the same terminal. Called once for each chunk. */
void view_progress(const struct hak_progress *progress);
/* Takes the line away, for other lines on stderr. */
void view_progress_clear(void);
void view_progress_end(void);

/* The monotonic clock. Thread and signal safe. */
uint64_t view_now_ns(void);

/* Prints to stdout or stderr, with foreign text escaped as hak_text_add does. Nothing else in the
 * viewer prints. */
void view_write(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes an error or note to stderr: "hakmem-trace: ..." and a newline; the browser gets it instead
 * while it is open. */
void view_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Hands errors and notes over, in their visible form and without "hakmem-trace:", instead of
 * printing them; NULL prints them again. For a caller that owns the whole screen. */
void view_redirect_errors(void (*take)(void *context, const char *line), void *context);
/* The same of a text that is put together already, and freed. */
void view_error_text(struct hak_text *text);
/* Lets the first line of output start a pager, if stdout is a terminal, the user wants one, and
 * PAGER is neither empty nor cat; call before it. */
void view_start_pager(struct view *view);
/* Output goes to a pager, or will; and one is there. */
bool view_has_pager(void);
bool view_is_paging(void);
/* Ends output: flushes, waits for the pager. False, and printed unless the reader went away: stdout
 * could not be written. True with a pager, whatever came of it. */
bool view_end_output(void);
/* Prints and frees. False and an error line when memory ran out. */
bool view_print(struct hak_text *text);

/* Prints the text to stdout or stderr and frees it. False: memory ran out while it was made, which
 * is printed. */
bool view_print_to(FILE *to, struct hak_text *text);
/* Prints the lines of a report or of a stack, in colour where the output takes it, and frees them.
 */
bool view_print_report(const struct view *view, struct hak_text *text);
/* Appends the lines of a report, in colour where the view has it, to `to`, and frees them. */
void view_add_report(struct hak_text *to, const struct view *view, struct hak_text *lines);
/* Prints a document of hak_json_print and frees it; NULL is memory that ran out. */
bool view_print_json(char *text);
/* Writes bytes as they are to stdout, for sink.h. False: errno says why not; view_end_output, too.
 */
bool view_write_bytes(const void *bytes, size_t count);
/* Characters in a line of the terminal that stdout is; 0 = it is none. */
int view_columns(const struct view *view);
/* Escape codes, "" without colour. */
enum view_style { VIEW_PLAIN, VIEW_BOLD, VIEW_RED, VIEW_DIM, VIEW_PLACE };

/* The characters that begin a style on the terminal; "" where the view has no colour. */
const char *view_style(const struct view *view, enum view_style style);
/* Begins a line with its heading, and blanks to `column`. */
void view_add_heading(struct hak_text *text, const struct view *view, const char *heading,
                      int column);

/* folder.c: makes a folder for files that last as long as the command, in TMPDIR, else in /tmp;
 * one at a time, which is the same until it is removed. Its path; NULL: printed, as an error of
 * `command`. */
const char *view_folder_make(const char *command);
/* Removes it with its files; nothing where there is none. Signal handlers may call it. */
void view_folder_remove(void);

/* `path` as it is typed in the working directory: its end where it lies there. */
const char *view_path_from_here(const char *path);

/* The known word nearest to an unknown one: "did you mean 'faults'?". Begin with {.typed = ...},
 * offer every word that is known, then ask for the words. */
struct nearest {
    const char *typed;
    const char *best; /* NULL = none is near */
    int changes;      /* to get from one to the other */
    int same;         /* letters that are the same at their begin */
    bool is_begin;    /* `typed` is how it begins */
};

/* Offers a word that would have been right. It becomes the best if it is near enough to what was
 * typed, as its beginning or by a few changes, and nearer than the best so far. */
void nearest_offer(struct nearest *nearest, const char *word);
/* "; did you mean '--json'?", `before` standing before the word; "" where none is near. Lives until
 * the next call. */
const char *nearest_words(const struct nearest *nearest, const char *before);

/* Prints the completion for the shell that is named. An exit status: another shell is an error. */
int command_completion(struct view *view);

/* Runs `help`: prints the page of the command that is named, or the list of all. Returns the exit
 * status. */
int command_help(struct view *view);

#endif
