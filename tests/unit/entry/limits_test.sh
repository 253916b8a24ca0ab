# The plain library where a process has little: a limit on address space, no dynamic linker, C++.
. "${SOURCE:?}/tests/tools/test.sh"

program='print(sum(len(str(i)) for i in range(100000)))'
got=$(ulimit -v 100000 && PYTHONMALLOC=malloc LD_PRELOAD=$BUILD/libhakmem.so /usr/bin/python3 -c "$program" 2>&1)
[ "$got" = 488890 ] || complain "under ulimit -v 100000: $got (due 488890)"

# The program must be able to use most of 200 MB: what hakmem reserves counts against it.
program='p = []
try:
    while True: p.append(bytearray(1000))
except MemoryError: p, n = [], len(p)
print(n > 120000 or n)'
got=$(ulimit -v 200000 && PYTHONMALLOC=malloc LD_PRELOAD=$BUILD/libhakmem.so /usr/bin/python3 -c "$program" 2>&1)
[ "$got" = True ] || complain "under ulimit -v 200000: $got blocks of 1,000 bytes (due 120,000 at least)"

cat >linked.c <<'END'
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *work(void *p) { for (int i = 0; i < 100000; i++) free(malloc((size_t)i % 5000)); return p; }
int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0) return 1;
    pthread_join(thread, NULL);
    char *p = malloc(100);
    printf("%zu\n", malloc_usable_size(p)); /* glibc: 104 */
    free(realloc(p, 100000));
    return 0;
}
END
for static in '' -static; do
    if ! ${CC:-cc} -O1 -w $static linked.c "$BUILD/libhakmem.a" -o linked -lpthread 2>err; then
        echo "linking libhakmem.a $static: $(cat err)"
        failed=1
    elif [ "$(./linked 2>&1)" != 112 ]; then
        echo "linked with libhakmem.a $static: $(./linked 2>&1) (due 112)"
        failed=1
    fi
done

cat >words.cpp <<'END'
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
int main() {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([] {
            std::map<int, std::string> words;
            for (int i = 0; i < 20000; i++) words[i * 7919 % 10007] += "x" + std::to_string(i);
        });
    for (auto &thread : threads) thread.join();
    try { throw std::runtime_error("caught"); } catch (const std::exception &e) { std::cout << e.what() << "\n"; }
}
END
if ! g++ -O1 words.cpp -o words -lpthread || [ "$(LD_PRELOAD=$BUILD/libhakmem.so ./words 2>&1)" != caught ]; then
    complain "C++: $(LD_PRELOAD=$BUILD/libhakmem.so ./words 2>&1) (due caught)"
fi
