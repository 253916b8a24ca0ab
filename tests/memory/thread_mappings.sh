#!/usr/bin/env bash
# The kernel allows a process 65,530 mappings (vm.max_map_count): a thread that has allocated a little adds three, at most, to those that it has
# without hakmem. Pages that level normal closes are other ones: they have a quarter of all, and no more.
. "${SOURCE:?}/tests/tools/test.sh"
${CC:-cc} -w -fno-builtin -O1 -pthread -o threads "$SOURCE/tests/memory/thread_mappings.c" || fail "the program does not compile"
alone=$(./threads)
for level in trace light normal; do
    each=$(HAKMEM_CLOSE_PAGES=0 "$trace" run --force -s threads.db --check $level -- ./threads 2>err)
    # A level that stores nothing says so.
    [ -n "$each" ] && [ "$each" -le $((alone + 300)) ] || complain "$level: $each hundredths of a mapping for each thread, alone $alone: $(cat err)"
done
exit "$failed"
