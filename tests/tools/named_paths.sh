#!/usr/bin/env bash
# Files and folders of hakmem's own that installed pages name are there: `named_paths.sh ROOT PAGES`, the pages lying in ROOT/PAGES. The
# records of docs/benchmarks say what was typed elsewhere.
set -u
status=0 count=0
while IFS= read -r path; do
    count=$((count + 1))
    [ -e "$1$path" ] || [ -e "$1$path.so" ] && continue # .load of sqlite3 leaves the ending out
    echo "installed pages name $path, which is not there"
    status=1
done < <(grep -rhoIE --exclude-dir=benchmarks '/(usr|opt)(/[a-z0-9_-]+)*/(lib|include)(/[a-z0-9_-]+)*/[A-Za-z0-9_.-]*hakmem[A-Za-z0-9_./-]*' "$1/$2" | sed 's/[.:]$//' | sort -u)
[ "$count" -ge 4 ] || { echo "installed pages name $count of hakmem's files"; status=1; }
grep -rnIE --exclude-dir=benchmarks '/usr/local/(lib|include)' "$1/$2" && { echo "not where it was installed"; status=1; }
exit "$status"
