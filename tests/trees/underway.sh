#!/usr/bin/env bash
# A process that dies inside a call, before its record or behind it, is compared with its store exactly but for this call:
# the counter of tests/trees knows what was underway, and one record too few is still found.
. "${SOURCE:?}/tests/tools/tree_run.sh"

cat >dies.c <<'END'
/* Between the counter and hakmem: ends the process inside the call that DIES_IN names ("malloc before"). "lost" drops a
 * free, and dies in the next before its record. */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { MARKED_BYTES = 7777 };
static int is_armed;
static void *marked;

static void die(const char *where) {
    if (is_armed && strcmp(getenv("DIES_IN"), where) == 0)
        raise(SIGKILL);
}
#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))

void *malloc(size_t bytes) {
    if (bytes == MARKED_BYTES)
        is_armed = 1;
    die("malloc before");
    void *block = NEXT(void *(*)(size_t), "malloc")(bytes);
    if (is_armed)
        marked = block;
    die("malloc behind");
    return block;
}
void *realloc(void *old, size_t bytes) {
    die("realloc before");
    void *block = NEXT(void *(*)(void *, size_t), "realloc")(old, bytes);
    if (is_armed)
        marked = block;
    die("realloc behind");
    return block;
}
void free(void *block) {
    int is_last = marked && block == marked;
    if (is_last) {
        die("free before");
        die("lost");
    } else if (is_armed && strcmp(getenv("DIES_IN"), "lost") == 0) {
        return;
    }
    NEXT(void (*)(void *), "free")(block);
    if (is_last)
        die("free behind");
}
END
cat >calls.c <<'END'
#include <stdlib.h>
int main(void) {
    for (int i = 0; i < 100; i++)
        free(malloc(40));
    void *volatile other = malloc(50);
    void *volatile block = malloc(7777);
    block = realloc(block, 9999);
    free(other);
    free(block);
}
END
"${CC:-cc}" -O0 -w -D_GNU_SOURCE -shared -fPIC -o dies.so dies.c -ldl && "${CC:-cc}" -O0 -o calls_program calls.c || exit 1

# $1 is where the process dies.
record() {
    tree_name=$1
    rm -f store.db* calls
    truncate -s 1M calls
    { DIES_IN=$1 COUNT_CALLS_FILE=$PWD/calls "$trace" run --check trace --store store.db -- \
        "$env" LD_PRELOAD="$counter $PWD/dies.so $debug_library" ./calls_program >out 2>err; } 2>/dev/null
    until_true no_holder "$PWD/store.db" || fail "somebody still has the store open"
    expect "(select end_kind from process order by id desc limit 1)" 2
}

for call in malloc realloc free; do
    for where in before behind; do
        record "$call $where"
        compare_store
    done
done
record lost
! (compare_processes >compared) || fail "a free that is missing in the store is not found"
grep -q '^< [0-9]* 102 102 1 0 0 0 1$' compared || { cat compared; fail "not this free is named"; }
