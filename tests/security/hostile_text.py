"""Puts hostile text wherever foreign text comes from, and looks at every byte that hakmem prints."""
import errno
import fcntl
import glob
import json
import os
import pty
import re
import resource
import select
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import termios
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../remote"))
from profile_rows import number as stack_number  # noqa: E402

BUILD = os.environ["BUILD"]
TRACE = BUILD + "/hakmem-trace"
CPU_SECONDS = 20
MEMORY_BYTES = 4 << 30

# Bytes that a terminal obeys, that forge a line, that turn the direction of writing, that are no UTF-8.
ATTACK = (b"\x1b[2J\x1b[1mBOLD\x1b[0m" b"\x1b]0;owned\x07" b"\x9b31m" b"\b\b\b" b"\x7f\r\t\x01" b"\xc2\x9b5m"
          b"\xe2\x80\xae" b"\xe2\x81\xa6" b"\xff\xfe" b"\xed\xa0\x80" b"\xe2\x82")
FORGED = b"\nFORGED a line of a report\n"
# Columns that hold reports: their own line ends stay, so a line more proves nothing.
OF_LINES = {("fault", "report"), ("leak", "report"), ("leak_scan", "report")}
COLOURS = (b"\x1b[0m", b"\x1b[1m", b"\x1b[1;31m", b"\x1b[2m", b"\x1b[36m")
PROGRESS = (b"\r\x1b[K", b"\x1b[K")
# How far a slow machine is: of a capture, and of a reduction.
FAR = re.compile(rb"\r(?:(?:[a-z ]+: )?[\d,]+ of [\d,]+ events(?:, [\d,]+ per second, \d+ s left)?|[a-z]+, \d+ steps(?: so far)?: [\d,]+ runs)(?=\x1b\[K)")
BIDI = re.compile("[\x80-\x9f\u2028-\u202e\u2066-\u2069]")

# FULL=1: each question in each mode. Else some of them, so that every question and every mode is there.
FULL = os.environ.get("FULL") == "1"
STORES = ("overflow", ) if os.environ.get("QUICK") == "1" else ("overflow", "tree", "golden")
failures = []
runs = 0


def fail(what, found=""):
    failures.append(f"{what}: {found!r}"[:600] if found != "" else what)


# ---- what is asked -------------------------------------------------------------------------------

ADDRESS, LARGE = "0x5581a8c31040", "0x5581a8c30000"
EVERY_COLUMN = "select * from {table}"
# The command lines of each command; STORE is the store. Those in NOT_ASKED are tried otherwise, below.
COMMANDS = {
    "why": [[ADDRESS], [ADDRESS, "--stacks", "--moves"], ["@fault", "--stacks"], ["@fault"], ["p:1"]],
    "block": [[ADDRESS], [ADDRESS, "--stacks", "--moves"], [LARGE, "--stacks"]],
    "events": [[], ["--stacks"], ["--tail", "3"], ["--addr", ADDRESS], ["--site", "main"], ["--thread", "1"]],
    "faults": [[], ["1"], ["2"], ["--quickfix"], ["--baseline", "known.json"], ["--suppressions", "known.txt"]],
    "leaks": [[], ["1"], ["--stacks"], ["--held"], ["--held", "--stacks"], ["--baseline", "known.json"]],
    "top": [[], ["--tree"], ["--bottom-up"], ["--per", "file"], ["--per", "module"], ["--per", "thread"], ["--per", "process"]],
    "heap": [[], ["--at", "end"]],
    "diff": [["--between", "start", "end"]],
    "html": [["-"]],
    "layers": [[], ["--over", "100ms"], ["--superslabs"], ["--from-log"]],
    "threads": [[], ["--process", "4711"], ["--sort", "bytes"]],
    "modules": [[], ["--all"]],
    "info": [[], ["--all"], ["--options"]],
    "check": [[]],
    "export": [["junit"], ["sarif"], ["codequality"], ["collapsed", "--all"], ["collapsed-diff", "--between", "start", "end"], ["speedscope"], ["heaptrack"],
               ["pprof-text"], ["csv"], ["jsonl"], ["csv", "--events"], ["jsonl", "--events"]],
    "sql": [],  # every table and view of the store, see below
    "explain": [[], ["HKM-104"]],
    "completion": [["bash"], ["zsh"], ["fish"]],
    "push": [["--to", "postgresql:///nobody?host=/nowhere", "--host", "\x1b[31mred\x9b"]],
    "hunt": [["--runs", "1", "--", "/bin/true"]],
    "reduce": [["--fault", "1"], ["--fault", "2"]],
    "replay": [["--against", "glibc"], ["--against", "glibc", "--touch", "all", "--process", "4711"]],
}
NOT_ASKED = {"run", "import", "record", "ctl", "core", "help", "view", "fleet", "mcp"}  # view: try_view; fleet: try_fleet; mcp: try_mcp
NO_STORE = {"explain", "completion"}
NO_JSON = {"completion", "export", "html"}


def known_commands():
    """The commands of the tool's own completion, so that a new one is not forgotten."""
    words = subprocess.run([TRACE, "completion", "bash"], stdout=subprocess.PIPE, check=True).stdout.decode()
    lists = re.findall(r"'([^'\n]*\bwhy\b[^'\n]*)'", words)
    names = {name for name in max(lists, key=len).split() if name[0] != "-"}
    if len(names) < 12:
        fail("the completion names few commands", names)
    for name in sorted(names - set(COMMANDS) - NOT_ASKED):
        fail(f"the command {name} is tried with no hostile text; add it to COMMANDS")


