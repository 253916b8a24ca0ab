#!/usr/bin/env bash
# Level light of hakmem-debug.so, cross-built for arm64, under qemu-user, with every block guarded: each program of tests/guarded and tests/light, and
# each fault of tests/faults, gets the codes and ends as on x86-64, without a collector on either.
. "${SOURCE:?}/tests/tools/faults.sh"
. "$SOURCE/tests/tools/arm.sh"
build_arm hakmem-debug.so
library=$built/hakmem-debug.so

# Those that qemu-user 7.2 cannot show, and those of x86-64's registers.
cannot() {
    case $1 in
    write_after_free_later) echo 'it may run out of memory itself' ;;
    mappings) echo 'no end of mappings' ;;
    pages) echo 'it takes any advice of madvise and follows none' ;;
    read_before) echo 'the program dies by a queued SIGSEGV' ;;
    watch | watched | stepped | vector_after | vector_freed | vectors) echo 'debug registers, single steps, vectors of x86-64' ;;
    profile) echo 'below' ;;
    esac
}

# qemu-user ends by an assertion of its own where a program dies by SIGSEGV.
status() { tail -n 1 "here.$1" | grep -qx 'status 139' || tail -n 1 "$2.$1"; }

# The words that a program is called with. A signal handler must not call malloc in level light, and where qemu-user is slow each one finds a call to interrupt.
words_of() { [ "$1" != correct ] || echo without-handler; }

# look_at FOLDER/NAME: `here.NAME` and `there.NAME` have what it prints, and the status behind it.
look_at() {
    local folder=${1%/*} name=${1##*/} settings arguments=() setting words
    settings=(HAKMEM_CHECK=light HAKMEM_GUARD=sample:1 HAKMEM_GUARD_MEMORY=64M HAKMEM_WATCH=0 HAKMEM_SESSION=none)
    for setting in $(variables_of "$name"); do settings+=("$setting"); done
    for setting in "${settings[@]}"; do arguments+=(-E "$setting"); done
    words=$(words_of "$name")
    ${cross}gcc -g -w -O0 -D_GNU_SOURCE -iquote "$SOURCE/include" -pthread -o "$name" "$SOURCE/tests/$folder/$name.c" || return 1
    { env "${settings[@]}" LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/$folder/$name" ${words:+"$words"}; echo "status $?"; } >"here.$name" 2>&1 </dev/null
    { "$qemu" -L $root -E "LD_PRELOAD=$library" "${arguments[@]}" "./$name" ${words:+"$words"}; echo "status $?"; } >"there.$name" 2>&1 </dev/null
    [ "$(codes "here.$name") $(status "$name" here)" = "$(codes "there.$name") $(status "$name" there)" ] && return
    echo "$1: $(codes "there.$name") $(tail -n 1 "there.$name"), x86-64 $(codes "here.$name") $(tail -n 1 "here.$name")"
    head -n 12 "there.$name"
    return 1
}

for folder in guarded light faults; do
    for source in "$SOURCE/tests/$folder"/*.c; do
        name=$(basename "$source" .c)
        # Correct programs guard a hundred thousand blocks: tests/guarded has a shorter one.
        case $folder/$name in faults/correct_*) continue ;; esac
        [ -n "$(cannot "$name")" ] || echo "$folder/$name"
    done
done >programs
each_in_parallel look_at <programs || failed=1
looked_at=$(cat here.* | grep -c '^hakmem: HKM-')
[ "$looked_at" -ge 60 ] || complain "only $looked_at faults on x86-64"

# A report names the access, the registers and both stacks.
grep -q '^  x[0-9]* 0x[0-9a-f]* ' there.write_freed || complain "no register with the pointer: $(cat there.write_freed)"
[ "$(grep -c '^ *#[0-9]* 0x[0-9a-f]* (the program)' there.write_freed)" -ge 3 ] || complain "the stacks: $(cat there.write_freed)"

# Blocks that are guarded and given back by threads, resized, and forked keep their bytes.
${cross}gcc -O1 -g -w -iquote "$SOURCE/include" -o stress "$SOURCE/tests/programs/stress.c" -pthread || exit 2
"$qemu" -L $root -E "LD_PRELOAD=$library" -E HAKMEM_CHECK=light -E HAKMEM_GUARD=sample:20 -E HAKMEM_SESSION=none stress 4 3000 >out 2>err </dev/null
[ "$(cat out)" = 'every block was whole' ] && [ ! -s err ] || complain "stress: $(head -n 5 out err)"

# The heap profile's estimates, and malloc_usable_size of a block in it.
${cross}gcc -O1 -g -w -iquote "$SOURCE/include" -o profile "$SOURCE/tests/light/profile.c" -pthread || exit 2
"$qemu" -L $root -E "LD_PRELOAD=$library" -E HAKMEM_CHECK=light -E HAKMEM_HEAP_PROFILE=512K profile 1 200000 6 >out 2>&1 </dev/null ||
    complain "the estimates: $(cat out)"

# Pages of 16 and 64 KiB: qemu-user names them to the program, and maps at their multiples.
wide() {
    "$qemu" -p "$1" -L $root -E "LD_PRELOAD=$library" -E "HAKMEM_CHECK=$2" -E "HAKMEM_GUARD=$3" \
        -E HAKMEM_TRACE=off -E HAKMEM_SESSION=none "${@:4}" 2>&1 </dev/null
}
find_wide_pages
for bytes in $wide_pages; do
    for level in normal light; do
        guard=sample:20
        [ $level = light ] || guard=sites:4
        wide $bytes $level $guard stress 4 3000 >out
        [ "$(cat out)" = 'every block was whole' ] || complain "stress with pages of $bytes bytes, level $level: $(head -n 5 out)"
        guard=sample:1
        [ $level = light ] || guard=all
        for name in read_after write_after write_freed double_free large_after; do
            { wide $bytes $level $guard "./$name" >"wide.$name"; } 2>/dev/null
            [ "$(codes "wide.$name")" = "$(codes "here.$name")" ] ||
                complain "$name with pages of $bytes bytes, level $level: $(head -n 5 "wide.$name")"
        done
    done
done
