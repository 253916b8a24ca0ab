#!/usr/bin/env bash
# A profile that is all a capture keeps, broken in many ways: each has its clear error, and none makes a reader crash, hang or grow.
# Each one gets two questions and `check`, the next one others; FULL=1: all.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/format
${CC:-cc} -w -fno-builtin -O0 -g -o rows "$here/../cli/rows.c" || fail "rows.c does not compile"
"$trace" run --profile-only -s sound.db -- ./rows 500 child || exit 1
cat >break.py <<'EOF'
import shutil
import sqlite3
import struct

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)

def crc(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF

def mended(blob):
    return blob[:-4] + struct.pack("<I", crc(blob[:-4]))

def put(at, data):
    return lambda blob: mended(blob[:at] + data + blob[at + len(data):])

HUGE = b"\xff\xff\xff\xff\x0f"
CHANGES = {
    "cut": lambda blob: blob[:20],
    "cut-mended": lambda blob: mended(blob[:24]),
    "empty": lambda blob: b"",
    "flipped": lambda blob: blob[:18] + bytes([blob[18] ^ 1]) + blob[19:],
    "crc": lambda blob: blob[:-4] + b"\0\0\0\0",
    "magic": put(0, b"XKPR"),
    "format": put(4, b"\x09\0"),
    "packing": put(6, b"\x63"),
    "raw-length": put(8, b"\xff\xff\xff\xff"),
    "packed-length": put(12, b"\xff\xff\xff\x7f"),
    "count": put(16, HUGE),
    "text": lambda blob: "not a blob",
    "null": lambda blob: None,
}

def change(name, statement, values=()):
    shutil.copy("sound.db", name)
    store = sqlite3.connect(name)
    store.execute(statement, values)
    store.commit()
    store.close()

store = sqlite3.connect("sound.db")
for table in "profile_key", "profile_run", "profile_peak":
    row, blob = store.execute(f"SELECT rowid, data FROM {table} ORDER BY rowid LIMIT 1").fetchone()
    for name, how in CHANGES.items():
        change(f"{table}-{name}.db", f"UPDATE {table} SET data = ? WHERE rowid = ?", (how(blob), row))
store.close()
change("keys-missing.db", "DELETE FROM profile_key")
change("keys-late.db", "UPDATE profile_key SET id = id + 1")
change("runs-late.db", "UPDATE profile_run SET first = first + 1")
change("runs-turned.db", "UPDATE profile_run SET last = first - 1")
change("runs-of-peak.db", "UPDATE profile_run SET data = (SELECT data FROM profile_peak)")
change("peak-bytes.db", "UPDATE profile_peak SET bytes = bytes + 1")
change("peak-early.db", "UPDATE profile_peak SET event = -1")
EOF
/usr/bin/python3 break.py || exit 1
"$trace" check -s sound.db >said || { cat said; failed=1; }
for store in profile_*-*.db keys-*.db runs-*.db peak-*.db; do
    name=${store%.db}
    # A reader says what is wrong, or answers what does not depend on it; `check` finds each.
    questions=('top' 'top --at end' heap 'leaks --held' 'top --between start end')
    turn=$((${turn:-0} + 2))
    [ "${FULL:-0}" = 1 ] || questions=("${questions[turn % 5]}" "${questions[(turn + 1) % 5]}")
    for words in "${questions[@]}"; do
        # shellcheck disable=SC2086
        (ulimit -v 1000000 && timeout 200 "$trace" $words -s "$store") >page 2>errors
        got=$?
        { [ "$got" -eq 0 ] && [ ! -s errors ]; } || { [ "$got" -eq 3 ] && grep -qE "^hakmem-trace: .*$name\.db: .*(profile_|no runs|inside of a run)" errors; } ||
            complain "$name: $words: status $got: $(cat errors)"
    done
    (ulimit -v 1000000 && timeout 200 "$trace" check -s "$store") >page 2>errors
    got=$?
    [ "$got" -eq 1 ] && grep -qE '^profile_(key|run|peak) -?[0-9]+: ' page || complain "$name: check: status $got: $(cat page errors)"
    sed -n "s|^|$name: |p" page | grep ': profile_' | head -n 1 | sed -E 's/(profile_[a-z]+) -?[0-9]+:/\1 N:/' >>found
done
sort -u found | cut -d ':' -f 3- | sort -u >kinds
[ "$(wc -l <kinds)" -ge 8 ] || complain "few kinds of damage are told apart:" "$(cat kinds)"