def questions(store):
    for command, lines in COMMANDS.items():
        for words in lines:
            yield [command, *words] + ([] if command in NO_STORE else ["-s", store])
    for table in tables_of(store, "table", "view"):
        if not table.startswith("node_") and table != "stack_frame":
            yield ["sql", EVERY_COLUMN.format(table=table), "-s", store]
    yield ["sql", "--header", "select 1 as \"\x1b[2J\x9b\nFORGED\"", "-s", store]


# ---- what is answered ----------------------------------------------------------------------------

def limits(process=0):
    """Of this process, or of a child that has not been waited for."""
    resource.prlimit(process, resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.prlimit(process, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def program_last(words):
    """Options that came behind a program to run go in front of it."""
    if "--" not in words:
        return words
    at = words.index("--")
    return words[:at] + words[at + 2:] + words[at:at + 2]


def ask(words, on_terminal=False, **more):
    """Runs a command; returns its status, what it printed, and what it printed on stderr."""
    global runs
    runs += 1
    words = program_last(words) if words[0] == "hunt" else words
    environment = dict(os.environ, TERM="xterm", PAGER="cat", **more)
    words = [os.fsencode(word) for word in words]
    if not on_terminal:
        with subprocess.Popen([TRACE, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment) as done:
            limits(done.pid)  # not by a function in the child, for which Python would fork itself
            out, err = done.communicate()
        return done.returncode, out, err
    process, master = pty.fork()
    if process == 0:
        limits()
        os.execve(TRACE, [TRACE, *words], environment)
    seen = b""
    while True:
        select.select([master], [], [], 60)
        try:
            part = os.read(master, 1 << 16)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            break
        if not part:
            break
        seen += part
    os.close(master)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return status, seen.replace(b"\r\n", b"\n"), b""  # the terminal's own line ends


def look(what, printed, is_coloured=False, is_terminal=False, has_tabs=False):
    """Nothing but text, line ends, and what hakmem itself says to a terminal."""
    rest = FAR.sub(b"", printed) if is_terminal else printed
    for code in (COLOURS if is_coloured else ()) + (PROGRESS if is_terminal else ()):
        rest = rest.replace(code, b"")
    allowed = b"\n\t" if has_tabs else b"\n"
    odd = sorted({byte for byte in set(rest) if (byte < 0x20 and byte not in allowed) or byte == 0x7f})
    if odd:
        at = min(rest.index(bytes([byte])) for byte in odd)
        fail(f"{what}: control bytes {odd}", rest[max(0, at - 60):at + 60])
    try:
        text = rest.decode("utf-8")
    except UnicodeDecodeError as error:
        fail(f"{what}: no UTF-8", rest[max(0, error.start - 60):error.start + 60])
        return
    found = BIDI.search(text)
    if found:
        fail(f"{what}: U+{ord(found.group()):04X}", text[max(0, found.start() - 60):found.end() + 60])
    for line in rest.split(b"\n"):
        if line.startswith(b"FORGED"):
            fail(f"{what}: a line is forged", line[:100])


def try_mcp(store):
    """`mcp`: each reading tool's answer is a line of JSON without control bytes, whatever the capture and the question hold."""
    global runs
    runs += 1
    said = [{"method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {},
                                                "clientInfo": {"name": "\x1b[31mred\x9b\nFORGED", "version": "1"}}}]
    for tool, arguments in (("faults", {}), ("fault", {"number": 1}), ("why", {"address": "@fault"}), ("block", {"address": ADDRESS}), ("top", {}),
                            ("leaks", {}), ("explain", {"code": "\x1b[31mred\nFORGED"}), ("faults", {"store": "\x1b[2J\nFORGED.db"})):
        said.append({"method": "tools/call", "params": {"name": tool, "arguments": {"store": store, **arguments} if tool != "explain" else arguments}})
    lines = "".join(json.dumps({"jsonrpc": "2.0", "id": number, **one}) + "\n" for number, one in enumerate(said, 1))
    with subprocess.Popen([TRACE, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        limits(done.pid)
        out, err = done.communicate(lines.encode())
    if done.returncode:
        fail(f"mcp of {store!r}: status {done.returncode}", err[-200:])
    look(f"mcp of {store!r}", out)
    look(f"mcp of {store!r}, stderr", err)
    answers = [json.loads(line) for line in out.splitlines()]
    if sorted(answer.get("id", 0) for answer in answers) != list(range(1, len(said) + 1)):
        fail(f"mcp of {store!r}: {len(said)} answers are due", out[:200])


# The sequences of ncurses to an xterm: those that end with a letter, character sets, and moves.
SEQUENCES = re.compile(rb"\x1b\[[0-9;?>]*[A-Za-z]|\x1b[()][0AB]|\x1b[=>78]|[\r\n\b\t\x0e\x0f]")
PAGES = ["t", "t", "4", "\r", " ", "q", "1", "\r", "\r", "\r", " ", "q", "s", "q", "q", "q", "v", "v", "v", "v", "m", "?", "q", "Q"]


def try_view(store, lines=24, columns=80):
    """`view` on a terminal: all its pages, and no byte of a text raw."""
    global runs
    runs += 1
    process, master = pty.fork()
    if process == 0:
        limits()
        environment = dict(os.environ, TERM="xterm", LANG="C.UTF-8", LC_ALL="C.UTF-8")
        os.execve(TRACE, [TRACE, "view", "-s", store], environment)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    seen, typed = b"", False
    while True:
        ready, _, _ = select.select([master], [], [], 120)
        if not ready:
            fail(f"view of {store!r} hangs", seen[-300:])
            os.kill(process, 9)
            break
        try:
            part = os.read(master, 1 << 16)
        except OSError:
            break
        seen += part
        if not typed and b"F10" in seen:  # the first screen is there
            typed = True
            os.write(master, "".join(PAGES).encode())
    os.close(master)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status not in (0, 4) or not typed:
        fail(f"view of {store!r}: status {status}", seen[-300:])
    if b"BOLD" in seen and (b"\x1b[1mBOLD" in seen or b"\x1b[2J\x1b[1m" in seen):
        fail(f"view of {store!r}: a sequence of a text is raw")
    look(f"view of {store!r}", SEQUENCES.sub(b"", seen))


def short(words):
    return " ".join(words)[:120].encode("unicode_escape").decode()


MODES = ("text", "json", "color", "terminal")


def some(of, number, count=1):
    """`count` of a list, others for the next number."""
    return of if FULL else [of[(number * count + i) % len(of)] for i in range(min(count, len(of)))]


def try_all(store, number):
    for place, words in enumerate(questions(store)):
        for mode in some(MODES, place + number, 2 if number == 0 and words[0] != "sql" else 1):
            if mode == "json" and words[0] in NO_JSON:
                continue
            more = {"json": ["--json"], "color": ["--color", "always"],
                    "terminal": ["--color", "always"]}.get(mode, [])
            status, out, err = ask(words + more, on_terminal=mode == "terminal")
            what = f"{short(words + more)} ({mode})"
            if status not in (0, 1, 2, 3, 4):
                fail(f"{what}: status {status}", err[-200:])
            look(what, out, is_coloured=mode in ("color", "terminal"), is_terminal=mode == "terminal",
                 has_tabs=words[0] == "sql" and mode in ("text", "color"))
            look(f"{what}, stderr", err, is_coloured=mode == "color")
            if mode == "json" and out:
                if max(out) > 0x7e:
                    fail(f"{what}: JSON has a byte above 0x7e")
                try:
                    json.loads(out)
                except ValueError as error:
                    fail(f"{what}: no JSON: {error}", out[:200])


# ---- stores --------------------------------------------------------------------------------------

def tables_of(store, *kinds):
    with sqlite3.connect(store) as database:
        return [name for name, kind in database.execute("select name, type from sqlite_master order by name")
                if kind in kinds and not name.startswith("sqlite_")]


def text_columns(database):
    """(table, column) of all that may hold text, as the schema says."""
    tables = [name for (name,) in database.execute(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")]
    for table in tables:
        for _, column, kind, *_ in database.execute(f"pragma table_info({table})"):
            if kind.upper() == "TEXT":
                yield table, column


def fill_empty(database):
    """A row for each table that has none, so that each column is shown."""
    for table in {table for table, _ in text_columns(database)}:
        if database.execute(f"select count(*) from {table}").fetchone()[0] > 0:
            continue
        columns = database.execute(f"pragma table_info({table})").fetchall()
        values = [{"INTEGER": 1, "REAL": 1.0}.get(kind.upper(), "text") for _, _, kind, *_ in columns]
        database.execute(f"insert into {table} values({','.join('?' * len(values))})", values)
    database.execute("update leak set kind = 'direct', is_finding = 1, suppressed_by = null where kind = 'text'")


def poison(store, as_json=False):
    """Hostile bytes before and behind what stands in every text column. `as_json`: inside the strings
    of what is JSON, which stays JSON."""
    touched = set()
    database = sqlite3.connect(store)
    fill_empty(database)
    columns = list(text_columns(database))
    database.text_factory = bytes
    for table, column in columns:
        attack = ATTACK if (table, column) in OF_LINES else ATTACK + FORGED
        before = b"" if table == "meta" or column == "kind" else attack  # numbers, and what a query compares
        if table == "meta" and column == "key" or (table, column) == ("leak", "kind"):
            before = attack = b""
        if column == "json" and as_json:
            for row, text in database.execute(f"select id, {column} from {table}").fetchall():
                value = spoilt(json.loads(text or b"{}"), attack.decode("latin-1"))
                database.execute(f"update {table} set {column} = ? where id = ?", (json.dumps(value), row))
        else:
            database.execute(f"update {table} set {column} = cast(cast(? as blob) || cast(coalesce({column}, '')"
                             " as blob) || cast(? as blob) as text)", (before, attack))
        if database.execute(f"select count(*) from {table}").fetchone()[0] > 0:
            touched.add((table, column))
    database.execute("update leak set suppressed_by = null where id % 2 = 1")
    database.commit()
    database.close()
    return touched


def spoilt(value, attack):
    if isinstance(value, dict):
        return {key: spoilt(each, attack) for key, each in value.items()}
    if isinstance(value, list):
        return [spoilt(each, attack) for each in value]
    return attack + value + attack if isinstance(value, str) else value


def try_stores():
    touched, all_columns = set(), set()
    for number, name in enumerate(STORES):
        store = f"hostile {name}.db"
        shutil.copy(f"{name}.db", store)
        touched |= poison(store, as_json=name == "overflow")
        database = sqlite3.connect(store)
        all_columns |= set(text_columns(database))
        database.close()
        try_all(store, number)
        try_mcp(store)
        for lines, columns in some([(24, 80), (50, 200)], number):
            try_view(store, lines, columns)
    if touched != all_columns or len(touched) < 10 * len(STORES):
        fail("columns without hostile text", sorted(all_columns - touched))


# ---- names, paths, arguments, messages -----------------------------------------------------------

NAME = os.fsdecode(b"a\x1b[2J\x9b\b\n" b"FORGED\xc2\x9b\xe2\x80\xae")


def try_messages():
    """What is named in an error, and what SQLite says of a store whose own layout is hostile."""
    shutil.copy("overflow.db", NAME + ".db")
    with open(NAME, "wb") as file:
        file.write(ATTACK + FORGED)
    for store in (NAME, NAME + ".db", NAME + " is not there.db", NAME + "/x.db"):
        for command in ("info", "faults", "events", "check", "leaks"):
            look_twice([command, "-s", store])
    for words in ([NAME], ["--" + NAME], ["why", NAME], ["why", "@fault:" + NAME], ["block", "0x1" + NAME],
                  ["events", "--thread", NAME], ["events", "--kind", NAME], ["events", "--class", NAME],
                  ["events", "--site", NAME], ["events", "--since", NAME], ["events", "--" + NAME],
                  ["events", "--tail", NAME], ["threads", "--sort", NAME], ["threads", "--process", NAME],
                  ["faults", NAME], ["leaks", NAME], ["export", NAME], ["sql", "select " + NAME],
                  ["sql", f"select * from \"{NAME}\""], ["sql", f"select '{NAME}"], ["faults", "--baseline", NAME],
                  ["faults", "--suppressions", NAME], ["layers", "--over", NAME], ["layers", "--class", NAME],
                  ["export", "junit", "-o", NAME + "/x"], ["import", NAME], ["import", "-s", NAME, NAME]):
        look_twice(words + ["-s", "overflow.db"] * (words[0] != "import"))
    for words in (["explain", NAME], ["completion", NAME], ["run", "--" + NAME], ["run", "-s", NAME, "--", "true"],
                  ["run", "--", "./" + NAME], ["run", "--check", NAME, "--", "true"]):
        look_twice(words)
    shutil.copy("overflow.db", "layout.db")
    database = sqlite3.connect("layout.db")
    database.execute("pragma writable_schema = 1")
    database.execute("insert into sqlite_master values('table', ?, ?, 0, ?)", (
        "x" + ATTACK.decode("latin-1"), "x" + ATTACK.decode("latin-1"), "create nonsense " + ATTACK.decode("latin-1")))
    database.commit()
    database.close()
    for command in ("info", "events", "faults", "check"):
        look_twice([command, "-s", "layout.db"])


asked_twice = 0


def look_twice(words):
    global asked_twice
    asked_twice += 1
    for more in some([[], ["--json"]], asked_twice):
        status, out, err = ask(words + more)
        if status not in range(5):
            fail(f"{short(words)}: status {status}", err[-200:])
        look(short(words + more), out)
        look(f"{short(words + more)}, stderr", err)


# ---- programs ------------------------------------------------------------------------------------

PROGRAM = r"""
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
static void *volatile kept;
int main(int count, char **arguments) {
    pthread_setname_np(pthread_self(), "t\033[2J\x9b\nx");
    void *module = dlopen(arguments[1], RTLD_NOW);
    char *(*give)(size_t) = module ? (char *(*)(size_t))dlsym(module, "give") : (char *(*)(size_t))malloc;
    kept = give(100);
    kept = NULL;
    char *block = give(24);
    if (count > 2)
        abort();
    strcpy(block, "\033[2J\x9b\b\nFORGED");
    block[24] = 'x';
    free(block);
    free(block);
    return 0;
}
"""


def try_programs():
    """Reports that are printed onto the program's own stderr: by the collector, and without one."""
    with open("program.c", "w") as file:
        file.write(PROGRAM)
    with open("module.c", "w") as file:
        file.write("#include <stdlib.h>\nvoid *give(size_t n) { return malloc(n); }\n")
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-g", "-w", "-D_GNU_SOURCE", "-o", NAME + " program", "program.c", "-lpthread", "-ldl"],
                   check=True)
    subprocess.run([compiler, "-g", "-shared", "-fPIC", "-o", NAME + ".so", "module.c"], check=True)
    program = ["./" + NAME + " program", "./" + NAME + ".so"]
    with open("known.json", "w") as file:
        json.dump({"hakmem_baseline": 1, "findings": [{"fingerprint": "HKM-202:0123456789abcdef",
                  "program": ATTACK.decode("latin-1"), "name": NAME.encode(errors="replace").decode(),
                  "place": ATTACK.decode("latin-1")}]}, file)
    with open("known.txt", "wb") as file:
        file.write(b"leak:x" + ATTACK.replace(b"\n", b"").replace(b"\r", b"") + b"\n")
    for number, more in enumerate((["--leaks=1"], ["--on-fault", "continue"], ["--ci", "--annotations", "github"],
                                   ["--ci", "--annotations", "teamcity", "--baseline", "known.json"],
                                   ["--ci", "--annotations", "azure", "--suppressions", "known.txt"], ["--json"])):
        for store in some([f"run {number}.db", f"{NAME} {number}.db"], 1 if number in (1, 5) else 0):
            status, out, err = ask(["run", "-s", store, *more, "--", *program])
            what = f"run {' '.join(more)}"
            if status != 1:
                fail(f"{what}: status {status}", err[-300:])
            look(what, out)
            look(f"{what}, stderr", err)
        for path in glob.glob(f"run {number}.*"):
            if not path.endswith(".db"):
                with open(path, "rb") as file:
                    look(f"{what}: {path}", file.read())
    for words in questions("run 0.db"):
        if words[0] != "sql":
            status, out, err = ask(words)
            look(f"{short(words)} of a recorded program", out)
            look(f"{short(words)} of a recorded program, stderr", err)
    for more in ([], ["crash"]):
        done = subprocess.run([*program, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, LD_PRELOAD=BUILD + "/hakmem-debug.so", HAKMEM_COLLECT="/nowhere" + NAME,
                                       HAKMEM_TRACE_FILE=os.path.abspath(NAME + " alone.db")))
        if b"hakmem" not in done.stderr:
            fail("without a collector nothing is reported", done.stderr)
        look("a report without a collector", done.stderr)
    for rings in glob.glob("*.rings"):
        look_twice(["import", "--force", rings])


# ---- megabytes ---------------------------------------------------------------------------------------

LENGTH_MB = int(os.environ.get("LENGTH_MB", "1"))  # tests/long has 20
LENGTH = LENGTH_MB << 20


def try_long():
    """Megabytes in a row or two of each text column: each command ends in time, and says that it cut."""
    shutil.copy("overflow.db", "long.db")
    database = sqlite3.connect("long.db")
    fill_empty(database)
    for table, column in list(text_columns(database)):
        if column in ("json", "key") or (table, column) in {("leak", "kind"), ("meta", "value")}:
            continue  # numbers, what a query compares; JSON stands below
        limit = 2 if table in ("name", "image") else 1
        database.execute(f"update {table} set {column} = {column} || ? where rowid in"
                         f" (select rowid from {table} order by rowid limit {limit})"
                         if table not in ("suppression", ) else f"update {table} set {column} = {column} || ?",
                         ("x" * LENGTH,))
    database.execute("update meta set value = value || ? where key in ('program', 'command_line')", ("x" * LENGTH,))
    row, text = database.execute("select id, json from fault order by id limit 1").fetchone()
    database.execute("update fault set json = ? where id = ?", (json.dumps(spoilt(json.loads(text), "x" * 100000)), row))
    database.commit()
    database.close()
    try_view("long.db")
    try_mcp("long.db")
    said = set()
    asked = [[command, *words, "-s", "long.db"] for command, lines in COMMANDS.items() if command not in NO_STORE
             for words in lines if lines.index(words) == 0 or words in (["1"], ["--held"], ["sarif"], ["@fault", "--stacks"])]
    for words in asked:
        for more in ([], ["--json"])[:1 if words[0] in NO_JSON else 2]:
            status, out, err = ask(words + more)
            if status not in range(5):
                fail(f"{short(words + more)} with {LENGTH_MB} MB: status {status}", err[-200:])
            elif words[0] != "sql" and len(out) > max(3 * LENGTH, 24 << 20):
                fail(f"{short(words + more)} with {LENGTH_MB} MB prints {len(out)} bytes")
            if b"... (cut)" in out or b"... (cut)" in err:
                said.add(words[0])
    for command in ("why", "events", "faults", "leaks", "threads", "modules", "info", "export"):
        if command not in said:
            fail(f"{command}: {LENGTH_MB} MB of a name are not shown, and it does not say so")
    status, out, _ = ask(["sql", "select text from name where length(text) > 1000 limit 1", "-s", "long.db"])
    if status != 0 or len(out) < LENGTH:
        fail("sql cuts what was asked for", out[:100])


# ---- a fleet ---------------------------------------------------------------------------------------

MARKUP = b"</script><script>alert(1)</script><!--<img src=x onerror='alert(1)'>&amp;]]>"
QUOTES = b"\"}],\"x\":[{\"\\\"'; DROP TABLE hakmem.run; --$1 %s %n \\"
# Attacks for every text column of a run and its finding, one attack a run.
ATTACKS = [ATTACK + FORGED, MARKUP, QUOTES, ATTACK * 400, b"x" * 200000, b"nul\0" + ATTACK, b"", b"=", b"/", b"\n"]
# The words of `fleet`, as its own page lists them: a new one must be tried here.
WORDS = {
    "findings": [[]], "hosts": [[]], "builds": [[]], "trend": [[], ["--by", "month"], ["FINGERPRINT"]],
    "show": [["FINGERPRINT"], ["FINGERPRINT", "--limit", "1"]], "html": [["-"], ["FILE"]],
    "top": [[]], "diff": [["1.0", "1.1"], ["1.1", "1.0", "--limit", "1"]],
    "baseline": [["FILE"]], "keep": [["--count", "1000000", "--dry-run"], ["--days", "36500", "--json"]], "setup": [[]],
}
TAKES_FILTERS = ("findings", "hosts", "builds", "trend", "show", "html", "baseline", "top")


def psql(sql):
    done = subprocess.run(["psql", "-qXtA", "-v", "ON_ERROR_STOP=1", "hakmem"], input=sql.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"psql: {done.stderr[-300:]!r}: {sql[:300]}")
    return done.stdout.decode()


def literal(data):
    return f"'\\x{data.hex()}'::bytea"


def typed(data):
    """As a word of a command line, which ends at a NUL."""
    return os.fsdecode(data.split(b"\0")[0])


def make_rows(capture):
    """A run and a finding for each attack, in every column that takes text."""
    columns = {}
    for line in psql("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'hakmem' AND"
                     " table_name IN ('run', 'finding') AND data_type = 'bytea' ORDER BY 1, 2").splitlines():
        table, column = line.split("|")
        columns.setdefault(table, []).append(column)
    if len(columns.get("run", [])) < 9 or len(columns.get("finding", [])) < 5:
        fail("few columns of text on the server", columns)
    for number, attack in enumerate(ATTACKS):
        run = [literal(attack) for column in columns["run"]]
        own = [literal(attack.replace(FORGED, b"") if column == "report" else b"%d %s" % (number, attack) if column == "fingerprint" else attack)
               for column in columns["finding"]]
        psql(f"INSERT INTO hakmem.run(run, month, at, pid, rate, capture, {', '.join(columns['run'])}) VALUES({100 + number},"
             f" '2026-11-01', '2026-11-{number + 1:02} 00:00+00', 1, {number}, {capture}, {', '.join(run)})")
        psql(f"INSERT INTO hakmem.finding(run, month, number, code, count, address, {', '.join(columns['finding'])}) VALUES({100 + number},"
             f" '2026-11-01', 0, 202, 3, 4096, {', '.join(own)})")


def make_profiles():
    """For each attack a heap profile that has it in every text, and one of each of two versions that has it in host, labels and frames."""
    for number, attack in enumerate(ATTACKS):
        for process, (version, program) in enumerate(((attack, attack), (b"1.0", b"/p"), (b"1.1", b"/p"))):
            run, other, frames = 1000 * process + number, literal(attack), attack + b"\t+\t" + attack + b"\nmain\t+\t" + attack + b"\n"
            psql(f"INSERT INTO hakmem.pull(run, month, pull, at, began, host, pid, program, build, version, hakmem, rate, unsampled, labels)"
                 f" VALUES({run}, '2026-11-01', 1, '2026-11-05 00:00+00', '2026-11-05 00:00+00', {other}, 1, {literal(program)}, {other}, {literal(version)},"
                 f" {other}, 524288, 0, {other});"
                 f" INSERT INTO hakmem.pull_sum VALUES({run}, '2026-11-01', 1, {stack_number(frames)}, 1, {1000 + run}, 1, 1, 1, 1, 1);"
                 f" INSERT INTO hakmem.stack VALUES({stack_number(frames)}, '2026-11-01', {literal(frames)}) ON CONFLICT DO NOTHING")


def look_at_page(what, page):
    if page.count(b"<script") != 2 or page.count(b"</script") != 2 or b"<!--" in page.lower():
        fail(f"{what}: markup of others", page[:200])
    if max(page) > 0x7e:
        fail(f"{what}: a byte above 0x7e")


fleet_asked = 0


def ask_fleet(words, url, modes=MODES, due=(0, 1, 2, 3, 4)):
    global fleet_asked
    fleet_asked += 1
    for mode in some(modes, fleet_asked):
        if mode == "json" and words[1] == "html":
            continue
        more = {"json": ["--json"], "color": ["--color", "always"], "terminal": ["--color", "always"]}.get(mode, [])
        status, out, err = ask(words + ["--to", url] + more, on_terminal=mode == "terminal")
        what = f"{short(words + more)} ({mode})"
        if status not in due:
            fail(f"{what}: status {status}", (out + err)[-300:])
        if words[1:3] == ["html", "-"] and status == 0:
            look_at_page(what, out)
        look(what, out, is_coloured=mode in ("color", "terminal"), is_terminal=mode == "terminal")
        look(f"{what}, stderr", err, is_coloured=mode == "color")
        if mode == "json" and status == 0:
            if max(out) > 0x7e:
                fail(f"{what}: JSON has a byte above 0x7e")
            try:
                json.loads(out)
            except ValueError as error:
                fail(f"{what}: no JSON: {error}", out[:200])


def try_words(url):
    page = subprocess.run([TRACE, "fleet", "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    words = set(re.findall(r"^  (\w+)(?:  | \[?[A-Z])", page.split("\nOPTIONS")[0], re.M))
    if words != set(WORDS):
        fail("fleet's help and the words that are tried differ", sorted(words ^ set(WORDS)))
    for word, lines in WORDS.items():
        for line in lines:
            attacks = range(len(ATTACKS)) if "FINGERPRINT" in line else [0]
            for number in attacks:
                fingerprint = typed(b"%d %s" % (number, ATTACKS[number]))
                if len(fingerprint) > 100000:
                    continue  # longer than a word of a command line may be
                file = f"{NAME} {number}.json" if word == "baseline" else f"{NAME} {number}.html"
                typed_words = [{"FINGERPRINT": fingerprint, "FILE": file}.get(one, one) for one in line]
                known = b"\0" not in ATTACKS[number]
                for mode in MODES if number == 0 and line == lines[0] else some(MODES, number):
                    ask_fleet(["fleet", word, *typed_words], url, (mode, ), due=(0, ) if known else (0, 2))
                if "FILE" in line:
                    with open(file, "rb") as made:
                        page = made.read()
                    look(f"fleet {word}: the file", page)
                    if word == "html":
                        look_at_page("fleet html FILE", page)
                    else:
                        baseline = json.loads(page)
                        if len(baseline["findings"]) < len(ATTACKS):
                            fail("fleet baseline left findings out", len(baseline["findings"]))


def try_filters(url):
    """Hostile words as filters: they find the rows that have them, and nothing ends with a server's error."""
    for number, attack in enumerate(ATTACKS):
        text = typed(attack)
        if b"\0" in attack or not text or len(text) > 100000:
            continue
        for place, more in enumerate((["--host", text], ["--build", text], ["--program", text], ["--release", text], ["--new-since", text], ["--gone-since", text], ["--label", "version=" + text])):
            due = 2 if "\n" in text and more[0] in ("--label", "--release") else 0
            for word in some(TAKES_FILTERS, number + 3 * place, 2) if number < 3 else ("findings", ):
                rest = ["0 "] if word == "show" else ["-"] if word == "html" else ["filtered.json"] if word == "baseline" else []
                ask_fleet(["fleet", word, *rest, *more], url, ("text", "json"), due=(2, ) if word == "show" else (due, ))
        status, out, _ = ask(["fleet", "--host", text, "--json", "--to", url])
        if status or json.loads(out)["all"] < 1:
            fail(f"fleet --host {short([text])} finds nothing", out[:200])
        for place, more in enumerate((["--label", "key=" + text], ["--label", text], ["--since", text], ["--until", text], ["--by", text],
                                      ["--limit", text], ["--days", text, "--count", text], ["--" + text], ["-s", text], ["--to", text])):
            for word in some(("findings", "trend", "keep"), number + place):
                ask_fleet(["fleet", word, *more], url, ("text", "json"))
        ask_fleet(["fleet", text], url, ("text", "json"), due=(2, ))
        ask_fleet(["fleet", "trend", text], url, ("text", "json"), due=(0, ))
        ask_fleet(["fleet", "baseline", text], url, ("text", "json"))


def try_push(url):
    """Hostile captures, whole and findings alone, under a hostile host with hostile labels; then every question to them."""
    capture = 0
    for name in ("overflow", "tree"):
        store = f"{NAME} {name}.db"
        shutil.copy(f"{name}.db", store)
        poison(store, as_json=name == "overflow")
        for number, attack in enumerate(ATTACKS[:4]):
            own = ["--host", typed(attack), "--label", "version=" + typed(attack).replace("\n", ""), "--label", "a=" + typed(attack).replace("\n", "")[:900]]
            for more in ([], ["--json"], ["--whole"] if number == 0 else []):
                status, out, err = ask(["push", "-s", store, *own, *more, "--to", url])
                what = f"push {short(own + more)}"
                if status != (2 if number == 3 else 0):
                    fail(f"{what}: status {status}", (out + err)[-300:])
                look(what, out)
                look(f"{what}, stderr", err)
                found = re.search(rb"^capture (\d+): ", out, re.M)
                capture = int(found.group(1)) if found else capture
    if not capture:
        sys.exit("no capture was pushed whole")
    source = f"{url}?capture={capture}"
    for words in (["why", "@fault"], ["faults"], ["events", "--stacks"], ["info", "--all"], ["modules"], ["export", "csv", "--events"], ["html", "-"],
                  ["sql", "select * from meta"], ["leaks"], ["check"], ["sql", "select * from \"" + NAME + "\""]):
        for more in ([], ["--json"])[:1 if words[0] in NO_JSON else 2]:
            status, out, err = ask(words + more + ["-s", source])
            if status not in range(5):
                fail(f"{short(words + more)} of a server: status {status}", err[-200:])
            look(f"{short(words + more)} of a server", out, has_tabs=words[0] == "sql")
            look(f"{short(words + more)} of a server, stderr", err)
    return capture


def try_run(url):
    """`run --push` and `hunt` of a program with a hostile name; then its findings; then with no server, so that it waits in the queue."""
    with open("program.c", "w") as file:
        file.write(PROGRAM)
    program = NAME + " pushed"
    subprocess.run([os.environ.get("CC", "cc"), "-g", "-w", "-D_GNU_SOURCE", "-o", program, "program.c", "-lpthread", "-ldl"], check=True)
    os.environ["XDG_STATE_HOME"] = os.path.abspath(NAME + " state")
    os.makedirs(os.environ["XDG_STATE_HOME"], exist_ok=True)
    label = os.fsdecode(ATTACK)
    for more in ([], ["--json"], ["--ci"]):
        for to in (url, "postgresql:///" + "%1b%5b2J%0aFORGED%c2%9b?host=" + os.path.abspath("nowhere")):
            status, out, err = ask(["run", "--force", "-s", "pushed.db", "--push", to, "--host", NAME, "--label", "version=" + label, *more, "--",
                                    "./" + program, "nothing"])
            if status != 1:
                fail(f"run --push {short(more)}: status {status}", err[-300:])
            look(f"run --push {short(more)}", out)
            look(f"run --push {short(more)}, stderr", err)
    queue = os.path.join(os.environ["XDG_STATE_HOME"], "hakmem_push")
    waiting = 0
    for name in sorted(os.listdir(queue)):
        with open(os.path.join(queue, name), "rb") as file:
            text = file.read()
        if name.endswith(".json") and b"nowhere" in text:
            waiting += 1
            with open(os.path.join(queue, name), "wb") as file:
                file.write(text.replace(b'"runs"', b'"\\u001b[2J\\u009b"'))
    if not waiting:
        fail("nothing waits in the queue", os.listdir(queue))
    shutil.copy(program, os.path.join(queue, NAME + ".json"))
    for more in ([], ["--json"]):
        status, out, err = ask(["push", "--queue", *more])
        if status not in (0, 3, 4):
            fail(f"push --queue {short(more)}: status {status}", err[-300:])
        look(f"push --queue {short(more)}", out)
        look(f"push --queue {short(more)}, stderr", err)
    if psql(f"SELECT count(*) FROM hakmem.finding f JOIN hakmem.run r ON r.run = f.run AND r.month = f.month WHERE position({literal(b'pushed')} IN r.program) > 0").strip() == "0":
        fail("run --push sent nothing")


def try_server(url):
    """What the server itself says: errors and notices, names in a URL."""
    bad = "U&'\\001b[2J\\009b5m\\202e\\000a FORGED'"
    psql(f"""CREATE FUNCTION public.shout() RETURNS boolean LANGUAGE plpgsql AS $f$
             BEGIN RAISE NOTICE '%', {bad}; RAISE WARNING '%', {bad}; RAISE EXCEPTION '%', {bad} USING HINT = {bad}; END $f$;
             ALTER TABLE hakmem.run RENAME TO kept; CREATE VIEW hakmem.run AS SELECT * FROM hakmem.kept WHERE public.shout();
             ALTER TABLE hakmem.pull RENAME TO kept_pull; CREATE VIEW hakmem.pull AS SELECT * FROM hakmem.kept_pull WHERE public.shout();
             GRANT SELECT ON hakmem.run, hakmem.pull TO hakmem_reader""")
    for word, lines in WORDS.items():
        line = [{"FINGERPRINT": "HKM-202:0", "FILE": "shouted"}.get(one, one) for one in lines[0]]
        ask_fleet(["fleet", word, *line], url, ("text", "json"), due=(0, 3) if word in ("setup", "keep") else (3, ))
    ask_fleet(["push", "-s", "overflow.db"], url, ("text", "json"), due=(0, 3))  # INSERT goes through the view
    psql("DROP VIEW hakmem.run, hakmem.pull; ALTER TABLE hakmem.kept RENAME TO run; ALTER TABLE hakmem.kept_pull RENAME TO pull")
    for name in ("postgresql:///%1b%5b2J%c2%9b%0aFORGED", "postgresql:///%ff%fe", "postgresql:///" + NAME, "postgresql://" + NAME + "/x",
                 "postgresql:///hakmem?user=%1b%5b2J%0aFORGED", "postgresql:///hakmem?nonsense=\x1b[2J", "postgresql:///hakmem?options=%1b%5b2J",
                 "postgresql:///hakmem?capture=\x1b[2J", url + "?application_name=%1b%5b2J%0aFORGED"):
        for words in (["fleet", "findings"], ["fleet", "setup"], ["fleet", "html", "-"], ["push", "-s", "overflow.db"], ["push", "--whole", "-s", "overflow.db"]):
            ask_fleet(words, name, ("text", "json"), due=(0, 2, 3))
        look_twice(["why", "p:1", "-s", name])


def say_and_refuse(listening):
    """A server that sends notices before it takes questions, and refuses the first one."""
    def message(kind, body):
        return kind + struct.pack("!I", len(body) + 4) + body
    words = b"\x1b[2J\x9b5m\xe2\x80\xae\x07\nFORGED"
    notice = b"SNOTICE\0VNOTICE\0C00000\0M" + words + b"\0\0"
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return  # closed
        with connection:
            size = struct.unpack("!I", connection.recv(4, socket.MSG_WAITALL))[0]
            connection.recv(size - 4, socket.MSG_WAITALL)
            connection.sendall(message(b"R", bytes(4)) + message(b"N", notice) + message(b"S", b"server_version\x0015\0")
                               + message(b"S", b"client_encoding\0UTF8\0") + message(b"K", bytes(8)) + message(b"Z", b"I"))
            connection.recv(1 << 16)
            connection.sendall(message(b"N", notice) + message(b"E", b"SERROR\0VERROR\0C42501\0M" + words + b"\0\0") + message(b"Z", b"I"))
            connection.recv(1 << 16)


def try_notices():
    os.makedirs("notices", exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("notices/.s.PGSQL.5432")
        listening.listen(5)
        threading.Thread(target=say_and_refuse, args=(listening, ), daemon=True).start()
        url = "postgresql:///x?host=" + os.path.abspath("notices")
        for words in (["fleet", "findings"], ["fleet", "setup"], ["push", "-s", "overflow.db"], ["push", "--whole", "-s", "overflow.db"]):
            ask_fleet(words, url, ("text", "json"), due=(3, ))
        look_twice(["why", "p:1", "-s", url + "&capture=5"])


def try_fleet():
    try_notices()
    url = os.environ["URL"]
    status, out, err = ask(["fleet", "setup", "--to", url])
    if status:
        sys.exit(f"fleet setup: {out + err!r}")
    make_rows(try_push(url))
    make_profiles()
    try_words(url)
    try_filters(url)
    try_run(url)
    try_server(url)


def main():
    os.environ["XDG_STATE_HOME"] = os.path.abspath("state")  # of push
    with open("known.json", "w") as file:
        json.dump({"hakmem_baseline": 1, "findings": []}, file)
    with open("known.txt", "w") as file:
        file.write("leak:nothing\n")
    known_commands()
    parts = {"stores": try_stores, "messages": try_messages, "programs": try_programs, "long": try_long, "fleet": try_fleet}
    for part in sys.argv[1:] or parts:
        parts[part]()
    for failure in failures[:40]:
        print(failure)
    print(f"{runs} commands, {len(failures)} failures")
    sys.exit(1 if failures else 0)


main()
