#!/usr/bin/env bash
# A library that has libstdc++ inside, seen by nobody else: its new calls malloc and its delete free. Objects that
# cross between it and the program are no mismatch, with names in the library and without.
. "${SOURCE:?}/tests/tools/test.sh"
cat >library.cpp <<'E'
#include <cstdlib>
#include <string>
std::string made() { return std::string(60, 'm'); }
void taken(std::string s) { std::string mine(std::move(s)); }
int *made_many() { return new int[20]; }
struct alignas(64) Wide { char bytes[64]; };
void *made_wide() { return new Wide; }
char *plain() { return static_cast<char *>(std::malloc(40)); }
int thrown() { try { throw std::string(40, 't'); } catch (std::string &s) { return (int)s.size(); } }
E
cat >program.cpp <<'E'
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
std::string made();
void taken(std::string s);
int *made_many();
struct alignas(64) Wide { char bytes[64]; };
void *made_wide();
char *plain();
int thrown();
int main(int, char **argument) {
    if (std::strcmp(argument[1], "cross") == 0)
        for (int i = 0; i < 300; i++) {
            std::string s = made();
            taken(std::string(80, 'p'));
            delete[] made_many();
            delete static_cast<Wide *>(made_wide());
            if (thrown() != 40 || s.size() != 60)
                return 3;
        }
    else if (std::strcmp(argument[1], "plain") == 0)
        delete plain();
    else
        std::free(new char);
    std::puts("done");
    return 0;
}
E
g++ -O1 -std=c++17 -shared -fPIC -static-libstdc++ -Wl,--exclude-libs,ALL -o liblibrary.so library.cpp || exit 1
g++ -O0 -g -std=c++17 -o program program.cpp -L. -llibrary "-Wl,-rpath,$PWD" || exit 1
nm -D --defined-only liblibrary.so | grep -q ' _Znwm$' && fail "the library shows its operator new: nothing is tried here"

# run_it NAME DUE CASE [SETTING...]: exit status DUE is due, and on stderr nothing for 0.
run_it() {
    local name=$1 due=$2 what=$3 got
    shift 3
    rm -f store.db
    env "$@" "$BUILD/hakmem-trace" run -s store.db -- ./program "$what" >out 2>err
    got=$?
    [ "$got" -eq "$due" ] || complain "$name, $what: status $got, $due was due" "$(head -n 3 err)"
    [ "$due" -ne 0 ] || [ ! -s err ] || complain "$name, $what: stderr: $(head -n 3 err)"
}
for setting in HAKMEM_TRACE=on HAKMEM_TRACE=off HAKMEM_ON_FAULT=continue; do
    run_it "with names, $setting" 1 plain $setting
    grep -qE '^hakmem: HKM-203 alloc-dealloc-mismatch: main\(\) program\.cpp:[0-9]+ calls delete on a 40-byte block from malloc; expected free$' err ||
        complain "$setting: plain was told as: $(head -n 1 err)"
    run_it "with names, $setting" 1 freed $setting
    grep -qE '^hakmem: HKM-203 alloc-dealloc-mismatch: main\(\) program\.cpp:[0-9]+ calls free on a 1-byte char from new; expected delete$' err ||
        complain "$setting: freed was told as: $(head -n 1 err)"
    run_it "with names, $setting" 0 cross $setting
    # Found out in the program itself: what is only checked makes no store.
    [ "$setting" != HAKMEM_TRACE=off ] || [ ! -e store.db ] || complain "a store was made, though there was nothing to tell"
done
strip liblibrary.so
run_it stripped 0 cross
exit "$failed"
