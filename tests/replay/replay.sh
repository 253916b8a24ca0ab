#!/usr/bin/env bash
# `replay`: every call of the capture is played once, over each allocator, in order; what is missing or cannot be played is said.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
c="${CC:-cc} -w -fno-builtin -O1"
$c -o shapes "$SOURCE/tests/replay/shapes.c" && $c -o handed "$SOURCE/tests/replay/handed.c" -lpthread &&
    $c -shared -fPIC -o twice.so "$SOURCE/tests/replay/twice.c" &&
    $c -o idle "$SOURCE/tests/replay/idle.c" -lpthread && $c -o left "$SOURCE/tests/replay/left.c" -lpthread &&
    $c -o zero "$SOURCE/tests/replay/zero.c" && $c -o brief "$SOURCE/tests/replay/brief.c" && $c -shared -fPIC -o sleeps.so "$SOURCE/tests/replay/sleeps.c" -ldl || fail 'the programs do not compile'

# played STORE ORDER WORDS...: the answer has each call of the store's one process, and is a document of the page.
played() {
    local store=$1 order=$2
    shift 2
    "$trace" export csv --events -s "$store" -o events.csv || fail "export of $store: status $?"
    "$trace" replay -s "$store" --json "$@" >answer.json 2>notes || { complain "replay of $store $*: status $?: $(head -n 3 notes)"; return; }
    [ ! -s notes ] || complain "replay of $store $* is not silent: $(head -n 3 notes)"
    python3 "$SOURCE/tests/replay/compare.py" events.csv answer.json "$order" >differs || complain "$store $*: $(cat differs)"
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" answer.json || complain "$store $*: no document of the page"
}

"$trace" run -s shapes.db -- ./shapes 2>notes && "$trace" run --allocator keep -s kept.db -- ./shapes 2>>notes &&
    "$trace" run -s handed.db -- ./handed 3 2>>notes && "$trace" run --allocator keep -s handed_kept.db -- ./handed 1 2>>notes ||
    fail "run: status $?: $(cat notes)"
played shapes.db ordered --against glibc,hakmem --touch first
played kept.db ordered --against hakmem --touch first
played handed.db unordered --against glibc,hakmem
played handed.db unordered --against hakmem --touch all --speed recorded
played handed_kept.db unordered --against glibc --touch first

# Threads hand blocks over, and 15 of them and the main thread are played.
"$trace" replay -s handed.db --against glibc --json >answer.json && python3 - <<'END' || complain 'handed.db: other threads or blocks handed over'
import json
a = json.load(open("answer.json"))
assert a["threads"] == 16, a["threads"]
assert a["handed_over"] > 1000, a["handed_over"]
assert a["waits"] > 0
END

# A block that lives for one call is in the peak, however short the play is.
"$trace" run -s brief.db -- ./brief 2>notes || fail "run of brief: status $?: $(cat notes)"
"$trace" replay -s brief.db --against glibc,hakmem --json >answer.json && python3 - <<'END' || complain 'brief.db: the peak is not in the answer'
import json
a = json.load(open("answer.json"))
assert a["peak_live_bytes"] > 8000000, a["peak_live_bytes"]
for run in a["runs"]:
    assert run["peak_bytes"] > 0.9 * a["peak_live_bytes"], (run["peak_bytes"], a["peak_live_bytes"])
END

# An allocator of one's own, by its path; one that hands blocks out twice is named.
"$trace" replay -s handed.db --against ./twice.so >said 2>errors || complain "twice.so: status $?: $(cat errors)"
grep -q '^twice.so: [0-9,]* blocks whose first word was changed while the program had it\.$' said || complain "twice.so is not named: $(cat said)"

# A thread that has nothing to do sleeps until it has: a few times, however long the others play.
for threads in 1 300; do
    "$trace" run -s idle$threads.db -- ./idle $threads 2>notes || fail "run of idle: status $?: $(cat notes)"
    SLEEPS=$PWD/sleeps "$trace" replay -s idle$threads.db --against ./sleeps.so --json >answer.json 2>errors || complain "idle $threads: status $?: $(cat errors)"
    [ "$(cat sleeps)" -le $((20 + 4 * threads)) ] || complain "idle $threads: the player slept $(cat sleeps) times"
done

# A capture that does not have its first thread: the others start one another, and each call is played.
cp handed.db orphans.db && sqlite3 orphans.db "DELETE FROM thread WHERE number = (SELECT min(number) FROM thread)"
played orphans.db unordered --against glibc
# Threads that start after the main thread and their creators have ended are started by one that is left.
"$trace" run -s left.db -- ./left 2>notes || fail "run of left: status $?: $(cat notes)"
played left.db unordered --against glibc,hakmem

