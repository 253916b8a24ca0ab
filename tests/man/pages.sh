#!/usr/bin/env bash
# The man pages: mandoc has nothing to say about them, each command has one that says what its help says, word for
# word, each page that they name is there, and man finds them where they are installed.
. "${SOURCE:?}/tests/tools/test.sh"
# The system that a page is for does not matter, nor do pages of others that are not installed here.
for page in "$BUILD"/man/*; do mandoc -T lint -W all "$page"; done 2>&1 |
    grep -v -e 'operating system explicitly specified' -e 'referenced manual not found' -e 'outdated mandoc.db' >said
[ ! -s said ] || fail "mandoc -T lint:" "$(cat said)"

BUILD=$BUILD TRACE=$trace python3 - <<'END_OF_PYTHON' || exit 1
import os
import re
import subprocess
import sys

folder, trace = os.environ["BUILD"] + "/man", os.environ["TRACE"]
wrong = []


def output(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def shown(name):
    """A page's sections and their subsections, without spaces, quotes and the form of the terminal."""
    text = output("col", "-bx", input=output("mandoc", "-T", "ascii", "-O", "width=100", f"{folder}/{name}"))
    parts, key = {}, ""
    for line in text.splitlines()[1:-1]:
        if re.match(r"( {3})?\S", line):
            key = line.strip()
            parts[key] = ""
        elif key:
            parts[key] += line + "\n"
    return parts


def bare(text):
    return re.sub(r"[\s`]", "", text)


def compare(command, what, due, got):
    if bare(due) == bare(got):
        return
    due, got = bare(due), bare(got)
    at = next((i for i, (a, b) in enumerate(zip(due, got)) if a != b), min(len(due), len(got)))
    wrong.append(f"{command}, {what}: help has ...{due[at:at + 60]}, the page {got[at:at + 60]}")


general = output(trace, "help")
commands = re.findall(r"^  ([a-z]+) +\S", general.split("\nRECORD\n")[1].split("\nOPTIONS FOR ALL\n")[0], re.M)
for command in commands:
    text = output(trace, "help", command)
    head, about = re.match(r"(.*?\n\nUSAGE\n.*?)\n\n(.*)", text, re.S).groups()
    parts = re.split(r"(?:^|\n)(OPTIONS|OPTIONS FOR ALL|EXAMPLES)\n", about)
    help_has = dict(zip(parts[1::2], parts[2::2]))
    page = shown(f"hakmem-trace-{command}.1")
    compare(command, "name", f"hakmem-trace-{command} - " + head.split("\n")[0].split(": ", 1)[1], page["NAME"])
    compare(command, "usage", head.split("USAGE\n")[1].replace("[OPTIONS]", "[options]"), page["SYNOPSIS"])
    before, _, status = parts[0].partition("Exit status: ")
    status, _, after = status.partition("\n\n")
    compare(command, "text", before + after, page["DESCRIPTION"])
    compare(command, "exit status", status, page.get("EXIT STATUS", ""))
    compare(command, "options", help_has.get("OPTIONS", ""), page.get("Options", ""))
    compare(command, "options for all", help_has["OPTIONS FOR ALL"], page["Options for all commands"])
    compare(command, "examples", help_has["EXAMPLES"], page["EXAMPLES"])
if len(commands) < 20:
    wrong.append(f"the help has only these commands: {commands}")
pages = set(os.listdir(folder))
if pages != {f"hakmem-trace-{c}.1" for c in commands} | {"hakmem-trace.1", "hakmem.7", "hakmem-store.5"}:
    wrong.append(f"pages: {sorted(pages)}")
for name in pages:
    for target, section in re.findall(r"^\.Xr (hakmem\S*) (\d)", open(f"{folder}/{name}").read(), re.M):
        if f"{target}.{section}" not in pages:
            wrong.append(f"{name} names {target}({section}), which is not there")
libraries = open(f"{folder}/hakmem.7").read()
source = os.environ["SOURCE"]
for table, form, here in (("options", r"^OPTION\((\w+)", "Ev HAKMEM_{} "), ("faults", r"^FAULT\(\w+, (\d+)", "HKM\\-{} ")):
    names = re.findall(form, open(f"{source}/src/{table}.def").read(), re.M)
    wrong += [f"hakmem.7 has no {here.format(n)}" for n in names if f".It {here.format(n)}" not in libraries]
for function in re.findall(r"^HAK_API .*?(\w+)\(", open(f"{source}/include/hakmem.h").read(), re.M):
    if f"{function}(" not in shown("hakmem.7")["FUNCTIONS"]:
        wrong.append(f"hakmem.7 has no {function}")
for name in re.findall(r"^\$\(BUILD\)/(\w[\w-]*\.so):", open(f"{source}/Makefile").read(), re.M):
    library = "libhakmem.so.1" if name == "libhakmem.so" else f"hakmem/{name}"
    if f".It Pa {library}\n" not in libraries:
        wrong.append(f"hakmem.7 does not list {library}")
print("\n".join(wrong))
sys.exit(bool(wrong))
END_OF_PYTHON

# As a person asks for them; man(1) of man-db takes `man hakmem-trace run` as well.
mkdir -p share/man/man1 share/man/man5 share/man/man7
for page in "$BUILD"/man/*; do cp "$page" "share/man/man${page##*.}/"; done
MANPATH=$PWD/share/man MANWIDTH=80 LC_ALL=C man hakmem-trace run 2>&1 | grep -q 'Runs PROGRAM with' ||
    { echo "man hakmem-trace run does not show the page of run"; exit 1; }
