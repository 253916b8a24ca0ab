#!/usr/bin/env bash
# The page of `html` in a headless Chromium: clicks, drags and keys, each total beside those of `top` and `heap`, names of programs that try to break out, 400 to 2,560 pixels.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
here=$SOURCE/tests/html trace=$BUILD/hakmem-trace
export LC_ALL=C.UTF-8
cc -O1 -g -o server "$SOURCE/tests/profile/server.c" || exit 1
cc -O1 -g -I"$SOURCE/include" -o grower "$here/grower.c" || exit 1
cc -O1 -g -o holder "$SOURCE/tests/profile/holder.c" || exit 1
cc -O1 -g -o sorter "$here/sorter.c" || exit 1
cc -O1 -g -o growing "$SOURCE/tests/profile/growing.c" || exit 1
"$trace" run -s growing.db --check trace -- ./growing || fail "growing: status $?"
"$trace" run -s sorter.db --check trace -- ./sorter || fail "sorter: status $?"
"$trace" run -s server.db --check trace -- ./server >server.out 2>&1 || fail "server: status $?" "$(tail -n 3 server.out)"
"$trace" run -s grower.db --check normal -- ./grower >grower.out 2>&1
"$trace" run -s leaky.db --check normal --leaks=1 -- ./grower once >leaky.out 2>&1
# A program that runs until the collector has noted its RSS, however late the collector gets a core.
mkfifo input
"$trace" run -s holder.db --check trace -- ./holder "$PWD/end" <input >holder.out 2>&1 &
exec 9>input
until [ "$(sqlite3 "file:holder.db?mode=ro" ".timeout 5000" "select count(*) > 0 from metric where name = 'memory.anonymous'" 2>/dev/null)" = 1 ]; do
    kill -0 $! 2>/dev/null || fail "holder: it ended" "$(tail -n 3 holder.out)"
    sleep 0.1
done
exec 9>&-
touch end
wait $!
[ -s grower.db ] && [ -s leaky.db ] || fail "grower: no capture" "$(tail -n 3 grower.out leaky.out)"
python3 "$here/page.py" "$trace" "$PWD"
