#!/usr/bin/env python3
"""Runs the stress under every setting: `matrix.py plain|debug|recorded|values [--pairs] [--operations N] [--part I/N]`.

The settings come from `hakmem-trace info --options --json`, so that a new variable is in by itself: each value of a
CHOICE, lowest, default and highest of a number, example values of a text; where a variable has an effect only beside
another one, that stands beside it. Values that are not the default go six to a run, other ones together in each mode;
what changes what a run is goes alone. With FULL=1 each value has a run of its own. --pairs takes every two variables
with values that are not their defaults.

plain      libhakmem.so
debug      hakmem-debug.so without recording, level normal and trace in turn
recorded   hakmem-debug.so recorded behind a counter of calls: what the layers served and resized is what was counted,
           for each process, log and counters agree, every block's path is legal
values     values that cannot be read: one line each that names variable, value and range; the default holds

One line for each thing that is wrong; the status is 0 when nothing is."""
import argparse
import itertools
import json
import os
import re
import shutil
import subprocess
import sys

BUILD = os.environ["BUILD"]
TRACE = f"{BUILD}/hakmem-trace"
STRESS = f"{BUILD}/tests/matrix/stress"
PLAIN, DEBUG = f"{BUILD}/libhakmem.so", f"{BUILD}/hakmem-debug.so"
COUNTER = f"{BUILD}/tests/tools/count_calls.so"
ENV = os.environ.get("ENV_TO_RECORD", "/usr/bin/env")  # as $env of tests/tools/test.sh

# Values for variables of free text; what has none here gets the example in its range, or a file name.
TEXTS = {
    "COLLECT": [f"{BUILD}/hakmem-collect"],
    "LOG": ["log.txt"],
    "TRACE_FILE": ["named.db"],
    "SUPPRESSIONS": ["known.supp"],
    "BASELINE": ["known.json"],
    "TINY_TLS_CLASS_OVERRIDE": ["C0:256:16,C3:64:32", "C7:4:1", "C0:0:1,C1:1:1,C2:4096:4096"],
}
# Files that some of these name.
FILES = {"known.supp": "leak:nothing_is_called_so\n", "known.only": "hakmem-only 1\nstack\n  0x1 - no-such-module\n", "known.json": '{"hakmem_baseline": 1, "findings": []}\n'}
# Not a setting of a healthy program: the name of a keeper that is not there, faults on purpose (tests/faults), and files of
# level light, which are refused aloud in the levels that are tried here (tests/light/dumps.sh).
NO_SETTING = {"SESSION", "INJECT", "HEAP_PROFILE_DUMP"}
# Variables that do something only beside others.
NEEDS = [
    (r"TINY_HOT_RING_C", {"TINY_HOT_RING_ENABLE": "1"}),
    (r"TINY_MAG_CAP|TINY_TLS_SLL_CAP", {"TINY_MAGAZINE_ENABLE": "1"}),
    (r"TINY_FRONT_HEAPV2_ONLY", {"TINY_FRONT_DISABLE_HEAPV2": "0"}),
    (r"GUARD_(SIDE|MEMORY)", {"GUARD": "all"}),
    (r"GUARD_WATCH", {"GUARD": "sites:4"}),
    (r"GUARD_ALIGN", {"CHECK": "trace"}),  # level normal guards blocks by itself, which are not aligned then, as the stress wants them
    (r"ALLOC_LEARN_", {"ALLOC_LEARN": "1", "ALLOC_LEARN_WINDOW": "100"}),
    (r"MEM_LEARN_", {"MEM_LEARN": "1", "MEM_LEARN_WINDOW": "100"}),
    (r"LEARN_ADVANCED", {"ALLOC_LEARN": "1", "MEM_LEARN": "1", "ALLOC_LEARN_WINDOW": "100", "MEM_LEARN_WINDOW": "100"}),
]
# Several at once: all fronts, none, the front of the original, tight and wide.
OFF = {f"TINY_UNIFIED_C{i}": "0" for i in range(8)}
ALL = {
    "TINY_FRONT_DISABLE_HEAPV2": "0", "TINY_FRONT_ENABLE_ULTRAHOT": "1", "TINY_FRONT_ENABLE_FC": "1",
    "TINY_FRONT_ENABLE_SFC": "1", "TINY_HOT_RING_ENABLE": "1", "SMALLMID_ENABLE": "1",
}
TOGETHER = [
    ALL,
    {**ALL, "TINY_MAGAZINE_ENABLE": "1"},
    {**ALL, "TINY_MAGAZINE_ENABLE": "0"},
    {**ALL, **OFF},
    OFF,
    {**OFF, "TINY_MAGAZINE_ENABLE": "0"},
    {**ALL, "ALLOC_LEARN": "1", "MEM_LEARN": "1", "LEARN_ADVANCED": "1", "ALLOC_LEARN_WINDOW": "100",
     "MEM_LEARN_WINDOW": "100"},
    {"TINY_MAGAZINE_ENABLE": "1", "TINY_MAG_CAP": "2", "TINY_TLS_SLL_CAP": "1"},
    {"TINY_PROFILE": "off", "TINY_MAX_CLASS": "0"},
    {"TINY_PROFILE": "hot", "SMALLMID_ENABLE": "1"},
    {"SS_EMPTY_REUSE": "0", "SUPERSLAB_REUSE": "0", "TINY_SS_COMPACT": "0", "BIGCACHE_MAX": "0"},
]
# A variable that asks for lines on stderr may print there; each build tells who asks it for what only the other can.
TELLS = {"DEBUG_LEVEL", "STATS", "SS_ACQUIRE_DEBUG", "EXTERNAL_GUARD_LOG", "EXTERNAL_GUARD_STATS"}
FOR_OTHER = re.compile(r"hakmem: HAKMEM_\w+=.* is for (hakmem-debug\.so; libhakmem|libhakmem; hakmem-debug\.so)"
                       r" does without")
