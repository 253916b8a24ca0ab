"""Nothing is reported for the correct programs of this folder, in level normal, with leaks as faults, and of every third in
level trace; FULL=1: of each.

    check.py [PROGRAM]

Each prints and ends as it does without hakmem."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../corpus"))
import runs  # noqa: E402


def main(wanted):
    runs.compile_all()
    programs = sorted(re.sub(r"\.(c|cpp)$", "", name) for name in os.listdir(HERE)
                      if re.search(r"\.(c|cpp)$", name) and not name.startswith("library_loaded"))
    left_out = os.environ.get("LEFT_OUT", "").split()
    programs = [program for program in programs if (program in wanted or not wanted) and program not in left_out]
    everything = bool(wanted) or os.environ.get("FULL") == "1"
    levels = {program: ("trace", "normal") if everything or place % 3 == 0 else ("normal", ) for place, program in enumerate(programs)}
    jobs = [(program, level) for program in programs for level in ("plain", *levels[program])]

    def run(job):
        program, level = job
        command = [f"{runs.BUILD}/tests/faults/correct/{program}"]
        return runs.run(command) if level == "plain" else runs.run_hakmem(level, command)

    results = dict(zip(jobs, runs.in_parallel(run, jobs)))
    complaints = 0
    for program in programs:
        plain = results[program, "plain"]
        for level in levels[program]:
            found = results[program, level]
            for part in ("status", "out", "err"):
                before, now = getattr(plain, part), getattr(found, part)
                if before != now:
                    complaints += 1
                    print(f"{program}, level {level}: {part} is another than without hakmem; due:\n{before}\nfound:\n{now}")
        if plain.status not in (0, 5, 7) or "not so:" in plain.out:
            complaints += 1
            print(f"{program} is not right by itself: status {plain.status}\n{plain.out}{plain.err}")
    print(f"{len(programs)} correct programs, {complaints} complaints")
    return 1 if complaints else 0


sys.exit(main(sys.argv[1:]))
