#!/usr/bin/env bash
# The archive of make portable, unpacked in a sandbox in which nothing is but glibc's own libraries and the programs that are recorded: reports,
# answers, the page and what reads a core come out of it; gdb's script finds its way, and the archive holds what it says.
. "${SOURCE:?}/tests/tools/test.sh"
version=$(sed -n 's/^#define HAK_VERSION  *"\(.*\)"$/\1/p' "$SOURCE/src/version.h")
name=hakmem-$version-x86_64
XZ_LEVEL=-0 make -s -C "$SOURCE" BUILD="$BUILD" portable >made 2>&1 || { cat made; fail "make portable failed"; }
mkdir box && tar -xf "$BUILD/portable/$name.tar.xz" -C box || fail "no archive"
tree=$PWD/box/$name
for file in bin/hakmem-trace lib/hakmem/hakmem-collect lib/hakmem/hakmem-player lib/hakmem/hakmem-debug.so lib/hakmem/hakmem-record.so lib/hakmem/hakmem-attach.so lib/hakmem/hakmem-gdb.py \
    lib/libhakmem.so lib/libhakmem.a include/hakmem.h share/man/man1/hakmem-trace.1 share/doc/hakmem/README.md share/doc/hakmem/LICENSE; do
    [ -s "$tree/$file" ] || fail "the archive has no $file"
done
find "$tree/lib/needed" -printf '%f\n' | grep -E '^(libc|libm|libpthread|libdl|librt|libresolv|libnss.*|ld-linux.*)\.so' && fail "libraries of glibc's lie in the archive"
for library in libsqlite3 libdw libcapstone; do ls "$tree/lib/needed/$library".so.* >listed || fail "$library is not in the archive"; done
licences=("$tree"/share/doc/hakmem/licences/*)
[ ${#licences[@]} -gt 5 ] || fail "licences: ${licences[*]}"

# Files of this machine in the sandbox: the libraries of the package libc6, and nothing else.
root=()
while read -r file; do root+=(--ro-bind "$file" "$file"); done < <(dpkg -L libc6 | grep -E '^(/usr)?/lib(64|/x86_64-linux-gnu)/[^/]*\.so(\.[0-9]+)*$')
[ ${#root[@]} -gt 30 ] || fail "the files of libc6: ${root[*]}"
loader=/lib64/ld-linux-x86-64.so.2
[[ " ${root[*]} " == *" $loader "* ]] || root+=(--ro-bind "$(realpath "$loader")" "$loader")
cp "$BUILD/tests/faults/use_after_free_behind" "$BUILD/tests/faults/correct_sizes" box/
within() { bwrap --unshare-pid --die-with-parent --proc /proc --dev /dev --tmpfs /tmp "${root[@]}" --bind "$PWD/box" /box --chdir /box "$@" >said 2>&1; }
trace=$name/bin/hakmem-trace
within "$trace" --version || { cat said; fail "hakmem-trace does not start: status $?"; }

# Recorded, reported with the instruction (libcapstone), answered, shown.
within "$trace" run -s fault.db -- ./use_after_free_behind
[ $? -eq 1 ] && grep -q '^hakmem: HKM-304 use-after-free: .* reads .* 64 bytes past' said && grep -q '^ *INSTRUCTION  *mov' said ||
    { cat said; fail "no report"; }
within "$trace" faults -s fault.db
grep -q "HKM-304 use-after-free  .*use_after_free_behind.c:7" said || { cat said; fail "no answer of faults"; }
within "$trace" why @fault -s fault.db; grep -q "malloc(100) in main use_after_free_behind.c:5" said || { cat said; fail "no answer of why"; }
for level in trace light normal; do
    within "$trace" run --check "$level" -s "$level.db" -- ./correct_sizes || { cat said; fail "level $level: status $?"; }
done
within "$trace" top -s trace.db || { cat said; fail "no answer of top"; }
within "$trace" run --allocator keep -s kept.db -- ./correct_sizes || { cat said; fail "run --allocator keep: status $?"; }
within "$trace" html -s trace.db page.html && grep -q '</html>' box/page.html || { cat said; fail "no page"; }
within "$trace" view -s trace.db && fail "view without a terminal"
grep -qi 'terminal' said || { cat said; fail "view says nothing of a terminal"; }

# gdb's script finds hakmem-trace from where it lies, and a debugger finds it by the library.
# shellcheck disable=SC2016
gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex "set auto-load safe-path $tree" \
    -ex "set environment LD_PRELOAD $tree/lib/hakmem/hakmem-debug.so" -ex 'set environment HAKMEM_TRACE off' -ex 'break main' -ex run -ex 'hakmem why $sp' -ex 'hakmem heap' -ex kill \
    --args "$PWD/box/correct_sizes" </dev/null >said 2>&1
grep -q '^allocator  hakmem-debug.so' said || { cat said; fail "gdb's script"; }
