"""The programs whose recording is measured, and how one recorded run is measured: for tests/bench/cost and recorders."""
import collections
import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile

import work

LIMIT_SECONDS = 900
HEAPTRACK = "/usr/lib/heaptrack/libheaptrack_preload.so"
HEADERS = ("algorithm", "functional", "iostream", "map", "memory", "regex")
TEMPLATES = """template <int N> struct S { int f(int x) { return x + S<N - 1>().f(x); } };
template <> struct S<0> { int f(int x) { return x; } };
"""
DOCUMENT = """import json
for k in range(3):
    json.loads(json.dumps([{{str(i): [i, str(i)]}} for i in range({rows})]))
"""
# heaptrack --raw, with its zstd: the script's own way, without the script.
INTO_ZSTD = 'mkfifo pipe; zstd -c <pipe >raw.zst & "$@"; status=$?; wait; exit $status'

# How a program is put under a recorder or checker. `library` is preloaded into the program alone and gets `variables`
# ({directory}: of this run); `before` stands before it and is measured with it; `file` is what it leaves (a pattern, where it
# leaves several). Where `apart` is
# false the program's own share cannot be told from the whole.
Variant = collections.namedtuple("Variant", "library variables before file apart", defaults=({}, (), None, True))
# Cost of one run: of the program alone (own), and of all that ran until its file was whole.
Run = collections.namedtuple("Run", "own whole bytes calls")


def path(name):
    return os.path.join(work.BUILD, name)


def plain():
    return Variant(path("libhakmem.so"))


def recorded(level, folder=""):
    """`folder`: one that tests/tools/lay_beside.sh laid."""
    command = (path(os.path.join(folder, "hakmem-trace")), "run", "--wait", "--check", level, "--store", "store.db", "--")
    return Variant(None, {}, command, "store.db")


def glibc():
    return Variant(None)


def heaptrack():
    return Variant(HEAPTRACK, {"DUMP_HEAPTRACK_OUTPUT": "{directory}/raw"}, (), "raw")


def heaptrack_zstd():
    return Variant(HEAPTRACK, {"DUMP_HEAPTRACK_OUTPUT": "{directory}/pipe"}, ("/bin/bash", "-c", INTO_ZSTD, "bash"), "raw.zst")


def asan():
    runtime = glob.glob("/usr/lib/x86_64-linux-gnu/libasan.so.*") or [None]
    return Variant(runtime[0], {"ASAN_OPTIONS": "detect_leaks=0"})


def valgrind():
    return Variant(None, {}, ("/usr/bin/valgrind", "-q"), None, False)


def write(name, text):
    with open(name, "w", encoding="utf-8") as out:
        out.write(text)
    return name


def compile_program(scratch, scale):
    """The compiler on a C++ program; a small one does without the greatest headers."""
    headers = HEADERS if scale >= 1 else ("map",)
    text = "".join(f"#include <{header}>\n" for header in headers) + TEMPLATES
    regex = 'std::regex r("a+b"); ' if scale >= 1 else ""
    text += f"int main(int n, char **) {{ std::map<int, int> m; {regex}return S<{max(10, int(300 * scale))}>().f(n) + (int)m.size(); }}\n"
    return compiler_of(scratch, "program.ii", text)


