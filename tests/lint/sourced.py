"""Writes what a script that sources FILE learns from it, for shellcheck: sourced.py FOLDER FILE... makes FOLDER/FILE of each.

That are the names which FILE gives values, as words or arrays, those it reads, its functions, and what it sources itself. shellcheck
follows a sourced file anew for each script, and the whole of one takes it longer than most scripts do.
"""
import os
import re
import sys

NAME = r"[A-Za-z_]\w*"


def names_of(words):
    """The names in the words behind `local`, `read` and the like, up to the end of the command."""
    words = re.split(r"[;|&<>]", words)[0]
    return [word for word in re.findall(rf"(?<!\S)({NAME})(?![^\s=+])", words)]


def learned(text):
    """The lines that stand for a file's text."""
    code = re.sub(r"(?m)(^|\s)#.*$", "", text)
    words, arrays = set(), set()
    for name, index, value in re.findall(rf"(?<![\w$-])({NAME})(\[[^]\n]*\])?\+?=(\(?)", code):
        (arrays if index or value else words).add(name)
    for options, line in re.findall(r"\b(?:local|declare|readonly|export|read)((?: -\w+)*)((?: [^\n]*)?)", code):
        if not re.search("[Ffp]", options):
            (arrays if re.search("[aA]", options) else words).update(names_of(line))
    arrays.update(re.findall(rf"\bmapfile(?: -\w+(?: '[^']*')?)* ({NAME})", code))
    words.update(re.findall(rf"\b(?:for|printf -v) ({NAME})", code))
    read = set(re.findall(rf"\$\{{?[#!]?({NAME})", code))
    functions = re.findall(rf"(?m)^\s*({NAME})\(\)", code)
    lines = ["# shellcheck shell=bash"]
    lines += [line.strip() for line in text.splitlines() if re.match(r"\s*(\. \S|# shellcheck source=)", line)]
    lines += [f"{name}=" for name in sorted(words)] + [f"{name}=()" for name in sorted(arrays)]
    lines += [f'echo "${{{name}[@]}}"' if name in arrays else f'echo "${name}"' for name in sorted(read)]
    return lines + [f'{name}() {{ echo "$@"; }}' for name in functions]


for file in sys.argv[2:]:
    to = os.path.join(sys.argv[1], file)
    os.makedirs(os.path.dirname(to), exist_ok=True)
    with open(file, encoding="utf-8") as source, open(to, "w", encoding="utf-8") as output:
        print("\n".join(learned(source.read())), file=output)
