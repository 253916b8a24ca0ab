#!/usr/bin/env bash
# `hakmem why EXPRESSION` in gdb, with the script that gdb loads with the library: at a breakpoint of a live process, plain and
# recorded, and on a core file, of programs of gcc and clang, PIE and not, stripped. It runs no code of the program.
# timeout: 600
. "${SOURCE:?}/tests/tools/corefiles.sh"
program=$BUILD/tests/corefile/blocks
script=$SOURCE/tools/gdb/hakmem-gdb.py

# ask LIBRARY COMMAND... -- PROGRAM: the commands where the program aborts; what they say is in `asked`.
ask() {
    in_gdb "$1" "source $script" "set hakmem-trace $trace" 'echo ----\n' "${@:2}"
    sed '1,/^----$/d' gdb.out >asked
    grep -q '^----$' gdb.out || fail "gdb did not get so far: $(tail -n 5 gdb.out)"
}
says() { grep -qE -- "$1" asked || fail "${*:2}: due '$1', said: $(cat asked)"; }

for library in libhakmem.so hakmem-debug.so; do
    export HAKMEM_GUARD=off
    ask "$BUILD/$library" 'up-silently 100' 'hakmem why live + 40' 'hakmem why freed_later' 'hakmem why &data' 'hakmem why $sp' 'hakmem heap' \
        'hakmem why' 'hakmem why no_such_name' 'info inferiors' -- "$program"
    unset HAKMEM_GUARD
    says '^0x[0-9a-f]+ is 40 bytes into a block of 1[01][0-9a-z ]+, live: the program has it$' "$library, live + 40"
    says '^ +place +slot [0-9]+ of slab [0-9]+, .* of a thread$' "$library, live + 40"
    says 'is in no block of hakmem.s. It lies in .*/blocks' "$library, data"
    says '^process .* blocks, which is there$' "$library, heap"
    says '^hakmem why EXPRESSION: an address' "$library, no expression"
    says '^hakmem why: No symbol "no_such_name" in current context' "$library, no such name"
    says "^allocator  $library" "$library, heap"
done
says 'freed, and kept from being used again for a while$' 'level normal, freed_later'

# Owner is why without what lies beside it; layers counts what lies where.
ask "$BUILD/libhakmem.so" 'up-silently 100' 'hakmem owner live + 3' 'hakmem layers' 'hakmem owner' 'hakmem frame' 'hakmem top' 'hakmem leaks' -- "$program"
says '^0x[0-9a-f]+ is 3 bytes into a block of 112 bytes, live: the program has it$' 'owner'
grep -q 'beside it' asked && fail "owner has neighbours: $(cat asked)"
says '^class +slot +front .*program +.*remote' 'layers'
says '^C4 +112 +2 +2 *$' 'layers: two live, two in the front array'
says '^hakmem owner EXPRESSION: an address' 'owner of nothing'
says '^hakmem: the program stands in no frame of hakmem' 'frame'
says '^3,0[0-9,]+ bytes in 1 block with pages of their own$' 'top'
says 'make a core of it .gcore, or generate-core-file in gdb' 'leaks of a process that is there'

# Verify finds what was damaged meanwhile, and nothing before.
export HAKMEM_GUARD=off
ask "$BUILD/hakmem-debug.so" 'up-silently 100' 'hakmem verify' 'set variable live[101] = 1' 'hakmem verify' -- "$program"
unset HAKMEM_GUARD
says '^no damage found in [0-9]+ SuperSlabs' 'verify of a whole heap'
says '^HKM-301 heap-buffer-overflow: 1 byte overwritten, 1 byte past the end of a block of 100 bytes' 'verify'

# Where hakmem ends a program the frame that called it is selected, live; of a core by `hakmem frame`.
export HAKMEM_GUARD=off HAKMEM_TRACE=off
timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -ex "source $script" -ex "set hakmem-trace $trace" \
    -ex "set environment LD_PRELOAD $BUILD/hakmem-debug.so" -ex 'run twice >said' -ex 'printf "selected %d\n", block == (void *)0' -ex 'generate-core-file made.file' \
    -ex 'hakmem owner block' -ex kill "$program" </dev/null >asked 2>&1
