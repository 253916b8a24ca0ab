#!/usr/bin/env bash
# `why` of a capture of EVENTS events (STORE=FILE: this one) on a server on this machine, beside the file's:
# the same words, and how long both take. The page is printed, and for a billion written into docs/benchmarks. Needs about 4 bytes of
# disk an event in $TMPDIR and below /tmp, and some minutes.
# timeout: 3600
# alone
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/postgres.sh"
events=$EVENTS
folder=$(mktemp -d "${TMPDIR:-/tmp}/hakmem-why.XXXXXX") || exit 1
cleanup() { end_postgres; rm -rf "$folder"; }
start_postgres
store=${STORE:-$folder/store.db}
[ -n "${STORE-}" ] || "$BUILD/tests/bench/make_capture" -q -n "$events" "$store" >"$folder/written" || fail "remote_why: the capture could not be written"
"$trace" push --whole -j 2 -s "$store" --to "$URL" >"$folder/pushed" || { echo "remote_why: push: $(cat "$folder/pushed")"; exit 1; }
number=$(sed -n 's/^capture \([0-9]*\):.*/\1/p' "$folder/pushed")
{
    echo "# The story of a block, from a file and from a server, $(date +%Y-%m-%d)"
    echo
    echo "\`tests/long/remote_why.sh\` at commit $(git -C "$SOURCE" rev-parse --short HEAD 2>/dev/null || echo unknown): $(nproc) processors," \
        "PostgreSQL 15 on its Unix socket; load $(cut -d ' ' -f 1-3 /proc/loadavg)."
    echo "The capture is that of a simulated program ([benches](../specs/benches.md#a-capture-of-any-length)). Each time is of a whole"
    echo "\`hakmem-trace why\`, start and connection included."
    echo
    "$SOURCE/tests/bench/why_both" "$store" "$URL?capture=$number" "$COUNT" || echo "asking failed"
} >"$folder/page"
cat "$folder/page"
grep -q 'times the file' "$folder/page" || exit 1
if grep -q ' of 1,000,000,000 events' "$folder/page"; then
    to=$SOURCE/docs/benchmarks/$(date +%Y-%m-%d)-remote-why.md
    cp "$folder/page" "$to" && echo "written: $to"
fi
