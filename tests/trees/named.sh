#!/usr/bin/env bash
# A thread's name is in the store though it was given late, and the thread was killed with it.
set -u
# shellcheck source=tests/tools/tree_run.sh
. "$SOURCE/tests/tools/tree_run.sh"
tree "names" "$BUILD/tests/trees/named"
expect "group_concat(name, ' ') from (select name from thread where process = (select max(id) from process) order by name)" \
    "boss reader writer"
expect "count(*) from process where signal = 9" 1
