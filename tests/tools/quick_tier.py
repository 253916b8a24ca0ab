"""What belongs to the quick tier, as tests/quick names it.

    quick_tier.py tests quick|rest <NAMES   prints those of the tests that are in the tier, or those that it does not run whole
    quick_tier.py rows                      prints what is wrong with the rows of tests/quick
    quick_tier.py missed                    prints each change of tests/long/mutations.list, with its tests, that no test of the tier finds and that
                                            tests/long/mutations.full does not name
    quick_tier.py finders TEST...           prints those of the list's tests that are in the tier

A row of tests/quick is a test or a folder and whole, part or full; the longest row that fits a test counts. A test of mutations.list is a unit test
(unit.NAME), a script (script.FOLDER/NAME), or a run of a program, NAME.LEVEL.LAYOUT, which is a row of the folder's rows.sh; QUICK=1 LIST=1 rows.sh
names those of the tier.
"""
import glob
import os
import re
import subprocess
import sys

LIST = "tests/long/mutations.list"
KNOWN = "tests/long/mutations.full"


def words_by_line(path):
    with open(path) as lines:
        return [line.split() for line in lines if line.strip() and not line.startswith("#")]


def named():
    """The word of each path that tests/quick has, of a unit test's program without .c as its name."""
    return {path.removesuffix(".c"): (words or [""])[0] for path, *words in words_by_line("tests/quick")}


def word_of(name, rows):
    """How much of a test is in the tier: whole, part or full, which is nothing of it."""
    while name and name not in rows:
        name = os.path.dirname(name)
    return rows.get(name, "full")


ASKS = {".sh": r"\b(is_quick|QUICK)\b|tests/tools/changed\.sh", ".c": r"\b(is_quick|rounds_of)\("}


def wrong_rows(rows):
    """A test with `part` leaves something out with QUICK=1, and one with `whole` does not."""
    for path, word in rows.items():
        if not any(os.path.exists("tests/" + path + suffix) for suffix in ("", ".c")):
            yield f"{path} is not there"
        if word not in ("whole", "part", "full"):
            yield f"{path}: '{word}' is none of whole, part, full"
    for path in sorted(glob.glob("tests/**/*.sh", recursive=True) + glob.glob("tests/unit/**/*_test.c", recursive=True)):
        name = path[len("tests/"):].removesuffix(".c")
        with open(path) as file:
            asks = bool(re.search(ASKS[os.path.splitext(path)[1]], file.read()))
        if word_of(name, rows) == "whole" and asks or word_of(name, rows) == "part" and not asks:
            yield f"{name} is {word_of(name, rows)}, and {'asks' if asks else 'does not ask'} for the quick tier"


def changes():
    """(name, tests) of each line of the list."""
    with open(LIST) as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return [(row[0], row[3].split()) for row in rows]


def rows_of_tier(rows):
    """The runs that the rows of the quick tier make: "FOLDER/NAME.LEVEL.LAYOUT..." of each."""
    found = set()
    for script in (name for name in rows if name.endswith("/rows.sh") and rows[name] != "full"):
        said = subprocess.run(["bash", os.path.join("tests", script)], env=dict(os.environ, QUICK="1", LIST="1"),
                              capture_output=True, text=True, check=True).stdout
        found.update(os.path.dirname(script) + "/" + line.split()[0] for line in said.splitlines() if line)
    return found


def finders(tests):
    """Those of the list's tests that are in the tier."""
    rows = named()
    runs = rows_of_tier(rows)

    def is_in(test):
        kind, _, rest = test.partition(".")
        if kind in ("unit", "script"):
            return word_of("unit" if kind == "unit" else rest + ".sh", rows) != "full"
        return row_of(test) in runs
    return sorted(test for test in set(tests) if is_in(test))


def row_of(test):
    """The row that makes the run of a program that the list names."""
    folder, _, name = test.rpartition("/")
    if folder == "sites":  # with the blocks that the level guards
        return "faults/" + name.rpartition(".")[0]
    return (folder or "faults") + "/" + name + ".unguarded" * (folder != "guarded")


def missed():
    for test in sorted({test for _, tests in changes() for test in tests if test.startswith("unit.")}):
        programs = glob.glob(f"tests/unit/**/{test[len('unit.'):]}.c", recursive=True)
        if len(programs) != 1:
            yield f"{test}: {len(programs)} programs of that name; unit.FOLDER/NAME names one"
    known = {words[0] for words in words_by_line(KNOWN)}
    found = finders(test for _, tests in changes() for test in tests)
    for name, tests in changes():
        if name not in known and not set(tests).intersection(found):
            yield f"{name}: no test of the quick tier is among {' '.join(tests)}; name one in tests/quick, or the change in {KNOWN}"


def main(what, *given):
    wrong = []
    if what == "tests":
        rows, others = named(), {"quick": "full", "rest": "whole"}[given[0]]
        print("".join(f"{name}\n" for name in sys.stdin.read().split() if word_of(name, rows) != others), end="")
    elif what == "finders":
        print(*finders(given))
    else:
        wrong = list({"rows": lambda: wrong_rows(named()), "missed": missed}[what]())
        print("".join(f"{line}\n" for line in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
