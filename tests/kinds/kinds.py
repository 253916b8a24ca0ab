"""Runs the generated programs of tests/kinds under hakmem in level normal and tells, by kind, what was found.

    kinds.py EVERY [PAGE]    each EVERYth program of every kind; the result is written to PAGE, too

A bad variant counts as named when the first report has a code of its kind, as told when there is a report of
another fault, as a bare signal when the program dies without one, else as missed: a bare signal is missed, too.
A good variant must print and end as without hakmem, and nothing else may be printed.

Ends with 1 where a good variant is accused, or fewer bad ones are named than LIMITS says."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../faults/corpus"))
import generate  # noqa: E402
import runs  # noqa: E402

# Number of variants that must be named, of a hundred bad ones of a kind. Reads change nothing: they are found where
# they reach an inaccessible page, behind the first blocks of an allocation stack. A write further in front than the
# header (index -5 of 8-byte elements) damages no block. A block that a static variable still points to is no leak.
LIMITS = {
    "heap overflow by writes": 98,
    "heap underflow by writes": 85,
    "read past the end": 60,
    "read in front": 0,
    "double free": 100,
    "read after free": 98,
    "write after free": 98,
    "free of no heap": 100,
    "free not at start": 100,
    "mismatched kinds": 100,
    "leak": 88,
}
OUTCOMES = ("named", "told", "signal", "missed")


def make_programs(every):
    """Generates and compiles; returns the lines of cases.list."""
    directory = f"{runs.BUILD}/tests/kinds/{every}"
    generate.main(directory, every)
    with open(f"{directory}/cases.list", encoding="utf-8") as listing:
        cases = [line.rstrip("\n").split("\t") for line in listing]
    support = os.path.getmtime(f"{HERE}/support.h")
    commands = []
    for name, _, _, files in cases:
        sources = [f"{directory}/{file}" for file in files.split()]
        program = f"{directory}/{name}"
        newest = max(support, *map(os.path.getmtime, sources))
        if os.path.exists(program) and os.path.getmtime(program) >= newest:
            continue
        compiler = ["g++", "-std=gnu++17"] if sources[0].endswith(".cpp") else ["gcc", "-std=gnu11"]
        commands.append([*compiler, "-O0", "-w", "-iquote", HERE, "-o", f"{program}.new", *sources])

    def compile_one(command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            program = command[command.index("-o") + 1]
            os.replace(program, program[:-len(".new")])
        return done.stderr if done.returncode else ""

    errors = [error for error in runs.in_parallel(compile_one, commands) if error]
    if errors:
        raise SystemExit(f"{len(errors)} generated programs do not compile, the first:\n{errors[0]}")
    return directory, cases


def outcome(codes, done):
    if done.codes() and done.codes()[0] in codes:
        return "named"
    if done.reports:
        return "told"
    return "signal" if isinstance(done.status, int) and done.status > 128 or done.status == "hung" else "missed"


def table(counts, accused, commit_line):
    lines = [commit_line, "",
             "| kind | of 1,107 | bad variants | named | told by another name | bare signal | missed | named, % | good variants | accused |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    share_named = share_all = 0
    for kind, (_, _, weight, _) in generate.KINDS.items():
        count = counts[kind]
        total = sum(count.values())
        share = count["named"] / total if total else 0
        share_named, share_all = share_named + weight * share, share_all + weight
        lines.append(f"| {kind} | {weight} | {total} | " + " | ".join(str(count[name]) for name in OUTCOMES)
                     + f" | {100 * share:.1f} | {total} | {accused[kind]} |")
    total = {name: sum(count[name] for count in counts.values()) for name in OUTCOMES}
    programs = sum(total.values())
    lines.append(f"| all as counted | | {programs} | " + " | ".join(str(total[name]) for name in OUTCOMES)
                 + f" | {100 * total['named'] / programs:.1f} | {programs} | {sum(accused.values())} |")
    lines.append("")
    lines.append(f"With kinds in the proportions of the second column: {100 * share_named / share_all:.1f} % named.")
    return lines


def main(every, page=None):
    directory, cases = make_programs(every)
    jobs = [(case, variant) for case in cases for variant in ("bad", "good", "plain")]

    def run(job):
        (name, *_), variant = job
        program = f"{directory}/{name}"
        return runs.run([program, "good"]) if variant == "plain" else runs.run_hakmem("normal", [program, variant])

    results = {(case[0], variant): done for (case, variant), done in zip(jobs, runs.in_parallel(run, jobs))}
    counts = {kind: dict.fromkeys(OUTCOMES, 0) for kind in generate.KINDS}
    accused = dict.fromkeys(generate.KINDS, 0)
    details = []
    for name, kind, what, _ in cases:
        bad, good, plain = (results[name, variant] for variant in ("bad", "good", "plain"))
        found = outcome(generate.KINDS[kind][1], bad)
        counts[kind][found] += 1
        if found != "named" and LIMITS[kind]:
            codes = " ".join(map(str, bad.codes())) or "nothing"
            details.append(f"{name} ({what}): {found}, {codes}, status {bad.status}")
        if (good.status, good.out, good.err) != (plain.status, plain.out, plain.err):
            accused[kind] += 1
            details.append(f"{name} ({what}): good variant: status {good.status} {good.summary or good.err[:200]}")
    failed = [f"{kind}: {count['named']} named of {sum(count.values())}, due {LIMITS[kind]} %"
              for kind, count in counts.items() if 100 * count["named"] < LIMITS[kind] * sum(count.values())]
    failed += [f"{kind}: {count} good variants are accused" for kind, count in accused.items() if count]

    commit = subprocess.run(["git", "-C", runs.SOURCE, "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip() or "unknown"
    lines = table(counts, accused, f"Commit {commit}, gcc -O0, level normal with `--leaks=error`, "
                  + ("all programs." if every == 1 else f"one of {every} programs."))
    print("\n".join(lines + [""] + details + failed))
    if page:
        with open(page, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
