#!/usr/bin/env bash
# A bare root of arm64, whose programs run through binfmt_misc: hakmem's packages are cross-built, looked at by lintian and installed there.
# redis, CPython, sqlite3 and perl are recorded in level normal: the output is that without hakmem, no fault is reported, and the viewers of
# both machines give the same answers. Each fault of tests/faults is found, with the code of x86-64. Writes a page into docs/benchmarks.
#
# Roots come from the Debian mirror that apt has here. ROOT=DIR: a root of arm64 that is there; hakmem's packages stay installed in it. SYSROOT=DIR: one
# of tools/arm_root. DEB=DIR: packages that are there. PROGRAMS: which of redis, python, classes, sqlite, perl. EVERY=N: each Nth fault, and no page.
# timeout: 14400
. "${SOURCE:?}/tests/tools/faults.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/arm.sh"
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip 'only root can make a bare root'
command -v debootstrap >/dev/null || skip 'debootstrap is not there'
needs_binfmt
version=$(sed -n 's/^#define HAK_VERSION  *"\(.*\)"$/\1/p' "$SOURCE/src/version.h")
commit=$(git -C "$SOURCE" rev-parse --short HEAD) || fail "the tree is no clone"

# ---- packages
sysroot=${SYSROOT:-$PWD/sysroot} packages=${DEB:-$PWD/deb}
if [ -z "${DEB-}" ]; then
    [ -n "${SYSROOT-}" ] || "$SOURCE/tools/arm_root" "$sysroot" || fail "tools/arm_root"
    make -s -C "$SOURCE" BUILD="$PWD/dist" dist >made 2>&1 || fail "make dist: $(tail made)"
    # shellcheck disable=SC2154 # $cross
    "$SOURCE/packaging/build_deb" "dist/hakmem-$version.tar.xz" "$packages" "${cross%-}" "$sysroot" >made 2>&1 || fail "build_deb: $(tail -n 20 made)"
fi
for package in hakmem-tools libhakmem1 libhakmem-dev; do
    file=$packages/${package}_$version-1_arm64.deb
    [ "$(dpkg-deb -f "$file" Architecture)" = arm64 ] || fail "$package is not there for arm64: $(ls "$packages")"
    ! dpkg-deb -f "$file" Depends | grep -q cross || complain "$package depends on a package of the cross compiler: $(dpkg-deb -f "$file" Depends)"
