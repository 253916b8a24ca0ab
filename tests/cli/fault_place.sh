#!/usr/bin/env bash
# `why @fault` gives the block that the report names, also where the access was to a closed page beside it, and knows of no unknown writer where
# the access itself was found. Of static data that was freed it says where that lies, then which call was given it.
. "${SOURCE:?}/tests/tools/test.sh"

cat >beyond.c <<'END'
#include <stdlib.h>
static int at(volatile char *p, int i) { return p[i]; }
int main(int count, char **argument) {
    char *p = malloc(24);
    return at(p, count > 1 ? atoi(argument[1]) : 40);
}
END
cat >written.c <<'END'
#include <stdlib.h>
int main(void) {
    volatile char *p = malloc(24);
    p[-40] = 1; /* its own page: found at exit */
    return 0;
}
END
cat >below.c <<'END'
#include <stdlib.h>
int main(void) {
    volatile char *p = malloc(24);
    p[-4080] = 1;
    return 0;
}
END
cat >literal.c <<'END'
#include <stdlib.h>
int main(void) {
    char *volatile p = "text";
    free(p);
    return 0;
}
END
for program in beyond below written literal; do
    "${CC:-cc}" -g -O0 -w -o $program $program.c || fail "no test program"
    HAKMEM_GUARD_SIDE=after "$trace" run --guard all -s $program.db -- ./$program >$program.report 2>&1
    grep -q '^SUMMARY: ' $program.report || fail "$program has no report: $(cat $program.report)"
done

# asks STORE WORDS...: the answer, with words in place of numbers that differ, and the status
asks() {
    local store=$1
    shift
    echo "$* of $store"
    "$trace" "$@" -s $store.db >out 2>&1
    local status=$?
    sed -E "s#$PWD/##; s/0x[0-9a-f]{6,}/ADDRESS/g; s/[+]0x[0-9a-f]+/+OFFSET/; s/(event|faults) [0-9]+/\\1 N/; /^ /{ s/[0-9]+([.][0-9]+)?/N/g; s/  +/  /g; }
        /^NEXT /d" out
    echo "= $status"
}

user=$(sed -nE 's/^      user (0x[0-9a-f]+)$/\1/p' beyond.report)
{
    asks beyond why @fault
    echo "the block itself"
    "$trace" why "$user" -s beyond.db | sed -n '/^FAULT/s/event [0-9]*/event N/p'
    "$trace" block @fault -s beyond.db | sed -n '/^FAULT/s/event [0-9]*/event N/p'
    asks below why @fault
    asks written why @fault
    asks literal why @fault
} >said
cat >due <<'END'
why @fault of beyond
ADDRESS is 16 bytes past the end of a block of 24 asked (large), live, 1 owner in this capture.
A large block with pages of its own (base ADDRESS). Nothing was lost in this capture.

  owner  event  time  what  thread  where
  N  N  N s  malloc(N)  N beyond  main  beyond.c:N
  N  N s  FAULT  N beyond  heap-buffer-overflow reported here

EVIDENCE  the report names the access
FAULT     HKM-301 heap-buffer-overflow, event N; `hakmem-trace faults 1 -s beyond.db` is the report
= 1
the block itself
FAULT     HKM-301 heap-buffer-overflow, event N; `hakmem-trace faults 1 -s beyond.db` is the report
FAULT     HKM-301 heap-buffer-overflow, event N; `hakmem-trace faults 1 -s beyond.db` is the report
why @fault of below
ADDRESS is 4,080 bytes before a block of 24 asked (large), live, 1 owner in this capture.
A large block with pages of its own (base ADDRESS). Nothing was lost in this capture.

  owner  event  time  what  thread  where
  N  N  N s  malloc(N)  N below  main  below.c:N
  N  N s  FAULT  N below  heap-buffer-underflow reported here

EVIDENCE  the report names the access
FAULT     HKM-302 heap-buffer-underflow, event N; `hakmem-trace faults 1 -s below.db` is the report
= 1
why @fault of written
ADDRESS is the start of a block of 24 asked (large), live, 1 owner in this capture.
A large block with pages of its own (base ADDRESS). Nothing was lost in this capture.

  owner  event  time  what  thread  where
  N  N  N s  malloc(N)  N written  main  written.c:N
  N  N s  FAULT  N written  heap-buffer-underflow reported here

EVIDENCE  writer unknown: the record holds moves, not writes
FAULT     HKM-302 heap-buffer-underflow, event N; `hakmem-trace faults 1 -s written.db` is the report
= 1
why @fault of literal
ADDRESS was in no block of this capture.
It lies in literal+OFFSET, in .rodata: constants, not heap memory.
A call was given it. Nothing was lost in this capture.

  owner  event  time  what  thread  where
  > N  N s  free  N literal  main  literal.c:N  WRONG: free was given an address that belongs to no block

FAULT     HKM-201 bad-free, event N; `hakmem-trace faults 1 -s literal.db` is the report
= 1
END
diff due said >difference || complain "other answers than these (<):" "$(cat difference)"
