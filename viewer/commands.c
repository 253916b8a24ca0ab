/* The one table of commands and options: parsing and every help page come from it. */
#include "view.h"

#include <string.h>

const struct view_option view_common_options[] = {
    {"store", 's', "FILE", "the capture (default: newest hakmem.*.db here)"},
    {"json", 0, NULL, "versioned JSON, one document"},
    {"color", 0, "WHEN", "auto, always, never"},
    {"no-pager", 0, NULL, "print at once, also on a terminal"},
    {"help", 'h', NULL, "one page, per command too"},
    {"version", 'V', NULL, "the version"},
};
const int view_common_option_count = sizeof view_common_options / sizeof view_common_options[0];

#define ANNOTATIONS_OPTION                                                                         \
    {                                                                                              \
        "annotations", 0, "SERVICE",                                                               \
            "new findings in a CI service's own words: auto, github, gitlab, azure, "              \
            "teamcity, none (default)"                                                             \
    }
#define SOURCES_OPTION                                                                             \
    {                                                                                              \
        "sources", 0, "FOLDER",                                                                    \
            "paths are given relative to this folder (default: the repository that this folder "   \
            "is in)"                                                                               \
    }

static const struct view_option run_options[] = {
    {"force", 'f', NULL, "replace a store that exists already"},
    {"exitcode", 0, "N", "exit status when a fault was found (default 1)"},
    {"ci", 0, NULL,
     "for a CI job: reports into a log, JUnit and SARIF beside the store, leaks count "
     "as faults, no colour; the new findings in few lines at the end"},
    {"junit", 0, "FILE", "writes what was found as JUnit XML; %e and %p as in --store"},
    {"sarif", 0, "FILE", "writes what was found as SARIF 2.1.0; %e and %p as in --store"},
    ANNOTATIONS_OPTION,
    SOURCES_OPTION,
    {"wait", 'w', NULL, "wait for processes that PROGRAM leaves behind, too"},
    {"pools", 0, "malloc",
     "sets PYTHONMALLOC=malloc, G_SLICE=always-malloc and "
     "GLIBCXX_FORCE_NEW=1, because inner pools hide faults"},
#define OPTION(NAME, field, TYPE, standard, range, run, sentence) {run, 0, range, sentence},
#include "options.def"
};

#define PROCESS_OPTION(sentence)                                                                   \
    { "process", 'p', "PID", sentence "; PID#2: the second with this pid, #7: row 7" }

static const struct view_option import_options[] = {
    {"store", 0, "FILE", "the store to write (default: beside the first FILE, .db for .rings)"},
    {"force", 'f', NULL, "replace a store that exists already"},
};

static const struct view_option why_options[] = {
    {"moves", 'm', NULL, "every move of the block between the layers, too"},
    {"stacks", 0, NULL, "the whole stack of every event"},
    {"all", 'a', NULL, "every owner, also when there are many"},
    PROCESS_OPTION("the process whose block it is (default: where it was seen last)"),
};

static const struct view_option block_options[] = {
    {"moves", 'm', NULL, "every move of the block between the layers, too"},
    {"stacks", 0, NULL, "the whole stack of every event"},
    {"first", 0, "N", "the oldest N lives only"},
    {"last", 'n', "N", "the newest N lives only"},
    {"since", 0, "WHEN", "lives that ended after this: seconds (1.5), 200ms, or #EVENT"},
    {"until", 0, "WHEN", "lives that began before this, as --since"},
    PROCESS_OPTION("the process whose block it is (default: where it was seen last)"),
};

static const struct view_option threads_options[] = {
    PROCESS_OPTION("of this process only"),
    {"stacks", 0, NULL, "where each thread was created, by whom, with the whole stack"},
    {"sort", 0, "BY", "process, events, mallocs, frees, reallocs, bytes, remote, lost, last"},
};

static const struct view_option modules_options[] = {
    PROCESS_OPTION("of this process only"),
    {"all", 'a', NULL, "every mapping of every process"},
};

static const struct view_option layers_options[] = {
    PROCESS_OPTION("of this process only"),
    {"class", 'c', "CLASS", "a band (C3), a slot size (48) or large only"},
    {"over", 0, "TIME", "one line for each TIME (1s, 200ms) that went by"},
    {"superslabs", 0, NULL, "one line for each SuperSlab: owners, tiers, when it came and went"},
    {"from-log", 0, NULL, "count the log, not the program's counters"},
    {"quick", 0, NULL, "leave the log unread: nothing is compared with it"},
};

