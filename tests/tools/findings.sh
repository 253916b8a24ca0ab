# shellcheck shell=bash
# Helpers for tests that push findings, behind postgres.sh: tables, a role that may only insert, and what came.

# Lays out the server; pushes go to $PUSH, as a role that reads nothing.
lay_out_findings() {
    "$trace" fleet setup --to "$URL" >laid 2>&1 || { echo "fleet setup: $(cat laid)"; exit 1; }
    rm laid
    psql -qX hakmem -c 'CREATE ROLE pusher LOGIN IN ROLE hakmem_writer' || exit 1
    export PUSH=postgresql://pusher@/hakmem
}

# asked SQL: the answer's rows, columns with '|' between.
asked() { psql -qXAt hakmem -c "$1"; }
# "RUNS FINDINGS" on the server.
counted() { asked "SELECT (SELECT count(*) FROM hakmem.run) || ' ' || (SELECT count(*) FROM hakmem.finding)"; }
# Number of documents that wait.
waiting() { find "$XDG_STATE_HOME/hakmem_push" -name '*.json' 2>/dev/null | wc -l; }
