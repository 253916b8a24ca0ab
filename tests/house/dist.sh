#!/usr/bin/env bash
# make dist: the same bytes twice, all that git has, and a tree that builds where there is no git; the version is the same
# wherever it stands.
. "${SOURCE:?}/tests/tools/test.sh"
version=$(sed -n 's/^#define HAK_VERSION  *"\(.*\)"$/\1/p' "$SOURCE/src/version.h")
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "no version: '$version'"
# CHANGELOG.md has it first, behind what is not released yet, and so do Debian's changes; the day is the same everywhere, too.
day=$(date -ud "$(sed -n 's/^#define HAK_VERSION_DAY  *"\(.*\)"$/\1/p' "$SOURCE/src/version.h")" +%F)
[ "$(grep -m1 '^## [0-9]' "$SOURCE/CHANGELOG.md")" = "## $version ($day)" ] || fail "the first version of CHANGELOG.md is not $version ($day)"
debian=$SOURCE/packaging/debian
read -r _ latest _ <"$debian/changelog"
[[ $latest =~ ^\("$version"-[1-9][0-9]*\)$ ]] || fail "packaging/debian/changelog begins with $latest"
[ "$(date -ud "$(sed -n '/^ -- /{s/.*>  //p;q}' "$debian/changelog")" +%F)" = "$day" ] || fail "packaging/debian/changelog has another day than $day"
# Its list of the library's names is whole, so that a package build does not fail for it.
nm -D --defined-only "$BUILD/libhakmem.so" | awk '{ print $3 }' | LC_ALL=C sort >names
sed -nE 's/^ (.*)@Base [0-9.]+$/\1/p' "$debian/libhakmem1.symbols" | LC_ALL=C sort | diff - names >differ && [ -s names ] ||
    fail "packaging/debian/libhakmem1.symbols is not what libhakmem.so defines: $(head differ)"
[ "$("$BUILD/hakmem-trace" --version | head -n 1)" = "hakmem-trace $version" ] || fail "hakmem-trace has another version"

name=hakmem-$version
export XZ_LEVEL=-0 # for the time that it takes
if [ -e "$SOURCE/.git" ]; then
    list() { git -C "$SOURCE" ls-files; }
else
    list() { (cd "$SOURCE" && find . -path './build*' -prune -o \( -type f -o -type l \) -printf '%P\n'); }
fi
make -s -C "$SOURCE" BUILD="$PWD/one" dist && (umask 077 && TZ=Asia/Tokyo make -s -C "$SOURCE" BUILD="$PWD/two" dist) || fail "make dist failed"
cmp "one/$name.tar.xz" "two/$name.tar.xz" || fail "two tarballs are not the same"
tar -tf "one/$name.tar.xz" | grep -v '/$' | sed "s|^$name/||" | LC_ALL=C sort >has
list | LC_ALL=C sort >due
cmp -s due has || fail "files: $(diff due has | head)"
tar -xf "one/$name.tar.xz"

# There: no git, no sources of ours by their path. The commands that would build all are ours, and one of them works.
mkdir bin && printf '#!/bin/sh\necho "git was called: $*" >&2\nexit 1\n' >bin/git && chmod +x bin/git
export PATH=$PWD/bin:$PATH
commands() { make -n -C "$1" BUILD="$2" all man 2>&1 | grep -c -- ' -c -o '; }
due=$(commands "$SOURCE" "$PWD/none") there=$(commands "$PWD/$name" "$PWD/none")
[ "$due" -gt 300 ] && [ "$due" = "$there" ] || fail "make would compile $there files there, $due here"
cp -r "$name/docs" shipped || exit 1
make -s -C "$name" BUILD=build CC="${CC:-cc}" pages >made 2>&1 || { cat made; fail "the unpacked tree does not build"; }
diff -r shipped "$name/docs" >differs || fail "pages made there: $(head -n 3 differs)"
make -s -C "$name" BUILD=build dist >made 2>&1 || { cat made; fail "make dist does not work there"; }
cmp "$name/build/$name.tar.xz" "one/$name.tar.xz" || fail "the tarball that is made there is another"

# A git that fails, lists nothing, or lists what is not there: no tarball, and no good status.
mkdir "$name/.git"
for answer in 'exit 1' 'exit 0' 'printf "Makefile\0"; exit 1' 'printf "Makefile\0none\0"'; do
    printf '#!/bin/sh\n%s\n' "$answer" >bin/git
    make -s -C "$name" BUILD=wrong dist >made 2>&1 && fail "make dist is content where git does: $answer"
    [ ! -e "$name/wrong/$name.tar.xz" ] || fail "a tarball is left where git does: $answer"
done
