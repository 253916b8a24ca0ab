#!/usr/bin/env bash
# Each answer of `hakmem-trace mcp` is the document of the command with --json, whole or without some elements of its lists: at most so
# many tokens, valid by docs/specs/output.schema.json, with the true number of elements, and its own words lead to all the rest.
# FULL=1: of more sizes, and those of 6,000 tokens are followed to their end, too.
. "${SOURCE:?}/tests/tools/test.sh"
here=$SOURCE/tests/mcp
export BUILD LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
# 60 functions that lose a block each and free one twice; one block that has 70 owners; stacks of up to 25 calls.
{
    echo '#include <stdio.h>'
    echo '#include <stdlib.h>'
    echo 'static void *volatile kept, *volatile lost;' 'static int has_faults;'
    for i in $(seq 60); do
        echo "static void fault_$i(int deep) { if (deep) { fault_$i(deep - 1); return; } char *volatile p = malloc($i * 8); free(p); if (has_faults) free(p); lost = malloc($i * 16); lost = NULL; }"
    done
    echo 'int main(int count, char **arguments) { has_faults = count > 1; (void)arguments;'
    echo '    for (int i = 0; i < 70; i++) { kept = malloc(4000); free(kept); }'
    for i in $(seq 60); do echo "    fault_$i($((i % 25)));"; done
    echo '    printf("%p\n", kept); return 0; }'
} >many.c
"${CC:-cc}" -g -O0 -w -o many many.c || exit 1
"$BUILD/hakmem-trace" run -s many.db --check normal --guard off --on-fault continue --leaks=1 -- ./many faults >address 2>report
[ -s many.db ] && [ -s address ] || { head -n 20 report; exit 1; }
"$BUILD/hakmem-trace" run -s lives.db --check trace -- ./many >address 2>report || { head -n 20 report; exit 1; }
python3 "$here/answers.py" many.db lives.db "$(cat address)" || exit 1
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" document\ *
