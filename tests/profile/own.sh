#!/usr/bin/env bash
# The owner of a block: buffers of stdio and libstdc++'s emergency pool have their names, and are not the function of the peak; --skip passes over a
# program's wrappers and is kept in the store; with Python's frames CPython is a library; a program that is called by another name of its file has
# that one.
. "${SOURCE:?}/tests/tools/test.sh"
# names STORE WORD...: the functions of `top`, a line each.
names() { "$trace" top --json -s "$@" | python3 -c 'import json, sys; print("\n".join(row["name"] for row in json.load(sys.stdin)["rows"]))'; }

# ---- blocks of the libraries ---------------------------------------------------------------------
cat >small.cpp <<'END'
#include <cstdio>
#include <vector>
__attribute__((noinline)) std::vector<int> *keep() { return new std::vector<int>(100); }
int main() {
    keep();
    std::puts("a line");
    return 0;
}
END
g++ -O1 -g -o small small.cpp || exit 2
script -qec "$trace run --check trace -s small.db -- ./small" /dev/null >said 2>&1 || complain "run: $(cat said)"
grep -q 'peak .* in keep() (.*small\.cpp:3)' said || complain "the last line of run: $(cat said)"
names small.db >found
grep -qx 'libstdc++ emergency pool' found || complain "no pool: $(cat found)"
grep -qx 'stdio buffer of puts' found || complain "no buffer: $(cat found)"
"$trace" top -s small.db | grep -q '7[23],[0-9]\{3\} .* libstdc++ emergency pool *libstdc++\.so\.6$' || complain "$("$trace" top -s small.db)"
"$trace" top -s small.db --tree | grep -q 'stdio buffer of puts' || complain "--tree: $("$trace" top -s small.db --tree)"
"$trace" top -s small.db --all | grep -q 'emergency pool' && complain "--all names blocks, too"
"$trace" leaks --held -s small.db >page
grep -q 'libstdc++ emergency pool$' page || complain "leaks --held: $(cat page)"
grep -q 'stdio buffer of puts < main small\.cpp:6\|stdio buffer of puts < main .*/small\.cpp:6' page || complain "leaks --held: $(cat page)"

# ---- wrappers ------------------------------------------------------------------------------------
cat >wraps.c <<'END'
#include <stdlib.h>
#define OWN __attribute__((noinline, noipa))
OWN void *buffer_of(size_t bytes) { return malloc(bytes); }
OWN void *string_of(size_t bytes) { return buffer_of(bytes + 1); }
OWN void *load(void) { return string_of(99); }
OWN void *parse(void) { return buffer_of(300); }
int main(void) { return load() && parse() ? 0 : 1; }
END
"${CC:-cc}" -O1 -g -o wraps wraps.c || exit 2
"$trace" run --check trace -s wraps.db -- ./wraps || complain "wraps: status $?"
[ "$(names wraps.db)" = buffer_of ] || complain "without --skip: $(names wraps.db)"
[ "$(names wraps.db --skip '^(buffer|string)_of$')" = $'parse\nload' ] || complain "--skip: $(names wraps.db --skip '^(buffer|string)_of$')"
[ "$(names wraps.db)" = $'parse\nload' ] || complain "it is not kept: $(names wraps.db)"
"$trace" diff -s wraps.db --between start end --json | grep -q '"name": "parse"' || complain "diff does not know it"
"$trace" check -s wraps.db >said 2>&1 || complain "check: $(cat said)"
[ "$(names wraps.db --skip .)" = buffer_of ] || complain "nothing is left: $(names wraps.db --skip .)"
"$trace" top -s wraps.db --skip '(' >said 2>&1
[ $? -eq 2 ] || complain "a bad expression: $(cat said)"
[ "$(names wraps.db --skip '')" = buffer_of ] && [ "$(names wraps.db)" = buffer_of ] || complain "it is kept still: $(names wraps.db)"

# ---- one file, two names -------------------------------------------------------------------------
"${CC:-cc}" -O1 -s -o kitchen wraps.c && ln -s kitchen parlour && ln -s kitchen kitch || exit 2
for name in parlour kitchen kitch; do
    "$trace" run --check trace -s $name.db -- ./$name || complain "$name: status $?"
    due=$name
    [ $name = kitch ] && due=kitchen # a part of the file's name is no other name
    "$trace" top -s $name.db | grep -q " $due+0x" || complain "$name: $("$trace" top -s $name.db)"
    "$trace" modules -s $name.db | grep -q "/$due\$" || complain "$name: $("$trace" modules -s $name.db)"
done

# ---- Python --------------------------------------------------------------------------------------
cat >job.py <<'END'
def collect():
    return [bytearray(1000 + i) for i in range(500)]

kept = collect()
END
python=/usr/bin/python3
"$trace" run --check trace --frames python --pools=malloc -s job.db -- $python -S -E job.py >said 2>&1 || complain "job.py: $(cat said)"
if grep -q 'frames' said; then
    echo "skipped: Python: $(cat said)"
else
    "$trace" top -s job.db | sed -n 2p | grep -q 'collect\(\.<locals>\.<listcomp>\)\? .*job\.py' || complain "Python: $("$trace" top -s job.db | head -4)"
    "$trace" leaks --held --at peak -s job.db | grep -q ' collect[^ ]* [^ ]*job\.py:[0-9]* < <module>' || complain "Python, leaks: $("$trace" leaks --held --at peak -s job.db | grep -m 3 job)"
fi
exit "$failed"
