"""Captures of real programs, the programs themselves, and plays of the captures: for tests/bench/replays and defaults.

Instructions, page faults and bytes are measured: another load on the machine does little to them. CPU seconds are those of `replays` alone, whose
runs no other load takes the processor from.
"""
import collections
import glob
import json
import os
import shutil
import subprocess
import tempfile
import time

import replay_calls
import work

LIBRARIES = "/usr/lib/x86_64-linux-gnu/"
LOOK_SECONDS = 0.002
# Puts its process id into a file, takes a library, and becomes the program.
BECOME = 'echo $$ >"$1" && export LD_PRELOAD=$2 && shift 2 && exec "$@"'
# Runs a command, and writes the nanoseconds of CPU that it took into a file.
CPU = """import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
open(sys.argv[1], "w").write(str(round((used.ru_utime + used.ru_stime) * 1e9)))
sys.exit(status)"""
# Stands in the place of hakmem-player, and counts the instructions of the play that makes calls.
COUNTED = """#!/bin/sh
[ "$3" != 0 ] || exec '{player}' "$@"
exec valgrind -q --tool=callgrind --callgrind-out-file="$COUNTED_PLAY" '{player}' "$@"
"""

# Memory, page faults and CPU of one play; `live` is the peak of the bytes that the program had.
Play = collections.namedtuple("Play", "peak mean faults live cpu_ns")
# With this before a command, no other load takes its processor (SCHED_FIFO).
FIRST = ("chrt", "-f", "10")


def run(command, limit=900, **more):
    """Runs a command that must succeed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=limit, check=False, **more)
    said = done.stderr.decode(errors="replace")
    if done.returncode != 0 or " ended with status " in said:
        raise RuntimeError(f"{' '.join(map(str, command))}: status {done.returncode}: {said[-400:]}")
    return done.stdout


class Bench:
    """A folder with hakmem's files and inputs of programs. Anyone may read it, since servers give up their rights."""

    def __init__(self, scratch):
        self.scratch = scratch
        os.chmod(scratch, 0o755)
        self.build = os.path.join(scratch, "build")
        os.mkdir(self.build)
        for name in ("hakmem-trace", "hakmem-collect", "hakmem-player", "hakmem-record.so", "libhakmem.so"):
            shutil.copy(os.path.join(work.BUILD, name), self.build)
        counted = os.path.join(scratch, "counted")
        shutil.copytree(self.build, counted)
        with open(os.path.join(counted, "hakmem-player"), "w", encoding="ascii") as out:
            out.write(COUNTED.format(player=os.path.join(self.build, "hakmem-player")))

    def folder(self):
        """A new folder that a server may write into."""
        path = tempfile.mkdtemp(dir=self.scratch)
        os.chmod(path, 0o777)
        return path

    def environment(self, settings=None):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HAKMEM_")}
        return dict(kept, PYTHONMALLOC="malloc", LC_ALL="C", HOME=self.scratch, **(settings or {}))

    def preloaded(self, name):
        """A library of tests/bench that is preloaded in front of an allocator."""
        path = os.path.join(self.scratch, f"{name}.so")
        if not os.path.exists(path):
            run(["gcc", "-O2", "-shared", "-fPIC", "-fno-builtin", "-o", path, f"{work.SOURCE}/tests/bench/{name}.c"])
        return path

    def record(self, program):
        """Records a program over its own allocator, and gives the capture."""
        folder = self.folder()
        under = [os.path.join(self.build, "hakmem-trace"), "run", "--allocator", "keep", "-s", "app.db", "--"]
        run(program(under, folder), cwd=folder, env=self.environment())
        stores = glob.glob(os.path.join(folder, "**", "app.db"), recursive=True)
        return stores[0]

    # ---- plays ------------------------------------------------------------------------------------

    def play(self, capture, against, settings=None, speed="full", touch="pages", before=()):
        """The memory and the CPU of a play."""
        command = [*before, os.path.join(self.build, "hakmem-trace"), "replay", "-s", capture, "--json", "--speed", speed, "--touch", touch, "--against", against]
        answer = json.loads(run(command, env=self.environment(settings)))
        one = answer["runs"][0]
        steps = [step["resident_bytes"] for step in one["steps"]]
        return Play(one["peak_bytes"], sum(steps) / len(steps), one["minor_faults"], answer["peak_live_bytes"], one["cpu_ns"])

    def count_play(self, capture, against, settings=None):
        """Calls, and instructions in them, of a play."""
        file = os.path.join(self.folder(), "callgrind")
        command = [os.path.join(self.scratch, "counted", "hakmem-trace"), "replay", "-s", capture, "--json", "--against", against]
        run(command, env=dict(self.environment(settings), COUNTED_PLAY=file))
        return replay_calls.measure(file)[1:]

    # ---- the programs themselves ------------------------------------------------------------------

    def under(self, folder, library, *before):
        return ["/bin/bash", "-c", BECOME, "bash", os.path.join(folder, "pid"), library, *before]

    def count_program(self, program, library):
        """Calls, and instructions in them, of the program over a library."""
        folder = self.folder()
        file = os.path.join(folder, "callgrind")
        callgrind = ["/usr/bin/valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={file}"]
        run(program(self.under(folder, library, *callgrind), folder), cwd=folder, env=self.environment())
        return replay_calls.measure(file)[1:]

    def cpu_of_program(self, program, library):
        """The CPU of the program over a library, in ns."""
        folder = self.folder()
        file = os.path.join(folder, "cpu")
        under = ["/usr/bin/python3", "-c", CPU, file, *self.under(folder, library)]
        run([*FIRST, *program(under, folder)], cwd=folder, env=self.environment())
        with open(file, encoding="ascii") as out:
            return int(out.read())

    def peak_of_program(self, program, library, maps=False):
        """The greatest anonymous memory of the program over a library, looked at each 2 ms. `maps`: less that which it maps itself."""
        folder = self.folder()
        pid = os.path.join(folder, "pid")
        preloaded = f"{self.preloaded('own_mappings')}:{library}" if maps else library
        command = program(self.under(folder, preloaded), folder)
        quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with subprocess.Popen(command, cwd=folder, env=self.environment(), **quiet) as running:
            peak, number = 0, None
            while running.poll() is None:
                if number is None and os.path.exists(pid):
                    with open(pid, encoding="ascii") as file:
                        number = file.read().strip() or None
                if number:
                    peak = max(peak, anonymous_bytes(number, os.path.basename(os.path.realpath(library))))
                time.sleep(LOOK_SECONDS)
        if running.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: status {running.returncode}")
        return peak


