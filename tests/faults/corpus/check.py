"""Each shape of each fault program of this folder is found and named as shapes.list says.

    check.py                      of each program some shapes of every kind; FULL=1: all
    check.py PROGRAM [SHAPE]      all of a program, or one, of which what was printed is shown
    UPDATE=1 check.py             writes reports/ anew: to be read before they are committed

One shape of each program, the first that is claimed or the one with a plus, must give exactly the report of
reports/."""
import difflib
import os
import re
import subprocess
import sys

import runs

sys.path.insert(0, f"{runs.SOURCE}/tests/tools")
import reports  # noqa: E402

HERE = f"{runs.SOURCE}/tests/faults/corpus"


class Shape:
    """A line of shapes.list."""

    def __init__(self, line):
        words, _, self.reason = line.partition("#")
        self.program, self.name, build, due, self.size, self.offset = words.split()
        self.builds = ["O0", "O2"] if build.startswith("O2") else ["O0"]
        self.is_exact = build.endswith("+")
        self.due = [int(code) for code in due.split("|") if code != "-"]
        self.is_claimed = "-" not in due.split("|")


def read_list():
    with open(f"{HERE}/shapes.list", encoding="utf-8") as lines:
        return [Shape(line) for line in lines if re.match("[a-z]", line)]


def path_of(program, build):
    return f"{runs.BUILD}/tests/faults/corpus/{program}" + (".O2" if build == "O2" else "")


def names_size(text, size):
    """A report names a size in words, in the picture or in a call: "24 bytes", "malloc(24)"."""
    number = f"{int(size):,}"
    return re.search(rf"(?<![\d,]){number} bytes?\b|\({number}[,)]", text) is not None


def is_place(due, done):
    """Whether the SUMMARY line's offset is the due one. Where the processor stopped the access itself, at a page
    that is inaccessible, it is the first byte of it that lies there, or the word that holds the byte."""
    found = re.search(r" offset=([+-]\d+)( |$)", done.summary)
    if not found:
        return False
    offset = int(found.group(1))
    if re.search(r" hop=(READ|WRITE) ", done.summary):
        return abs(offset - due) < 64 or offset * due > 0 and abs(offset) >= abs(due)
    return offset == due


def judge(shape, done, names):
    """What is wrong with a run of the shape; None where nothing is."""
    found = " and ".join(f"{code} {name}" for code, name in done.reports) or f"nothing (status {done.status})"
    if [name for code, name in done.reports if names.get(code) != name]:
        return f"found {found}: code and name do not belong together"
    if set(done.codes()) - set(shape.due):
        return f"found {found}"
    if not shape.is_claimed:
        return "hung" if done.status == "hung" else None
    if not done.reports:
        return f"found {found}"
    if done.status != 1:
        return f"found {found}, but status {done.status} instead of 1"
    if shape.size != "?" and not names_size(done.err, shape.size):
        return f"found {found}, but not the block: {done.err.splitlines()[0]}"
    if shape.offset != "?" and not is_place(int(shape.offset), done):
        return f"found {found}, but another place: {done.summary}"
    return None


# Since glibc 2.35 ld.so has a block more once a library is loaded: the table of _dl_find_object.
HAS_LOADER_TABLE = tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split("."))) >= (2, 35)


def normalise(text, program):
    if program == "leak_library" and not HAS_LOADER_TABLE:
        text = text.replace("LOOKED AT         6 live blocks", "LOOKED AT         7 live blocks")
    return reports.normalise(text)


# Whether a full page has room for what lies around a guarded block depends on the registers, where system calls leave addresses, other
# ones by kernel.
NOT_COMPARED = "^  ALLOCATOR +a guarded block: "


def lines_of(report):
    return [line for line in report.splitlines() if not re.match(NOT_COMPARED, line)]


def with_each_value(jobs):
    """Some of the jobs: of each program every code that is due in each build, what is not claimed, what is exact, and one in twelve of the others."""
    seen, some = set(), []
    for place, (shape, build) in enumerate(jobs):
        values = {(shape.program, build, tuple(shape.due)), (shape.program, shape.is_claimed)}
        if values - seen or shape.is_exact or place % 12 == 0:
            some.append((shape, build))
        seen |= values
    return some


def with_report(jobs):
    """Those whose report is kept: of each program the first one, or the one that is marked exact."""
    kept = {}
    for shape, build in jobs:
        if shape.is_claimed and build == "O0" and (shape.is_exact or shape.program not in kept):
            kept[shape.program] = shape, build
    return list(kept.values())


def main(arguments):
    update = arguments == ["--update"] or (not arguments and bool(os.environ.get("UPDATE")))
    wanted = [] if update else arguments
    names, known = runs.fault_names(), read_list()
    runs.compile_all()

    listed = {(shape.program, shape.name) for shape in known}
    programs = sorted(name[:name.rindex(".")] for name in os.listdir(HERE)
                      if re.search(r"\.(c|cpp)$", name) and not name.startswith("library_"))
    there = {(program, name) for program in programs for name in
             subprocess.run([path_of(program, "O0")], capture_output=True, text=True, check=True).stdout.split()}
    complaints = [f"{' '.join(pair)}: in shapes.list or in its program, not in both" for pair in sorted(there ^ listed)]

    jobs = [(shape, build) for shape in known for build in shape.builds
            if [shape.program, shape.name][:len(wanted)] == wanted and (shape.program, shape.name) in there]
    if update:
        jobs = with_report(jobs)
    elif not wanted and os.environ.get("FULL") != "1":
        jobs = with_each_value(jobs)
    done = runs.in_parallel(lambda job: runs.run_hakmem("normal", [path_of(job[0].program, job[1]), job[0].name]), jobs)

    exact = {}
    for (shape, build), result in zip(jobs, done):
        wrong = judge(shape, result, names)
        if wrong:
            due = "|".join(map(str, shape.due)) + ("" if shape.is_claimed else " or nothing")
            complaints.append(f"{shape.program} {shape.name} {build}: due {due} {shape.size} {shape.offset}; {wrong}")
        if shape.is_claimed and build == "O0" and (shape.is_exact or shape.program not in exact):
            exact[shape.program] = shape, result
        if len(wanted) == 2:
            print(f"status {result.status}\n{result.out}{result.err}")

    if not wanted:
        os.makedirs(f"{HERE}/reports", exist_ok=True)
        expected = {f"{program}.{shape.name}.report" for program, (shape, _) in exact.items()}
        complaints += [f"reports/{name}: no such shape is exact" for name in os.listdir(f"{HERE}/reports")
                       if name.replace(".gcc10.report", ".report") not in expected]
        for program, (shape, result) in exact.items():
            text = normalise(result.err, program)
            base = f"{HERE}/reports/{program}.{shape.name}"
            if update:
                reports.keep(base, text, NOT_COMPARED)
            path = reports.due(base)
            due = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
            difference = "\n".join(difflib.unified_diff(lines_of(due), lines_of(text), os.path.basename(path),
                                                        "what it printed", lineterm=""))
            complaints += [difference] if difference else []
    print("\n".join(complaints) if complaints else "", end="\n" if complaints else "")
    print(f"{len(jobs)} runs of {len(known)} shapes in {len(programs)} programs, {len(complaints)} complaints")
    return 1 if complaints else 0


sys.exit(main(sys.argv[1:]))
