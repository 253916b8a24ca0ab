/* Types and functions that the files of `mcp` share. */
#ifndef HAK_VIEWER_MCP_PARTS_H
#define HAK_VIEWER_MCP_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/bytes.h"
#include "report/text/text.h"
#include "viewer/cli/cli.h"
#include "viewer/record/record.h"

enum {
    MCP_TOKEN_BYTES = 4, /* what a token is taken to have */
    MCP_TOKENS = 3900,   /* of an answer, where the caller says nothing */
    MCP_TOKENS_MIN = 1000,
    MCP_TOKENS_MAX = 20000,
    MCP_ROWS = 100, /* of a list that is asked for, likewise */
    MCP_TAIL_BYTES = 2000,
    MCP_NOTES_BYTES = 1000,
    MCP_JOBS = 64, /* calls that wait or run */
};

/* ---- the tools ---------------------------------------------------------------------------------
 */

enum mcp_kind {
    MCP_TEXT,        /* one line; a number is taken for its digits */
    MCP_NUMBER,      /* an integer of `least` to `most` */
    MCP_SWITCH,      /* true or false */
    MCP_CHOICE,      /* one of `words` */
    MCP_ADDRESS,     /* one line without '/' */
    MCP_BETWEEN,     /* two moments */
    MCP_CAPTURE,     /* a file below the folder */
    MCP_NEW_CAPTURE, /* one that is not there yet */
    MCP_COMMAND,     /* a program and its arguments */
};

struct mcp_argument {
    const char *name;
    enum mcp_kind kind;
    bool is_needed;
    const char *option; /* of the command; NULL = an argument of it; "" = the server's own */
    const char *sentence;
    const char *words; /* "bytes|blocks": of a CHOICE */
    json_int_t least, most;
};

struct mcp_tool {
    const char *name;    /* of the tool */
    const char *command; /* and of the command that answers */
    const char *sentence;
    const char *fixed;    /* options that are always given, with blanks between; "" = none */
    const char *lists;    /* "leaks|held": members of the document that are paged */
    const char *narrower; /* "process asks for less", "" = nothing does */
    bool is_program;      /* it runs a program: with --allow-run alone */
    bool asks_capture;    /* the newest one where none is named */
    bool has_limit;       /* the command has --limit, and counts `left_out` */
    bool is_newest_last;  /* the end of its list is what is wanted */
    const struct mcp_argument *arguments; /* the last has no name */
};

/* In the order of tools/list; NULL past the end. */
const struct mcp_tool *mcp_tool_at(int i);

/* The tool of this name; NULL: there is none. */
const struct mcp_tool *mcp_find_tool(const char *name);
/* The list for tools/list; programs' tools only where they may run. */
json_t *mcp_tools_json(bool allows_run);

/* ---- the folder --------------------------------------------------------------------------------
 */

/* Makes `path` the working directory, below which all captures lie. False: printed. */
bool mcp_folder_enter(const char *path);
/* The capture that a caller names, relative to the folder and without a symbolic link. NULL: what
 * is wrong is appended to `error`. The caller frees it. */
char *mcp_folder_capture(const char *typed, struct hak_text *error);
/* The path of the newest hakmem.*.db of the folder, to be freed. NULL: `error` says that there is
 * none. */
char *mcp_folder_newest(struct hak_text *error);
/* The path of a capture that is to be written below the folder, to be freed; nothing lies there.
 * NULL: `error` says why not. */
char *mcp_folder_new_capture(const char *typed, struct hak_text *error);

/* ---- a call ------------------------------------------------------------------------------------
 */

/* The part of an answer that is wanted, and how much of it. */
struct mcp_window {
    size_t offset, limit;
    size_t bytes; /* at most */
    bool is_part; /* the caller says which lives it wants: there are no others */
};

/* A tool with its arguments. */
struct mcp_call {
    const struct mcp_tool *tool;
    char **word; /* the command line, the last is NULL */
    uint32_t count, capacity;
    bool failed; /* no memory */
    struct mcp_window window;
    uint64_t seconds; /* until it is ended */
};

/* Reads the arguments (an object, or NULL) of `tool`. False: what is wrong, and what is due, is
 * appended to `error`. `call` is freed by mcp_call_free in either case. */
