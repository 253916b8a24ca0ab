"""ci_blocks.py TREE FOLDER: writes what docs/ci.md and the sample workflow of TREE tell a shell, one script a block, into FOLDER.

A block of docs/ci.md is SECTION.N.sh, N counted in its section: its own lines, the lines that a service's file gives to a shell, or a build
file and the command that reads it. Lines that the page says fail must fail. The workflow is workflow.miss.sh, and workflow.hit.sh where the cache has
what the first run left. The names go to stdout."""
import os
import re
import sys

sys.path.insert(0, os.path.join(sys.argv[1], "tests/docs"))
import pages  # noqa: E402

# The reader of each kind of build file.
READ_BY = {"make": ("heap.mk", "", "make -f Makefile -f heap.mk heap CFLAGS='-g -O1'"),
           "cmake": ("CMakeLists.txt", "cmake_minimum_required(VERSION 3.13)\nproject(parser C)\nenable_testing()\nadd_executable(parser_test tests.c)\n",
                     "cmake -S . -B out >made && cmake --build out >made && cd out && ctest --output-on-failure")}


def indent(line):
    return len(line) - len(line.lstrip())


def scalar(lines, at):
    """The value that begins behind the colon of line `at`, or is the whole item: plain, folded (>-) or literal (|), with its further lines."""
    first = re.sub(r"^\s*(- )?((run|script): )?", "", lines[at])
    depth = indent(lines[at]) + (2 if lines[at].lstrip().startswith("- ") else 0)
    more = []
    for line in lines[at + 1:]:
        if line.strip() and indent(line) <= (depth if re.match(r"\s*(- )?(run|script):", lines[at]) else indent(lines[at])):
            break
        more.append(line)
    if first == "|":
        cut = min(indent(line) for line in more if line.strip())
        return "\n".join(line[cut:] for line in more)
    return " ".join([first] * (first != ">-") + [line.strip() for line in more if line.strip()])


def commands_of_service(lines):
    """Pairs of a step's condition and what its shell is given."""
    found, is_list = [], False
    for at, line in enumerate(lines):
        key = re.match(r"\s*(before_script|script):$", line)
        if key:
            is_list = indent(line)
        elif re.match(r"\s*(- )?(run|script): ", line):
            condition = re.match(r"\s*- if: (.*)", lines[at - 1]) if not line.lstrip().startswith("- ") else None
            found.append((condition[1] if condition else "", scalar(lines, at)))
        elif is_list is not False and line.strip() and indent(line) <= is_list:
            is_list = False
        elif is_list is not False and re.match(r"\s*- ", line):
            found.append(("", scalar(lines, at)))
        elif re.match(r"\s*sh '(.*)'$", line):
            found.append(("", re.match(r"\s*sh '(.*)'$", line)[1]))
    return found


def script_of(block):
    """The block as a script; None: it has nothing for a shell."""
    if block.language in READ_BY:
        name, before, command = READ_BY[block.language]
        return "cat >%s <<'END_OF_BLOCK'\n%s%s\nEND_OF_BLOCK\n%s\n" % (name, before, "\n".join(block.lines), command)
    if block.language in ("yaml", "groovy"):
        # Azure puts its own variables in before a shell sees them.
        commands = [command.replace("$(Build.SourcesDirectory)", "$PWD") for _, command in commands_of_service(block.lines)]
        return "".join(command + "\n" for command in commands) or "exit 99 # nothing for a shell was found\n"
    if any(re.match(r"(leak|fault):", line) for line in block.lines):
        return "cat >heap.supp <<'END_OF_BLOCK'\n%s\nEND_OF_BLOCK\nhakmem-trace run --ci --suppressions heap.supp -- ./tests\n" % "\n".join(block.lines)
    commands = [command for command, _ in pages.commands_of(block)]
    return "".join("if %s\nthen exit 98; fi\n" % command if re.search(r" # fails\b", command) else command + "\n" for command in commands) or None


def main(tree, folder):
    section, number, scripts = "", {}, {}
    text = open(os.path.join(tree, "docs/ci.md"), encoding="utf-8").read()
    headings = [(text.count("\n", 0, found.start()) + 1, found[1]) for found in re.finditer(r"^#+ (.*)$", text, re.M)]
    for block in pages.blocks_of(text):
        section = [name for line, name in headings if line < block.line][-1]
        section = re.sub(r"\W+", "_", section.lower()).strip("_")
        script = script_of(block)
        if script:
            number[section] = number.get(section, 0) + 1
            scripts["%s.%d" % (section, number[section])] = script
    steps = commands_of_service(open(os.path.join(tree, "examples/tally/.github/workflows/heap.yml"), encoding="utf-8").read().split("\n"))
    scripts["workflow.miss"] = "".join(command + "\n" for _, command in steps)
    scripts["workflow.hit"] = "".join(command + "\n" for condition, command in steps if "cache-hit != 'true'" not in condition)
    for name, script in scripts.items():
        with open(os.path.join(folder, name + ".sh"), "w", encoding="utf-8") as out:
            out.write(script)
        print(name)


main(*sys.argv[1:3])
