"""Builds the cases of foreign suites, asks each level about them, and compares with foreign.list. Called by foreign.sh.

Of a case whose fault lies in a block the verdicts stand in the list: the code, how it was found, and the line.

    301 read :15    the instruction is named, in line 15 of the case; likewise write
    301 call :15    the call of libc or of the malloc family
    301 late        the block, after the damage was done
    SIGABRT :15     the program was ended there, and no block is named: libc found the fault itself
    -               nothing

`all` is HAKMEM_GUARD=all with blocks at multiples of 16. The verdicts of level normal, and of the ways in ALSO, are shown and not
compared: the time and debug registers have a part in level normal's.

Of all others no level names a block. A case with no fault at all ends with the output, the errors and the status as without
hakmem, as far as two runs without it are the same. Which kind a case is stands in the list:

    heap        a fault of a block
    elsewhere   a fault that is no block's, or a value that differs from run to run
    none        no fault
    left        not asked: the reason says why
"""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TRACE = os.environ["BUILD"] + "/hakmem-trace"
SUITES = {
    "asan": "test/asan/TestCases",
    "gwp_asan": "test/gwp_asan",
    "scudo": "test/scudo",
    "memcheck": "memcheck/tests",
}
WAYS = {
    "normal": {},
    "all": {"HAKMEM_GUARD": "all", "HAKMEM_GUARD_ALIGN": "16"},
    "hunt": {},
    "size": {"HAKMEM_GUARD": "all", "HAKMEM_GUARD_ALIGN": "size"},
    "trace": {"HAKMEM_CHECK": "trace"},
    "light": {"HAKMEM_CHECK": "light"},
}
COLUMNS = ("memcheck", "normal", "all", "hunt")
COMPARED = ("all", "hunt")
QUIET_WAYS = ("trace", "light", "normal", "all", "hunt")
ALSO = os.environ.get("ALSO", "").split()
NOTHING = "-"
HEADLINE = re.compile(r"^hakmem: (?:HKM-)?(\d+) [^:]*: (.*)$", re.M)
CRASH = re.compile(r"^hakmem: (SIG[A-Z]+)\b(.*)$", re.M)
# Asan's run-time library, as far as cases ask for it.
INTERFACE = """
void __asan_poison_memory_region(void) {}
void __asan_unpoison_memory_region(void) {}
void __asan_get_shadow_mapping(unsigned long *scale, unsigned long *offset) { *scale = 3, *offset = 0; }
"""
MEMCHECK = re.compile(r"Invalid (read|write) of size|Invalid free|Mismatched (?:free|new)")


def folder_of(suite):
    """The suite's folder in one of the trees of FOREIGN, or None."""
    foreign = os.environ["FOREIGN"]
    for tree in [""] + sorted(os.listdir(foreign)):
        path = os.path.join(foreign, tree, SUITES[suite])
        if os.path.isdir(path):
            return path
    return None


class Case:
    """A row of the list."""

    def __init__(self, row):
        words = [word.strip() for word in row.split("|")]
        self.path, self.arguments, self.flags, self.kind = words[:4]
        self.due = dict(zip(COLUMNS, words[4:8]))
        self.why = words[8] if len(words) > 8 else ""
        self.found, self.complaints = {}, []
        self.name = " ".join([self.path] + self.arguments.split() + ([f"({self.flags})"] if self.flags else []))

    def has_block(self):
        """Has the case a fault of a block of the heap?"""
        return self.kind == "heap"

    def row(self):
        words = [self.path, self.arguments, self.flags, self.kind]
        words += [self.found.get(way, "") for way in COLUMNS] if self.has_block() else [""] * len(COLUMNS)
        return " | ".join(words + [self.why]).rstrip()


def call(words, folder, seconds=120, **variables):
    """Status, output and errors of a program; no process of it is left when its time is over."""
    with subprocess.Popen(words, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, start_new_session=True) as started:
        try:
            output, errors = started.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            return "timeout", "", ""
    return started.returncode, output.decode(errors="replace"), errors.decode(errors="replace")


