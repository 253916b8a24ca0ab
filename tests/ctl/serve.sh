#!/usr/bin/env bash
# `hakmem-trace ctl PID profile --serve`: what a client gets who asks for /debug/pprof/heap, by TCP and by a Unix socket; who gets nothing; and
# how serving ends. The program lays out a profile with known sums itself.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C TMPDIR=$PWD/temporary
mkdir "$TMPDIR"
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/profiled.sh"
client=$SOURCE/tests/ctl/serve.py

refused() {
    local text=$1 status
    shift
    timeout 300 "$trace" ctl "$@" >said 2>&1 </dev/null
    status=$?
    [ "$status" -eq 2 ] || complain "ctl $*: status $status: $(cat said)"
    grep -qF -- "$text" said || complain "ctl $*: it does not say '$text': $(cat said)"
}
# serve ADDRESS OPTION...: sets server and url.
serve() {
    rm -f served
    "$trace" ctl "$program" profile --serve "$@" >served 2>err </dev/null 8>&- 9<&- &
    server=$!
    until_true listens && [ -s served ] || fail "--serve $*: $(cat served err)"
    url=$(sed -n '1s/  heap profile of process .*//p' served)
    grep -q "  heap profile of process $program profiled; Ctrl-C ends it\$" served || complain "--serve $*: $(cat served)"
}
listens() { [ -s served ] || ! kill -0 "$server" 2>/dev/null; }
ends() {
    local status
    kill "-$1" $server
    wait $server
    status=$?
    [ "$status" -eq 0 ] && [ ! -s err ] || complain "ended by $1: status $status: $(cat err)"
}
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null; }
server=

# ---- the command line ----------------------------------------------------------------------------
for address in 6060 :6060 127.0.0.1 127.0.0.1: 127.0.0.1:65536 127.0.0.1:6o6o example.org:6060 '[::1' unix: "unix:$(printf '%0120d' 0)"; do
    refused "ctl: --serve $address: 127.0.0.1:PORT, [::1]:PORT or unix:PATH was expected" $$ profile --serve "$address"
done
for address in 0.0.0.0:6060 '[::]:6060' 192.0.2.1:6060 '[::ffff:127.0.0.1]:6060'; do
    refused "ctl: --serve $address: other machines may reach this address; that needs --anywhere and --token FILE" $$ profile --serve "$address"
    refused "that needs --anywhere and --token FILE" $$ profile --serve "$address" --anywhere
done
echo 0123456789abcdef >token && chmod 644 token
refused "that needs --anywhere and --token FILE" $$ profile --serve 0.0.0.0:6060 --token token
refused "ctl: --token token: a file that only its owner may read was expected (chmod 600)" $$ profile --serve 127.0.0.1:0 --token token
chmod 600 token
refused "ctl: --token none: No such file or directory" $$ profile --serve 127.0.0.1:0 --token none
for words in short 'two words of a token' "$(printf '%0257d' 0)"; do
    (umask 077 && echo "$words" >bad)
    refused "ctl: --token bad: one line of 16 to 256 visible ASCII characters was expected" $$ profile --serve 127.0.0.1:0 --token bad
done
for option in "-o x.db" "--format pprof" "--for 1s" "--json"; do
    # shellcheck disable=SC2086 # words
    refused "ctl: --serve takes no --" $$ profile --serve 127.0.0.1:0 $option
done
refused "ctl: --anywhere is of --serve ADDRESS" $$ profile --anywhere
refused "ctl: --token is of --serve ADDRESS" $$ profile --token token
refused "ctl: status takes no --serve; that is of profile" $$ status --serve 127.0.0.1:0

# ---- what it answers -----------------------------------------------------------------------------
begin
say "set level 3" "set table 0"
refused "keeps no heap profile: HAKMEM_HEAP_PROFILE=0 switched it off" "$program" profile --serve 127.0.0.1:0
say "set table 1"
serve 127.0.0.1:0
case $url in http://127.0.0.1:[1-9]*/debug/pprof/heap) ;; *) complain "the address: $url" ;; esac
python3 "$client" "$url" no_sample || complain "no sample: above"
say "came parse_row 100 1048576" "came cache_put 7 70000" "went cache_put 2 20000" "came none 1 524288"
python3 "$client" "$url" answers || complain "answers: above"
python3 "$client" "$url" refusals || complain "refusals: above"

# ---- no descriptor for a client: it waits, and the server does not turn in circles ------------------
limited() { [ "$(grep -c EMFILE polls)" -ge 3 ]; }
if strace -qq -o none true 2>/dev/null; then
    limits=$(prlimit --pid $server --nofile --noheadings --output SOFT,HARD | tr -s ' ' :)
    strace -qq -p $server -e trace=ppoll,accept4 -o polls &
    tracer=$!
    until_true test -s polls || complain "strace sees nothing"
    free=0
    while [ -e /proc/$server/fd/$free ]; do free=$((free + 1)); done
    prlimit --pid $server --nofile=$free:
    python3 "$client" "$url" answers &
    asker=$!
    until_true limited || complain "accept has descriptors: $(tail -3 polls)"
    kill $tracer
    wait $tracer
    [ "$(sed '1,/EMFILE/d' polls | grep -B1 EMFILE | grep ppoll | grep -vc Timeout)" = 0 ] || complain "it turns in circles: $(tail -5 polls)"
    prlimit --pid $server --nofile="${limits#:}"
    wait $asker || complain "the client that waited: above"
