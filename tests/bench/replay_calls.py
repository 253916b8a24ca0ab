#!/usr/bin/env python3
"""Instructions of the malloc family in files of callgrind: what its callers outside of it spend in its calls.

  replay_calls.py FILE...    a line for each: program, file, calls, instructions, instructions of a call

tests/bench/replayed.py writes such files."""
import re
import sys

FAMILY = re.compile(
    r"^(__libc_|__|tc_|je_|mi_|hak_)?(malloc|calloc|realloc|reallocarray|free|cfree|posix_memalign|memalign|aligned_alloc|"
    r"valloc)(@.*|'\d+)?$|^operator (new|delete)"
)


def measure(path):
    """Gives the command, the calls and the instructions of one file."""
    names, caller, callee, command, calls, spent = {}, "", "", "", 0, 0
    due = 0  # the next line is the cost of so many calls

    def name_of(text):
        number, _, name = text.partition(" ")
        if name:
            names[number] = name
        return names.get(number, number)

    for line in open(path, errors="replace"):
        line = line.rstrip("\n")
        if line.startswith("cmd:"):
            command = line[4:].split()[0].rsplit("/", 1)[-1]
        elif line.startswith("fn="):
            caller = name_of(line[3:])
        elif line.startswith("cfn="):
            callee = name_of(line[4:])
        elif line.startswith("calls="):
            due = int(line[6:].split()[0])
        elif due:
            if FAMILY.match(callee) and not FAMILY.match(caller):
                calls += due
                spent += int(line.split()[1])
            due = 0
    return command, calls, spent


def main():
    for path in sys.argv[1:]:
        command, calls, spent = measure(path)
        print(f"{command}\t{path}\t{calls}\t{spent}\t{spent / max(calls, 1):.1f}")


if __name__ == "__main__":
    main()
