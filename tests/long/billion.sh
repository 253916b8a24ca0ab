#!/usr/bin/env bash
# A capture of EVENTS events: written, asked, checked. The page is printed, and for a billion
# written into docs/benchmarks. Needs about 3 bytes of disk an event in $TMPDIR, and some minutes.
# timeout: 3600
# alone
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
events=$EVENTS

need=$((events * 3))
free=$(df --output=avail -B1 "${TMPDIR:-/tmp}" | tail -n 1)
[ "$free" -ge "$need" ] ||
    fail "a capture of $events events needs $((need / 1000000)) MB in ${TMPDIR:-/tmp}, there are $((free / 1000000)); set TMPDIR, or EVENTS to a smaller number"
directory=$(mktemp -d "${TMPDIR:-/tmp}/hakmem-billion.XXXXXX") || exit 1
cleanup() { rm -rf "$directory"; }
make_capture=$BUILD/tests/bench/make_capture
cd "$directory" || exit 1

# Value of a name in a line of names and values.
value() { sed -n "s/.*\b$1 \([0-9.]*\).*/\1/p" "$2"; }
in_millions() { awk -v n="$1" 'BEGIN { printf "%.1f", n / 1e6 }'; }

"$BUILD/tests/bench/drain" 8 $((events / 20000000 + 1)) >rings || fail 'the rings could not be drained'
"$make_capture" -q -n "$events" - >alone || fail 'the events could not be made'
"$make_capture" -n "$events" -a addresses store.db >written || fail 'the capture could not be written'
{
    echo "# A capture of $(echo "$events" | sed ':again; s/\B[0-9]\{3\}\>/,&/; t again') events, $(date +%Y-%m-%d)"
    echo
    echo "\`tests/long/billion.sh\` at commit $(git -C "$SOURCE" rev-parse --short HEAD 2>/dev/null || echo unknown): $(nproc) processors," \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), kernel $(uname -r); load $(cut -d ' ' -f 1-3 /proc/loadavg)."
    echo "The capture is that of a simulated program ([benches](../specs/benches.md#a-capture-of-any-length)): 8 threads, 3 forked children."
    printf '\n## Writing\n\n'
    echo "| | |"
    echo "|---|---|"
    echo "| events, of them calls | $(in_millions "$(value events written)") M, $(in_millions "$(value calls written)") M |"
    echo "| CPU of the writer, s | $(value writer_cpu written) |"
    echo "| events a second of the writer's CPU | $(in_millions "$(value writer_events_per_s written)") M (aim 15) |"
    echo "| CPU of making the events: beside it, alone, s | $(value making_cpu written), $(value making_cpu alone) |"
    echo "| seconds, both together | $(value seconds written) |"
    echo "| file | $(in_millions "$(value bytes written)") MB, $(value bytes_per_call written) bytes a call |"
    echo "| peak memory of both | $(($(value peak_kib written) / 1024)) MiB |"
    echo
    echo "Before the writer, out of the rings (\`tests/bench/drain\`): $(head -n 1 rings)."
    printf '\n## Asking\n\n'
} >page
"$SOURCE/tests/bench/answers" store.db addresses "$COUNT" >>page || fail "asking failed: $(tail -n 3 page)"
cat page
if [ "$events" -eq 1000000000 ]; then
    to=$SOURCE/docs/benchmarks/$(date +%Y-%m-%d)-billion.md
    cp page "$to" && echo "written: $to"
fi
