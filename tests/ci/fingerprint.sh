#!/usr/bin/env bash
# A finding has one fingerprint: in every run (addresses are drawn anew), after lines have moved, in another
# checkout, optimised or not, in C++ with templates; another place has another one.
. "${SOURCE:?}/tests/tools/test.sh"

# print FOLDER COMPILER FLAGS...: builds FOLDER/app and prints the fingerprint of its one fault.
print() {
    local folder=$1 compiler=$2 source
    shift 2
    source=$(echo "$folder"/src/app.c*)
    "$compiler" -g -w "$@" -o "$folder/app" "$source" || return 1
    "$BUILD/hakmem-trace" run -f -s print.db --log /dev/null -- "$folder/app"
    sqlite3 print.db 'SELECT fingerprint FROM fault'
}
same() { [ -n "$2" ] && [ "$1" = "$2" ] || fail "$3: $1 became $2"; }
other() { [ -n "$2" ] && [ "$1" != "$2" ] || fail "$3: it is still $1"; }

mkdir -p a/src b/deeper/src c/src plus/src || exit 2
cat >a/src/app.c <<'END'
#include <stdlib.h>
#include <string.h>
static void put(char *to, const char *text) { strcpy(to, text); }
static char *copy(const char *text) { char *to = malloc(strlen(text)); put(to, text); return to; }
static void work(void) { char *text = copy("sixteen letters!"); free(text); }
int main(void) { work(); return 0; }
END
first=$(print a "${CC:-cc}" -O0) || fail "no build"
case $first in HKM-301:*) ;; *) fail "the fault is not an overflow: $first" ;; esac
same "$first" "$(print a "${CC:-cc}" -O0)" "another run"
{ printf '/* moved */\n\n\n'; cat a/src/app.c; } >b/deeper/src/app.c
same "$first" "$(print b/deeper "${CC:-cc}" -O0)" "another folder, other lines"
same "$first" "$(print a "${CC:-cc}" -O2 -fno-builtin)" "optimised, so that functions are inlined"
same "$first" "$(print a "${CC:-cc}" -O0 -no-pie)" "at a fixed address"
sed 's/\bcopy\b/duplicate/' a/src/app.c >c/src/app.c
other "$first" "$(print c "${CC:-cc}" -O0)" "another function"
# Found at exit, by the sweep, and not by free: it is the same block that was allocated there.
sed 's/free(text);//' a/src/app.c >c/src/app.c
same "$first" "$(print c "${CC:-cc}" -O0)" "found at exit"

# Without symbols: the module and the place in it.
sed 's/strcpy(to, text);/free(to); free(to);/' a/src/app.c >c/src/app.c
bare=$(print c "${CC:-cc}" -O0 -s -g0) || fail "no build"
mkdir -p d/src && cp c/src/app.c d/src/app.c
same "$bare" "$(print d "${CC:-cc}" -O0 -s -g0)" "no symbols, another folder"
sed -i 's/^int main/int more(int n) { return n * n + 7 * n; } int main/; s/static void work/__attribute__((aligned(256))) static void work/' d/src/app.c
other "$bare" "$(print d "${CC:-cc}" -O0 -s -g0)" "no symbols, other code"

# Templates: the arguments are no part of the name; nor is the namespace, which inlining may lose.
cat >plus/src/app.cc <<'END'
#include <cstdlib>
#include <vector>
namespace app { namespace {
template <typename T> struct Cache {
    std::vector<T *> list;
    void put(T *item) { list.push_back(item); }
    void clear() { for (T *item : list) std::free(item); for (T *item : list) std::free(item); }
};
} }
int main() { app::Cache<TYPE> cache; cache.put((TYPE *)std::malloc(sizeof(TYPE))); cache.clear(); }
END
int=$(print plus c++ -O0 -DTYPE=int) || fail "no build"
case $int in HKM-202:*) ;; *) fail "the fault is not a double free: $int" ;; esac
same "$int" "$(print plus c++ -O0 -DTYPE=double)" "another instance of a template"
same "$int" "$(print plus c++ -O2 -fno-builtin -DTYPE=double)" "optimised C++"
