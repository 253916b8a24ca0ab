#!/usr/bin/env bash
# Daemons: double fork, setsid, all descriptors closed, another user, another root; and those that outlive `run`.
. "${SOURCE:?}/tests/tools/tree_run.sh"
daemons=$BUILD/tests/trees/daemons
chmod 755 .
touch said.go # the process that outlives PROGRAM goes on when it is there
for case in close closefrom close_range daemon dup2 user user_exec user_alone outlive; do
    for way in tree tree_alone; do
        (umask 0; : >said; rm -f calls)
        $way "$case" "$daemons" "$case" "$PWD/said"
        case $case in
        outlive) [ "$(cat said)" = $'executed later\nexecuted later' ] || fail "$case: said: $(cat said)" ;;
        close* | daemon) [ "$(cat said)" = $'daemon worked\ndaemon worked' ] || fail "$case: said: $(cat said)" ;;
        esac
    done
done

# --wait: the store is whole when run returns, however long that takes. Without it, it is not, and run returns with PROGRAM.
tree_name="run --wait"
rm -f said said.go store.db
(sleep 12 && touch said.go) & # longer than run waits for a collector that stands still
"$trace" run --wait --check trace --store store.db -- "$daemons" outlive "$PWD/said" >out 2>err || fail "status 0 was due"
[ -s err ] && fail "something is on stderr: $(head -n 3 err)"
[ "$(cat said)" = 'executed later' ] || fail "run --wait returned before the last process had ended"
[ ! -e store.db-wal ] || fail "the WAL was left beside the store"
check_store
rm -f said said.go store.db
"$trace" run --check trace --store store.db -- "$daemons" outlive "$PWD/said" >out 2>err || fail "status 0 was due"
[ ! -e said ] || fail "run without --wait waited for a process that outlives PROGRAM"
touch said.go
until_true test -e said || fail "the process that outlives PROGRAM did not go on"
# On a terminal one line says who is left.
rm -f said said.go store2.db
script -qec "$trace run --check trace --store store2.db -- $daemons outlive $PWD/said" /dev/null >terminal </dev/null
grep -q 'still runs and is still recorded: [0-9]* daemons' terminal || fail "who is left is not said: $(cat terminal)"
touch said.go
for store in store.db store2.db; do until_true no_holder "$PWD/$store" || fail "somebody still has $store open"; done

# A signal ends the waiting: what PROGRAM left behind is recorded on, as without --wait.
program_has_ended() { [ "$("$trace" sql -s store.db 'select end_kind from process where id = 1' 2>/dev/null | tail -n 1 | tr -d ' ')" = 1 ]; }
for signal in TERM INT; do
    tree_name="run --wait, $signal"
    rm -f said said.go store.db
    # A shell's background job ignores INT, which run leaves so.
    env --default-signal=INT timeout -s KILL 300 "$trace" run --wait --check trace --store store.db -- "$daemons" outlive "$PWD/said" \
        >out 2>err &
    waiting=$!
    until_true program_has_ended || fail "PROGRAM did not end"
    kill -"$signal" "$(pgrep -P $waiting)" || fail "run did not wait"
    wait $waiting
    status=$?
    [ $status -eq $((128 + $(kill -l $signal))) ] || fail "status $status"
    [ -s err ] && fail "something is on stderr: $(head -n 3 err)"
    [ ! -e said ] || fail "run waited for the process that outlives PROGRAM"
    touch said.go
    until_true test -e said || fail "the process that outlives PROGRAM did not go on"
    until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
    check_store
done
