#!/usr/bin/env bash
# Every link of a page to a file of the tree leads somewhere, and docs/INDEX.md names every page. `links.sh FOLDER` asks that of
# pages that were installed there.
set -u
cd "${1-$(dirname "$0")/../..}" || exit 2
status=0
pages=(README.md DESIGN.md CONTRIBUTING.md)
while IFS= read -r page; do pages+=("$page"); done < <(find docs -name '*.md' | LC_ALL=C sort)
for page in "${pages[@]}"; do
    while IFS= read -r link; do
        case "$link" in http* | '#'* | '') continue ;; esac
        [ -e "$(dirname "$page")/${link%%#*}" ] && continue
        echo "$page links to $link, which is not there"
        status=1
    done < <(sed -E 's/`[^`]*`//g; /^ {4}/d' "$page" | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\(//; s/\)$//')
done
for page in docs/specs/*.md; do
    grep -qF "(specs/$(basename "$page"))" docs/INDEX.md || { echo "docs/INDEX.md does not name $page"; status=1; }
done
exit "$status"
