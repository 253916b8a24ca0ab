#!/usr/bin/env bash
# Programs of every day, most of them small: no report, and output, errors and status as without hakmem, in levels trace
# and normal, checked alone and recorded, also with calls of libc looked at: each program recorded in one level and in one way or none
# without a recording, all of it with FULL=1. Leaks are looked for in those that have none: by reading, by valgrind's and
# LeakSanitizer's word (with PYTHONMALLOC=malloc and the like, as `run --pools=malloc` sets them).
# timeout: 1800
# shellcheck disable=SC2016,SC2317
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/python_leaks.sh"
export LC_ALL=C TZ=UTC HOME=$PWD
turn=0 full=${FULL:-0}

/usr/bin/python3 "$SOURCE/tests/tools/make_c.py" 120 >big.c
/usr/bin/python3 "$SOURCE/tests/tools/make_inserts.py" 1500 >inserts.sql
cat >small.c <<'END'
#include <stdio.h>
struct tree { struct tree *left, *right; int key; };
int depth(const struct tree *t) { return t ? 1 + (depth(t->left) > depth(t->right) ? depth(t->left) : depth(t->right)) : 0; }
int main(void) { struct tree t = {0}; printf("%d\n", depth(&t)); return 0; }
END
cat >tree.cc <<'END'
#include <map>
#include <memory>
#include <string>
#include <vector>
struct base { virtual ~base() {} virtual int f() = 0; };
template <int N> struct node : base { std::map<std::string, std::vector<int>> m; int f() override { m[std::to_string(N)].push_back(N); return N + (int)m.size(); } };
int main() { std::vector<std::unique_ptr<base>> v; v.emplace_back(new node<1>); v.emplace_back(new node<2>); int s = 0; for (auto &x : v) s += x->f(); return s != 5; }
END
{
    printf '.TH A 1\n.SH NAME\na \\- b\n.SH OPTIONS\n'
    for i in $(seq 150); do printf '.TP\n.B -%s\nSome text about the option \\fI%s\\fP that fills a few lines of the page.\n' "$i" "$i"; done
} >page.1
mkdir -p project
printf 'cmake_minimum_required(VERSION 3.10)\nproject(demo C)\nadd_library(l STATIC l.c)\nadd_executable(demo m.c)\ntarget_link_libraries(demo l)\n' >project/CMakeLists.txt
echo 'int l(void) { return 3; }' >project/l.c
printf '#include <stdio.h>\nint l(void);\nint main(void) { printf("%%d\\n", l()); return 0; }\n' >project/m.c
gcc -g -O0 -o program small.c && openssl genrsa -out key.pem 2048 2>/dev/null && seq 2000 >numbers || exit 1

