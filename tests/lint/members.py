"""Compares the page of the JSON documents (docs/specs/output.schema.json) with the members that sources declare:
members.py SCHEMA FILE... Each member of the page is declared, and each that an answer declares is on the page. Objects
are closed, so that a document with another member is refused (tests/cli/validate.py). Exit status 1: a line for each says
what is wrong.
"""
import json
import re
import sys

MEMBER = re.compile(r'\b(?:NUMBER|KNOWN|TEXT|WORD|ADDRESS|FLAG|JSON|DATA_OF|SUM|view_write_member)\(\s*"(\w+)"|'
                    r'\b(?:CLASS_)?STAT\((\w+)')
SHOWN = re.compile(r'\b(?:AMOUNT|FILLED|STRING)\([^";]*(?:"[^"]*"[^";]*)??"[^"]*",\s*"(\w+)"|'
                   r'\b(?:UNIT|UNLESS)\([^;]*?(?:"[^"]*"|NULL),\s*\w+,\s*"(\w+)"')
# Their documents have pages of their own: the pages of html, files for other tools, what is pushed, baselines, mcp.
NO_ANSWERS = re.compile(r"^viewer/(html/|export/|mcp/|findings/sarif|fleet/(html|document))|/baseline\.c$|/leaks/known\.c$")
PERCENT = {"50", "90", "99"}  # members of a map


def objects(schema, where):
    if isinstance(schema, list):
        for part in schema:
            yield from objects(part, where)
    elif isinstance(schema, dict):
        if "object" in str(schema.get("type", "")):
            yield where, schema
        for word, part in schema.items():
            if word == "properties":
                for name, member in part.items():
                    yield from objects(member, f"{where}.{name}")
            else:
                yield from objects(part, where)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        definitions = json.load(file)["$defs"]
    declared, text = {}, ""
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            source = file.read()
        text += source
        for found in list(MEMBER.finditer(source)) + list(SHOWN.finditer(source)):
            name = next(group for group in found.groups() if group)
            names = [f"{name}_blocks", f"{name}_bytes"] if found[0].startswith("SUM") else [name]
            for name in names:
                declared.setdefault(name, set()).add(path)
    on_page, wrong = set(PERCENT), []
    for where, schema in (item for name, part in definitions.items() for item in objects(part, name)):
        on_page |= schema.get("properties", {}).keys()
        if "additionalProperties" not in schema:
            wrong.append(f"{where}: the object is open, so that nothing refuses a member that it does not name")
        for name in schema.get("properties", {}):
            if name not in declared and not re.search(rf'"{name}"|".*[ .,(]{name}[ ,").].*"', text):
                wrong.append(f"{where}.{name}: no answer declares it")
        for name in schema.get("required", []):
            if name not in schema.get("properties", {}):
                wrong.append(f"{where}.{name}: required, and not described")
    for name, paths in sorted(declared.items()):
        answers = sorted(path for path in paths if not NO_ANSWERS.search(path))
        if answers and name not in on_page:
            wrong.append(f"{answers[0]}: the member '{name}' is not on the page")
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


sys.exit(main())