#define KNOWN_OPTIONS                                                                              \
    {"baseline", 0, "FILE", "what this baseline knows is no news"}, {                              \
        "suppressions", 0, "FILE", "nor is what a line of this file matches"                       \
    }

static const struct view_option faults_options[] = {
    PROCESS_OPTION("of this process only"),
    KNOWN_OPTIONS,
    {"stacks", 0, NULL, "the whole stacks of every fault; with N, the report with whole stacks"},
    {"write-baseline", 0, "FILE",
     "puts every finding into this baseline, made when it is not there"},
    {"prune", 0, NULL, "with it: takes away what was not found any more"},
};

static const struct view_option export_options[] = {
    {"output", 'o', "FILE", "into this file (default: stdout)"},
    KNOWN_OPTIONS,
    SOURCES_OPTION,
    PROCESS_OPTION("of this process only"),
};

static const struct view_option leaks_options[] = {
    PROCESS_OPTION("of this process only"),
    {"reachable", 0, NULL, "also what is still reachable, where that was recorded"},
    {"stacks", 0, NULL, "the whole stack of every leak"},
    {"limit", 'n', "N", "so many lines (50); 0 = all"},
    {"scan", 0, "N", "of scan N of the table leak_scan (default: the last of each process)"},
    {"held", 0, NULL, "no scan: all blocks that were held at the end, or --at a moment"},
    {"at", 0, "WHEN", "with --held: seconds (1.5), 200ms, or #EVENT"},
    KNOWN_OPTIONS,
};

static const struct view_option events_options[] = {
    {"addr", 0, "ADDR", "events of the block that holds ADDR; of a SuperSlab: its life"},
    {"thread", 't', "N", "by the Nth thread of a process"},
    PROCESS_OPTION("of this process only"),
    {"class", 'c', "CLASS", "a band (C3) or a slot size (48)"},
    {"kind", 'k', "KIND", "MALLOC, FREE, SLL_PUSH, ... ; several with commas"},
    {"layer", 'l', "PLACE", "at, into or out of a place: front, \"hot ring\", SLL, slab, ..."},
    {"site", 0, "TEXT", "with TEXT in a function or file:line of the stack"},
    {"since", 0, "WHEN", "from here on: seconds (1.5), 200ms, or #EVENT"},
    {"until", 0, "WHEN", "up to here, as --since"},
    {"tail", 'n', "N", "the newest N only"},
    {"stacks", 0, NULL, "the whole stack of every event"},
};

static const struct view_option info_options[] = {
    PROCESS_OPTION("this process and those it started only"),
    {"all", 'a', NULL, "the whole tree of processes and every loss, also when they are many"},
    {"options", 0, NULL, "every HAKMEM_ variable with its range and default"},
    {"clean", 0, NULL, "the old captures of this folder: size, age, program"},
    {"yes", 0, NULL, "with --clean: removes them"},
};

static const struct view_option sql_options[] = {
    {"header", 0, NULL, "names of the columns first, also when the output is no terminal"},
};

#define OPTIONS(table) table, sizeof table / sizeof table[0]