bool mcp_call_read(struct mcp_call *call, const struct mcp_tool *tool, const json_t *arguments,
                   struct hak_text *error);
/* Frees the call's words. */
void mcp_call_free(struct mcp_call *call);

/* Appends a word of the command line. */
void mcp_call_add(struct mcp_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "top: by: `due` was expected"; false. */
bool mcp_call_refuse(struct hak_text *error, const struct mcp_tool *tool,
                     const struct mcp_argument *argument, const char *due);
/* A line of text, or the digits of a number, which hold for the next three calls; NULL = it
 * is neither. */
const char *mcp_line_of(const json_t *value);
/* Appends the option that `argument` with this value is, or sets the part of the call that it is.
 * False: what is due was appended to `error`. */
bool mcp_call_add_argument(struct mcp_call *call, const struct mcp_argument *argument,
                           const json_t *value, struct hak_text *error);

/* ---- an answer ---------------------------------------------------------------------------------
 */

/* The document as one line of at most `window->bytes` bytes: whole elements are left out, and long
 * texts are cut, and then its first member `cut` says how many there are and how to get the rest.
 * NULL without memory. Drops the reference. */
char *mcp_answer_cut(json_t *document, const struct mcp_tool *tool, struct mcp_window window);

/* ---- the process of a call ---------------------------------------------------------------------
 */

/* Shared with a process that runs a program. */
struct mcp_program {
    struct record_part part;
    struct record_left left;
};

/* The output of a process, as it comes. */
struct mcp_pipe {
    int fd; /* -1 = none, or its end was seen */
    struct hak_buffer text;
    size_t most;    /* bytes that are kept */
    bool keeps_end; /* the last ones; else the first */
    uint64_t bytes; /* that came */
};

struct mcp_job {
    json_t *id;      /* NULL = this place is free */
    uint64_t number; /* of the call: what came first starts first */
    bool is_modern;
    struct mcp_call call;
    pid_t pid; /* 0 = it waits */
    int status;
    bool has_ended, is_cancelled, is_late;
    struct mcp_pipe out, err, said; /* the document, errors and notes, a program's own output */
    struct mcp_program *program;    /* NULL = it runs none */
    uint64_t end_ms;                /* when it is asked to end, 0 = it is by now */
    uint64_t asked_ms, grace_ms;    /* when it was, and how long a program has from then */
};

/* Starts the process. False: why is appended to `error`. */
bool mcp_job_start(struct mcp_job *job, struct hak_text *error);
/* Ends the job's process in steps: call it again and again until `has_ended`. A question is killed
 * at once; a program is asked by SIGTERM, and killed `grace_ms` later. */
void mcp_job_end(struct mcp_job *job, uint64_t grace_ms);
/* Reads what the job's process has written, without waiting; a document that is too long ends the
 * job. */
void mcp_job_read(struct mcp_job *job);
/* The `result` of the call, of a job that has ended. */
json_t *mcp_job_result(struct mcp_job *job);
/* Frees the job: its place is free again. */
void mcp_job_free(struct mcp_job *job);
/* Does, in the process of the job, `run` of `call`, with PROGRAM's output into `said`. */
_Noreturn void mcp_program_run(const struct mcp_call *call, struct mcp_program *program, int said);

/* A result with a text; more may be added to its `content`. */
json_t *mcp_result(const char *text, bool is_error);
void mcp_result_add(json_t *result, const char *text);

/* ---- the server --------------------------------------------------------------------------------
 */

struct mcp_server {
    bool allows_run;
    bool is_initialized; /* by a client that says initialize */
    uint64_t calls;      /* so far */
    struct mcp_job job[MCP_JOBS];
};

/* Handles one message of the client: answers it, or refuses what is no request. */
void mcp_protocol_handle(struct mcp_server *server, const char *line, size_t bytes);
/* A line that is too long to be read. */
void mcp_protocol_refuse_line(void);
/* Answers a call: `result` of mcp_job_result. */
void mcp_protocol_answer(const struct mcp_job *job, json_t *result);
/* Serves until standard input has ended and all jobs have, or until a signal or a failing output;
 * returns the exit status, 128 and the number for a signal. */
int mcp_serve(struct mcp_server *server);

#endif
