#!/usr/bin/env bash
# Every script passes shellcheck, every script that is called by name may be executed, and none has an EXIT trap in the
# place of test.sh's. For CHANGED=1 and the quick tier see tests/tools/changed.sh.
# Of a sourced file it reads what the script learns from that (sourced.py), which takes it half the time.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
learned=$PWD/learned
cd "$SOURCE" || exit 2
# shellcheck source=tests/tools/changed.sh
. tests/tools/changed.sh
# No process for each of two thousand files.
scripts=() of_shell='^#!.*\b(ba)?sh$'
while IFS= read -r -d '' file; do
    first=
    { IFS= read -rn 200 first <"$file"; } 2>/dev/null
    [[ $first =~ $of_shell ]] && scripts+=("$file")
done < <(changed_or git ls-files -z -co --exclude-standard | grep -zE '^(\.ci|tests|tools|demo|packaging)/')
[ ${#scripts[@]} -ne 0 ] || exit 0
mapfile -t sourced < <(git ls-files -co --exclude-standard -- 'tests/*.sh' 'tests/*.bash')
python3 tests/lint/sourced.py "$learned" "${sourced[@]}" || fail "cannot read ${#sourced[@]} files"
(cd "$learned" && shellcheck -x -S warning "${scripts[@]/#/$SOURCE/}") || failed=1
for file in "${scripts[@]}"; do
    [ -x "$file" ] || complain "$file is a script that may not be executed (chmod +x)"
done
mapfile -t with_tools < <(grep -lE '^\. .*/tests/tools/' "${scripts[@]}")
! grep -HnE '^trap .*EXIT' "${with_tools[@]}" /dev/null || complain "an EXIT trap of a script's own is above: name it cleanup"
! grep -nE '^trap .*EXIT' tests/*/*.bash || complain "an EXIT trap stands there: name it cleanup"
