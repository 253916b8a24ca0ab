#!/usr/bin/env bash
# A damaged store, whose table of processes is not in order: what a process held that the list does not find is in the sum of all, and in no other
# process's curve of perfetto.
. "${SOURCE:?}/tests/tools/test.sh"
cat >three.c <<'END'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    char *volatile held = malloc(1000);
    for (int i = 0; i < 2; i++) {
        if (fork() == 0) {
            held = malloc(i == 0 ? 3000000 : 1);
            _exit(0);
        }
        wait(NULL);
    }
    free(held);
}
END
cc -O1 -o three three.c && "$trace" run -f -s three.db -- ./three >out 2>&1 || { cat out; exit 1; }
PYTHONPATH=$SOURCE/tests/export python3 - three.db <<'END' || failed=1
import sqlite3
import sys

from perfetto import Trace
from readers import ask, same

def most(): # the most bytes of the first process, and of all
    rows = Trace(ask("export", "perfetto", "-s", sys.argv[1])).counts.values()
    of_bytes = [r for r in rows if "bytes" in r[0][2]["name"][0]]
    return [max(value for _, value, _ in r) for r in of_bytes for of in [r[0][2].get("parent_uuid", [0])[0] // 4] if of < 2]

before = most()
store = sqlite3.connect(sys.argv[1])
store.execute("UPDATE process SET id = id + (1 << 32) WHERE id = 2")
store.commit()
store.close()
ask.cache_clear()
same("the most of the first process and of all, where the second is not found", sorted(most()), sorted(before))
END
