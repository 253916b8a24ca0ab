#!/usr/bin/env bash
# fork, vfork, clone, posix_spawn and exec in every way: one store, each process with exactly its own calls.
set -u
# shellcheck source=tests/tools/tree_run.sh
. "$SOURCE/tests/tools/tree_run.sh"
forks=$BUILD/tests/trees/forks
for case in plain nested thread handler raw clone raw_threads vfork spawn thread_exec "chain 20" "at_once 100"; do
    read -r -a words <<<"$case"
    tree "$case" "$forks" "${words[@]}"
    tree_alone "$case" "$forks" "${words[@]}"
done
