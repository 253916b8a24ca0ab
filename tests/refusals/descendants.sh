#!/usr/bin/env bash
# Programs that a recorded process executes and that cannot be recorded: nothing on stderr, the
# program's own status, and the store says what it was and why.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
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
# Those that would not run, or not silently, with hakmem in LD_PRELOAD get it without.
gcc -fsanitize=address -o address main.c && clang -fsanitize=address -shared-libasan -o address_clang main.c \
    -Wl,-rpath,"$(dirname "$(clang -print-file-name=libclang_rt.asan-x86_64.so)")" || fail "no programs with sanitizers"
cp "$(realpath /lib64/ld-linux-x86-64.so.2)" ld-musl-x86_64.so.1 && "$cc" -o musl main.c -Wl,--dynamic-linker="$PWD/ld-musl-x86_64.so.1" ||
    fail "no program with another loader"
printf '.globl _start\n_start: mov $1,%%eax\nmov $7,%%ebx\nint $0x80\n' >narrow.s &&
    as --32 -o narrow.o narrow.s && ld -m elf_i386 -o narrow narrow.o || fail "no 32-bit program"
# A kernel without CONFIG_IA32_EMULATION refuses such a program also where nothing is recorded.
(exec ./narrow) >said 2>&1
case $? in
7) narrow=1 ;;
126) narrow=0 && echo "skipped: a 32-bit program: this kernel runs none" ;;
*) fail "the 32-bit program alone: $(cat said)" ;;
esac
printf '#! %s/address -x\n' "$PWD" >address_script && chmod +x address_script
noted "$PWD/address" "executed $PWD/address, which was not recorded: it is built with a sanitizer; what it starts is not recorded either"
noted ./address "executed ./address, which was not recorded: it is built with a sanitizer; what it starts is not recorded either"
noted "$PWD/address_clang" "executed $PWD/address_clang, which was not recorded: it is built with a sanitizer; what it starts is not recorded either"
noted "$PWD/address_script" "executed $PWD/address_script, which was not recorded: it is built with a sanitizer; what it starts is not recorded either"
noted "$PWD/musl" "executed $PWD/musl, which was not recorded: it is linked against another C library than glibc; what it starts is not recorded either"
[ $narrow -eq 0 ] || noted "$PWD/narrow" "executed $PWD/narrow, which was not recorded: it is a 32-bit program; what it starts is not recorded either"
printf '%s\n' '#define _GNU_SOURCE' '#include <fcntl.h>' '#include <sys/wait.h>' '#include <unistd.h>' \
    'int main(int n, char **words) { int status = n; if (vfork() == 0) { execveat(AT_FDCWD, words[1], words + 1, environ, 0); _exit(9); }' \
    'wait(&status); return WEXITSTATUS(status); }' >at.c && "$cc" -o at at.c || fail "no program that calls execveat"
[ $narrow -eq 0 ] || noted "./at $PWD/narrow" "executed $PWD/narrow, which was not recorded: it is a 32-bit program; what it starts is not recorded either"
noted "./at $PWD/address" "executed $PWD/address, which was not recorded: it is built with a sanitizer; what it starts is not recorded either"
noted "./at $PWD/static" "executed $PWD/static, which was not recorded: it is statically linked"
PATH=$PWD:$PATH noted "env address" "executed address, which was not recorded: it is built with a sanitizer; what it starts is not recorded either"
printf '#include <stdlib.h>\nint main(void) { char *volatile p = malloc(4); p[4] = 1; return 0; }\n' >wrong.c
gcc -fsanitize=address -o wrong wrong.c && "$trace" run --force -s tree.db -- sh -c './wrong; exit 0' >said 2>&1
grep -q 'AddressSanitizer: heap-buffer-overflow' said || fail "AddressSanitizer does not find what it finds alone: $(cat said)"

# Other preloads stay, and the library may be out of reach: in another root.
mkdir -p root/bin root/lib64 root/lib/x86_64-linux-gnu && cp /bin/dash root/bin/sh && cp /lib64/ld-linux-x86-64.so.2 root/lib64/ &&
    cp /lib/x86_64-linux-gnu/libc.so.6 root/lib/x86_64-linux-gnu/ || fail "no other root"
echo 'int other(void) { return 1; }' >other.c && "$cc" -shared -fPIC -o root/other.so other.c && cp root/other.so . || fail "no other preload"
if [ "$(id -u)" -eq 0 ]; then as_root=(env); else as_root=(unshare -Ur); fi
LD_PRELOAD=/other.so "${as_root[@]}" "$trace" run --force -s tree.db -- chroot root /bin/sh -c 'echo "$LD_PRELOAD"; exit 7' >said 2>errors
status=$?
[ $status -eq 7 ] && [ "$(cat said)" = /other.so ] || fail "chroot: status $status, LD_PRELOAD is '$(cat said)' there, /other.so was due"
grep -v "'/other.so' from LD_PRELOAD" errors && fail "chroot: $(cat errors)"
"$trace" sql -s tree.db "select note from process" | grep -qxF "executed /bin/sh, which was not recorded: hakmem-debug.so is out of its reach; what it starts is not recorded either" ||
    fail "chroot: it is not noted: $("$trace" info -s tree.db)"

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
for way in "subprocess.run([sys.argv[1]]).returncode" \
    "os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(sys.argv[1], [sys.argv[1]], os.environ), 0)[1])"; do
    "$trace" run --force -s tree.db -- /usr/bin/python3 -c "import os, subprocess, sys
sys.exit($way)" "$PWD/address" >said 2>&1
    [ $? -eq 7 ] && [ ! -s said ] || fail "$way: $(cat said)"
    [ "$("$trace" sql -s tree.db "select program || ' ' || note from process where note <> ''")" = \
        "$PWD/address executed $PWD/address, which was not recorded: it is built with a sanitizer; what it starts is not recorded either" ] ||
        fail "$way: $("$trace" info -s tree.db)"
done
exit 0
