# shellcheck shell=bash
# A PostgreSQL server of a test's own, in a folder below /tmp on a Unix socket there, without TCP. Source it, then
#
#   start_postgres [-c NAME=VALUE]...   makes it and waits until it answers; where there is none the test ends with status 1
#   stop_postgres [-m immediate]        ends it, its files stay
#   kill_postgres                       ends it and its children by SIGKILL, and waits until they are gone
#   restart_postgres                    starts it again, with the same words
#
# exports PGHOST, PGUSER (owner of everything), URL (postgresql:///hakmem) and XDG_CACHE_HOME, and sets postgres_folder (data, log) and
# postgres_pid. The server refuses root, so that user postgres runs it then; it ends with the shell that started it, also a killed one, and
# its folder goes when the test ends: one with a cleanup of its own calls end_postgres there.
[ -e "$BUILD/hakmem_postgres.so" ] || { echo "skipped: hakmem_postgres.so, which needs libpq 14 and SQLite 3.38, is not there"; exit 77; }
unset "${!PG@}"
for postgres_bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V); do :; done # the newest
postgres_folder='' postgres_pid='' postgres_words=()

# Runs "$@" as who may run a server.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid postgres --regid postgres --clear-groups -- "$@"
    else
        "$@"
    fi
}

end_postgres() {
    stop_postgres -m immediate
    [ -z "$postgres_folder" ] || rm -rf "$postgres_folder"
    postgres_folder=''
}

# The files that initdb makes are kept in BUILD for the next test: to make them takes ten times as long as to copy them.
make_postgres_data() {
    local kept
    kept=$BUILD/tests/postgres.$(id -u).$("$postgres_bin/initdb" --version | tr -dc 0-9.)
    [ -e "$kept/PG_VERSION" ] && cp -a "$kept" "$postgres_folder/data" && return
    rm -rf "$postgres_folder/data"
    (cd / && as_postgres "$postgres_bin/initdb" --no-sync -A trust -U "$PGUSER" -E UTF8 --no-locale -D "$postgres_folder/data") \
        >"$postgres_folder/initdb.log" 2>&1 || { echo "initdb: $(cat "$postgres_folder/initdb.log")"; exit 1; }
    # Whole or not at all: several tests may come here at once.
    { cp -a "$postgres_folder/data" "$kept.$$" && mv -T "$kept.$$" "$kept" || rm -rf "$kept.$$"; } 2>/dev/null
}

start_postgres() {
    postgres_words=("$@")
    [ -x "$postgres_bin/initdb" ] || { echo "no $postgres_bin/initdb: tools/deps installs it"; exit 1; }
    postgres_folder=$(mktemp -d /tmp/hakmem-postgres.XXXXXX) || exit 1
    declare -F cleanup >/dev/null || cleanup() { end_postgres; }
    [ "$(id -u)" != 0 ] || chown postgres "$postgres_folder"
    chmod 755 "$postgres_folder" # its socket is for others, too
    export PGHOST=$postgres_folder PGUSER=hakmem_owner URL=postgresql:///hakmem
    export XDG_CACHE_HOME=$postgres_folder/cache # of this server's captures, which go with it
    mkdir -m 700 "$XDG_CACHE_HOME" || exit 1
    make_postgres_data
    restart_postgres
    psql -qXd postgres -c 'CREATE DATABASE hakmem' || exit 1
}

restart_postgres() {
    local as=()
    [ "$(id -u)" != 0 ] || as=(--reuid postgres --regid postgres --clear-groups)
    # Not pg_ctl, whose server would outlive this shell.
    setpriv "${as[@]}" --pdeathsig QUIT "$postgres_bin/postgres" -D "$postgres_folder/data" -k "$postgres_folder" \
        -c listen_addresses= -c fsync=off "${postgres_words[@]}" >>"$postgres_folder/log" 2>&1 </dev/null &
    postgres_pid=$!
    # As long as it lives: behind a kill it reads its log first, which takes long on a busy machine.
    while kill -0 "$postgres_pid" 2>/dev/null; do
        "$postgres_bin/pg_isready" -q -d postgres && return
        sleep 0.05
    done
    echo "the server has ended: $(tail -n 5 "$postgres_folder/log")"
    exit 1
}

stop_postgres() {
    local signal=INT # fast
    [ -n "$postgres_pid" ] || return 0
    [ "${2-}" != immediate ] || signal=QUIT
    kill -"$signal" "$postgres_pid" 2>/dev/null
    wait "$postgres_pid" 2>/dev/null
    postgres_pid=''
}

# Stopped first: a child made between the list and the kill would keep the shared memory, and the next server refuses to start.
kill_postgres() {
    local children child
    kill -STOP "$postgres_pid"
    children=$(pgrep -P "$postgres_pid")
    kill -KILL "$postgres_pid"
    wait "$postgres_pid" 2>/dev/null
    postgres_pid=''
    for child in $children; do
        while kill -KILL "$child" 2>/dev/null; do sleep 0.05; done
    done
}
