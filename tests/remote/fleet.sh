#!/usr/bin/env bash
# `fleet` over runs and findings of a server: each word's exact answer, filters, JSON by its schema, hostile text, and what it says of
# a server without layout, without rights, and without rows. The server is of the test's own.
. "${SOURCE:?}/tests/tools/test.sh"
export TZ=America/New_York # answers are in UTC
. "$SOURCE/tests/tools/postgres.sh"
double=HKM-202:5f0c1d9e22ab4471
start_postgres

lay_out() {
    "$trace" fleet setup --to "$URL" >laid 2>&1 || complain "setup: $(cat laid)"
}

# refused STATUS TEXT WORDS...: one line on stderr that has TEXT, nothing on stdout.
refused() {
    local due=$1 text=$2 got
    shift 2
    "$trace" fleet "$@" >out 2>err
    got=$?
    [ $got -eq "$due" ] || complain "$*: status $got, due $due"
    [ -s out ] && complain "$*: said $(cat out)"
    [ "$(wc -l <err)" -eq 1 ] || complain "$*: not one line: $(cat err)"
    grep -qF -e "$text" err || complain "$*: $(cat err); due: $text"
}

# ---- what cannot be asked
refused 2 'which server? Say --to' hosts
refused 2 'app.db is no server' hosts --to app.db
refused 2 "'fnidings' is no word of it; did you mean 'findings'?" fnidings --to "$URL"
refused 2 "'more' is one argument too many" hosts more --to "$URL"
refused 2 'which? FINGERPRINT' show --to "$URL"
refused 2 'which FILE' baseline --to "$URL"
refused 2 '--by year: day, week or month' trend --by year --to "$URL"
refused 3 'the URL has a password' hosts --to postgresql://me:secret@/hakmem
grep -q secret err && complain "a password is printed: $(cat err)"
refused 3 'cannot connect' hosts --to "postgresql:///hakmem?host=$PWD"
for words in findings hosts builds trend "show $double" 'baseline none.json'; do
    # shellcheck disable=SC2086
    refused 3 'does not exist' $words --to "$URL"
done
[ -e none.json ] && complain "a baseline of nothing was written"

# ---- nothing was pushed
lay_out
for words in findings hosts builds trend; do
    "$trace" fleet $words --to "$URL" >out 2>err || complain "empty $words: $(cat err)"
    grep -q 'no [a-z]* that match were pushed to postgresql:///hakmem' out || complain "empty $words: $(cat out)"
done
refused 2 'no such finding was pushed' show $double --to "$URL"
refused 2 'no run of such a build or version was pushed' --new-since 1.1 --to "$URL"

# ---- who may not read
psql -qX hakmem -c 'CREATE ROLE nobody_here LOGIN' -c 'CREATE ROLE someone LOGIN' -c 'GRANT hakmem_reader TO someone' || complain "roles"
PGUSER=nobody_here refused 3 'permission denied' findings --to "$URL"
grep -q hakmem_reader err || complain "no advice on roles: $(cat err)"

# ---- each word's answer, as who may only read
psql -qX hakmem -v ON_ERROR_STOP=1 -f "$SOURCE/tests/remote/fleet_rows.sql" || complain "rows"
export PGUSER=someone
answers() {
    while read -r words; do
        echo "\$ fleet $words"
        # shellcheck disable=SC2086
        "$trace" fleet $words --to "$URL" 2>&1
        echo "[$?]"
    done <<END

hosts
builds
trend
trend $double --by week
trend --by month --limit 1
show $double
show $double --host host1 --limit 1
--limit 1
--new-since 1.1
--new-since cccc
--gone-since dddd3333
--gone-since 1.1
--since 2026-11-03
--until 2026-10-28T10:00
--label env=prod --host host1
--label env=none
--label version=1.0
--label version=1.0 --label env=prod
--label version=1.0 --label env=none --label env=prod
--build cccc
builds --label version=1.1
--since 2026-02-31
--since 5x
--label env
baseline known.json
baseline known.json
END
}
answers >got
[ -z "${UPDATE-}" ] || cp got "$SOURCE/tests/remote/fleet.exact"
diff "$SOURCE/tests/remote/fleet.exact" got || complain "answers differ; UPDATE=1 takes them over"
grep -q '"fingerprint": "HKM-202:5f0c1d9e22ab4471"' known.json || complain "no baseline: $(cat known.json)"
grep -q '"program": "server"' known.json || complain "no program in the baseline: $(cat known.json)"
"$trace" fleet baseline few.json --limit 1 --to "$URL" >out 2>err || complain "a short baseline: $(cat out err)"
grep -q '^hakmem-trace: fleet baseline: 1 of [2-9] findings were added' err || complain "a short baseline: $(cat err)"
"$trace" run --baseline known.json -- true >out 2>&1 || complain "run does not read the baseline: $(cat out)"

