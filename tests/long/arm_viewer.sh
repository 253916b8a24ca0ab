#!/usr/bin/env bash
# Collector, viewer and hakmem_sqlite.so are built for arm64 against a root that tools/arm_root makes (ROOT=DIR: one that is there), with
# warnings as errors. Its viewer, under qemu-user, says of stores and cores of x86-64, byte for byte, the same as that of this machine. EVERY=N: of each Nth store.
# timeout: 7200
. "${SOURCE:?}/tests/tools/corefiles.sh"
. "$SOURCE/tests/long/sizes"
cross=aarch64-linux-gnu-
command -v ${cross}gcc >/dev/null || { echo "skipped: no ${cross}gcc"; exit 77; }
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || { echo 'skipped: no qemu-aarch64'; exit 77; }
root=${ROOT:-$PWD/root}
[ -e "$root/usr/include/sqlite3.h" ] || "$SOURCE/tools/arm_root" "$root" || fail "tools/arm_root"

made=$BUILD/aarch64-viewer
target=${made#"$SOURCE"/} # make's own name of the folder
env -u CC -u MAKEFLAGS -u MFLAGS make -s -j2 -C "$SOURCE" BUILD="$made" CROSS=$cross SYSROOT="$root" WERROR=1 \
    "$target"/{hakmem-collect,hakmem-trace,hakmem_sqlite.so} >made 2>&1 || fail "make CROSS=$cross SYSROOT=$root: $(tail -n 20 made)"
arm() { "$qemu" -L "$root" "$made/hakmem-trace" "$@"; }
arm --version >version || fail "the viewer for arm64 does not start"

# same ARGUMENT...: both viewers say the same, with the same status.
asked=0
same() {
    local due status
    "$trace" "$@" >due 2>&1
    due=$?
    arm "$@" >found 2>&1
    status=$?
    asked=$((asked + 1))
    [ $due -ne 2 ] || complain "$*: a usage error"
    [ $due -eq $status ] && cmp -s due found || complain "$*: status $status, due $due: $(diff due found | head -n 5)"
}
mkdir -p stores && "$BUILD/tests/cli/make_store" stores || fail "make_store"
cp "$SOURCE/tests/format/v3/golden.db" "$SOURCE"/tests/format/aarch64/*.db stores/ && chmod 600 stores/*.db
number=0
for store in stores/*.db; do
    number=$((number + 1))
    [ $((number % EVERY)) -eq 0 ] || continue
    for question in 'info' 'info --json' 'faults' 'faults --json' 'leaks' 'leaks --json' 'top' 'top --json' 'heap' 'heap --json' 'layers' \
        'threads' 'modules' 'events' 'events --json' 'check' 'diff --between 25% 75%' 'top --at=peak' 'export collapsed' 'export pprof' 'export speedscope' 'export csv' \
        'export heaptrack'; do
        # shellcheck disable=SC2086
        same $question -s "$store"
    done
    "$trace" sql -s "$store" "SELECT DISTINCT printf('0x%x', base) FROM event WHERE base ORDER BY 1 LIMIT 12" >addresses || complain "$store: no addresses"
    while read -r address _; do
        [[ $address != 0x* && ! $address =~ ^[0-9]+$ ]] || { same why "$address" -s "$store" && same block "$address" -s "$store"; }
    done <addresses
done
[ "$asked" -gt $((200 / EVERY)) ] || complain "no more than $asked questions"

# Cores: one of x86-64, and the same memory as that of aarch64.
program=$BUILD/tests/corefile/blocks
make_core found.core "$BUILD/libhakmem.so" "$program"
cp found.core other.core && python3 "$SOURCE/tests/tools/as_aarch64.py" other.core || fail "as_aarch64.py"
for core in found.core other.core; do
    same core $core
    same core $core --leaks
    same core $core --check --json
    for name in live freed freed_later of_other large data stack; do same core $core --why "$(address_of $name)"; done
done
# Threads of another are not made to call there.
arm record -p 1 >found 2>&1
[ $? -eq 2 ] && grep -q 'record: -p is not for this processor yet' found || complain "record -p: $(cat found)"
echo "$asked questions"
