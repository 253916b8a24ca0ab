#!/usr/bin/env bash
# The plain library, cross-built for arm64, under qemu-user: preloaded, linked, in a static program, with pages of 4, 16 and 64 KiB.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/arm.sh"
build_arm libhakmem.so

compile() { ${cross}gcc -O1 -g -w -iquote "$SOURCE/include" "$@" -pthread || exit 2; }
compile -o stress "$SOURCE/tests/programs/stress.c"
compile -o linked "$SOURCE/tests/programs/stress.c" "$built/libhakmem.a"
compile -static -o static "$SOURCE/tests/programs/stress.c" "$built/libhakmem.a"
compile -o moved "$SOURCE/tests/arm/moved.c"
compile -o domain -O0 "$SOURCE/tests/unit/route/domain.c"
# It may own the mappings, and cannot be asked: without it they are nobody's, and bad-free.
echo 'void *malloc(unsigned long bytes) { return (void *)(bytes * 0); } void free(void *block) { (void)block; }' >silent.c
compile -fno-builtin -shared -fPIC -o silent.so silent.c
compile -o verified "$SOURCE/tests/matrix/stress.c"

run() { "$qemu" -L $root "$@" >out 2>err </dev/null; }
try() {
    local name=$1
    shift
    if ! run "$@" || [ "$(cat out)" != 'every block was whole' ] || [ -s err ]; then complain "$name: $(head -n 5 out err)"; fi
}
# The malloc called is the library's own, in both ways.
try preloaded -E "LD_PRELOAD=$built/libhakmem.so" stress 4 20000
try linked linked 4 20000
try static static 4 20000
run -E "LD_PRELOAD=$built/libhakmem.so" -E LD_DEBUG=bindings stress 1 1
grep -q "stress .* to $built/libhakmem.so .*\`malloc'" err || complain "the program's malloc is not hakmem's: $(grep -m 3 malloc err)"

# The heap profile: its estimates are those of chance, each sample has its stack, blocks are no longer than without.
profiled() { run -E "LD_PRELOAD=$built/libhakmem.so" "$@"; }
compile -o profile "$SOURCE/tests/light/profile.c"
profiled -E HAKMEM_HEAP_PROFILE=512K profile 1 200000 6 || complain "the heap profile's estimates: $(cat out err)"
grep -q '^others [01] samples, unplaced 0, unsampled 0 of 0 bytes' out || complain "not all samples have their stack: $(tail -n 2 out)"
profiled -E HAKMEM_HEAP_PROFILE=64K profile 3 50000 6 || complain "the heap profile at a rate of 64K, threads: $(cat out err)"
profiled profile sizes && mv out due && profiled -E HAKMEM_HEAP_PROFILE=1 profile sizes || complain "sizes: $(cat out err)"
[ "$(wc -l <due)" -gt 50 ] && cmp -s due out || complain "blocks in the profile are longer: $(diff due out | head -n 5)"
profiled -E HAKMEM_HEAP_PROFILE=4K stress 4 3000 || complain "stress with a heap profile: $(cat err)"
[ "$(cat out)" = 'every block was whole' ] && [ ! -s err ] || complain "stress with a heap profile: $(head -n 5 out err)"

# A block at the addresses that another one has left is memory for the kernel, too.
run -E "LD_PRELOAD=$built/libhakmem.so" moved && [ "$(cat out)" = received ] || complain "memory that was moved: $(head -n 5 out err)"

# Nobody's pointers are passed over, those to closed pages, too.
run -E "LD_PRELOAD=$built/libhakmem.so:$PWD/silent.so" domain && [ "$(cat out)" = alive ] || complain "pointers of nobody: $(head -n 5 out err)"

run -E "LD_PRELOAD=$built/libhakmem.so" verified 4 3000 || complain "hak_verify: $(head -n 5 out err)"
[ ! -s err ] || complain "hak_verify: $(head -n 5 err)"

# Pages of 16 and 64 KiB: qemu-user names them to the program, and maps at their multiples.
find_wide_pages
for bytes in $wide_pages; do
    pages=(-p "$bytes" -E "LD_PRELOAD=$built/libhakmem.so")
    try "pages of $bytes bytes" "${pages[@]}" stress 4 20000
    run "${pages[@]}" verified 4 3000 && [ ! -s err ] || complain "hak_verify, pages of $bytes bytes: $(head -n 5 err)"
    run -strace "${pages[@]}" stress 1 20000
    # Large blocks are resized by whole pages; libc resizes none here.
    sizes=$(sed -n 's/.* mremap([0-9a-fx]*,\([0-9]*\),\([0-9]*\),.*/\1 \2/p' err)
    [ "$(wc -w <<<"$sizes")" -ge 4 ] || complain "pages of $bytes bytes: no call that resizes or gives back: $(tail -n 5 err)"
    for size in $sizes; do [ $((size % bytes)) -eq 0 ] || { complain "pages of $bytes bytes: the kernel is asked for $size"; break; }; done
done