# ---- as many labels as a run may have, and one more
labels=()
for ((i = 0; i < 32; i++)); do labels+=(--label "version=1.0"); done
labels[1]=env=prod
for ((i = 3; i < 64; i += 2)); do labels[i]=env=prod; done
"$trace" fleet "${labels[@]}" --since 2026-10-01 --host host1 --build aaaa --new-since 1.0 --to "$URL" >out 2>&1
grep -q '^no findings\|^HKM-202' out || complain "32 labels: $(cat out)"
refused 2 '--label was given more than 32 times' "${labels[@]}" --label version=1.0 --to "$URL"

for url in "$URL?capture=5" "$URL?capture=5&connect_timeout=60" "$URL?connect_timeout=60&capture=5"; do
    "$trace" fleet show $double --to "$url" >out 2>&1
    grep 'hakmem-trace why' out | grep -o 'capture=[0-9]*' >captures
    [ "$(cat captures)" = capture=77 ] || complain "the URL for why of $url: $(grep -F 'hakmem-trace why' out)"
done

# ---- JSON by its schema, before hostile rows and with them
count=0
documents() {
    local words
    for words in findings 'findings --limit 1' hosts builds trend "trend $double" "show $1" 'baseline more.json'; do
        count=$((count + 1))
        # shellcheck disable=SC2086
        "$trace" fleet $words --json --to "$URL" >"document $count" 2>err || complain "$words --json: $(cat err)"
    done
}
documents $double
PGUSER=hakmem_owner psql -qX hakmem -v ON_ERROR_STOP=1 -f "$SOURCE/tests/remote/fleet_hostile.sql" || complain "hostile rows"
hostile=$(printf 'HKM-202\033]0;owned\007')
for words in findings hosts builds trend show; do
    count=$((count + 1))
    if [ $words = show ]; then set -- show "$hostile"; else set -- $words; fi
    "$trace" fleet "$@" --json --to "$URL" >"document $count" 2>err || complain "hostile $words --json: $(cat err)"
    "$trace" fleet "$@" --to "$URL" >out 2>err || complain "hostile $words: $(cat err)"
    cat out err >>shown
done
"$trace" fleet show "$hostile" --to "$URL" >out 2>&1
grep -qF 'line two' out || complain "no report of two lines: $(cat -v out)"
"$trace" fleet --host "$(printf '\033[2J')" --label "version=$(printf '\033[2J')" --to "$URL" >>shown 2>&1
"$trace" fleet show "$(printf '\033[2J')" --to "$URL" >>shown 2>&1
"$trace" fleet --label "x'; DROP TABLE hakmem.run; --=1" --build "'" --to "$URL" >>shown 2>&1 || complain "a quote: $(tail -n 1 shown)"
python3 - shown "document "* <<'END' || complain "text of hosts comes through"
import sys
for name in sys.argv[1:]:
    odd = sorted({b for b in open(name, "rb").read() if b == 0x7f or (b < 0x20 and b != 10) or (name != "shown" and b > 0x7e)})
    assert not odd, (name, odd)
END
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" "document "* || complain "JSON differs from its schema"
