#!/usr/bin/env bash
# The EXAMPLES of every man page, typed as they stand: no one is wrong (status 2, 3 or a shell's own), in a folder that
# has what they name. Only process ids, addresses, long times and numbers of runs are others.
# timeout: 900
. "${SOURCE:?}/tests/tools/test.sh"
export PAGER=cat HOME=$PWD/home SHELL=/bin/bash TERM=xterm
mkdir -p bin home/.config/fish/completions made
ln -s "$trace" bin/hakmem-trace
printf '#!/bin/sh\ncat >/dev/null\necho "<svg/>"\n' >bin/flamegraph.pl
chmod +x bin/flamegraph.pl
PATH=$PWD/bin:$PATH

(cd made && "$SOURCE/tests/docs/setup") || exit 1
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/findings.sh"
start_postgres # what postgresql://db.example.org/heap is
lay_out_findings
psql -qX hakmem -v ON_ERROR_STOP=1 -f "$SOURCE/tests/remote/fleet_rows.sql" || exit 1
for release in 1.1 1.2; do # heap.db, and the heap profiles of two versions
    rm -f made/heap.db made/never && mkfifo made/never
    (cd made && HAKMEM_CHECK=light HAKMEM_HEAP_PROFILE=1K HAKMEM_TRACE=off LD_PRELOAD=$BUILD/hakmem-debug.so exec ./server wait <>never >ready) &
    for _ in $(seq 600); do grep -qs ready made/ready && break || sleep 0.1; done
    hakmem-trace ctl $! profile -o made/heap.db >out && hakmem-trace push --profile -s made/heap.db --to "$URL" --label version=$release >out || fail "a heap profile: $(cat out)"
    kill $! && wait $! 2>/dev/null
    rm -f made/never made/ready
done
capture=$(hakmem-trace push --whole -s made/app.db --to "$URL" | sed -n 's/^capture \([0-9]*\):.*/\1/p')
address=$(hakmem-trace sql -s made/hakmem.app.4711.db "select base from event where kind = 'MALLOC' limit 1" | tail -n 1)
superslab=$(hakmem-trace sql -s made/hakmem.app.4711.db "select base & ~2097151 from event where kind = 'MALLOC' limit 1 offset 2000" | tail -n 1)
recorded=$(hakmem-trace sql -s made/hakmem.app.4711.db 'select pid from process' | tail -n 1)

# The lines of a page's EXAMPLES, as a reader sees them.
lines() { mandoc -T ascii -O width=200 "$1" | col -bx | awk '/^[A-Z]/ { is_there = $0 == "EXAMPLES"; next } is_there && /^           ? ?[^ ]/ { sub(/^ */, ""); print }'; }

count=0
# try PAGE PID LINE
try() {
    local line=$3 status
    line=${line//4711.rings/@rings@}
    line=${line//p:4711/p:@allocation@}
    line=${line//4711/$2}
    line=${line//@rings@/4711.rings}
    line=${line//@allocation@/4711}
    line=${line//\$(pidof redis-server)/$2}
    line=${line//0x5581a8c00000/$(printf 0x%x "$superslab")}
    line=${line//0x5581a8c31054/$(printf 0x%x "$address")}
    line=${line//0x5581a8c31040/$(printf 0x%x "$address")}
    line=${line//postgresql:\/\/db.example.org\/heap/$URL}
    line=${line//capture=7/capture=$capture}
    line=${line//--for 30s/--for 300ms}
    line=${line//--runs 50/--runs 2}
    count=$((count + 1))
    case $line in
    'hakmem-trace record'*' -s redis.db') # which ends with the program
        (for _ in $(seq 600); do hakmem-trace sql -s redis.db 'select 1 from event limit 1' | grep -q 1 && break || sleep 0.1; done
        kill "$2") >recorded 2>&1 &
        timeout 300 bash -c "$line" >out 2>err </dev/null
        ;;
    *' --serve '*) # which ends when it is told to
        line=${line/:6060/:0} && rm -f out
        timeout 300 bash -c "$line" >out 2>err </dev/null &
        until [ -s out ] || ! kill -0 $! 2>/dev/null; do sleep 0.1; done
        kill $! && wait $!
        ;;
    'hakmem-trace view'*) printf q | timeout 300 script -qec "stty cols 100 rows 30; $line" /dev/null >out 2>err ;;
    *) timeout 300 bash -c "$line" >out 2>err </dev/null ;;
    esac
    status=$?
    [ "$1" != hakmem.7 ] || [ "$status" -ne 134 ] || status=1 # without the command the program itself ends at the fault
    [ "${line%% *}" != sqlite3 ] || [ "$status" -ne 1 ] || status='1, which sqlite3 gives for SQL that is wrong'
    case "$status" in
    0 | 1 | 4) ;;
    *)
        echo "$1: $line: status $status"
        head -n 5 out err
        failed=1
        ;;
    esac
}

for page in "$BUILD"/man/*; do
    name=${page##*/} process=$recorded target='' light=''
    lines "$page" >examples
    [ -s examples ] || fail "$name has no examples"
    rm -rf here && cp -r made here && cd here || exit 1
    case $name in
    hakmem-trace-run.1 | hakmem-trace-import.1 | hakmem.7) rm -f ./*.db ;;
    hakmem-trace-record.1 | hakmem-trace-ctl.1)
        mkfifo never
        if [ "$name" = hakmem-trace-ctl.1 ]; then
            HAKMEM_CHECK=light LD_PRELOAD=$BUILD/hakmem-debug.so ./server wait <>never >ready &
            light=$!
            for _ in $(seq 600); do grep -q ready ready && break || sleep 0.1; done
            HAKMEM_TRACE_FILE=hakmem.live.%p.db LD_PRELOAD=$BUILD/hakmem-debug.so ./server wait <>never >ready &
        else
            ./server wait <>never >ready &
        fi
        target=$! process=$!
        for _ in $(seq 600); do grep -q ready ready && break || sleep 0.1; done
        ;;
    esac
    while IFS= read -r line <&3; do
        case $line in # which level light has
        'hakmem-trace ctl '*' profile'*) try "$name" "$light" "$line" ;;
        *) try "$name" "$process" "$line" ;;
        esac
    done 3<../examples
    [ -z "$target" ] || { kill "$target" && wait "$target"; } 2>/dev/null
    [ -z "$light" ] || { kill "$light" && wait "$light"; } 2>/dev/null
    cd ..
done
[ "$count" -ge 75 ] || fail "only $count examples were found"
