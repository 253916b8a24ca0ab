#!/usr/bin/env bash
# Never silently empty: what cannot be recorded is refused before it starts, with one line that says
# what is in the way and what to do, and status 2; what turns out only later gives one line and
# status 4. A store that is named is made there or nowhere.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/refusals
export LC_ALL=C
cc=${CC:-cc}

# A place that an unprivileged user can reach, with hakmem in it.
base=/tmp
findmnt -no OPTIONS -T $base | grep -q nosuid && base=/var/tmp # rights of files must count there
place=$(mktemp -d $base/refusals.XXXXXX) && chmod 755 "$place" || exit 2
cleanup() { chmod -R u+rwX "$place"; rm -rf "$place"; }
cd "$place" || exit 2
mkdir bin work && chmod 777 work
cp "$BUILD/hakmem-trace" "$BUILD/hakmem-collect" "$BUILD/hakmem-debug.so" bin/ || fail "hakmem is not built"
trace=$place/bin/hakmem-trace

# As somebody who is not root.
unprivileged() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    else
        "$@"
    fi
}

# refused STATUS LINE COMMAND...: that status, that one line on stderr ("hakmem-trace: " in front left
# out), nothing on stdout, and no store.
refused() {
    local due_status=$1 line=$2 status
    shift 2
    (cd work && "$@" >../said 2>../errors </dev/null)
    status=$?
    [ "$status" -eq "$due_status" ] || fail "$*: status $status, $due_status was due; $(cat said errors)"
    [ "$(cat errors)" = "hakmem-trace: $line" ] || fail "$*: it says
$(cat errors)
and should say
hakmem-trace: $line"
    [ ! -s said ] || fail "$*: stdout: $(cat said)"
    [ -z "$(find work -name '*.db*' -type f)" ] || fail "$*: a store was left: $(find work -name '*.db*')"
}

# ---- programs --------------------------------------------------------------------------------------
echo 'int main(void) { return 0; }' >main.c
printf '#include <stddef.h>\nvoid *malloc(size_t n) { static char c[99]; return n < 99 ? c : NULL; }\nint main(void) { return malloc(1) == NULL; }\n' >own.c
printf '#include <stdlib.h>\nint main(void) { free(malloc(1)); return 0; }\n' >takes.c
mkdir p
$cc -o p/dynamic main.c && $cc -static -o p/static main.c && $cc -static-pie -o p/static_pie main.c &&
    $cc -o p/musl main.c -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 &&
    $cc -fno-builtin -o p/own_malloc own.c && $cc -fno-builtin -o p/linked_archive takes.c "$BUILD/libhakmem.a" || fail "no test programs"
gcc -fsanitize=address -o p/asan main.c && gcc -fsanitize=address -static-libasan -o p/asan_static main.c &&
    gcc -fsanitize=thread -o p/tsan main.c && gcc -fsanitize=leak -o p/lsan main.c &&
    clang -fsanitize=address -o p/asan_clang main.c && clang -fsanitize=memory -o p/msan_clang main.c ||
    fail "no programs with sanitizers"