def lay_headers():
    """What configure makes in a tree of Valgrind's, at the places from which its tests include it."""
    have = "MALLINFO MALLINFO2 STRNDUP STPNCPY STRCHRNUL MEMRCHR MEMPCPY RAWMEMCHR ALIGNED_ALLOC SYS_PRCTL_H PPOLL GETPAGESIZE GNU_LD"
    tests = folder_of("memcheck")
    os.makedirs("headers/a/b/c")
    os.makedirs("headers/a/include")
    for folder in ("headers", "headers/a"):
        with open(folder + "/config.h", "w", encoding="utf-8") as file:
            file.writelines(f"#define HAVE_{name} 1\n" for name in have.split())
    with open("headers/interface.c", "w", encoding="utf-8") as file:
        file.write(INTERFACE)
    call(["gcc", "-c", "-o", "headers/interface.o", "headers/interface.c"], ".")
    if tests:
        for folder in ("headers/a/b", "headers/a/include"):
            os.symlink(os.path.realpath(tests + "/../../include/valgrind.h.in"), folder + "/valgrind.h")


def headers_of(case):
    if not case.path.startswith("memcheck/"):
        return []
    tree = folder_of("memcheck") + "/../.."
    return [f"-I{path}" for path in ("../headers", "../headers/a/b", "../headers/a/b/c", tree, tree + "/include", tree + "/memcheck")]


def build(case, source, folder):
    """Compiles the case; what stands behind a ";" are the flags of a library made of the same file. "": well."""
    is_c = source.endswith(".c")
    compiler = ["gcc" if is_c else "g++", "-g", "-O1", "-w", "-pthread"] + headers_of(case)
    flags, _, library = case.flags.partition(";")
    steps = []
    if library:
        steps.append(compiler + ["-fPIC", "-shared"] + library.split() + ["-o", "libcase.so", source])
    libraries = (["./libcase.so"] if library else []) + ["../headers/interface.o", "-ldl", "-lrt", "-lm"]
    steps.append(compiler + flags.split() + ["-o", "case", source] + libraries)
    for step in steps:
        status, _, errors = call(step, folder)
        if status != 0:
            return f"it is not built: {errors.strip().splitlines()[:1]}"
    return ""


def line_in(text, source):
    """The first line of the case's own file that is named."""
    found = re.search(re.escape(os.path.basename(source)) + r":(\d+)", text)
    return f" :{found.group(1)}" if found else ""


def verdict(errors, source):
    """The first headline in a few words."""
    found = HEADLINE.search(errors)
    if not found:
        crash = CRASH.search(errors)
        return crash.group(1) + line_in(crash.group(2), source) if crash else NOTHING
    code, words = found.groups()
    if re.search(r"[,;] found (when|by|at|in)\b", words):
        return f"{code} late"
    # the frames of a stop in libc stand under FOUND
    place = line_in(words.split(" from ")[0].split(" freed by ")[0].split(" block ")[0], source)
    place = place or line_in(errors[found.end():].split("ALLOCATED")[0], source)
    access = re.search(r"\b(read|write|execute|accesse)s\b", words)
    if ", called by " in words or not access:
        return f"{code} call{place}"
    return f"{code} {access.group(1)}{place}"


def ask_memcheck(program, source, folder):
    """The first error of memcheck at a block, in the words of `verdict`."""
    call(["valgrind", "--log-file=log", "--fullpath-after="] + program, folder)
    with open(folder + "/log", encoding="utf-8", errors="replace") as file:
        parts = re.split(r"\n==\d+== \n", file.read())
    for part in parts:
        found = MEMCHECK.search(part)
        if found and ("a block of size" in part or not found.group(1)):
            return (found.group(1) or ("mismatch" if "Mism" in part else "free")) + line_in(part, source)
    return NOTHING


