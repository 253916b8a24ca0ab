#!/usr/bin/env bash
# A program's own maps, moves, opens and unmaps are recorded as they were done, in both levels and over the allocator
# that it keeps; what failed is not; and the program sees what it sees without hakmem, errno and break too.
. "${SOURCE:?}/tests/tools/test.sh"
mapped=$BUILD/tests/memory/mapped
ask() { "$trace" sql -s "$1" "$2" | sed 's/\t*$//'; }

"$mapped" fork >plain.out || { cat plain.out; exit 1; }
LD_PRELOAD=$BUILD/libhakmem.so "$mapped" fork >out 2>&1 && cmp -s plain.out out || fail "libhakmem.so:" "$(cat out)"

# Addresses in the room that it reserved as offsets in MiB, others as what they were found by.
cat >due <<END
PROGRAM_MAP	room+0	268435456	1	reserve
PROGRAM_MAP	room+0	8388608	0	commit
PROGRAM_MAP	room+4	8388608	0	commit
PROGRAM_UNMAP	room+2	1048576	0	punch
PROGRAM_UNMAP	room+11	2097152	0	punch
PROGRAM_UNMAP	room+2	1048576	0	punch
PROGRAM_MAP	elsewhere	3145728	14	map_file
PROGRAM_MAP	elsewhere	2097152	0	main
PROGRAM_REMAP	elsewhere	16777216	0	grow
PROGRAM_REMAP	elsewhere	7340032	0	grow
PROGRAM_REMAP	room+100	1048576	0	main
PROGRAM_PROTECT	room+200	4194304	0	open_room
PROGRAM_PROTECT	room+200	4096	1	open_room
PROGRAM_PROTECT	room+203	4096	1	open_room
PROGRAM_BREAK	elsewhere	3145728	0	move_break
PROGRAM_BREAK	elsewhere	2097152	0	move_break
PROGRAM_BREAK	elsewhere	5	0	move_break
PROGRAM_BREAK	elsewhere	5	0	move_break
PROGRAM_MAP	elsewhere	1048576	8	fail
PROGRAM_UNMAP	elsewhere	1048576	0	fail
PROGRAM_UNMAP	room+0	134217728	0	punch
PROGRAM_MAP	room+64	1048576	0	commit
END
for way in "--check trace" "--check normal" "--allocator keep"; do
    # shellcheck disable=SC2086
    "$trace" run $way --store mapped.db --force -- "$mapped" fork >out 2>&1 || fail "$way: status $?" "$(cat out)"
    cmp -s plain.out out || fail "$way: the program found something else:" "$(diff plain.out out)"
    ask mapped.db "SELECT kind, CASE WHEN addr - 0x200000000000 BETWEEN 0 AND 268435455 THEN 'room+' || (addr - 0x200000000000 >> 20)
        ELSE 'elsewhere' END, size, subkind, function FROM event WHERE kind LIKE 'PROGRAM_%' ORDER BY id" >events
    diff due events || fail "$way: other events"
    # shellcheck disable=SC2086
    "$trace" run $way --store handler.db --force -- "$mapped" handler >out 2>&1 && grep -qx touched out ||
        fail "$way: in a handler: status $?" "$(cat out)"
    "$trace" check -s mapped.db >check.out 2>&1 || fail "$way: $(head -n 3 check.out)"
done

# Level light and recording that is off record nothing of it.
"$trace" run --check light -- "$mapped" >out 2>&1 && "$trace" run --trace off -- "$mapped" >>out 2>&1 || { cat out; exit 1; }