fi
if type curl >/dev/null 2>&1; then
    curl -sS -o got.pb.gz "$url" || complain "curl"
    gzip -t got.pb.gz || complain "curl got something else"
fi
if type go >/dev/null 2>&1; then
    # Its own name of what it asked stands in PPROF_TMPDIR.
    PPROF_TMPDIR=$PWD go tool pprof -raw "$url" >raw 2>go.err || complain "go tool pprof: $(cat go.err)"
    grep -q '^alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes\[dflt\]$' raw || complain "go tool pprof: $(cat raw)"
    grep -qE 'M=1 parse_row /srv/app/parse.c:21' raw || complain "go tool pprof: $(cat raw)"
fi

# ---- ?seconds=: what changes meanwhile -----------------------------------------------------------
child_waits() { child=$(pgrep -P $server -x hakmem-trace) && [ "$(cut -d' ' -f1 "/proc/$child/syscall" 2>/dev/null)" = 230 ]; }
no_child() { ! pgrep -P $server >/dev/null; }
python3 "$client" "$url" difference &
asker=$!
until_true child_waits || complain "seconds= does not wait"
say "came parse_row 10 100000" "came cache_put 1 70000" "went cache_put 3 20000"
kill -INT "$child"
wait $asker || complain "seconds=: above"
python3 "$client" "$url" half_closed || complain "half closed: above"
python3 "$client" "$url" hangs_up &
asker=$!
until_true child_waits || complain "seconds= does not wait"
kill $asker
until_true no_child || complain "the answer is waited for although nobody asks any more"

# ---- eight at a time -----------------------------------------------------------------------------
python3 "$client" "$url" crowd $server || complain "a crowd: above"
ends TERM
no_file() { [ -z "$(ls -A "$TMPDIR")" ] || complain "left behind: $(ls -A "$TMPDIR")"; }
no_file

# ---- a token, and other addresses ----------------------------------------------------------------
serve 0.0.0.0:0 --anywhere --token token
python3 "$client" "${url/0.0.0.0/127.0.0.1}" token || complain "a token: above"
if type go >/dev/null 2>&1; then
    address=${url#http://0.0.0.0}
    PPROF_TMPDIR=$PWD go tool pprof -raw "http://me:0123456789abcdef@127.0.0.1$address" >raw 2>go.err || complain "go tool pprof with the token: $(cat go.err)"
    PPROF_TMPDIR=$PWD go tool pprof -raw "http://127.0.0.1$address" >raw 2>go.err && complain "go tool pprof without the token is answered"
    grep -q '401 Unauthorized - hakmem-trace: the token is missing or another one' go.err || complain "go tool pprof without the token: $(cat go.err)"
fi
ends TERM

# ---- a Unix socket -------------------------------------------------------------------------------
serve unix:heap.sock
[ "$url" = unix:heap.sock ] && [ "$(stat -c %a heap.sock)" = 600 ] || complain "the socket: $url, $(stat -c %a heap.sock)"
python3 "$client" unix:heap.sock unix || complain "a Unix socket: above"
refused "ctl: --serve unix:heap.sock: Address already in use" "$program" profile --serve unix:heap.sock
python3 "$client" unix:full.sock full "$trace" "$program" || complain "a socket with many clients: above"
kill -KILL $server
wait $server 2>/dev/null
[ -S heap.sock ] || complain "no socket is left by a server that was killed"
serve unix:heap.sock
ends TERM
[ ! -e heap.sock ] || complain "the socket stays"
serve unix:heap.sock
mv heap.sock moved.sock && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("heap.sock")'
ends TERM
[ -S heap.sock ] || complain "another one's socket is gone"
rm heap.sock moved.sock
echo text >heap.sock
refused "ctl: --serve unix:heap.sock: Address already in use" "$program" profile --serve unix:heap.sock
[ "$(cat heap.sock)" = text ] || complain "a file was replaced by the socket"

# ---- the program's end ---------------------------------------------------------------------------
serve '[::1]:0' 2>/dev/null
python3 "$client" "$url" ended &
asker=$!
until_true child_waits || complain "seconds= does not wait"
echo end >&8
wait "$program"
wait $asker || complain "the program's end: above"
wait $server
[ $? -eq 0 ] || complain "the program's end: $(cat err)"
grep -q "^hakmem-trace: ctl: process $program (profiled) has ended, or is another program now\$" err || complain "the program's end: $(cat err)"
server=
no_file
