#!/usr/bin/env bash
# A program that has Valgrind's and ASan's macros for its pools gets hakmem's by one flag: it compiles as C and as C++ with all warnings.
. "${SOURCE:?}/tests/tools/test.sh"
cp "$SOURCE/tests/pools/arena.c" .
strict=(-Wall -Wextra -Werror -Wshadow -g -O1 -I "$SOURCE/include/hakmem")
for compiler in "${CC:-gcc} -std=gnu89" "${CC:-gcc} -std=c11 -Wpedantic" "${CC:-gcc} -std=gnu11 -O0" "clang -std=gnu11"; do
    $compiler "${strict[@]}" -o arena arena.c || complain "$compiler: arena.c does not compile"
done
# Names of hakmem's own that no macro needs at its use are gone at the end, also where it is included twice.
printf '#include <valgrind/memcheck.h>\n#include <valgrind/valgrind.h>\n' >names.c
"${CC:-gcc}" -dM -E -I "$SOURCE/include/hakmem" names.c >names
! grep -E '^#define HAK_VALGRIND_' names || complain 'the macros leave names behind'
# The tools' other headers of Valgrind stand beside them, before and after.
for order in 'valgrind/callgrind.h valgrind/memcheck.h valgrind/helgrind.h' 'valgrind/memcheck.h valgrind/callgrind.h' 'valgrind/valgrind.h valgrind/drd.h'; do
    for word in $order; do echo "#include <$word>"; done >order.c
    printf 'void *p; int main(void) { CALLGRIND_START_INSTRUMENTATION; VALGRIND_MEMPOOL_FREE(p, p); VALGRIND_PRINTF("%%d", 1); return (int)RUNNING_ON_VALGRIND; }\n' |
        if [[ $order == *callgrind* ]]; then cat; else sed 's/CALLGRIND_START_INSTRUMENTATION; //'; fi >>order.c
    "${CC:-gcc}" -Wall -Wextra -Werror -I "$SOURCE/include/hakmem" -o order order.c || complain "$order: does not compile"
    ./order || complain "$order: status $?"
done
printf '#include <valgrind/memcheck.h>\nint main() { char *p = nullptr; VALGRIND_CREATE_MEMPOOL(p, 0, false); VALGRIND_MAKE_MEM_DEFINED(p, 1);\nreturn VALGRIND_MEMPOOL_EXISTS(p); }\n' >one.cc
for compiler in "${CXX:-g++} -std=c++11" "clang++ -std=c++20"; do
    $compiler "${strict[@]}" -o one one.cc && ./one || complain "$compiler: the macros are no C++"
done
# A macro evaluates what it is given once.
cat >once.c <<'C'
#include <valgrind/memcheck.h>
static char memory[64], *at[2] = {memory, memory};
int main(void) {
    int pool = 0, from = 0, to = 0, block = 0;
    VALGRIND_CREATE_MEMPOOL(memory, 0, 0);
    VALGRIND_MEMPOOL_ALLOC(memory, memory, 8);
    VALGRIND_MEMPOOL_CHANGE(at[pool++], at[from++], at[to++], 16);
    VALGRIND_MALLOCLIKE_BLOCK(memory, 8, 0, 0);
    VALGRIND_RESIZEINPLACE_BLOCK(at[block++], 8, 16, 0);
    return !(pool == 1 && from == 1 && to == 1 && block == 1);
}
C
"${CC:-gcc}" -std=gnu11 "${strict[@]}" -o once once.c && LD_PRELOAD=$BUILD/hakmem-debug.so ./once || complain "once: status $?"
