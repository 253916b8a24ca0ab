#!/usr/bin/env bash
# Debian's packages: two builds by different users in different folders give the same bytes, lintian finds no error, and in a bare
# Debian root they are installed over an earlier version, used by another user, purged without a trace, and installed anew; the
# container file is built with them, and records a program of another system. Roots come from the Debian mirror that apt has here.
# timeout: 7200
. "${SOURCE:?}/tests/tools/test.sh"
[ "$(id -u)" = 0 ] || fail "only root can make a bare root"
for tool in buildah debootstrap dh dpkg-buildpackage lintian setpriv unshare; do
    command -v "$tool" >found || fail "$tool is missing: tools/deps long installs buildah, debhelper, debootstrap, dpkg-dev and lintian"
done
version=$(sed -n 's/^#define HAK_VERSION  *"\(.*\)"$/\1/p' "$SOURCE/src/version.h")
packages=(hakmem-tools libhakmem1 libhakmem-dev)
sources=hakmem-$version.tar.xz

# ---- two builds: by root, and by nobody with another umask, time zone, language and home
make -s -C "$SOURCE" BUILD="$PWD/dist" dist >made 2>&1 || { cat made; fail "make dist"; }
"$SOURCE/packaging/build_deb" "dist/$sources" one >made 2>&1 || { cat made; fail "the first build"; }
apart=$(mktemp -d /var/tmp/hakmem-packages.XXXXXX)
cleanup() { rm -rf "$apart"; }
cp "$SOURCE/packaging/build_deb" "dist/$sources" "$apart/" && chown -R 65534:65534 "$apart" && chmod 700 "$apart" || fail "no folder for another user"
(cd "$apart" && umask 077 && env -i PATH="$PATH" TZ=Asia/Tokyo LANG=C HOME=/nonexistent CFLAGS=-O0 MAKEFLAGS=k \
    setpriv --reuid 65534 --regid 65534 --clear-groups ./build_deb "$sources" another/folder/two) >made 2>&1 || { cat made; fail "the second build"; }
