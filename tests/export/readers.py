"""Readers of what `hakmem-trace export` writes that are not hakmem's: protoc, csv, json, jsonschema, gzip; and the sums that `top --json` has."""
import csv
import functools
import gzip
import io
import json
import os
import re
import subprocess

TRACE = os.path.join(os.environ["BUILD"], "hakmem-trace")
SOURCE = os.environ["SOURCE"]


def fail(*words):
    raise SystemExit(" ".join(str(word) for word in words))


def same(what, found, due):
    if found != due:
        fail(what + ":", found, "where", due, "was due")


@functools.lru_cache(maxsize=None)
def ask(*words):
    done = subprocess.run([TRACE, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode:
        fail(*words, "ended with status", done.returncode)
    return done.stdout


def top(store, *words):
    return json.loads(ask("top", "--json", "--limit", "0", "-s", store, *words))


# ---- names -------------------------------------------------------------------------------------------------

def visible(text):
    """The visible form of a text, for names that JSON gives as they are: those of these tests are harmless, but for semicolons."""
    return text.replace(";", ":")


def name_of(row):
    """The name of a line of `top` as exports have it."""
    if row["function"]:
        return visible(row["function"])
    if row.get("module_offset") is not None and row["module"]:
        return os.path.basename(row["module"]) + f"+0x{row['module_offset']:x}"
    return "no stack"


def by_function(document, member):
    sums = {}
    for row in document["rows"]:
        if row["self"][member]:
            sums[name_of(row)] = sums.get(name_of(row), 0) + row["self"][member]
    return {name: value for name, value in sums.items() if value}


# ---- folded stacks -----------------------------------------------------------------------------------------

def folded(text, values=1):
    """Lines of folded stacks as (frames, values); a stack is there once."""
    lines = []
    pattern = re.compile(r"^(.*?)" + r" (-?\d+)" * values + "$")
    for line in text.decode().splitlines():
        match = pattern.match(line)
        if not match:
            fail("not a folded stack:", repr(line))
        lines.append((match.group(1).split(";"), *(int(v) for v in match.groups()[1:])))
    stacks = [";".join(line[0]) for line in lines]
    same("folded stacks that are there twice", len(stacks) - len(set(stacks)), 0)
    return lines


# ---- CSV ---------------------------------------------------------------------------------------------------

def table(data):
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))
    for row in rows:
        if None in row or None in row.values():
            fail("a row of CSV with more or fewer cells than the heading:", row)
    return rows


# ---- protobuf, by protoc -----------------------------------------------------------------------------------

def decode(proto, message, data):
    done = subprocess.run(["protoc", "--decode=" + message, "--proto_path=" + os.path.dirname(proto), os.path.basename(proto)],
                          input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode or done.stderr:
        fail("protoc:", done.returncode, done.stderr.decode())
    return parse_text(done.stdout.decode())


def unescape(text):
    return re.sub(rb"\\([0-7]{3}|.)", lambda m: bytes([int(m.group(1), 8)]) if len(m.group(1)) == 3
                  else {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(m.group(1), m.group(1)), text.encode()).decode(errors="surrogateescape")


def parse_text(text):
    """protoc's text format as {field: [values]}; a field that the schema does not have is its number."""
    root = {}
    open_messages = [root]
    for line in text.splitlines():
        line = line.strip()
        if line.endswith("{"):
            message = {}
            open_messages[-1].setdefault(line[:-1].strip(), []).append(message)
            open_messages.append(message)
        elif line == "}":
            open_messages.pop()
        else:
            field, value = line.split(": ", 1)
            if field.isdigit():
                fail("a field that the schema does not have:", line)
            if value.startswith('"'):
                value = unescape(value[1:-1])
            elif re.fullmatch(r"-?\d+", value):
                value = int(value)
            open_messages[-1].setdefault(field, []).append(value)
    return root


def gunzip(data):
    return gzip.decompress(data)