unset HAKMEM_GUARD HAKMEM_TRACE
says '^#[0-9]+ .* in give_back \(block=' 'a stop by hakmem'
says '^selected 0' 'a stop by hakmem'
says ' asked, freed, and kept from being used again for a while$' 'a stop by hakmem'
[ -s made.file ] || fail "no core of a stop: $(cat asked)"
timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -ex "source $script" -ex "set hakmem-trace $trace" \
    -ex 'hakmem frame' -ex 'hakmem owner block' -ex 'hakmem layers' "$program" made.file </dev/null >asked 2>&1
says '^#[0-9]+ .* in give_back \(block=' 'a core of a stop'
says ' asked, freed, and kept from being used again for a while$' 'a core of a stop'
says '^C4 +128 +2 +.*2' 'layers of a core'
timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -ex "source $script" -ex "set hakmem-trace $trace" \
    -ex 'hakmem top' -ex 'hakmem leaks' "$program" made.file </dev/null >asked 2>&1
says '^3,000,000 bytes in 1 block ' 'top of a core'
says '(^no leak among|leaked, of) [0-9]+ live blocks$' 'leaks of a core'
rm -f made.file

# A core, by its own file; and of gcc and clang, PIE and not, stripped, where an address is typed.
for compiler in gcc clang; do
    for kind in -fPIE\ -pie -no-pie; do
        # shellcheck disable=SC2086
        $compiler -g -O1 $kind -w -o made "$SOURCE/tests/corefile/blocks.c" -pthread || fail "$compiler $kind"
        strip made
        make_core made.file "$BUILD/libhakmem.so" ./made
        timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -ex "source $script" -ex "set hakmem-trace $trace" \
            -ex "hakmem why $(address_of freed_later)" ./made made.file </dev/null >asked 2>&1
        says 'front of heap 2 of thread [0-9]+: the next one to be handed out' "$compiler $kind, a core"
        rm made.file
    done
done

# The core is known by what gdb says of its target, not by the words of `info files`; a core without a path is no process.
make_core made.file "$BUILD/libhakmem.so" "$program"
words='python plain = gdb.execute; gdb.execute = lambda *what, **more: '
for answer in "plain(*what, **more).replace('Local core dump file', 'Abbild')" "''"; do
    timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -ex "source $script" -ex "set hakmem-trace $trace" \
        -ex "$words$answer" -ex 'hakmem heap' "$program" made.file </dev/null >asked 2>&1
    [ "$answer" = "''" ] || says '^ended by   SIGABRT' 'a core in other words'
done
says 'gdb does not say where its core file lies' 'a core without a path'
rm made.file

# JSON of a process that is there: how many threads it has is not known.
ask "$BUILD/libhakmem.so" 'python ask(["--json"])' -- "$program"
sed -n '/^{/,/^}/p' asked >live.json
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" live.json || fail "--json of a process: $(cat asked)"
python3 -c 'import json; assert json.load(open("live.json"))["process"]["threads"] is None' || fail "--json of a process: $(cat live.json)"

# Without hakmem, and without a process.
ask '' 'hakmem heap' -- "$program"
says 'no allocator of hakmem is in process [0-9]+$' 'without hakmem'
timeout 300 gdb -q -nx -batch -ex "source $script" -ex "set hakmem-trace $trace" -ex 'hakmem heap' </dev/null >asked 2>&1
says 'there is no process and no core file' 'without a process'

# Loaded by itself with the library, where gdb may.
mkdir -p beside
cp "$BUILD/libhakmem.so" beside/
cp "$script" beside/libhakmem.so-gdb.py
ln -sf "$trace" beside/hakmem-trace
timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex "set auto-load safe-path $PWD/beside" -ex "set environment LD_PRELOAD $PWD/beside/libhakmem.so" \
    -ex 'run >said' -ex 'hakmem heap' -ex kill "$program" </dev/null >asked 2>&1
says '^allocator  libhakmem.so' 'loaded by itself'
exit 0
