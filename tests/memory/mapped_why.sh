#!/usr/bin/env bash
# `why` and `block` of memory that the program mapped itself: in what it is, and who mapped, opened, moved and unmapped it.
. "${SOURCE:?}/tests/tools/test.sh"
# Numbers of events and processes, times and the width of columns are not the same everywhere.
plain() {
    sed -E -e '/^Looked in/d' -e '/^$/d' -e 's/process [0-9]+/process P/; s/with event [0-9,]+/with event N/; s/before 0x[57][0-9a-f]+/before ADDR/' \
        -e 's/^[0-9,]+ +[0-9.]+ s/N T/' | tr -s ' '
}
tell() { echo "== $*"; "$trace" "$@" 2>&1 | plain; }

cat >due <<'END'
== why 0x200000500010 -s mapped.db
0x200000500010 was in no block of this capture.
In process P (mapped fork) it was 1,048,592 bytes into 7,340,032 bytes that the program mapped itself, 0x200000400000 to 0x200000b00000: private, read and write; gone with event N.
event time what thread where
N T mmap: 256.0 MiB mapped without access 1 mapped reserve mapped.c:29
N T mmap: 8.0 MiB mapped 1 mapped commit mapped.c:36
N T mmap: 8.0 MiB mapped 1 mapped commit mapped.c:36
N T munmap: 128.0 MiB unmapped 1 mapped punch mapped.c:43
== why 0x200000500010 -s mapped.db -p #1
0x200000500010 was in no block of process P (mapped fork).
In process P (mapped fork) it is 1,048,592 bytes into 7,340,032 bytes that the program mapped itself, 0x200000400000 to 0x200000b00000: private, read and write.
event time what thread where
N T mmap: 256.0 MiB mapped without access 1 mapped reserve mapped.c:29
N T mmap: 8.0 MiB mapped 1 mapped commit mapped.c:36
N T mmap: 8.0 MiB mapped 1 mapped commit mapped.c:36
== block 0x20000c800000 -s mapped.db
0x20000c800000 was in no block of this capture.
In process P (mapped fork) it is the start of 4,096 bytes that the program mapped itself, 0x20000c800000 to 0x20000c801000: private, closed.
event time what thread where
N T mmap: 256.0 MiB mapped without access 1 mapped reserve mapped.c:29
N T mprotect: 4.0 MiB open 1 mapped open_room mapped.c:48
N T mprotect: 4.0 KiB closed 1 mapped open_room mapped.c:49
== why 0x200006400000 -s mapped.db
0x200006400000 was in no block of this capture.
In process P (mapped fork) it was the start of 1,048,576 bytes that the program mapped itself, 0x200006400000 to 0x200006500000; gone with event N.
event time what thread where
N T mmap: 256.0 MiB mapped without access 1 mapped reserve mapped.c:29
N T mremap: 1.0 MiB, before ADDR 1 mapped main mapped.c:158
N T munmap: 128.0 MiB unmapped 1 mapped punch mapped.c:43
== why 0x200004000000 -s mapped.db
0x200004000000 was in no block of this capture.
In process P (mapped fork) it is the start of 1,048,576 bytes that the program mapped itself, 0x200004000000 to 0x200004100000: private, read and write.
event time what thread where
N T mmap: 256.0 MiB mapped without access 1 mapped reserve mapped.c:29
N T munmap: 128.0 MiB unmapped 1 mapped punch mapped.c:43
N T mmap: 1.0 MiB mapped 1 mapped commit mapped.c:36
== why 0x200004000000 -s mapped.db --at OPENED
0x200004000000 was in no block of this capture.
In process P (mapped fork) it is 53,477,376 bytes into 91,226,112 bytes that the program mapped itself, 0x200000d00000 to 0x200006400000: private, closed.
event time what thread where
N T mmap: 256.0 MiB mapped without access 1 mapped reserve mapped.c:29
END
for way in "--check trace" "--check normal" "--allocator keep"; do
    # shellcheck disable=SC2086
    "$trace" run $way --store mapped.db --force -- "$BUILD/tests/memory/mapped" fork >out 2>&1 || fail "$way: status $?" "$(cat out)"
    opened=$("$trace" sql -s mapped.db "SELECT min(id) FROM event WHERE kind = 'PROGRAM_PROTECT'")
    {
        tell why 0x200000500010 -s mapped.db
        tell why 0x200000500010 -s mapped.db -p '#1'
        tell block 0x20000c800000 -s mapped.db
        tell why 0x200006400000 -s mapped.db
        tell why 0x200004000000 -s mapped.db
        tell why 0x200004000000 -s mapped.db --at "#$opened" | sed "s/--at #$opened/--at OPENED/"
    } >said
    diff due said || fail "$way: other words"
    "$trace" why 0x200000500010 -s mapped.db --stacks | grep -q '#1 *main' || fail "$way: no stacks"
done
"$trace" why 0x20000c800000 -s mapped.db --json >why.json || exit 1
python3 - <<'END' || exit 1
import json
mapping = json.load(open("why.json"))["mapping"]
kinds = [event["kind"] for event in mapping.pop("events")]
mapping["process"] = 1
due = {"process": 1, "start": "0x20000c800000", "bytes": 4096, "offset": 0, "mapped": True, "protection": "closed", "shared": False, "file": False}
assert mapping == due and kinds == ["PROGRAM_MAP", "PROGRAM_PROTECT", "PROGRAM_PROTECT"], (mapping, kinds)
END
"$trace" why 0x20000c800000 -s mapped.db --at start 2>err
[ $? -eq 2 ] && grep -q 'nothing has happened then' err || fail "--at start: $(cat err)"
