#!/usr/bin/env bash
# The unwinder on arm64, cross-built, under qemu-user: each stack is libgcc's, and the splice has the same; with and without frame pointers,
# with signed return addresses, in a static program, over signals, the PLT and code without tables. In the quick tier: as gcc
# does it by default.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/arm.sh"

from=$SOURCE/tests/arm
compile() { ${cross}gcc -std=gnu11 -g -w -D_GNU_SOURCE -DHAK_DEBUG=0 -fvisibility=hidden -iquote "$SOURCE/src" -iquote "$SOURCE/include" "$@" || exit 2; }
for source in "$SOURCE"/src/unwind/*.c "$SOURCE"/src/platform/{maps,objects,path,symbols,module,file,line,platform}.c; do
    compile -O2 -c "$source" -o "hakmem_${source##*/}.o"
done

# program NAME FLAGS...: the test's own code by these flags.
program() {
    local name=$1
    shift
    compile -O2 -shared -fPIC "$@" "$from/module.c" -o module.so
    compile -O2 "$@" -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-omit-frame-pointer -c "$from/bare.c" -o bare.o
    compile "$@" -rdynamic "$from/unwind.c" "$from/frames.c" bare.o hakmem_*.o -pthread -o "$name"
}
# try NAME CASE=STACKS...: no stack differs, and there are as many as that.
try() {
    local name=$1 expected part stacks
    shift
    for expected; do
        part=${expected%=*} stacks=${expected#*=}
        # libgcc cannot step over ld.so's lazy binding, and faults there.
        local bind=(-E LD_BIND_NOW=1)
        [ "$part" = lazy ] && bind=()
        "$qemu" -cpu max -L $root "${bind[@]}" "./$name" "$part" >out 2>&1 </dev/null || { complain "$name, $part: $(tail -n 5 out)"; continue; }
        grep -q "^$part: [0-9]* stacks .*, 0 differ" out && [ "$(sed -n "s/^$part: \([0-9]*\) .*/\1/p" out)" -ge "$stacks" ] ||
            complain "$name, $part: $(cat out)"
    done
}

all=(c=26 assembler=7 signals=8 timers=1000 threads=32 modules=20 lazy=1)
program plain -O2
try plain "${all[@]}" bare=6
grep -q 'spliced, [1-9]' <("$qemu" -cpu max -L $root ./plain c) || complain "nothing was spliced: $("$qemu" -cpu max -L $root ./plain c)"
! is_quick || exit "$failed"
program unoptimized -O0
try unoptimized "${all[@]}" bare=6
# Behind code without tables nothing tells the stack pointer there.
program without_frame_pointer -O2 -fomit-frame-pointer -momit-leaf-frame-pointer
try without_frame_pointer "${all[@]}"
program signed -O2 -mbranch-protection=standard
try signed "${all[@]}" bare=6
${cross}objdump -d signed | grep -q 'paciasp' || complain 'nothing is signed'
# gcc links static programs without the table of .eh_frame, and hakmem does not see what they register.
program static -static -O2 -Wl,--eh-frame-hdr
try static c=26 assembler=7 signals=8 timers=1000 threads=32 bare=6
