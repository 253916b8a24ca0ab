#!/usr/bin/env bash
# Every gcc and clang of this machine that counts reads all that is hakmem's own without a warning: `gcc` and `clang`, and the newest gcc-N
# and clang-N. A warning ends no build (Makefile), but is kept beside what was compiled. The warnings of BUILD's own compiler are in
# BUILD, which is made again only where it is not up to date. A gcc gives some warnings while it optimises, and compiles it all; a clang
# gives them before, and only reads it (tests/long/clang.sh builds with it), but for the sources that clang-tidy reads with the same clang
# (tidy.sh). Where there is a clang-tidy of the same clang, it reads the others, too, many in one process: half of the time of a clang is its start.
# timeout: 3600
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0 made=${TMPDIR:-/tmp}/made

# The newest COMPILER-N in PATH, unless COMPILER is the same.
newest() {
    local name
    name=$(compgen -c "$1-" | grep -xE "$1-[0-9]+" | sort -t - -k 2,2nr | head -n 1)
    [ -n "$name" ] && [ "$(realpath "$(command -v "$name")")" != "$(realpath "$(command -v "$1")")" ] && echo "$name"
}

# Prints the warnings of the compiler $2 about all that is not compiled as a user would, in the folder $1.
only_warnings() {
    local objcopy=${TMPDIR:-/tmp}/objcopy by_tidy='' targets=(own apart)
    rm -rf "$1"
    printf '#!/bin/sh\nfor out; do :; done\n: >"$out"\n' >"$objcopy" && chmod +x "$objcopy"
    [ "$(version_of "$2")" != "$(version_of clang-tidy)" ] || by_tidy=1 targets=(own)
    BY_TIDY=$by_tidy make -s -j2 --no-print-directory CC="tests/tools/only_warnings $2" NM=: OBJCOPY="$objcopy" BUILD="$1" "${targets[@]}" || return
    [ -z "$by_tidy" ] || read_by_tidy "$1"
}

# Reads what only_warnings left in the folder $1; the words of clang are in all.warnings there. A source has all of its entries in one process.
read_by_tidy() {
    local entries checks='-*,clang-diagnostic-*,darwin-avoid-spinlock' # one check of its own it must have
    entries=$(find "$1" -name '*.command' -exec cat {} +)
    [ -n "$entries" ] || { echo "nothing is left for clang-tidy"; return 1; }
    echo "[${entries%,}]" >"$1/compile_commands.json"
    : >"$1/all"
    find "$1" -name '*.command' -exec grep -ohE '"file":"[^"]*"' {} + | cut -d '"' -f 4 | LC_ALL=C sort -u |
        xargs -n 40 -P 2 clang-tidy -p "$1" --quiet --config='{}' --checks="$checks" --header-filter='.*' --warnings-as-errors='*' \
            >"$1/all.warnings" 2>"$1/all.errors" && rm "$1/all.warnings" && return
    [ -s "$1/all.warnings" ] || { cat "$1/all.errors" && return 1; }
}
version_of() { "$1" --version | grep -oE 'version [0-9]+'; }

compilers=(gcc clang)
for compiler in gcc clang; do
    name=$(newest "$compiler") && compilers+=("$name")
done
for compiler in "${compilers[@]}"; do
    build=$BUILD/lint-$compiler
    case $compiler in
    "$CC") build=$BUILD && make -s -j2 --no-print-directory CC="$compiler" BUILD="$build" tests apart ;;
    clang*) only_warnings "$build" "$compiler" ;;
    *) make -s -j2 --no-print-directory CC="$compiler" BUILD="$build" tests apart ;;
    esac >"$made" 2>&1 || {
        cat "$made"
        echo "errors of $compiler are above"
        status=1
    }
    while IFS= read -r warnings; do
        [ -e "${warnings%.warnings}" ] || continue
        cat "$warnings"
        echo "warnings of $compiler over ${warnings%.warnings} are above"
        status=1
    done < <(find "$build" \( -path "$build/lint-*" -o -path "$build/sanitized" -o -path "$build/tests/scratch" \) -prune -o -name '*.warnings' -print)
done
exit "$status"
