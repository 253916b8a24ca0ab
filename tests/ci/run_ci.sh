#!/usr/bin/env bash
# run --ci: its files, its exit status, what it says; baselines, suppressions, annotations; and the same files
# from a finished store.
. "${SOURCE:?}/tests/tools/test.sh"
here=$SOURCE/tests/ci
unset GITHUB_ACTIONS GITLAB_CI TF_BUILD TEAMCITY_VERSION

# A repository of its own, so that paths are told from its top.
mkdir -p work/.git work/src work/run && cp "$here/two_faults.c" work/src/app.c || exit 2
(cd work && ${CC:-cc} -g -O0 -w -o app src/app.c) || fail "app.c does not compile"
cd work/run || exit 2

# run STATUS ARGUMENTS...: as it is called; out and err hold what was said.
run() {
    local due=$1 got
    shift
    "$trace" run "$@" >out 2>err
    got=$?
    [ "$got" -eq "$due" ] || { cat out err; fail "run $*: status $got, and $due was due"; }
}
said() { grep -qF -- "$1" "$2" || { cat "$2"; fail "$2 does not say: $1"; }; }
valid() {
    xmllint --noout --schema "$here/junit.xsd" "$1.junit.xml" 2>lint || { cat lint; fail "$1.junit.xml is not valid"; }
    python3 "$here/validate.py" "$here/sarif.schema.json" "$1.sarif" || fail "$1.sarif is not valid"
}

# sums TESTS FAILURES ERRORS KNOWN STORE: what JUnit says in all.
sums() {
    local got
    got=$(xmllint --xpath 'concat(/*/@*[2], " ", /*/@*[3], " ", /*/@*[4], " ", /*/@*[5])' "$5.junit.xml")
    [ "$got" = "$1 $2 $3 $4" ] || fail "$5.junit.xml: $got, and $1 $2 $3 $4 were due (tests, failures, errors, known)"
}

# A healthy program: silent, its own status, files that say so.
run 0 --ci -s healthy.db -- true
[ ! -s out ] && [ ! -s err ] || { cat out err; fail "a healthy run says something"; }
[ ! -e healthy.log ] || fail "a healthy run writes a log"
valid healthy
sums 1 0 0 0 healthy
run 3 --ci -s status.db -- sh -c 'exit 3'

# A fault: 1 (or another number), and stop is the default.
run 1 --ci -s faulty.db -- ../app
[ ! -s out ] || fail "the program went on after a fault"
said 'hakmem: 1 finding:' err
said 'double-free in close_again app.c:' err
said 'hakmem: faulty.log, faulty.junit.xml, faulty.sarif, faulty.db' err
said 'SUMMARY: hakmem: double-free' faulty.log
valid faulty
sums 1 1 0 0 faulty
said 'file="src/app.c"' faulty.junit.xml
said '"uri": "src/app.c"' faulty.sarif
python3 - <<'EOF' || fail "faulty.sarif does not name the fault's other stacks"
import json, sys

def line_of(location):
    return location["physicalLocation"]["region"]["startLine"]

lines = open("../src/app.c", encoding="utf-8").read().split("\n")
[result] = json.load(open("faulty.sarif", encoding="utf-8"))["runs"][0]["results"]
found = {location["message"]["text"]: (location["logicalLocations"][0]["fullyQualifiedName"], lines[line_of(location) - 1].strip())
         for location in result["relatedLocations"]}
print(line_of(result["locations"][0]), found)
sys.exit(found != {"allocated": ("main", "kept = malloc(40);"), "freed": ("close_session", "free(kept);")}
         or line_of(result["locations"][0]) in map(line_of, result["relatedLocations"]))
EOF
run 42 --ci --exitcode 42 -s faulty.db -f -- ../app
run 1 --ci --on-fault continue -s both.db -- ../app
said 'went on' out
said 'hakmem: 2 findings:' err
valid both

# A tree of processes: the same fault twice is one case of its program, and fails whoever caught the signal.
run 1 --ci -s tree.db -- sh -c '../app one; ../app one; exit 0'
valid tree
sums 2 1 0 0 tree
said 'Found in 2 processes.' tree.junit.xml
said 'name="hakmem.dash"' tree.junit.xml
said 'hakmem: 1 finding:' err
[ "$(grep -c 'double-free in close_again' err)" -eq 1 ] || { cat err; fail "the same finding is told twice"; }
# A file that could not be written is not named among the files.
run 1 --ci --junit /proc/no.xml -s proc.db -- ../app one
said '/proc/no.xml cannot be written' err
said 'hakmem: proc.log, proc.sarif, proc.db' err

