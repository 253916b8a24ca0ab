"""Real programs that stop at a known point, what each stack allocated up to there, and the heap profile's estimates of that.

For tests/long/heap_profile_programs.sh and tests/bench/heap_profilers. A program does the same work each time and then waits: for
input, or until somebody reads its output. `exact` counts the calls of a recording in level trace, `sampled` reads the file of
`hakmem-trace ctl PID profile -o FILE`; both name a stack by its frames, each a file and a place in it.
"""
import bisect
import collections
import contextlib
import functools
import math
import os
import random
import signal
import socket
import subprocess
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(SOURCE, "build")))
TRACE = os.path.join(BUILD, "hakmem-trace")
DEBUG = os.path.join(BUILD, "hakmem-debug.so")
RATE = 512 * 1024
LOOK_BYTES = 2048  # of a larger block bytes are counted
CLASS_BYTES_MAX = 32768  # larger blocks have whole pages
GAPS = (256, 512)  # calls between two looks, and while they come faster than they can be paid for
NORMAL_99 = 2.5758
PATIENCE_SECONDS = 300

# `waits`: the number of the system call that it waits in at its end. `typed`: what stands on its stdin before.
# `load`: called with the folder once it waits for the first time, before it is at its end.
Program = collections.namedtuple("Program", "command waits typed load", defaults=(b"", None))
READ, WRITE, EPOLL_WAIT = 0, 1, 232

DOCUMENT = """import json, sys
kept = []
for k in range({rounds}):
    text = json.dumps([{{str(i): [i, str(i), "x" * (i % 300)]}} for i in range({rows})])
    kept.append(json.loads(text) if k % 3 == 0 else text)
sys.stdin.read()
"""
HASHES = """my %h; my $x = 7;
for (1..$ARGV[0]) { $x = ($x * 1103515245 + 12345) % 2147483648; push @{$h{$x % 9973}}, "v$x" x ($x % 9) }
my @sorted = sort map { join ",", @$_ } values %h; my $text = join "", @sorted; <STDIN>"""
HEADERS = ("map", "string", "algorithm")
TEMPLATES = """template <int N> struct S { int f(int x) { return x + S<N - 1>().f(x); } };
template <> struct S<0> { int f(int x) { return x; } };
int main(int n, char **) { std::map<std::string, int> m; m["a"] = n; return S<%d>().f(n) + (int)m.size(); }
"""
SETTINGS = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0", "LC_ALL": "C"}


# ---- the programs ------------------------------------------------------------------------------------


def talk(connection, commands):
    """Sends commands in redis's protocol, some hundred at a time, and reads a line or more for each."""
    for start in range(0, len(commands), 200):
        part = commands[start : start + 200]
        text = b"".join(
            b"*%d\r\n%s" % (len(words), b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)) for words in part
        )
        connection.sendall(text)
        answers = 0
        while answers < len(part):
            received = connection.recv(1 << 16)
            if not received:
                raise RuntimeError("redis closed the connection")
            answers += received.count(b"\r\n")


def load_redis(folder, count):
    """Keys, hashes, lists and sorted sets, some of which go again; each answer is one line."""
    draw = random.Random(1)
    commands = []
    for number in range(count):
        key = b"%d" % draw.randrange(count // 2)
        value = b"v" * draw.randrange(1, 6000)
        commands.append(
            (
                (b"SET", b"key:" + key, value),
                (b"HSET", b"hash:%d" % (number % 997), key, value[:40]),
                (b"LPUSH", b"list:%d" % (number % 101), value[:100]),
                (b"ZADD", b"set:%d" % (number % 53), key, key),
                (b"DEL", b"key:" + key),
            )[draw.randrange(5)]
        )
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.path.join(folder, "redis.sock"))
        talk(connection, commands)