done
lintian=no
if command -v lintian >/dev/null; then
    lintian --fail-on error --allow-root "$packages"/*.changes >lintian.txt 2>&1 || complain "lintian: $(cat lintian.txt)"
    lintian="0 errors, $(grep -c '^W' lintian.txt) warnings"
fi

# ---- the root
root=${ROOT:-$PWD/root}
if [ -z "${ROOT-}" ]; then
    mirror=$(apt-cache policy libc6 | awk '$3 ~ "/main$" && $2 ~ "/debian/?$" { print $2; exit }')
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    export http_proxy=${http_proxy-}
    debootstrap --arch=arm64 --variant=minbase --include=redis-server,python3,sqlite3,perl bookworm "$root" "${mirror:-http://deb.debian.org/debian}" >made 2>&1 ||
        fail "debootstrap: $(tail made)"
fi
# Each command has mounts and processes of its own, which end with it.
within() { # COMMAND...
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child env -i http_proxy="${http_proxy-}" PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C HOME=/root \
        PYTHONMALLOC=malloc sh -c 'root=$1 && shift && mount -t proc proc "$root/proc" && mount -t tmpfs shm "$root/dev/shm" && exec chroot "$root" "$@"' sh "$root" "$@" </dev/null
}
mkdir -p "$root/dev/shm" "$root/srv/hakmem/packages" || exit 1
cp "$packages"/{hakmem-tools,libhakmem1,libhakmem-dev}_"$version"-1_arm64.deb "$root/srv/hakmem/packages/"
[ -s "$root/etc/resolv.conf" ] || cp /etc/resolv.conf "$root/etc/"
within sh -c 'apt-get -q update; apt-get -q install -y --no-install-recommends --reinstall /srv/hakmem/packages/*.deb' >made 2>&1 || fail "the packages are not installed: $(tail -n 20 made)"
within hakmem-trace --version >said 2>&1; grep -qx "hakmem-trace $version" said || fail "the installed viewer: $(head -n 5 said)"

# ---- programs: `programs PROGRAM [COMMAND...]` runs one below COMMAND
cp "$SOURCE/tests/tools/json_heavy.py" "$SOURCE/tests/tools/classes.py" "$root/srv/hakmem/" || exit 1
python3 "$SOURCE/tests/tools/make_inserts.py" 4000 >"$root/srv/hakmem/inserts.sql" || exit 1
sed -n "/^cat >story.pl/,/^END/p" "$SOURCE/tests/programs/perl.sh" | sed '1d;$d' >"$root/srv/hakmem/story.pl"
cat >"$root/srv/hakmem/programs" <<'END'
#!/bin/sh
cd /srv/hakmem || exit 2
program=$1
shift
ask() { redis-cli -s /srv/hakmem/redis.sock "$@"; }
case $program in
redis)
    "$@" redis-server --port 0 --unixsocket /srv/hakmem/redis.sock --save '' --logfile redis.log &
    server=$!
    # An answer, or the server's end.
    until ask ping >/dev/null 2>&1; do kill -0 $server || exit 1; done
    redis-benchmark -s /srv/hakmem/redis.sock -n 4000 -P 16 -r 1000 -q -t set,get,lpush,lpop,sadd,hset,zadd >benchmark.out 2>&1 || cat benchmark.out
    seq 1000 | awk '{ print "set key" $1 " " $1 * 31; print "rpush list" $1 % 50 " v" $1; if ($1 % 3 == 0) print "del key" $1 - 1 }' | ask | sha256sum
    ask sort list7 alpha limit 0 5
    ask eval 'local t = {} for i = 1, 2000 do t[i] = tostring(i) end return #table.concat(t)' 0
    ask shutdown nosave
    wait $server
    ;;
python) "$@" python3 json_heavy.py 1 ;;
classes) "$@" python3 classes.py 1 ;;
sqlite) "$@" sqlite3 -batch :memory: <inserts.sql ;;
perl) "$@" perl story.pl 1 ;;
esac
echo "status $?"
END
chmod 755 "$root/srv/hakmem/programs"
rows=
for program in $PROGRAMS; do
    store=/srv/hakmem/$program.db
    rm -f "$root$store"*
    within /srv/hakmem/programs $program >plain 2>plain.err
    within /srv/hakmem/programs $program hakmem-trace run --wait --check normal -s $store -- >recorded 2>recorded.err
    same=same
    cmp -s plain recorded && cmp -s plain.err recorded.err || { same=differs; complain "$program: $(diff plain recorded; diff plain.err recorded.err | head -n 20)"; }
    tail -n 1 plain | grep -q '^status' || complain "$program did not run: $(cat plain plain.err)"
    [ -s "$root$store" ] || { complain "$program: no store"; continue; }
    answers=same
    for question in info faults 'top --json' threads check; do
        # shellcheck disable=SC2086
        within hakmem-trace $question -s $store >there 2>&1
        # shellcheck disable=SC2086
        (cd "$root/srv/hakmem" && "$trace" $question -s "$root$store" 2>&1) | sed "s|$root/|/|g" >here
        cmp -s here there || { answers=differs; complain "$program, $question: $(diff here there | head -n 5)"; }
    done
    "$trace" faults -s "$root$store" >faults 2>&1
    grep -q '^No fault in ' faults || complain "$program: $(head -n 20 faults)"
    machine=$("$trace" sql -s "$root$store" "SELECT value FROM meta WHERE key = 'machine'" | tail -n 1)
    [ "$machine" = aarch64 ] || complain "$program: recorded on '$machine'"
    rows+="| $program | $("$trace" sql -s "$root$store" 'SELECT sum(events) FROM chunk' | tail -n 1) | $same | $(grep -q '^No fault' faults && echo none || echo some) | $answers |"$'\n'
done

# ---- faults: the codes of x86-64, with a collector on both
cannot() {
    case $1 in
    pool_leak) echo 'pieces of pools are left out where a thread could not be stopped, as under qemu-user' ;;
    esac
}
# compile SOURCE PROGRAM, as tools/make/tests.mk does; a host of plug-ins with its plug-in beside it.
compile() {
    local source=$1 program=$2 compiler=gcc
    [[ $source != *.cpp ]] || compiler='g++ -std=c++17'
    # shellcheck disable=SC2046,SC2086 # several options
    set -- ${cross}$compiler -O0 -g -w -D_GNU_SOURCE -iquote "$SOURCE/include" $(sed -n 's|^// optimise: ||p' "$source") "$source"
    "$@" -pthread -ldl -o "$program" || return
    ! grep -q '^// plugin:' "$source" || "$@" -DPLUGIN -shared -fPIC -o "$program.so"
}
mkdir -p "$root/srv/hakmem/faults/cxx"
found=0 looked_at=0 number=0 left_out=
# The C++ programs as people write them have names with their folder.
for program in $(fault_programs) $(correct_programs) $(cd "$SOURCE/tests/faults" && printf '%s\n' cxx/*.cpp | sed 's/\.cpp$//'); do
    source=$SOURCE/tests/faults/$program.c
    [ -e "$source" ] || source=${source}pp
    number=$((number + 1))
    [ $((number % EVERY)) -eq 0 ] || continue
    [ -z "$(cannot "$program")" ] || { left_out+="- $program: $(cannot "$program")"$'\n' && continue; }
    compile "$source" "$root/srv/hakmem/faults/$program" || exit 2
    needs="$(variables_of "$program") $(sed -n 's|^// variables: ||p' "$source")"
    for level in trace normal; do
        # shellcheck disable=SC2206 # several variables
        options=(HAKMEM_GUARD_WATCH=off $needs)
        said=${program//\//.}
        env "${options[@]}" "$trace" run --check $level -s here.db -- "$BUILD/tests/faults/$program" >"here.$said" 2>&1 </dev/null
        within env "${options[@]}" hakmem-trace run --check $level -s "/srv/hakmem/faults/$program.$level.db" -- "/srv/hakmem/faults/$program" >"there.$said" 2>&1
        rm -f here.db* "$root/srv/hakmem/faults/$program.$level.db"*
        looked_at=$((looked_at + 1))
        if [ "$(codes "here.$said")" != "$(codes "there.$said")" ]; then
            complain "$program, level $level: $(codes "there.$said"), x86-64 $(codes "here.$said")
$(head -n 12 "there.$said")"
        elif [ -n "$(codes "here.$said")" ]; then
            found=$((found + 1))
            # The function that made the fault is named, with its line.
            file=${source##*/}
            grep -q "${file//./\\.}:[0-9]" "there.$said" || ! grep -q "${file//./\\.}:[0-9]" "here.$said" || complain "$program, level $level: no line: $(head -n 12 "there.$said")"
        fi
    done