head -c 40 p/dynamic >p/cut
{ printf '\177ELF\001\001\001'; head -c 45 /dev/zero | tr '\0' '\001'; } >p/narrow
cp p/dynamic p/arm && printf '\267' | dd of=p/arm bs=1 seek=18 conv=notrunc status=none
printf 'data\0data' >p/text
printf 'echo plain "$@"; exit 6\n' >p/plain_script
printf '#!/no/such/interpreter\n' >p/bad_script
printf '#!%s/p/static\n' "$place" >p/static_script
printf '#!/usr/bin/env -S x=1 %s/p/own_malloc\n' "$place" >p/env_script
cp p/dynamic p/set_user && cp p/dynamic p/set_group && cp p/dynamic p/capable
chmod 755 p/*
cp p/dynamic p/closed && chmod 644 p/closed
cp p/static p/unread_static && cp p/dynamic p/unread && chmod 111 p/unread p/unread_static
P=$place/p

static='is statically linked, so nothing can get between it and its malloc; link it dynamically'
sanitizer='is built with a sanitizer, which replaces malloc itself; build it without -fsanitize'
own='has a malloc of its own inside, which comes before any other; build it without that'
rights='so the loader ignores hakmem; run a copy without these rights, or run it as their owner'
run() { local line=$1; shift; refused 2 "run: $line" "$trace" run -- "$@"; }
run "$P/static $static" "$P/static"
run "$P/static_pie $static" "$P/static_pie"
run "$P/static $static" "$P/static_script"
run "$P/narrow is a 32-bit program; hakmem-debug.so is for 64-bit x86-64 programs" "$P/narrow"
run "$P/arm is for another processor; hakmem-debug.so is for x86-64" "$P/arm"
run "$P/musl is linked against another C library than glibc; hakmem-debug.so needs glibc" "$P/musl"
for name in asan asan_static tsan lsan asan_clang msan_clang; do
    run "$P/$name $sanitizer" "$P/$name"
done
run "$P/own_malloc $own" "$P/own_malloc"
run "$P/linked_archive $own" "$P/linked_archive"
run "$P/own_malloc $own" "$P/env_script"
run "$P/cut is cut short: its ELF header cannot be read" "$P/cut"
run "$P/text is not a program: neither an ELF file nor a script" "$P/text"
run "$P/bad_script: its interpreter /no/such/interpreter cannot be executed: No such file or directory" "$P/bad_script"
run "$P/closed may not be executed (chmod +x would allow it)" "$P/closed"
run "$P is a directory, not a program" "$P"
run "$P/none: No such file or directory" "$P/none"
run "no program 'no-such-program' in PATH" no-such-program

# Rights of the file. They need root to be given, or a user namespace.
if [ "$(id -u)" -eq 0 ]; then as_root=(env); else as_root=(unshare -Ur); fi
"${as_root[@]}" /usr/bin/python3 -c '
import os, sys
os.setxattr(sys.argv[1], "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))' "$P/capable" ||
    fail "no file capabilities can be given here"
refused 2 "run: $P/capable has file capabilities, $rights" unprivileged "$trace" run -- "$P/capable"
if [ "$(id -u)" -eq 0 ]; then
    chown 1:1 p/set_user && chmod 4755 p/set_user
    chown 0:1 p/set_group && chmod 2755 p/set_group
    set_user=$P/set_user set_group=$P/set_group
    run "$set_user is set-user-id, $rights" "$set_user"
    run "$set_group is set-group-id, $rights" "$set_group"
else
    set_user=/usr/bin/su set_group=/usr/bin/chage
fi
refused 2 "run: $set_user is set-user-id, $rights" unprivileged "$trace" run -- "$set_user"
refused 2 "run: $set_group is set-group-id, $rights" unprivileged "$trace" run -- "$set_group"
# Rights that will not be given are in nobody's way.
(cd work && unprivileged setpriv --no-new-privs "$trace" run -- "$set_user" --help >/dev/null 2>../errors)
grep -q 'set-user-id' errors && fail "a set-user-id program is refused although no rights can be gained"
rm -f work/*.db*

# Executable and not readable: tried, and said when nothing came of it.
refused 4 "run: the program was not recorded: $P/unread_static may be executed but not read, so it could not be checked first (is it static, or set-id?); make it readable" \
    unprivileged "$trace" run -- "$P/unread_static"
(cd work && unprivileged "$trace" run -s unread.db -- "$P/unread" >../said 2>../errors) || fail "an unreadable program: status $?; $(cat errors)"
[ ! -s errors ] || fail "an unreadable program: $(cat errors)"
[ "$(unprivileged "$trace" sql -s work/unread.db 'select count(*) from process')" = 1 ] || fail "an unreadable program was not recorded"
rm -f work/*.db*

# A text without #! is given to /bin/sh, as execvp does.
(cd work && "$trace" run -s plain.db -- "$P/plain_script" 'a  b' >../said 2>&1)
[ $? -eq 6 ] && [ "$(cat said)" = 'plain a  b' ] || fail "a script without #!: $(cat said)"
[ "$("$trace" sql -s work/plain.db 'select count(*) from process')" = 1 ] || fail "a script without #! was not recorded"
rm -f work/*.db*

# ---- the store's place -------------------------------------------------------------------------------
named() { local line=$1; shift; refused 2 "run: $line" "$trace" run "$@" -- "$P/dynamic"; }
W=$place/work
mkfifo work/pipe && ln -s elsewhere.db work/link && mkdir work/folder
for force in '' --force; do
    # shellcheck disable=SC2086
    {
        named "$W/pipe is a pipe, and a store must be a file; -s FILE names another" $force -s pipe
        named "$W/link is a symbolic link, which is not followed; name the file itself with -s FILE" $force -s link
        named "$W/folder is a directory, and a store must be a file; -s FILE names another" $force -s folder
        named "/dev/null is a device, and a store must be a file; -s FILE names another" $force -s /dev/null
        named "$W/none/x.db: its directory does not exist; create it, or name another with -s FILE" $force -s none/x.db
    }
done
long=$(printf 'd%.0s' {1..200})
mkdir -p "work/$long/$long"
named "the store's path has $((${#W} + 603)) bytes, and SQLite takes 503; name a shorter one with -s FILE: $W/$long/$long/${long:3}.db" \
    -s "$long/$long/${long:3}.db"
echo text >work/text
named "$W/text exists already; --force replaces it, -s FILE names another" -s text
named "$W/text exists and is not a hakmem store: it is not replaced; -s FILE names another" --force -s text
[ "$(cat work/text)" = text ] || fail "a file that is no store was changed"
HAKMEM_TRACE_FILE=none/y.db refused 2 "run: $W/none/y.db: its directory does not exist; create it, or name another with -s FILE" \
    "$trace" run -- "$P/dynamic"
mkdir closed && chmod 755 closed && if [ "$(id -u)" -ne 0 ]; then chmod 555 closed; fi
refused 2 "run: $place/closed/x.db cannot be created: Permission denied; name another with -s FILE" \
    unprivileged "$trace" run -s "$place/closed/x.db" -- "$P/dynamic"

# Not named: another place is taken, in one line, and the program is recorded.
elsewhere() {
    local line=$1 status
    shift
    mkdir -p -m 777 tmp
    "$@" >said 2>errors </dev/null
    status=$?
    [ "$status" -eq 0 ] || fail "$*: status $status; $(cat errors)"
    grep -qE "^hakmem: the store is $place/tmp/hakmem\.dynamic\.[0-9]+\.db, since .*/hakmem\.dynamic\.[0-9]+\.db: $line" errors &&
        [ "$(wc -l <errors)" -eq 1 ] || fail "$*: $(cat errors)"
    "$trace" check -s tmp/hakmem.dynamic.*.db >said 2>&1 || fail "$*: the store elsewhere: $(cat said)"
    rm -rf tmp
}
in_closed() { (cd closed && TMPDIR=$place/tmp unprivileged "$@"); }
elsewhere 'making it is not allowed \(Permission denied\)' in_closed "$trace" run -- "$P/dynamic"

