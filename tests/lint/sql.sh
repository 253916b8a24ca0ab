#!/usr/bin/env bash
# docs/specs/fleet.md lists what src/remote and viewer/fleet say to a server beyond standard SQL, with the files that say it: no
# other construct is used, and none is listed that is not; foreign keys, triggers and sequences are none of them, and each key begins
# with the column by which tables are spread. Without a server. `sql.sh FOLDER` looks at another tree (its src, viewer).
set -u
page=$(cd "$(dirname "$0")/../.." && pwd)/docs/specs/fleet.md
cd "${1:-$(dirname "$0")/../..}" || exit 2
python3 - "$page" <<'END'
import glob
import re
import sys

# SQL:2016 with CAST, FETCH FIRST, CURRENT_TIMESTAMP, window functions; GREATEST and LEAST are of SQL:2023.
STANDARD = set("""ADD ALL ALTER AND AS AT BIGINT BY CASE CAST COLUMN COMMIT CREATE CROSS CURRENT_TIMESTAMP CURSOR DATE DAY DECLARE DEFAULT DELETE DESC
    DISTINCT DOUBLE DROP ELSE END EXECUTE EXISTS FETCH FIRST FOR FROM FUNCTION GRANT GROUP IN INSERT INTEGER INTERVAL INTO IS ISOLATION JOIN KEY
    LANGUAGE LAST LEFT LEVEL LIKE LOCAL MONTH NO NOT NULL NULLS NUMERIC ON ONLY OR ORDER OVER PARTITION PRECISION PRIMARY PUBLIC READ REPEATABLE RETURNS REVOKE ROLE
    ROLLBACK ROWS SCHEMA SCROLL SELECT SET START TABLE TEMPORARY THEN TIME TIMESTAMP TO TRANSACTION UNION UPDATE USAGE VALUES WHEN WHERE WITH ZONE""".split())
FUNCTIONS = {"count", "sum", "min", "max", "coalesce", "extract", "substring", "position", "greatest", "least", "mod", "row_number"}
# Constructs that are no words of their own: forms of words that are standard elsewhere.
FORMS = {
    "::": r"::(?!/)", "~": r"[^A-Za-z0-9_]~", "[]": r"\[\]", "$f$": r"\$[a-z]*\$", "epoch": r"extract\(epoch", "AT TIME ZONE": r"AT TIME ZONE '",
    "GROUP BY 1": r"(?:GROUP|ORDER) BY \d", "PARTITION OF": r"PARTITION OF", "PARTITION BY RANGE": r"PARTITION BY RANGE",
    "ON COMMIT DROP": r"ON COMMIT DROP", "FETCH n": r"%s %d FROM", "SET lock_timeout": r"SET (?:LOCAL )?\w+ = ", "SET search_path": r"SET search_path",
    "tableoid": r"\btableoid\b", "->": r"[^A-Za-z0-9]->", "@>": r"@>|<@|&&",
}
# Calls whose texts are for people, for SQLite, or no SQL at all.
NO_SQL = re.compile(r"(hak_store_(fail|say|no_memory|fail_sqlite)|view_(error|given|value|number|write|sink_\w+|print\w*|fail|text|style)|hak_json_\w+|json_\w+|sqlite3_\w+|each_row"
                    r"|run_formatted|run_in_\w+|hak_ask|hak_database_\w+|hak_query_\w+|table_add_\w+|str\w*|mem\w+|fopen|open|openat|getenv|dlsym|fleet_(url|document|ask|json_\w+)|say|hak_words_\w+|document_\w+"
                    r"|queue_\w+|hak_link_(fail\w*)|hak_text_(add_at|fill)|set_text|take_parameter|read_\w+|note_\w+|fleet_print_table|fleet_check_url|add_to_hash|snprintf_path|refused|keys_of)$")
WORD = re.compile(r"[A-Z][A-Z_]+[A-Z]|[A-Z]{2}")
IS_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|GRANT|REVOKE|COPY|WITH|FROM|WHERE|AND|OR|GROUP BY|ORDER BY|JOIN|VALUES|COMMIT|ROLLBACK|DECLARE"
                    r"|FETCH|MOVE|LIMIT|CAST|BYTEA|INTERVAL|TIMESTAMP\w*|DATE|BEGIN|START|SET|CASE|ROWS|ANY|IN|AS|NULL\w*|INDEX|LANGUAGE|TO|PARTITION|DESC|PRIMARY)\b|\bpg_\w+|now\(|::|\b[a-z]\.[a-z]\w+|AT TIME ZONE|\b[a-z_]+\('")


