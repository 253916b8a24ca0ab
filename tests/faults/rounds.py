"""How many of the read faults of tests/faults are found behind a history: 60 rounds of 20 sizes and more, all kept or
freed in part, or four blocks of each of 2,048 stacks (tests/tools/rounds.c).

    rounds.py [HISTORIES [WAY...]]    as many histories of each kind, in these ways of guarding

Prints for each way and place of the read how many were found and named. Fails where the share of a way is below DUE."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus"))
import runs  # noqa: E402 (it lies there)

# Per cent of the reads that are found and named at the least; level normal, which is at 96, where debug registers watch. One
# read less of 56 is 1.8.
DUE = {"normal": 92, "closed": 62, "off": 0, "all": 66, "before": 76, "byte": 73, "stacks": 62}
VARIABLES = {
    "normal": {},
    "closed": {"HAKMEM_GUARD_WATCH": "off"},
    "all": {"HAKMEM_GUARD": "all"},
    "before": {"HAKMEM_GUARD": "all", "HAKMEM_GUARD_SIDE": "before"},
    "byte": {"HAKMEM_GUARD": "all", "HAKMEM_GUARD_ALIGN": "1"},
    "off": {"HAKMEM_GUARD": "off"},
    "stacks": {"HAKMEM_GUARD_WATCH": "off"},  # behind the stacks, whose first blocks have taken the registers' time
}
PLACES = {301: "past the end", 302: "in front", 304: "after free"}
OTHERS = [("overflow_read", 301, "100"), ("use_after_free_read", 304, "400"), ("use_after_free_pointer", 304, "?"),
          ("use_after_free_thread", 304, "200")]


def why_unwatched():
    """Why no debug register watches here, as hakmem says it at level light, which uses the same ones; None: one does."""
    result = runs.run([f"{runs.BUILD}/tests/light/watch", "hold"], {
        "HAKMEM_CHECK": "light", "HAKMEM_GUARD": "sample:1", "HAKMEM_DEBUG_LEVEL": "1", "HAKMEM_TRACE": "off",
        "LD_PRELOAD": f"{runs.BUILD}/hakmem-debug.so"})
    words = re.search(r"no debug register watches.*", result.err)
    return words and words.group()


def faults():
    """(command, code due, size of the block) of each read fault."""
    found = [([f"{runs.BUILD}/tests/faults/{name}"], code, size) for name, code, size in OTHERS]
    with open(f"{runs.SOURCE}/tests/faults/corpus/shapes.list", encoding="utf-8") as lines:
        for line in lines:
            words = line.partition("#")[0].split()
            if words and words[0] in ("read_after_free", "read_outside"):
                code = int(words[3].rpartition("|")[2])
                found.append(([f"{runs.BUILD}/tests/faults/corpus/{words[0]}", words[1]], code, words[4]))
    return found


def is_named(result, code, size):
    """Found under its code, and the block named by its size."""
    return result.codes()[:1] == [code] and (
        size == "?" or re.search(rf"(?<![\d,]){int(size):,} bytes", result.err) is not None)


def histories_of(way, count):
    if way == "stacks":
        return ["stacks,0"]
    return [f"{kind},{seed}" for kind in ("kept", "part") for seed in range(count)]


def main(arguments):
    histories = int(arguments[0]) if arguments else 1
    ways = arguments[1:] or ["normal", "all", "stacks"]
    runs.compile_all()
    jobs = [(way, fault, history) for way in ways for fault in faults() for history in histories_of(way, histories)]

    def run(job):
        way, (command, _, _), history = job
        return runs.run([f"{runs.BUILD}/hakmem-trace", "run", "--check=normal", "--", *command],
                        {**VARIABLES[way], "LD_PRELOAD": f"{runs.BUILD}/tests/tools/rounds.so", "HISTORY": history})

    done = list(zip(jobs, runs.in_parallel(run, jobs)))
    failed = 0
    why = why_unwatched()
    if why and "normal" in ways:
        print(f"skipped: what debug registers add at level normal: {why}")
        DUE["normal"] = DUE["closed"]
    for way in ways:
        named = {job: is_named(result, *job[1][1:]) for job, result in
                 (((job[0], (tuple(job[1][0]), *job[1][1:]), job[2]), result) for job, result in done) if job[0] == way}
        shares = []
        for code, place in PLACES.items():
            there = [is_found for job, is_found in named.items() if job[1][1] == code]
            shares.append(f"{place} {sum(there)} of {len(there)}")
        share = 100 * sum(named.values()) / len(named)
        print(f"{way:7} {share:5.1f} %: {', '.join(shares)}")
        missed = {}
        for job, is_found in named.items():
            if not is_found:
                name = " ".join((os.path.basename(job[1][0][0]), *job[1][0][1:]))
                missed.setdefault(name, []).append(job[2])
        for name, when in missed.items():
            print(f"        not {name}: {len(when)} of {len(histories_of(way, histories))}")
        if share < DUE[way]:
            print(f"{way}: {share:.1f} % were found, at least {DUE[way]} are due")
            failed = 1
    return failed


sys.exit(main(sys.argv[1:]))
