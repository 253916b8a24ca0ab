"""Runs rows of tests. A row is a program that runs once under hakmem, in a level, a layout and variables; what it printed and what it recorded
feed each check of the row. A folder's rows.py makes the rows and calls main(); its first argument is the name of the test, FOLDER/NAME.sh.

    QUICK=1, FULL=1  which rows there are (tier)
    ROWS=PATTERN     those whose names fit, as in the shell; the program's directory stays, with what it printed
    UPDATE=1         writes the expectations anew, to be read before they are committed
    LIST=1           prints the name of each case, "ROW CHECK", and runs nothing

This process runs all rows, some at a time, since much of a run is waiting for its collector. It waits for the ends of children alone: a recording has
ended when the program and all that it started have, the collector too (PR_SET_CHILD_SUBREAPER).
"""
import ctypes
import difflib
import fnmatch
import glob
import inspect
import os
import re
import shutil
import subprocess
import sys
import traceback
import zlib

import reports

SOURCE = os.path.realpath(os.environ.get("SOURCE") or os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.path.realpath(os.environ.get("BUILD") or os.path.join(SOURCE, "build"))
TRACE = f"{BUILD}/hakmem-trace"
TEST = sys.argv[1]  # this test's name, as tests/arm/suite has it
TIER = "quick" if os.environ.get("QUICK") == "1" else "full" if os.environ.get("FULL") == "1" else "usual"
UPDATE = bool(os.environ.get("UPDATE")) or "--update" in sys.argv
AT_ONCE = 2 * (os.cpu_count() or 1)
PR_SET_CHILD_SUBREAPER = 36
MARK = "ROW_OF_TEST"  # in the environment of all that a row starts
AS_BY_DEFAULT = "HAKMEM_GUARD_WATCH="  # of a row's variables: debug registers where this machine gives them


def needed_variables():
    with open(f"{SOURCE}/tests/tools/variables", encoding="utf-8") as lines:
        return [line.split() for line in lines if line.strip() and line[0] != "#"]


NEEDED = needed_variables()


def variables_of(program):
    """The variables that a program needs in each run (tests/tools/variables)."""
    return [word for pattern, *words in NEEDED if fnmatch.fnmatchcase(program, pattern) for word in words]


def programs_in(folder):
    """The names of the programs in a folder of tests, sorted."""
    return sorted(re.sub(r"\.c(pp)?$", "", name) for name in os.listdir(f"{SOURCE}/tests/{folder}") if re.search(r"\.c(pp)?$", name))


def stop_status(report):
    """The exit status of a program with a report: by hakmem's SIGABRT, by the SIGSEGV that the processor raised at a closed page, or its own."""
    if not report or report.startswith("hakmem: HKM-401 "):
        return 0
    return 139 if "(SIGSEGV)" in report or " faulted" in report else 134


def source_of(words):
    return next(word for word in words if re.search(r"\.c(pp)?$", word))


def made_path(words):
    """Where a program that a row compiles lies: beside the rows' directories, by its command."""
    return os.path.abspath(f"made.{zlib.crc32(' '.join(words).encode()):08x}/{re.sub('[.][^.]*$', '', os.path.basename(source_of(words)))}")


def made_by(words):
    os.makedirs(os.path.dirname(made_path(words)), exist_ok=True)
    if (yield subprocess.Popen([*words, "-o", made_path(words)]), None):
        print(f"does not compile: {' '.join(words)}")


class Row:
    """A program of tests/FOLDER in one way, and its checks: functions of the row that return what is wrong, or None. Where a check runs commands, it
    is a generator: `status, said = yield from row.ask(...)`."""

    def __init__(self, name, folder, checks, level=None, layout="auto", variables=(), arguments=(), run=None, drop_output=False, base=None, made=()):
        """`run`: options of `hakmem-trace run`, in place of LD_PRELOAD. `base`: the path of the report without its ending. `made`: commands that
        compile the program, and more that it needs, but for their -o; without them `make tests` does. A variable without a value is not set."""
        self.name, self.folder, self.program = name, folder, name.split(".")[0]
        self.made, self.arguments = made, arguments
        self.level, self.layout, self.run, self.drop_output = level, layout, run, drop_output
        self.path = made_path(made[0]) if made else f"{BUILD}/tests/{folder}/{self.program}"
        self.base = base or f"{SOURCE}/tests/{folder}/{name}"
        self.variables = variables_of(self.program) + list(variables)
        self.checks = [check for check in checks if not self.is_left_out(check) and (not UPDATE or hasattr(check, "writes"))]
        self.checks.sort(key=lambda check: check is next_)  # the last one, as its commands record anew
        self.directory = os.path.abspath(name)
        self.printed, self.status = "", None

    def is_left_out(self, check):
        """Where tests/arm/suite leaves out the program, the row, or this check of one of them: that is printed, with the reason."""
        for case in (self.program, self.name, f"{self.program}:{check.__name__}", f"{self.name}:{check.__name__}"):
            found = re.search(f"^{re.escape(TEST)} {re.escape(case)}: (.*)", os.environ.get("CASES_LEFT_OUT", ""), re.M)
            if found:
                os.environ.get("LIST") or print(f"skipped: {self.name} {check.__name__}: {found.group(1)}")
                return True
        return False

    def command(self, words, out, with_all=False, **variables):
        """Runs a command in the row's directory, what it prints into the file `out` there; gives its exit status, as the shell has it. `with_all`: when
        all that it started has ended, too."""
        with open(f"{self.directory}/{out}", "wb") as file:
            child = subprocess.Popen(words, cwd=self.directory, env={**os.environ, **variables, MARK: self.name}, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL if with_all and self.drop_output else file, stderr=file)
        return (yield child, with_all and self.name)

    def ask(self, *words, **variables):
        """Runs a command there; gives its exit status and what it said."""
        status = yield from self.command(words, "said", **variables)
        return status, reports.read(f"{self.directory}/said")

    def store(self):
        return next(name for name in sorted(os.listdir(self.directory)) if name.endswith(".db"))

    def record(self):
        """Runs the program until it and its collector have ended. Its output does not depend on whether this machine gives debug registers: without
        HAKMEM_WATCH there are none (tests/guarded/watched.sh is about those). An emulated collector may be later than a program waits: then again."""
        variables = dict(word.split("=", 1) for word in self.variables)
        words = [self.path, *self.arguments]
        if self.run is not None:
            words = [TRACE, "run", *self.run, "--", *words]
        else:
            variables = {"HAKMEM_CHECK": self.level, "HAKMEM_LAYOUT": self.layout, "HAKMEM_GUARD_WATCH": "off",
                         "LD_PRELOAD": f"{BUILD}/hakmem-debug.so", **variables}
        variables = {variable: value for variable, value in variables.items() if value}
        while True:
            shutil.rmtree(self.directory, ignore_errors=True)
            os.mkdir(self.directory)
            self.status = yield from self.command(words, "printed", with_all=True, **variables)
            self.printed = reports.read(f"{self.directory}/printed")
            if re.search(r"^ERROR:.*cpu-exec\.c:.*assertion failed", self.printed, re.M):
                self.status = 139  # an emulator ended itself at the SIGSEGV that is due
            if not (os.environ.get("TOOLS_FIRST") and "raw report: the collector did not finish the whole one within " in self.printed):
                break

    def job(self, cases):
        """Records, then looks at each check; `cases` gets (name, what is wrong) of each. One that cannot be looked at is red, with the traceback."""
        if not self.checks:
            return
        broken, is_well = (yield from caught(self.record)), True
        for check in self.checks:
            wrong = broken or (yield from caught(check, self))
            cases.append((f"{self.name} {check.__name__}", wrong))
            if wrong:
                is_well = False
                print(f"{self.name} {check.__name__}: {wrong.rstrip()}", flush=True)
        if is_well and not os.environ.get("ROWS"):
            shutil.rmtree(self.directory, ignore_errors=True)


def caught(function, *arguments):
    """What a function or generator returns, or the traceback with which it ends."""
    try:
        result = function(*arguments)
        return (yield from result) if inspect.isgenerator(result) else result
    except Exception:  # of whatever kind, it is this case's alone
        return traceback.format_exc()


# ---- checks that several folders have

def prints(due):
    """A check: the program ends with 0, and prints this."""
    def prints_due(row):
        return f"status {row.status}, printed:\n{row.printed[:2000]}" if row.status or row.printed != due else None
    prints_due.__name__ = "prints" if due else "silent"
    return prints_due


silent = prints("")


def difference(due, found, name, printed="what it printed"):
    """A unified diff of two reports, "" where they are equal."""
    return "\n".join(difflib.unified_diff(due.split("\n"), found.split("\n"), name, printed, lineterm=""))


def compare_report(row, found, due_status=stop_status, path=None):
    """What is wrong with a report and the exit status of its program; UPDATE=1 writes the file."""
    path = path or row.base + ".report"
    if UPDATE:
        reports.write(path, found)
        print(f"{row.name}: status {row.status}, {found.count(chr(10))} lines")
        return None
    if not os.path.exists(path):
        return f"{os.path.basename(path)} is missing"
    due = reports.read(path)
    wrong = difference(due, found, os.path.basename(path))
    status = due_status(due)
    return wrong + (f"\nexit status {row.status}, expected {status}" if row.status != status else "")


def report(row):
    """It gives exactly its report. An empty file: nothing is found, and the program ends with 0."""
    return compare_report(row, reports.normalise(row.printed))


report.writes = True


def says(patterns):
    """A check: each of a program's patterns fits a line of what it printed."""
    def check(row):
        missing = [pattern for pattern in patterns[row.program] if not re.search(pattern, row.printed, re.M)]
        return f"this is not said: {missing}\n{row.printed}" if missing else None
    check.__name__ = "says"
    return check


def headline_code(text):
    """The code of a report, or the signal of a crash's."""
    found = re.match(r"hakmem: (HKM-[0-9]+|SIG[A-Z]+)", text)
    return found.group(1) if found else "nothing"


def unguarded(row):
    """Without guarded blocks it is found, too; but a read behind a block is found by nothing else."""
    due = "nothing" if row.program == "overflow_read" else headline_code(reports.read(row.base + ".report"))
    found = headline_code(row.printed)
    return None if found == due else f"{due} is due, it printed {found}: {row.printed[:300]}"


def mutation_rows(folder):
    """Those by which tests/long/mutations.sh finds that a check is disabled: without guarded blocks, which find some faults before the check does."""
    prefix = "" if folder == "faults" else f"{folder}/"
    listed = reports.read(f"{SOURCE}/tests/long/mutations.list")
    for name in sorted(set(re.findall(rf"[\t ]{prefix}([a-z_0-9]+\.(?:trace|normal)\.(?:same|header)(?:\.off)?)(?=[ \n])", listed))):
        program, level, layout, *off = name.split(".")
        bases = (f"{SOURCE}/tests/{folder}/{base}" for base in (f"{program}.{level}.{layout}", f"{program}.{level}", program))
        yield Row(f"{name}.unguarded", folder, [unguarded], level, layout, ["HAKMEM_GUARD=off"] + ["HAKMEM_TRACE=off"] * len(off),
                  base=next(base for base in bases if os.path.exists(base + ".report")))


def next_commands(printed):
    """The commands under NEXT of a report."""
    part = re.search(r"^  NEXT  .*(\n {20}.*)*", printed, re.M)
    lines = [line[20:] for line in part.group().split("\n")] if part else []
    return [command.strip() for line in lines for command in re.split(r"     (?=hakmem-trace )", line)]


ANSWERS = {" why ": r"^  owner  event|^The nearest blocks|^A call was given it", " run ": r"^hakmem: (HKM-[0-9]+|SIG)", " hunt ": r"^hakmem: (HKM-[0-9]+|SIG)"}


def next_(row):
    """Each command under NEXT, typed as it stands where the program ran, gives an answer about the same fault: `why` tells of the block or its
    neighbours, `run` and `hunt` find the fault again, and nothing is a usage error or a store that cannot be read."""
    if not row.printed:
        return None
    code = re.match(r"hakmem: (HKM-[0-9]+) |", row.printed).group(1) or ""
    commands = next_commands(row.printed)
    variables = dict(word.split("=", 1) for word in row.variables)
    for command in commands:
        status, said = yield from row.ask("bash", "-c", command, PATH=f"{BUILD}:{os.environ['PATH']}", **variables)
        kind = next((kind for kind in ANSWERS if kind in command), None)
        answer = ANSWERS[kind] if kind else f"^{code}" if " explain " in command else "."
        if status in (2, 3, 4, 127) or not said or not re.search(answer, said, re.M):
            return f"'{command}' ended with {status}:\n" + "\n".join(said.split("\n")[:20])
    return None if commands else "NEXT has no command"


next_.__name__ = "next"


# ---- the run

def children_of_own():
    """The processes whose parent this one is, those too that became its own when theirs had ended."""
    own = os.getpid()
    try:
        with open(f"/proc/self/task/{own}/children", encoding="ascii") as file:
            return list(map(int, file.read().split()))
    except OSError:  # a kernel without that file
        stats = subprocess.run("cat /proc/[0-9]*/stat", shell=True, capture_output=True, text=True, errors="replace", check=False).stdout
        return [int(pid) for pid in re.findall(rf"^(\d+) \(.*\) [A-Z] {own} ", stats, re.M)]


def row_of(pid):
    """The name of the row that a process belongs to, by its environment; "" of one that has ended, None while it executes a program."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            found = re.search(rf"(?:^|\0){MARK}=([^\0]*)".encode(), file.read())
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return found.group(1).decode() if found else "" if file.read().rpartition(")")[2][1] == "Z" else None
    except OSError:
        return ""


def run_jobs(jobs):
    """Runs the jobs, AT_ONCE at a time. A job is a generator: it yields a child, and the name of its row where it waits for all that the child started; it
    gets the child's exit status, as the shell has it. Nothing is left at the end."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    jobs, children, waiting, rows = iter(jobs), {}, {}, {}

    def go_on(job, value=None):
        try:
            child, row = job.send(value)
            children[child.pid] = job, child, row
        except StopIteration:
            pass

    while True:
        while len(children) + len(waiting) < AT_ONCE:
            job = next(jobs, None)
            if job is None:
                break
            go_on(job)
        try:
            pid, status = os.wait()
        except ChildProcessError:
            break
        if pid in children:
            job, child, row = children.pop(pid)
            child.returncode = os.waitstatus_to_exitcode(status)
            status = child.returncode if child.returncode >= 0 else 128 - child.returncode
            if row:
                waiting[row] = job, status
            else:
                go_on(job, status)
        if waiting:
            orphans = set(children_of_own()) - set(children)
            rows = {orphan: rows.get(orphan) or row_of(orphan) for orphan in orphans}
            if None not in rows.values():  # whose end is an event, too
                for row in set(waiting) - set(rows.values()):
                    go_on(*waiting.pop(row))


def unused_reports(rows):
    """Of the folders that the rows have their reports in, those that no row has."""
    there = {path for folder in {os.path.dirname(row.base) for row in rows} for path in glob.glob(f"{folder}/*.report")}
    unused = sorted(path for path in there if path.replace(".gcc10.report", ".report") not in {f"{row.base}.report" for row in rows})
    return f"no row has {', '.join(unused)}" if unused else None


def main(rows, at_end=None):
    """Runs the rows that ROWS fits; then, where it is not set, looks for reports without a row and calls `at_end`, which returns what is wrong with all of
    them. Gives the exit status."""
    only = os.environ.get("ROWS")
    rows = [row for row in rows if fnmatch.fnmatchcase(row.name, only or "*")]
    if os.environ.get("LIST"):
        print("".join(f"{row.name} {check.__name__}\n" for row in rows for check in row.checks), end="")
        return 0
    cases, planned = [], sum(len(row.checks) for row in rows)
    run_jobs(made_by(words) for words in {words: None for row in rows if row.checks for words in row.made})
    run_jobs(row.job(cases) for row in rows)
    of_all = [f"{len(cases)} of {planned} cases ran" if len(cases) != planned else None]
    if UPDATE or not only:
        of_all += [at_end and at_end(), None if UPDATE or TIER == "quick" else unused_reports(rows)]
    for wrong in filter(None, of_all):
        print(wrong)
        cases.append(("folder all", wrong))
    reds = [name for name, wrong in cases if wrong]
    for red in reds:
        print(f"complained: {red}")
    print(f"{len(rows)} rows, {len(cases)} cases, {len(reds)} red")
    return 1 if reds or not cases else 0
