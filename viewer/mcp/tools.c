/* The table of tools: the command of each, and its arguments. */
#include "viewer/mcp/parts.h"

#include <string.h>

#define MOMENT "peak, start, end, mark:NAME, seconds (1.5), 200ms, 50%, #EVENT"

/* Versions of clang-format disagree on a macro that is a list in braces. */
/* clang-format off */
#define STORE                                                                                      \
    {.name = "store", .kind = MCP_CAPTURE, .option = "store",                                      \
     .sentence = "the capture, a file below the server's folder; default: its newest hakmem.*.db"}
#define PROCESS(words)                                                                             \
    {.name = "process", .kind = MCP_TEXT, .option = "process", .sentence = words}
#define FOCUS                                                                                      \
    {.name = "focus", .kind = MCP_TEXT, .option = "focus",                                         \
     .sentence = "regex: only stacks with a function, file:line or module that matches"},          \
    {.name = "ignore", .kind = MCP_TEXT, .option = "ignore",                                       \
     .sentence = "regex: leave out stacks with one that matches"},                                 \
    {.name = "all", .kind = MCP_SWITCH, .option = "all",                                           \
     .sentence = "also frames of libraries and wrappers"}
#define OFFSET                                                                                     \
    {.name = "offset", .kind = MCP_NUMBER, .option = "", .most = 1000000000,                       \
     .sentence = "leave out so many elements of the list before those that are shown"},            \
    {.name = "limit", .kind = MCP_NUMBER, .option = "", .least = 1, .most = 100000,                \
     .sentence = "show at most so many (100)"}
#define TOKENS                                                                                     \
    {.name = "max_tokens", .kind = MCP_NUMBER, .option = "", .least = MCP_TOKENS_MIN,              \
     .most = MCP_TOKENS_MAX, .sentence = "size of the answer, 4 bytes a token (3900)"}
#define COMMAND                                                                                    \
    {.name = "command", .kind = MCP_COMMAND, .is_needed = true,                                    \
     .sentence = "the program and its arguments; no shell reads them"}
#define BLOCK_ADDRESS                                                                              \
    {.name = "address", .kind = MCP_ADDRESS, .is_needed = true,                                    \
     .sentence = "0x7f.., p:N (the Nth allocation), @fault or @fault:N, [FILE:]SYMBOL+OFFSET"}
#define PER "function|line|file|module|stack|class|size"
#define LAST {.name = NULL}
/* clang-format on */

static const struct mcp_argument faults[] = {
    STORE, PROCESS("only this process id"), OFFSET, TOKENS, LAST,
};

static const struct mcp_argument fault[] = {
    {.name = "number",
     .kind = MCP_NUMBER,
     .is_needed = true,
     .least = 1,
     .most = 1000000000,
     .sentence = "its `row` in the answer of faults"},
    STORE,
    TOKENS,
    LAST,
};

static const struct mcp_argument why[] = {
    BLOCK_ADDRESS,
    STORE,
    {.name = "at", .kind = MCP_TEXT, .option = "at", .sentence = "as it was then: " MOMENT},
    {.name = "moves",
     .kind = MCP_SWITCH,
     .option = "moves",
     .sentence = "also every move between the allocator's layers"},
    PROCESS("the process id whose block it is"),
    OFFSET,
    TOKENS,
    LAST,
};

static const struct mcp_argument block[] = {
    BLOCK_ADDRESS,
    STORE,
    {.name = "first",
     .kind = MCP_NUMBER,
     .option = "first",
     .least = 1,
     .most = 100000,
     .sentence = "only the oldest N lives"},
    {.name = "last",
     .kind = MCP_NUMBER,
     .option = "last",
     .least = 1,
     .most = 100000,
     .sentence = "only the newest N lives"},
    {.name = "since",
     .kind = MCP_TEXT,
     .option = "since",
     .sentence = "lives that ended after this: seconds (1.5), 200ms, 50%, #EVENT, mark:NAME"},
    {.name = "until",
     .kind = MCP_TEXT,
     .option = "until",
     .sentence = "lives that began before this, as since"},
    PROCESS("the process id whose block it is"),
    OFFSET,
    TOKENS,
    LAST,
};

