#!/usr/bin/env bash
# A heap of more than 8 MiB gets its next SuperSlabs by one page fault each, from a huge page, in hakmem-debug.so: a small heap and
# the plain library ask for none.
. "${SOURCE:?}/tests/tools/test.sh"
[ -e /sys/kernel/mm/transparent_hugepage/enabled ] || { echo "skipped: the kernel has no huge pages"; exit 0; }

# Mappings that ask for huge pages when $1 strings are live; the rest goes before the program.
asking() {
    local strings=$1
    shift
    env "$@" /usr/bin/perl -e 'my @kept = map { "x" x (60 + $_ % 40) } 1 .. $ARGV[0];
        open my $file, "<", "/proc/self/smaps" or die; print scalar(grep { /^VmFlags:.* hg( |$)/ } <$file>), "\n"' "$strings"
}
for check in normal trace; do
    got=$(asking 300000 HAKMEM_TRACE=off HAKMEM_CHECK=$check LD_PRELOAD="$BUILD/hakmem-debug.so")
    [ "${got:-0}" -gt 0 ] || complain "$check, a large heap: '$got' mappings ask for huge pages"
    got=$(asking 10 HAKMEM_TRACE=off HAKMEM_CHECK=$check LD_PRELOAD="$BUILD/hakmem-debug.so")
    [ "$got" = 0 ] || complain "$check, a small heap: '$got' mappings ask for huge pages"
done
got=$(asking 300000 LD_PRELOAD="$BUILD/libhakmem.so")
[ "$got" = 0 ] || complain "the plain library: '$got' mappings ask for huge pages"
exit "$failed"