for file in one/*.deb one/*.dsc one/*.debian.tar.xz; do
    cmp "$file" "$apart/another/folder/two/${file##*/}" || fail "two builds of ${file##*/} are not the same"
done
same=$(find one -name '*.deb' | wc -l)
[ "$same" = 5 ] || fail "$same packages were built: $(ls one)"
lintian --fail-on error --allow-root one/*.changes >lintian.txt 2>lintian.err || { cat lintian.txt lintian.err; fail "lintian"; }
grep -q '^E:' lintian.txt && { cat lintian.txt; fail "lintian"; }

# ---- a bare root, each of whose commands has mounts of its own, which end with it
mirror=$(apt-cache policy libc6 | awk '$3 == "bookworm/main" { print $2; exit }')
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
export http_proxy=${http_proxy-}
make_root() { # SUITE FOLDER
    debootstrap --variant=minbase "$1" "$2" "${mirror:-http://deb.debian.org/debian}" >made 2>&1 || { tail made; fail "debootstrap of $1 from ${mirror:-http://deb.debian.org/debian}"; }
}
make_root bookworm root
cp -a root base || fail "no second root"
cp /etc/resolv.conf root/etc/resolv.conf
within() {
    # shellcheck disable=SC2016
    unshare --mount env -i http_proxy="$http_proxy" PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root \
        sh -c 'mount -t proc proc root/proc && mount -t tmpfs shm root/dev/shm && exec chroot root "$@"' sh "$@"
}
mkdir -p root/dev/shm root/packages
within apt-get -q update >made 2>&1 || { tail made; fail "apt-get update"; }
# Packages for the user's own work; hakmem is not among them, and what it needs itself comes with it.
within apt-get -q install -y --no-install-recommends bash-completion gcc gdb libc6-dev make man-db patch pkgconf python3 sqlite3 zsh >made 2>&1 ||
    { tail -n 30 made; fail "apt-get install"; }
within useradd -m somebody || fail "no other user"
install -m 755 "$SOURCE/tests/tools/packaged.sh" root/opt/ && install -m 644 "$SOURCE/tests/docs/pages.py" "$SOURCE/tests/tools/pairs.c" root/opt/ || exit 1
# Files that packages may leave on a machine, but for apt's, dpkg's and ld.so's own notes, and those that man-db and Python make.
list() {
    (cd root && find . -path ./proc -prune -o -path ./home -prune -o -path ./packages -prune -o -path ./var/lib/apt -prune -o -path ./var/log -prune -o \
        -path ./var/cache -prune -o -path ./tmp -prune -o -name __pycache__ -prune -o ! -path './var/lib/dpkg/*-old' -print | LC_ALL=C sort)
}
list >before

# ---- an earlier version: the same files under a lower number, and one that went away since
for package in "${packages[@]}"; do
    rm -rf earlier && dpkg-deb -R "one/${package}_$version-1_amd64.deb" earlier && echo once >earlier/usr/share/doc/"$package"/once &&
        sed -i "s/$version-1\>/0.0.1-1/" earlier/DEBIAN/control && mkdir -p root/packages/earlier &&
        dpkg-deb --root-owner-group -b earlier root/packages/earlier/"$package".deb >made 2>&1 || { cat made; fail "the earlier version of $package"; }
    cp "one/${package}_$version-1_amd64.deb" root/packages/
done
# Packages come with those that they recommend, as on a user's machine: without libcapstone a report says less than the pages show.
install_packages() { within sh -c "apt-get -q install -y --install-recommends $1" >made 2>&1 || { tail -n 30 made; fail "$2"; }; }
has() { [ "$(within dpkg-query -W -f '${Package} ${Version} ${db:Status-Status},' "${packages[@]}")" = "hakmem-tools $1 installed,libhakmem-dev $1 installed,libhakmem1 $1 installed," ]; }
use() {
    within su -s /bin/sh -c 'bash /opt/packaged.sh /opt/pages.py /opt/pairs.c' - somebody >used 2>&1 || { cat used; fail "$1"; }
    grep -qx "hakmem-trace $version" used || { cat used; fail "$1: another version"; }
}
purge() { # PACKAGE...
    within apt-get -q purge -y --auto-remove "$@" >made 2>&1 || { tail made; fail "purge"; }
    list >after
    diff before after >left || { cat left; fail "purged, but the root is not what it was"; }
    within sh -c 'dpkg-query -W "*hakmem*"' >left 2>&1 && { cat left; fail "purged, but dpkg knows them"; }
}
install_packages '/packages/earlier/*.deb' "the earlier version"
has 0.0.1-1 && [ -f root/usr/share/doc/hakmem-tools/once ] || fail "the earlier version is not there: $(cat made)"
install_packages '/packages/*.deb' "the upgrade"
has "$version-1" && [ ! -e root/usr/share/doc/hakmem-tools/once ] || fail "nothing was upgraded: $(cat made)"
use "after the upgrade"
"$SOURCE/tests/lint/links.sh" root/usr/share/doc/hakmem-tools || fail "a link leads out of the installed pages"
"$SOURCE/tests/tools/named_paths.sh" root usr/share/doc/hakmem-tools || fail "an installed page names a file that is not there"
purge "${packages[@]}"
# Alone, on a machine that never had them: a command that needs nothing of the other packages.
install_packages '/packages/hakmem-tools_*.deb' "hakmem-tools alone"
within su -s /bin/sh -c 'cd && hakmem-trace run -s alone.db -- /bin/ls / && hakmem-trace faults -s alone.db' - somebody >used 2>&1 || { cat used; fail "hakmem-tools alone"; }
grep -q '^No fault in alone.db' used || { cat used; fail "hakmem-tools alone"; }
purge hakmem-tools
install_packages '/packages/*.deb' "a fresh installation"
use "after a fresh installation"
purge "${packages[@]}"

# ---- the container file, with an image of another system
make_root trixie other
mkdir contained && (cd contained && "$SOURCE/tests/tools/contained.sh" ../one ../base ../other) >container.txt 2>&1 || { cat container.txt; fail "the container file"; }

echo "$same packages of $version, the same bytes from two builds by root and nobody; lintian: 0 errors, $(grep -c '^W' lintian.txt) warnings ($(sed -nE 's/^W: [^:]*: ([^ ]*).*/\1/p' lintian.txt | sort -u | tr '\n' ' '))"
(cd one && du -b ./*.deb | awk '{ sub(".*/", "", $2); print $2 ": " $1 " bytes" }')
echo "upgraded from 0.0.1-1, used as another user, purged, installed alone, purged, installed anew, used, purged: nothing left in a root of $(du -shx root | cut -f 1)"
cat container.txt
