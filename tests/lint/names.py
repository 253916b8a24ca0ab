"""Prints each static function and variable whose name stands in more than one .c file of a folder of src and viewer: `names.py [TOP]`."""
import collections
import os
import re
import sys

ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)|\b_Alignas\s*\([^()]*\)")
ATOMIC = re.compile(r"\b_Atomic\s*\([^()]*\)")


def without_comments_and_texts(source):
    source = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
                    lambda found: {"/": " ", '"': '""', "'": "0"}[found[0][0]], source, flags=re.S)
    return re.sub(r"^[ \t]*#(\\\n|[^\n])*", "", source, flags=re.M)


def top_level(source):
    """The source with nothing between the braces."""
    depth, kept = 0, []
    for character in source:
        depth -= character == "}"
        if depth == 0:
            kept.append(character)
        depth += character == "{"
    if depth:
        sys.exit("names.py: a file has braces that do not match")
    return "".join(kept)


def statics(source):
    text = ATOMIC.sub("int", ATTRIBUTE.sub("", top_level(without_comments_and_texts(source))))
    for declaration in re.split(r";|(?<=\))\s*\{\}", text):
        behind = re.search(r"\bstatic\b(.*)", declaration, flags=re.S)
        if not behind:
            continue
        named = re.match(r"[^=(]*?(\w+)\s*\(", behind[1])
        if named:  # a function, or a variable that points to one
            pointer = re.match(r"[^=(]*\(\s*\*\s*(?:const\s+)?(\w+)", behind[1])
            yield (pointer or named)[1]
            continue
        for part in re.sub(r"\[[^\]]*\]|=[^,]*|\{\}", "", behind[1]).split(","):
            words = re.findall(r"\w+", part)
            if words:
                yield words[-1]


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else "."
    found = 0
    for half in ("src", "viewer"):
        for folder, _, files in sorted(os.walk(os.path.join(top, half))):
            where = collections.defaultdict(set)
            for file in sorted(name for name in files if name.endswith(".c")):
                with open(os.path.join(folder, file), encoding="utf-8") as source:
                    for name in statics(source.read()):
                        where[name].add(file)
            for name, places in sorted(where.items()):
                if len(places) > 1:
                    print(f"{os.path.relpath(folder, top)}: {name} is a static of {', '.join(sorted(places))}")
                    found = 1
    sys.exit(found)


main()