# Damage that is found at exit belongs to where its block was allocated; known damage hides no other.
cat >exit.c <<'END'
#include <stdlib.h>
static char *first(void) { char *p = malloc(24); p[24] = 1; return p; }
static char *second(void) { char *p = malloc(24); p[24] = 1; return p; }
char *x, *y;
int main(int count, char **arguments) { x = first(); if (count > 1) y = second(); (void)arguments; return 0; }
END
${CC:-cc} -g -O0 -w -o exit exit.c || exit 2
run 1 --ci -s exit.db -- ./exit
said 'heap-buffer-overflow of a block from first exit.c:2 (exit)' err
"$trace" faults -s exit.db --write-baseline exit.json >out || fail "no baseline: $(cat out)"
run 0 --ci --baseline exit.json -s exit.db -f -- ./exit
run 1 --ci --baseline exit.json -s exit.db -f -- ./exit both
said 'heap-buffer-overflow of a block from second exit.c:3 (exit)' err
# A read after free that the processor stops goes on, too, where it is known.
cat >read.c <<'END'
#include <stdlib.h>
#include <unistd.h>
static int use(volatile char *p) { return p[3]; }
int main(void) { char *p = malloc(100); free(p); return use(p) & (write(1, "went on", 7) & 0); }
END
${CC:-cc} -g -O0 -w -o read read.c || exit 2
run 1 --ci -s read.db -- ./read
said 'use-after-free in use read.c:3' err
"$trace" why @fault -s read.db >out
said 'HKM-304 use-after-free' out
! grep -q 'writer unknown' out || { cat out; fail "why knows of no writer where the access itself was caught"; }
"$trace" faults -s read.db --write-baseline read.json >out || fail "no baseline: $(cat out)"
run 0 --ci --baseline read.json -s read.db -f -- ./read
said 'went on' out
# A fault that follows from a known one of the same block belongs to it; a fault of another block is new.
cat >after.c <<'END'
#include <stdlib.h>
static int use(volatile char *p) { return p[3]; }
static void drop(void *p) { free(p); }
int main(int count, char **arguments) {
    char *p = malloc(100), *q = malloc(100);
    free(p);
    drop(q);
    int sum = count > 1 ? 0 : use(p);
    drop(count > 2 ? q : p);
    return sum & (arguments == 0);
}
END
${CC:-cc} -g -O0 -w -o after after.c || exit 2
run 1 --ci -s after.db -- ./after
"$trace" faults -s after.db --write-baseline after.json >out || fail "no baseline: $(cat out)"
run 0 --ci --baseline after.json -s after.db -f -- ./after
[ ! -s err ] || { cat err; fail "the second free of a block with a known fault is told"; }
[ "$("$trace" sql -s after.db "select group_concat(code, ' ') from fault" | tail -n 1)" = '304 202' ] || fail "after.db has $("$trace" faults -s after.db)"
run 1 --ci --baseline after.json -s after.db -f -- ./after none
run 1 --ci --baseline after.json -s after.db -f -- ./after none of them

# Leaks count, unless somebody says otherwise.
cat >leak.c <<'END'
#include <stdlib.h>
#include <string.h>
static void lose(size_t bytes) { memset(malloc(bytes), 1, bytes); }
static void parse(void) { for (int i = 0; i < 3; i++) lose(40 + i); }
int main(void) { parse(); return 0; }
END
${CC:-cc} -g -O0 -w -o leak leak.c || exit 2
cat >stacks.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void lose(int n) { memset(malloc(n), 1, n); }
static void inner(int n) { lose(n); }
static void outer(int n) { inner(n); }
static void one(void) { outer(40); }
static void two(void) { outer(50); }
int main(void) { pid_t child = fork(); one(); two(); if (child) wait(NULL); return 0; }
END
${CC:-cc} -g -O0 -w -o stacks stacks.c || exit 2
run 1 --ci -s stacks.db -- ./stacks
said 'hakmem: 1 finding:' err
said 'Found in 2 processes.' stacks.junit.xml
valid stacks
for record in on off; do
    run 1 --ci --trace $record -s leak.db -f -- ./leak
    said 'memory-leak in lose leak.c:3 (leak)' err
    said '123 bytes in 3 blocks' leak.log
    said "hakmem-trace leaks -s $PWD/leak.db     hakmem-trace explain HKM-401" leak.log
    valid leak
    sums 1 1 0 0 leak
    said '"HKM-401"' leak.sarif
    "$trace" faults -s leak.db --write-baseline leaks.$record.json >out || fail "no baseline of leaks: $(cat out)"
    run 0 --ci --trace $record --baseline leaks.$record.json -s leak.db -f -- ./leak
    [ ! -s err ] && [ ! -s leak.log ] || { cat err leak.log; fail "a known leak is told"; }
    sums 1 0 0 1 leak
