/* The one table of commands and options: parsing and every help page come from it. */
#include "viewer/commands.h"

#include "viewer/attach/attach.h"
#include "viewer/block/block.h"
#include "viewer/corefile/corefile.h"
#include "viewer/events/events.h"
#include "viewer/export/export.h"
#include "viewer/findings/findings.h"
#include "viewer/fleet/fleet.h"
#include "viewer/html/html.h"
#include "viewer/hunt/hunt.h"
#include "viewer/info/info.h"
#include "viewer/layers/layers.h"
#include "viewer/leaks/leaks.h"
#include "viewer/mcp/mcp.h"
#include "viewer/profile/profile.h"
#include "viewer/record/record.h"
#include "viewer/sql/sql.h"
#include "viewer/view/view.h"

/* Versions of clang-format disagree on a macro that is a list in braces. */
/* clang-format off */
#define ANNOTATIONS_OPTION                                                                         \
    {"annotations", 0, "SERVICE",                                                                  \
     "new findings in a CI service's own format: auto, github, gitlab, azure, "                    \
     "teamcity, none (default)"}
#define SOURCES_OPTION                                                                             \
    {"sources", 0, "FOLDER",                                                                       \
     "paths are given relative to this folder (default: the repository that this folder is in)"}
#define PROCESS_OPTION(sentence)                                                                   \
    {"process", 'p', "PID", sentence "; PID#2: the second with this pid, #7: row 7"}
#define KNOWN_OPTIONS                                                                              \
    {"baseline", 0, "FILE", "leave out what this baseline knows"},                                 \
    {"suppressions", 0, "FILE", "leave out what a line of this file matches"}
#define SKIP_OPTION                                                                                \
    {"skip", 0, "REGEX",                                                                           \
     "pass over functions that match, as over malloc; kept in the store (\"\": none)"}
#define PROFILE_OPTIONS                                                                            \
    PROCESS_OPTION("only this process"),                                                           \
    {"thread", 't', "N", "only what the Nth thread of a process allocated"},                       \
    {"focus", 0, "REGEX", "only stacks with a function, file:line or module that matches"},        \
    {"ignore", 0, "REGEX", "leave out stacks with one that matches"},                              \
    {"limit", 'n', "N", "at most N lines; 0 = all"}
/* clang-format on */

static const struct view_option run_options[] = {
    {"force", 'f', NULL, "replace an existing store"},
    {"exitcode", 0, "N", "exit status when a fault was found (default 1)"},
    {"ci", 0, NULL,
     "for a CI job: reports into a log, JUnit and SARIF beside the store, leaks count "
     "as faults, no colour; a short list of the new findings at the end"},
    {"junit", 0, "FILE", "writes what was found as JUnit XML; %e and %p as in --store"},
    {"sarif", 0, "FILE", "writes what was found as SARIF 2.1.0; %e and %p as in --store"},
    ANNOTATIONS_OPTION,
    SOURCES_OPTION,
    {"wait", 'w', NULL, "also wait for processes that PROGRAM leaves behind"},
    {"core", 0, NULL,
     "lets processes leave core files; writes the report of each one's crash beside its core, into "
     "CORE.hakmem.txt"},
    {"push", 0, "URL",
     "sends what was found to a server, faults as they happen and the rest at the end, or into the "
     "queue (docs/fleet.md); also HAKMEM_PUSH"},
    {"label", 0, "KEY=VALUE", "--push: a label of this run, as version=1.2; several times"},
    {"host", 0, "NAME", "--push: the machine's name (default: HAKMEM_HOST, else its own)"},
    {"allocator", 0, "hakmem|keep",
     "keep: PROGRAM keeps the allocator that it has; what it takes and gives back is recorded, "
     "nothing is checked"},
    {"pools", 0, "malloc",
     "sets PYTHONMALLOC=malloc, G_SLICE=always-malloc and "
     "GLIBCXX_FORCE_NEW=1, because inner pools hide faults"},
#define OPTION(NAME, field, TYPE, standard, range, run, sentence) {run, 0, range, sentence},
#include "options.def"
};

static const struct view_option hunt_options[] = {
    {"store", 's', "FILE",
     "a capture whose fault is hunted (default: none, or with --fault the newest hakmem.*.db "
     "here)"},
    {"fault", 0, "N",
     "fault N of that capture, as `faults` counts (default: the one that is known best)"},
    {"runs", 'n', "N", "at most N runs; each plan is tried again until then (default: each once)"},
    {"timeout", 't', "SECONDS", "ends a run after this time (default: never)"},
    {"output", 'o', "FILE", "the store that is kept; %e is the program's name, %p a process id"},
    {"force", 'f', NULL, "replace an existing store"},
    {"show", 0, "first|all|none", "of which runs PROGRAM's output is shown (default: first)"},
    {"quiet", 'q', NULL, "the report alone, not a line for each run"},
    {"exitcode", 0, "N", "exit status when a fault was found (default 1)"},
    {"guard-memory", 0, "SIZE", "resident bytes of guarded blocks (default 128M)"},
    {"inject", 0, "FAULT:N", "as for `run`"},
    {"pools", 0, "malloc", "as for `run`"},
    {"baseline", 0, "FILE", "faults that this baseline knows are not hunted"},
    {"suppressions", 0, "FILE", "faults that a line of this file matches are not hunted"},
};

static const struct view_option ctl_options[] = {
    {"timeout", 't', "SECONDS", "wait so long for the program (default 10)"},
};
static const struct view_option record_options[] = {
    {"process", 'p', "PID", "the process to record"},
    {"for", 0, "TIME",
     "ends after this time: 30s, 200ms (default: when the program or Ctrl-C does)"},
    {"store", 's', "FILE",
     "the store to write (default: hakmem.PROGRAM.PID.db here); %e and %p are put in"},
    {"force", 'f', NULL, "replace an existing store"},
};
static const struct view_option import_options[] = {
    {"store", 0, "FILE", "the store to write (default: beside the first FILE, .db for .rings)"},
    {"force", 'f', NULL, "replace an existing store"},
};

static const struct view_option why_options[] = {
    {"moves", 'm', NULL, "also every move of the block between the layers"},
    {"stacks", 0, NULL, "the whole stack of every event"},
    {"all", 'a', NULL, "every owner, even when there are many"},
    {"at", 0, "WHEN", "as it was then: end, peak, mark:NAME, seconds (1.5), 200ms, or #EVENT"},
    PROCESS_OPTION("the process whose block it is (default: where it was seen last)"),
};

static const struct view_option block_options[] = {
    {"moves", 'm', NULL, "also every move of the block between the layers"},
    {"stacks", 0, NULL, "the whole stack of every event"},
    {"first", 0, "N", "only the oldest N lives"},
    {"last", 'n', "N", "only the newest N lives"},
    {"since", 0, "WHEN",
     "lives that ended after this: 1.5 (seconds), 200ms, 50%, #EVENT, mark:NAME"},
    {"until", 0, "WHEN", "lives that began before this, as --since"},
    PROCESS_OPTION("the process whose block it is (default: where it was seen last)"),
};

static const struct view_option threads_options[] = {
    PROCESS_OPTION("only this process"),
    {"stacks", 0, NULL, "where each thread was created, and by whom, with the whole stack"},
    {"sort", 0, "BY", "process, events, mallocs, frees, reallocs, bytes, remote, lost, last"},
};