static const struct view_command commands[] = {
    {.name = "run",
     .group = "RECORD",
     .arguments = "-- PROGRAM [ARG...]",
     .sentence = "start PROGRAM under hakmem-debug.so; follow its children",
     .about =
         "Starts PROGRAM with hakmem-debug.so in front of its allocator and records every block's\n"
         "way into a store. Its input, output and errors are left alone; a fault's report goes to\n"
         "stderr (or --log FILE). A variable HAKMEM_... that is set already holds where no option\n"
         "is given. An existing store is refused unless --force. What --baseline or "
         "--suppressions\n"
         "know is not reported, and PROGRAM goes on there; with --ci files for a CI service lie "
         "beside\n"
         "the store (STORE.log, .junit.xml, .sarif) and leaks count, see docs/ci.md.\n"
         "\n"
         "Exit status: a fault in any process of the tree that is not known gives 1 (--exitcode N\n"
         "another number), else PROGRAM's own status, or 128+n for its signal; 2 when PROGRAM\n"
         "cannot be started; 4 when its last records were not stored, which is given up after 10 "
         "s\n"
         "in which nothing was written. With --json the document is printed on stdout after\n"
         "PROGRAM's end.\n",
     .examples = "  hakmem-trace run -- ./server --port 80\n"
                 "  hakmem-trace run --check trace --layout header -s app.db -- ./app\n"
                 "  hakmem-trace run --pools=malloc -- python3 job.py\n"
                 "  hakmem-trace run --ci --baseline ci/baseline.json -- ./tests\n",
     OPTIONS(run_options),
     .arguments_min = 1,
     .arguments_max = -1,
     .stops_at_first = true,
     .run = command_run},
    {.name = "import",
     .group = "RECORD",
     .arguments = "FILE...",
     .sentence = "make a store of the files of a program that found no collector",
     .about =
         "A program that is recorded where hakmem-collect is missing or cannot be started says so\n"
         "in one line and writes its newest events into a file, hakmem.PROGRAM.PID.rings; what it\n"
         "executes into files of their own. Name all that belong together: they become one store,\n"
         "beside the first of them, with .db for .rings (-s FILE: another). The files stay as "
         "they\n"
         "are. Names and lines are looked up now, in the programs' files as they are on this\n"
         "machine. Events that newer ones were written over are counted as lost.\n"
         "\n"
         "Exit status: 0, 2 a store is there already or a program still writes, 3 a FILE cannot "
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
         "the block is listed; `>` marks the first wrong event, only on evidence.\n"
         "\n"
         "Exit status: 0 nothing wrong with this block, 1 a wrong event or a fault, 4 events were\n"
         "lost while it was in use.\n",
     .examples = "  hakmem-trace why 0x5581a8c31054\n"
                 "  hakmem-trace why @fault --stacks\n",
     OPTIONS(why_options),
     .arguments_min = 1,
     .arguments_max = 1,
     .run = command_why},
    {.name = "block",
     .group = "ASK",
     .arguments = "ADDR",
     .sentence = "every life of the block that holds ADDR",
     .about =
         "ADDR as for `why`. Two lines for each life: by whom and where the block was handed out,\n"
         "and where it was given back; then totals over all lives (with --since and --until, over\n"
         "those). Memory does not grow with their number. `why` looks at the newest ones and\n"
         "judges them.\n"
         "\n"
         "Exit status: 0, 1 a life was ended twice or there is a fault on this block, 4 events\n"
         "were lost while it was in use.\n",
     .examples = "  hakmem-trace block 0x5581a8c31054\n"
                 "  hakmem-trace block 0x5581a8c31054 --last 20 --stacks\n"
                 "  hakmem-trace block p:4711 --moves --since 1.5\n",
     OPTIONS(block_options),
     .arguments_min = 1,
     .arguments_max = 1,
     .run = command_block},
    {.name = "events",
     .group = "ASK",
     .arguments = "",
     .sentence = "the log, filtered: --addr --thread --class --kind --site --since --until --tail",
     .about =
         "One line for each event, oldest first. Options narrow each other. Where a layer\n"
         "moved a block, WHERE says from where to where; where a slab, a SuperSlab or a\n"
         "cache changed, what became of it; else it is the program's function.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost; 3 when it is damaged where\n"
         "it was read: what stands before is printed, JSON is closed and has the error.\n",
     .examples = "  hakmem-trace events --addr 0x5581a8c31040\n"
                 "  hakmem-trace events --kind SLL_PUSH,SLL_POP --class C3 --tail 50\n"
                 "  hakmem-trace events --kind TIER,SUPERSLAB_MAP,SUPERSLAB_UNMAP\n"
                 "  hakmem-trace events --addr 0x5581a8c00000\n"
                 "  hakmem-trace events --layer \"TLS SLL\" --thread 2\n"
                 "  hakmem-trace events --site parse_row --since 1.5 --until 2\n",
     OPTIONS(events_options),
     .arguments_max = 0,
     .run = command_events},
    {.name = "faults",
     .group = "ASK",
     .arguments = "[N]",
     .sentence = "what went wrong, one line each; `faults N` the whole report",
     .about =
         "Faults, crashes, and leaks that count as faults (L1, L2, ...; `leaks` has all), each "
         "with\n"
         "its fingerprint, which is the same in every run. With --baseline or --suppressions only\n"
         "what they do not know is listed, then what the baseline knows and is not there any more\n"
         "(of programs that are in this capture).\n"
         "\n"
         "--write-baseline FILE puts every finding into FILE. Entries that are there stay, with\n"
         "their notes, so several captures can be added one after the other; --prune takes away\n"
         "those of this capture's programs that were not found. Crashes are not put in.\n"
         "\n"
         "Exit status: 0 nothing, or nothing new, is in the capture, or the baseline was written,\n"
         "1 there is something, 4 there is nothing, but events were lost.\n",
     .examples = "  hakmem-trace faults\n"
                 "  hakmem-trace faults 1\n"
                 "  hakmem-trace faults 1 --stacks\n"
                 "  hakmem-trace faults --write-baseline ci/baseline.json\n"
                 "  hakmem-trace faults --baseline ci/baseline.json\n",
     OPTIONS(faults_options),
     .arguments_max = 1,
     .run = command_faults},
    {.name = "leaks",
     .group = "ASK",
     .arguments = "[N]",
     .sentence = "what nothing points to any more, by stack; --held: all that was not freed",
     .about =
         "One line for each stack whose blocks the last leak scan found lost: direct ones first,\n"
         "biggest first, then the indirect ones that hang on them. Age is when the scan was made,\n"
         "layer what served the newest of them. `leaks N` shows the whole stack of one. With\n"
         "--baseline or --suppressions only what they do not know is listed.\n"
         "\n"
         "A scan is made at exit with `run --leaks=1` (HAKMEM_LEAKS), on a signal\n"
         "(HAKMEM_LEAKS_SIGNAL), or by hak_find_leaks() of hakmem.h.\n"
         "\n"
         "--held needs none: it lists what was allocated and not yet freed at the end of the\n"
         "capture, or --at a moment, by stack, biggest first, whether or not something points to\n"
         "it. A forked child holds what it inherited.\n"
         "\n"
         "Exit status: 0; 1 a leak counts as a fault (--leaks=error, --ci) and is new; 4 events\n"
         "were lost, and no scan was made or --held was asked.\n",
     .examples = "  hakmem-trace run --leaks=1 -- ./app; hakmem-trace leaks\n"
                 "  hakmem-trace leaks --stacks --limit 5\n"
                 "  hakmem-trace leaks --held --at 1.5\n"
                 "  hakmem-trace leaks --baseline ci/baseline.json\n",
     OPTIONS(leaks_options),
     .arguments_max = 1,
     .run = command_leaks},
    {.name = "layers",
     .group = "ASK",
     .arguments = "",
     .sentence = "what each layer served, hit rates, refills, drains, tiers; --over TIME",
     .about =
         "One line for each size class: how many mallocs it had and, in per cent, which layer\n"
         "they had to go to, then refills (gos and blocks), spills, frees by other threads, and\n"
         "slabs taken. Figures are the counters that the program kept; that they agree with the\n"
         "log is checked by counting that, too. Captures without counters are counted from the\n"
         "log alone, which it says.\n"
         "\n"
         "Below: hits of each layer, of the mallocs that came to it; blocks by where they were\n"
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
     .run = command_layers},
    {.name = "threads",
     .group = "ASK",
     .arguments = "",
     .sentence = "who ran, and what each did with the heap",
     .about =
         "One line for each thread: its start and end, what it called, how many bytes it asked\n"
         "for, and its last event. `remote` are frees of blocks that lie in another thread's\n"
         "SuperSlab. Reads the whole log.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost.\n",
     .examples = "  hakmem-trace threads --sort bytes\n"
                 "  hakmem-trace threads --stacks\n"
                 "  hakmem-trace threads --process 4711\n",
     OPTIONS(threads_options),
     .arguments_max = 0,
     .run = command_threads},
    {.name = "modules",
     .group = "ASK",
     .arguments = "",
     .sentence = "what was loaded, and how much is known about its code",
     .about =
         "`frames` counts places in the module that stand in a stack; `named` those whose\n"
         "function is known, `with line` those with file and line. Debug information is sought\n"
         "in the file, below /usr/lib/debug and by .gnu_debuglink. With several processes a\n"
         "line stands for a file; --process and --all show each mapping, with loads and unloads.\n"
         "\n"
         "Exit status: 0.\n",
     .examples = "  hakmem-trace modules\n"
                 "  hakmem-trace modules --process 4711\n",
     OPTIONS(modules_options),
     .arguments_max = 0,
     .run = command_modules},
    {.name = "info",
     .group = "ASK",
     .arguments = "",
     .sentence = "what the capture holds, how complete it is",
     .about =
         "Program, events, faults, losses, and the processes as a tree: `=>` is the program that\n"
         "a process became. Of long trees the first children are shown, and those with faults\n"
         "or losses; what takes the bytes of a larger file. `info --options` needs no capture:\n"
         "it lists what can be set.\n"
         "\n"
         "--clean lists what lies in this folder as hakmem.*.db, is a store of hakmem, and is "
         "neither\n"
         "the newest one nor still written; with --yes these files are removed, with their -wal "
         "and\n"
         "-shm.\n"
         "\n"
         "Exit status: 0, or 4 when events of this capture were lost; 3 when --yes could not "
         "remove\n"
         "a file.\n",
     .examples = "  hakmem-trace info -s app.db\n"
                 "  hakmem-trace info --options\n"
                 "  hakmem-trace info --clean --yes\n",
     OPTIONS(info_options),
     .arguments_max = 0,
     .run = command_info},
    {.name = "check",
     .group = "CHECK",
     .arguments = "",
     .sentence = "is the capture intact; is every block's path legal",
     .about =
         "Reads everything: checksums, event ids without gaps, references, and every block's\n"
         "path from layer to layer against hakmem's table of moves.\n"
         "\n"
         "Exit status: 0 intact and legal, 1 something was found, 4 as 0, but events were lost.\n",
     .examples = "  hakmem-trace check -s app.db\n",
     .arguments_max = 0,
     .run = command_check},
    {.name = "export",
     .group = "OUT",
     .arguments = "FORMAT",
     .sentence = "what was found, for other tools: junit, sarif, codequality",
     .about =
         "junit is JUnit's XML: a suite for each program, a case for each finding, one that "
         "passes\n"
         "where there is none. sarif is SARIF 2.1.0, with the stacks of allocation, free and "
         "fault.\n"
         "codequality is the JSON that GitLab shows at a merge request. What --baseline or\n"
         "--suppressions know is marked as skipped or suppressed. Paths are given from the top of\n"
         "the repository (the folder with .git at or above this one), or from --sources.\n"
         "\n"
         "Exit status: 0 it was written, whatever was found.\n",
     .examples = "  hakmem-trace export junit -s app.db >app.junit.xml\n"
                 "  hakmem-trace export sarif --baseline ci/baseline.json -o app.sarif\n",
     OPTIONS(export_options),
     .arguments_min = 1,
     .arguments_max = 1,
     .run = command_export},
    {.name = "sql",
     .group = "OUT",
     .arguments = "[QUERY|-]",
     .sentence = "a query, or a shell, with the log as tables",
     .about =
         "Tables: event, block, life, live, stack_frame (made while they are read), fault, loss,\n"
         "mark, process, thread, module and more: `.tables` lists them, `.schema TABLE` their\n"
         "columns, the view table_column both; docs/specs/store.md says what they mean. Prints a\n"
         "table on a terminal, tab-separated values otherwise, text with \\n, \\t, \\xNN and \\\\ "
         "for\n"
         "what would break a line or play with a terminal (--json gives it as it is).\n"
         "`process` and `thread` are row ids: `select id, pid, command_line from process`.\n"
         "`-` reads queries from stdin; without QUERY a shell is opened (on a terminal), with\n"
         "line editing and a history (~/.hakmem_sql_history). Nothing can be changed.\n"
         "\n"
         "Exit status: 0 also when events were lost, which stderr says, and `completeness` of\n"
         "--json; 2 when a query is wrong, 3 when the capture is damaged where it was read.\n",
     .examples = "  hakmem-trace sql .tables\n"
                 "  hakmem-trace sql \".schema event\"\n"
                 "  hakmem-trace sql \"select kind, count(*) from event group by kind\"\n"
                 "  hakmem-trace sql \"select * from event where addr = 0x5581a8c31040\"\n",
     OPTIONS(sql_options),
     .arguments_max = 1,
     .run = command_sql},
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
     .sentence = "what bash, zsh or fish need to complete command lines",
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
};

const char *view_value_alone(const struct view_option *option) {
    static const struct { const char *name, *value; } alone[] = {{"leaks", "1"}};
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (option->argument && strcmp(option->name, alone[i].name) == 0)
            return alone[i].value;
    return NULL;
}

const struct view_command *view_command_at(int i) {
    return i >= 0 && i < (int)(sizeof commands / sizeof commands[0]) ? &commands[i] : NULL;
}

const struct view_command *view_find_command(const char *name) {
    for (int i = 0; view_command_at(i); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}
