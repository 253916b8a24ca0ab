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
#include "viewer/reduce/reduce.h"
#include "viewer/replay/replay.h"
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
    {"baseline", 0, "FILE", "leave out findings in this baseline"},                                \
    {"leak-growth", 0, "N%", "a leak of the baseline that grew by more than this is new (20%)"},   \
    {"suppressions", 0, "FILE", "leave out findings that a line of this file matches"}
#define SKIP_OPTION                                                                                \
    {"skip", 0, "REGEX",                                                                           \
     "pass over functions that match, as over malloc; kept in the store (\"\": none)"}
#define PROFILE_OPTIONS                                                                            \
    PROCESS_OPTION("only this process"),                                                           \
    {"thread", 't', "N", "only allocations of the Nth thread of a process"},                       \
    {"focus", 0, "REGEX", "only stacks with a function, file:line or module that matches"},        \
    {"ignore", 0, "REGEX", "leave out stacks with one that matches"},                              \
    {"limit", 'n', "N", "at most N lines; 0 = all"}
/* clang-format on */

static const struct view_option run_options[] = {
    {"force", 'f', NULL, "replace an existing store"},
    {"exitcode", 0, "N", "exit status when a fault was found (default 1)"},
    {"ci", 0, NULL,
     "for a CI job: reports into a log, JUnit and SARIF beside the store. Leaks count "
     "as faults, no colour; a short list of the new findings at the end"},
    {"junit", 0, "FILE", "writes the findings as JUnit XML; %e and %p as in --store"},
    {"sarif", 0, "FILE", "writes the findings as SARIF 2.1.0; %e and %p as in --store"},
    ANNOTATIONS_OPTION,
    SOURCES_OPTION,
    {"wait", 'w', NULL, "also wait for processes that PROGRAM leaves behind"},
    {"core", 0, NULL,
     "lets processes leave core files; writes the report of each one's crash beside its core, into "
     "CORE.hakmem.txt"},
    {"push", 0, "URL",
     "sends the findings to a server, faults as they happen and the rest at the end, or into the "
     "queue (docs/fleet.md); also HAKMEM_PUSH"},
    {"label", 0, "KEY=VALUE", "--push: a label of this run, as version=1.2; several times"},
    {"host", 0, "NAME", "--push: the machine's name (default: HAKMEM_HOST, else its own)"},
    {"allocator", 0, "hakmem|keep",
     "keep: PROGRAM keeps its own allocator; allocations and frees are recorded, "
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
     "fault N of that capture, as `faults` counts (default: the one with the best evidence)"},
    {"runs", 'n', "N", "at most N runs; each plan is tried again until then (default: each once)"},
    {"timeout", 't', "SECONDS", "ends a run after this time (default: never)"},
    {"output", 'o', "FILE", "the store that is kept; %e is the program's name, %p a process id"},
    {"force", 'f', NULL, "replace an existing store"},
    {"show", 0, "first|all|none", "the runs whose output is shown (default: first)"},
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
    {"output", 'o', "FILE",
     "profile: write FILE instead of a table: pprof (.pb.gz), collapsed (.folded) or a store "
     "(.db)"},
    {"format", 0, "FORMAT", "profile: pprof, collapsed or store (default: by the name of FILE)"},
    {"for", 0, "TIME", "profile: read it twice, 30s or 200ms apart, and show what changed"},
    {"serve", 0, "ADDRESS",
     "profile: answer GET /debug/pprof/heap at 127.0.0.1:PORT, [::1]:PORT or unix:PATH, until "
     "Ctrl-C"},
    {"anywhere", 0, NULL, "--serve: ADDRESS may be one that other machines reach; needs --token"},
    {"token", 0, "FILE", "--serve: requests need the token in FILE, as Bearer or password"},
    {"prometheus", 0, NULL, "stats: as metrics that Prometheus reads (OpenMetrics 1.0)"},
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
    {"superslabs", 0, NULL, "one line for each SuperSlab: owners, tiers, start and end"},
    {"from-log", 0, NULL, "count the log, not the program's counters"},
    {"quick", 0, NULL, "do not read the log: nothing is compared with it"},
};

static const struct view_option faults_options[] = {
    PROCESS_OPTION("only this process"),
    KNOWN_OPTIONS,
    {"stacks", 0, NULL, "the whole stacks of every fault; with N, the report with whole stacks"},
    {"write-baseline", 0, "FILE", "puts every finding into this baseline; creates it if needed"},
    {"prune", 0, NULL, "with --write-baseline: removes findings that were not found any more"},
    {"quickfix", 0, NULL, "as a compiler's errors, FILE:LINE: error: ..., for an editor's list"},
    {"sources", 0, "FOLDER", "--quickfix: paths are relative to this folder (default: whole)"},
};

