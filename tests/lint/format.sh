#!/usr/bin/env bash
# Every C file looks as .clang-format says.
set -u
cd "$(dirname "$0")/../.." || exit 2
find src include viewer demo tests tools -name '*.[ch]' -print0 |
    xargs -0 clang-format --dry-run --Werror --ferror-limit=1 2>&1 | grep -E 'error:' && {
    echo "clang-format -i FILE fixes it"
    exit 1
}
exit 0
