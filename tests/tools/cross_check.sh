#!/usr/bin/env bash
# Runs the tests of tests/arm/suite in a build for another architecture: `make check CROSS=...` calls it, first as `cross_check.sh programs`, which prints
# what is to be built for them, below BUILD, without the sources that the table leaves out. ONLY="PATH ...": these rows alone. SYSROOT is the root of that architecture, where programs find ld.so.
set -u
SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
table=$SOURCE/tests/arm/suite
fail() { echo "make check: $*" >&2; exit 2; }

# has_case TEST CASE: it is in a unit test, or in a script that may leave parts out, where it may be the name of a report. Of rows.py it may be ROW:CHECK.
has_case() {
    case $1 in
    *.c) grep -qE "^TEST\\($2[,)]" "$SOURCE/tests/$1" ;;
    *)
        grep -qE '\bleft_out |/rows\.py"' "$SOURCE/tests/$1" &&
            { cat "$SOURCE/tests/${1%.sh}".{sh,py} 2>/dev/null | grep -wF "${2%:*}" >/dev/null || [ -n "$(find "$SOURCE/tests" -name "${2%:*}.*report" -print -quit)" ]; }
        ;;
    esac
}

rows=() hows=() left_out=()
# For tests/unit/suite.h, and left_out of tests/tools/test.sh: a line "TEST CASE: REASON" for each case of a row `run but CASE[,CASE]: REASON`.
export CASES_LEFT_OUT=$'\n'
while read -r paths how; do
    case $paths in '' | '#'*) continue ;; esac
    IFS=, read -ra parts <<<"$paths"
    for path in "${parts[@]}"; do
        [ -e "$SOURCE/tests/$path" ] || fail "$table names $path, which is not there"
        case $how in
        run) ;;
        'run but '*': '*)
            IFS=, read -ra cases <<<"$(sed 's/^run but //; s/: .*//' <<<"$how")"
            for case in "${cases[@]}"; do
                has_case "$path" "$case" || fail "$table leaves the case $case out of $path, which does not have it"
                CASES_LEFT_OUT+="${path%.c} $case: ${how#*: }"$'\n'
            done
            how=run
            ;;
        *) left_out+=("$path: $how") ;;
        esac
        rows+=("$path") hows+=("$how")
    done
done <"$table"

# Each test has the first row that fits; `run` are those that run, `not_built` the sources of those that do not.
run=() not_built=("${left_out[@]%%: *}")
while read -r test; do
    for row in "${!rows[@]}"; do
        [[ $test/ == "${rows[row]}"/* ]] || continue
        if [ "${hows[row]}" != run ]; then
            not_built+=("$test")
        elif [[ -z ${ONLY-} || " $ONLY " == *" ${rows[row]} "* || " $ONLY " == *" $test "* ]]; then
            run+=("$test")
        fi
        continue 2
    done
    fail "$table has no row for $test"
done < <(cd "$SOURCE/tests" && find . \( -path './unit/*_test.c' -o -name '*.sh' \) -printf '%P\n' | grep -vE '^(tools|bench|long)/' | LC_ALL=C sort)

if [ "${1-}" = programs ]; then
    cd "$SOURCE" || exit 2
    for path in "${run[@]}"; do
        case $path in
        *.c) echo "tests/$path" ;;
        *)
            # Programs of other folders that it names, or a script that it sources or runs; all of a folder where a variable names one.
            mapfile -t others < <(sed -nE 's|.*SOURCE.*/(tests/(tools\|long)/[a-z_0-9]+\.sh)".*|\1|p' "tests/$path")
            grep -ohE 'BUILD[}"]*/tests/[a-z_]+/[a-zA-Z_0-9.-]+' "tests/$path" "${others[@]}" | sed 's|.*/tests/|tests/|; /\.so$/!s|$|.c|'
            mapfile -t folders < <(grep -ohE '(BUILD[}"]*/tests/[a-z_]+/\$|^ *PROGRAMS=[a-z/]+)' "tests/$path" "${others[@]}" | sed -E 's|.*/tests/(.*)/\$|\1|; s|.*=||')
            for folder in "${path%/*}" "${folders[@]}"; do
                find "tests/$folder" -maxdepth 1 \( -name '*.c' -o -name '*.cpp' \) | sed 's/\.cpp$/.c/'
            done
            ;;
        esac
    done | LC_ALL=C sort -u | grep -vxFf <(printf 'tests/%s\n' "${not_built[@]}") | sed 's/\.c$//'
    exit 0
fi

export QEMU_LD_PREFIX=${SYSROOT:?}
"${BUILD:?}/hakmem-trace" --version >/dev/null 2>&1 ||
    fail "this kernel runs no programs of $BUILD: binfmt_misc has no qemu-user for them (Debian's qemu-user-static and binfmt-support register it, as root)"
printf 'not run here: %s\n' "${left_out[@]}"
# A script that compiles a program, or takes one apart, does it for that architecture.
export TOOLS_FIRST=$BUILD/tests/cross CXX=${CC%gcc}g++
mkdir -p "$TOOLS_FIRST"
for name in cc gcc c++ g++; do
    compiler=$CC
    [[ $name != *++ ]] || compiler=$CXX
    printf '#!/bin/sh\nexec %s --sysroot="%s" "$@"\n' "$compiler" "$SYSROOT" >"$TOOLS_FIRST/$name"
    chmod +x "$TOOLS_FIRST/$name"
done
for name in clang clang++; do
    compiler=$(command -v "$name") || continue
    printf '#!/bin/sh\nexec %s --target=%s --sysroot="%s" "$@"\n' "$compiler" "${CC%-gcc}" "$SYSROOT" >"$TOOLS_FIRST/$name"
    chmod +x "$TOOLS_FIRST/$name"
done
for name in ar ld nm objcopy objdump readelf strip; do
    tool=$(command -v "${CC%gcc}$name") && ln -sf "$tool" "$TOOLS_FIRST/$name" || fail "no ${CC%gcc}$name for the scripts that take a program apart, or no room in $TOOLS_FIRST"
done
# Programs that scripts record besides their own. They call `env` so often that only the one that is to be recorded is of that architecture.
for name in echo ls sh; do
    [ -e "$SYSROOT/usr/bin/$name" ] && ln -sf "$SYSROOT/usr/bin/$name" "$TOOLS_FIRST/$name" || fail "no $name in $SYSROOT/usr/bin for the scripts that record it"
done
export ENV_TO_RECORD=$SYSROOT/usr/bin/env
# A script that needs a program which does nothing takes `true` by PATH.
echo 'int main(void) { return 0; }' | "$TOOLS_FIRST/cc" -x c -o "$TOOLS_FIRST/true" - || fail "no program for the scripts that run true"
exec "$SOURCE/tests/run" "${run[@]/#/tests/}"