def plain(text):
    """Text without addresses and numbers of processes."""
    text = re.sub(r"0x[0-9a-fA-F]+", "ADDRESS", text)
    return re.sub(r"\b\d{3,}\b", "NUMBER", text)


def ask(case, way, program, source, folder):
    """Runs the case in a way; leaves the verdict, and gives status, output and errors."""
    store = f"{folder}/{way}.db"
    if way == "hunt":
        words = [TRACE, "hunt", "--show", "none", "--output", store, "--"]
    else:
        words = [TRACE, "run", "--wait", "--store", store, "--"]
    result = call(words + program, folder, 300, **WAYS[way])
    if os.path.exists(store):
        os.remove(store)
    case.found[way] = "timeout" if result[0] == "timeout" else verdict(result[2], source)
    return result


def check_quiet(case, program, source, folder):
    """A case without a fault of a block."""
    due = call(program, folder, 20)
    if due[0] == "timeout":
        case.complaints.append("it does not end without hakmem")
        return
    again = call(program, folder)
    for way in QUIET_WAYS:
        status, output, errors = ask(case, way, program, source, folder)
        said = HEADLINE.search(errors)
        if said:
            case.complaints.append(f"{way}: {said.group(0)}")
        elif way == "hunt" or case.kind == "elsewhere":
            continue
        elif due[0] == again[0] and status != (due[0] if due[0] >= 0 else 128 - due[0]):
            case.complaints.append(f"{way}: status {status}, without hakmem {due[0]}")
        elif plain(due[1]) == plain(again[1]) != plain(output):
            case.complaints.append(f"{way}: another output")
        elif due[0] >= 0 and plain(due[2]) == plain(again[2]) != plain(errors):
            case.complaints.append(f"{way}: other errors: {errors[:300]}")


def check(case):
    """Builds and asks; the complaints and verdicts stand in the case afterwards."""
    suite, _, rest = case.path.partition("/")
    source = os.path.join(folder_of(suite), rest)
    if not os.path.exists(source):
        case.complaints.append("it is not there")
        return case
    folder = os.path.join(os.getcwd(), re.sub(r"[^a-zA-Z0-9]", "_", case.name))
    os.makedirs(folder)
    said = build(case, source, folder)
    if said:
        case.complaints.append(said)
        return case
    program = ["./case"] + case.arguments.split()
    if not case.has_block():
        check_quiet(case, program, source, folder)
        return case
    case.found["memcheck"] = ask_memcheck(program, source, folder)
    for way in COLUMNS[1:] + tuple(ALSO):
        ask(case, way, program, source, folder)
        if way in COMPARED and case.due.get(way) != case.found[way]:
            case.complaints.append(f"{way}: {case.found[way]}, due {case.due.get(way)}")
    return case


def main():
    list_path = os.environ.get("LIST", HERE + "/foreign.list")
    with open(list_path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    only = os.environ.get("ONLY", "")
    cases, kept = [], []
    for line in lines:
        case = None if not line.strip() or line.startswith("#") else Case(line)
        if case and not folder_of(case.path.partition("/")[0]):
            print(f"skipped: {case.path}: its suite is not in FOREIGN")
            case = None
        if case and case.kind != "left" and re.search(only, case.name):
            cases.append(case)
            kept.append(case)
        else:
            kept.append(line)
    lay_headers()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        for case in pool.map(check, cases):
            print(case.row() + "".join(f" | {way}: {case.found.get(way)}" for way in ALSO), flush=True)
            for complaint in case.complaints:
                failed = 1
                print(f"    {complaint}", flush=True)
    if os.environ.get("UPDATE"):
        with open(list_path, "w", encoding="utf-8") as file:
            file.writelines((line.row() if isinstance(line, Case) else line) + "\n" for line in kept)
        return 0
    return failed


sys.exit(main())