# The end of a recording says why no register watches, where HAKMEM_WATCH asks for them: another level or machine.
UNWATCHED = re.compile(r"hakmem: HAKMEM_WATCH: no debug register watches: .+")
# HAKMEM_TAGS=asymm says so on a machine with tags whose kernel does not prefer it.
UNPREFERRED = re.compile(r"hakmem: HAKMEM_TAGS=asymm: the kernel does not prefer that .+")
# Where the log may lose events by its purpose: counters and memory are exact all the same.
MAY_LOSE = {("TRACE_FULL", "drop"), ("TRACE_MAX", "16M"), ("START_PAUSED", "1")}

# Variables that turn parts off, or let a run be looked at less closely: no other setting goes beside them.
SOLO = TELLS | {
    "CHECK", "LAYOUT", "TRACE", "TRACE_FILE", "TRACE_MAX", "START_PAUSED", "TRACE_PROFILE_ONLY", "TRACE_FULL", "STACK_DEPTH", "GUARD", "GUARD_ALIGN",
    "LEAKS", "QUARANTINE", "TINY_FRONT_METRICS", "TINY_MAX_CLASS", "TINY_PROFILE", "TINY_PRESET", "TINY_FRONT_HEAPV2_ONLY", "BENCH_FAST_MODE",
    "PROFILE",
}
AT_ONCE = 6  # settings that go together
MODES = ["plain", "debug", "recorded"]

failures = 0


def fail(name, words):
    global failures
    failures += 1
    print(f"{name}: {words}", flush=True)


def read_options():
    text = subprocess.run([TRACE, "info", "--options", "--json"], stdout=subprocess.PIPE, check=True).stdout
    return {o["variable"].removeprefix("HAKMEM_"): o for o in json.loads(text)["options"]}


def values_of_word(word):
    """Of a word of a VARIANT, which may have a number or a file behind it."""
    word, _, argument = word.partition(":")
    if not argument:
        return [word]
    return [f"{word}:{value}" for value in (["known.only"] if argument == "FILE" else argument.split(".."))]