static const struct mcp_argument top[] = {
    STORE,
    {.name = "by",
     .kind = MCP_CHOICE,
     .option = "by",
     .words = "bytes|blocks|calls|short-lived|growth",
     .sentence = "default bytes; the last three are of a span"},
    {.name = "per",
     .kind = MCP_CHOICE,
     .option = "per",
     .words = PER "|lifetime|thread|process|pool",
     .sentence = "default function; pool only with pools"},
    {.name = "at",
     .kind = MCP_TEXT,
     .option = "at",
     .sentence = "the moment, default peak: " MOMENT},
    {.name = "between",
     .kind = MCP_BETWEEN,
     .option = "between",
     .sentence = "two moments: what happened between them"},
    {.name = "tree", .kind = MCP_SWITCH, .option = "tree", .sentence = "a tree of calls"},
    {.name = "bottom_up",
     .kind = MCP_SWITCH,
     .option = "bottom-up",
     .sentence = "a tree of callers"},
    {.name = "mapped",
     .kind = MCP_SWITCH,
     .option = "mapped",
     .sentence = "what the program mapped itself (mmap, brk)"},
    {.name = "pools",
     .kind = MCP_SWITCH,
     .option = "pools",
     .sentence = "pieces of the program's own pools (hakmem.h)"},
    PROCESS("only this process id"),
    FOCUS,
    OFFSET,
    TOKENS,
    LAST,
};

static const struct mcp_argument diff[] = {
    {.name = "old", .kind = MCP_CAPTURE, .sentence = "the capture before, below the folder"},
    {.name = "new", .kind = MCP_CAPTURE, .sentence = "the capture after"},
    {.name = "between",
     .kind = MCP_BETWEEN,
     .option = "between",
     .sentence = "instead of old and new: two moments of the capture `store`"},
    STORE,
    {.name = "by",
     .kind = MCP_CHOICE,
     .option = "by",
     .words = "bytes|blocks|calls|short-lived",
     .sentence = "default bytes"},
    {.name = "per",
     .kind = MCP_CHOICE,
     .option = "per",
     .words = PER,
     .sentence = "default function"},
    {.name = "at",
     .kind = MCP_TEXT,
     .option = "at",
     .sentence = "the moment in both, default peak: " MOMENT},
    FOCUS,
    OFFSET,
    TOKENS,
    LAST,
};

static const struct mcp_argument leaks[] = {
    STORE,
    {.name = "held",
     .kind = MCP_SWITCH,
     .option = "held",
     .sentence = "no leak scan: all blocks that were not freed"},
    {.name = "at",
     .kind = MCP_TEXT,
     .option = "at",
     .sentence = "with held: the moment, default end: " MOMENT},
    {.name = "reachable",
     .kind = MCP_SWITCH,
     .option = "reachable",
     .sentence = "also blocks still reachable, where that was recorded"},
    PROCESS("only this process id"),
    OFFSET,
    TOKENS,
    LAST,
};

static const struct mcp_argument explain[] = {
    {.name = "code",
     .kind = MCP_ADDRESS,
     .sentence = "HKM-202, its name (double-free) or tag; default: a list of all"},
    TOKENS,
    LAST,
};

static const struct mcp_argument run[] = {
    COMMAND,
    {.name = "timeout_seconds",
     .kind = MCP_NUMBER,
     .option = "",
     .least = 1,
     .most = 3600,
     .sentence = "end the program, and all that it started, after this (30)"},
    {.name = "store",
     .kind = MCP_NEW_CAPTURE,
     .option = "store",
     .sentence = "a new file below the folder; default hakmem.PROGRAM.PID.db"},
    {.name = "check",
     .kind = MCP_CHOICE,
     .option = "check",
     .words = "normal|trace|light",
     .sentence = "level: all checks (default), recording alone, or cheap sampling"},
    {.name = "leaks", .kind = MCP_SWITCH, .option = "leaks", .sentence = "scan for leaks at exit"},
    {.name = "on_fault",
     .kind = MCP_CHOICE,
     .option = "on-fault",
     .words = "stop|continue",
     .sentence = "end the program at a fault (default), or go on"},
    TOKENS,
    LAST,
};