# An allocator that hands out a block for a realloc to 0 bytes: it is played, and nothing is left out.
LD_PRELOAD=$PWD/sleeps.so "$trace" run --allocator keep -s zero.db -- ./zero 2>notes || fail "run of zero: status $?: $(cat notes)"
played zero.db ordered --against glibc --touch first

# The allocators that are installed.
for pair in jemalloc:libjemalloc.so.2 tcmalloc:libtcmalloc_minimal.so.4 mimalloc:libmimalloc.so.; do
    [ -z "$(/sbin/ldconfig -p | grep -F "${pair#*:}")" ] || played handed.db unordered --against "${pair%%:*}" --touch first
done

# said STATUS WORDS OPTIONS...: replay ends with this status and says this.
said() {
    local due=$1 words=$2 status=0
    shift 2
    "$trace" replay "$@" >said 2>errors || status=$?
    [ "$status" -eq "$due" ] || complain "replay $*: status $status, due: $due"
    grep -qF -- "$words" errors || complain "replay $*: says $(cat errors); due: $words"
}
said 2 "--against jemaloc: glibc, jemalloc, tcmalloc, mimalloc, hakmem or a library's path was expected; did you mean 'jemalloc'?" -s shapes.db --against jemaloc
said 2 '--against ./none.so: No such file or directory' -s shapes.db --against ./none.so
said 2 "--speed slow: full or recorded was expected" -s shapes.db --speed slow
said 2 "--touch none: first, pages or all was expected" -s shapes.db --touch none
said 2 "replay --html '': the name of a file was expected" -s shapes.db --html ''
said 3 'replay: libm.so.6: malloc is that of libc.so.6' -s shapes.db --touch first --against "$(ldd /usr/bin/python3 | sed -n 's/.*=> \(.*libm\.so\.6\) .*/\1/p')"
printf 'r\nw\n' | "$trace" run --check light --guard sample:1 -s light.db -- "$BUILD/tests/light/faulty" >listed 2>notes # which leaves a store where there is a fault
said 3 'light.db was recorded in level light, which records watched blocks alone' -s light.db
"$trace" run --profile-only -s only.db -- ./shapes 2>notes || fail "run --profile-only: status $?: $(cat notes)"
said 3 'only the profile is kept' -s only.db

# One that hangs is ended and named; waited for at the end of this test.
printf '%s\n' 'void *__libc_malloc(unsigned long);' 'int pause(void);' \
    'void *malloc(unsigned long n) { if (n == 12345) for (;;) pause(); return __libc_malloc(n); }' | $c -shared -fPIC -o 'ha|ngs.so' -x c - || fail 'ha|ngs.so does not compile'
printf '%s\n' '#include <stdlib.h>' 'int main(void) { for (int i = 0; i < 1000; i++) free(malloc(100)); free(malloc(12345)); return 0; }' | $c -o asks -x c - &&
    "$trace" run -s asks.db -- ./asks 2>notes || fail "run of asks: status $?: $(cat notes)"
"$trace" replay -s asks.db --against './ha|ngs.so,glibc' >hung 2>hung_errors &
hanging=$!

# Threads of an allocator with a MiB of variables for each: they start. A bar in its name is one in a heading.
printf '%s\n' 'void *__libc_malloc(unsigned long);' 'static __thread char cache[1 << 20];' \
    'void *malloc(unsigned long n) { cache[n % sizeof cache]++; return __libc_malloc(n); }' | $c -shared -fPIC -o 'wi|de.so' -x c - || fail 'wi|de.so does not compile'
played handed.db unordered --against './wi|de.so'
"$trace" replay -s handed.db --against './wi|de.so,glibc' >said 2>errors || complain "wi|de.so: status $?: $(cat errors)"
grep -q '^ *after calls  *live  *wi.x7cde.so  *glibc$' said || complain "the heading of wi|de.so: $(cat said)"

# One that dies is named, and the answer is not called whole.
printf '#include <stdlib.h>\nvoid *malloc(size_t n) { (void)n; abort(); }\n' | $c -shared -fPIC -o dies.so -x c - || fail 'dies.so does not compile'
said 4 'replay: dies.so: the player was ended by signal 6 (Aborted)' -s shapes.db --touch first --against ./dies.so,glibc
grep -q '^glibc ' said || complain "beside dies.so glibc is not played: $(cat said)"
said 3 'replay: dies.so: the player was ended by signal 6 (Aborted)' -s shapes.db --touch first --against ./dies.so
# Nor when it dies after the last call: the destructor of its library aborts.
printf '#include <stdlib.h>\nvoid *__libc_malloc(size_t);\nvoid *malloc(size_t n) { return __libc_malloc(n); }\n%s\n' \
    'static __attribute__((destructor)) void end(void) { abort(); }' | $c -shared -fPIC -o ends.so -x c - || fail 'ends.so does not compile'
said 4 'replay: ends.so: the player was ended by signal 6 (Aborted)' -s shapes.db --touch first --against ./ends.so,glibc
! grep -q '^ends.so ' said || complain "the figures of ends.so are shown: $(cat said)"

# The player has the default action of SIGXFSZ, which replay ignores for its own files.
printf '%s\n' '#define _GNU_SOURCE' '#include <signal.h>' '#include <stdlib.h>' \
    'void *__libc_malloc(size_t);' 'void *malloc(size_t n) { struct sigaction a; sigaction(SIGXFSZ, 0, &a); if (a.sa_handler != SIG_DFL) abort(); return __libc_malloc(n); }' |
    $c -shared -fPIC -o looks.so -x c - || fail 'looks.so does not compile'
played shapes.db ordered --against ./looks.so --touch first

# One that is not there is named with what has it, and the others are played.
if [ -z "$(/sbin/ldconfig -p | grep libjemalloc.so.2)" ]; then
    said 0 'replay: jemalloc: it is not installed (Debian: libjemalloc2)' -s handed.db --against jemalloc,glibc
fi

# A capture that is cut short is played as far as it goes.
cp handed.db cut.db && sqlite3 cut.db "DELETE FROM chunk_data WHERE chunk = (SELECT max(id) FROM chunk); DELETE FROM chunk WHERE id = (SELECT max(id) FROM chunk)" &&
    "$trace" replay -s cut.db --against glibc >said 2>errors
status=$?
[ "$status" -eq 3 ] || complain "a capture without its last chunk: status $status: $(cat errors)"
for damage in 'UPDATE chunk_data SET data = substr(data, 1, 200)' 'UPDATE chunk_data SET data = zeroblob(5000)'; do
    cp handed.db broken.db && sqlite3 broken.db "$damage"
    "$trace" replay -s broken.db --against glibc >said 2>errors
    status=$?
    [ "$status" -eq 3 ] && [ -s errors ] || complain "$damage: status $status: $(cat errors)"
done

# A disk without room: said, and nothing is left there.
mkdir folder
(ulimit -f 64 && TMPDIR=$PWD/folder "$trace" replay -s handed.db --against glibc >said 2>errors)
status=$?
[ "$status" -eq 3 ] && grep -q "^hakmem-trace: replay: the play file in $PWD/folder: File too large after .*; set TMPDIR to a folder with more room$" errors ||
    complain "a full disk: status $status: $(cat errors)"
TMPDIR=$PWD/missing "$trace" replay -s handed.db --against glibc >said 2>errors
[ $? -eq 3 ] && grep -q "no file can be made in $PWD/missing: No such file or directory; set TMPDIR" errors || complain "a folder that is not there: $(cat errors)"

wait "$hanging"
status=$?
[ "$status" -eq 4 ] && grep -q '^hakmem-trace: replay: ha|ngs.so: it hangs: no call ended for 60 s, after [0-9,]* calls$' hung_errors && grep -q '^glibc ' hung ||
    complain "ha|ngs.so: status $status: $(cat hung_errors)"

# Ctrl-C ends the player, too.
cat >slow.c <<'C'
#include <stdlib.h>
#include <time.h>
int main(void) {
    for (int i = 0; i < 40; i++) {
        free(malloc(100));
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, 0);
    }
    return 0;
}
C
$c -o slow slow.c && "$trace" run -s slow.db -- ./slow || fail "slow: status $?"
set -m
TMPDIR=$PWD/folder "$trace" replay -s slow.db --speed recorded --against glibc,glibc,glibc,glibc >said 2>errors &
viewer=$!
until player=$(pgrep -P "$viewer" -x hakmem-player); do kill -0 "$viewer" 2>/dev/null || break; done
kill -INT "$viewer"
wait "$viewer"
status=$?
set +m
[ "$status" -eq 130 ] || complain "Ctrl-C: status $status: $(cat errors)"
! kill -0 "${player:-0}" 2>/dev/null || [ -z "$player" ] || complain 'Ctrl-C leaves the player'
[ -z "$(ls folder)" ] || complain "in the folder is $(ls folder)"
exit "$failed"
