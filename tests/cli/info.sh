#!/usr/bin/env bash
# Tests what `info` says of a capture's size, of the pools inside its program and of the allocator that was replaced.
. "${SOURCE:?}/tests/tools/test.sh"
unset PYTHONMALLOC G_SLICE

# Bytes for each event are given where they tell something of events, not of empty pages.
"$trace" run -s tiny.db -- true || fail "run: status $?"
"$trace" info -s tiny.db >page || fail "info: status $?"
grep -q '^size  *[0-9.]* KiB$' page || fail "a tiny capture's size: $(grep '^size' page)"
"$BUILD/tests/bench/make_capture" -q -n 300000 large.db >made || fail "make_capture: status $?"
"$trace" info -s large.db >page
[ $? -le 4 ] && grep -qE '^size +[0-9.]+ MiB, [0-9]{1,2}\.[0-9]{2} bytes for each event$' page ||
    fail "a large capture's size: $(grep '^size' page)"

# The program's own allocator, which hakmem replaced, by the library's name; one that it kept is told as such.
mkdir libjemalloc.so.9 && cd libjemalloc.so.9 || exit 2 # a folder of such a name is none
printf '#include <stddef.h>\n#include <sys/mman.h>\nvoid *malloc(size_t n) { return mmap(NULL, n + 1, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }\nvoid free(void *p) { (void)p; }\nint je_there(void) { return 1; }\n' >je.c
printf '#include <stdlib.h>\nint je_there(void);\nint main(void) { free(malloc(9)); return !je_there(); }\n' >linked.c
${CC:-cc} -w -O1 -fno-builtin -shared -fPIC -Wl,-soname,libjemalloc.so.2 -o libjemalloc.so.2 je.c &&
    ${CC:-cc} -w -O0 -fno-builtin -o linked linked.c "$PWD/libjemalloc.so.2" -Wl,-rpath,"$PWD" || fail "linked.c does not compile"
"$trace" run -s linked.db -- ./linked || fail "linked: status $?"
"$trace" info -s linked.db >page
grep -qxF "replaced      libjemalloc.so.2, which 1 process loaded: hakmem's malloc serves in its place" page || fail "linked: $(cat page)"
"$trace" info --json -s linked.db >linked.json
python3 -c 'import json; replaced, = json.load(open("linked.json"))["replaced"]; assert replaced["module"].endswith("/libjemalloc.so.2") and replaced["processes"] == 1' || fail "linked: $(cat linked.json)"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" linked.json || fail "linked: its JSON is not of the schema"
[ "$(grep -c 'hakmem.s malloc serves in its place' page)" -eq 1 ] || fail "the folder is taken for a library: $(cat page)"
"$trace" run --allocator keep -s kept.db -- ./linked && "$trace" info -s kept.db >page || fail "kept: status $?"
! grep -q '^replaced' page || fail "kept: $(cat page)"
cd ..

# A pool that --pools=malloc, or the variable itself, opened hides nothing.
pool="CPython's own pool"
has_pool() { "$trace" info -s "$1" | grep -q "$pool" && "$trace" info --json -s "$1" | grep -q "$pool"; }
"$trace" run -s closed.db -- /usr/bin/python3 -c pass || fail "run: status $?"
has_pool closed.db || fail "info does not name the pool of CPython"
"$trace" run -s open.db --pools=malloc -- /usr/bin/python3 -c pass || fail "run --pools: status $?"
has_pool open.db && fail "--pools=malloc opened the pool, and info says that it hides blocks"
PYTHONMALLOC=malloc_debug "$trace" run -s debug.db -- /usr/bin/python3 -c pass || fail "run: status $?"
has_pool debug.db && fail "malloc_debug opened the pool, and info says that it hides blocks"
PYTHONMALLOC=pymalloc "$trace" run -s named.db -- /usr/bin/python3 -c pass || fail "run: status $?"
has_pool named.db || fail "PYTHONMALLOC=pymalloc is the pool, and info does not name it"
# Without `run` the keeper is started by the program, and has its environment.
PYTHONMALLOC=malloc HAKMEM_TRACE_FILE=$PWD/plain.db LD_PRELOAD=$BUILD/hakmem-debug.so /usr/bin/python3 -c pass ||
    fail "preloaded: status $?"
for _ in $(seq 200); do "$trace" info --json -s plain.db 2>&1 | grep -q '"being_written": false' && break; sleep 0.1; done
"$trace" info -s plain.db >page && grep -q '^events' page || fail "preloaded: no capture: $(cat page)"
has_pool plain.db && fail "PYTHONMALLOC=malloc opened the pool, and info says that it hides blocks"
exit 0
