#!/usr/bin/env bash
# Does what a user does with the installed packages alone, in his home folder: `packaged.sh PAGES.PY PAIRS.C`, which are of tests/docs and
# tests/tools. tests/long/packages.sh runs it in a bare root. Each step that does not do what it should says so and ends it.
set -u
export LC_ALL=C.UTF-8 PAGER=cat MANPAGER=cat
fail() { echo "packaged.sh: $*"; exit 1; }
[ "$(id -u)" != 0 ] || fail "this is for a user without rights"
# Without the right to write there, nothing is changed by accident.
doc=/usr/share/doc/hakmem-tools
[ ! -w /usr/lib/hakmem ] && [ ! -w $doc ] || fail "files of the packages can be written by $(id -un)"
cd "$(mktemp -d ~/work.XXXXXX)" || exit 1

# ---- the tutorial, word by word, with the package's own page and sample
cp -r $doc/examples/tutorial tutorial || fail "no sample of the tutorial"
(cd tutorial && python3 "$1" --here $doc/docs/tutorial.md) >out 2>&1 || { cat out; fail "the tutorial"; }

# ---- libhakmem: preloaded, linked by pkg-config, linked statically
cat >app.c <<'END'
#include <hakmem.h>
#include <stdio.h>
#include <stdlib.h>
static char *parse_row(void) { return malloc(48); }
static void stop(char *row) {
    row[0] = 1;
    abort();
}
int main(int count, char **arguments) {
    char *row = parse_row();
    if (count > 2)
        stop(row);
    if (count > 1)
        free(row);
    puts(hak_verify && hak_verify() == 0 ? "all agrees" : "not there");
    free(row);
    return arguments[0] == NULL;
}
END
gcc -g -o app app.c || fail "a program that includes hakmem.h does not compile"
read -ra flags < <(pkg-config --cflags --libs hakmem)
gcc -g -o linked app.c "${flags[@]}" || fail "pkg-config: a program is not linked by ${flags[*]}"
gcc -g -o static app.c "$(pkg-config --variable=libdir hakmem)/libhakmem.a" -lpthread || fail "a program is not linked statically"
said="$(./app), $(LD_PRELOAD=libhakmem.so.1 ./app), $(./linked), $(./static)"
[ "$said" = "not there, all agrees, all agrees, all agrees" ] || fail "libhakmem: $said"

# ---- hakmem-trace
hakmem-trace run -s fine.db -- ./app >out 2>&1 || { cat out; fail "a correct program"; }
hakmem-trace run -s wrong.db -- ./app twice >out 2>&1
[ $? = 1 ] && grep -q '^SUMMARY: hakmem: double-free app.c:16 main' out || { cat out; fail "a double free"; }
hakmem-trace why @fault -s wrong.db >out; grep -q 'parse_row  *app.c:4' out || { cat out; fail "why"; }
hakmem-trace run --allocator keep -s kept.db -- ./app >out 2>&1 || { cat out; fail "keep"; }
hakmem-trace explain HKM-202 >out && grep -q '^HKM-202 ' out || { cat out; fail "explain"; }
hakmem-trace html -s wrong.db page.html >out 2>&1 && [ -s page.html ] || { cat out; fail "html"; }
# A fault of the allocator itself: its own functions have names, though its libraries are stripped.
gcc -g -o pairs "$2" || exit 1
hakmem-trace run --inject offset16:40 -s pairs.db -- ./pairs >out 2>&1
grep -qE '#[0-9] __libc_free +hakmem ' out && ! grep -q '??' out || { cat out; fail "functions of the stripped library have no names"; }

# ---- man pages, completion
man hakmem-trace >page 2>&1 && grep -q SYNOPSIS page || { cat page; fail "man hakmem-trace"; }
for page in hakmem-trace-why 'hakmem(7)' 5,hakmem-store; do
    case $page in *,*) words=("${page%,*}" "${page#*,}") ;; *) words=("$page") ;; esac
    man "${words[@]}" >page 2>&1 && [ "$(wc -l <page)" -gt 20 ] || { cat page; fail "man ${words[*]}"; }
done
cat >complete.sh <<'END'
. /usr/share/bash-completion/bash_completion
_completion_loader hakmem-trace
read -ra line < <(complete -p hakmem-trace)
for i in "${!line[@]}"; do [ "${line[i]}" != -F ] || function=${line[i + 1]}; done
COMP_WORDS=(hakmem-trace "$1") COMP_CWORD=1 COMP_LINE="hakmem-trace $1" COMP_POINT=$((13 + ${#1}))
"$function" hakmem-trace "$1" hakmem-trace
echo "${COMPREPLY[*]}"
END
[ "$(bash --norc complete.sh expl)" = explain ] || fail "hakmem-trace expl, tab: $(bash --norc complete.sh expl 2>&1)"
[ "$(zsh -fc 'autoload -U compinit; compinit -D; print -r -- $_comps[hakmem-trace]')" = _hakmem-trace ] || fail "zsh does not find the completion"

# ---- gdb, with what it loads by itself: a process, and its core file
gdb -q -nx -batch -ex 'set startup-with-shell off' -ex 'set environment LD_PRELOAD libhakmem.so.1' -ex 'run 1 2' -ex up -ex up -ex up \
    -ex 'hakmem why row' -ex 'generate-core-file core' -ex kill ./app >out 2>&1
grep -q 'is the start of a block of 48 bytes, live: the program has it' out || { cat out; fail "hakmem why in gdb"; }
gdb -q -nx -batch -ex up -ex up -ex up -ex 'hakmem why row' ./app core >out 2>&1
grep -q 'is the start of a block of 48 bytes, live: the program has it' out || { cat out; fail "hakmem why on a core"; }
hakmem-trace core core >out && grep -qE '^allocator +libhakmem.so.1' out || { cat out; fail "core"; }
gdb -q -nx -batch -ex 'set startup-with-shell off' -ex 'set environment LD_PRELOAD /usr/lib/hakmem/hakmem-debug.so' -ex 'run 1 2' -ex up -ex up -ex up \
    -ex 'hakmem why row' -ex kill ./app >out 2>&1
grep -q 'is the start of a block of 48 asked' out || { cat out; fail "hakmem why in gdb, over hakmem-debug.so"; }

# ---- sqlite3
query="SELECT kind, count(*) FROM event GROUP BY kind"
sqlite3 -batch -tabs -cmd '.load /usr/lib/hakmem/hakmem_sqlite' wrong.db "$query" >got 2>&1
hakmem-trace sql -s wrong.db "$query" >due && [ -s due ] && cmp -s due got || { cat got; fail "sqlite3 with the extension"; }
cd .. && rm -rf work.*
hakmem-trace --version
