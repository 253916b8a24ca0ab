#!/usr/bin/env bash
# A program that limits its own address space has as much of it as without hakmem, whose reserved ranges do not count.
. "${SOURCE:?}/tests/tools/test.sh"
program=$BUILD/tests/memory/own_limit
for mib in 128 512; do
    [ "$("$program" $mib)" = $((mib / 2)) ] || fail "$mib MiB alone: $("$program" $mib)"
    for options in "--check trace" "--check normal" "--check light" "--guard all" "--allocator keep"; do
        # shellcheck disable=SC2086 # words
        said=$(HAKMEM_TRACE_FILE=a.db "$trace" run --force $options -- "$program" $mib 2>&1) && [ "$said" = $((mib / 2)) ] || complain "$mib MiB, $options: $? $said"
    done
done
exit "$failed"
