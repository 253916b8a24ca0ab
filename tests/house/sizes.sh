#!/usr/bin/env bash
# tests/long/sizes: each row names a test that takes its sizes from it and a variable that something reads; both sizes are set as the row says, and a
# variable that is set keeps its value.
. "${SOURCE:?}/tests/tools/test.sh"
sizes=$SOURCE/tests/long/sizes
sed -n '/^test  /,/^END$/p' "$sizes" | sed '1d;$d' >rows
[ "$(wc -l <rows)" -gt 40 ] || fail "tests/long/sizes has $(wc -l <rows) rows"
trim() { sed 's/^ *//; s/ *$//' <<<"$1"; }
# said TEST VARIABLE ASSIGNMENT...: the variable in the test of this name, or -.
said() {
    printf '. "%s"\necho "${%s--}|${FULL-none}"\n' "$sizes" "$2" >"$1.sh"
    env "${@:3}" bash -u "$1.sh"
}
while IFS='|' read -r test variable evening full; do
    test=$(trim "$test") variable=$(trim "$variable")
    grep -q '/tests/long/sizes"$' "$SOURCE/tests/long/$test.sh" || complain "$test: no such test, or it does not source the sizes"
    grep -rqE "(\\$|\\$\{|environ\.get\(\")$variable\b|[^\"\$]\b$variable [!=%]" "$SOURCE"/tests --include='*.sh' --include='*.py' || complain "$test: nobody reads $variable"
    [ "$(said "$test" "$variable")" = "$(trim "$evening")|none" ] || complain "$test: $variable is '$(said "$test" "$variable")' in an evening"
    [ "$(said "$test" "$variable" FULL=1)" = "$(trim "$full")|none" ] || complain "$test: $variable is '$(said "$test" "$variable" FULL=1)' with FULL=1"
    [ "$(said "$test" "$variable" "$variable=own")" = "own|none" ] || complain "$test: $variable does not keep its value"
done <rows
for script in "$SOURCE"/tests/long/*.sh; do
    ! grep -q '/tests/long/sizes"$' "$script" || grep -q "^$(basename "$script" .sh) " rows || complain "$script takes sizes and has no row"
done
