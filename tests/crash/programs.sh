#!/usr/bin/env bash
# Programs with crash handlers of their own: what they say and do is as without hakmem, and where they die
# hakmem's report of the first fault comes behind theirs.
# shellcheck disable=SC2317
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"

# ---- node: V8 turns accesses beyond a WebAssembly memory into exceptions of JavaScript, by SIGSEGV -----
cat >wasm.js <<'E_WASM'
// (func (export "f") (param i32) (result i32) (i32.load (local.get 0))) over a memory of one page
const code = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 5, 3, 1, 0, 1,
  7, 5, 1, 1, 0x66, 0, 0, 10, 9, 1, 7, 0, 0x20, 0, 0x28, 2, 0, 0x0b]);
const read = new WebAssembly.Instance(new WebAssembly.Module(code)).exports.f;
let caught = 0, last = '';
for (let i = 0; i < 5000; i++)
  try { read(65533 + i); } catch (e) { caught++; last = e.message; }
console.log(caught, last, read(0));
console.log(JSON.stringify([1, 2, { a: 'b'.repeat(50) }]));
process.exit(7);
E_WASM
due=0 got=0
node wasm.js >due.out 2>due.err || due=$?
"$BUILD/hakmem-trace" run --check normal --store node.db -- node wasm.js >got.out 2>got.err || got=$?
grep -q '^5000 memory access out of bounds' due.out || complain "node catches no trap, even without hakmem: $(head -n 3 due.err)"
if [ "$due" -ne "$got" ] || ! cmp -s due.out got.out || ! cmp -s due.err got.err; then
    complain "node: status $got (due $due)"
    diff due.out got.out | head -n 5
    diff due.err got.err | head -n 20
fi

# ---- CPython's faulthandler: its traceback, then the signal again ---------------------------------------
due=0 got=0
/usr/bin/python3 -X faulthandler -c 'import ctypes; ctypes.string_at(8)' >due.out 2>due.err || due=$?
LD_PRELOAD=$BUILD/hakmem-debug.so HAKMEM_CHECK=trace HAKMEM_TRACE_FILE=python.db \
    /usr/bin/python3 -X faulthandler -c 'import ctypes; ctypes.string_at(8)' >got.out 2>got.err || got=$?
grep -q 'Fatal Python error: Segmentation fault' due.err || complain "faulthandler says nothing, even without hakmem"
[ "$due" -eq "$got" ] || complain "python: status $got; due: $due"
head -n "$(wc -l <due.err)" got.err | sed 's/0x[0-9a-f]*/0xN/g' >own.err
sed 's/0x[0-9a-f]*/0xN/g' due.err | cmp -s - own.err || complain "python: its own words differ: $(head -n 5 got.err)"
for line in '^hakmem: SIGSEGV in .+ at address 0x8: null pointer plus 8 bytes: the program crashed' '^  HANDLER .* handler ran; then the program died of SIGSEGV' \
    '^SUMMARY: hakmem: crash'; do
    grep -qE "$line" got.err || complain "python: this is not said: $line" "$(cat got.err)"
done
grep -m1 '#0' got.err | grep -qvE 'raise|pthread_kill' || complain "python: the report is of the handler: $(cat got.err)"

# ---- redis: a long report in its log, then the signal again ----------------------------------------------
ln -s /usr/bin/redis-check-rdb redis-server # one program under two names; the server's package would start it
allows_debug=(--enable-debug-command yes)
case $(./redis-server --version) in *' v='[1-6].*) allows_debug=() ;; esac # before redis 7 DEBUG is allowed, and no such word is known
start_redis() {
    local folder=$1
    shift
    mkdir -p "$folder"
    # Its report ends with a test of all memory, which overwrites what the kernel reads for rseq.
    (cd "$folder" && exec "$@" GLIBC_TUNABLES=glibc.pthread.rseq=0 ../redis-server --port 0 --unixsocket "$PWD/socket" --save '' "${allows_debug[@]}" \
        --logfile "$PWD/log") >"$folder/out" 2>"$folder/err" </dev/null &
    redis=$!
    answers() { [ "$(redis-cli -s "$folder/socket" ping 2>/dev/null)" = PONG ]; }
    until_true answers || exit 1
    redis-cli -s "$folder/socket" set key value >/dev/null
}
# Redis' main thread wakes ten times a second where it waits for commands. Where it was blocked for a second
# at a stretch, it is inside the command that sleeps, so that both ways have the same stack.
sleeps_in_command() {
    local before after
    before=$(grep -E '^(State|voluntary_ctxt_switches):' "/proc/$redis/task/$redis/status")
    sleep 1
    after=$(grep -E '^(State|voluntary_ctxt_switches):' "/proc/$redis/task/$redis/status")
    [[ $before = *'S (sleeping)'* && $before = "$after" ]]
}
# Before that it keeps all writable mappings of no file in arrays of 128, which open guarded blocks must not fill.
for way in debug kill; do
    for with in plain off sites:4 all; do
        folder=$way.$with
        case $with in
        plain) start_redis "$folder" env ;;
        *) start_redis "$folder" env LD_PRELOAD="$BUILD/hakmem-debug.so" HAKMEM_TRACE_FILE=store.db HAKMEM_GUARD=$with ;;
        esac
        case $way in
        debug) redis-cli -s "$folder/socket" debug segfault >/dev/null 2>&1 ;;
        kill)
            redis-cli -s "$folder/socket" debug sleep 1000 >/dev/null 2>&1 &
            until_true sleeps_in_command || exit 1
            kill -SEGV "$redis"
            ;;
        esac
        wait "$redis" 2>/dev/null
        echo $? >"$folder/status"
        # Section headings and lines of the stack, without addresses and numbers.
        grep -E '^------|STACK TRACE|crashed by signal|BUG REPORT|Accessing address|Killed by PID' "$folder/log" |
            sed -E 's/^[0-9]+:[A-Z] [^#]*# //; s/[0-9]+$/N/; s/PID: [0-9]+/PID: N/; s/0x[0-9a-fN]+/N/' >"$folder/headings"
        sed -n '/^Backtrace/,/^------/p' "$folder/log" | grep -c '\[0x' >"$folder/frames"
    done
    grep -q 'REDIS BUG REPORT START' $way.plain/headings || complain "redis ($way) wrote no report"
    for guard in off sites:4 all; do
        got=$way.$guard
        cmp -s $way.plain/status "$got/status" ||
            complain "redis ($got): status $(cat "$got/status"); due: $(cat $way.plain/status)"
        diff -u --label plain --label "$got" $way.plain/headings "$got/headings" || complain "redis ($got): its log differs"
        cmp -s $way.plain/frames "$got/frames" ||
            complain "redis ($got): $(cat "$got/frames") frames in its log; $(cat $way.plain/frames) without"
        [ "$(grep -c '^SUMMARY: hakmem: crash\|^  HANDLER ' "$got/err")" -eq 2 ] ||
            complain "redis ($got): no report on stderr: $(cat "$got/err")"
    done
done
