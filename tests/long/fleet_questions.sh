#!/usr/bin/env bash
# Measures how long `fleet` takes to answer where FINDINGS findings were pushed, a million with FULL=1: as RUNS="n n", 10,000 runs with 100 each,
# and 500,000 with two. Beside the time it looks whether sums, hosts, builds and days agree about
# how many there are. The page is printed, and for a million written into docs/benchmarks. OTHER=PROGRAM: another build's
# hakmem-trace, in turns with this one's. Needs 3 GB below /tmp.
# timeout: 3600
# alone
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/postgres.sh"
findings=$FINDINGS rounds=$ROUNDS
start_postgres

# fill DATABASE RUNS: 2,000 faults, a few of them most of the findings, of 60 versions with three builds each, on 1,000 hosts, over 90
# days.
fill() {
    psql -qXd postgres -c "CREATE DATABASE $1" || exit 1
    "$trace" fleet setup --to "postgresql:///$1" >laid 2>&1 || fail "$(cat laid)"
    psql -qXd "$1" -v ON_ERROR_STOP=1 -v runs="$2" -v each=$((findings / $2)) <<'END' || fail "the findings could not be made"
SET TIME ZONE 'UTC';
SELECT setseed(0.5) \g /dev/null
INSERT INTO hakmem.run SELECT n * 7919, date_trunc('month', t AT TIME ZONE 'UTC')::date, t, convert_to('host' || n * 2654435761 % 4294967296 % 1000, 'UTF8'),
 n % 30000, '/srv/bin/server', '/srv/bin/server --port 80', convert_to(md5(v || ' ' || n % 3), 'UTF8'), convert_to('1.' || v, 'UTF8'), 'light', '0.9',
 CASE WHEN n % 2 = 0 THEN 64 ELSE 1 END, '{"env":"prod"}', NULL, '{}'
 FROM (SELECT n::bigint, n * 60 / :runs AS v, TIMESTAMPTZ '2026-08-25 10:00+00' + n * INTERVAL '90 days' / :runs AS t FROM generate_series(1, :runs) n) x;
INSERT INTO hakmem.finding(run, month, number, fingerprint, code, name, headline, place, count, address, report)
 SELECT r.run, r.month, k, convert_to('HKM-202:' || lpad(to_hex((power(random(), 3) * 2000)::bigint * 2654435761 % 4294967296), 16, '0'), 'UTF8'),
 202, 'double-free', 'hakmem: HKM-202 double-free of a block of 48 bytes', 'close_connection server.c:88', 1, 4096 + k,
 convert_to(repeat(E'hakmem: HKM-202 double-free  report ' || r.run || E'\n', 20), 'UTF8') FROM hakmem.run r, generate_series(0, :each - 1) k;
VACUUM ANALYZE;
END
}

# Sums of one answer's counts are those of another's.
agree() {
    local to=postgresql:///$1 sum
    for sum in "findings findings" "hosts hosts" "builds builds" "trend periods"; do
        "$trace" fleet "${sum% *}" --limit 0 --json --to "$to" >answer || fail "fleet ${sum% *} of $1"
        python3 -c 'import json, sys; sys.exit(sum(one["count"] for one in json.load(open("answer"))[sys.argv[1]]) != int(sys.argv[2]))' "${sum#* }" "$findings" ||
            fail "fleet ${sum% *} of $1 counts others than $findings"
    done
}

# took PROGRAM WORDS: milliseconds of the fastest of $rounds.
took() {
    local least=1000000000 round begin now program=$1
    shift
    for ((round = 0; round < rounds; round++)); do
        begin=${EPOCHREALTIME/./}
        "$program" fleet "$@" >said 2>err || fail "fleet $*: $(cat err)"
        now=${EPOCHREALTIME/./}
        [ $((now - begin)) -ge "$least" ] || least=$((now - begin))
    done
    echo $((least / 1000))
}

questions=(findings "findings --since 7d" "findings --new-since 1.50" "show HKM-202:0000000000000000" hosts builds trend "html page.html")
sizes=()
for runs in $RUNS; do
    sizes+=("$runs")
    fill "of_$runs" "$runs"
    [ $((findings % runs)) != 0 ] || agree "of_$runs"
done
{
    echo "# Questions to a server with $findings findings, $(date +%Y-%m-%d)"
    echo
    echo "\`tests/long/fleet_questions.sh\` at commit $(git -C "$SOURCE" rev-parse --short HEAD 2>/dev/null || echo unknown): $(nproc) processors," \
        "PostgreSQL 15 with its own"
    echo "settings, on its Unix socket; load $(cut -d ' ' -f 1-3 /proc/loadavg). The fastest of $rounds, of the whole command, in milliseconds. The findings are of 2,000"
    echo "faults, 180 builds, 1,000 hosts and 90 days; the columns say of how many runs."
    echo
    printf '| `fleet ...` |'
    for size in "${sizes[@]}"; do printf ' %s runs |%s' "$size" "${OTHER:+ the other build |}"; done
    printf '\n|---|'
    for size in "${sizes[@]}"; do printf -- '---|%s' "${OTHER:+---|}"; done
    echo
    for question in "${questions[@]}"; do
        printf '| %s |' "$question"
        for size in "${sizes[@]}"; do
            # shellcheck disable=SC2086
            printf ' %s |' "$(took "$trace" $question --to "postgresql:///of_$size")"
            # shellcheck disable=SC2086
            [ -z "${OTHER-}" ] || printf ' %s |' "$(took "$OTHER" $question --to "postgresql:///of_$size")"
        done
        echo
    done
} >page
cat page
to=$SOURCE/docs/benchmarks/$(date +%Y-%m-%d)-fleet-questions.md
[ "$findings" -lt 1000000 ] || { cp page "$to" && echo "written: $to"; }
