#!/usr/bin/env bash
# The record tells of a guarded piece as of a piece and as of a block: `events`, `why`, `top --pools`. `replay` leaves it out, and
# `reduce` makes a program of a use behind the pool's reset.
. "${SOURCE:?}/tests/tools/answers.sh"
"${CC:-cc}" -g -O1 -pthread -I"$SOURCE/include" -o guarded "$SOURCE/tests/pools/guarded.c" || exit 2
"$trace" run -s reset.db -- ./guarded reset >said 2>&1
grep -q '^hakmem: HKM-304' said || complain "no use after the reset: $(cat said)"

"$trace" events -s reset.db >events
holds events 'hak_pool_alloc_guarded(40)'
holds events '40 bytes of pool 1, in row_new'
holds events 'pool "rows"'
holds events "its pool's reset or end"
"$trace" events -s reset.db --kind PIECE_ALLOC --json >allocs.json
piece=$(value 'page["events"][0]["address"]' allocs.json)
"$trace" why "$piece" -s reset.db >why
holds why 'In the program'"'"'s pool "rows".'
holds why "It is the start of a piece of 40 bytes that the program's pool 1 \"rows\" handed out, reset with its pool; 1 piece in this capture."
holds why "its pool's reset or end 1 guarded reset guarded.c:"
"$trace" top --pools -s reset.db >top
holds top '100.0 % 40 1 40 row_new'
"$trace" run -s arena.db --guard all -- ./guarded arena >said 2>&1 || complain "arena: $(cat said)"
"$trace" replay -s arena.db --against hakmem --json >replay.json 2>err || complain "replay: $(cat err)"
[ "$(value '[page["mallocs"], page["frees"], page["pieces"]]' replay.json)" = '[3, 0, 4]' ] || complain "replay: three blocks and four pieces are due: $(head -c 2000 replay.json)"
"$trace" replay -s arena.db --against hakmem >replay
holds replay "4 guarded pieces of the program's own pools are left out."
"$trace" replay -s reset.db --against hakmem >replay 2>err
[ $? -eq 3 ] && grep -q 'no call in process' err || complain "replay of a piece alone: $(cat replay err)"
"$trace" reduce -s reset.db --fault 1 >reduced 2>&1 || complain "reduce: $(cat reduced)"
holds reduced '1 free 1 0 0 in reset'
exit "$failed"
