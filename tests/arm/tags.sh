#!/usr/bin/env bash
# Memory tags (MTE) of hakmem-debug.so, cross-built for arm64, under qemu-user, which gives them to user programs: generated faults (tags.c)
# are stopped at the very instruction and their good twins are not accused; programs run as without. In levels normal and light.
#     tags.sh [CASES]      how many cases of small blocks in level normal, of which half are good, 120 unless given; as many of large
#                          ones and of level light
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/arm.sh"
build_arm hakmem-debug.so

cases=${1:-120}
compile() { ${cross}gcc -D_GNU_SOURCE -O1 -g -w -iquote "$SOURCE/include" -iquote "$SOURCE/src" -o "$@" -pthread || exit 2; }
compile tags "$SOURCE/tests/arm/tags.c"
compile stress "$SOURCE/tests/programs/stress.c"
compile verified "$SOURCE/tests/matrix/stress.c"
compile primitives -DHAK_DEBUG=1 "$SOURCE/tests/arm/tag_primitives.c" "$SOURCE"/src/platform/{tags,line,file}.c

# qemu-user 7.2 refuses DC ZVA an address with a tag: libc's memset of this processor does without.
run() { "$qemu" -cpu max -L $root -E GLIBC_TUNABLES=glibc.cpu.name=kunpeng920 -E "LD_PRELOAD=$built/hakmem-debug.so" -E HAKMEM_TRACE=off -E "HAKMEM_TAGS=${tags:-sync}" "$@" </dev/null; }

# A machine that has tags, and each instruction that is used.
"$qemu" -cpu max -L $root primitives >out 2>&1 || fail "qemu-user has no memory tags: $(head -n 5 out)"

# Correct programs: nothing is said, and pointers have tags.
light='-E HAKMEM_CHECK=light -E HAKMEM_GUARD=sample:20'
for level in '' "$light"; do
    # shellcheck disable=SC2086 # several options
    {
        run $level stress 4 2000 >out 2>err || complain "stress $level: $(head -n 5 out err)"
        [ "$(cat out)" = 'every block was whole' ] && [ ! -s err ] || complain "stress $level: $(head -n 5 out err)"
        run $level verified 2 1000 >out 2>err && [ ! -s err ] || complain "hak_verify, fork $level: $(head -n 5 out err)"
    }
done

# Short quarantine, so that blocks live again soon; without one; and with all of it.
part=$((cases / 4))
first=0
for options in QUARANTINE_BLOCKS=8 QUARANTINE=0 'QUARANTINE_BLOCKS=8 -E HAKMEM_CHECK_STRING=1' QUARANTINE_BLOCKS=300; do
    # shellcheck disable=SC2086 # several options
    run -E HAKMEM_$options tags $first $part >out 2>&1 || complain "$options: $(head -n 40 out)"
    named=$(sed -n "s/^$part cases, 0 failed, \([0-9]*\) named,.*/\1/p" out)
    # The tag of a pointer to the block in front may be the same by chance, 1 in 15: then that one is named.
    [ "${named:-0}" -ge $((part * 9 / 10)) ] || complain "$options: $(tail -n 1 out)"
    echo "$options: $(tail -n 1 out)"
    first=$((first + part))
done

