#!/usr/bin/env bash
# The README's two commands in bare roots of Debian 11, 12, 13 and sid, as root, `make deb` with a program recorded by the packages, and the
# archive that `make portable` makes in the first of them, used in each before a package is installed there: a table of each release's
# versions and results, with `make check-full` in docs/benchmarks. RELEASES chooses, the oldest first. PARTS chooses of demo, check, unit (some unit tests in place of
# `make check-full`), deb and portable; TESTS="tests/unit ..." runs these in place of all. Roots come from the Debian mirror that apt has here.
# timeout: 43200
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/bare_roots.sh"
# shellcheck disable=SC2086
set -- $RELEASES
commit=$(git -C "$SOURCE" rev-parse --short HEAD) || fail "the tree is no clone"
# TESTS is given by name, so that a root's own shell splits it.
tests=${TESTS-}
has_part() { [[ " $PARTS " == *" $1 "* ]]; }
# Where PARTS says `unit`: rooms that glibc's and the compiler's versions matter to.
UNITS='tests/unit/base tests/unit/platform tests/unit/unwind'

# Runs a command in a root with mounts and processes of its own, which end with it. A root that is pivoted to, unlike one of chroot, lets
# programs there make namespaces for users.
within() { # ROOT COMMAND...
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child --propagation private env -i http_proxy="${http_proxy-}" TESTS="$tests" CI=true HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        sh -ec 'root=$1 && shift
            mount --bind "$root" "$root" && cd "$root"
            mount --rbind /dev dev && mount --rbind /sys sys && mount -t proc proc proc
            mount -t tmpfs -o mode=1777 tmp tmp && mount -t tmpfs run run && mkdir -p run/lock old
            pivot_root . old
            exec chroot . sh -c "umount -l /old; cd /srv/hakmem 2>/dev/null || cd /; exec \"\$@\"" sh "$@"' sh "$@" </dev/null
}

# The version of a program or library in a root: `version ROOT COMMAND [ARG]`, the first number with a dot of what it says.
version() { within "$@" 2>&1 | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1; }

# Uses the archive in a root that has nothing but what debootstrap brings: `unpacked ROOT`.
archive='' fault=''
unpacked() {
    mkdir -p "$1/opt" && tar -xf "$archive" -C "$1/opt" && cp "$fault" "$1/opt/fault" || return 1
    # shellcheck disable=SC2016
    within "$1" sh -xc 'cd /tmp && set -- /opt/hakmem-*/bin/hakmem-trace && "$1" --version || exit 1
        "$1" run -s fault.db -- /opt/fault 2>said
        [ $? -eq 1 ] && grep "^hakmem: HKM-304 " said && grep "^ *INSTRUCTION  *mov" said && "$1" faults -s fault.db | grep HKM-304 || exit 1
        "$1" run -s used.db -- /bin/ls / && "$1" faults -s used.db | grep "^No fault in used.db" && "$1" html -s used.db page.html && grep "</html>" page.html'
}