def anonymous_bytes(pid, library):
    """The heap, other nameless memory, and the data of the library: where an allocator's memory can lie."""
    total, counts = 0, False
    try:
        with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as lines:
            for line in lines:
                words = line.split()
                if not words[0].endswith(":"):
                    name = words[5] if len(words) > 5 else ""
                    counts = name in ("", "[heap]") or name.startswith("[anon") or os.path.basename(name) == library
                elif counts and words[0] == "Anonymous:":
                    total += int(words[1]) * 1024
    except (OSError, IndexError):
        return 0
    return total


def allocators(build):
    """Name -> library. glibc is named too: redis brings an allocator of its own."""
    found = {"glibc": "libc.so.6", "jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4", "mimalloc": "libmimalloc.so.2*"}
    paths = {name: sorted(glob.glob(LIBRARIES + pattern)) for name, pattern in found.items()}
    missing = [name for name, path in paths.items() if not path]
    if missing:
        raise SystemExit(f"not installed: {', '.join(missing)}; tools/deps installs them")
    return {**{name: path[0] for name, path in paths.items()}, "hakmem": os.path.join(build, "libhakmem.so")}


# ---- programs -----------------------------------------------------------------------------------------
# Each is a function of what is put before the program, and of the run's folder; it gives the command.


def plain(*words):
    return lambda under, folder: [*under, *words]


def server(script, count, *settings):
    return lambda under, folder: ["/usr/bin/env", *settings, f"{work.SOURCE}/tests/bench/{script}", str(count), *under]


def cc1(name):
    return run(["gcc", f"-print-prog-name={name}"]).decode().strip()


def made(scratch, name, command):
    path = os.path.join(scratch, name)
    with open(path, "wb") as out:
        subprocess.run(command, stdout=out, check=True, cwd=scratch)
    return path


PERL = """my %h; my $x = 7; for (1..$ARGV[0]) { $x = ($x * 1103515245 + 12345) % 2147483648; push @{$h{$x % 9973}}, "v$x" }
my $t = join ",", map { "$_=@{$h{$_}}" } sort keys %h; my @w = split /,/, $t; print scalar @w, "\\n";"""

CPP = """#include <map>
#include <string>
#include <vector>
std::map<std::string, std::vector<int>> all;
int main() { all["a"].push_back(1); return (int)all.size(); }
"""


def repository(scratch):
    """A repository whose objects are loose and in packs, as work leaves them."""
    path = os.path.join(scratch, "repository")
    history = made(scratch, "history", ["/usr/bin/python3", f"{work.SOURCE}/tests/tools/make_history.py", "500"])
    run(["git", "init", "-q", "-b", "main", path])
    with open(history, "rb") as given:
        subprocess.run(["git", "-C", path, "fast-import", "--quiet"], stdin=given, check=True)
    return path


def programs(bench):
    """The real programs whose captures are played. FUNCTIONS: how many cc1 compiles."""
    scratch = bench.scratch
    statements = made(scratch, "inserts.sql", ["/usr/bin/python3", f"{work.SOURCE}/tests/tools/make_inserts.py", "12000"])
    made(scratch, "made.c", ["/usr/bin/python3", f"{work.SOURCE}/tests/tools/make_c.py", os.environ.get("FUNCTIONS", "1500")])
    made(scratch, "made.i", ["gcc", "-E", "made.c"])
    with open(os.path.join(scratch, "made.cc"), "w", encoding="ascii") as out:
        out.write(CPP)
    made(scratch, "made.ii", ["g++", "-E", "made.cc"])
    run(["gcc", "-O1", "-w", "-fno-builtin", "-pthread", "-o", f"{scratch}/threads", f"{work.SOURCE}/tests/bench/threads.c"])
    return {
        "CPython": plain("/usr/bin/python3", f"{work.SOURCE}/tests/tools/json_heavy.py", "8"),
        "redis": server("redis_load", 25000, "KEYS=100000", "BYTES=300"),
        "sqlite": plain("/usr/bin/sqlite3", "-batch", ":memory:", f".read {statements}"),
        "PostgreSQL": server("postgresql_session", 8000),
        "nginx": server("nginx_load", 6000),
        "cc1plus": plain(cc1("cc1plus"), "-fpreprocessed", "-quiet", "-O1", f"{scratch}/made.ii", "-o", "/dev/null"),
        "node": plain("/usr/bin/node", f"{work.SOURCE}/tests/tools/node_story.js", "1"),
        "git": lambda under, folder: [*under, "git", "-C", repository(folder), "-c", "pack.threads=2", "repack", "-adfq"],
        "perl": plain("/usr/bin/perl", "-e", PERL, "60000"),
        "MariaDB": server("mariadb_load", 4000),
        "cc1": plain(cc1("cc1"), "-fpreprocessed", "-quiet", "-O1", f"{scratch}/made.i", "-o", "/dev/null"),
        "threads": plain(f"{scratch}/threads", "server", "4", "800000"),
    }

