#!/usr/bin/env bash
# Each function of src/strings/calls.def is silent where all that it touches fits the block exactly, and tells of
# one byte more, written or read, before it does it, at the line that calls it; off, nothing is told.
# UPDATE=1 writes the expectation anew, to be read before it is committed.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
program=$BUILD/tests/strings/calls

# glibc ends a wide text that does not fit since 2.37: it writes one character more than the expectation has, at one of the calls.
ends_text=$(python3 -c 'import ctypes
text = ctypes.create_unicode_buffer("##", 2)
ctypes.CDLL(None).swprintf(text, 2, ctypes.c_wchar_p("%ls"), ctypes.c_wchar_p("abc"))
print(text[1] == "\0")')
as_expected() { if [ "$ends_text" = True ]; then sed '/: swprintf writes 72 bytes /s/72\(.*\), 8 of them/68\1, 4 of them/'; else cat; fi; }

# stat is __xstat in headers before glibc 2.33, and there is no __memcmpeq before 2.35.
same_names() { sed -E 's/: __isoc23_([sw])/: \1/; s/: __(l?)xstat(64)? /: \1stat\2 /; s/: __fxstatat /: fstatat /'; }
has_memcmpeq=$(python3 -c 'import ctypes; print(hasattr(ctypes.CDLL(None), "__memcmpeq"))')
expected() { if [ "$has_memcmpeq" = True ]; then cat "$1"; else sed 's/: __memcmpeq /: memcmp /' "$1"; fi; }

# Pages stay open, and no block is guarded: what is read past the end is done as asked, and the processor tells of it as well.
# run NAME ARGUMENT [VARIABLE=VALUE...]
run() {
    local name=$1 argument=$2
    shift 2
    env HAKMEM_CLOSE_PAGES=0 HAKMEM_GUARD=off HAKMEM_LOG="$PWD/$name.log" HAKMEM_TRACE_FILE="$PWD/$name.db" "$@" \
        LD_PRELOAD="$BUILD/hakmem-debug.so" "$program" "$argument" >"$name.out" 2>&1 ||
        complain "calls $argument, $*: exit status $?"
    [ -e "$name.log" ] || : >"$name.log"
    grep '^hakmem: ' "$name.log" | sed 's/^hakmem: //' | sed -E -f "$SOURCE/tests/tools/plain_headline.sed" | same_names | as_expected >"$name.told"
}
# The lines of the program at which the calls stand, in their order; those of v*printf in a function of their own.
awk '/^static int list_/ { helper = $3; sub(/\(.*/, "", helper) }
    /^    int length = / { line[helper] = NR }
    /^LIST\(/ { split($0, part, /[(,]/); line["list_" part[2]] = NR }
    /^    (NARROW|WIDE|EXACT)\(/ { at = NR; if (match($0, /list_[a-z_]*/)) at = line[substr($0, RSTART, RLENGTH)]
        print at }' "$SOURCE/tests/strings/calls.c" >lines

run over 1 HAKMEM_CHECK_STRING=1 HAKMEM_ON_FAULT=continue
run unrecorded 1 HAKMEM_CHECK_STRING=1 HAKMEM_ON_FAULT=continue HAKMEM_TRACE=off
run fits 0 HAKMEM_CHECK_STRING=1
run same 0 HAKMEM_CHECK_STRING=1 HAKMEM_CHECK=trace
if [ -n "${UPDATE-}" ]; then
    cp over.told "$SOURCE/tests/strings/calls.expected"
    exit "$failed"
fi
for name in over unrecorded; do
    expected "$SOURCE/tests/strings/calls.expected" | diff -u - "$name.told" || complain "$name: other reports than these are due"
    sed -nE 's/^SUMMARY: .* calls\.c:([0-9]+) .*/\1/p' "$name.log" | diff lines - ||
        complain "$name: a report names another line than the call's"
done
for name in fits same; do
    [ ! -s "$name.log" ] || complain "$name: $(head -n 1 "$name.log")"
done
# Each row of the table is called, but those that end the program, write to the system's log or depend on its
# name, which tests/unit/strings/shapes_test.c looks at, and those to which headers of some releases
# give another name (__isoc23_strtol since glibc 2.38, __xstat before 2.33), which is taken for the same.
while read -r call; do
    [ "$has_memcmpeq" = True ] || [ "$call" != __memcmpeq ] || continue
    grep -qE ": $call (writes|reads|wrote|read) " over.told || complain "$call is never told of"
done < <(sed -nE 's/^(CALL|VARIADIC)\((\w+), .*/\2/p' "$SOURCE/src/strings/calls.def" |
    grep -vE '^(dl|register_printf_|v?errx?$|(__)?v?syslog|(__)?gethostname|getdomainname|ttyname_r|popen|system|__isoc23_|__[fl]?xstat|(__)?(str|wcs)lc(py|at))')

# Off, as by default where no block is guarded, what is found is found later and by others.
run off 1 HAKMEM_ON_FAULT=continue
run guarded 1 HAKMEM_ON_FAULT=continue HAKMEM_CHECK_STRING=0 HAKMEM_GUARD=auto
for name in off guarded; do
    ! grep -E ': \w+ (writes|reads|wrote|read) ' "$name.told" || complain "$name: a call was looked at"
done
