#!/usr/bin/env bash
# malloc_info, malloc_stats, mallinfo2 and malloc_trim: in glibc's forms, without deadlock while other
# threads allocate, and what is given back is back with the kernel.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/family
"${CC:-cc}" -w -fno-builtin -O1 -o statistics "$here/statistics.c" -lpthread || fail "statistics.c does not compile"

check_words() {
    /usr/bin/python3 - "$1" <<'END' || fail "malloc_info under $2: $(head -n 5 "$1")"
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == "malloc" and root.get("version") == "1"
totals = {total.get("type"): int(total.get("size")) for total in root.findall("total")}
assert {"rest", "mmap"} <= set(totals) <= {"fast", "rest", "mmap"}, totals
assert int(root.find("system[@type='current']").get("size")) > 0
assert root.find("heap/sizes") is not None
END
    [ "$(sed -E 's/ += +[0-9]+$/=N/; /^Arena [0-9]+:$/d' "$3" | sort -u | tr '\n' '|')" = \
        'Total (incl. mmap):|in use bytes=N|max mmap bytes=N|max mmap regions=N|system bytes=N|' ] ||
        fail "malloc_stats under $2: $(cat "$3")"
}
for run in libhakmem.so "hakmem-debug.so HAKMEM_CHECK=trace" "hakmem-debug.so HAKMEM_CHECK=normal"; do
    read -r library check <<<"$run"
    env HAKMEM_TRACE=off ${check:+"$check"} LD_PRELOAD="$BUILD/$library" timeout 300 ./statistics info.xml >said 2>stats ||
        fail "$run: status $?; $(cat said stats)"
    check_words info.xml "$run" stats
    grep -q '<total type="fast"' info.xml || fail "malloc_info under $run: no total of what is at hand"
done
# The words' form is glibc's, which has no fast bins since 2.43.
./statistics info.xml >said 2>stats
check_words info.xml glibc stats
exit 0
