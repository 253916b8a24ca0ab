#!/usr/bin/env bash
# chroot, and namespaces of every kind: one store, though sockets, paths and pids are others there.
. "${SOURCE:?}/tests/tools/tree_run.sh"
daemons=$BUILD/tests/trees/daemons forks=$BUILD/tests/trees/forks
: >said
root=$PWD/root
for file in "$daemons" "$debug_library" "$counter" $({ ldd "$daemons" && ldd "$counter"; } | grep -o '/[^ ]*'); do
    mkdir -p "$root$(dirname "$file")" && cp -L "$file" "$root$file" || exit 1
done
cp "$daemons" root/daemons || exit 1
# Runs a command and notes under which name its keeper listens, which may be that of a socket in /tmp, too.
cat >noting <<'E_NOTING'
#!/bin/bash
env | sed -n 's/^HAKMEM_SESSION=\([^:]*\).*/\1/p' >>names
exec "$@"
E_NOTING
chmod +x noting
tree chroot ./noting "$daemons" chroot "$PWD/said" "$root"
tree_counts=some # the counter's file cannot be reached in the new root
for way in tree tree_alone; do
    $way "chroot and exec" ./noting "$daemons" chroot_exec "$PWD/said" "$root"
    expect "count(*) from process where program = '/daemons' and end_kind = 1 and exit_status = 9" 1
done
tree_counts=all
tree "another user namespace" ./noting unshare -U "$forks" spawn
tree "another mount namespace" ./noting unshare -m "$forks" spawn
for way in tree tree_alone; do
    $way "another network namespace" ./noting unshare -n "$forks" spawn
    expect "count(*) from process where end_kind not in (1, 3)" 0
    $way "user and network" ./noting unshare -Urn "$forks" vfork
    # The first process of a pid namespace takes all others with it; what it wrote must be stored before.
    $way "another pid namespace" ./noting unshare -pf --mount-proc "$forks" plain
    expect "count(*) from process where pid = 1 and end_kind = 1 and exit_status = 0" 1
    expect "count(*) from process where pid = 1 and end_kind = 3" 1
done
[ "$(sort -u names | wc -l)" -eq 11 ] || fail "the names of 11 keepers are due: $(cat names)"
no_socket_left() {
    while read -r name; do [ ! -e "/tmp/$name" ] || return 1; done <names
}
until_true no_socket_left || fail "a socket was left behind: /tmp/$name"