# ---- a full disk -------------------------------------------------------------------------------------
$cc -D_GNU_SOURCE -shared -fPIC -w -O1 -o full.so "$here/full.c" -ldl && $cc -w -O0 -o p/busy "$here/busy.c" || fail "full.c does not compile"
# The collector drops LD_PRELOAD; a script in its place sets it again.
printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$place/full.so" "$place/bin/hakmem-collect" >bin/collect && chmod +x bin/collect
full=(env LD_PRELOAD="$place/full.so" HAKMEM_COLLECT="$place/bin/collect" FULL_UNDER="$W/")
FULL_AFTER=1000 refused 2 "run: $W/x.db: the disk is full (a store begins with 160 KiB); make room, or name another with -s FILE" \
    "${full[@]}" "$trace" run -s x.db -- "$P/dynamic"
FULL_AFTER=1000 elsewhere 'the disk is full' env --chdir=work TMPDIR="$place/tmp" "${full[@]}" "$trace" run -- "$P/dynamic"

# In the middle: the program goes on and keeps its output; the rest is counted as lost, and it is said.
(cd work && FULL_AFTER=1000000 "${full[@]}" "$trace" run -s middle.db -- "$P/busy" >../said 2>../errors)
status=$?
# Its own status when the end could still be written into the room that was left, else 4 and a line.
case "$status" in
3) due=0 ;;
4) due=1 ;;
*) fail "a disk that fills up: status $status, 3 or 4 was due; $(cat errors)" ;;
esac
[ "$(grep -c '^hakmem-trace: run: ' errors)" -eq "$due" ] || fail "a disk that fills up, status $status: $(cat errors)"
[ "$(cat said)" = "done" ] || fail "a disk that fills up: the program says $(cat said)"
grep -q "^hakmem: $W/middle.db: the disk is full while .*make room, or set HAKMEM_TRACE_MAX" errors ||
    fail "a disk that fills up: $(cat errors)"
[ "$(wc -l <errors)" -eq $((1 + due)) ] || fail "a disk that fills up is told of in $(wc -l <errors) lines: $(cat errors)"
"$trace" info -s work/middle.db >said 2>errors
[ $? -eq 4 ] || fail "info takes the store of the full disk for complete: $(cat said errors)"
grep -qE '^complete .*(disk|lost)' said || fail "info does not say what is missing: $(cat said)"
[ "$("$trace" sql -s work/middle.db 'select count(*) > 100 from event' 2>/dev/null)" = 1 ] || fail "nothing of the time before the disk was full is there"
rm -f work/*.db*
exit 0