def write(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def programs(folder, scale=1.0):
    """Name -> Program; `scale` 1 is about half a second of each."""
    document = write(f"{folder}/document.py", DOCUMENT.format(rounds=6, rows=int(20000 * scale)))
    with open(f"{folder}/in.sql", "wb") as out:
        subprocess.run(["/usr/bin/python3", f"{SOURCE}/tests/tools/make_inserts.py", str(int(40000 * scale))], stdout=out, check=True)
    text = "".join(f"#include <{header}>\n" for header in HEADERS) + TEMPLATES % max(10, int(250 * scale))
    source = f"{folder}/program.ii"
    subprocess.run(["g++", "-std=c++17", "-E", "-x", "c++", "-o", source, "-"], input=text.encode(), check=True)
    compiler = subprocess.run(["g++", "-print-prog-name=cc1plus"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    count = int(60000 * scale)
    found = {
        "CPython": Program(["/usr/bin/python3", document], READ),
        "sqlite3": Program(["/usr/bin/sqlite3", "-batch", ":memory:"], READ, f".read {folder}/in.sql\n".encode()),
        "perl": Program(["/usr/bin/perl", "-e", HASHES, str(int(300000 * scale))], READ),
        "cc1plus": Program([compiler, "-quiet", "-fpreprocessed", "-std=c++17", "-O1", "-o", "/dev/stdout", source], WRITE),
        "redis": Program(
            ["/usr/bin/redis-server", "--port", "0", "--unixsocket", "redis.sock", "--save", "", "--hz", "1"],
            EPOLL_WAIT,
            load=lambda place: load_redis(place, count),
        ),
    }
    return found


# ---- one run -----------------------------------------------------------------------------------------


def look(pid):
    """The system call that the process waits in, and its CPU ticks; None when it has ended, or does not wait."""
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as text:
            call = text.read().split()[0]
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as text:
            words = text.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return "ended"
    except (OSError, IndexError):
        return None
    if words[0] in "ZX":
        return "ended"
    return (int(call), words[11], words[12]) if call.isdigit() and words[0] == "S" else None


def await_stop(pid, call, path=None):
    """Returns once the process waits in `call` and ran no more between two looks (and `path` is there)."""
    before = None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        now = look(pid)
        if now == "ended":
            raise RuntimeError("the program has ended")
        if now and now == before and now[0] == call and (not path or os.path.exists(path)):
            return
        before = now
        time.sleep(0.02)
    raise RuntimeError(f"the program did not come to wait in {PATIENCE_SECONDS} s")


def program_below(pid, command):
    """The process that runs the command, below `pid` or itself."""
    wanted = os.path.realpath(command[0])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        below = [pid]
        for one in below:
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{one}/exe") == wanted:
                    return one
                with open(f"/proc/{one}/task/{one}/children", encoding="ascii") as text:
                    below += map(int, text.read().split())
        time.sleep(0.02)
    raise RuntimeError(f"{command[0]} was not started")


@contextlib.contextmanager
def stopped(program, folder, variables, before=()):
    """Runs the program until it stops; yields its process id, and kills it behind. `before` stands before its command."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAKMEM_")}
    environment.update(SETTINGS)
    environment.update(variables)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, "redis.sock"))
    output = subprocess.PIPE if program.waits == WRITE else subprocess.DEVNULL
    with open(os.path.join(folder, "errors"), "w+b") as errors:
        started = subprocess.Popen(
            [*before, *program.command], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=errors, pipesize=4096
        )
        pid = None
        try:
            if program.typed:
                started.stdin.write(program.typed)
                started.stdin.flush()
            pid = program_below(started.pid, program.command)
            if program.load:
                await_stop(pid, program.waits, os.path.join(folder, "redis.sock"))
                program.load(folder)
            await_stop(pid, program.waits)
            yield pid
        except BaseException:
            errors.seek(0)
            print(errors.read().decode(errors="replace")[-1000:])
            raise
        finally:
            with contextlib.suppress(ProcessLookupError, TypeError):
                os.kill(pid, signal.SIGKILL)
            if pid is None:
                started.kill()
            for stream in (started.stdin, started.stdout):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
            started.wait()


LIGHT = {"HAKMEM_CHECK": "light", "HAKMEM_TRACE": "off", "LD_PRELOAD": DEBUG}


def record(program, folder, store):
    """Records the program in level trace until it stops; its CPU seconds of user and system."""
    with stopped(program, folder, {}, (TRACE, "run", "--wait", "--force", "--check", "trace", "--store", store, "--")):
        pass


def pull(program, folder, store, variables=None):
    """Runs the program in level light until it stops, and reads its heap profile into a file."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(store)
    with stopped(program, folder, {**LIGHT, **(variables or {})}) as pid:
        said = subprocess.run([TRACE, "ctl", str(pid), "profile", "-o", store], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if said.returncode:
            raise RuntimeError(f"ctl profile: status {said.returncode} {said.stdout.decode(errors='replace')}")


# ---- what it allocated -------------------------------------------------------------------------------


def ask(store, query):
    """The rows of a query, as lists of words."""
    answer = subprocess.run([TRACE, "sql", "-s", store, query], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if answer.returncode not in (0, 4):
        raise RuntimeError(f"{store}: {query}: {answer.stderr.decode(errors='replace')}")
    return [line.split("\t") for line in answer.stdout.decode(errors="replace").splitlines()]


@functools.cache
def file_of(path):
    """The name of the file itself: a recording has the name by which a library was loaded."""
    return os.path.basename(os.path.realpath(path))


class Stacks:
    """The stacks of a store: chains of frames, each (file, place in it); and the function of each frame."""

    def __init__(self, store):
        self.node = {}
        self.function = {}
        rows = ask(store, "SELECT node, parent, module, module_offset, function FROM node_frame WHERE level IS NULL OR level = 0")
        for node, parent, module, offset, function in rows:
            frame = (file_of(module), offset)
            self.node[int(node)] = (int(parent), frame)
            self.function[frame] = function
        self.known = {0: ()}

    def of(self, node):
        """The frames from the innermost one, without hakmem's."""
        if node not in self.known:
            parent, frame = self.node[node]
            own = () if frame[0] == os.path.basename(DEBUG) else (frame,)
            self.known[node] = own + self.of(parent)
        return self.known[node]


class Blocks:
    """The blocks of a stack: how many of each size came, and how many of them live."""

    def __init__(self):
        self.came = collections.Counter()
        self.live = collections.Counter()

    def of(self, what):
        return self.came if what == "allocated" else self.live


def total_bytes(sizes):
    return sum(size * count for size, count in sizes.items())


def add_resized(found, stacks, store):
    """Adds lives that realloc resized where they lay. Of whole pages the heap profile takes it for the end of one block and the
    allocation of another; a smaller block stays in its slot, and counts by its first size."""
    events = collections.defaultdict(list)
    for number, base, size, stack in ask(store, "SELECT id, base, size, stack FROM event WHERE kind = 'REALLOC' ORDER BY id"):
        events[base].append((int(number), int(size), int(stack)))
    for first, base, size, stack, end in ask(store, "SELECT id, base, size, stack, end_id FROM life WHERE resizes > 0"):
        first, size, stack, end = int(first), int(size), int(stack), int(end or 0)
        found[stacks.of(stack)].came[size] += 1
        for number, resized, caller in events[base]:
            if first < number and (not end or number < end) and size > CLASS_BYTES_MAX:
                size, stack = resized, caller
                found[stacks.of(stack)].came[size] += 1
        if not end:
            found[stacks.of(stack)].live[size] += 1


def exact(store):
    """Stack -> Blocks, of a recording in level trace; and the stacks' functions."""
    stacks = Stacks(store)
    found = collections.defaultdict(Blocks)
    query = "SELECT stack, size, count(*), sum(end_id = 0 OR end_id IS NULL) FROM life WHERE resizes = 0 GROUP BY stack, size"
    for stack, size, count, live in ask(store, query):
        blocks = found[stacks.of(int(stack))]
        blocks.came[int(size)] += int(count)
        if int(live):
            blocks.live[int(size)] += int(live)
    add_resized(found, stacks, store)
    return found, stacks.function


def sampled(store):
    """Stack -> {"allocated": bytes, "live": bytes}, as estimated."""
    stacks = Stacks(store)
    found = collections.defaultdict(lambda: {"allocated": 0, "live": 0})
    for stack, came, live in ask(store, "SELECT stack, came_bytes, live_bytes FROM profile"):
        one = found[stacks.of(int(stack))]
        one["allocated"] += int(came)
        one["live"] += int(live)
    return found


# ---- how far an estimate may be ----------------------------------------------------------------------


def chance(size, gap):
    """With which a block is sampled (docs/specs/heap-profile.md)."""
    if size > LOOK_BYTES:
        return -math.expm1(-size / RATE)
    return min(1, max(size, 1) * gap / RATE) / gap


def standard_error(sizes, gap):
    """Of the estimated bytes."""
    return math.sqrt(sum(count * size * size * (1 / chance(size, gap) - 1) for size, count in sizes.items()))


def expected_samples(sizes, gap):
    return sum(count * chance(size, gap) for size, count in sizes.items())


def poisson(draw, mean):
    number, reached = -1, 0.0
    while reached < mean:
        reached += draw.expovariate(1)
        number += 1
    return number


def interval_99(sizes, gap, draws=6000):
    """The lowest and the highest estimate of the middle 99 % of the estimates that these blocks can have.

    By the normal distribution from 100 expected samples on, else by drawing samples."""
    total = total_bytes(sizes)
    if expected_samples(sizes, gap) >= 100:
        reach = NORMAL_99 * standard_error(sizes, gap)
        return total - reach, total + reach
    draw = random.Random(1)
    rare, weights, often, mean = [], [], [], 0.0
    for size, count in sizes.items():
        p = chance(size, gap)
        if p > 0.02 and count < 5000:
            often.append((size / p, p, count))
        else:
            mean += p * count
            rare.append(size / p)
            weights.append(mean)
    seen = []
    for _ in range(draws):
        estimate = sum(rare[min(bisect.bisect(weights, draw.random() * mean), len(rare) - 1)] for _ in range(poisson(draw, mean))) if rare else 0
        for weight, p, count in often:
            estimate += weight * sum(draw.random() < p for _ in range(count))
        seen.append(estimate)
    seen.sort()
    return seen[draws // 200], seen[-1 - draws // 200]
