#!/usr/bin/env bash
# tools/deps beside a package manager of the test's own: names that differ by release, commands that are there already, what a release
# does not have, and another installation that holds the locks.
. "${SOURCE:?}/tests/tools/test.sh"
mkdir bare && for tool in awk cat env grep head id mktemp rm sed sh sleep tr; do ln -s "$(command -v "$tool")" bare/; done
# There is all that is installed, one a line; the release has what is in `release`, and installs it. It notes what it is asked for.
fake() { printf '#!/bin/sh\n%s\n' "$2" >"bare/$1" && chmod 755 "bare/$1"; }
rm bare/id && fake id 'echo 0'
fake dpkg-query 'sed "s/^/installed /" installed'
# shellcheck disable=SC2016
fake apt-cache 'shift
for name; do
    if grep -qx "$name" release; then printf "%s:\n  Candidate: 1-1\n       500 http://mirror/debian\n" "$name"
    elif grep -qx "$name" named; then printf "%s:\n  Candidate: (none)\n" "$name"; fi
done'
# shellcheck disable=SC2016
fake apt-get 'echo "apt-get $*" >>asked
[ ! -s locked ] || { head -n 1 locked; sed -i 1d locked; exit 100; } >&2
[ ! -e broken ] || { echo "E: broken" >&2; exit 100; }
[ ! -e late ] || mv late release'
ln -s "$(command -v mv)" bare/
deps() { # WORD...: what it said is in `said`
    : >asked
    PATH=$PWD/bare "$SOURCE/tools/deps" "$@" >said 2>&1
}
# All packages by their first names, but for those that match $1.
have() { sed -n "/^build='/,/^bench=/p" "$SOURCE/tools/deps" | sed "s/^[a-z]*='//; s/'\$//" | tr ' ' '\n' | sed '/^$/d; s/[:|].*//' | grep -vE "^($1)$" >installed; }
echo libc6-dev >release
: >named

have nothing
deps long || complain "status $? where all is there"
[ ! -s said ] && [ ! -s asked ] || complain "words where all is there: $(cat said asked)"

# ---- the first of the names that the release has, in place of one that is there under any of them
have 'libtcmalloc-minimal4|libmimalloc2.0'
printf 'libtcmalloc-minimal4t64\nlibmimalloc3\nlibmimalloc-dev\n' >>release
echo libmimalloc2.0 >named
deps || complain "status $? with other names: $(cat said)"
grep -qx 'make deps: installing libmimalloc3 libtcmalloc-minimal4t64' said || complain "other names: $(cat said)"
grep -q '^apt-get .*install .* libmimalloc3 libtcmalloc-minimal4t64$' asked || complain "apt-get was asked: $(cat asked)"
printf 'libmimalloc3\nlibtcmalloc-minimal4t64\n' >>installed
deps && [ ! -s said ] || complain "the second time: $(cat said)"

# ---- a command of another source
have 'npm|nodejs'
deps long || complain "status $? without npm"
grep -q ' has no nodejs npm; tests that need it are ' said || complain "npm, which the release lacks: $(cat said)"
fake npm : && fake node :
deps long && [ ! -s said ] || complain "npm, which is there: $(cat said)"
rm bare/npm bare/node

# ---- what the release does not have: apt's lists say so, and nobody is asked; without lists they are read first
have 'google-perftools'
deps || complain "status $? of a release that lacks one"
grep -q ' has no google-perftools;' said && [ ! -s asked ] || complain "a release that lacks one: $(cat said asked)"
mv release late
deps || complain "status $? without lists: $(cat said)"
grep -q ' has no google-perftools;' said && [ "$(cat asked)" = 'apt-get -q update' ] || complain "without lists: $(cat said asked)"

# ---- the locks of another installation
have valgrind && echo valgrind >>release
for lock in /var/lib/apt/lists/lock /var/lib/dpkg/lock-frontend; do echo "E: Could not get lock $lock. It is held by process 42 (apt-get)"; done >locked
deps || complain "status $? behind another installation: $(cat said)"
cat >due <<'END'
make deps: waiting for another installation to end: /var/lib/apt/lists/lock is held by process 42 (apt-get)
make deps: installing valgrind
END
cmp -s said due || complain "behind another installation: $(cat said)"
[ "$(grep -c update asked) $(grep -c install asked)" = '3 1' ] || complain "apt-get was asked: $(cat asked)"
echo 'E: Could not get lock /var/lib/dpkg/lock-frontend - open (11: Resource temporarily unavailable)' >locked
deps && grep -q 'waiting for .* /var/lib/dpkg/lock-frontend open (11' said || complain "a lock whose holder nobody knows: $(cat said)"

# ---- what fails for other reasons
touch broken
deps && complain "a broken apt-get is a success"
grep -q '^E: broken$' said && grep -q 'could not read what packages there are' said || complain "a broken apt-get: $(cat said)"
deps everything
[ $? = 2 ] || complain "an unknown word: $(cat said)"
