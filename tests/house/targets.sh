#!/usr/bin/env bash
# make help names every target that people call, and reading the Makefile needs no other program.
. "${SOURCE:?}/tests/tools/test.sh"
help=$(make -s -C "$SOURCE" help) || exit 1
while read -r target; do
    case "$target" in all | unit | tests | quick_tests | FORCE | help | uninstall) continue ;; esac
    grep -q "make $target\b" <<<"$help" || complain "make help does not name $target"
done < <(sed -n 's/^\.PHONY: //p' "$SOURCE/Makefile" "$SOURCE"/tools/make/*.mk | tr ' ' '\n')

# On a bare machine there is make and a shell, and nothing that make deps would bring.
mkdir bare && for tool in sh make; do ln -s "$(command -v "$tool")" bare/; done
said=$(PATH=$PWD/bare make -s -C "$SOURCE" -n deps 2>&1) || complain "make deps cannot even be read: $said"
[ "$said" = tools/deps ] || complain "make -n deps says: $said"