static const struct view_option modules_options[] = {
    PROCESS_OPTION("only this process"),
    {"all", 'a', NULL, "every mapping of every process"},
};

static const struct view_option layers_options[] = {
    PROCESS_OPTION("only this process"),
    {"class", 'c', "CLASS", "a band (C3), a slot size (48) or large only"},
    {"over", 0, "TIME", "one line for each TIME (1s, 200ms) that went by"},
    {"superslabs", 0, NULL, "one line for each SuperSlab: owners, tiers, when it came and went"},
    {"from-log", 0, NULL, "count the log, not the program's counters"},
    {"quick", 0, NULL, "do not read the log: nothing is compared with it"},
};

static const struct view_option faults_options[] = {
    PROCESS_OPTION("only this process"),
    KNOWN_OPTIONS,
    {"stacks", 0, NULL, "the whole stacks of every fault; with N, the report with whole stacks"},
    {"write-baseline", 0, "FILE", "puts every finding into this baseline; creates it if needed"},
    {"prune", 0, NULL, "with --write-baseline: removes what was not found any more"},
    {"quickfix", 0, NULL, "as a compiler's errors, FILE:LINE: error: ..., for an editor's list"},
    {"sources", 0, "FOLDER", "--quickfix: paths are relative to this folder (default: whole)"},
};

static const struct view_option export_options[] = {
    {"output", 'o', "FILE", "into this file (default, and -: stdout); gzip'd if it ends in .gz"},
    {"at", 0, "WHEN",
     "peak (default), start, end, mark:NAME, seconds (1.5), 200ms, 50%, or #EVENT"},
    {"between", 0, "A B", "what happened between two moments, each as --at has it"},
    {"by", 'b', "WHAT",
     "bytes (default), blocks, calls, short-lived or growth: what a flame graph shows"},
    {"per", 0, "WHAT", "frames of a flame graph: function (default), line, file or module"},
    {"short-lived", 0, "N", "short-lived: freed before the same thread's next N allocations (1)"},
    {"events", 0, NULL, "csv, jsonl: the events of the log, not the rows of the profile"},
    PROCESS_OPTION("only this process"),
    {"thread", 't', "N", "only what the Nth thread of a process allocated"},
    {"focus", 0, "REGEX", "only stacks with a function, file:line or module that matches"},
    {"ignore", 0, "REGEX", "leave out stacks with one that matches"},
    SKIP_OPTION,
    {"all", 'a', NULL, "frames of libraries, wrappers and starts of threads, too"},
    KNOWN_OPTIONS,
    SOURCES_OPTION,
};

static const struct view_option leaks_options[] = {
    PROCESS_OPTION("only this process"),
    {"reachable", 0, NULL, "also blocks still reachable, where that was recorded"},
    {"stacks", 0, NULL, "the whole stack of every leak"},
    {"limit", 'n', "N", "at most N lines (50); 0 = all"},
    {"scan", 0, "N", "scan N of the table leak_scan (default: the last of each process)"},
    {"held", 0, NULL, "no scan: all blocks held at the end, or at the time of --at"},
    {"at", 0, "WHEN",
     "with --held: peak, start, end (default), mark:NAME, seconds (1.5), 200ms, 50%, or #EVENT"},
    KNOWN_OPTIONS,
};

static const struct view_option top_options[] = {
    {"by", 'b', "WHAT",
     "bytes (default), blocks, calls, short-lived or growth; the last three of a span"},
    {"per", 0, "WHAT",
     "function (default), line, file, module, stack, class, size, lifetime, thread or process"},
    {"tree", 0, NULL, "a tree of calls, from main on"},
    {"bottom-up", 0, NULL, "a tree of callers, from who allocated on"},
    {"at", 0, "WHEN",
     "peak (default), start, end, mark:NAME, seconds (1.5), 200ms, 50%, or #EVENT"},
    {"between", 0, "A B", "what happened between two moments, each as --at has it"},
    {"short-lived", 0, "N", "short-lived: freed before the same thread's next N allocations (1)"},
    PROFILE_OPTIONS,
    SKIP_OPTION,
    {"mapped", 0, NULL, "what the program mapped itself (mmap, brk) instead of its blocks"},
    {"stacks", 0, NULL, "with --per stack: the whole stack of every line"},
    {"all", 'a', NULL, "frames of libraries, wrappers and starts of threads, too"},
};

static const struct view_option heap_options[] = {
    {"at", 0, "WHEN",
     "what the blocks of this moment take: peak (default), start, end, mark:NAME, seconds (1.5), "
     "200ms, 50%, or #EVENT"},
    {"between", 0, "A B", "the time between two moments alone, each as --at has it"},
    {"steps", 0, "N", "lines of the timeline (20)"},
    PROCESS_OPTION("only this process"),
};

static const struct view_option view_options[] = {
    {"at", 0, "WHEN",
     "begin at peak (default; of a capture that is written: end), start, end, mark:NAME, seconds "
     "(1.5), 200ms, 50%, or #EVENT"},
    {"per", 0, "WHAT",
     "function (default), line, file, module, stack, class, size, lifetime, thread or process"},
    {"short-lived", 0, "N", "short-lived: freed before the same thread's next N allocations (1)"},
    PROCESS_OPTION("only this process"),
    {"focus", 0, "REGEX", "only stacks with a function, file:line or module that matches"},
    {"ignore", 0, "REGEX", "leave out stacks with one that matches"},
    {"all", 'a', NULL, "frames of libraries, wrappers and starts of threads, too"},
    {"chart", 0, "KIND",
     "the timeline in braille, blocks or ascii; auto (default): as the locale has it"},
};

static const struct view_option html_options[] = {
    {"steps", 0, "N", "parts of the time that can be chosen (300)"},
    PROCESS_OPTION("only this process"),
};

static const struct view_option diff_options[] = {
    {"by", 'b', "WHAT", "bytes (default), blocks, calls or short-lived; the last two of the whole"},
    {"per", 0, "WHAT", "function (default), line, file, module, stack, class or size"},
    {"at", 0, "WHEN",
     "the moment in both: peak (default), start, end, mark:NAME, seconds (1.5), 200ms, 50%, or "
     "#EVENT"},
    {"between", 0, "A B", "two moments of one capture instead of two captures"},
    {"short-lived", 0, "N", "short-lived: freed before the same thread's next N allocations (1)"},
    {"focus", 0, "REGEX", "only stacks with a function, file:line or module that matches"},
    {"ignore", 0, "REGEX", "leave out stacks with one that matches"},
    SKIP_OPTION,
    {"limit", 'n', "N", "at most N lines (30); 0 = all"},
    {"all", 'a', NULL, "frames of libraries, wrappers and starts of threads, too"},
};

static const struct view_option events_options[] = {
    {"addr", 0, "ADDR", "events of the block that holds ADDR; of a SuperSlab: its life"},
    {"thread", 't', "N", "by the Nth thread of a process"},
    PROCESS_OPTION("only this process"),
    {"class", 'c', "CLASS", "a band (C3) or a slot size (48)"},
    {"kind", 'k', "KIND", "MALLOC, FREE, SLL_PUSH, ...; several separated by commas"},
    {"layer", 'l', "PLACE", "at, into or out of a place: front, \"hot ring\", SLL, slab, ..."},
    {"site", 0, "TEXT", "with TEXT in a function or file:line of the stack"},
    {"since", 0, "WHEN", "from here on: seconds (1.5), 200ms, 50%, #EVENT or mark:NAME"},
    {"until", 0, "WHEN", "up to here, as --since"},
    {"tail", 'n', "N", "only the newest N"},
    {"stacks", 0, NULL, "the whole stack of every event"},
};

