#!/usr/bin/env bash
# A recorded program's arrays grow with the swing of its blocks as they do without a recorder, and a small swing
# or a capacity that was chosen leaves them alone.
. "${SOURCE:?}/tests/tools/test.sh"
cat >swing.c <<'END'
#include <stdlib.h>
int main(int count, char **arguments) {
    static void *blocks[4000];
    int most = count == 3 ? atoi(arguments[1]) : 0;
    for (int round = count == 3 ? atoi(arguments[2]) : 0; round > 0; round--) {
        for (int i = 0; i < most; i++)
            blocks[i] = malloc(48);
        for (int i = 0; i < most; i++)
            free(blocks[i]);
    }
    return 0;
}
END
${CC:-cc} -O0 -w -o swing swing.c || exit 1

# due LEAST MOST BLOCKS ROUNDS [VARIABLE=VALUE]: how often the array of 48 B changed, by the log.
due() {
    local changes
    rm -f store.db
    env ${5:+"$5"} "$BUILD/hakmem-trace" run --check trace --store store.db -- ./swing "$3" "$4" || exit 1
    changes=$("$BUILD/hakmem-trace" events --kind CAPACITY --class 48 --store store.db 2>/dev/null | grep -c CAPACITY)
    [ "$changes" -ge "$1" ] && [ "$changes" -le "$2" ] ||
        complain "swing of $3 blocks ${5:-}: $changes changes of capacity, $1 to $2 were due"
}

due 4 4 1000 300
due 2 2 200 1500
due 0 0 30 5000
due 0 0 1000 300 HAKMEM_TINY_UNIFIED_C3=63
