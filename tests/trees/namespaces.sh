#!/usr/bin/env bash
# chroot, and namespaces of every kind: one store, though sockets, paths and pids are others there.
set -u
# shellcheck source=tests/tools/tree_run.sh
. "$SOURCE/tests/tools/tree_run.sh"
daemons=$BUILD/tests/trees/daemons forks=$BUILD/tests/trees/forks
: >said
root=$PWD/root
for file in "$daemons" "$debug_library" "$counter" $(ldd "$daemons" | grep -o '/[^ ]*'); do
    mkdir -p "$root$(dirname "$file")" && cp -L "$file" "$root$file" || exit 1
done
cp "$daemons" root/daemons || exit 1
tree chroot "$daemons" chroot "$PWD/said" "$root"
tree_counts=some # the counter's file cannot be reached in the new root
for way in tree tree_alone; do
    $way "chroot and exec" "$daemons" chroot_exec "$PWD/said" "$root"
    expect "count(*) from process where program = '/daemons' and end_kind = 1 and exit_status = 9" 1
done
tree_counts=all
tree "another user namespace" unshare -U "$forks" spawn
tree "another mount namespace" unshare -m "$forks" spawn
for way in tree tree_alone; do
    $way "another network namespace" unshare -n "$forks" spawn
    expect "count(*) from process where end_kind not in (1, 3)" 0
    $way "user and network" unshare -Urn "$forks" vfork
    # The first process of a pid namespace takes all others with it; what it wrote must be stored before.
    $way "another pid namespace" unshare -pf --mount-proc "$forks" plain
    expect "count(*) from process where pid = 1 and end_kind = 1 and exit_status = 0" 1
    expect "count(*) from process where pid = 1 and end_kind = 3" 1
done
found=$(find /tmp -maxdepth 1 -type s -name 'hakmem-*' -newer said)
[ -z "$found" ] || fail "a socket was left behind: $found"
