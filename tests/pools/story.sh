#!/usr/bin/env bash
# The record tells the story of pieces of the program's own pools: `events`, and `why` of an address in a piece, of one whose pool was
# reset, and of one in static memory, as text and as JSON. Pieces that a reset spares, and those beside a piece that is moved, live on.
. "${SOURCE:?}/tests/tools/answers.sh"
cat >pools.c <<'E'
#include <hakmem.h>
#include <stdio.h>
#include <stdlib.h>
static char still[256];
static void take(const void *pool, const void *piece, size_t bytes) { hak_pool_alloc(pool, piece, bytes); }
int main(void) {
    char *memory = malloc(4096);
    if (!hak_pool_create)
        return 1;
    hak_pool_create(memory, "requests");
    take(memory, memory + 64, 40);
    hak_pool_free(memory, memory + 64);
    take(memory, memory + 64, 48);
    take(memory, memory + 128, 100);
    hak_pool_reset(memory);
    hak_pool_create(still, "rows");
    hak_pool_allow(still, "free", "cache");
    hak_pool_allow(still, "cache", "out");
    hak_pool_allow(still, "out", "cache");
    take(still, still + 64, 8);
    take(still, still + 32, 32);
    hak_pool_free(still, still + 32);
    hak_pool_move(still, still + 32, "cache");
    take(still, still + 32, 16);
    hak_pool_reset_outside(still, still + 40, 40);
    take(still, still + 128, 24);
    hak_pool_move(still, still + 128, "cache");
    take(still, still + 192, 24);
    hak_pool_allow(still, "cache", "list");
    hak_pool_allow(still, "list", "cache");
    hak_pool_free(still, still + 192);
    hak_pool_move(still, still + 192, "cache");
    for (int i = 0; i < 3; i++) {
        hak_pool_move(still, still + 192, "list");
        hak_pool_move(still, still + 192, "cache");
    }
    printf("%p %p %p %p %p\n", (void *)(memory + 64), (void *)(still + 32), (void *)(still + 64), (void *)(still + 128), (void *)(still + 192));
    return 0;
}
E
${CC:-cc} -g -I"$SOURCE/include" -o pools pools.c || exit 1
"$BUILD/hakmem-trace" run -s pools.db -- ./pools >addresses || exit 1
read -r piece static beside moved cached <addresses

why() { "$BUILD/hakmem-trace" why -s pools.db "$@"; }

"$BUILD/hakmem-trace" events -s pools.db >events
holds events 'pool 1, "requests"'
holds events '40 bytes of pool 1, in take'
holds events 'pool 2, place 3, "cache"'
holds events 'free to place 3 of pool 2, in main'
holds events 'pool 1, in main'
"$BUILD/hakmem-trace" events -s pools.db --kind PIECE_ALLOC --json >allocs.json
[ "$(value 'len(page["events"])' allocs.json)" = 8 ] || complain "not eight pieces: $(cat allocs.json)"

why "$(printf '0x%x' $((piece + 10)))" >inside
holds inside "It is 10 bytes into a piece of 48 bytes that the program's pool 1 \"requests\" handed out, reset with its pool; 2 pieces in this capture."
holds inside 'PIECE_FREE'
holds inside 'POOL_RESET'
why "$(printf '0x%x' $((piece + 45)))" --stacks >end
holds end 'It is 45 bytes into a piece of 48 bytes'
holds end '1 piece in this capture'
holds end '#1 main'
why "$static" >static
holds static "It is the start of a piece of 16 bytes that the program's pool 2 \"rows\" handed out, live; 2 pieces in this capture."
why "$beside" >beside
holds beside "It is the start of a piece of 8 bytes that the program's pool 2 \"rows\" handed out, live; 1 piece in this capture."
why "$moved" >moved
holds moved "It is the start of a piece of 24 bytes that the program's pool 2 \"rows\" handed out, moved by its pool; 1 piece in this capture."
why "$cached" >cached
holds cached 'handed out, freed; 1 piece in this capture.'
[ "$(grep -c PIECE_MOVE cached)" = 6 ] || complain "not the newest six moves: $(cat cached)"
holds cached 'PIECE_MOVE: place 4 to place 3 of pool 2 1 pools main pools.c:'
holds cached 'Not shown: 1 earlier move of these pieces.'
why "$cached" --json >cached.json
[ "$(value '(lambda life: [life["end"]["kind"], life["moves_total"], len(life["moves"]), life["moves"][5]["change"]])(page["piece"]["lives"][0])' cached.json)" = \
    '["PIECE_FREE", 7, 6, "place 4 to place 3 of pool 2"]' ] || complain "not the moves in JSON: $(value 'page["piece"]' cached.json)"
for json in cached moved; do
    why "${!json}" --json >page.json
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" page.json >valid 2>&1 || complain "$json, the schema: $(cat valid)"
done
why "$static" --json >static.json
[ "$(value '[page["piece"][name] for name in ("pool", "pool_name", "state", "offset")] + [len(page["piece"]["lives"])]' static.json)" = '[2, "rows", "live", 0, 2]' ] ||
    complain "not the piece in JSON: $(cat static.json)"
why "$(printf '0x%x' $((piece + 300)))" >none
grep -q 'piece' none && complain "a piece where there was none: $(cat none)"
exit "$failed"