# Large blocks, 4 of 10 with a later block in their place; the first of a site are guarded where they are too long for a tag. And level light, without
# guarded blocks and with many.
stops='-E HAKMEM_CHECK=light -E HAKMEM_ON_FAULT=stop'
for options in 'QUARANTINE_BLOCKS=8 large' 'QUARANTINE=0 -E HAKMEM_GUARD=off large' "GUARD=off $stops light" "GUARD=sample:5 $stops light"; do
    kind=${options##* }
    # shellcheck disable=SC2086 # several options
    run -E HAKMEM_${options% *} tags $first $part $kind >out 2>&1 || complain "$options: $(head -n 40 out)"
    read -r named again <<<"$(sed -n "s/^$part cases, 0 failed, \([0-9]*\) named, \([0-9]*\) of blocks.*/\1 \2/p" out)"
    least=$((part / 10 * 4))
    [ "$kind" = large ] || least=$((part / 10))
    [ "${named:-0}" -ge $((part * 9 / 10)) ] && [ "${again:-0}" -ge $least ] || complain "$options: $(tail -n 1 out)"
    echo "$options: $(tail -n 1 out)"
    first=$((first + part))
done

# Found late: of each fault something is said, of good twins nothing.
for options in QUARANTINE_BLOCKS=8 "GUARD=off $stops"; do
    kind=
    [ "$options" = QUARANTINE_BLOCKS=8 ] || kind=light
    # shellcheck disable=SC2086 # several options
    tags=async run -E HAKMEM_$options tags $first $part $kind late >out 2>&1 || complain "late, $options: $(head -n 40 out)"
    echo "late, $options: $(tail -n 1 out)"
    first=$((first + part))
done

# Off, the same faults behind a block are not stopped there.
tags=off run tags 0 2 >out 2>&1 && complain "found without tags: $(head -n 5 out)"

# Found late: nobody is named, neither an address nor an instruction; the access was carried out, so damage is there to be seen. hakmem's own accesses are
# none. A handler of the program's own gets what the kernel says. Other reports of that thread are whole.
compile late "$SOURCE/tests/arm/tag_late.c"
late='this thread used a pointer with a wrong memory tag before this point; the access is not known; HAKMEM_TAGS=sync stops at it'
# The kernel's file is found below qemu's root, where there is one.
mkdir -p preferred/sys/devices/system/cpu/cpu0 && ln -s "$root"/* preferred/ && echo asymm >preferred/sys/devices/system/cpu/cpu0/mte_tcf_preferred
tags=async run stress 4 2000 >out 2>err && [ ! -s err ] || complain "async, stress: $(head -n 5 out err)"
tags=async run late read >out 2>&1 && complain "async: the program goes on: $(cat out)"
[ "$(head -n 1 out)" = 'hakmem: SIGSEGV, thread 1 (raw report: no collector can be started)' ] && [ "$(sed -n 2p out)" = "  $late" ] || complain "async: $(cat out)"
! grep -qE '0x0|^  code|^  x[0-9]|HKM-' out || complain "async: more is told than is known: $(cat out)"
tags=async run late write >out 2>&1
grep -q '^hakmem: HKM-301 heap-buffer-overflow at' out && grep -qFx "  $late" out && ! grep -q '^  code' out || complain "async, damage: $(cat out)"
tags=async run late handler >out 2>&1 || complain "async, the program's own handler: $(cat out)"
tail -n 1 out | grep -qx 'goes on, 8' || complain "async, the program's own handler: $(cat out)"
tags=async run -E HAKMEM_ON_FAULT=continue late loop >out 2>&1 || complain "async, loop: $(cat out)"
[ "$(grep -cFx "  $late" out)" = 1 ] && tail -n 1 out | grep -qx 'goes on, 0' || complain "async, loop: each place once: $(cat out)"
tags=async run -E HAKMEM_ON_FAULT=continue late free >out 2>&1 || complain "async, two faults: $(cat out)"
[ "$(grep -cE '^hakmem: (SIGSEGV|HKM-201)' out)" = 2 ] && [ "$(grep -c '^SUMMARY' out)" = 2 ] || complain "async, two faults: $(cat out)"

# Reads at the instruction: as the kernel prefers, else with sync, which is said.
tags=asymm run late read >out 2>&1
grep -q '^hakmem: HAKMEM_TAGS=asymm: .* HAKMEM_TAGS=sync is used$' out && grep -q '^hakmem: HKM-301 .*, read at' out || complain "asymm: $(cat out)"
(root=preferred tags=asymm run late read) >out 2>&1
! grep -q '^hakmem: HAKMEM_TAGS' out && grep -q '^hakmem: HKM-301 .*, read at' out || complain "asymm, preferred: $(cat out)"

# Tags that the program takes off are no fault: nothing is compared from there on, which is said once.
compile masked "$SOURCE/tests/arm/tag_masked.c"
for level in '' "$light"; do
    # shellcheck disable=SC2086 # several options
    run $level masked >out 2>err || complain "a program that masks its pointers $level: $(head -n 5 out err)"
    [ "$(grep -c '^hakmem: the program changes the top bits of pointers' err)" = 1 ] && [ "$(wc -l <err)" = 1 ] || complain "masked $level: $(head -n 5 err)"
done

# So are numbers that it keeps in their place. Its calls of the kernel work as without tags: a thread for which nothing is compared gives blocks
# to the kernel, and memory is mapped over a block.
compile own "$SOURCE/tests/arm/tag_own.c"
for level in '' "$light"; do
    # shellcheck disable=SC2086 # several options
    for what in kind small off mapped; do
        guard=
        # Of a guarded block such numbers are reported.
        [[ $what != kind && $what != small ]] || guard='-E HAKMEM_GUARD=off'
        run $level $guard own $what >out 2>err && [ "$(cat out)" = "$what 0" ] || complain "own bits, $what $level: $(head -n 5 out err)"
        case $what in
        kind | small) said='hakmem: the program changes the top bits of pointers, which memory tags need: ' ;;
        off) said='hakmem: the program switches off the comparing of memory tags: ' ;;
        mapped) said= ;;
        esac
        lines=${said:+1}
        [ "$(wc -l <err)" = "${lines:-0}" ] && [ "$(grep -c "^$said" err)" = "${lines:-0}" ] || complain "own bits, $what $level: $(head -n 5 err)"
    done
done
# Where no life of a block had the pointer's tag, none is named.
run own strange >out 2>&1 && complain "a tag of no life: $(cat out)"
grep -q '^  tag [0-9]* of the pointer, [0-9]* of the memory$' out || complain "a tag of no life: $(cat out)"
compile python -DHAK_DEBUG=1 "$SOURCE/tests/arm/tag_python.c" "$SOURCE"/src/trace/python/frames.c
[ "$("$qemu" -L $root python)" = '1 0' ] || complain "objects of Python in blocks with tags are not read"

# Tags that are asked for on a processor without are missed, which is said.
for tags in sync async asymm auto off; do
    "$qemu" -cpu cortex-a72 -L $root -E "LD_PRELOAD=$built/hakmem-debug.so" -E HAKMEM_TRACE=off -E HAKMEM_TAGS=$tags own mapped >out 2>err || complain "no tags, $tags: $(cat out err)"
    case $tags in auto | off) said= ;; *) said='hakmem: HAKMEM_TAGS: this processor or its kernel has no memory tags; none are used' ;; esac
    [ "$(cat err)" = "$said" ] || complain "no tags, $tags: $(cat err)"
done
tags=

# A kernel that compares would answer EFAULT for such a pointer, in each thread that does not know of it: so calls that hakmem looks at, and the
# next malloc, tell the thread. A pointer of an earlier life is reported.
compile kernel -DHAK_DEBUG=1 "$SOURCE/tests/arm/tag_kernel.c"
for way in first looked other 'first 100000'; do
    # shellcheck disable=SC2086 # way and size
    run kernel $way >out 2>err || complain "EFAULT, $way: $(cat out err)"
    [ "$(cat out)" = 'compares 1, then 0' ] || complain "EFAULT, $way: the kernel still compares: $(cat out)"
    [ "$(grep -c '^hakmem: the program changes the top bits of pointers' err)" = 1 ] && [ "$(wc -l <err)" = 1 ] || complain "EFAULT, $way: $(head -n 5 err)"
done
# All pages that such a call touches are looked at: those that were dropped get the tag, one that the program closed is left to the kernel, and one that
# it mapped itself, or made unwritable, has none. In level light nothing lies between blocks: a call that leaves its own is found by the tag behind it.
# shellcheck disable=SC2086 # several options
for level in '-E HAKMEM_QUARANTINE=0' '-E HAKMEM_QUARANTINE=0 -E HAKMEM_GUARD=off' "-E HAKMEM_GUARD=off $stops" "-E HAKMEM_GUARD=sample:1 $stops"; do
    run $level kernel stale >out 2>&1 && complain "a stale pointer that is written $level: $(cat out)"
    grep -q '^hakmem: HKM-304 use-after-free in write, read at' out || complain "a stale pointer that is written $level: $(cat out)"
    run $level kernel name >out 2>&1 && complain "a stale name $level: $(cat out)"
    grep -q '^hakmem: HKM-304 use-after-free in readlinkat, read at' out || complain "a stale name $level: $(cat out)"
    if [[ $level != *sample:1* ]]; then # a closed page lies behind a guarded one
        # A slot is called one, not a large block.
        grep -q '^  base .* SuperSlab 0x' out || complain "a stale name, its SuperSlab $level: $(cat out)"
        run $level kernel behind 48 >out 2>&1 && complain "written behind the block $level: $(cat out)"
        grep -q '^hakmem: HKM-301 heap-buffer-overflow in write, read at' out || complain "written behind the block $level: $(cat out)"
        run $level kernel pieces 48 >out 2>&1 && complain "a piece behind the block $level: $(cat out)"
        grep -q '^hakmem: HKM-301 heap-buffer-overflow in writev, read at' out || complain "a piece behind the block $level: $(cat out)"
    fi
    # A call that receives over the end of its block is judged by the bytes that came: during the call the kernel does not compare. 48 fill a block in each level.
    run $level kernel received 48 >out 2>&1 && complain "received over the end $level: $(cat out)"
    grep -q '^hakmem: HKM-301 heap-buffer-overflow in read, write at' out || complain "received over the end $level: $(cat out)"
    run $level -E HAKMEM_ON_FAULT=continue kernel received 48 >out 2>err || complain "received over the end, going on $level: $(cat out err)"
    [ "$(cat out)" = '64 of 64, compares 0, then 1' ] && [ "$(grep -c '^hakmem: HKM-301 ' err)" = 1 ] || complain "received over the end, going on $level: $(cat out err)"
    run $level kernel asked 48 >out 2>&1 || complain "as much as the block has $level: $(cat out)"
    [ "$(cat out)" = '48 of 48, compares 0, then 1' ] || complain "as much as the block has $level: $(cat out)"
    [[ $level == *light* ]] || { run $level kernel asked 1200000 >out 2>&1 && [ "$(cat out)" = '4096 of 4096, compares 0, then 1' ]; } || complain "of a longer block $level: $(cat out)"
    for way in first other; do
        run $level kernel $way >out 2>err || complain "EFAULT, $way $level: $(cat out err)"
        [ "$(cat out)" = 'compares 1, then 0' ] || complain "EFAULT, $way $level: the kernel still compares: $(cat out)"
    done
    for bytes in 30000 100000; do
        run $level kernel dropped $bytes >out 2>err || complain "dropped pages $level: $(cat out err)"
        [ "$(cat out err)" = 'dropped 0, error 0' ] || complain "dropped pages $level $bytes: $(cat out err)"
        for way in mapped unwritable; do
            run $level kernel $way $bytes >out 2>err || complain "a page $way $level: $(cat out err)"
            [ "$(cat out err)" = 'error 0' ] || complain "a page $way $level $bytes: $(cat out err)"
        done
    done
    run $level kernel refused 64 >out 2>err || complain "a refused count $level: $(cat out err)"
    [ "$(cat out err)" = 'refused 1, 1' ] || complain "a refused count $level: $(cat out err)"
    run $level kernel closed 100000 >out 2>err || complain "a closed page $level: $(cat out err)"
    [ "$(cat out err)" = 'refused 1, whole 1' ] || complain "a closed page $level: $(cat out err)"
done

# realloc in place keeps pages closed that the program closed, and so does the look for the block that a wrong tag meant. calloc writes zeros and tags at once. A locked mapping that stays has no tag.
compile closed "$SOURCE/tests/arm/tag_closed.c"
for more in 0 900000; do
    run -E HAKMEM_GUARD=off closed $more >out 2>&1 || complain "pages that the program closed: $(cat out)"
    [ "$(cat out)" = closed ] || complain "pages that the program closed: $(cat out)"
done
for level in '' '-E HAKMEM_CHECK=light'; do
    # shellcheck disable=SC2086 # several options
    run $level -E HAKMEM_GUARD=off -E HAKMEM_ON_FAULT=continue closed beside >out 2>err || complain "a block beside a closed page $level: $(cat out err)"
    [ "$(cat out)" = closed ] || complain "a block beside a closed page $level: $(cat out err)"
    grep -q '^hakmem: HKM-304 .*, read at' err && grep -q '^  tag [0-9]* of the pointer' err || complain "a block beside a closed page $level: $(cat err)"
done
compile callocs "$SOURCE/tests/arm/tag_calloc.c"
for level in '' "$light"; do
    # shellcheck disable=SC2086 # several options
    run $level callocs >out 2>&1 || complain "calloc $level: $(cat out)"
    [ "$(cat out)" = 'zeros, with tags' ] || complain "calloc $level: $(cat out)"
done
compile held -DHAK_DEBUG=1 "$SOURCE/tests/arm/tag_held.c" "$SOURCE"/src/{large/held,platform/tags,platform/line,platform/file}.c
"$qemu" -cpu max -L $root held >out 2>&1 && [ "$(cat out)" = clean ] || complain "a mapping that is held: $(cat out)"
