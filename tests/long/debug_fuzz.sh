#!/usr/bin/env bash
# Programs whose modules have damaged debug information are recorded: whatever the collector's reader makes of it, and
# if it dies of it, the run ends as without hakmem, in bounded time, and the capture is whole. SECONDS_OF_FUZZ says for
# how long; FUZZ_SEED is where to begin, to repeat one round.
# timeout: 5400
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/processes.sh"
seconds=$SECONDS_OF_FUZZ seed=${FUZZ_SEED:-$((10#$(date +%s) % 1000000 * 1000))}
cc=${CC:-gcc}
EACH=8 # modules of a program: so many unreadable ones are told apart

cat >module.cc <<'CC'
#include <cstdlib>
#include <string>
namespace outer {
template <class T> struct box {
    T value;
    explicit box(T v) : value(v) {}
    void *take(int count) const { return std::malloc(static_cast<std::size_t>(count)); }
};
inline void *call_inlined(const box<std::string> &b, int count) { return b.take(count); }
} // namespace outer
extern "C" void *work(int count) {
    auto deep = [&](int n) { outer::box<std::string> b("x"); return outer::call_inlined(b, n); };
    return deep(count);
}
CC
cat >program.c <<'C'
#include <dlfcn.h>
#include <stdlib.h>
int main(int count, char **arguments) {
    for (int i = 1; i < count; i++) {
        void *library = dlopen(arguments[i], RTLD_NOW);
        void *(*work)(int) = library ? (void *(*)(int))dlsym(library, "work") : 0;
        if (!work)
            return 3;
        for (int n = 0; n < 50; n++)
            free(work(5555));
    }
    return 7;
}
C
$cc -g -O0 -o program program.c -ldl || exit 1
cxx=g++
[[ $cc == *clang* ]] && cxx=clang++
build() { "$cxx" -shared -fPIC -w "${@:2}" -o "$1" module.cc || exit 1; }
mkdir from
build from/plain.so -g -O0
build from/inlined.so -g -O2
build from/four.so -g -gdwarf-4 -O1
build from/compressed.so -g -gz -O1
build from/named.so -O1
build from/split.so -g -gsplit-dwarf -O1
objcopy --only-keep-debug from/plain.so debug && objcopy -S from/plain.so from/small.so && xz -k -c debug >debug.xz &&
    objcopy --add-section .gnu_debugdata=debug.xz from/small.so || exit 1
mapfile -t kinds < <(ls from/*.so)

say() {
    echo "FUZZ_SEED=$seed: $1"
    [ ! -s run.err ] || head -n 5 run.err
    exit 1
}
begun=$SECONDS rounds=0 died=0
value() { "$trace" sql -s fuzz.db "select $1" | tail -n 1 | tr -d ' '; }
while [ $((SECONDS - begun)) -lt "$seconds" ]; do
    rm -f fuzz.db* m*.so
    modules=() sources=()
    for ((i = 0; i < EACH; i++)); do
        sources+=("${kinds[(seed + i) % ${#kinds[@]}]}")
        modules+=("./m$i.so")
    done
    python3 "$SOURCE/tests/tools/mutate_debug.py" "$seed" . "${sources[@]}" || exit 1
    timeout 200 "$trace" run --check trace --store fuzz.db -- ./program "${modules[@]}" >run.out 2>run.err
    status=$?
    [ "$status" -eq 7 ] || say "run ended with $status; 7 was due"
    [ ! -s run.err ] || say "something is on stderr"
    until_true no_holder "$PWD/fuzz.db" || say "somebody still has the store open"
    "$trace" check -s fuzz.db >check.out 2>&1 || { head -n 20 check.out; say "check finds something"; }
    [ "$(value "total(kind = 'MALLOC' and size = 5555) || ' ' || (select coalesce(sum(count), 0) from loss) from event")" = "$((50 * EACH)).00" ] ||
        say "calls are missing or lost"
    "$trace" info -s fuzz.db >info.out 2>&1 || say "info fails"
    bad=$(grep -c '\.so: ' info.out)
    died=$((died + bad))
    [ "$bad" -eq 0 ] || { grep '\.so: ' info.out | sed "s/^/FUZZ_SEED=$seed: /"; }
    rounds=$((rounds + 1)) seed=$((seed + EACH))
done
echo "$((rounds * EACH)) damaged modules in $rounds programs, $died of them unreadable; next seed $seed"
[ "$rounds" -gt 0 ]