static const struct view_option info_options[] = {
    PROCESS_OPTION("only this process and those it started"),
    {"all", 'a', NULL, "the whole process tree and every loss, even when there are many"},
    {"options", 0, NULL, "every HAKMEM_ variable with its range and default"},
    {"clean", 0, NULL, "the old captures of this folder: size, age, program"},
    {"yes", 0, NULL, "with --clean: removes them"},
};

static const struct view_option core_options[] = {
    {"why", 0, "ADDR",
     "what lies at ADDR (hex), or at @fault: whose block, live or free, in which list"},
    {"owner", 0, "ADDR", "the same in brief: without what lies beside it, and without the store"},
    {"block", 0, "ADDR", "every life of the block, out of the store (as the command `block`)"},
    {"history", 0, "ADDR", "every event of the block, out of the store (`block --moves`)"},
    {"layers", 0, NULL, "how many blocks of each class lie in the lists of which layer"},
    {"top", 0, NULL,
     "what holds the most: by allocating stack where the core has it, else by class"},
    {"leaks", 0, NULL,
     "which live blocks no pointer of the core leads to, by stack, else by class"},
    {"check", 0, NULL,
     "what is damaged: lists, counts, states, and the bytes in and around blocks"},
    {"memory", 0, "N", "read PID through this open descriptor of /proc/PID/mem (for debuggers)"},
};

static const struct view_option sql_options[] = {
    {"header", 0, NULL, "column names first, also when the output is not a terminal"},
};

static const struct view_option fleet_options[] = {
    {"to", 0, "URL", "the server: postgresql://HOST/DATABASE (-s URL means the same)"},
    {"since", 0, "WHEN",
     "runs from here on: 2026-11-23, 2026-11-23T14:05 (UTC), 12h, 30d or 2w ago"},
    {"until", 0, "WHEN", "runs before this, as --since"},
    {"build", 0, "ID", "runs of this build-id; its first digits do"},
    {"host", 0, "NAME", "runs of this machine"},
    {"label", 0, "KEY=VALUE",
     "runs that were pushed with this label: version=1.3.0; several: with all"},
    {"new-since", 0, "BUILD",
     "findings that no build had which was first seen before this build or version"},
    {"gone-since", 0, "BUILD",
     "findings that neither this build or version has, nor one first seen after it"},
    {"by", 0, "SPAN", "trend: day (default), week or month"},
    {"limit", 'n', "N", "at most N lines (50; trend 60, show 20, html 200); 0 = all"},
    {"days", 0, "N", "keep: removes what is older than N days"},
    {"count", 0, "N", "keep: removes what is older than the newest N runs"},
    {"dry-run", 0, NULL, "keep: only says what would go"},
};

static const struct view_option push_options[] = {
    {"to", 0, "URL", "the server: postgresql://HOST/DATABASE (default: HAKMEM_PUSH)"},
    {"whole", 0, NULL, "all of the capture, so that every question can be asked there"},
    {"jobs", 'j', "N", "--whole: connections that send, 1 to 32 (default: 2)"},
    {"label", 0, "KEY=VALUE", "a label of the run, as version=1.2; may be given several times"},
    {"host", 0, "NAME", "the machine's name (default: HAKMEM_HOST, else its own)"},
    {"queue", 0, NULL, "sends what waits in the queue, each document to its own server"},
};

static const struct view_option mcp_options[] = {
    {"allow-run", 0, NULL, "also offers run and hunt, which start programs that the client names"},
};

#define OPTIONS(table) table, sizeof table / sizeof table[0]

