#!/usr/bin/env bash
# sqlite3 with 500,000 inserts and sorts: tens of millions of calls.
# timeout: 1800
. "${SOURCE:?}/tests/tools/real_program.sh"
export leaks=error
/usr/bin/python3 "$SOURCE/tests/tools/make_inserts.py" "$(scale 15000 500000 200000)" >inserts.sql
story() { "${under[@]}" sqlite3 -batch :memory: <../inserts.sql; }
check_program story "sqlite3"