done
[ $found -ge $((EVERY == 1 ? 85 : 1)) ] || complain "only $found runs had a fault"

result="$found faults found in $looked_at runs, $(grep -c . <<<"$rows") programs"
echo "$result"
[ "$EVERY" -eq 1 ] || exit "$failed"
page=$SOURCE/docs/benchmarks/$(date +%F)-arm64-root.md
[ ! -e "$page" ] || page=$SOURCE/docs/benchmarks/$(date +%F)-arm64-root-$commit.md
{
    echo "# hakmem's arm64 packages in a bare root, $(date +%F)"
    echo
    echo "Commit $commit, Debian $(cat "$root/etc/debian_version") for arm64 by debootstrap, $("$qemu" --version | head -n 1), kernel $(uname -r)."
    echo "tests/long/arm64_root.sh wrote this page."
    echo
    echo "Packages by \`make deb CROSS=aarch64-linux-gnu-\`; lintian: $lintian. hakmem-tools needs $(dpkg-deb -f "$packages/hakmem-tools_$version-1_arm64.deb" Depends)."
    echo
    echo '| program, level normal | events | output beside that without hakmem | reports | five answers of the viewers for arm64 and x86-64 |'
    echo '|---|---|---|---|---|'
    echo "$rows"
    echo "Faults of tests/faults, levels trace and normal, with a collector: $looked_at runs, $found of them with a fault, each with the code of x86-64: $([ "$failed" = 0 ] && echo yes || echo 'no, see the test')."
    [ -z "$left_out" ] || printf '\nNot run:\n\n%s' "$left_out"
} >"$page"
echo "written: $page"