def texts(path):
    """The string literals of a C file, those beside each other as one, each with the call that it is handed to."""
    source = open(path, encoding="utf-8").read()
    tokens = re.finditer(r'/\*.*?\*/|//[^\n]*|#include[^\n]*|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[A-Za-z_]\w*|[^\s]', source, re.S)
    calls, last, now, where = [], "", None, ""
    for token in (one.group() for one in tokens):
        if token.startswith(("/*", "//", "#include")):
            continue
        if token[0] == '"':
            text = token[1:-1].replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
            now = (now or "") + text
            where = next((call for call in reversed(calls) if call), "")
            last = ""
            continue
        if now is not None:
            yield where, now
            now = None
        if token in "([{":
            calls.append(last if token == "(" and re.match(r"[A-Za-z_]\w*$", last or "") and last not in ("if", "while", "return", "sizeof") else "")
        elif token in ")]}" and calls:
            calls.pop()
        last = token
    if now is not None:
        yield where, now


def constructs(text):
    found = set()
    if text.count("'") % 2:  # a piece of SQL that begins or ends in a value
        text = "'" + text if re.match(r"[^']*'\s*[,)]", text) else text + "'"
    for name, form in FORMS.items():
        if re.search(form, text):
            found.add(name)
    bare = re.sub(r"--[^\n]*", " ", text)          # sentences of the tables
    bare = re.sub(r"'[^']*'", " ", bare)            # values
    bare = re.sub(r'"[^"]*"', " ", bare)            # names
    found |= {word for word in WORD.findall(bare) if word not in STANDARD}
    found |= {f"{name}()" for name in re.findall(r"(?<![\w.])([a-z_]+)\(", re.sub(r"hakmem\.\S+?\(|INDEX \w+ ON \S+\(", " ", bare)) if name not in FUNCTIONS}
    found |= set(re.findall(r"\bpg_[a-z_]+\b(?!\()", text))
    return found


used, keys = {}, []
for path in sorted(set(glob.glob("src/remote/*.[ch]") + glob.glob("viewer/fleet/*.[ch]"))):
    for call, text in texts(path):
        if not NO_SQL.match(call) and IS_SQL.search(text) and not re.match(r"hakmem-trace|https?:|%s: |; ", text):
            for key in re.findall(r"PRIMARY KEY\((\w+)", text):
                if key not in ("capture", "run", "stack"):
                    keys.append(f"{path}: a key begins with {key}, and not with the column by which its table is spread")
            for one in constructs(text):
                used.setdefault(one, {}).setdefault(path.split("/")[-1], text)

listed, wrong = {}, keys
rows = 0
for line in open(sys.argv[1], encoding="utf-8").read().split("## Beyond standard SQL")[-1].split("\n## ")[0].splitlines():
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    if len(cells) != 7 or cells[0] in ("construct", "---"):
        continue
    rows += 1
    names = set()
    for item in re.findall(r"`([^`]+)`", cells[0]):
        names |= constructs(item + " ") or {item}
    files = set(re.findall(r"\w+\.[ch]", cells[1]))
    for one in names:
        listed.setdefault(one, set()).update(files)
    real = set().union(*(used.get(one, {}) for one in names))
    if files != real:
        wrong.append(f"{cells[0]}: listed for {', '.join(sorted(files))}; it stands in {', '.join(sorted(real)) or 'none'}")
    if not all(cells[2:]):
        wrong.append(f"{cells[0]}: a cell is empty")
for one, files in sorted(used.items()):
    for name, text in sorted(files.items()):
        if one not in listed:
            wrong.append(f"{name}: {one} is beyond standard SQL and not listed, in: {' '.join(text.split())[:120]}")
wrong += [f"{one} is listed and nowhere used" for one in sorted(set(listed) - set(used))]
if rows < 10:
    wrong.append(f"only {rows} rows were found")
if wrong:
    sys.exit("docs/specs/fleet.md, \"Beyond standard SQL\":\n" + "\n".join(wrong))
END
