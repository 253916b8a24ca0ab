#!/usr/bin/env bash
# A module whose debug information is read slowly: reports wait for it once and for a few seconds, go on without its
# names, say so and accuse it of nothing; once it is read, later reports have them, and the findings that were stored without
# get them: the same fault has one fingerprint. A collector that waits for them at its end hears the next fault meanwhile.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"

# Beside each other as they are installed, with the collector that waits (tests/security/reader).
mkdir bin && cp "$BUILD/hakmem-trace" "$BUILD/hakmem-debug.so" "$BUILD/tests/security/hakmem-collect" bin || exit 1

cat >late.c <<'C'
#include <stdlib.h>
char mark[] __attribute__((section(".deadly_load_hold"), used)) = HELD;
__attribute__((noinline)) static void *fourth(void *old) { return old ? (free(old), NULL) : malloc(40); }
__attribute__((noinline)) static void *third(void *old) { void *p = fourth(old); return p; }
__attribute__((noinline)) static void *second(void *old) { void *p = third(old); return p; }
__attribute__((noinline)) static void *first(void *old) { void *p = second(old); return p; }
void *late(void *old);
void *late(void *old) { void *p = first(old); return p; }
C
cat >program.c <<'C'
#include <stdio.h>
#include <unistd.h>
void *late(void *old);
int main(void) { /* two faults, and one when the file "go" is there */
    void *block = late(NULL);
    late(block);
    late(block);
    block = late(NULL);
    late(block);
    late(block);
    for (int tries = 0; tries < 3000 && access("go", F_OK) != 0; tries++)
        usleep(100000);
    block = late(NULL);
    late(block);
    late(block);
    return 0;
}
C
cat >lost.c <<'C'
#include <stddef.h>
void *late(void *old);
static __attribute__((noinline)) void clean(void) {
    volatile char room[4096];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = 0;
}
int main(void) {
    late(NULL);
    clean();
    return 0;
}
C
${CC:-gcc} -g -O0 -fno-optimize-sibling-calls -shared -fPIC -DHELD="\"$PWD/held\"" -o liblate.so late.c || exit 1
${CC:-gcc} -g -O0 -o program program.c ./liblate.so || exit 1
${CC:-gcc} -g -O0 -o lost lost.c ./liblate.so || exit 1

# is_bare REPORT: it has module and offset for the module's frames, says why, and does not say that there is nothing to be had.
is_bare() {
    grep -q 'raw report' "$1" && fail "$1 is a raw report"
    grep -q 'double-free' "$1" || fail "$1 is no report of a double free"
    grep -Eq '  COMPLETENESS .*the symbols of .*liblate\.so.* were not read in time: frames there have no names yet' "$1" ||
        fail "$1 does not say that names are late"
    grep -q 'no debug information for' "$1" && fail "$1 says that there is no debug information"
    grep -Eq 'liblate\.so\+0x[0-9a-f]+' "$1" || fail "$1 does not say where in the module"
    grep -q 'late\.c:' "$1" && fail "$1 has names: nothing was late"
}
has_names() {
    grep -Eq 'fourth +.*late\.c:3' "$1" && grep -Eq 'main +.*program\.c:' "$1" || fail "$1 has no names"
    grep -q 'in time' "$1" && fail "$1 says that names are late"
}

# one_finding RUN: its three faults are one, and `faults` has the names of the first.
one_finding() {
    local found
    found=$(bin/hakmem-trace sql -s store.db "select count(*), count(distinct fingerprint),
        count(distinct json_extract(json, '$.fault.fingerprint')) from fault" | tail -n 1 | tr -s ' \t' ' ')
    [ "$found" = "3 1 1" ] || fail "$1: 3 faults, 1 fingerprint, 1 in JSON were due: $found"
    bin/hakmem-trace faults 1 -s store.db >first 2>&1
    has_names first
}

for level in normal light; do
    rm -f go store.db* fault.*
    touch held
    HAKMEM_REPORT_EVERY=0 HAKMEM_GUARD=all HAKMEM_ON_FAULT=continue \
        bin/hakmem-trace run --check $level --store store.db -- ./program >run.out 2>run.err &
    run=$!
    both() { [ "$(grep -c "hop=" run.err)" -eq 2 ]; }
    until_true both || { cat run.err; fail "$level: no two reports"; }
    rm held
    named() { bin/hakmem-trace sql -s store.db "select function from frame" 2>/dev/null | grep -q fourth; }
    until_true named || fail "$level: the names do not come"
    touch go
    wait "$run"
    csplit -s -z -f fault. run.err '/^hakmem: HKM-/' '{*}'
    [ "$(grep -c '^hakmem: HKM-' run.err)" -eq 3 ] || { cat run.err; fail "$level: three reports were due"; }
    is_bare fault.00
    is_bare fault.01
    has_names fault.02
    one_finding "$level"
done

# Level light by itself: the collector closes the store after each report, and waits there for names, longer than a report does.
rm -f go store.db* fault.*
touch held
HAKMEM_CHECK=light HAKMEM_REPORT_EVERY=0 HAKMEM_GUARD=all HAKMEM_TRACE_FILE="$PWD/store.db" LD_PRELOAD="$PWD/bin/hakmem-debug.so" \
    ./program >run.out 2>run.err &
run=$!
until_true both || { cat run.err; fail "light alone: no two reports"; }
rm held
until_true no_collector || fail "light alone: the collector does not end"
touch go
wait "$run"
csplit -s -z -f fault. run.err '/^hakmem: HKM-/' '{*}'
is_bare fault.00
is_bare fault.01
has_names fault.02
until_true no_collector || fail "light alone: the collector does not end"
one_finding "light alone"

# Leaks: in the first run the names come after the report, in the second before it.
rm -f store.db*
touch held
bin/hakmem-trace run --leaks --store late.db -- ./lost >run.out 2>run.err &
run=$!
leak_is_told() { grep -q 'SUMMARY: .*leak' run.err; }
until_true leak_is_told || { cat run.err; fail "leaks: no report"; }
grep -q 'liblate\.so+0x' run.err || { cat run.err; fail "leaks: nothing was late"; }
rm held
wait "$run"
bin/hakmem-trace run --leaks --store early.db -- ./lost >run.out 2>run.err
grep -q 'late\.c:3' run.err || { cat run.err; fail "leaks: no names"; }
leaks_of() { bin/hakmem-trace sql -s "$1" "select fingerprint from leak" | tail -n +2; }
[ "$(leaks_of late.db)" = "$(leaks_of early.db)" ] || fail "leaks: $(leaks_of late.db) late, $(leaks_of early.db) early"
exit 0
