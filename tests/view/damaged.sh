#!/usr/bin/env bash
# `view` of a capture that is damaged: it opens with the events before the damage and with the findings, and says what
# is damaged, also at its end.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/view
# shellcheck source=tests/view/screen.bash
. "$here/screen.bash"
golden=$SOURCE/tests/format/v3/golden.db
mkdir stores && "$BUILD/tests/format/make_broken" "$golden" stores || fail "no broken stores"

# opens STORE WORDS DAMAGE: shows these words, and at the end why.
opens() {
    begin 120 24 "env TERM=tmux-256color '$trace' view -s 'stores/$1.db' 2>err"
    sees 'DAMAGED'
    sees "$2"
    sees '^ shown '
    keys 4
    sees 'HKM-202'
    words 'Q'
    sees '^over 3$'
    grep -q "^hakmem-trace: shown .*stores/$1\.db: $3.*the store is damaged" err || fail "$1: $(cat err)"
}
last=$("$trace" events --until '#66' --tail 1 --json -s stores/chunks-missing.db |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["events"][-1]["id"])') || fail 'no event'
live=$("$trace" top --at "#$last" --json -s stores/chunks-missing.db | python3 -c 'import json, sys
total = json.load(sys.stdin)["total"]
print("{live_bytes:,} bytes live in {live_blocks:,} blocks".format(**total))') || fail 'no moment'
opens chunks-missing 'ZOOM 1' 'chunk 67'
opens chunk-missing-at-the-end 'ZOOM 1' 'chunk 4013'
opens chunks-missing-at-first '0 bytes live in 0 blocks' 'chunk 1,'

# The end of what is shown is that moment's, to the byte; what lies behind the damage cannot be read.
begin 120 24 env TERM=tmux-256color "$trace" view -s stores/chunks-missing.db
sees 'DAMAGED'
words ')'
sees "^ $live at .*event $last\)"
words 'Z'
sees 'chunk 67, '
sees 'ZOOM 1'
words 'Q'
sees '^over 3$'

# A store whose profile has the sums, too.
"$trace" run --check trace -s whole.db -- "$BUILD/tests/bench/loops" random 2048 100000 >said 2>&1 || fail "run: $(cat said)"
sqlite3 whole.db ".backup stores/profiled.db" || fail 'no copy'
sqlite3 stores/profiled.db "UPDATE chunk_data SET data = 'HKCK' WHERE chunk = (SELECT max(id) FROM chunk)" || fail 'no damage'
begin 120 24 env TERM=tmux-256color "$trace" view -s stores/profiled.db
sees 'DAMAGED'
sees ' random_sizes '
words 'Q'
sees '^over 3$'
