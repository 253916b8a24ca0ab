#!/usr/bin/env bash
# Daemons: double fork, setsid, all descriptors closed, another user, another root; and those that outlive `run`.
set -u
# shellcheck source=tests/tools/tree_run.sh
. "$SOURCE/tests/tools/tree_run.sh"
daemons=$BUILD/tests/trees/daemons
chmod 755 .
for case in close closefrom close_range daemon dup2 user user_exec user_alone; do
    for way in tree tree_alone; do
        (umask 0; : >said; rm -f calls)
        $way "$case" "$daemons" "$case" "$PWD/said"
        case $case in
        close* | daemon) [ "$(cat said)" = $'daemon worked\ndaemon worked' ] || fail "$case: said: $(cat said)" ;;
        esac
    done
done
