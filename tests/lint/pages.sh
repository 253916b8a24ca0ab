#!/usr/bin/env bash
# The pages and profiles that are made from the .def tables are those that lie in docs.
set -u
BUILD=${BUILD:-build}
cd "$(dirname "$0")/../.." || exit 2
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
make -s BUILD="$BUILD" "${BUILD#"$PWD/"}/write_pages" || exit 1
"$BUILD/write_pages" "$fresh" || exit 1
status=0
while IFS= read -r page; do
    cmp -s "$fresh/$page" "docs/$page" && continue
    echo "docs/$page is not what the tables say; make pages writes it anew:"
    diff -u "docs/$page" "$fresh/$page" | head -n 20
    status=1
done < <(cd "$fresh" && find . -type f -printf '%P\n')
exit "$status"
