#!/usr/bin/env bash
# Every link of a page to a file of the tree leads somewhere, and docs/INDEX.md names every page. `links.sh FOLDER` asks that of
# pages that were installed there.
set -u
cd "${1-$(dirname "$0")/../..}" || exit 2
status=0
pages=(README.md DESIGN.md CONTRIBUTING.md)
while IFS= read -r page; do pages+=("$page"); done < <(find docs -name '*.md' | LC_ALL=C sort)
for page in "${pages[@]}"; do [ -r "$page" ] || { echo "$page cannot be read" && exit 2; }; done
# PAGE, tab, the folder that its links begin in, tab, LINK. No process for each: there are a thousand links.
while IFS=$'\t' read -r page folder link; do
    case "$link" in http* | '#'*) continue ;; esac
    [ -e "$folder/${link%%#*}" ] && continue
    echo "$page links to $link, which is not there"
    status=1
done < <(awk '
    { gsub(/`[^`]*`/, "") }
    /^    / { next }
    {
        folder = FILENAME
        if (!sub(/\/[^\/]*$/, "", folder)) folder = "."
        for (; match($0, /\]\([^) ]+\)/); $0 = substr($0, RSTART + RLENGTH))
            print FILENAME "\t" folder "\t" substr($0, RSTART + 2, RLENGTH - 3)
    }' "${pages[@]}")
index=$(cat docs/INDEX.md)
for page in docs/specs/*.md; do
    [[ $index == *"(specs/${page##*/})"* ]] || { echo "docs/INDEX.md does not name $page"; status=1; }
done
exit "$status"