static const struct view_option export_options[] = {
    {"output", 'o', "FILE", "into this file (default, and -: stdout); gzip'd if it ends in .gz"},
    {"at", 0, "WHEN",
     "peak (default), start, end, mark:NAME, seconds (1.5), 200ms, 50%, or #EVENT"},
    {"between", 0, "A B", "the events between two moments, each as --at has it"},
    {"by", 'b', "WHAT",
     "bytes (default), blocks, calls, short-lived or growth: what a flame graph shows"},
    {"per", 0, "WHAT", "frames of a flame graph: function (default), line, file or module"},
    {"short-lived", 0, "N", "short-lived: freed before the same thread's next N allocations (1)"},
    {"events", 0, NULL, "csv, jsonl: the events of the log, not the rows of the profile"},
    PROCESS_OPTION("only this process"),
    {"thread", 't', "N", "only allocations of the Nth thread of a process"},
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
     "function (default), line, file, module, stack, class, size, lifetime, thread, process, or "
     "with --pools pool"},
    {"tree", 0, NULL, "a tree of calls, from main on"},
    {"bottom-up", 0, NULL, "a tree of callers, from the allocating function on"},
    {"at", 0, "WHEN",
     "peak (default), start, end, mark:NAME, seconds (1.5), 200ms, 50%, or #EVENT"},
    {"between", 0, "A B", "the events between two moments, each as --at has it"},
    {"short-lived", 0, "N", "short-lived: freed before the same thread's next N allocations (1)"},
    PROFILE_OPTIONS,
    SKIP_OPTION,
    {"mapped", 0, NULL, "the program's own mappings (mmap, brk) instead of its blocks"},
    {"pools", 0, NULL, "pieces of the program's own pools (hakmem.h) instead of its blocks"},
    {"stacks", 0, NULL, "with --per stack: the whole stack of every line"},
    {"all", 'a', NULL, "frames of libraries, wrappers and starts of threads, too"},
};

