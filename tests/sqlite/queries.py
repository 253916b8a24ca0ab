"""queries.py EXTENSION TRACE PAGE STORE...: runs each query of PAGE on every STORE, those of its first part in a plain sqlite3,
all of them with the extension, and compares the rows with those of `hakmem-trace sql`. Each must have rows in one of the stores."""
import json
import re
import sqlite3
import subprocess
import sys

extension, trace, page, *stores = sys.argv[1:]
text = open(page).read()
plain, extended = text.split("\n## With it\n")
queries = [(sql, part is plain) for part in (plain, extended) for sql in re.findall(r"^```sql\n(.*?)^```$", part, re.M | re.S)]
assert len(queries) >= 20, "%d queries" % len(queries)
wrong = 0


def rows_of(store, sql, is_extended):
    capture = sqlite3.connect("file:%s?mode=ro" % store, uri=True)
    if is_extended:
        capture.enable_load_extension(True)
        capture.load_extension(extension)
    try:
        return [list(row) for row in capture.execute(sql)]
    finally:
        capture.close()


for sql, is_plain in queries:
    most = 0
    for store in stores:
        said = subprocess.run([trace, "sql", "--json", "-s", store, sql], capture_output=True, text=True)
        due = [list(row) for row in json.loads(said.stdout)["results"][0]["rows"]] if said.returncode == 0 else said.stderr
        answers = [rows_of(store, sql, True)] + ([rows_of(store, sql, False)] if is_plain else [])
        for rows in answers:
            if json.loads(json.dumps(rows)) != due:
                print("%s: %s\ngives: %s\ndue: %s" % (store, sql, rows, due))
                wrong += 1
        most = max(most, len(answers[0]))
    if not most:
        print("no row in any store: %s" % sql)
        wrong += 1
sys.exit(wrong != 0)
