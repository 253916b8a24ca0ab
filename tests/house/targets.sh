#!/usr/bin/env bash
# make help names every target that people call, and reading the Makefile needs no other program.
set -u
status=0
help=$(make -s -C "$SOURCE" help) || exit 1
while read -r target; do
    case "$target" in all | unit | tests | FORCE | help | uninstall) continue ;; esac
    grep -q "make $target\b" <<<"$help" || { echo "make help does not name $target"; status=1; }
done < <(sed -n 's/^\.PHONY: //p' "$SOURCE/Makefile" "$SOURCE"/tools/make/*.mk | tr ' ' '\n')

# On a bare machine there is make and a shell, and nothing that make deps would bring.
mkdir bare && for tool in sh make; do ln -s "$(command -v "$tool")" bare/; done
said=$(PATH=$PWD/bare make -s -C "$SOURCE" -n deps 2>&1) || { echo "make deps cannot even be read: $said"; status=1; }
[ "$said" = tools/deps ] || { echo "make -n deps says: $said"; status=1; }
exit "$status"
