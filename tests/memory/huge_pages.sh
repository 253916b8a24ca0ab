#!/usr/bin/env bash
# A heap of more than 8 MiB gets its next SuperSlabs by one page fault each, from a huge page, in hakmem-debug.so: a small heap and
# the plain library ask for none. Where free slabs' pages went back none is asked for any more: the kernel would fill them again.
. "${SOURCE:?}/tests/tools/test.sh"
[ -e /sys/kernel/mm/transparent_hugepage/enabled ] || { echo "skipped: the kernel has no huge pages"; exit 0; }

# KiB that ask for huge pages when $1 strings were live and one in $2 is; the rest goes before the program.
asking() {
    local strings=$1 part=$2
    shift 2
    env "$@" /usr/bin/perl -e 'my @kept = map { "x" x (60 + $_ % 40) } 1 .. $ARGV[0];
        for (0 .. $#kept) { undef $kept[$_] if $_ % $ARGV[1] }
        open my $file, "<", "/proc/self/smaps" or die;
        while (<$file>) { $size = $1 if /^Size: +(\d+)/; $all += $size if /^VmFlags:.* hg( |$)/ } print $all + 0, "\n"' "$strings" "$part"
}
for check in normal trace; do
    got=$(asking 300000 1 HAKMEM_TRACE=off HAKMEM_CHECK=$check LD_PRELOAD="$BUILD/hakmem-debug.so")
    [ "${got:-0}" -gt 0 ] || complain "$check, a large heap: '$got' KiB ask for huge pages"
    left=$(asking 300000 500 HAKMEM_TRACE=off HAKMEM_CHECK=$check HAKMEM_GUARD=off HAKMEM_QUARANTINE=0 LD_PRELOAD="$BUILD/hakmem-debug.so")
    [ "${left:-$got}" -lt "$got" ] || complain "$check, what is left of a large heap: $left of $got KiB ask for huge pages"
    got=$(asking 10 1 HAKMEM_TRACE=off HAKMEM_CHECK=$check LD_PRELOAD="$BUILD/hakmem-debug.so")
    [ "$got" = 0 ] || complain "$check, a small heap: '$got' KiB ask for huge pages"
done
got=$(asking 300000 1 LD_PRELOAD="$BUILD/libhakmem.so")
[ "$got" = 0 ] || complain "the plain library: '$got' KiB ask for huge pages"
exit "$failed"
