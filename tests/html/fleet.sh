#!/usr/bin/env bash
# The page of `fleet html` in a headless Chromium: sorting, filters, one finding by keyboard, texts of hosts that try to break out, 400 to 2,560 pixels.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C.UTF-8 TZ=America/New_York
. "$SOURCE/tests/tools/postgres.sh"
start_postgres
"$trace" fleet setup --to "$URL" >said 2>&1 || fail "setup: $(cat said)"
"$trace" fleet html empty.html --to "$URL" >said 2>&1 && grep -q '"findings":\[\]' empty.html || fail "no findings: $(cat said)"
psql -qX hakmem -v ON_ERROR_STOP=1 -f "$SOURCE/tests/remote/fleet_rows.sql" || exit 1
"$trace" fleet html plain.html --to "$URL" >said 2>&1 || fail "fleet html: $(cat said)"
"$trace" fleet html - --limit 1 --to "$URL" >one.html 2>said || fail "fleet html -: $(cat said)"
grep -q '"all":2,.*"findings":\[{[^}]*}[^]]*\],"days"' one.html || fail "--limit 1"
psql -qX hakmem -v ON_ERROR_STOP=1 -f "$SOURCE/tests/remote/fleet_hostile.sql" || exit 1
psql -qX hakmem -v ON_ERROR_STOP=1 <<'SQL' || exit 1
UPDATE hakmem.run SET host = host || a, program = a, build = a, version = a, labels = a FROM (SELECT convert_to(E'</script><script>window.owned = 1</script><!--<img src=x onerror="window.owned = 2">\u2028\u202e`${window.owned = 3}]]>', 'UTF8') AS a) x;
UPDATE hakmem.finding SET fingerprint = fingerprint || a, name = name || a, headline = a, place = a, report = a FROM (SELECT convert_to(E'</script><script>window.owned = 1</script><!--<img src=x onerror="window.owned = 2">\u2028\u202e`${window.owned = 3}]]>', 'UTF8') AS a) x;
SQL
"$trace" fleet html hostile.html --to "$URL" >said 2>&1 || fail "hostile: $(cat said)"
python3 "$SOURCE/tests/html/fleet.py" "$PWD" plain.html hostile.html