static const struct mcp_argument hunt[] = {
    COMMAND,
    {.name = "timeout_seconds",
     .kind = MCP_NUMBER,
     .option = "",
     .least = 1,
     .most = 3600,
     .sentence = "end the hunt after this, with what is known then (50)"},
    {.name = "store",
     .kind = MCP_CAPTURE,
     .option = "store",
     .sentence = "a capture of the same build whose fault is hunted; default: none"},
    {.name = "fault",
     .kind = MCP_NUMBER,
     .option = "fault",
     .least = 1,
     .most = 1000000000,
     .sentence = "the `row` of that fault"},
    {.name = "runs",
     .kind = MCP_NUMBER,
     .option = "runs",
     .least = 1,
     .most = 1000,
     .sentence = "at most so many runs"},
    {.name = "output",
     .kind = MCP_NEW_CAPTURE,
     .option = "output",
     .sentence = "a new file below the folder for the best run's capture"},
    TOKENS,
    LAST,
};

static const struct mcp_tool tools[] = {
    {.name = "faults",
     .command = "faults",
     .fixed = "",
     .lists = "faults",
     .narrower = "process asks for less",
     .asks_capture = true,
     .arguments = faults,
     .sentence =
         "Lists the findings of a capture: each fault, crash and fatal leak with its headline. "
         "Begin here."},
    {.name = "fault",
     .command = "faults",
     .fixed = "",
     .lists = "lives",
     .narrower = "",
     .asks_capture = true,
     .is_newest_last = true,
     .arguments = fault,
     .sentence = "One fault in full: where it was found, where its block was allocated and freed, "
                 "the evidence."},
    {.name = "why",
     .command = "why",
     .fixed = "stacks all",
     .lists = "lives",
     .narrower = "at, or the tool block, asks for less",
     .asks_capture = true,
     .is_newest_last = true,
     .arguments = why,
     .sentence = "The story of the block that holds an address: every owner with its stacks, its "
                 "state, the first wrong step."},
    {.name = "block",
     .command = "block",
     .fixed = "stacks",
     .lists = "lives",
     .narrower = "since, until, first or last ask for less",
     .asks_capture = true,
     .is_newest_last = true,
     .arguments = block,
     .sentence = "Every life of the block that holds an address, with totals."},
    {.name = "top",
     .command = "top",
     .fixed = "",
     .lists = "rows",
     .narrower = "focus, ignore, process or per ask for less",
     .asks_capture = true,
     .has_limit = true,
     .arguments = top,
     .sentence = "Memory use at a moment, or allocated in a span: by function, "
                 "stack, size, ..."},
    {.name = "diff",
     .command = "diff",
     .fixed = "",
     .lists = "rows",
     .narrower = "focus, ignore or per ask for less",
     .has_limit = true,
     .arguments = diff,
     .sentence = "Two captures, or two moments of one: what grew and what shrank."},
    {.name = "leaks",
     .command = "leaks",
     .fixed = "",
     .lists = "leaks|held",
     .narrower = "process asks for less",
     .asks_capture = true,
     .has_limit = true,
     .arguments = leaks,
     .sentence = "Unreachable blocks by stack, of the last leak scan (run with leaks: true); "
                 "held: all that was not freed."},
    {.name = "explain",
     .command = "explain",
     .fixed = "",
     .lists = "faults",
     .narrower = "a code asks for one",
     .arguments = explain,
     .sentence = "A fault code: what it means, an example, what to do."},
    {.name = "run",
     .command = "run",
     .fixed = "",
     .lists = "",
     .narrower = "",
     .is_program = true,
     .arguments = run,
     .sentence = "Run a program under hakmem in the server's folder, and record it. Answers with "
                 "counts and the end of its output; then ask faults."},
    {.name = "hunt",
     .command = "hunt",
     .fixed = "quiet show=none",
     .lists = "runs",
     .narrower = "",
     .is_program = true,
     .arguments = hunt,
     .sentence = "Run a program again and again until a report names the instruction that does "
                 "the damage."},
};

const struct mcp_tool *mcp_tool_at(int i) {
    return i < (int)(sizeof tools / sizeof *tools) ? &tools[i] : NULL;
}

const struct mcp_tool *mcp_find_tool(const char *name) {
    for (int i = 0; mcp_tool_at(i); i++)
        if (strcmp(tools[i].name, name) == 0)
            return &tools[i];
    return NULL;
}
