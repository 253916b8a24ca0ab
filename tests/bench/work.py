"""The benchmark set: what is run, under which allocator, and how one run is measured.

For tests/bench/run, lab and gates. Further allocators beside those that Debian has are named in the variable PEERS:
`PEERS="mimalloc3=/opt/lib/libmimalloc.so snmalloc=/opt/lib/libsnmallocshim.so"`. A work is a command that allocates; its sizes are chosen so that one run
takes some tenths of a second. Rows of `works()` are (name, Work).
"""
import collections
import glob
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(SOURCE, "build")))
PEERS = (
    ("jemalloc", "libjemalloc.so.2"),
    ("tcmalloc", "libtcmalloc_minimal.so.4"),
    ("mimalloc", "libmimalloc.so.2*"),
)
# The programs that NAME_load needs, in PATH or by their files, and Debian's packages of them.
SERVERS = {
    "redis": (("/usr/bin/redis-check-rdb", "redis-cli", "redis-benchmark"), "redis-tools"),
    "nginx": (("/usr/sbin/nginx", "ab"), "nginx apache2-utils"),
    "postgresql": (("/usr/lib/postgresql/*/bin/pgbench",), "postgresql"),
}
HUNG = 124

# `make(operations)` is the command; `operations` its usual number. `wraps`: the command puts what measures and
# preloads (its arguments) before its server, and works on that. `prints`: it prints figures of its own.
Work = collections.namedtuple("Work", "make operations wraps prints", defaults=(False, False))
# Cost of one run. `faults` are page faults without I/O; `own` is what the work printed.
Cost = collections.namedtuple("Cost", "elapsed cpu kib faults own")


def program(name):
    return os.path.join(BUILD, "tests/bench", name)


def bench(name, *words, operations, **flags):
    return Work(lambda count: [program(name), *map(str, words), str(count)], operations, **flags)


def server(row, name, operations):
    """{row: Work} of tests/bench/NAME_load; {} where a program of it is not installed, which is said on stderr."""
    programs, packages = SERVERS[name]
    missing = [one for one in programs if not glob.glob(one) and not shutil.which(os.path.basename(one))]
    if missing:
        print(f"{row}: left out, as {', '.join(missing)} is not installed (packages {packages}; tools/deps bench)", file=sys.stderr)
        return {}
    return {row: Work(lambda count: [f"{SOURCE}/tests/bench/{name}_load", str(count)], operations, wraps=True)}


def perl_hashes(scale=1.0):
    perl = "my %h; my $x = 7; for (1..$ARGV[0]) { $x = ($x * 1103515245 + 12345) % 2147483648; push @{$h{$x % 9973}}, \"v$x\" }"
    return Work(lambda count: ["/usr/bin/perl", "-e", perl, str(count)], int(500000 * scale))


def works(scratch, inserts=40000):
    """The whole set, in the order of the tables. `scratch` is a directory for files that the works need."""
    statements = os.path.join(scratch, f"{inserts}.sql")
    if not os.path.exists(statements):
        with open(statements, "wb") as out:
            subprocess.run(["/usr/bin/python3", f"{SOURCE}/tests/tools/make_inserts.py", str(inserts)], stdout=out, check=True)
    rows = {}
    for live, count in ((256, 24000000), (2048, 24000000), (8192, 20000000), (100000, 6000000)):
        rows[f"random, {live:,} live"] = bench("loops", "random", live, operations=count)
    for size, count in ((16, 60), (64, 60), (256, 60), (1024, 60), (4096, 60), (32768, 60), (60000, 4), (300000, 3)):
        rows[f"fixed {size:,} B"] = bench("loops", "fixed", size, operations=count * 1000000)
    rows["calloc 16..4,112 B"] = bench("loops", "calloc", operations=6000000)
    rows["realloc, 16 B to 1 MiB"] = bench("loops", "grow", operations=8000)
    rows["20 blocks of 5 to 25 MiB, filled"] = bench("loops", "big", operations=600)
    rows["larson, 2 threads"] = bench("threads", "larson", 2, operations=32000000)
    rows["larson, 4 threads"] = bench("threads", "larson", 4, operations=32000000)
    rows["exchange, 2 threads"] = bench("threads", "exchange", 2, operations=12000000)
    rows["producer, 500 on the way"] = bench("threads", "producer", 500, operations=4000000)
    rows["producer, 50,000 on the way"] = bench("threads", "producer", 50000, operations=4000000)
    rows["batches of 64 B, 1 to 1"] = bench("threads", "batches", 64, operations=16000000)
    rows["handed over, 2 threads"] = bench("threads", "handed", 2, operations=3000000)
    rows["server, 2 threads"] = bench("threads", "server", 2, operations=16000000)
    rows["server, 4 threads"] = bench("threads", "server", 4, operations=16000000)
    rows["short threads, 2 at a time"] = bench("threads", "short", 2, operations=8000)
    rows["short threads, 16 at a time"] = bench("threads", "short", 16, operations=8000)
    rows["burst and idle, 1 thread"] = bench("burst", 1, operations=200, prints=True)
    rows["burst and idle, 2 threads"] = bench("burst", 2, operations=200, prints=True)
    rows["start: 200 processes"] = bench("loops", "execs", operations=200)
    rows["CPython JSON"] = Work(lambda count: ["/usr/bin/python3", f"{SOURCE}/tests/tools/json_heavy.py", str(count)], 12)
    rows["sqlite in memory"] = Work(lambda _: ["/usr/bin/sqlite3", "-batch", ":memory:", f".read {statements}"], 1)
    rows["perl hashes"] = perl_hashes()
    return {**rows, **server("redis", "redis", 60000)}


def allocators():
    """Name -> library, hakmem first; those that are not installed are left out, those of the variable PEERS come last."""
    found = {"hakmem": os.path.join(BUILD, "libhakmem.so"), "glibc": None}
    for name, pattern in PEERS:
        paths = sorted(glob.glob("/usr/lib/x86_64-linux-gnu/" + pattern))
        if paths:
            found[name] = paths[0]
    for word in os.environ.get("PEERS", "").split():
        name, given, path = word.partition("=")
        if not name or not given or not os.path.isfile(path):
            raise SystemExit(f"PEERS: '{word}' is not NAME=LIBRARY, or there is no such file")
        found[name] = os.path.abspath(path)
    return found


def measure(work, library, operations=None, settings=None, limit=120):
    """The cost of one run under `library` (None: glibc) with the variables `settings`; None when it hung.

    Raises RuntimeError when the work fails.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAKMEM_")}
    environment["PYTHONMALLOC"] = "malloc"
    with tempfile.TemporaryDirectory(prefix="hakmem-bench.") as scratch:
        result = os.path.join(scratch, "result")
        variables = [f"{name}={value}" for name, value in (settings or {}).items()]
        variables += [f"LD_PRELOAD={library}"] if library else []
        under = [program("measure"), "-q", "-l", str(limit), result, "/usr/bin/env", *variables]
        command = work.make(operations or work.operations)
        command = [*command, *under] if work.wraps else [*under, *command]
        ended = subprocess.run(
            command, cwd=scratch, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False
        )
        if ended.returncode == HUNG:
            return None
        if ended.returncode != 0:
            said = ended.stderr.decode(errors="replace").strip()[-300:]
            raise RuntimeError(f"{' '.join(variables + work.make(1)[:3])}: status {ended.returncode} {said}")
        with open(result, encoding="ascii") as line:
            elapsed, cpu, kib, faults = line.read().split()
    own = [int(word) for word in ended.stdout.split()] if work.prints else []
    return Cost(float(elapsed), float(cpu), int(kib), int(faults), own)