done
cmp leaks.on.json leaks.off.json || fail "a leak has another fingerprint where nothing is recorded"
run 0 --ci --leaks=0 -s leak.db -f -- ./leak
run 0 --ci --leaks=1 -s leak.db -f -- ./leak
HAKMEM_LEAKS=0 run 0 --ci -s leak.db -f -- ./leak
echo leak:parse >leak.supp
run 0 --ci --suppressions leak.supp -s leak.db -f -- ./leak
[ ! -s err ] && [ ! -s leak.log ] || { cat err leak.log; fail "a suppressed leak is told"; }
"$trace" info -s leak.db >out
said 'suppressed    1 finding, by leak.supp' out

# A baseline that does not exist is made by the first run, which still fails; the second passes. A folder that does not exist is refused.
run 1 --ci --baseline first.json -s first.db -- ../app one
said 'hakmem: first.json did not exist; it was made with 1 finding: the next run knows it' err
said 'double-free in close_again app.c:' err
sums 1 1 0 0 first
"$trace" faults -s first.db --write-baseline second.json >out && cmp first.json second.json || fail "run makes another baseline than faults"
run 7 --ci --baseline first.json -s first.db -f -- ../app one
! grep -q 'did not exist' err || { cat err; fail "a baseline that exists is made again"; }
HAKMEM_BASELINE=$PWD/third.json run 1 --trace off --ci -s first.db -f -- ../app one
said 'hakmem: third.json did not exist; it was made with 1 finding' err
cmp first.json third.json || fail "without a record another baseline is made"
run 0 --baseline empty.json -s empty.db -- true
said 'hakmem: empty.json did not exist; it was made with 0 findings' err
run 0 --trace off --baseline off.json -s empty.db -f -- true
cmp empty.json off.json || fail "no baseline is made where no store is"
run 2 --ci --baseline none/first.json -s first.db -f -- ../app one
said "nothing can be written to $PWD/none/first.json: its directory does not exist" err
for command in 'faults -s first.db' 'leaks -s first.db' 'export sarif -s first.db' 'hunt -f -o hunt.db -- ../app one'; do
    # shellcheck disable=SC2086 # options
    "$trace" ${command%% *} --baseline none.json ${command#* } >out 2>err
    [ $? -eq 2 ] || { cat out err; fail "$command makes do with a baseline that does not exist"; }
    said 'none.json: the baseline cannot be read: No such file or directory; `hakmem-trace faults --write-baseline FILE` writes one' err
    [ ! -e none.json ] || fail "$command makes a baseline"
done

# The same from the store.
"$trace" export junit -s both.db | cmp - both.junit.xml || fail "export junit gives something else than run"
"$trace" export sarif -s both.db -o again.sarif && cmp again.sarif both.sarif ||
    fail "export sarif gives something else than run"

# Where files go.
run 1 --junit 'j.%e.xml' --sarif 's.%e.%p.json' --log 'l.%e.%p.log' -s named.db -- ../app one
for name in j.app.xml s.app.[0-9]*.json l.app.[0-9]*.log; do
    [ -s "$name" ] || fail "%e and %p: there is no $name: $(ls)"
done
[ ! -s err ] || { cat err; fail "a report to a log goes to stderr, too"; }
# Without a record, too: a store is made for the fault, and none where there is none.
run 1 --ci --trace off -s off.db -- ../app one
said 'double-free in close_again app.c:' err
said 'SUMMARY: hakmem: double-free' off.log
valid off
# Also of a child that gave its privileges up before it went wrong (where this test has any).
cat >given.c <<'END'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void twice(void) { char *p = malloc(33); free(p); free(p); }
int main(void) {
    if (fork() == 0 && (setgid(65534) | setuid(65534) | 1)) twice();
    wait(NULL);
    return 0;
}
END
${CC:-cc} -g -O0 -w -o given given.c || exit 2
for record in on off; do
    run 1 --ci --trace $record -s given.db -f -- ./given
    said 'double-free in twice given.c:4' err
    rm -f given.db given.log
done
run 0 --ci --trace off -s none.db -- true
[ ! -s err ] && [ ! -e none.db ] || { cat err; fail "a healthy run without a record"; }
valid none
sums 1 0 0 0 none
run 2 --junit no/such/j.xml -s x.db -- ../app
said 'its directory does not exist' err

# Baselines: known findings let the program go on; new ones stop it.
"$trace" faults -s faulty.db --write-baseline known.json >out || fail "no baseline: $(cat out)"
said 'known.json: 1 finding, 1 new' out
run 7 --ci --baseline known.json -s known.db -- ../app one
[ ! -s err ] && [ ! -e known.log ] || { cat err; fail "a known fault is told"; }
said 'went on' out
valid known
sums 1 0 0 1 known
said '"baselineState": "unchanged"' known.sarif
run 1 --ci --baseline known.json -s new.db -- ../app
said 'hakmem: 1 finding that the baseline does not know:' err
said 'heap-buffer-overflow in overrun app.c' err
! grep -q 'went on' out || fail "the program went on after a new fault"
valid new
sums 2 1 0 1 new
said '"baselineState": "new"' new.sarif
"$trace" faults --baseline known.json -s new.db >out
[ $? -eq 1 ] && ! grep -q double-free out || fail "faults --baseline lists what is known"
said '1 finding is known.' out
# Entries stay with their notes; new ones come; those that are gone are told, and taken out on request.
sed -i 's/"note": ""/"note": "ticket 17"/' known.json
"$trace" faults -s both.db --write-baseline known.json >out || fail "no baseline: $(cat out)"
said 'known.json: 2 findings, 1 new' out
said 'ticket 17' known.json
run 7 --ci --baseline known.json -s known2.db -- ../app two
"$trace" faults --baseline known.json -s known2.db >out || fail "known findings are new: $(cat out)"
said 'In the baseline, but not found any more' out
said 'double-free close_again app.c' out
"$trace" faults --write-baseline known.json --prune -s known2.db >out
said 'known.json: 1 finding, 0 new, 1 removed' out
echo '{"hakmem_baseline": 1,' >broken.json
run 2 --ci --baseline broken.json -- ../app
said 'broken.json:2: the baseline is not JSON' err
# A test under another program's baseline says nothing of that one's entries.
run 0 --ci --baseline known.json -s other.db -- true
"$trace" faults --baseline known.json -s other.db >out && ! grep -q 'any more' out || fail "$(cat out)"

# Without a record the fingerprint is the same, and the program goes on as well.
run 7 --ci --trace off --baseline known.json -s off2.db -- ../app two
[ ! -s err ] || { cat err; fail "a known fault is told where nothing is recorded"; }

# The variable does the same with LD_PRELOAD alone.
HAKMEM_BASELINE=known.json HAKMEM_TRACE_FILE=alone.db LD_PRELOAD=$BUILD/hakmem-debug.so ../app two >out 2>err
[ $? -eq 7 ] && [ ! -s err ] || { cat err; fail "HAKMEM_BASELINE with LD_PRELOAD alone"; }

# Suppressions: nothing is reported, nothing counts, the uses are kept.
printf '# known\nfault:double-free:close_a*\nleak:nothing\nfault:*:no_such_function\n' >known.supp
run 1 --ci --suppressions known.supp -s supp.db -- ../app
said 'hakmem: 1 finding:' err
said 'heap-buffer-overflow' err
! grep -q 'went on' out || fail "the program went on after a new fault"
run 7 --ci --suppressions known.supp -s supp1.db -- ../app one
[ ! -s err ] || { cat err; fail "a suppressed fault is told"; }
sums 1 0 0 0 supp1
"$trace" info -s supp1.db >out
said 'suppressed    1 finding, by known.supp; 2 of 3 lines not used: leak:nothing, fault:*:no_such_function' out
"$trace" faults --suppressions known.supp -s faulty.db >out || fail "faults --suppressions: $(cat out)"
printf 'leak:a\nrace:b\n' >broken.supp
run 2 --suppressions broken.supp -- ../app
said 'broken.supp:2: `race:b` is not a suppression' err
HAKMEM_SUPPRESSIONS=broken.supp HAKMEM_TRACE_FILE=broken.db LD_PRELOAD=$BUILD/hakmem-debug.so /bin/true 2>err
for _ in {1..100}; do grep -q race: err && break; sleep 0.1; done # its collector ends after it
said 'broken.supp:2: `race:b` is not a suppression; expected leak:PATTERN or fault:CODE-OR-NAME:PATTERN; nothing is suppressed' err

# Annotations, on request only.
said_line() { [ "$(tail -n 1 out)" = "$1" ] || { cat out; fail "the annotation is not: $1"; }; }
run 1 --annotations github -s a.db -- ../app one
said_line '::error file=src/app.c,line=13,title=hakmem double-free::HKM-202 double-free: close_again() app.c:13 calls free on a 40-byte block already freed by close_session() app.c:9'
run 1 --annotations azure -s a.db -f -- ../app one
said_line '##vso[task.logissue type=error;sourcepath=src/app.c;linenumber=13;code=HKM-202;]HKM-202 double-free: close_again() app.c:13 calls free on a 40-byte block already freed by close_session() app.c:9'
run 1 --annotations teamcity -s a.db -f -- ../app one
said "##teamcity[buildProblem description='HKM-202 double-free: close_again() app.c:13 calls free on a 40-byte block already freed by close_session() app.c:9 (src/app.c:13)' identity='HKM-202:" out
run 1 --annotations gitlab -s a.db -f -- ../app one
[ ! -s out ] && python3 -c 'import json; (f,) = json.load(open("a.codequality.json")); assert f["location"] == {"path": "src/app.c", "lines": {"begin": 13}}, f' ||
    fail "a.codequality.json"
for service in GITHUB_ACTIONS=true:::error GITLAB_CI=true: TF_BUILD=True:'##vso' TEAMCITY_VERSION=9:'##teamcity'; do
    env "${service%%:*}" "$trace" run --annotations auto -s a.db -f -- ../app one >out 2>err
    start=${service#*:}
    [ "$(head -c ${#start} out)" = "$start" ] || fail "auto with $service: $(cat out)"
done
GITHUB_ACTIONS=true "$trace" run -s a.db -f -- ../app one >out 2>err
[ ! -s out ] || fail "annotations without being asked"
run 2 --annotations travis -- ../app
said 'auto, github, gitlab, azure, teamcity or none was expected' err

# Names that play with readers, and stores of every kind.
"$BUILD/tests/cli/make_store" . || fail "make_store"
for store in hostile stale offset overflow lost empty tree; do
    "$trace" export junit -s $store.db -o $store.junit.xml && "$trace" export sarif -s $store.db -o $store.sarif &&
        "$trace" export codequality -s $store.db -o $store.cq || fail "export of $store.db"
    valid $store
done
# Rows that no hakmem wrote: answers keep to their schema, and nothing falls over.
cp stacks.db damaged.db && sqlite3 damaged.db "UPDATE process SET id = -id WHERE id = 1;
    UPDATE leak SET fingerprint = 'x', count = -1, bytes = -5, ns = -1; UPDATE leak_scan SET ns = -1, live_bytes = -7" || exit 2
for command in faults leaks; do
    "$trace" $command --json -s damaged.db >damaged.json
    [ $? -eq 1 ] && python3 "$here/validate.py" "$SOURCE/docs/specs/output.schema.json" damaged.json || fail "$command of a damaged store"
done
"$trace" info -s damaged.db >out 2>err
[ $? -eq 3 ] || fail "info of a damaged store: $(cat err)"
said 'no store that hakmem wrote has that number' err
"$trace" export junit -s damaged.db -o damaged.junit.xml && "$trace" export sarif -s damaged.db -o damaged.sarif || fail "export of damaged.db"
valid damaged
# A fingerprint that is damaged in the store is made anew.
sqlite3 stale.db 'SELECT fingerprint FROM fault' >with && cp stale.db unmarked.db &&
    sqlite3 unmarked.db "UPDATE fault SET fingerprint = 'HKM-1:x'" &&
    "$trace" faults --json -s unmarked.db | sed -n 's/.*"fingerprint": "\(.*\)".*/\1/p' | cmp - with || fail "a damaged fingerprint"
"$trace" export tea -s stale.db 2>err
[ $? -eq 2 ] || fail "export tea"
said 'export tea: junit, sarif, codequality, collapsed, collapsed-diff, speedscope, pprof, pprof-text, perfetto, heaptrack, sqlite, csv or jsonl was expected' err
# A crash is no finding: its status is its own, and the case an error.
printf 'int main(void) { return *(volatile int *)8; }\n' >crash.c && ${CC:-cc} -g -w -o crash crash.c
run 139 --ci -s crash.db -- ./crash
sums 1 0 1 0 crash
valid crash
exit 0
