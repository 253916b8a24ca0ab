#!/usr/bin/env bash
# `record -p`, many times each: a program of threads, redis, node and PostgreSQL under load. They notice nothing.
# ROUNDS: how often each; PARTS: which of busy, redis, node, postgresql.
# timeout: 14400
. "${SOURCE:?}/tests/tools/attach_rounds.sh"
. "$SOURCE/tests/long/sizes"
rounds=$ROUNDS

rounds_of_node() {
    local name
    cat >load.js <<'END'
const zlib = require('zlib');
const kept = [];
let wrong = 0;
process.on('SIGTERM', () => { console.log(wrong ? 'not as it was' : 'all as it was'); process.exit(0); });
console.log('ready');
setInterval(() => {
    for (let i = 0; i < 200; i++) {
        kept.push(Buffer.alloc(2000 + i, i));
        const first = kept.length > 500 ? kept.shift() : kept[0];
        if (first[0] !== first[first.length - 1]) wrong++;
    }
    zlib.deflate(Buffer.alloc(30000, 'abc'), (error, packed) => {
        if (error || zlib.inflateSync(packed).length !== 30000) wrong++;
    });
}, 1);
END
    node load.js >node.out 2>&1 &
    pid=$!
    await_or_fail grep -q ready node.out
    name=$(cat "/proc/$pid/comm")
    again_and_again "$pid" "$name" 1000
    kill -TERM "$pid"
    wait "$pid" || fail "node ended with $?: $(cat node.out)"
    printf 'ready\nall as it was\n' | cmp - node.out || fail "$(cat node.out)"
    pid=
}

# A backend of PostgreSQL, in a directory that an unprivileged user can reach, as the server asks.
end_postgresql() {
    "${as_user[@]}" "$1/pg_ctl" -D "$2/data" -m immediate stop >/dev/null 2>&1
    rm -rf "$2"
}
rounds_of_postgresql() {
    local client backend load # and of its end, which comes later: bin place
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V); do :; done
    place=$(mktemp -d /tmp/hakmem-attach.XXXXXX)
    chmod 777 "$place"
    [ "$(id -u)" -ne 0 ] || as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    cd "$place" || exit 1
    trap 'end_postgresql "$bin" "$place"' EXIT
    "${as_user[@]}" "$bin/initdb" -D data -A trust -U test >init.out 2>&1 || fail "initdb: $(cat init.out)"
    "${as_user[@]}" "$bin/pg_ctl" -D data -o "-c listen_addresses='' -k $place" -l server.log -w start >start.out 2>&1 || fail "$(cat start.out server.log)"
    ask() { "${as_user[@]}" "$bin/psql" -X -A -t -h "$place" -U test postgres; }
    mkfifo questions && chmod 666 questions
    ask <questions >answers 2>&1 &
    client=$!
    exec 9>questions
    cat >&9 <<'END'
select pg_backend_pid();
create table t as select i, md5(i::text) as word from generate_series(1, 20000) i;
select 'ready';
END
    await_or_fail grep -q ready answers
    backend=$(head -n 1 answers)
    (
        while ! [ -e enough ]; do
            echo "select 'sum ' || count(*) || ' ' || sum(length(word)) from (select word from t order by word || i) s;"
            sleep 0.01
        done >&9
    ) &
    load=$!
    again_and_again "$backend" "$(cat "/proc/$backend/comm")" 100
    touch enough
    wait "$load"
    exec 9>&-
    wait "$client" || fail "psql ended with $?: $(tail -n 5 answers)"
    [ "$(grep '^sum' answers | sort -u)" = 'sum 20000 640000' ] || fail "$(sort answers | uniq -c | tail)"
    "${as_user[@]}" "$bin/pg_ctl" -D data -w stop >stop.out 2>&1 || fail "$(cat stop.out)"
}

for part in ${PARTS-busy redis node postgresql}; do
    (mkdir -p "$part" && cd "$part" && "rounds_of_$part") || exit 1
done