# ---- stories: each runs in a directory of its own below this one ---------------------------------
story_bash() {
    bash -c 'for i in {1..1000}; do a[i]=$i; x+=${a[i]}; done; declare -A m; for i in {1..300}; do m[k$i]=$((i * i)); done
        f() { [ "$1" -le 1 ] && { echo 1; return; }; echo $(($(f $(($1 - 1))) + $1)); }
        echo ${#x} ${m[k77]} $(f 8); trap "echo bye" EXIT; [[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo ${BASH_REMATCH[2]}'
}
story_mawk() { awk '{ a[$1 % 100] = a[$1 % 100] $1 } END { for (i = 0; i < 100; i++) n += length(a[i]); print n }' ../numbers; }
story_xz() { xz -T2 -c ../big.c | xz -dc | cksum; }
story_diff() { diff ../big.c ../small.c | cksum; }
story_make() { printf 'all: a b\n\t@echo all\na:\n\t@echo a $(words $(foreach i,1 2 3,$(shell echo $i)))\nb: a\n\t@echo b\n' | make -f -; }
story_vim() {
    cp ../big.c v.c
    vim.tiny -u NONE -es -c '%s/int/long/g' -c 'for i in range(300)|call append(0, repeat("x", i % 80))|endfor' -c sort -c wq v.c
    cksum <v.c
}
story_sqlite3() { sqlite3 -batch :memory: '.read ../inserts.sql'; }
story_openssl() {
    openssl dgst -sha512 ../big.c
    openssl rsa -in ../key.pem -text -noout | cksum
    openssl req -x509 -new -key ../key.pem -subj /CN=a -set_serial 1 | openssl x509 -noout -subject
    openssl ecparam -list_curves | cksum
}
story_curl() {
    curl -sS "file://$top/big.c" | cksum
    curl -sS http://127.0.0.1:1/ 2>refused
    echo "curl: $?"
    sed 's/after [0-9]* ms/after N ms/' refused >&2
}
story_qemu_img() {
    qemu-img create -q -f qcow2 a.qcow2 8M
    qemu-img convert -O qcow2 ../big.c b.qcow2
    qemu-img check b.qcow2 | head -n 1
    qemu-img snapshot -c now b.qcow2
    qemu-img convert -c -O qcow2 b.qcow2 c.qcow2 && qemu-img compare b.qcow2 c.qcow2
}
story_python3() { /usr/bin/python3 "$SOURCE/tests/tools/json_heavy.py" 2; }
story_clang() { clang -O2 -S -o - ../small.c | cksum; }
story_clangxx() { clang++ -fsyntax-only ../tree.cc && echo well; }
story_cc1plus() { g++ -O1 -frandom-seed=1 -S -o - ../tree.cc | cksum; }
story_perl() { perl -e 'my %h; push @{$h{$_ % 501}}, "v$_" for 1 .. 20000; print length join ",", map { @{$h{$_}} } sort { $a <=> $b } keys %h; print "\n"'; }
story_git() {
    export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
    git init -q -b main r && cd r && cp ../../big.c . && git add big.c && git -c user.name=a -c user.email=a commit -q -m a
    git log -p --stat | cksum
    git blame big.c | wc -l
}
story_gdb() { gdb -batch -nx -ex 'info line depth' -ex 'disassemble depth' -ex 'ptype struct tree' ../program; }
story_gdb_runs() {
    gdb -batch -nx -iex 'set debuginfod enabled off' -ex 'set startup-with-shell off' -ex 'break depth' -ex run -ex bt -ex kill ../program 2>&1 |
        grep -E '^(#|Breakpoint)' | sed 's/0x[0-9a-f]*/ADDRESS/'
}
story_cmake() { cmake -G Ninja -S ../project -B b >log && ninja -C b | tail -n 1 && b/demo; }
story_groff() { groff -man -Tutf8 ../page.1 | cksum; }
story_man() { man -l ../page.1 | cksum; }
story_dpkg() {
    mkdir -p p/DEBIAN && printf 'Package: a\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: a\n' >p/DEBIAN/control
    SOURCE_DATE_EPOCH=1 dpkg-deb -b p a.deb
    dpkg-deb -f a.deb
    dpkg -l | cksum
    dpkg -S /usr/bin/perl
}
story_apt() { apt-cache policy bash; }
story_node() { node -e 'console.log(JSON.stringify([...Array(5000).keys()].map(i => ({i, s: "x".repeat(i % 50)}))).length)'; }
story_tar() { tar czf t.gz -C .. project && tar tzf t.gz | wc -l; }

# ---- running them --------------------------------------------------------------------------------
top=$PWD
# tell WAY STORY COMMAND...: the story below the command, in a directory of its own.
tell() {
    local way=$1 story=$2 code=0
    shift 2
    rm -rf "${top:?}/run" && mkdir -p "$top/run"
    (cd "$top/run" && "$@" bash -c "story_$story") </dev/null >"$way.out" 2>"$way.err" || code=$?
    echo "$code" >"$way.status"
}
same() {
    local part
    for part in status out err; do
        cmp -s "due.$part" "$1.$part" && continue
        echo "$2, $1: another $part than without hakmem (< without, > with):"
        diff "due.$part" "$1.$part" | head -n 12
        failed=1
    done
}
# check LEAKS STORY...: LEAKS is what HAKMEM_LEAKS shall be.
check() {
    local leaks=$1 story level
    shift
    for story; do
        tell due "$story" env
        [ -s due.out ] || complain "$story prints nothing even without hakmem; the comparison is empty"
        turn=$((turn + 1))
        if [ "$full" = 1 ] || [ $((turn % 3)) -eq 0 ]; then
            tell alone "$story" env PYTHONMALLOC=malloc HAKMEM_TRACE=off HAKMEM_LEAKS="$leaks" LD_PRELOAD="$BUILD/hakmem-debug.so"
            same alone "$story"
        fi
        if [ "$full" = 1 ] || [ $((turn % 3)) -eq 1 ]; then
            tell strings "$story" env PYTHONMALLOC=malloc HAKMEM_TRACE=off HAKMEM_CHECK_STRING=1 LD_PRELOAD="$BUILD/hakmem-debug.so"
            same strings "$story"
        fi
        levels=(trace normal)
        [ "$full" = 1 ] || levels=("${levels[turn % 2]}")
        for level in "${levels[@]}"; do
            rm -f store.db*
            tell "$level" "$story" "$trace" run --wait --pools=malloc --check "$level" --leaks="$leaks" --store "$top/store.db" --
            same "$level" "$story"
        done
    done
}
export SOURCE top
export -f story_bash story_mawk story_xz story_diff story_make story_vim story_sqlite3 story_openssl story_curl story_qemu_img \
    story_python3 story_clang story_clangxx story_cc1plus story_perl story_git story_gdb story_gdb_runs story_cmake story_groff \
    story_man story_dpkg story_apt story_node story_tar
check error bash mawk xz diff make vim sqlite3 openssl curl qemu_img clang clangxx apt
check "$(python_leaks)" python3
check 0 cc1plus perl git gdb gdb_runs cmake groff man dpkg node tar
exit "$failed"