def values_of(name, option):
    """Every value that a variable is run with, the default among them."""
    kind, given = option["type"], option["range"]
    if name in NO_SETTING:
        return []
    if kind == "CHOICE":
        return given.split("|")
    if kind == "VARIANT":
        return [value for word in given.split("|") for value in values_of_word(word)]
    if kind in ("NUMBER", "BYTES", "POWER"):
        low, high = given.split(",")[0].split("..")
        if name == "TINY_MAX_CLASS":
            return [str(n) for n in range(int(low), int(high) + 1)]
        return list(dict.fromkeys([low, option["default"], high]))
    if kind == "FRACTION":
        return list(dict.fromkeys(["0", option["default"], "1", "0.000001"]))
    if name in TEXTS:
        return TEXTS[name]
    example = re.search(r"as in (\S+)", given)
    return [example.group(1) if example else "matrix.out"]


def settings_alone(options):
    yield {}
    for name, option in options.items():
        for value in values_of(name, option):
            yield {name: value}
            for pattern, others in NEEDS:
                if re.match(pattern, name):
                    yield {**{k: v for k, v in others.items() if k in options}, name: value}
    for together in TOGETHER:
        yield {name: value for name, value in together.items() if name in options}


def settings_packed(options, mode):
    """The same values with fewer runs: those of SOLO variables alone, all others AT_ONCE at a time."""
    yield {}
    single = []
    for name, option in options.items():
        needed = {key: value for pattern, others in NEEDS if re.match(pattern, name) for key, value in others.items()}
        needed = {key: value for key, value in needed.items() if key in options}
        for value in values_of(name, option):
            if value == option["default"]:
                continue
            if name in SOLO:
                yield {**needed, name: value}
            else:
                single.append({**needed, name: value})
    turn = MODES.index(mode) * len(single) // len(MODES)
    packs = []  # of [how many, setting]
    for setting in single[turn:] + single[:turn]:
        for pack in packs:
            if pack[0] < AT_ONCE and all(pack[1].get(key, value) == value for key, value in setting.items()):
                pack[0] += 1
                pack[1].update(setting)
                break
        else:
            packs.append([1, dict(setting)])
    yield from (setting for _, setting in packs)
    for together in TOGETHER:
        yield {name: value for name, value in together.items() if name in options}


def settings_pairs(options):
    """Every two variables, each with each of its values that is not the default. Guarded blocks that end at the closed page are
    not aligned as the stress wants them: those values stand beside a level that guards none, and not beside what guards some."""
    others = {
        name: [v for v in values_of(name, option) if v != option["default"]]
        for name, option in options.items()
        if option["type"] not in ("PATH",)
    }
    for one, other in itertools.combinations(others, 2):
        for first in others[one]:
            for second in others[other]:
                pair = {one: first, other: second}
                if pair.get("GUARD_ALIGN") not in ("size", "1"):
                    yield pair
                elif not {"CHECK", "GUARD"} & set(pair):
                    yield {"CHECK": "trace", **pair}


def environment(setting, more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HAKMEM_")}
    return {**clean, **more, **{f"HAKMEM_{name}": value for name, value in setting.items()}}


def told(setting, error):
    """What stderr says that it should not."""
    lines = [line for line in error.splitlines() if not FOR_OTHER.fullmatch(line)]
    if setting.get("WATCH", "0") != "0":
        lines = [line for line in lines if not UNWATCHED.fullmatch(line)]
    if setting.get("TAGS") == "asymm":
        lines = [line for line in lines if not UNPREFERRED.fullmatch(line)]
    if TELLS & set(setting):
        lines = [line for line in lines if line.startswith("hakmem: verify") or
                 not line.startswith(("hakmem", " "))]
    return "\n".join(lines)


def run(name, command, env, setting):
    """Runs the stress; True when it ended well and said nothing that it should not."""
    try:
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                              errors="replace", check=False)
    except subprocess.TimeoutExpired:
        fail(name, "hangs: ended after 300 s")
        return False
    said = told(setting, done.stderr)
    if done.returncode != 0 or not re.fullmatch(r"calls \d+\n", done.stdout) or said:
        lines = (said or done.stderr or done.stdout).strip().splitlines()
        fail(name, f"status {done.returncode}: {' / '.join(lines[:3])}")
        return False
    return True


