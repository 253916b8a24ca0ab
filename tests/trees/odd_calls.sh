#!/usr/bin/env bash
# Functions that hakmem interposes give back what libc's functions do, whatever they are called with, and get
# along with other preloads that interpose the same, before them and behind them.
. "${SOURCE:?}/tests/tools/tree_run.sh"
tree_name=odd_calls
odd=$BUILD/tests/trees/odd_calls
${CC:-cc} -D_GNU_SOURCE -w -shared -fPIC -o other.so "$SOURCE/tests/tools/other_preload.c" -ldl || fail "the preload does not compile"

timeout 200 "$odd" >due 2>&1
[ $? -eq 3 ] || fail "the program alone: $(tail -n 3 due)"
# A spawn that fails has a child in qemu-user, whose vfork copies.
no_child() { sed -i -E 's/^[0-9]+$/CHILD/' "$1"; }
no_child due
rm -f fifo
for check in trace normal; do
    timeout 200 "$trace" run --check $check --force -s store.db -- "$odd" >said 2>&1
    status=$?
    no_child said
    rm -f fifo
    if [ $status -ne 3 ] || ! cmp -s due said; then
        diff due said | head -n 10
        fail "$check: status $status, due 3, or another output (>)"
    fi
    "$trace" check -s store.db >check.out 2>&1 || fail "$check: $(head -n 3 check.out)"
done

# Behind: `run` puts hakmem first. Before: as the program's own first preload.
said=$(timeout 200 env LD_PRELOAD="$PWD/other.so" "$trace" run --force -s store.db -- "$odd" "$(type -P echo)" 2>&1)
[ "$said" = $'seen\nexecuted' ] || fail "a preload behind hakmem does not see execve: $said"
said=$(timeout 200 "$trace" run --force -s store.db -- \
    sh -c "LD_PRELOAD=$PWD/other.so:\$LD_PRELOAD exec $odd" 2>&1)
[ $? -eq 3 ] || fail "with a preload in front: $(tail -n 2 <<<"$said")"
