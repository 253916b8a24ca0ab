#!/usr/bin/env bash
# Every script passes shellcheck, every script that is called by name may be executed, and none has an EXIT trap in the
# place of test.sh's. CHANGED=1: those that differ alone.
# Of a sourced file it reads what the script learns from that (sourced.py), which takes it half the time.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
learned=$PWD/learned
cd "$SOURCE" || exit 2
# shellcheck source=tests/tools/changed.sh
. tests/tools/changed.sh
candidates() {
    if [ -n "${CHANGED-}" ]; then changed_files | grep -zE '^(\.ci|tests|tools|demo|packaging)/'; else
        git ls-files -z -co --exclude-standard -- .ci tests tools demo packaging
    fi
}
scripts=()
while IFS= read -r -d '' file; do
    head -n 1 "$file" | grep -qE '^#!.*\b(ba)?sh$' && scripts+=("$file")
done < <(candidates)
[ ${#scripts[@]} -ne 0 ] || exit 0
mapfile -t sourced < <(git ls-files -co --exclude-standard -- 'tests/*.sh' 'tests/*.bash')
python3 tests/lint/sourced.py "$learned" "${sourced[@]}" || fail "cannot read ${#sourced[@]} files"
(cd "$learned" && shellcheck -x -S warning "${scripts[@]/#/$SOURCE/}") || failed=1
for file in "${scripts[@]}"; do
    [ -x "$file" ] || complain "$file is a script that may not be executed (chmod +x)"
    ! grep -qE '^\. .*/tests/tools/' "$file" || ! grep -nE '^trap .*EXIT' "$file" || complain "$file has an EXIT trap: name it cleanup"
done
! grep -nE '^trap .*EXIT' tests/*/*.bash || complain "an EXIT trap stands there: name it cleanup"
