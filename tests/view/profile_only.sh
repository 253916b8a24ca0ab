#!/usr/bin/env bash
# `view` of a capture that keeps only the profile: its moments are the ends of runs, where it shows what `top` says; it says
# why it cannot answer the rest.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/view
# shellcheck source=tests/view/screen.bash
. "$here/screen.bash"
"${CC:-cc}" -w -fno-builtin -O0 -g -o rows "$here/../cli/rows.c" || fail "rows.c does not compile"
"$trace" run --profile-only -s only.db -- ./rows 500 child >said 2>&1 || fail "run: status $?: $(cat said)"
begin 80 24 env TERM=tmux-256color "$trace" view -s only.db
sees '^ only\.db  2 processes  [0-9,]+ events +hakmem view'
peak=$("$trace" top --at peak --json -s only.db | python3 -c 'import json, sys
total = json.load(sys.stdin)["total"]
print("{live_bytes:,} bytes live in {live_blocks:,} blocks".format(**total))') || fail 'no peak'
sees "^ $peak at the peak, [0-9.]+ s \(event [0-9,]+\)"
sees '^ 100\.0% .* keep_rows '
words 's'
sees '[0-9] s to ([0-9.]+) s: grown by 0 bytes; 0 allocated'
words 'sp'
sees "^ $peak at the peak, [0-9.]+ s \(event [0-9,]+\)"

# The end, to the byte.
words ')'
sees '^ 3,000,000 bytes live in 3,000 blocks at the end '
sees '^ 100\.0% +2\.9M +3000 +3000 +0\.0%  keep_rows cli/rows\.c:11$'
sees '^ live 3,000,000 \(3,000\)  allocated 3,000,000 \(3,000\)  freed 1,000,000 \(1,000\)'
sees '^ +0\.0% +0 +0 +500 +100\.0%  use_words '
words '('
sees '0 bytes live in 0 blocks before the first event'
words 's)'
sees ': grown by 2,000,000 bytes; 3,500 allocated, 1,500 freed,' # what the child has inherited is no growth
words 'z'
sees 'There is nothing more to be seen between these moments|ZOOM 1'
words 's'
sees '^ 3,000,000 bytes live in 3,000 blocks at the end '

# Groups that it does not have.
words 'vvvv'
sees 'by stack'
words 'v'
sees 'by process'
sees 'No class, size, lifetime, thread: --profile-only keeps no blocks'
sees ' [0-9]+ \(rows 500\)$'
words 'V'
sees 'by stack'
keys g Enter
sees '^ --profile-only keeps no blocks: a stack is as far as it goes\.'
words 'V'
sees 'by module'
keys Enter
sees 'allocated from'
sees '#0 +keep_rows +cli/rows\.c:11'
keys Enter
sees '^ --profile-only keeps no blocks: a stack is as far as it goes\.'
words 'Q'
sees '^over 0$'
begin 80 24 env TERM=tmux-256color "$trace" view --per class -s only.db
sees 'keeps no class, size, lifetime and thread of a block'
words 'v'
sees 'by process'
words 'q'
sees '^over 0$'
