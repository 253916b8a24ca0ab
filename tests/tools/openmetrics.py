#!/usr/bin/env python3
"""Checks a text against the grammar of OpenMetrics 1.0, for gauges and counters, and what goes beyond a grammar.

    openmetrics.py FILE [--names]

The rules are those of the specification (openmetrics.io, draft-richih-opsawg-openmetrics-00, sections 4 and 5): one "# EOF" line at the
very end; metadata of a family at most once each, in front of its samples, which stand together; the name of a family with a unit ends in
it; samples of a counter end in _total, and are neither negative nor NaN; no two samples have the same name and labels. With --names the
families are printed, one on each line. Status 1, and each error on a line: the text is none."""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"'
NUMBER = r"[+-]?(?:Inf|NaN|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
META = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.+)")
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL}(?:,{LABEL})*)?)\}})? ({NUMBER})(?: ({NUMBER}))?")
TYPES = {"gauge": [""], "counter": ["_total", "_created"]}


def errors_of(raw):
    errors, families, ended, seen, current = [], {}, set(), set(), None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return [f"is no UTF-8: {error}"], {}
    if not text.endswith("# EOF\n"):
        errors.append("does not end in '# EOF' and a line end")
    lines = text.split("\n")[:-1]

    def enter(name, number):
        nonlocal current
        if name != current:
            if current:
                ended.add(current)
            if name in ended:
                errors.append(f"line {number}: {name} is interleaved with another family")
            current = name
        return families.setdefault(name, {"samples": 0})

    for number, line in enumerate(lines, 1):
        if line == "# EOF":
            if number != len(lines):
                errors.append(f"line {number}: text after # EOF")
            continue
        if line.startswith("#"):
            meta = META.fullmatch(line)
            if not meta:
                errors.append(f"line {number}: no metadata: {line!r}")
                continue
            kind, name, value = meta.groups()
            family = enter(name, number)
            if kind in family or family["samples"]:
                errors.append(f"line {number}: {kind} of {name} stands twice, or behind its samples")
            family[kind] = value
            if kind == "TYPE" and value not in TYPES:
                errors.append(f"line {number}: type {value!r} is none of {sorted(TYPES)}")
            if kind == "UNIT" and not name.endswith("_" + value):
                errors.append(f"line {number}: {name} does not end in its unit {value}")
            if kind == "HELP" and re.search(r'\\(?![\\n"])', value):
                errors.append(f"line {number}: an escape that is none")
            continue
        sample = SAMPLE.fullmatch(line)
        if not sample:
            errors.append(f"line {number}: no sample: {line!r}")
            continue
        name, labels, value = sample.group(1), sample.group(2) or "", sample.group(7)
        pairs = re.findall(LABEL, labels)
        if len({key for key, _ in pairs}) != len(pairs):
            errors.append(f"line {number}: a label stands twice")
        if any(key.startswith("__") for key, _ in pairs):
            errors.append(f"line {number}: a label that is reserved")
        if (name, tuple(sorted(pairs))) in seen:
            errors.append(f"line {number}: the sample stands twice")
        seen.add((name, tuple(sorted(pairs))))
        owner = current if current and name.startswith(current) else name
        family = enter(owner, number)
        family["samples"] += 1
        kind = family.get("TYPE")
        if kind is None:
            errors.append(f"line {number}: {name} has no TYPE in front of it")
        elif name[len(owner):] not in TYPES[kind]:
            errors.append(f"line {number}: {name} is no sample of the {kind} {owner}")
        if kind == "counter" and (value.startswith("-") or "NaN" in value):
            errors.append(f"line {number}: a counter of {value}")
    errors += [f"family {name} has no sample" for name, family in families.items() if not family["samples"]]
    errors += [f"family {name} has no HELP" for name, family in families.items() if "HELP" not in family]
    names = set(families)
    for name, family in families.items():
        if family.get("TYPE") == "counter" and f"{name}_total" in names:
            errors.append(f"the sample {name}_total is a family, too")
        if family.get("TYPE") == "counter" and name.endswith("_total"):
            errors.append(f"the counter's family {name} ends in _total")
    return errors, families


def main():
    with open(sys.argv[1], "rb") as file:
        errors, families = errors_of(file.read())
    for error in errors:
        print(f"{sys.argv[1]}: {error}")
    if "--names" in sys.argv:
        for name, family in families.items():
            print(name + ("_total" if family.get("TYPE") == "counter" else ""))
    return 1 if errors else 0


sys.exit(main())
