"""What of the quick tier turns red for each change of tests/long/mutations.list: `quick_tier.py` prints one line for each change that no test
of the tier finds, as the list has it, and that tests/long/mutations.full does not name; `quick_tier.py TEST...` prints those of the
list's tests that belong to the tier.

A test of the list is a unit test (unit.NAME), a script (script.FOLDER/NAME), or a run of a program, NAME.LEVEL.LAYOUT, which is a row of
the folder's rows.sh; tests/quick names the tier's tests, and QUICK=1 LIST=1 rows.sh its rows.
"""
import os
import subprocess
import sys

LIST = "tests/long/mutations.list"
KNOWN = "tests/long/mutations.full"


def words_by_line(path):
    with open(path) as lines:
        return [line.split() for line in lines if line.strip() and not line.startswith("#")]


def changes():
    """(name, tests) of each line of the list."""
    with open(LIST) as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines if line.strip() and not line.startswith("#")]
    return [(row[0], row[3].split()) for row in rows]


def rows_of_tier(named):
    """The runs that the rows of the quick tier make: "FOLDER/NAME.LEVEL.LAYOUT..." of each."""
    rows = set()
    for script in (name for name in named if name.endswith("/rows.sh")):
        said = subprocess.run(["bash", os.path.join("tests", script)], env=dict(os.environ, QUICK="1", LIST="1"),
                              capture_output=True, text=True, check=True).stdout
        rows.update(os.path.dirname(script) + "/" + line.split()[0] for line in said.splitlines() if line)
    return rows


def tier():
    named = {words[0]: words[1] for words in words_by_line("tests/quick")}
    rows = rows_of_tier(named)

    def is_in(test):
        kind, _, rest = test.partition(".")
        if kind == "unit":
            return "unit" in named
        if kind == "script":
            path = rest + ".sh"
            return path in named or os.path.dirname(path) in named
        return row_of(test) in rows
    return is_in


def row_of(test):
    """The row that makes the run of a program that the list names."""
    folder, _, name = test.rpartition("/")
    if folder == "sites":  # with the blocks that the level guards
        return "faults/" + name.rpartition(".")[0]
    return (folder or "faults") + "/" + name + ".unguarded" * (folder != "guarded")


def main():
    is_in = tier()
    if len(sys.argv) > 1:
        print(*(test for test in sys.argv[1:] if is_in(test)))
        return 0
    known = {words[0] for words in words_by_line(KNOWN)}
    missed = [(name, tests) for name, tests in changes() if name not in known and not any(is_in(test) for test in tests)]
    for name, tests in missed:
        print(f"{name}: no test of the quick tier is among {' '.join(tests)}; name one in tests/quick, or the change in {KNOWN}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