def show(setting):
    return " ".join(f"HAKMEM_{name}={value}" for name, value in setting.items()) or "all defaults"


class Runner:
    def __init__(self, mode, operations):
        self.mode, self.operations, self.count = mode, operations, 0

    def stress(self):
        # Another course of events for each setting, the same for each day.
        return [STRESS, "4", str(self.operations), str(self.count), "2"]

    def plain(self, setting):
        run(f"libhakmem.so {show(setting)}", self.stress(), environment(setting, {"LD_PRELOAD": PLAIN}),
            setting)

    def debug(self, setting):
        level = "trace" if self.count % 2 else "normal"
        more = {"LD_PRELOAD": DEBUG, "HAKMEM_TRACE": "off", "HAKMEM_CHECK": level}
        if setting.get("TRACE") == "on":
            return
        run(f"hakmem-debug.so HAKMEM_TRACE=off HAKMEM_CHECK={level} {show(setting)}", self.stress(),
            environment(setting, more), setting)

    def recorded(self, setting):
        level = "trace" if self.count % 2 else "normal"
        name = f"recorded, HAKMEM_CHECK={level} {show(setting)}"
        store = setting.get("TRACE_FILE", "store.db")
        if setting.get("CHECK") == "light":  # which records nothing
            return
        for file in os.listdir("."):
            if file.endswith((".db", ".db-wal", ".db-shm")) or file in ("calls", "matrix.out", "log.txt"):
                os.remove(file)
        with open("calls", "wb") as calls:
            calls.truncate(1 << 20)
        # Standard places last: what the setting says goes before them.
        more = {"HAKMEM_CHECK": level, "HAKMEM_TRACE_FILE": store, "COUNT_CALLS_FILE": os.path.abspath("calls")}
        command = [TRACE, "run", "--", ENV, f"LD_PRELOAD={COUNTER} {DEBUG}", *self.stress()]
        if not run(name, command, environment(setting, more), setting):
            return
        if setting.get("TRACE_PROFILE_ONLY") == "1":  # there is no log to be compared
            status, out, error = ask("check", "-s", store)
            if status != 0 or "intact; only the profile" not in out:
                fail(name, f"check ends with status {status}: {(error or out).strip()[:300]}")
        elif setting.get("TRACE") != "off":
            compare(name, store, any(item in MAY_LOSE for item in setting.items()),
                    setting.get("TINY_FRONT_METRICS") != "0")


def counted_calls():
    """Blocks handed out and resized, of all processes, as the counter in front of hakmem saw them."""
    import struct
    with open("calls", "rb") as calls:
        data = calls.read()
    words = [struct.unpack_from("<4Q", data, at) for at in range(64, len(data), 64)]
    return sum(w[1] + w[3] for w in words if w[0])