def compiler_of(scratch, name, text):
    """The compiler proper, as a work.Work, on the C++ program `text`, preprocessed as the file `name`."""
    source = os.path.join(scratch, name)
    subprocess.run(["g++", "-std=c++17", "-E", "-x", "c++", "-o", source, "-"], input=text.encode(), check=True)
    compiler = subprocess.run(["g++", "-print-prog-name=cc1plus"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    compile_it = [compiler, "-quiet", "-fpreprocessed", "-std=c++17", "-O1", "-o", "/dev/null", source]
    return work.Work(lambda _: compile_it, 1)


def programs(scratch, scale=1.0):
    """Name -> work.Work of the four real programs; `scale` 1 is some tenths of a second to a second of each."""
    rows = int(100000 * scale)
    statements = os.path.join(scratch, "in.sql")
    with open(statements, "wb") as out:
        subprocess.run(["/usr/bin/python3", f"{work.SOURCE}/tests/tools/make_inserts.py", str(rows)], stdout=out, check=True)
    document = write(os.path.join(scratch, "document.py"), DOCUMENT.format(rows=rows))
    return {
        "CPython JSON": work.Work(lambda _: ["/usr/bin/python3", document], 1),
        "sqlite3": work.Work(lambda _: ["/usr/bin/sqlite3", "-batch", ":memory:", f".read {statements}"], 1),
        **work.server("redis", "redis", rows),
        "cc1plus": compile_program(scratch, scale),
    }


def loops(scale=1.0):
    """Name -> work.Work of the two loops, which do nothing but allocate."""
    return {
        "churn": work.bench("loops", "churn", operations=int(150000 * scale)),
        "random": work.bench("loops", "random", 2048, operations=int(3000000 * scale)),
    }


def count_calls(store):
    """malloc, realloc and free that the store holds."""
    query = "select count(*) from event where kind in ('MALLOC', 'REALLOC', 'FREE')"
    told = subprocess.run([path("hakmem-trace"), "sql", "-s", store, query], stdout=subprocess.PIPE, text=True, check=True)
    return int(told.stdout.split()[-1])


def read_cost(name):
    with open(name, encoding="ascii") as line:
        elapsed, cpu, kib, faults = line.read().split()
    return work.Cost(float(elapsed), float(cpu), int(kib), int(faults), [])


def once(one, variant, with_calls=False):
    """The Run of a work.Work under `variant`; None, and a line on stderr, where it hung or failed.

    with_calls: counts the calls in the store that it left."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAKMEM_")}
    environment["PYTHONMALLOC"] = "malloc"
    with tempfile.TemporaryDirectory(prefix="hakmem-bench.") as directory:
        inner, outer = os.path.join(directory, "inner"), os.path.join(directory, "outer")
        measure = [work.program("measure"), "-q", "-l", str(LIMIT_SECONDS)]
        variables = [f"{name}={value.format(directory=directory)}" for name, value in variant.variables.items()]
        variables += [f"LD_PRELOAD={variant.library}"] if variant.library else []
        within = [*measure, inner, "/usr/bin/env", *variables] if variant.apart else []
        under = [*measure, outer, *variant.before, *within]
        command = one.make(one.operations)
        command = [*command, *under] if one.wraps else [*under, *command]
        ended = subprocess.run(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        if ended.returncode != 0:
            said = ended.stderr.decode(errors="replace")[-200:]
            print(f"{shlex.join([*variables, *variant.before[:5]])}: status {ended.returncode} {said}", file=sys.stderr)
            return None
        files = glob.glob(os.path.join(directory, variant.file)) if variant.file else []
        size = sum(map(os.path.getsize, files))
        calls = count_calls(files[0]) if with_calls else 0
        return Run(read_cost(inner if within else outer), read_cost(outer), size, calls)


def interleaved(works, variants, rounds, counting=None, limits=None):
    """costs[work][variant] = a Run (or None) of each round, in another order each round.

    counting: the variant whose store's calls are counted in the first round. limits: rounds of a variant, where fewer."""
    costs = {row: {name: [] for name in variants} for row in works}
    names = list(variants)
    for number in range(rounds):
        for row, one in works.items():
            for name in names[number % len(names) :] + names[: number % len(names)]:
                if number < (limits or {}).get(name, rounds):
                    costs[row][name].append(once(one, variants[name], number == 0 and name == counting))
    return costs


def instructions(one, variant):
    """Instructions of one run, of all its processes, the kernel's not counted (callgrind); None where it failed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAKMEM_")}
    environment["PYTHONMALLOC"] = "malloc"
    with tempfile.TemporaryDirectory(prefix="hakmem-bench.") as directory:
        os.chmod(directory, 0o777)  # servers change their user
        logs = os.path.join(directory, "callgrind")
        under = ["/usr/bin/valgrind", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null", f"--log-file={logs}.%p"]
        under += ["/usr/bin/env", *(f"{name}={value}" for name, value in variant.variables.items()), f"LD_PRELOAD={variant.library}"]
        command = one.make(one.operations)
        command = [*command, *under] if one.wraps else [*under, *command]
        ended = subprocess.run(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
        counts = []
        for name in glob.glob(f"{logs}.*"):
            with open(name, encoding="utf-8", errors="replace") as log:
                counts += re.findall(r"Collected : (\d+)", log.read())
        return sum(map(int, counts)) if counts and ended.returncode == 0 else None
