"""queries.py EXTENSION TRACE PAGE STORE...: runs each query of PAGE on every STORE, those of its first part in a plain sqlite3
(Python's and the shell), those of the second on what `export sqlite` makes of the STORE, those of the third with the extension,
and compares the rows with those of `hakmem-trace sql`. Each must have rows in one of the stores."""
import json
import re
import sqlite3
import subprocess
import sys

extension, trace, page, *stores = sys.argv[1:]
text = open(page).read()
parts = re.split(r"\n## (?:In a file of `export sqlite`|With it)\n", text)
assert len(parts) == 3, "%d parts" % len(parts)
PLAIN, EXPORTED, EXTENDED = range(3)
queries = [(sql, i) for i, part in enumerate(parts) for sql in re.findall(r"^```sql\n(.*?)^```$", part, re.M | re.S)]
assert len(queries) >= 20, "%d queries" % len(queries)
wrong = 0
for store in stores:
    made = subprocess.run([trace, "export", "sqlite", "-s", store, "-o", store + ".plain"], capture_output=True, text=True)
    assert made.returncode in (0, 4), made.stderr  # 4: of the paused one not all is known


def rows_in_shell(store, sql):
    """In the sqlite3 shell, without .load."""
    said = subprocess.run(["sqlite3", "-batch", "-readonly", "-json", store, sql], capture_output=True, text=True)
    if said.returncode:
        return said.stderr
    return [list(row.values()) for row in json.loads(said.stdout or "[]")]


def due_of(sql, part):
    """The same for `hakmem-trace sql`: there a profile is of the end unless it is of the peak."""
    if part != EXPORTED:
        return sql
    both = "(SELECT 'peak' AS at, * FROM profile WHERE at = 'peak' UNION ALL SELECT 'end', * FROM profile)"
    return sql.replace("FROM profile p", "FROM %s p" % both)


def rows_of(store, sql, is_extended):
    capture = sqlite3.connect("file:%s?mode=ro" % store, uri=True)
    if is_extended:
        capture.enable_load_extension(True)
        capture.load_extension(extension)
    try:
        return [list(row) for row in capture.execute(sql)]
    finally:
        capture.close()


def same(rows, due):
    """The shell writes numbers with 15 digits."""
    flat = lambda value: "%.9g" % value if isinstance(value, float) else value
    return isinstance(rows, list) and isinstance(due, list) and [[flat(v) for v in row] for row in rows] == [[flat(v) for v in row] for row in due]


for sql, part in queries:
    most = 0
    for store in stores:
        said = subprocess.run([trace, "sql", "--json", "-s", store, due_of(sql, part)], capture_output=True, text=True)
        due = [list(row) for row in json.loads(said.stdout)["results"][0]["rows"]] if said.returncode == 0 else said.stderr
        answers = [] if part == EXPORTED else [rows_of(store, sql, True)]
        if part != EXTENDED:
            files = [store + ".plain"] + ([store] if part == PLAIN else [])
            answers += [rows for file in files for rows in (rows_of(file, sql, False), rows_in_shell(file, sql))]
        for rows in answers:
            if not same(json.loads(json.dumps(rows)), due):
                print("%s: %s\ngives: %s\ndue: %s" % (store, sql, rows, due))
                wrong += 1
        most = max(most, len(answers[0]))
    if not most:
        print("no row in any store: %s" % sql)
        wrong += 1
sys.exit(wrong != 0)
