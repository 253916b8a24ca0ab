#!/usr/bin/env bash
# axe-core (from npm: needs the network) finds nothing in the pages of `html` and `fleet html`: each part and view, light and dark, narrow and wide.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
here=$SOURCE/tests/html trace=$BUILD/hakmem-trace
. "$SOURCE/tests/tools/postgres.sh"
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
command -v npm >npm.out || fail "npm is missing: apt-get install npm"
cc -O1 -g -o server "$SOURCE/tests/profile/server.c" || exit 1
cc -O1 -g -I"$SOURCE/include" -o grower "$here/grower.c" || exit 1
cc -O1 -g -o sorter "$here/sorter.c" || exit 1
"$trace" run -s sorter.db --check trace -- ./sorter || exit 1
"$trace" run -s server.db --check trace -- ./server >server.out 2>&1
"$trace" run -s grower.db --check normal -- ./grower >grower.out 2>&1
npm install --no-audit --no-fund --cache "$PWD/cache" --prefix "$PWD" axe-core@4 >npm.out 2>&1 || { tail -n 5 npm.out; exit 1; }
start_postgres
"$trace" fleet setup --to "$URL" >setup.out 2>&1 && psql -qX hakmem -v ON_ERROR_STOP=1 -f "$SOURCE/tests/remote/fleet_rows.sql" || exit 1
"$trace" fleet html fleet.html --to "$URL" >fleet.out 2>&1 || exit 1
for store in server grower sorter; do "$trace" html -s "$store.db" "$store.html" >"$store.out" || exit 1; done
python3 "$here/axe.py" "$PWD" node_modules/axe-core/axe.min.js server.html grower.html sorter.html fleet.html
