"""Names that would break a file, in a store: each format's own reader gets every name back as one, and the sums stay."""
import json
import os
import re
import sqlite3
import subprocess
import sys

from perfetto import Trace
from pprof import Profile
from pprof_text import google_sums, is_there
from readers import ask, folded, same, table, top

# A line, a semicolon, quotes, commas, what moves a cursor, what turns the direction, no UTF-8, a number at the end, nothing but blanks.
NAMES = [b"line\nmain 99999", b"semi;colon;", b'quo"te\',,"', b"\x1b[2J\x1b]0;x\x07\r", "\u202eevil\u2028".encode(), b"broken\xff\xfe\xc3", b"ends 4096",
         b"  ", b"=cmd()", b"</script><b>", b"\\n\\\"", b"tab\tand \x7f \xc2\x9b", b"%s%n{}"]


def spoil(store, shift):
    """Gives each function, file and module of the store a hostile name of its own."""
    database = sqlite3.connect(store)
    database.text_factory = bytes
    for table_name, column in (("name", "text"), ("image", "path"), ("process", "program"), ("process", "command_line"), ("thread", "name")):
        for number, (row,) in enumerate(database.execute(f"select id from {table_name} order by id").fetchall()):
            value = NAMES[(number + shift) % len(NAMES)]
            value = value + b"%d" % number if table_name == "name" else value
            database.execute(f"update {table_name} set {column} = cast(? as text) where id = ?", (value, row))
    database.commit()
    database.close()
    ask.cache_clear()  # its answers are of the store as it was


def check_harmless(what, data):
    text = data.decode()  # broken UTF-8 ends the test here
    found = re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
    if found:
        sys.exit(f"{what} has {found.group()!r}: {text[max(0, found.start() - 60):found.end() + 20]!r}")


def functions_of(store):
    """The names of functions that JSON lines have."""
    return {frame["function"] for line in ask("export", "jsonl", "-s", store, "--all").decode().splitlines() for frame in json.loads(line)["frames"]}


def check(store, shift):
    """All formats; returns functions_of."""
    due = top(store, "--by", "calls", "--at", "peak")["total"]
    rows = len(table(ask("export", "csv", "-s", store)))
    spoil(store, shift)
    same("the total of a store with other names", top(store, "--by", "calls", "--at", "peak")["total"], due)

    for words in (["collapsed", "--all"], ["collapsed", "--all", "--per", "line"], ["collapsed", "--per", "module"], ["collapsed", "--per", "file"]):
        text = ask("export", *words, "-s", store)
        check_harmless(words, text)
        same(f"{words}", sum(line[1] for line in folded(text)), due["live_bytes"])
    rows_of_json = [json.loads(line) for line in ask("export", "jsonl", "--all", "-s", store).decode().splitlines()]
    same("frames of collapsed", sum(value * len(frames) for frames, value in folded(ask("export", "collapsed", "--all", "-s", store))),
         sum(row["live_bytes"] * len(row["frames"]) for row in rows_of_json))
    text = ask("export", "collapsed-diff", "--between", "start", "peak", "-s", store)
    check_harmless("collapsed-diff", text)
    same("collapsed-diff", sum(line[2] for line in folded(text, 2)), due["live_bytes"])

    text = ask("export", "csv", "-s", store)
    check_harmless("csv", text)
    same("rows of csv", len(table(text)), rows)
    same("csv", sum(int(row["live_bytes"]) for row in table(text)), due["live_bytes"])
    text = ask("export", "csv", "--events", "-s", store)
    check_harmless("csv --events", text)
    events = json.loads(ask("events", "--json", "-s", store))["events"]
    same("events of csv", [int(row["id"]) for row in table(text)], [event["id"] for event in events])

    for words in (["jsonl"], ["jsonl", "--events"], ["speedscope"]):
        text = ask("export", *words, "-s", store)
        check_harmless(words, text)
        for line in text.decode().splitlines():
            json.loads(line)
    trace = Trace(ask("export", "perfetto", "-s", store))
    same("perfetto", sum(trace.live("self_allocated", "self_freed").values()), due["live_bytes"])
    for name in ("function_names", "mapping_paths", "source_paths"):
        check_harmless("perfetto", "".join(row["str"][0] for row in trace.tables[name].values()).encode())

    text = ask("export", "heaptrack", "-s", store)
    check_harmless("heaptrack", text)
    with open("file.heaptrack", "wb") as file:
        file.write(text)
    done = subprocess.run(["heaptrack_print", "-f", "file.heaptrack", "-F", "stacks.txt", "--flamegraph-cost-type", "peak"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    same("heaptrack_print", (done.returncode, b"failed to parse" in done.stdout), (0, False))
    with open("stacks.txt", "rb") as file:
        same("heaptrack", sum(int(line.rsplit(b" ", 1)[1]) for line in file), due["live_bytes"])

    profile = Profile(ask("export", "pprof", "-s", store))
    same("pprof", sum(profile.sums(3).values()), due["live_bytes"])
    check_harmless("pprof", "".join(profile.text).encode())

    text = ask("export", "pprof-text", "-s", store)
    check_harmless("pprof-text", text)
    with open("file.heap", "wb") as file:
        file.write(text)
    if is_there():
        found = google_sums("file.heap", "inuse_space")
        same("pprof-text", sum(found.values()), due["live_bytes"])

    return functions_of(store)


def number_of_one(store):
    """The number, in spoil's order, of a name that JSON lines have as a function's."""
    functions = functions_of(store)
    database = sqlite3.connect(store)
    names = [text for (text,) in database.execute("select text from name order by id")]
    database.close()
    return next(number for number, text in enumerate(names) if text in functions)


def main():
    store = sys.argv[1]
    number = number_of_one(store)
    for name in (0, 1, 3, 4, 11):  # each of them becomes that function's
        begin = NAMES[name][:7].decode()
        names = check(store, name - number)
        if not any(text.startswith(begin) for text in names):
            sys.exit(f"no name begins with {begin!r}: {names}")


main()