const struct view_command view_commands[] = {
    {.name = "run",
     .group = "RECORD",
     .arguments = "-- PROGRAM [ARG...]",
     .sentence = "start PROGRAM under hakmem-debug.so; follow its children",
     .about =
         "Runs PROGRAM with hakmem-debug.so as its allocator and records every block's way into a\n"
         "store. PROGRAM's input, output and errors are left alone; a fault's report goes to "
         "stderr\n"
         "(or --log FILE). HAKMEM_... variables that are already set apply where no option is\n"
         "given. An existing store is refused unless --force. Findings that --baseline or\n"
         "--suppressions know are not reported and do not stop PROGRAM. With --ci, files for a CI\n"
         "service are written next to the store (STORE.log, .junit.xml, .sarif) and leaks count "
         "as\n"
         "faults, see docs/ci.md. On a terminal it ends with the peak, where that was allocated,\n"
         "and how many calls there were. With --core the report of a process that dies is written\n"
         "beside its core file, or beside the store where the kernel wrote none.\n"
         "\n"
         "Exit status: 1 (--exitcode N: another number) for an unknown fault in any process of "
         "the\n"
         "tree, else PROGRAM's own status, or 128+n for its signal; 2 when PROGRAM cannot be\n"
         "started; 4 when its last records were not stored, which is given up after 10 s in which\n"
         "nothing was written. With --json the document is printed on stdout after PROGRAM's "
         "end.\n"
         "\n"
         "Signals that are sent to it are passed on. A second TERM or INT, where PROGRAM did not\n"
         "end by the first, ends `run` (status 128+n): PROGRAM is left alone and recorded on. A\n"
         "third, before that is done, ends the recording: the store is closed, and PROGRAM goes\n"
         "on unrecorded.\n",
     .examples = "  hakmem-trace run -- ./server --port 80\n"
                 "  hakmem-trace run --allocator keep -- ./server --port 80\n"
                 "  hakmem-trace run --check trace --layout header -s app.db -- ./app\n"
                 "  hakmem-trace run --pools=malloc -- python3 job.py\n"
                 "  hakmem-trace run --core --on-fault continue -- ./server\n"
                 "  hakmem-trace run --ci --baseline ci/baseline.json -- ./tests\n",
     OPTIONS(run_options),
     .arguments_min = 1,
     .arguments_max = -1,
     .stops_at_first = true,
     .run = command_run},
    {.name = "hunt",
     .group = "RECORD",
     .arguments = "-- PROGRAM [ARG...]",
     .sentence = "run PROGRAM again until a report names the instruction that does the damage",
     .about =
         "Runs PROGRAM in level normal first. Damage that is found late names the block, not who\n"
         "did it: in the next run the blocks of that allocation stack lie alone between closed\n"
         "pages (HAKMEM_GUARD=only:), on the side of the damage, and the processor stops the\n"
         "program at the instruction. Where the first run finds nothing, every block is guarded.\n"
         "String functions are checked at their call. With -s FILE [--fault N] it begins with\n"
         "what that capture has found. It stops at a report that names the instruction, the call\n"
         "or the move, says a line for each run, and at last the report and its store.\n"
         "\n"
         "Each run has the same standard input: a file is read from where it stood, what comes\n"
         "through a pipe is kept. PROGRAM's output is shown for the first run. Variables HAKMEM_\n"
         "that are set apply to all runs. Ctrl-C ends the hunt with what is known.\n"
         "\n"
         "Exit status: 1 (--exitcode N: another number) when a fault or a crash was found, 0 when\n"
         "none was, 2 when PROGRAM cannot be started, 3 when FILE cannot be read, 4 when PROGRAM\n"
         "was not recorded, 128+n when signal n ended the hunt.\n",
     .examples = "  hakmem-trace hunt -- ./parser broken.txt\n"
                 "  hakmem-trace hunt -s ci.db --fault 2 -- ./parser broken.txt\n"
                 "  hakmem-trace hunt --runs 50 --timeout 60 -- ./server --selftest\n",
     OPTIONS(hunt_options),
     .arguments_min = 1,
     .arguments_max = -1,
     .stops_at_first = true,
     .run = command_hunt},
    {.name = "record",
     .group = "RECORD",
     .arguments = "-p PID [--for TIME]",
     .sentence = "record a program that runs already, for a while",
     .about =
         "Loads hakmem-attach.so into process PID, records over the allocator that it has until\n"
         "TIME is over, Ctrl-C is pressed or the process ends, and leaves it as it was: at full\n"
         "speed, to be recorded again any time. Nothing of it is checked. What was allocated "
         "before\n"
         "is unknown; `info` counts the frees of such blocks. Forked children and programs that "
         "it\n"
         "executes are not recorded.\n"
         "\n"
         "One of its threads makes the calls for that, at a moment when it is neither in the\n"
         "allocator nor in ld.so; the others run on. Killed at any moment, this command leaves "
         "the\n"
         "process whole; one that it still records is let go by the next `record -p PID`.\n"
         "\n"
         "It takes the right to trace the process: its user, where kernel.yama.ptrace_scope is 0,\n"
         "else root, also for a daemon that changed its user. Refused with the reason: another\n"
         "user's process, one that is traced or stopped, in a seccomp sandbox, in a container "
         "that\n"
         "this command is not in, static, not of glibc, or under hakmem already\n"
         "(docs/specs/attach.md).\n"
         "\n"
         "Exit status: 0, 2 it was refused or could not be begun, 3 the capture cannot be read, 4\n"
         "the process could not be left or the capture is incomplete.\n",
     .examples = "  hakmem-trace record -p 4711 --for 30s\n"
                 "  hakmem-trace record -p $(pidof redis-server) -s redis.db\n",
     OPTIONS(record_options),
     .arguments_min = 0,
     .arguments_max = 0,
     .run = command_record},
    {.name = "ctl",
     .group = "RECORD",
     .arguments = "PID [status|start|stop|mark NAME|flush|sweep|leaks|store]",
     .sentence = "ask a program that runs: stop or go on recording, a mark, its leaks, its store",
     .about =
         "PID is a process that runs under hakmem, each forked child one of its own.\n"
         "\n"
         "  status     (default) its level, where it is recorded, how much, and what was lost; of\n"
         "             level light, how many blocks were watched and how many reports there were\n"
         "  stop       nothing that is handed out from now on is recorded, until start; the end "
         "of\n"
         "             what is recorded still is, and checks go on. Answers say when it was so.\n"
         "             Level light: no more blocks are guarded\n"
         "  start      recording goes on, or begins (run --start-paused)\n"
         "  mark NAME  a mark in its record, as hak_mark() of hakmem.h sets. mark:NAME means its\n"
         "             moment, with --at, --since and --until. One line of at most 200 bytes\n"
         "  flush      ends when all that it has recorded so far is in the store\n"
         "  sweep      looks at all blocks for damage, as HAKMEM_SWEEP_SIGNAL does\n"
         "  leaks      looks for leaks, as hak_find_leaks() does; all threads stop meanwhile\n"
         "  store      level light: what is known of its watched blocks goes into its store\n"
         "\n"
         "status and flush read its memory, and it does nothing for them. The others are done by\n"
         "the thread that next calls the malloc family (level light: by its next look, which is\n"
         "one allocation of a thread in 256). A program that sleeps, is stopped or calls nothing\n"
         "does not answer: after --timeout nothing is asked of it any more. sweep needs level\n"
         "normal or light, leaks normal or trace. Reports go where the program's go; a sweep that\n"
         "finds damage ends it, but under HAKMEM_ON_FAULT=continue.\n"
         "\n"
         "It takes the right to trace the process: its user, where kernel.yama.ptrace_scope is 0,\n"
         "else root. Several ctl wait for one another.\n"
         "\n"
         "Exit status: 0, 1 damaged or lost blocks were found, 2 no such process, no hakmem in\n"
         "it, no right to ask, or it ended, 4 it does not answer in time.\n",
     .examples =
         "  hakmem-trace ctl 4711\n"
         "  hakmem-trace ctl 4711 mark before-reload\n"
         "  hakmem-trace ctl 4711 flush && hakmem-trace leaks --held --at mark:before-reload\n",
     OPTIONS(ctl_options),
     .arguments_min = 1,
     .arguments_max = 3,
     .run = command_ctl},
    {.name = "import",
     .group = "RECORD",
     .arguments = "FILE...",
     .sentence = "make a store from the files of a program that found no collector",
     .about =
         "A recorded program that finds hakmem-collect missing, or cannot start it, says so in "
         "one\n"
         "line and writes its newest events into a file, hakmem.PROGRAM.PID.rings; programs that "
         "it\n"
         "executes write files of their own. Name all files that belong together: they become one\n"
         "store, next to the first of them, with .db for .rings (-s FILE: another). The files are\n"
         "not changed. Names and lines are looked up now, in the programs' files as they are on\n"
         "this machine. Events that were overwritten by newer ones are counted as lost.\n"
         "\n"
         "Exit status: 0, 2 the store exists already or a program still writes, 3 a FILE cannot "
         "be\n"
         "read, 4 events were lost.\n",
     .examples = "  hakmem-trace import hakmem.server.4711.rings\n"
                 "  hakmem-trace import -s app.db hakmem.*.rings\n",
     OPTIONS(import_options),
     .arguments_min = 1,
     .arguments_max = -1,
     .run = command_import},
    {.name = "why",
     .group = "ASK",
     .arguments = "ADDR",
     .sentence = "who owned ADDR, in what state it was, the first wrong step",
     .about =
         "ADDR is 0x7f.., 7f.., p:N (the Nth allocation), @fault or @fault:N (where the Nth fault\n"
         "was found), or SYMBOL+OFFSET (static data of a module of the capture). Every owner of\n"
         "the block is listed; `>` marks the first wrong event, only where there is evidence.\n"
         "Of memory that the program mapped itself (mmap, mremap, brk) it says who mapped it,\n"
         "opened or closed it, moved it and unmapped it.\n"
         "\n"
         "Exit status: 0 nothing wrong with this block, 1 a wrong event or a fault, 4 events were\n"
         "lost while it was in use.\n",
     .examples = "  hakmem-trace why 0x5581a8c31054\n"
                 "  hakmem-trace why @fault --stacks\n",
     OPTIONS(why_options),
     .arguments_min = 1,
     .arguments_max = 1,
     .asks = true,
     .run = command_why},
    {.name = "block",
     .group = "ASK",
     .arguments = "ADDR",
     .sentence = "every life of the block that holds ADDR",
     .about =
         "ADDR as for `why`. Two lines for each life: by whom and where the block was handed out,\n"
         "and where it was freed; then totals over all lives (with --since and --until, over\n"
         "those). The memory needed does not grow with their number. `why` looks at the newest\n"
         "lives and judges them.\n"
         "\n"
         "Exit status: 0, 1 a life was ended twice or there is a fault on this block, 4 events\n"
         "were lost while it was in use.\n",
     .examples = "  hakmem-trace block 0x5581a8c31054\n"
                 "  hakmem-trace block 0x5581a8c31054 --last 20 --stacks\n"
                 "  hakmem-trace block p:4711 --moves --since 1.5\n",
     OPTIONS(block_options),
     .arguments_min = 1,
     .arguments_max = 1,
     .asks = true,
     .run = command_block},
    {.name = "events",
     .group = "ASK",
     .arguments = "",
     .sentence = "the log, filtered: --addr --thread --class --kind --site --since --until --tail",
     .about =
         "One line for each event, oldest first. An event is shown if all options match it. Where\n"
         "a layer moved a block, WHERE shows from where to where; where a slab, a SuperSlab or a\n"
         "cache changed, what became of it; otherwise the program's function.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost; 3 when the capture is "
         "damaged\n"
         "where it was read: what comes before is printed, JSON is closed and contains the "
         "error.\n",
     .examples = "  hakmem-trace events --addr 0x5581a8c31040\n"
                 "  hakmem-trace events --kind SLL_PUSH,SLL_POP --class C3 --tail 50\n"
                 "  hakmem-trace events --kind TIER,SUPERSLAB_MAP,SUPERSLAB_UNMAP\n"
                 "  hakmem-trace events --addr 0x5581a8c00000\n"
                 "  hakmem-trace events --layer \"TLS SLL\" --thread 2\n"
                 "  hakmem-trace events --site parse_row --since 1.5 --until 2\n",
     OPTIONS(events_options),
     .arguments_max = 0,
     .asks = true,
     .run = command_events},
    {.name = "faults",
     .group = "ASK",
     .arguments = "[N]",
     .sentence = "what went wrong, one line each; `faults N` the whole report",
     .about =
         "Faults, crashes, and leaks that count as faults (L1, L2, ...; `leaks` has all), each "
         "with\n"
         "its fingerprint, which is the same in every run. With --baseline or --suppressions only\n"
         "unknown findings are listed, then those in the baseline that were not found any more "
         "(of\n"
         "programs that are in this capture).\n"
         "\n"
         "--write-baseline FILE puts every finding into FILE. Existing entries stay, with their\n"
         "notes, so several captures can be added one after the other; --prune removes those of\n"
         "this capture's programs that were not found. Crashes are not added.\n"
         "\n"
         "Exit status: 0 nothing, or nothing new, is in the capture, or the baseline was written,\n"
         "1 there is something, 4 there is nothing, but events were lost.\n",
     .examples = "  hakmem-trace faults\n"
                 "  hakmem-trace faults 1\n"
                 "  hakmem-trace faults 1 --stacks\n"
                 "  hakmem-trace faults --write-baseline ci/baseline.json\n"
                 "  vim -q <(hakmem-trace faults --quickfix)\n"
                 "  hakmem-trace faults --baseline ci/baseline.json\n",
     OPTIONS(faults_options),
     .arguments_max = 1,
     .asks = true,
     .run = command_faults},
    {.name = "leaks",
     .group = "ASK",
     .arguments = "[N]",
     .sentence = "blocks that nothing points to, by stack; --held: all that was not freed",
     .about =
         "One line for each stack whose blocks the last leak scan found lost: direct leaks first,\n"
         "biggest first, then the indirect ones, which are reachable only from lost blocks. The "
         "age\n"
         "is counted to the time of the scan, `served by` is the layer that served the newest of\n"
         "them. `leaks N` shows the whole stack of one. With --baseline or --suppressions only\n"
         "unknown leaks are listed.\n"
         "\n"
         "A scan is made at exit with `run --leaks=1` (HAKMEM_LEAKS), on a signal\n"
         "(HAKMEM_LEAKS_SIGNAL), or by hak_find_leaks() of hakmem.h.\n"
         "\n"
         "--held needs no scan: it lists what was allocated and not yet freed at the end of the\n"
         "capture, or at the moment given by --at, by stack, biggest first, whether or not\n"
         "something points to it. A forked child holds what it inherited.\n"
         "\n"
         "Exit status: 0; 1 a leak counts as a fault (--leaks=error, --ci) and is new; 4 events\n"
         "were lost, and no scan was made or --held was given.\n",
     .examples = "  hakmem-trace run --leaks=1 -- ./app; hakmem-trace leaks\n"
                 "  hakmem-trace leaks --stacks --limit 5\n"
                 "  hakmem-trace leaks --held --at 1.5\n"
                 "  hakmem-trace leaks --baseline ci/baseline.json\n",
     OPTIONS(leaks_options),
     .arguments_max = 1,
     .asks = true,
     .run = command_leaks},
    {.name = "top",
     .group = "SEE",
     .arguments = "",
     .sentence = "what takes the memory, by function, stack, class, ...; --by growth, short-lived",
     .about =
         "One line for each function: what it holds at the peak of the program (--at: another\n"
         "moment) in bytes and blocks, as the program asked for them, and what it and the\n"
         "functions that it calls hold together. A function is the program's first one past\n"
         "libraries and wrappers of malloc; --skip passes over others, and the store keeps that\n"
         "for all later answers. The lines, with `... more`, are the total.\n"
         "\n"
         "--by calls, short-lived and growth are of a span: the whole capture, up to --at, or\n"
         "--between A B. There `bytes` is what was allocated in it, `short-lived` how much of it\n"
         "was freed before the same thread's next allocation, `grown` the net growth over it.\n"
         "--by growth alone looks at the second half of the time before the program frees what it\n"
         "holds; functions that rise all through it are marked `still growing` and stand first.\n"
         "--between alone sorts by growth.\n"
         "\n"
         "A child of a fork holds what it inherited; a process that has ended holds nothing, but\n"
         "--at end shows what each held at its own end. realloc in place stays with the stack "
         "that\n"
         "allocated the block. --mapped shows in the same way what the program mapped past its\n"
         "allocator, without what nobody may touch (PROT_NONE).\n"
         "\n"
         "Reads the log from the begin of the span; for --at peak all of it.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost.\n",
     .examples = "  hakmem-trace top\n"
                 "  hakmem-trace top --tree --at 12.5\n"
                 "  hakmem-trace top --by short-lived --per stack\n"
                 "  hakmem-trace top --between mark:loaded end --bottom-up\n"
                 "  hakmem-trace top --per size --focus parse_row\n"
                 "  hakmem-trace top --mapped --at end\n",
     OPTIONS(top_options),
     .arguments_max = 1,
     .asks = true,
     .run = command_top},
    {.name = "heap",
     .group = "SEE",
     .arguments = "",
     .sentence = "live bytes over time, the peak of each process, what slots take of it",
     .about =
         "A line for each part of the time: the most bytes that were live in it, what was live at\n"
         "its end, and what came and went in it. Bytes are those that the program asked for. Then\n"
         "the peaks of the processes, and what the blocks of the peak (--at: another moment) "
         "take.\n"
         "\n"
         "A child of a fork holds what it inherited; the timeline adds up the processes that run.\n"
         "`top --at` shows who holds the bytes of a moment. Reads the log from the begin of the\n"
         "time on.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost.\n",
     .examples = "  hakmem-trace heap\n"
                 "  hakmem-trace heap --steps 60 --between mark:loaded end\n"
                 "  hakmem-trace heap --at 12.5 --json\n",
     OPTIONS(heap_options),
     .arguments_max = 1,
     .asks = true,
     .run = command_heap},
    {.name = "html",
     .group = "SEE",
     .arguments = "[FILE]",
     .sentence = "one page for a browser: timeline, flame graph, faults, layers; no network",
     .about =
         "Writes FILE (default: the capture's name with .html, in this folder; -: stdout): one\n"
         "page that needs nothing else, to look at and to send to others. Its timeline shows the\n"
         "live bytes; a moment or a span of it is what flame graph and table show: what was live,\n"
         "what came, went, was short-lived or grew, by function, file and module, exact to the\n"
         "byte. Beside them stand the faults with their reports, the processes, and what the\n"
         "layers served, with the SuperSlabs over time.\n"
         "\n"
         "A page holds what the programs did, with names of functions, files and command lines,\n"
         "but no contents of blocks. Where the capture is large the steps of the time get longer.\n"
         "FILE is replaced, but never where it is a capture.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost.\n",
     .examples = "  hakmem-trace html\n"
                 "  hakmem-trace html -s app.db report.html\n"
                 "  hakmem-trace html --process 4711 server.html\n",
     OPTIONS(html_options),
     .arguments_max = 1,
     .run = command_html},
    {.name = "diff",
     .group = "SEE",
     .arguments = "OLD NEW",
     .sentence = "two captures, or two moments of one: what grew, what is new, what is gone",
     .about =
         "One line for each function that holds more or less at the peak of the capture NEW than\n"
         "at that of OLD (--at: another moment of both), the greatest change first. Functions are\n"
         "matched by name and file, lines and stacks by function and line, code without names by\n"
         "its place in the module: where modules were loaded, and the folder of the build, do not\n"
         "matter. --by calls and short-lived compare the whole captures, up to --at.\n"
         "\n"
         "With --between A B both are moments of one capture (-s FILE).\n"
         "\n"
         "Exit status: 0, or 4 when events of a capture were lost.\n",
     .examples = "  hakmem-trace diff before.db after.db\n"
                 "  hakmem-trace diff before.db after.db --by calls --per stack\n"
                 "  hakmem-trace diff --between mark:loaded end -s app.db\n",
     OPTIONS(diff_options),
     .arguments_min = 1,
     .arguments_max = 2,
     .run = command_diff},
    {.name = "view",
     .group = "SEE",
     .arguments = "",
     .sentence = "the capture in the terminal, interactive",
     .about =
         "The timeline of live bytes, and below it who holds those of a moment, or what came, "
         "went\n"
         "and grew between two: by function, line, file, module, stack, class, size, lifetime,\n"
         "thread or process, as a tree of calls or of callers; the timeline zooms to a span.\n"
         "Enter goes from a line to its stacks, to the blocks of a stack that are live then, and\n"
         "to the story of one block (why). The faults have their reports there.\n"
         "? shows the keys, which are those of less and htop; the mouse works where there is one.\n"
         "A capture that is still written is read again each second.\n"
         "\n"
         "It needs a terminal of 60 columns and 16 lines; colours as --color has them.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost; 2 without a terminal.\n",
     .examples = "  hakmem-trace view\n"
                 "  hakmem-trace view -s app.db --at mark:loaded\n"
                 "  hakmem-trace view --chart ascii --color never\n",
     OPTIONS(view_options),
     .arguments_max = 0,
     .asks = true,
     .run = command_view},
    {.name = "layers",
     .group = "SEE",
     .arguments = "",
     .sentence = "what each layer served, hit rates, refills, drains, tiers; --over TIME",
     .about =
         "One line for each size class: how many mallocs it had and, in per cent, which layer\n"
         "served them, then refills (number and blocks), spills, frees by other threads, and "
         "slabs\n"
         "taken. The figures are the counters that the program kept; the log is counted, too, to\n"
         "check that both agree. Captures without counters are counted from the log alone, and "
         "the\n"
         "output says so.\n"
         "\n"
         "Below: hits of each layer, of the mallocs that reached it; blocks by where they were\n"
         "freed to; moves; slabs by the stage that found them; SuperSlabs, their tiers and lives;\n"
         "frees for other threads; large blocks; capacities and what was learnt; page calls.\n"
         "\n"
         "Exit status: 0, 1 counters and log disagree, 4 events were lost or the last counters\n"
         "of a process are missing.\n",
     .examples = "  hakmem-trace layers\n"
                 "  hakmem-trace layers --class C3 --process 4711\n"
                 "  hakmem-trace layers --over 1s\n"
                 "  hakmem-trace layers --superslabs\n",
     OPTIONS(layers_options),
     .arguments_max = 0,
     .asks = true,
     .run = command_layers},
    {.name = "threads",
     .group = "SEE",
     .arguments = "",
     .sentence = "who ran, and what each did with the heap",
     .about = "One line for each thread: its start and end, its calls, how many bytes it asked "
              "for, and\n"
              "its last event. `remote` counts frees of blocks in another thread's SuperSlab. "
              "Reads the\n"
              "whole log.\n"
              "\n"
              "Exit status: 0, or 4 when events of this capture were lost.\n",
     .examples = "  hakmem-trace threads --sort bytes\n"
                 "  hakmem-trace threads --stacks\n"
                 "  hakmem-trace threads --process 4711\n",
     OPTIONS(threads_options),
     .arguments_max = 0,
     .asks = true,
     .run = command_threads},
    {.name = "modules",
     .group = "SEE",
     .arguments = "",
     .sentence = "what was loaded, and how much is known about its code",
     .about =
         "`frames` counts places in the module that occur in a stack; `named` those whose "
         "function\n"
         "is known, `with line` those with file and line. Debug information is searched for in "
         "the\n"
         "file, below /usr/lib/debug and by .gnu_debuglink. With several processes a line stands\n"
         "for a file; --process and --all show each mapping, with loads and unloads.\n"
         "\n"
         "Exit status: 0.\n",
     .examples = "  hakmem-trace modules\n"
                 "  hakmem-trace modules --process 4711\n",
     OPTIONS(modules_options),
     .arguments_max = 0,
     .asks = true,
     .run = command_modules},
    {.name = "info",
     .group = "SEE",
     .arguments = "",
     .sentence = "what the capture holds, how complete it is",
     .about =
         "Program, events, faults, losses, and the process tree: `=>` is the program that a "
         "process\n"
         "became. Of long trees the first children are shown, and those with faults or losses. "
         "For\n"
         "larger files, what takes the bytes. `info --options` needs no capture: it lists what "
         "can\n"
         "be set.\n"
         "\n"
         "--clean lists the hakmem stores among the files hakmem.*.db in this folder, except the\n"
         "newest one and those still being written; with --yes these files are removed, with "
         "their\n"
         "-wal and -shm.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost; 3 when --yes could not "
         "remove\n"
         "a file.\n",
     .examples = "  hakmem-trace info -s app.db\n"
                 "  hakmem-trace info --options\n"
                 "  hakmem-trace info --clean --yes\n",
     OPTIONS(info_options),
     .arguments_max = 0,
     .asks = true,
     .run = command_info},
    {.name = "check",
     .group = "CHECK",
     .arguments = "",
     .sentence = "is the capture intact, and every block's path legal",
     .about =
         "Reads everything: checksums, event ids without gaps, references, and every block's\n"
         "path from layer to layer against hakmem's table of moves.\n"
         "\n"
         "Exit status: 0 intact and legal, 1 something was found, 4 as 0, but events were lost.\n",
     .examples = "  hakmem-trace check -s app.db\n",
     .arguments_max = 0,
     .asks = true,
     .run = command_check},
    {.name = "core",
     .group = "CHECK",
     .arguments = "FILE|PID [PROGRAM]",
     .sentence = "a core file alone, or a process: whose block, live or free, in which list",
     .about =
         "FILE is a core file of a program that ran with libhakmem.so, hakmem-debug.so or linked\n"
         "with libhakmem.a, written by the kernel or by gdb (gcore). Nothing has to be recorded:\n"
         "the allocator's own lists are read, by a table that the library carries. No debug\n"
         "information is needed, and a stripped program does. Parts that a core leaves to the\n"
         "files that were mapped are read from these, if they are still the same; PROGRAM stands\n"
         "in for one that lies elsewhere now. PID: a process that is there; no code of it runs,\n"
         "and it should stand still (a debugger's breakpoint, SIGSTOP), or lists change "
         "meanwhile.\n"
         "\n"
         "Without options: the process, its end, and what its heap held. --why ADDR: which block\n"
         "holds ADDR, live or free, in which list of which thread, what the program asked for\n"
         "where that is known (not in level light and libhakmem.so), by which stacks it was\n"
         "allocated and freed, and what lies beside it.\n"
         "Of a process that was recorded it adds what the store says (as `why`): the store of -s,\n"
         "else the one that the process wrote, which is known by the recording's id.\n"
         "--layers: blocks by class and by where they lie, live or in which layer's lists.\n"
         "\n"
         "--top: live blocks by the stack that allocated them, biggest first; by class where the\n"
         "core has no stacks (always so with libhakmem.so).\n"
         "\n"
         "--leaks: live blocks that nothing leads to, from all that the program could write, the\n"
         "stacks and the registers, by the rules of the scan inside the program (`leaks`). What\n"
         "the core leaves out may hold pointers: then each is a possible leak, and the status 4.\n"
         "\n"
         "--check: what is damaged. Counts against bitmaps, states against lists, links that lead\n"
         "nowhere or 16 bytes off, blocks in two lists, and, in levels normal and trace as far as\n"
         "they have them, headers, canaries and the bytes of freed blocks. What agrees with no\n"
         "fault that a program can cause is told as hak_verify() does. Lists of a thread that\n"
         "stopped inside the allocator are left out, but for those of the one that ended it.\n"
         "\n"
         "Exit status: 0, 1 --check or --leaks found something, 2 wrong use, 3 FILE cannot be\n"
         "read, is no core file, or has no hakmem that fits, 4 the core is cut off or leaves\n"
         "memory out that was asked for.\n",
     .examples = "  hakmem-trace core core.server\n"
                 "  hakmem-trace core core.server --check\n"
                 "  hakmem-trace core core.server --leaks\n"
                 "  hakmem-trace core core.server --why 0x7f21c4a12950\n"
                 "  hakmem-trace core core.server ./server --why 0x7f21c4a12950 --json\n",
     OPTIONS(core_options),
     .arguments_min = 1,
     .arguments_max = 2,
     .run = command_core},
    {.name = "export",
     .group = "OUT",
     .arguments = "FORMAT [OLD NEW]",
     .sentence = "for other tools: flame graphs, pprof, perfetto, csv, ..., junit, sarif",
     .about =
         "The profile, of the peak or of --at, --between, as `top` counts it (docs/specs/export.md "
         "says\n"
         "what each file holds and how to open it):\n"
         "\n"
         "  collapsed       folded stacks, for flame graphs: main;parse;parse_row 4096\n"
         "  collapsed-diff  the same of two captures OLD NEW, or of --between A B: two numbers\n"
         "  speedscope      for speedscope.app: live, allocated and short-lived\n"
         "  pprof           for `go tool pprof`: inuse_space, alloc_space, ...; always gzip'd\n"
         "  pprof-text      for google-pprof (gperftools): live and allocated, with their names\n"
         "  perfetto        for ui.perfetto.dev: heap over time, marks, the heap profile\n"
         "  heaptrack       for heaptrack_print and heaptrack_gui: every allocation and free\n"
         "  csv, jsonl      a row for each process and stack; --events: each event of the log\n"
         "  sqlite          ordinary tables for any SQLite: profile at peak and end, live, "
         "stacks,\n"
         "                  faults, leaks, processes\n"
         "\n"
         "What was found: junit is JUnit's XML: a suite for each program, a case for each finding, "
         "and\n"
         "one that passes where there is none. sarif is SARIF 2.1.0, with the stacks of "
         "allocation,\n"
         "free and fault. codequality is the JSON that GitLab shows in a merge request. Findings "
         "that\n"
         "--baseline or --suppressions know are marked as skipped or suppressed. Paths are "
         "relative\n"
         "to the top of the repository (the folder with .git at or above this one), or to "
         "--sources.\n"
         "\n"
         "A file is there whole or not at all. Exit status: 0 it was written, whatever was found; "
         "4 "
         "of\n"
         "the profile and the log also when events of this capture were lost.\n",
     .examples = "  hakmem-trace export collapsed -s app.db | flamegraph.pl >app.svg\n"
                 "  hakmem-trace export collapsed-diff old.db new.db | flamegraph.pl >diff.svg\n"
                 "  hakmem-trace export pprof --at end -s app.db -o app.pb.gz\n"
                 "  hakmem-trace export csv --events -s app.db -o events.csv.gz\n"
                 "  hakmem-trace export sqlite -s app.db -o plain.db\n"
                 "  hakmem-trace export junit -s app.db >app.junit.xml\n"
                 "  hakmem-trace export sarif --baseline ci/baseline.json -o app.sarif\n",
     OPTIONS(export_options),
     .arguments_min = 1,
     .arguments_max = 3,
     .run = command_export},
    {.name = "push",
     .group = "OUT",
     .arguments = "",
     .sentence = "send what was found, or a whole capture, to a PostgreSQL server",
     .about =
         "Sends what a capture found (faults, crashes, leaks, with their reports) and whose run "
         "it\n"
         "was: host, program, build, labels, what it held. What the server has already is not "
         "sent\n"
         "twice. While its programs run, what is there by then. docs/fleet.md has all of it.\n"
         "\n"
         "It goes into a queue on disk first, $XDG_STATE_HOME/hakmem_push or else ~/.hakmem_push,\n"
         "and out of it when the server has it. Where the server is away it waits there for the\n"
         "next push or `run --push` to that server, or for --queue. The queue takes 1,000 "
         "documents\n"
         "and 64 MiB; the oldest make room, which the next push tells of.\n"
         "\n"
         "With --whole the capture's tables are sent, too, into schema hakmem of the database, and "
         "its\n"
         "number there is printed. Other commands read it with -s\n"
         "'postgresql://HOST/DATABASE?capture=N'. A push that was cut short goes on from there\n"
         "when it is typed again; at the end hashes and numbers of rows are compared. A capture "
         "that\n"
         "is still being written is sent as it is now.\n"
         "\n"
         "Passwords belong into ~/.pgpass or a service file of libpq; in a URL they are refused.\n"
         "?answer_timeout=SECONDS in it is how long the server may be silent, 300 if not given,\n"
         "0 without end.\n"
         "\n"
         "Exit status: 0, 2 the command line is wrong, 3 the capture cannot be read, or the "
         "server\n"
         "is away, full or refuses, 4 documents of the queue were damaged.\n",
     .examples =
         "  hakmem-trace push -s app.db --to postgresql://db.example.org/heap --label version=1.2\n"
         "  hakmem-trace push --queue\n"
         "  hakmem-trace push --whole -s app.db --to postgresql://db.example.org/heap\n"
         "  hakmem-trace why @fault -s 'postgresql://db.example.org/heap?capture=7'\n",
     OPTIONS(push_options),
     .run = command_push},
    {.name = "fleet",
     .group = "OUT",
     .arguments = "[WORD]",
     .sentence = "what many machines pushed: findings by fingerprint, host, version, time",
     .about =
         "Asks a server to which machines push their findings. WORD is\n"
         "\n"
         "  findings   (default) each fingerprint with how often, in how many runs, on how many\n"
         "             hosts and builds, since when; what is in most runs first\n"
         "  hosts      the same from the side of the machines\n"
         "  builds     and of the programs: what was found in each build, how much of it is new\n"
         "  trend [FINGERPRINT]\n"
         "             how often, by day, week or month: of all findings, or of one\n"
         "  show FINGERPRINT\n"
         "             one finding: hosts and builds, the newest report as it was printed, and\n"
         "             what to type for the block's story where the whole capture was pushed\n"
         "  baseline FILE\n"
         "             adds what was found to a baseline, which `run --baseline FILE` reads\n"
         "  html [FILE]\n"
         "             one page for a browser (fleet.html; -: stdout): the findings as a table to\n"
         "             sort and to search, each with its trend, hosts, builds and newest report\n"
         "  setup      lays out the database: tables, the roles hakmem_writer, which may only\n"
         "             insert, and hakmem_reader, which may only read, and partitions for two\n"
         "             years. Who owns the database types it once, and again with each newer\n"
         "             hakmem: it makes only what is missing\n"
         "  keep       removes runs that are older than --days N or than the newest --count N,\n"
         "             with their findings, and whole captures that were pushed before that and\n"
         "             that no run names which stays. For the owner, as setup\n"
         "\n"
         "count is what was seen. estimate multiplies it with the rate of level light, which\n"
         "watches one allocation in so many. Builds are in the order in which each was first\n"
         "seen, as old ones still run beside new ones. Times are UTC.\n"
         "\n"
         "Passwords belong into ~/.pgpass or a service file, never into the URL. Who asks needs\n"
         "the role hakmem_reader. ?answer_timeout=SECONDS in the URL is how long the server may\n"
         "be silent, 300 if not given, 0 without end.\n"
         "\n"
         "Exit status: 0, 2 wrong command line or no such finding, 3 the server is away or\n"
         "refuses.\n",
     .examples = "  hakmem-trace fleet setup --to postgresql://db.example.org/heap\n"
                 "  hakmem-trace fleet --to postgresql://db.example.org/heap\n"
                 "  hakmem-trace fleet --new-since 1.1 --to postgresql://db.example.org/heap\n"
                 "  hakmem-trace fleet show HKM-202:5f0c1d9e22ab4471 --to "
                 "postgresql://db.example.org/heap\n"
                 "  hakmem-trace fleet keep --days 180 --to postgresql://db.example.org/heap\n",
     OPTIONS(fleet_options),
     .arguments_max = 2,
     .run = command_fleet},
    {.name = "sql",
     .group = "OUT",
     .arguments = "[QUERY|-]",
     .sentence = "a query, or a shell, with the log as tables",
     .about =
         "Tables: event, block, life, live, profile, stack_frame (computed while they are read),\n"
         "fault, loss, mark, process, thread, module and more: `.tables` lists them, `.schema "
         "TABLE` their\n"
         "columns, the view table_column both; docs/specs/store.md says what they mean. Prints a\n"
         "table on a terminal, tab-separated values otherwise, text with \\n, \\t, \\xNN and \\\\ "
         "for\n"
         "what would break a line or affect a terminal (--json gives it as it is).\n"
         "`process` and `thread` are row ids: `select id, pid, command_line from process`.\n"
         "`-` reads queries from stdin; without QUERY a shell is opened (on a terminal), with\n"
         "line editing and a history (~/.hakmem_sql_history). Nothing can be changed.\n"
         "\n"
         "Exit status: 0 also when events were lost (stderr and `completeness` of --json say so);\n"
         "2 when a query is wrong, 3 when the capture is damaged where it was read.\n",
     .examples = "  hakmem-trace sql .tables\n"
                 "  hakmem-trace sql \".schema event\"\n"
                 "  hakmem-trace sql \"select kind, count(*) from event group by kind\"\n"
                 "  hakmem-trace sql \"select * from event where addr = 0x5581a8c31040\"\n",
     OPTIONS(sql_options),
     .arguments_max = 1,
     .asks = true,
     .run = command_sql},
    {.name = "mcp",
     .group = "OUT",
     .arguments = "[FOLDER]",
     .sentence = "serve agents by the Model Context Protocol, on stdin and stdout",
     .about =
         "A server of the Model Context Protocol: a client (an editor, an agent) starts it and "
         "sends\n"
         "a JSON message a line. Its tools are faults, fault, why, block, top, diff, leaks and\n"
         "explain, on captures below FOLDER (default: this one). Paths that lie elsewhere, "
         "symbolic\n"
         "links that lead there, `..` and URLs are refused. It only reads: run and hunt, which "
         "start\n"
         "programs, are offered with --allow-run alone, each with a time limit.\n"
         "\n"
         "An answer is the document of --json in at most 4,000 tokens of four bytes. A longer one\n"
         "lacks whole elements of its lists, and `cut` in it says how many there are and how to "
         "get\n"
         "the rest. docs/mcp.md shows how a client is configured, and three dialogues.\n"
         "\n"
         "Exit status: 0 when its input ends, 2 FOLDER is none, 128+n when signal n ended it.\n",
     .examples = "  hakmem-trace mcp\n"
                 "  hakmem-trace mcp --allow-run .\n",
     OPTIONS(mcp_options),
     .arguments_max = 1,
     .run = command_mcp},
    {.name = "explain",
     .group = "OUT",
     .arguments = "[FAULT]",
     .sentence = "a fault code in full: what, why, what to do",
     .about =
         "FAULT is HKM-104, 104, the name (tls-sll-hdr-reset) or the tag (TLS_SLL_HDR_RESET).\n"
         "Without it all faults are listed. Needs no capture.\n",
     .examples = "  hakmem-trace explain HKM-104\n"
                 "  hakmem-trace explain double-free\n",
     .arguments_max = 1,
     .run = command_explain},
    {.name = "completion",
     .group = "OUT",
     .arguments = "SHELL",
     .sentence = "completion of command lines for bash, zsh or fish",
     .about = "SHELL is bash, zsh or fish. Prints a file for it, made from the same table as this\n"
              "help. `make install` puts all three in their places.\n",
     .examples = "  eval \"$(hakmem-trace completion bash)\"\n"
                 "  hakmem-trace completion fish >~/.config/fish/completions/hakmem-trace.fish\n",
     .arguments_min = 1,
     .arguments_max = 1,
     .run = command_completion},
    {.name = "help",
     .group = "OUT",
     .arguments = "[COMMAND]",
     .sentence = "this page, or that of COMMAND",
     .about = "The same as `hakmem-trace --help` and `hakmem-trace COMMAND --help`.\n",
     .examples = "  hakmem-trace help why\n",
     .arguments_max = 1,
     .run = command_help},
    {.name = NULL},
};
