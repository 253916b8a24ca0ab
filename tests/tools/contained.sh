#!/usr/bin/env bash
# The container file with images of our own: `contained.sh PACKAGES BASE OTHER`, PACKAGES a folder of Debian's packages, BASE a bare root
# of Debian 12, OTHER one of another system. buildah builds it, and a program in OTHER's image is recorded: as packaging/container says,
# as process 1, and from a volume. tests/long/packages.sh runs it, as root, in a folder of its own.
set -u
fail() { echo "contained.sh: $*"; exit 1; }
# Processes, files and network are the machine's: no service runs containers here.
store() { buildah --root "$PWD/storage" --runroot "$PWD/run" --storage-driver vfs "$@"; }
image() { # ROOT NAME FILE...: an image of the root, with files in /usr/bin that its user runs
    local from
    from=$(store from scratch) && store add -q "$from" "$1" / >made && store run --isolation chroot "$from" useradd -m app >>made 2>&1 || { cat made; fail "image $2"; }
    [ $# -lt 3 ] || store copy -q "$from" "${@:3}" /usr/bin/ >>made || fail "image $2"
    store config --user app --entrypoint '["/usr/bin/app"]' "$from" && store commit -q "$from" "localhost/$2" >>made && store rm "$from" >>made || fail "image $2"
}
build() { # WORDS...
    store build --isolation chroot --network host -f "$SOURCE/packaging/container/Containerfile" --build-arg DEBIAN=localhost/debian \
        --build-arg IMAGE=localhost/app "$@" context >made 2>&1 || { tail -n 30 made; fail "build $*"; }
}
judge() { # HOW: what was recorded, by the volume's command on this machine
    [ "$(stat -c %u captures/app.db)" = "$user" ] || fail "$1: captures/app.db belongs to another user"
    "$PWD/volume/bin/hakmem-trace" why @fault -s captures/app.db >said 2>&1
    grep -q 'make_row  *app.c:3' said && grep -q 'app.c:7  *double-free reported here' said && grep -q '^SUMMARY: hakmem: double-free app.c:7 main' out ||
        { cat out said; fail "$1"; }
    rm -f captures/*
}

cat >app.c <<'END'
#include <stdio.h>
#include <stdlib.h>
static char *make_row(void) { return malloc(40); }
int main(void) {
    char *row = make_row();
    free(row);
    free(row);
    return puts("not stopped");
}
END
gcc -g -o app app.c || exit 1
mkdir -p context/build/deb context/packaging/container captures volume && chmod 777 captures && cp "$1"/*.deb context/build/deb/ &&
    cp "$SOURCE"/packaging/container/bundle{,_libraries} context/packaging/container/ || exit 1
user=0 # the image's own
image "$2" debian
image "$3" app app
# RUN needs root, which an image of Debian has by itself.
from=$(store from localhost/debian) && store config --user root --entrypoint '[]' "$from" && store commit -q "$from" localhost/debian >made && store rm "$from" >made || fail "image debian"
build --target hakmem -t hakmem
build -t recorded
from=$(store from localhost/hakmem) && cp -a "$(store mount "$from")/opt/hakmem/." volume/ || fail "the volume"
[ -x volume/bin/hakmem-trace ] && [ -s volume/lib/needed/libsqlite3.so.0 ] && [ -n "$(find volume/lib/needed -name 'libcapstone.so.*' -size +0)" ] || fail "the volume lacks something: $(find volume)"

recorded=$(store from localhost/recorded)
[ "$(store inspect --format '{{.OCIv1.Config.Entrypoint}}' "$recorded")" = "[/opt/hakmem/bin/hakmem-trace]" ] || fail "the entry point is another"
root=$(store mount "$recorded") || fail mount
user=$(sed -n 's/^app:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
store run --isolation chroot -v "$PWD/captures:/captures" "$recorded" /opt/hakmem/bin/hakmem-trace run -s /captures/app.db -- /usr/bin/app >out 2>&1
judge "an image with hakmem"
# As process 1: what is left when it ends is killed by the kernel.
mkdir -p "$root/captures"
# shellcheck disable=SC2016
unshare --mount --pid --fork sh -c 'mount --bind captures "$1/captures" && mount -t proc proc "$1/proc" &&
    exec chroot --userspec="$2:$2" "$1" /opt/hakmem/bin/hakmem-trace run -s /captures/app.db -- /usr/bin/app' sh "$root" "$user" >out 2>&1
[ $? = 1 ] || { cat out; fail "process 1 ends with another status"; }
judge "process 1"
# The image as it is, and a volume that cannot be written.
plain=$(store from localhost/app)
[ ! -e "$(store mount "$plain")/opt/hakmem" ] || fail "the image has hakmem already"
store run --isolation chroot -v "$PWD/volume:/opt/hakmem:ro" -v "$PWD/captures:/captures" "$plain" /opt/hakmem/bin/hakmem-trace run -s /captures/app.db -- /usr/bin/app >out 2>&1
judge "a volume"
echo "container file: built by $(buildah --version | cut -d ' ' -f 1-3); a program of an image of $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' "$root/etc/os-release") recorded by an image, as process 1, and from a volume of $(du -sh volume | cut -f 1)"
