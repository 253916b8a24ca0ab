#!/usr/bin/env bash
# A collector that takes long for the leaks at a program's end, and writes nothing meanwhile: `run` waits for it as long
# as it goes on, and the capture is whole.
. "${SOURCE:?}/tests/tools/test.sh"
places=56
"${CC:-cc}" -shared -fPIC -O1 -fno-builtin -D_GNU_SOURCE -o slow_names.so "$SOURCE/tests/tools/slow_names.c" || exit 1
printf '#!/bin/sh\nLD_PRELOAD=%s/slow_names.so exec %s/hakmem-collect "$@"\n' "$PWD" "$BUILD" >collect
chmod +x collect
{
    echo '#include <stdlib.h>'
    echo 'void *volatile kept;'
    echo 'int main(void) {'
    for ((place = 1; place <= places; place++)); do echo "    kept = malloc($place);"; done
    echo '    kept = NULL;'
    echo '    return 0;'
    echo '}'
} >leaks.c
"${CC:-cc}" -g -O0 -o leaks leaks.c || exit 1
# In all 24 s: the program waits 10 s for the report, and after its end `run` gives up a collector that stands still for
# 10 s.
NAMES_MS=430 NAMES_SAID=$PWD/said HAKMEM_COLLECT=$PWD/collect "$trace" run --leaks=1 --store store.db -- ./leaks >run.out 2>&1
status=$?
grep -q 'the capture is incomplete' run.out && fail "run gave up a collector that went on:" "$(tail -n 3 run.out)"
said=$(stat -c %s said 2>/dev/null || echo 0)
[ "$said" -ge $((places - 2)) ] || fail "the collector was slow $said times: nothing was tried here" "$(cat run.out)"
found=$("$trace" sql -s store.db 'select count(*) from leak' | tail -n 1)
[ "$found" -ge $((places - 2)) ] || fail "$found places of leaks are stored, $places were due; run ended with $status"
[ ! -e store.db-wal ] || fail "the log was left beside the store"
