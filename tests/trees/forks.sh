#!/usr/bin/env bash
# fork, vfork, clone, posix_spawn and exec in every way: one store, each process with exactly its own calls. With `run` or without, by turns;
# FULL=1: both.
. "${SOURCE:?}/tests/tools/tree_run.sh"
forks=$BUILD/tests/trees/forks turn=0
for case in plain nested thread handler raw clone raw_threads vfork spawn thread_exec "chain 20" "at_once 100"; do
    read -r -a words <<<"$case"
    ! left_out "${words[0]}" || continue
    turn=$((turn + 1))
    [ "${FULL:-0}.$((turn % 2))" = 0.1 ] || tree "$case" "$forks" "${words[@]}"
    [ "${FULL:-0}.$((turn % 2))" = 0.0 ] || tree_alone "$case" "$forks" "${words[@]}"
done