def ask(*command):
    done = subprocess.run([TRACE, *command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def served_calls(layers):
    metrics = [c["metrics"] for c in layers["classes"]]
    return sum(n for m in metrics for k, n in m.items() if k.startswith("served.") or k == "resized")


def compare(name, store, may_lose, has_metrics):
    status, out, error = ask("layers", "-s", store, "--json")
    if status not in ((0, 4) if may_lose else (0,)):
        fail(name, f"layers ends with status {status}: {(error or out).strip()[:200]}")
        return
    layers, counted = json.loads(out), counted_calls()
    # `env`, which starts the stress, is recorded and not counted.
    status, text, error = ask("sql", "-s", store, "select total(kind in ('MALLOC', 'REALLOC')) as n from event "
                              "where process in (select id from process where id = 1 and program like '%/env')")
    of_env = int(float(text.split()[-1])) if status == 0 else 0
    if not may_lose and served_calls(layers) - of_env != counted:
        fail(name, f"layers served and resized {served_calls(layers) - of_env} blocks; {counted} calls were counted")
    if not may_lose and has_metrics and layers["mallocs"].get("agree") is not True:
        fail(name, f"log and counters disagree: {layers['mallocs']}")
    status, out, error = ask("check", "-s", store)
    if status not in ((0, 4) if may_lose else (0,)):
        fail(name, f"check ends with status {status}: {(error or out).strip()[:300]}")


def bad_values(name, option):
    kind, given = option["type"], option["range"]
    if kind == "CHOICE":
        return ["", "no-such-value", given, given.split("|")[0].upper() + "x"]
    if kind in ("NUMBER", "BYTES", "POWER"):
        low, high = given.split(",")[0].split("..")
        unit = high.lstrip("0123456789")
        values = ["", "x", "-1", "1.5", f"{int(high[: len(high) - len(unit)]) + 1}{unit}", "99999999999999999999999"]
        values += [str(int(low) - 1)] if low.isdigit() and int(low) > 0 else []
        return values + ([str(int(low) + 1)] if kind == "POWER" else [])
    if kind == "FRACTION":
        return ["", "x", "1.1", "2", "-0.1", "0.1234567"]
    if kind == "VARIANT":
        numbered = [word for word in given.split("|") if ".." in word]
        beyond = [f"{word.split(':')[0]}:{int(word.split('..')[1]) + 1}" for word in numbered]
        return ["", "x", "all:1", "only:", *(f"{word.split(':')[0]}:x" for word in numbered), *beyond]
    values = ["a" * 5000]
    if name == "TINY_TLS_CLASS_OVERRIDE":
        values += ["C9:1:1", "C0", "C0:1", "C0:x:1", "C0:64:16,", "C0:64:16,C1", "0:64:16", "C0:99999999:1"]
    return values


def verify_values(options):
    for name, option in options.items():
        for library in (PLAIN, DEBUG):
            for value in bad_values(name, option):
                see_bad_value(name, option, library, value)


def see_bad_value(name, option, library, value):
    more = {"LD_PRELOAD": library, f"HAKMEM_{name}": value}
    if library == DEBUG and name != "TRACE":
        more["HAKMEM_TRACE"] = "off"
    if library == DEBUG and name == "TRACE":
        more["HAKMEM_TRACE_FILE"] = "values.db"
    done = subprocess.run([shutil.which("true")], env=environment({}, more), capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    what = f"{os.path.basename(library)}: HAKMEM_{name}={value[:40]}"
    if done.returncode != 0 or len(lines) != 1:
        fail(what, f"status {done.returncode}, {len(lines)} lines on stderr where one was due: {done.stderr[:200]!r}")
        return
    line = lines[0]
    expected = option["range"][:60] if len(value) < 5000 else "at most 4095 bytes"
    for part in (f"HAKMEM_{name}=", value[:100], expected, option["default"]):
        if part not in line:
            fail(what, f"the line does not tell {part!r}: {line[:300]}")
    if os.path.exists("values.db"):
        os.remove("values.db")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["plain", "debug", "recorded", "values"])
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--operations", type=int, default=8000 if os.environ.get("FULL") == "1" else 4000)
    parser.add_argument("--part", default="1/1")
    arguments = parser.parse_args()
    options = read_options()
    if arguments.mode == "values":
        verify_values(options)
        sys.exit(1 if failures else 0)
    for name, text in FILES.items():
        with open(name, "w", encoding="ascii") as file:
            file.write(text)
    part, parts = (int(n) for n in arguments.part.split("/"))
    runner = Runner(arguments.mode, arguments.operations)
    if arguments.pairs:
        settings = settings_pairs(options)
    elif os.environ.get("FULL") == "1":
        settings = settings_alone(options)
    else:
        settings = settings_packed(options, arguments.mode)
    for setting in settings:
        runner.count += 1
        if runner.count % parts == part - 1:
            getattr(runner, arguments.mode)(setting)
    if arguments.pairs:
        print(f"{arguments.mode}: {runner.count} settings")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