static const struct view_option heap_options[] = {
    {"at", 0, "WHEN",
     "the memory of this moment's blocks: peak (default), start, end, mark:NAME, seconds (1.5), "
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

static const struct view_option replay_options[] = {
    {"against", 0, "LIST",
     "glibc, jemalloc, tcmalloc, mimalloc, hakmem or paths of libraries, separated by commas "
     "(default: all five)"},
    {"speed", 0, "full|recorded",
     "full (default): as fast as the order allows; recorded: at the recorded times, idle ones too"},
    {"touch", 0, "first|pages|all",
     "what is written of a block: its first word, a byte of each page (default), or every byte"},
    {"html", 0, "FILE",
     "a picture as well: the resident memory of all over the calls, one page for a browser (-: the "
     "page alone, to stdout)"},
    PROCESS_OPTION("this process (default: the one with the most events)"),
};

static const struct view_option reduce_options[] = {
    {"fault", 0, "N", "this fault (default: the first one); `faults` lists them"},
    {"c", 0, "FILE", "writes the sequence as a C program, whose head says how it is run"},
    {"check", 0, "CMD",
     "a test of your own in place of the report: a sequence counts where the shell's command CMD "
     "ends with status 0"},
    {"time", 0, "SECONDS", "ends after this time, with the shortest so far (default 300)"},
    PROCESS_OPTION("--check without --fault: this process (default: the one with the most events)"),
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
    {"why", 0, "ADDR", "the block at ADDR (hex), or at @fault: its owner, live or free, its list"},
    {"owner", 0, "ADDR", "the same in brief: without its neighbours, and without the store"},
    {"block", 0, "ADDR", "every life of the block, out of the store (as the command `block`)"},
    {"history", 0, "ADDR", "every event of the block, out of the store (`block --moves`)"},
    {"layers", 0, NULL, "blocks of each class by layer and list"},
    {"top", 0, NULL, "the biggest holders: by allocating stack if the core has it, else by class"},
    {"leaks", 0, NULL, "unreachable live blocks, by stack, else by class"},
    {"check", 0, NULL, "damage in lists, counts, states, and in the bytes in and around blocks"},
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
    {"program", 0, "NAME", "runs of this program: its path, or its file's name"},
    {"release", 0, "VERSION", "runs of this version; several: of any of them"},
    {"label", 0, "KEY=VALUE",
     "runs that were pushed with this label: version=1.3.0; several: with all"},
    {"new-since", 0, "BUILD",
     "findings of no build that was first seen before this build or version"},
    {"gone-since", 0, "BUILD",
     "findings that neither this build or version has, nor one first seen after it"},
    {"by", 0, "SPAN", "trend: day (default), week or month"},
    {"limit", 'n', "N", "at most N lines (50; trend 60, show 20, html 200); 0 = all"},
    {"days", 0, "N", "keep: removes runs older than N days"},
    {"count", 0, "N", "keep: removes runs older than the newest N"},
    {"dry-run", 0, NULL, "keep: only lists what would be removed"},
};

static const struct view_option push_options[] = {
    {"to", 0, "URL", "the server: postgresql://HOST/DATABASE (default: HAKMEM_PUSH)"},
    {"profile", 0, NULL, "the sampled heap profile that `ctl PID profile -o FILE.db` read"},
    {"whole", 0, NULL, "all of the capture, so that every question can be asked there"},
    {"jobs", 'j', "N", "--whole: connections that send, 1 to 32 (default: 2)"},
    {"label", 0, "KEY=VALUE", "a label of the run, as version=1.2; may be given several times"},
    {"host", 0, "NAME", "the machine's name (default: HAKMEM_HOST, else its own)"},
    {"queue", 0, NULL, "sends the documents of the queue, each to its own server"},
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
         "Runs PROGRAM with hakmem-debug.so as its allocator and records every block's way into\n"
         "a store. PROGRAM's input, output and errors are left alone. A fault's report goes to\n"
         "stderr (or --log FILE). HAKMEM_... variables that are already set apply if no option\n"
         "is given. An existing store is refused unless --force. Findings known to --baseline or\n"
         "--suppressions are not reported and do not stop PROGRAM. A baseline that does not exist\n"
         "is made with what this run found. With --ci it writes files for a CI service next to\n"
         "the store (STORE.log, .junit.xml, .sarif), and leaks count as faults: see docs/ci.md.\n"
         "On a terminal it ends with the peak, the place that allocated it, and the number of\n"
         "calls. With --core the report of a process that dies is written beside its core file,\n"
         "or beside the store if the kernel wrote none.\n"
         "\n"
         "Exit status: 1 (--exitcode N: another number) for an unknown fault in any process of\n"
         "the tree. Else PROGRAM's own status, or 128+n for its signal; 2 when PROGRAM cannot be\n"
         "started. 4 when its last records were not stored; that is given up after 10 s without\n"
         "a write. With --json the document is printed on stdout after PROGRAM's end.\n"
         "\n"
         "Signals sent to `run` are passed on. If PROGRAM did not end by the first TERM or INT,\n"
         "a second one ends `run` (status 128+n): PROGRAM is left alone and recorded on. A\n"
         "third within 5 s ends the recording: the store is closed, and PROGRAM goes on\n"
         "unrecorded. The same signal again within a second counts once.\n",
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
         "Runs PROGRAM in level normal first. Damage found late names the block, not its writer.\n"
         "In the next run the blocks of that allocation stack lie alone between closed pages\n"
         "(HAKMEM_GUARD=only:), on the side of the damage. The processor stops the program at\n"
         "the instruction. If the first run finds nothing, every block is guarded. String\n"
         "functions are checked at their call. With -s FILE [--fault N] it begins with the\n"
         "findings of that capture. It stops at a report that names the instruction, the call or\n"
         "the move, once a run had every block guarded. Of two findings the earlier one is named.\n"
         "It prints a line for each run, then the report and its store.\n"
         "\n"
         "Each run has the same standard input: a file is read from the same place, and input\n"
         "from a pipe is kept. PROGRAM's output is shown for the first run. Variables HAKMEM_\n"
         "that are set apply to all runs. Ctrl-C ends the hunt with the facts known so far.\n"
         "\n"
         "Exit status: 1 (--exitcode N: another number) when a fault or a crash was found, 0\n"
         "when none was. 2 when PROGRAM cannot be started, 3 when FILE cannot be read, 4 when\n"
         "PROGRAM was not recorded, 128+n when signal n ended the hunt.\n",
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
     .sentence = "record a running program for a while",
     .about =
         "Loads hakmem-attach.so into process PID and records over its own allocator until TIME\n"
         "is over, Ctrl-C is pressed or the process ends. Then it detaches: the process runs at\n"
         "full speed and can be recorded again any time. Nothing is checked. Earlier allocations\n"
         "are unknown; `info` counts the frees of such blocks. Forked children and executed\n"
         "programs are not recorded.\n"
         "\n"
         "One of its threads makes the calls for that, at a moment when it is neither in the\n"
         "allocator nor in ld.so. The others run on. Killed at any moment, this command leaves\n"
         "the process whole. The next `record -p PID` detaches a process that is still being\n"
         "recorded.\n"
         "\n"
         "It needs ptrace permission: its user, if kernel.yama.ptrace_scope is 0, else root,\n"
         "also for a daemon that changed its user. Refused with the reason: another user's\n"
         "process, one that is traced or stopped, in a seccomp sandbox, or in another container.\n"
         "Also one that is static, not of glibc, or under hakmem already (docs/specs/attach.md).\n"
         "\n"
         "Exit status: 0; 2 it was refused or could not begin; 3 the capture cannot be read; 4\n"
         "it could not detach or the capture is incomplete.\n",
     .examples = "  hakmem-trace record -p 4711 --for 30s\n"
                 "  hakmem-trace record -p $(pidof redis-server) -s redis.db\n",
     OPTIONS(record_options),
     .arguments_min = 0,
     .arguments_max = 0,
     .run = command_record},
    {.name = "ctl",
     .group = "RECORD",
     .arguments = "PID [status|start|stop|mark NAME|flush|sweep|leaks|store|profile|stats|set]",
     .sentence =
         "ask a running program: stop or go on recording, a mark, leaks, heap profile, figures",
     .about =
         "PID is a process that runs under hakmem, each forked child one of its own.\n"
         "\n"
         "  status     (default) its level, its store, recorded events, losses; of level light "
         "the\n"
         "             number of watched blocks and of reports\n"
         "  stop       new blocks are not recorded, until start. The end of recorded blocks still\n"
         "             is, and checks go on. Answers name that time. Level light: no more blocks\n"
         "             are guarded\n"
         "  start      recording goes on, or begins (run --start-paused)\n"
         "  mark NAME  a mark in its record, as hak_mark() of hakmem.h sets. mark:NAME means its\n"
         "             moment, with --at, --since and --until. One line of at most 200 bytes\n"
         "  flush      ends when everything recorded so far is in the store\n"
         "  sweep      looks at all blocks for damage, as HAKMEM_SWEEP_SIGNAL does\n"
         "  leaks      looks for leaks, as hak_find_leaks() does; all threads stop meanwhile\n"
         "  store      level light: the known facts of its watched blocks go into its store\n"
         "  profile    who holds how much, by stack, estimated from sampled blocks: of level\n"
         "             light, and of libhakmem.so started with HAKMEM_HEAP_PROFILE=RATE, which "
         "sets\n"
         "             the rate of both. A table as `top` prints it, or\n"
         "             the FILE of -o. With --for TIME what was allocated, freed and grew in it;\n"
         "             Ctrl-C ends the wait early. A store is read by top, heap, diff, html, view\n"
         "             and export\n"
         "  stats      figures of its allocator, also of libhakmem.so: live, mapped, kept memory, "
         "by\n"
         "             size class; --json, or --prometheus as metrics\n"
         "  set        decay=TIME: free pages are kept so long. purge=now: what can be spared goes "
         "back\n"
         "             to the kernel. guard=sample:N: level light, one call in N gets a guarded "
         "block.\n"
         "             profile=RATE: level light, one sample for each RATE bytes (64K) from now "
         "on\n"
         "\n"
         "status, stats, profile and flush read its memory, and it does nothing for them. The "
         "thread "
         "that "
         "next\n"
         "calls the malloc family does the others (level light: by its next look, one allocation\n"
         "of a thread in 256). A program that sleeps, is stopped or calls nothing does not\n"
         "answer: after --timeout the request is withdrawn. sweep needs level normal or light,\n"
         "leaks normal or trace. Reports go where the program's go. A sweep that finds damage\n"
         "ends it, except under HAKMEM_ON_FAULT=continue.\n"
         "\n"
         "It needs ptrace permission: its user, if kernel.yama.ptrace_scope is 0, else root.\n"
         "Several ctl wait for one another.\n"
         "\n"
         "Exit status: 0. 1 damaged or leaked blocks were found. 2 no such process, no hakmem or\n"
         "no heap profile in it, no permission, or it ended. 3 its heap profile cannot be read. 4\n"
         "it does not answer in time, or there is no sample yet.\n",
     .examples =
         "  hakmem-trace ctl 4711\n"
         "  hakmem-trace ctl 4711 mark before-reload\n"
         "  hakmem-trace ctl 4711 profile --for 30s\n"
         "  hakmem-trace ctl 4711 profile -o server.pb.gz\n"
         "  hakmem-trace ctl 4711 profile --serve 127.0.0.1:6060\n"
         "  hakmem-trace ctl 4711 stats --prometheus >hakmem.prom\n"
         "  hakmem-trace ctl 4711 set decay=2s\n"
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
         "A recorded program may find hakmem-collect missing, or fail to start it. It says so in\n"
         "one line and writes its newest events into a file, hakmem.PROGRAM.PID.rings. Programs\n"
         "that it executes write their own files. Name all files that belong together: they\n"
         "become one store, next to the first of them, with .db for .rings (-s FILE: another).\n"
         "The files are not changed. Names and lines are looked up now, in the programs' files\n"
         "on this machine. Events that were overwritten by newer ones are counted as lost.\n"
         "\n"
         "Exit status: 0; 2 the store exists already or a program still writes; 3 a FILE or its\n"
         "store cannot be read; 4 events were lost.\n",
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
         "ADDR is 0x7f.., 7f.., p:N (the Nth allocation), @fault or @fault:N (the place of the\n"
         "Nth fault), or SYMBOL+OFFSET (static data): a symbol of the program, else of another\n"
         "module, never of hakmem. FILE:SYMBOL chooses one of several by source file or module;\n"
         "a C++ name may lack its namespaces and classes. Every owner of the block is listed;\n"
         "`>` marks the first wrong event, only with evidence. Of memory that the program mapped\n"
         "itself (mmap, mremap, brk) it says who mapped, opened or closed, moved and unmapped it.\n"
         "\n"
         "Exit status: 0 nothing wrong with this block, 1 a wrong event or a fault, 4 events\n"
         "were lost while it was in use.\n",
     .examples = "  hakmem-trace why 0x5581a8c31054\n"
                 "  hakmem-trace why @fault --stacks\n"
                 "  hakmem-trace why orders.c:pool\n",
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
         "ADDR as for `why`. Two lines for each life: the allocation and the free, with thread\n"
         "and place; then totals over all lives (with --since and --until, over those). The\n"
         "memory needed does not grow with their number. `why` looks at the newest lives and\n"
         "judges them.\n"
         "\n"
         "Exit status: 0; 1 a life was ended twice or there is a fault on this block; 4 events\n"
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
         "One line for each event, oldest first. An event is shown if all options match it.\n"
         "WHERE shows the program's function. If a layer moved a block, it shows both places; if\n"
         "a slab, a SuperSlab or a cache changed, its new state.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost. 3 when the capture is\n"
         "damaged there: the part before it is printed, JSON is closed and contains the error.\n",
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
     .sentence = "the findings, one line each; `faults N` the whole report",
     .about =
         "Faults, crashes, and leaks that count as faults (L1, L2, ...; `leaks` has all), each\n"
         "with its fingerprint, which is the same in every run. --baseline and --suppressions\n"
         "list only unknown findings, then baselined ones that were not found any more (of\n"
         "programs in this capture). Leaks that are reported only (--leaks=1) are counted in a\n"
         "sentence.\n"
         "\n"
         "--write-baseline FILE puts every finding into FILE. Existing entries stay, with their\n"
         "notes, so several captures can be added; of a leak the most blocks and bytes are kept.\n"
         "A leak that grew by more than --leak-growth since is new. --prune removes those of this "
         "capture's\n"
         "programs that were not found. Crashes are not added; leaks that are reported only are.\n"
         "\n"
         "Exit status: 0 nothing (new) is in the capture, or the baseline was written. 1 there\n"
         "is something, or a fault has no report (`unreported` in the JSON). 4 there is nothing,\n"
         "but events were lost.\n",
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
     .sentence = "unreachable blocks, by stack; --held: all blocks not freed",
     .about =
         "One line for each stack with leaked blocks of the last leak scan: direct leaks first,\n"
         "biggest first, then indirect ones, reachable only from leaked blocks. The age is\n"
         "counted to the time of the scan; `served by` is the layer that served the newest of\n"
         "them. `leaks N` shows the whole stack of one. With --baseline or --suppressions only\n"
         "unknown leaks are listed.\n"
         "\n"
         "A scan is made at exit with `run --leaks=1` (HAKMEM_LEAKS), on a signal\n"
         "(HAKMEM_LEAKS_SIGNAL), or by hak_find_leaks() of hakmem.h.\n"
         "\n"
         "--held needs no scan: it lists the blocks not yet freed at the end, or at the moment\n"
         "of --at, by stack, biggest first. They may be reachable or not. A forked child holds\n"
         "what it inherited.\n"
         "\n"
         "Exit status: 0. 1 a leak counts as a fault (--leaks=error, --ci) and is new; not of\n"
         "`leaks N`. 4 a scan missed pieces of the program's own pools, or events were lost, and\n"
         "no scan was made or --held was given.\n",
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
     .sentence = "who holds the memory, by function, stack, class, ...; --by growth, short-lived",
     .about =
         "One line for each function: the bytes and blocks that it holds at the peak of the\n"
         "program (--at: another moment), as the program asked for them. Beside them the sum\n"
         "with the functions that it calls. A function is the program's first one past libraries\n"
         "and wrappers of malloc. --skip passes over others, and the store keeps that for all\n"
         "later answers. The lines, with `... more`, are the total.\n"
         "\n"
         "--by calls, short-lived and growth are of a span: the whole capture, up to --at, or\n"
         "--between A B. There `bytes` is the bytes allocated in it. `short-lived` is the part\n"
         "freed before the same thread's next allocation, `grown` the net growth over the span.\n"
         "--by growth alone looks at the second half of the time before the program frees its\n"
         "blocks. Functions that rise all through it are marked `still growing` and stand first.\n"
         "--between alone sorts by growth.\n"
         "\n"
         "A child of a fork holds what it inherited. A process that has ended holds nothing, but\n"
         "--at end shows what each held at its own end. realloc in place stays with the stack\n"
         "that allocated the block. --mapped shows the program's own mappings in the same way,\n"
         "without inaccessible memory (PROT_NONE). --pools shows the pieces that the program's\n"
         "pools handed out, a line for each place and pool; the peak is theirs then. Without it,\n"
         "guarded pieces (hak_pool_alloc_guarded) count as blocks.\n"
         "\n"
         "Reads the log from the start of the span; for --at peak all of it.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost. 3 when the capture is\n"
         "damaged: the answer ends before that, and says so.\n",
     .examples = "  hakmem-trace top\n"
                 "  hakmem-trace top --tree --at 12.5\n"
                 "  hakmem-trace top --by short-lived --per stack\n"
                 "  hakmem-trace top --between mark:loaded end --bottom-up\n"
                 "  hakmem-trace top --per size --focus parse_row\n"
                 "  hakmem-trace top --mapped --at end\n"
                 "  hakmem-trace top --pools --per pool\n",
     OPTIONS(top_options),
     .arguments_max = 1,
     .asks = true,
     .run = command_top},
    {.name = "heap",
     .group = "SEE",
     .arguments = "",
     .sentence = "live bytes over time, the peak of each process, slack and RSS",
     .about =
         "A line for each part of the time: the most live bytes in it, the live bytes at its\n"
         "end, and the bytes allocated and freed in it. Bytes are those that the program asked\n"
         "for. Then the peaks of the processes, and the memory that the blocks of the peak\n"
         "(--at: another moment) take.\n"
         "\n"
         "A child of a fork holds what it inherited; the timeline adds up the running processes.\n"
         "`top --at` shows who holds the bytes of a moment. Reads the log from the start of the\n"
         "time on.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost. 3 when the capture is\n"
         "damaged: the answer ends before that, and says so.\n",
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
         "live bytes. Flame graph, sandwich and table show a moment or a span of it: live,\n"
         "allocated, freed, short-lived or grown, by function, line, file and module, exact to\n"
         "the byte. Beside them stand the faults with their reports, the processes, and each\n"
         "layer's share, with the SuperSlabs over time.\n"
         "\n"
         "A page holds the programs' activity, with names of functions, files and command lines,\n"
         "but no contents of blocks. In large captures the steps of the time get longer. FILE is\n"
         "replaced, but never if it is a capture.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost. 3 when the capture is\n"
         "damaged: the answer ends before that, and says so.\n",
     .examples = "  hakmem-trace html\n"
                 "  hakmem-trace html -s app.db report.html\n"
                 "  hakmem-trace html --process 4711 server.html\n",
     OPTIONS(html_options),
     .arguments_max = 1,
     .run = command_html},
    {.name = "diff",
     .group = "SEE",
     .arguments = "OLD NEW",
     .sentence = "two captures, or two moments of one: growth, new and gone",
     .about =
         "One line for each function that holds more or less at the peak of the capture NEW than\n"
         "at that of OLD (--at: another moment of both), the greatest change first. Functions\n"
         "are matched by name and file, lines and stacks by function and line, code without\n"
         "names by its place in the module. Load addresses and the folder of the build do not\n"
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
         "The timeline of live bytes, and below it the holders of a moment, or the bytes\n"
         "allocated, freed and grown between two. Lines are functions, lines, files, modules,\n"
         "stacks, classes, sizes, lifetimes, threads or processes, or a tree of calls or\n"
         "callers. The timeline zooms to a span. Enter goes from a line to its stacks, to the\n"
         "live blocks of a stack, and to the story of one block (why). The faults have their\n"
         "reports there. ? shows the keys, which are those of less and htop; the mouse works if\n"
         "there is one. A capture that is still written is read again each second.\n"
         "\n"
         "It needs a terminal of 60 columns and 16 lines; colours as --color has them.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost; 2 without a terminal. 3\n"
         "when the capture is damaged: what lies before the damage is shown.\n",
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
     .sentence = "each layer's share, hit rates, refills, drains, tiers; --over TIME",
     .about =
         "One line for each size class: its mallocs and, in per cent, the layers that served\n"
         "them. Then refills (number and blocks), spills, frees by other threads, and slabs\n"
         "taken. The figures are the program's own counters; the log is counted, too, to check\n"
         "that both agree. Captures without counters are counted from the log alone, and the\n"
         "output says so.\n"
         "\n"
         "Below: hits of each layer, of the mallocs that reached it; freed blocks by place;\n"
         "moves; slabs by the stage that found them. Then SuperSlabs, their tiers and lives;\n"
         "frees for other threads; large blocks; capacities and learning; page calls.\n"
         "\n"
         "Exit status: 0; 1 counters and log disagree; 4 events were lost or the last counters\n"
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
     .sentence = "threads, and their use of the heap",
     .about =
         "One line for each thread: its start and end, its calls, the bytes that it asked for,\n"
         "and its last event. `remote` counts frees of blocks in another thread's SuperSlab.\n"
         "Reads the whole log.\n"
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
     .sentence = "loaded modules, and how much is known about their code",
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
     .sentence = "contents and completeness of the capture",
     .about =
         "Program, events, faults, losses, and the process tree: `=>` is the program that a\n"
         "process became. Of long trees the first children are shown, and those with faults or\n"
         "losses. For larger files, the parts that take the bytes. `info --options` needs no\n"
         "capture: it lists the variables.\n"
         "\n"
         "--clean lists the hakmem stores among the files hakmem.*.db in this folder, except the\n"
         "newest one and those still being written. With --yes these files are removed, with\n"
         "their -wal and -shm.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost; 3 when --yes could not\n"
         "remove a file.\n",
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
     .sentence = "check that the capture is intact and every block's path legal",
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
     .sentence = "a core file alone, or a process: the block of an address, its state and list",
     .about =
         "FILE is a core file of a program that ran with libhakmem.so, hakmem-debug.so or linked\n"
         "with libhakmem.a, written by the kernel or by gdb (gcore). No recording is needed: the\n"
         "command reads the allocator's own lists, by a table that the library carries. No debug\n"
         "information is needed, and a stripped program suffices. A core leaves some parts to\n"
         "the mapped files; they are read from these, if they are still the same. PROGRAM\n"
         "replaces one that lies elsewhere now. PID: an existing process. None of its code runs,\n"
         "and it should stand still (a debugger's breakpoint, SIGSTOP), or lists change\n"
         "meanwhile.\n"
         "\n"
         "Without options: the process, its end, and its heap. --why ADDR: the block of ADDR,\n"
         "live or free, its list and thread, and its neighbours. Also the size asked for and the\n"
         "stacks of allocation and free, if known (not in level light and libhakmem.so). For a\n"
         "recorded process it adds the store's answer (as `why`). That is the store of -s, else\n"
         "the process's own, known by the recording's id. --layers: blocks by class and by\n"
         "place, live or in a layer's lists.\n"
         "\n"
         "--top: live blocks by the stack that allocated them, biggest first; by class if the\n"
         "core has no stacks (always so with libhakmem.so).\n"
         "\n"
         "--leaks: unreachable live blocks, searched from all writable memory, stacks and\n"
         "registers, by the rules of the scan inside the program (`leaks`). Memory that the core\n"
         "leaves out may hold pointers: then each is a possible leak, and the status 4.\n"
         "\n"
         "--check: damage. It compares counts with bitmaps and states with lists, and finds\n"
         "links that lead nowhere or 16 bytes off, and blocks in two lists. In levels normal and\n"
         "trace it also checks headers, canaries and the bytes of freed blocks, as far as they\n"
         "have them. A disagreement that no fault of a program explains is reported as\n"
         "hak_verify() does. Lists of a thread that stopped inside the allocator are left out,\n"
         "except those of the one that ended it.\n"
         "\n"
         "Exit status: 0; 1 --check or --leaks found something; 2 wrong use; 3 FILE cannot be\n"
         "read, is no core file, or has no fitting hakmem. 4 the core is cut off or leaves out\n"
         "memory that was asked for.\n",
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
         "has\n"
         "each file's content and how to open it):\n"
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
         "Findings: junit is JUnit's XML: a suite for each program, a case for each finding, "
         "and\n"
         "one that passes if there is none. sarif is SARIF 2.1.0, with the stacks of "
         "allocation,\n"
         "free and fault. codequality is the JSON that GitLab shows in a merge request. Findings "
         "that\n"
         "--baseline or --suppressions know are marked as skipped or suppressed. Paths are "
         "relative\n"
         "to the top of the repository (the folder with .git at or above this one), or to "
         "--sources.\n"
         "\n"
         "A file is written whole or not at all. Exit status: 0 it was written, whatever was\n"
         "found. 4 for profile and log when events of this capture were lost.\n",
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
     .sentence = "send findings, a heap profile or a whole capture to a PostgreSQL server",
     .about =
         "Sends the findings of a capture (faults, crashes, leaks, with their reports) and the\n"
         "facts of its run: host, program, build, labels, memory held. Known findings are not\n"
         "sent twice. While its programs run, it sends the findings until then. docs/fleet.md\n"
         "has all of it.\n"
         "\n"
         "A push goes into a queue on disk first, $XDG_STATE_HOME/hakmem_push or else\n"
         "~/.hakmem_push, and leaves it when the server has it. If the server is away it waits\n"
         "there for the next push or `run --push` to that server, or for --queue. The queue\n"
         "takes 1,000 documents and 64 MiB; the oldest make room, and the next push says so.\n"
         "\n"
         "With --profile it sends a sampled heap profile instead: the process, when it was read,\n"
         "and the estimates of each stack. `fleet top` and `fleet diff` show them. The same one\n"
         "pushed again is not counted twice.\n"
         "\n"
         "With --whole the capture's tables are sent, too, into schema hakmem of the database,\n"
         "and its number there is printed. Other commands read it with -s\n"
         "'postgresql://HOST/DATABASE?capture=N'. An interrupted push goes on from there when it\n"
         "is typed again; at the end hashes and numbers of rows are compared. A capture that is\n"
         "still being written is sent as it is now.\n"
         "\n"
         "Passwords belong into ~/.pgpass or a service file of libpq; in a URL they are refused.\n"
         "?answer_timeout=SECONDS in it is how long the server may be silent, 300 if not given,\n"
         "0 without end.\n"
         "\n"
         "Exit status: 0. 2 the command line is wrong. 3 the capture cannot be read, or the\n"
         "server is away, full or refuses; 4 documents of the queue were damaged.\n",
     .examples =
         "  hakmem-trace push -s app.db --to postgresql://db.example.org/heap --label version=1.2\n"
         "  hakmem-trace push --profile -s heap.db --to postgresql://db.example.org/heap\n"
         "  hakmem-trace push --queue\n"
         "  hakmem-trace push --whole -s app.db --to postgresql://db.example.org/heap\n"
         "  hakmem-trace why @fault -s 'postgresql://db.example.org/heap?capture=7'\n",
     OPTIONS(push_options),
     .run = command_push},
    {.name = "fleet",
     .group = "OUT",
     .arguments = "[WORD]",
     .sentence = "findings and heap profiles of many machines, by host, version, time",
     .about =
         "Asks a server to which machines push their findings. WORD is\n"
         "\n"
         "  findings   (default) each fingerprint with its number of finds, runs, hosts and "
         "builds,\n"
         "             and its first time; the one in most runs first\n"
         "  hosts      the same from the side of the machines\n"
         "  builds     and of the programs: the findings of each build, and how many are new\n"
         "  trend [FINGERPRINT]\n"
         "             finds by day, week or month: of all findings, or of one\n"
         "  show FINGERPRINT\n"
         "             one finding: hosts and builds, the newest report as it was printed, and\n"
         "             the command for the block's story if the whole capture was pushed\n"
         "  top        the heap profiles that `push --profile` sent: who holds how much, by "
         "stack,\n"
         "             over all hosts. Of each process its newest profile counts\n"
         "  diff VERSION VERSION\n"
         "             the same: live bytes a process by stack, from one version to another\n"
         "  baseline FILE\n"
         "             adds the findings to a baseline, which `run --baseline FILE` reads\n"
         "  html [FILE]\n"
         "             one page for a browser (fleet.html; -: stdout): the findings as a table to\n"
         "             sort and to search, each with its trend, hosts, builds and newest report\n"
         "  setup      lays out the database: tables, partitions for two years, and two roles.\n"
         "             hakmem_writer may only insert, hakmem_reader may only read. The database\n"
         "             owner runs it once, and again with each newer hakmem: it makes only what\n"
         "             is missing\n"
         "  keep       removes runs that are older than --days N or than the newest --count N,\n"
         "             with their findings. It also removes heap profiles read before that, and\n"
         "             whole captures pushed before that, unless a remaining run names them. For\n"
         "             the owner, as setup\n"
         "\n"
         "count is the number of finds. estimate multiplies it with the rate of level light,\n"
         "which watches one allocation in so many. Builds are in the order in which each was\n"
         "first seen, as old ones still run beside new ones. Times are UTC.\n"
         "\n"
         "Heap profiles are estimates. error is the standard error of the sampling; a change\n"
         "within two of them is marked.\n"
         "\n"
         "Passwords belong into ~/.pgpass or a service file, never into the URL. Questions need\n"
         "the role hakmem_reader. ?answer_timeout=SECONDS in the URL is how long the server may\n"
         "be silent, 300 if not given, 0 without end.\n"
         "\n"
         "Exit status: 0; 2 wrong command line or no such finding; 3 the server is away or\n"
         "refuses.\n",
     .examples = "  hakmem-trace fleet setup --to postgresql://db.example.org/heap\n"
                 "  hakmem-trace fleet --to postgresql://db.example.org/heap\n"
                 "  hakmem-trace fleet --new-since 1.1 --to postgresql://db.example.org/heap\n"
                 "  hakmem-trace fleet show HKM-202:5f0c1d9e22ab4471 --to "
                 "postgresql://db.example.org/heap\n"
                 "  hakmem-trace fleet diff 1.1 1.2 --program server --to "
                 "postgresql://db.example.org/heap\n"
                 "  hakmem-trace fleet keep --days 180 --to postgresql://db.example.org/heap\n",
     OPTIONS(fleet_options),
     .arguments_max = 3,
     .run = command_fleet},
    {.name = "sql",
     .group = "OUT",
     .arguments = "[QUERY|-]",
     .sentence = "a query, or a shell, with the log as tables",
     .about =
         "Tables: event, block, life, live, profile, stack_frame (computed while they are read),\n"
         "fault, loss, mark, process, thread, module and more. `.tables` lists them, `.schema\n"
         "TABLE` their columns, the view table_column both; docs/specs/store.md says what they\n"
         "mean. Prints a table on a terminal, tab-separated values otherwise. Characters that\n"
         "would break a line or affect a terminal are written as \\n, \\t, \\xNN and \\\\\n"
         "(--json gives them as they are). `process` and `thread` are row ids: `select id, pid,\n"
         "command_line from process`. `-` reads queries from stdin; without QUERY a shell opens\n"
         "(on a terminal), with line editing and a history (~/.hakmem_sql_history). Nothing can\n"
         "be changed.\n"
         "\n"
         "Exit status: 0 also when events were lost (stderr and `completeness` of --json say\n"
         "so). 2 when a query is wrong, 3 when the capture is damaged where it was read.\n",
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
    {.name = "replay",
     .group = "OUT",
     .arguments = "",
     .sentence = "the capture's allocations against any allocator",
     .about =
         "Makes the recorded calls of one process once more, over each allocator: sizes,\n"
         "alignments, threads, and frees by other threads in the recorded order. A row for each:\n"
         "\n"
         "  time      of the whole play, with the player's own share\n"
         "  CPU       of all threads, with the page faults of what is written\n"
         "  in calls  time in malloc, free and their like, of all threads\n"
         "  peak RSS  resident memory that the allocator took; `of live`: as a multiple of the "
         "most\n"
         "            bytes that were live; mean RSS: over the time of the play\n"
         "  faults    page faults\n"
         "  p50 ...   how long a call took: the half of them at most p50, one in 10,000 longer "
         "than\n"
         "            p99.99\n"
         "\n"
         "Below that, live and resident bytes at ten moments of the play. The player's own\n"
         "needs are measured first, without calls, and are subtracted from all figures but time.\n"
         "A program writes some of its memory and some not: --touch pages fits most, first is the\n"
         "least that it can be. Some allocators give idle memory back by the clock, which runs in\n"
         "--speed recorded alone. The play file lies in TMPDIR, else beside the capture, until "
         "the\n"
         "end: 8 to 24 bytes a call, and 4 KiB a thread.\n"
         "\n"
         "Exit status: 0; 3 when none could be played; 4 when events were lost, or when the "
         "player\n"
         "died or hung under an allocator.\n",
     .examples = "  hakmem-trace replay\n"
                 "  hakmem-trace replay --against glibc,hakmem --touch first -s app.db\n"
                 "  hakmem-trace replay --speed recorded --against glibc --json\n"
                 "  hakmem-trace replay --html memory.html -s app.db\n",
     OPTIONS(replay_options),
     .asks = true,
     .run = command_replay},
    {.name = "reduce",
     .group = "OUT",
     .arguments = "",
     .sentence = "the shortest sequence of calls that still gives a fault; as a C program",
     .about =
         "Makes the calls of the fault's block once more, and the faulty access or call that\n"
         "follows from its report. If they do not give the fault again: the calls of the process\n"
         "before it (the last 100, 5,000 and 20,000). Joins threads, leaves out blocks, then\n"
         "steps, puts steps in a simpler order, and tries smaller sizes. Each time the same code\n"
         "must come at the same kind of place. Each run has a limit of 10 s.\n"
         "A step is THREAD VERB BLOCK A B: `2 free 1 0 0` frees block 1 in a second thread.\n"
         "\n"
         "CMD has the sequence on standard input and in the file $REDUCE_SEQUENCE, the C program\n"
         "in $REDUCE_PROGRAM, and the program that makes sequences in $REDUCE_PLAYER. Status 0:\n"
         "the sequence still shows what you look for; 126 and 127 end reduce with the\n"
         "shortest so far; others: it does not.\n"
         "\n"
         "Exit status: 0; 4 when the capture does not say enough to give the fault again. It is "
         "4,\n"
         "too, when the time was over or CMD could not be run any more. Ctrl-C prints the "
         "shortest\n"
         "so far, with status 130.\n",
     .examples = "  hakmem-trace reduce --fault 1 --c reduced.c\n"
                 "  hakmem-trace reduce --check 'cc -o t \"$REDUCE_PROGRAM\" && ! "
                 "LD_PRELOAD=./mine.so ./t'\n",
     OPTIONS(reduce_options),
     .asks = true,
     .run = command_reduce},
    {.name = "explain",
     .group = "OUT",
     .arguments = "[FAULT]",
     .sentence = "a fault code in full: meaning, causes, fix",
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
