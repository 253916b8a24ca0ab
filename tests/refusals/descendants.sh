#!/usr/bin/env bash
# What a recorded process executes and cannot be recorded: nothing on stderr, the program's own status,
# and the store says what it was and why.
set -u
BUILD=$(realpath -m "${BUILD:-build}")
trace=$BUILD/hakmem-trace
unset "${!HAKMEM_@}"
export LC_ALL=C
fail() { echo "descendants.sh: $*"; exit 1; }
cc=${CC:-cc}

echo 'int main(void) { return 7; }' >main.c
printf '#include <stddef.h>\nvoid *malloc(size_t n) { static char c[99]; return n < 99 ? c : NULL; }\nint main(void) { return malloc(1) ? 7 : 0; }\n' >own.c
"$cc" -static -o static main.c || fail "no static program"
"$cc" -fno-builtin -o own_malloc own.c || fail "no program with a malloc"
gcc -fsanitize=address -static-libasan -o sanitized main.c || fail "no program with a sanitizer"
gcc -fsanitize=thread -o thread_gcc main.c && clang -fsanitize=thread -o thread_clang main.c &&
    clang -fsanitize=memory -o memory_clang main.c || fail "no programs with sanitizers"
cp static set_user
set_user=$PWD/set_user
if [ "$(id -u)" -eq 0 ]; then chown 1:1 set_user && chmod 4755 set_user; fi

# noted PROGRAM NOTE: PROGRAM is executed in a forked child, and in place of the recorded shell.
noted() {
    local program=$1 note=$2 status
    "$trace" run --force -s tree.db -- sh -c "(exec $program); $program; exec $program" >said 2>&1
    status=$?
    [ "$status" -eq 7 ] || fail "$program: status $status, 7 was due; $(cat said)"
    [ ! -s said ] || fail "$program: $(cat said)"
    "$trace" sql -s tree.db "select note from process where note <> ''" >notes
    [ "$(wc -l <notes)" -ge 2 ] || fail "$program: it is noted $(wc -l <notes) times: $("$trace" info -s tree.db)"
    sort -u notes | grep -vxF "$note" && fail "$program: due was the note: $note"
    "$trace" info -s tree.db | grep -qF "$note" || fail "$program: info does not say: $note"
}
noted "$PWD/static" "executed $PWD/static, which was not recorded: it is statically linked"
noted "$PWD/own_malloc" "it has a malloc of its own inside: what comes from there is not recorded"
noted "$PWD/sanitized" "it is built with a sanitizer: what comes from there is not recorded"
# Those that are seen in time are left alone: their functions must not be called before them.
for name in thread_gcc thread_clang memory_clang; do
    noted "$PWD/$name" "executed $PWD/$name, which was not recorded: it is built with a sanitizer"
    LD_PRELOAD=$BUILD/libhakmem.so "./$name"
    [ $? -eq 7 ] || fail "$name does not run under libhakmem.so"
done
if [ "$(id -u)" -eq 0 ]; then
    noted "$set_user" "executed $set_user, which was not recorded: it is statically linked"
fi
# The child of a vfork has no row of its own: one is made for what it becomes.
"$trace" run --force -s tree.db -- /usr/bin/python3 -c 'import subprocess, sys
sys.exit(subprocess.run([sys.argv[1]]).returncode)' "$PWD/static" >said 2>&1
[ $? -eq 7 ] && [ ! -s said ] || fail "a child of vfork: $(cat said)"
[ "$("$trace" sql -s tree.db "select program || ' ' || note from process where note <> ''")" = \
    "$PWD/static executed $PWD/static, which was not recorded: it is statically linked" ] ||
    fail "a child of vfork: $("$trace" info -s tree.db)"
exit 0
