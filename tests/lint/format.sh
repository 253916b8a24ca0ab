#!/usr/bin/env bash
# Every C file looks as .clang-format says; for CHANGED=1 and the quick tier see tests/tools/changed.sh.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/tools/changed.sh
. tests/tools/changed.sh
changed_or find src include viewer demo tests tools -name '*.[ch]' -print0 | grep -zE '^(src|include|viewer|demo|tests|tools)/.*\.[ch]$' |
    xargs -0 -r clang-format --dry-run --Werror --ferror-limit=1 2>&1 | grep -E 'error:' && {
    echo "clang-format -i FILE fixes it"
    exit 1
}
exit 0
