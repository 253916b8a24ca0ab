#!/usr/bin/env bash
# Every script passes shellcheck, every script that is called by name may be executed, and none has an EXIT trap in the
# place of test.sh's. CHANGED=1: those that differ alone.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/tools/changed.sh
. tests/tools/changed.sh
candidates() {
    if [ -n "${CHANGED-}" ]; then changed_files | grep -zE '^(\.ci|tests|tools|demo|packaging)/'; else
        git ls-files -z -co --exclude-standard -- .ci tests tools demo packaging
    fi
}
status=0
scripts=()
while IFS= read -r -d '' file; do
    head -n 1 "$file" | grep -qE '^#!.*\b(ba)?sh$' && scripts+=("$file")
done < <(candidates)
[ ${#scripts[@]} -ne 0 ] || exit 0
shellcheck -x -S warning "${scripts[@]}" || status=1
for file in "${scripts[@]}"; do
    [ -x "$file" ] || { echo "$file is a script that may not be executed (chmod +x)"; status=1; }
    ! grep -qE '^\. .*/tests/tools/' "$file" || ! grep -nE '^trap .*EXIT' "$file" || { echo "$file has an EXIT trap: name it cleanup"; status=1; }
done
! grep -nE '^trap .*EXIT' tests/*/*.bash || { echo "an EXIT trap stands there: name it cleanup"; status=1; }
exit "$status"