rows='' details=''
for release; do
    root=$PWD/$release
    make_root "$release" "$root"
    portable='not run'
    ! has_part portable || portable=passed
    if ! has_part portable; then :; elif [ -z "$archive" ]; then cp -a "$root" "$root.bare"; else unpacked "$root" >"$release.portable" 2>&1 || portable=failed; fi
    # A mirror that stands still for some weeks calls its own lists of sid too old.
    echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90distributions"
    { cp /etc/resolv.conf "$root/etc/" && git clone -q "$SOURCE" "$root/srv/hakmem"; } || fail "no clone in the root of $release"
    within "$root" sh -c 'apt-get -q update && apt-get -q install -y --no-install-recommends make' >"$release.made" 2>&1 ||
        { tail "$release.made"; fail "$release: apt-get install make"; }

    demo=passed check=passed deb='not run'
    within "$root" make demo >"$release.demo" 2>&1 || demo=failed
    if [ -n "$tests" ]; then
        # shellcheck disable=SC2016
        within "$root" sh -c 'tools/deps && make tests && exec tests/run $TESTS' >"$release.check" 2>&1 || check=failed
    elif has_part check; then
        within "$root" make check-full >"$release.check" 2>&1 || check=failed
    else
        # shellcheck disable=SC2016
        within "$root" sh -ec 'apt-get -q install -y --no-install-recommends check libexpat1
            make -s -j2 $(find "$@" -name "*_test.c" | sed "s|\(.*\)\.c$|build/\1|") && exec tests/run "$@"' sh $UNITS >"$release.check" 2>&1 || check=failed
    fi
    if has_part deb; then
        deb=passed
        within "$root" make deb >"$release.deb" 2>&1 || deb=failed
    fi
    # The packages as a user has them, with what they recommend, in place of the clone's own build.
    # shellcheck disable=SC2016
    [ "$deb" != passed ] || within "$root" sh -ec 'apt-get -q install -y ./build/deb/hakmem-tools_*_amd64.deb
        cd /tmp && hakmem-trace run -s used.db -- /bin/ls / && hakmem-trace faults -s used.db | grep "^No fault in used.db"' >"$release.used" 2>&1 || deb="built, not usable"
    if has_part portable && [ -z "$archive" ]; then
        # shellcheck disable=SC2016
        within "$root" sh -c 'make portable && make build/tests/faults/use_after_free_behind' >"$release.portable" 2>&1 || portable="not made"
        archive=$(echo "$root"/srv/hakmem/build/portable/hakmem-*.tar.xz) fault=$PWD/fault
        cp "$archive" "$root/srv/hakmem/build/tests/faults/use_after_free_behind" . && mv use_after_free_behind fault && archive=$PWD/${archive##*/}
        [ "$portable" != passed ] || unpacked "$root.bare" >>"$release.portable" 2>&1 || portable=failed
        rm -rf --one-file-system "$root.bare"
    fi
    depends=$(dpkg-deb -f "$root"/srv/hakmem/build/deb/hakmem-tools_*_amd64.deb Recommends 2>/dev/null)
    for part in "$demo" "$check" "$deb" "$portable"; do [[ $part = passed || $part = 'not run' ]] || failed=1; done
    # shellcheck disable=SC2016
    rows+="| $release ($(cat "$root/etc/debian_version")) | $(version "$root" gcc -dumpfullversion) | $(version "$root" clang --version) | $(version "$root" ldd --version) | "
    rows+="$(version "$root" gdb --version) | $(version "$root" python3 --version) | $demo | $check: $(tail -n 1 "$release.check") | $deb${depends:+: $depends} | $portable |"$'\n'
    details+=$'\n'"## $release"$'\n\n```\n'"$(grep -hE '^(skipped: |flaky|FAILED|make deps: .* has no)' "$release.check" | sort -u | cut -c 1-200)"$'\n```\n'
    for part in demo check deb used portable; do [ ! -e "$release.$part" ] || cp "$release.$part" "$root.$part.log"; done
    [ "$demo" = passed ] || tail -n 30 "$release.demo"
    [ "$check" = passed ] || tail -n 30 "$release.check"
    [[ $deb = passed || $deb = 'not run' ]] || tail -n 30 "$release.deb"
    [[ $portable = passed || $portable = 'not run' ]] || tail -n 30 "$release.portable"
    rm -rf --one-file-system "$root"
done

command="make check-full"
has_part check || command="tests/run $UNITS"
[ -z "$tests" ] || command="make tests; tests/run $tests"
page=$SOURCE/docs/benchmarks/$(date +%F)-distributions.md
[ ! -e "$page" ] || page=$SOURCE/docs/benchmarks/$(date +%F)-distributions-$commit.md
{
    echo "# hakmem on Debian's releases, $(date +%F)"
    echo
    echo "Commit $commit, $(nproc) processors, kernel $(uname -r), roots by debootstrap (minbase) from $mirror. tests/long/distributions.sh wrote this page."
    echo "In each: \`make demo\`, \`$command\` and, of $PARTS, \`make deb\`, as root. Portable: the archive that \`make portable\` made in the first, unpacked and used"
    echo "before a package is installed."
    echo
    echo '| release | gcc | clang | glibc | gdb | Python | make demo | tests | make deb: hakmem-tools recommends | portable |'
    echo '|---|---|---|---|---|---|---|---|---|---|'
    printf '%s%s' "$rows" "$details"
} >page
cat page
has_part check && cp page "$page" && echo "written: $page"
exit "$failed"
