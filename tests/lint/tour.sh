#!/usr/bin/env bash
# make tour shows every source file once, each with a sentence; tests/README.md has every folder of tests once.
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0
tour=$(tools/tour 2>&1) || exit 1
grep 'which is not there' <<<"$tour" && status=1
while read -r times file; do
    echo "$file stands $times times in make tour with a sentence; due: once"
    status=1
done < <(find src include viewer \( -name '*.[ch]' -o -name '*.def' \) 2>/dev/null | LC_ALL=C sort | awk '
    NR == FNR { if (/^  [^ ]+ +[A-Za-z`]/) times[$1]++; next }
    times[$1] != 1 { print times[$1] + 0, $1 }' <(printf '%s\n' "$tour") -)
awk -v folders="$(cd tests && echo */)" '
    BEGIN { count = split(folders, folder, " ") }
    { for (i = 1; i <= count; i++)
          times[i] += index($0, "| `" folder[i] "` |") == 1 || (/^Not tests themselves:/ && index($0, "`" folder[i] "`") > 0) }
    END { for (i = 1; i <= count; i++)
              if (times[i] != 1) { print "tests/" folder[i] " stands " times[i] + 0 " times in tests/README.md; due: once"; status = 1 }
          exit status }' tests/README.md || status=1
exit "$status"
