#!/usr/bin/env bash
# The places to which `export` writes: a file whole or not at all, stdout, devices, a name that ends in .gz; a terminal is refused for
# what is binary; full disks and readers that go away.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
expect() { # STATUS WORDS COMMAND...: its status, and what it says on stderr
    local status=$1 words=$2
    shift 2
    "$@" >out 2>err </dev/null
    local found=$?
    [ "$found" = "$status" ] || complain "$*: status $found where $status was due: $(cat err)"
    [ "$(cat err)" = "${words:+hakmem-trace: $words}" ] || complain "$*: said '$(cat err)' where '$words' was due"
}
cc -O1 -g -o server "$SOURCE/tests/profile/server.c" || exit 1
"$trace" run -s app.db --check trace -- ./server >server.out 2>&1 || { cat server.out; exit 1; }
binary='pprof perfetto' text='collapsed speedscope pprof-text heaptrack csv jsonl junit sarif codequality'

for format in $text $binary; do
    expect 0 '' "$trace" export "$format" -s app.db
    cp out "$format.stdout"
    expect 0 '' "$trace" export "$format" -s app.db -o -
    cmp -s out "$format.stdout" || complain "$format: -o - is not stdout"
    echo old >"$format.file"
    expect 0 '' "$trace" export "$format" -s app.db -o "$format.file"
    cmp -s "$format.file" "$format.stdout" || complain "$format: the file is not what stdout had"
    expect 0 '' "$trace" export "$format" -s app.db -o "$format.gz"
    if [ "$format" = pprof ]; then gzip -t "$format.stdout" && cmp -s "$format.gz" "$format.stdout"
    else gzip -dc "$format.gz" | cmp -s - "$format.stdout"; fi || complain "$format: FILE.gz is not the same, packed"

    expect 2 '/dev/full cannot be written: No space left on device' "$trace" export "$format" -s app.db -o /dev/full
    expect 2 'no/such/file cannot be written: No such file or directory' "$trace" export "$format" -s app.db -o no/such/file
    "$trace" export "$format" -s app.db >/dev/full 2>err && complain "$format: a full disk is nothing"
    [ "$(cat err)" = 'hakmem-trace: cannot write the answer: No space left on device' ] || complain "$format > /dev/full: $(cat err)"
    # Nobody reads: the end is silent, by the signal.
    { "$trace" export "$format" -s app.db -o /proc/self/fd/1 2>err; } | :
    [ -s err ] && complain "$format to a pipe without a reader: $(cat err)"
    "$trace" export "$format" -s app.db 2>err | :
    [ -s err ] && complain "$format | true: $(cat err)"
    # A file that cannot be made leaves the old one in place, and no other one.
    echo old >kept
    "$trace" export "$format" -s none.db -o kept 2>err && complain "$format of no store: status 0"
    [ "$(cat kept)" = old ] || complain "$format: the file of before is gone"
done
[ -z "$(find . -name '*.new.*')" ] || complain "left behind: $(find . -name '*.new.*')"
expect 0 '' "$trace" export csv -s app.db -o /dev/null
[ -c /dev/null ] || complain '/dev/null was replaced'

# A disk that fills up in the middle: what was there stays.
mkdir disk
for format in $text $binary; do
    echo old >disk/kept
    (ulimit -f 1; exec "$trace" export "$format" -s app.db -o disk/kept) 2>err
    status=$?
    if [ "$(stat -c %s "$format.stdout")" -gt 1024 ]; then
        [ "$status" = 2 ] && [ "$(cat err)" = 'hakmem-trace: disk/kept cannot be written: File too large' ] || complain "$format: status $status, $(cat err)"
        [ "$(cat disk/kept)" = old ] && [ "$(ls disk)" = kept ] || complain "$format: a part of a file was left"
    fi
    rm -f disk/*
done

for format in $binary; do
    script -qec "$trace export $format -s app.db" /dev/null >terminal </dev/null && complain "$format on a terminal: status 0"
    grep -q "export $format: the file is binary, and stdout is a terminal; -o FILE names one" terminal || complain "$format on a terminal: $(cat terminal)"
    script -qec "$trace export $format -s app.db -o -" /dev/null >terminal </dev/null && complain "$format -o - on a terminal: status 0"
done
for format in $text; do # without stderr, on which a slow machine shows how far it is
    script -qec "PAGER=cat $trace export $format -s app.db 2>err" /dev/null 2>&1 </dev/null | tr -d '\r' | cmp -s - "$format.stdout" && [ ! -s err ] ||
        complain "$format is another text on a terminal: $(cat err)"
done

# Options that a format does not take.
expect 2 'export csv has no --by' "$trace" export csv --by calls -s app.db
expect 2 'export csv --events has no --focus' "$trace" export csv --events --focus main -s app.db
expect 2 'export junit has no --at' "$trace" export junit --at end -s app.db
expect 2 'export pprof has no --baseline' "$trace" export pprof --baseline known.json -s app.db
expect 2 "unexpected argument 'x'" "$trace" export junit x -s app.db
expect 2 "unexpected argument 'x'; two moments are given as --between A B" "$trace" export csv x -s app.db
expect 2 'export collapsed-diff needs two captures, OLD and NEW, or --between A B' "$trace" export collapsed-diff app.db
