#!/usr/bin/env bash
# Every gcc and clang of this machine that counts compiles everything without a warning: `gcc` and `clang`, and the newest gcc-N and clang-N.
# A warning ends no build (Makefile), but is kept beside what was compiled. What BUILD was made with has its warnings there;
# it is made again only where it is not up to date. clang gives all its warnings before it optimises, so that it makes the folder of
# tests with sanitizers, where only the libraries are optimised; gcc gives some while it does.
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

compilers=(gcc clang)
for compiler in gcc clang; do
    name=$(newest "$compiler") && compilers+=("$name")
done
for compiler in "${compilers[@]}"; do
    build=$BUILD/lint-$compiler more=()
    case $compiler in
    "$CC") build=$BUILD ;;
    clang) build=$BUILD/sanitized ;;
    clang*) more=(HOST_MORE='-O0 -g0') ;;
    esac
    if [ "$build" = "$BUILD/sanitized" ]; then
        tests/tools/sanitized.sh tests
    else
        make -s -j2 --no-print-directory CC="$compiler" BUILD="$build" "${more[@]}" tests
    fi >"$made" 2>&1 || {
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
