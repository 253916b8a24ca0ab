#!/usr/bin/env bash
# `why SYMBOL`: the program's symbols come before those of libraries, and hakmem's own never; several of one name are listed, and FILE: chooses.
# Of static data its symbol and section are named.
. "${SOURCE:?}/tests/tools/test.sh"
compiler=${CC:-cc}

# Names that hakmem's libraries have, too.
cat >shop.c <<'END'
#include <stdlib.h>
static void *pool;
char *names[4];
int stock_total(void);
long stock_count(void);
int main(void) {
    static int *current;
    pool = malloc(100);
    names[0] = malloc(3);
    current = pool;
    return current == NULL || stock_total() != 0 || stock_count() == 7;
}
END
cat >stock.c <<'END'
static long pool = 4;
static const char table[] = "of stock";
long stock_count(void) { return pool + table[0]; }
END
cat >total.c <<'END'
static int pool, only_there, shared;
int stock_total(void) { return pool + only_there + shared; }
END
cat >more.c <<'END'
static int shared = 1;
int *more(void) { return &shared; }
END
# Names in namespaces and classes, with tables and guards of the compiler's beside them.
cat >cart.cpp <<'END'
#include <cstdlib>
namespace shop {
struct Cart {
    static void *pool;
    virtual int total() { return 1; }
};
void *Cart::pool;
template <class T> struct Shelf {
    static inline T *list;
};
} // namespace shop
namespace {
int *chosen;
}
static void *fill(int bytes) {
    static void *kept = std::malloc(bytes);
    return kept;
}
static shop::Cart cart;
void *pool_of_cart;
int main() {
    shop::Cart::pool = fill(10);
    shop::Shelf<long>::list = new long[2];
    chosen = new int(cart.total());
    return pool_of_cart != nullptr;
}
END
g++ -g -O0 -std=c++17 -o cart cart.cpp || fail "no test program of C++"
"$compiler" -g -shared -fPIC -o libtotal.so total.c more.c && "$compiler" -g -O0 -o shop shop.c stock.c "$PWD/libtotal.so" || fail "no test program"
for program in shop cart; do
    "$trace" run -s $program.db -- ./$program >run.out 2>&1 || fail "$program, which is correct, ends with $?: $(cat run.out)"
done

# asks WORDS...: the answer with names in place of numbers that differ, and the status
asks() {
    echo "why $*"
    "$trace" why "$@" >out 2>&1
    local status=$?
    sed -E "s#$PWD/##; s/0x[0-9a-f]{6,}/ADDRESS/g; s/[(][0-9]+ events/(N events/; s/ the [0-9]+ modules/ the N modules/; s/[+]0x[0-9a-f]+/+OFFSET/
        s/main[.]current|current[.]0/current/; /^Looked in /d" out
    echo "= $status"
}

{
    for symbol in names current stock.c:pool shop.c:pool libtotal.so:pool total.c:pool libtotal:only_there only_there table; do
        asks $symbol -s shop.db
    done
    asks pool -s shop.db
    asks shared -s shop.db
    asks more.c:shared -s shop.db
    asks shop:names+8 -s shop.db
    asks nowhere.c:pool -s shop.db
    asks hak_options -s shop.db
    for symbol in pool Cart::pool shop::Cart::pool 'shop::Shelf<long>::list' list chosen kept cart.cpp:chosen cart:pool fill Shop::pool; do
        asks "$symbol" -s cart.db
    done
} >said
cat >due <<'END'
why names -s shop.db
ADDRESS was in no block of this capture.
It lies in shop+OFFSET, names in .bss: static data, not heap memory.
= 0
why current -s shop.db
ADDRESS was in no block of this capture.
It lies in shop+OFFSET, current in .bss: static data, not heap memory.
= 0
why stock.c:pool -s shop.db
ADDRESS was in no block of this capture.
It lies in shop+OFFSET, pool in .data: static data, not heap memory.
= 0
why shop.c:pool -s shop.db
ADDRESS was in no block of this capture.
It lies in shop+OFFSET, pool in .bss: static data, not heap memory.
= 0
why libtotal.so:pool -s shop.db
ADDRESS was in no block of this capture.
It lies in libtotal.so+OFFSET, pool in .bss: static data, not heap memory.
= 0
why total.c:pool -s shop.db
ADDRESS was in no block of this capture.
It lies in libtotal.so+OFFSET, pool in .bss: static data, not heap memory.
= 0
why libtotal:only_there -s shop.db
ADDRESS was in no block of this capture.
It lies in libtotal.so+OFFSET, only_there in .bss: static data, not heap memory.
= 0
why only_there -s shop.db
ADDRESS was in no block of this capture.
It lies in libtotal.so+OFFSET, only_there in .bss: static data, not heap memory.
= 0
why table -s shop.db
ADDRESS was in no block of this capture.
It lies in shop+OFFSET, table in .rodata: constants, not heap memory.
= 0
why pool -s shop.db
hakmem-trace: pool: 2 symbols have this name: shop.c:pool in shop, stock.c:pool in shop; FILE:SYMBOL chooses one
= 2
why shared -s shop.db
hakmem-trace: shared: 2 symbols have this name: total.c:shared in libtotal.so, more.c:shared in libtotal.so; FILE:SYMBOL chooses one
= 2
why more.c:shared -s shop.db
ADDRESS was in no block of this capture.
It lies in libtotal.so+OFFSET, shared in .data: static data, not heap memory.
= 0
why shop:names+8 -s shop.db
ADDRESS was in no block of this capture.
It lies in shop+OFFSET, names+0x8 in .bss: static data, not heap memory.
= 0
why nowhere.c:pool -s shop.db
hakmem-trace: nowhere.c:pool: no symbol 'pool' of nowhere.c in the N modules of shop.db as they are on this machine; 0x7f.., 7f.., p:N and @fault work as well
= 2
why hak_options -s shop.db
hakmem-trace: hak_options: no symbol 'hak_options' in the N modules of shop.db as they are on this machine; 0x7f.., 7f.., p:N and @fault work as well
= 2
why pool -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, shop::Cart::pool in .bss: static data, not heap memory.
= 0
why Cart::pool -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, shop::Cart::pool in .bss: static data, not heap memory.
= 0
why shop::Cart::pool -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, shop::Cart::pool in .bss: static data, not heap memory.
= 0
why shop::Shelf<long>::list -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, shop::Shelf<long>::list in .bss: static data, not heap memory.
= 0
why list -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, shop::Shelf<long>::list in .bss: static data, not heap memory.
= 0
why chosen -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, (anonymous namespace)::chosen in .bss: static data, not heap memory.
= 0
why kept -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, fill(int)::kept in .bss: static data, not heap memory.
= 0
why cart.cpp:chosen -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, (anonymous namespace)::chosen in .bss: static data, not heap memory.
= 0
why cart:pool -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, shop::Cart::pool in .bss: static data, not heap memory.
= 0
why fill -s cart.db
ADDRESS was in no block of this capture.
It lies in cart+OFFSET, fill(int) in .text: code, not heap memory.
= 0
why Shop::pool -s cart.db
hakmem-trace: Shop::pool: no symbol 'Shop::pool' in the N modules of cart.db as they are on this machine; 0x7f.., 7f.., p:N and @fault work as well
= 2
END
diff due said >difference || complain "other answers than these (<):" "$(cat difference)"
