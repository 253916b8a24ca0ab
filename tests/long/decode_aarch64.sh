#!/usr/bin/env bash
# The decoder of AArch64 (src/decode) agrees with llvm-mc about a million random words: what is read or written, how many bytes, at
# which address. The words of its unit test are those that llvm-mc makes of their texts.
# timeout: 600
# shellcheck disable=SC2086 # $with is two options
. "${SOURCE:?}/tests/tools/test.sh"
mc=$(command -v llvm-mc llvm-mc-14 llvm-mc-19 | head -n 1)
[ -n "$mc" ] || { echo "skipped: llvm-mc is not here"; exit 77; }
with="-triple=aarch64 -mattr=+v8.7a,+mte,+lse,+rcpc-immo,+ls64,+sve,+sve2,+sme,+mops,+pauth,+fullfp16"
"${CC:-cc}" -std=gnu11 -O1 -g -fsanitize=undefined -fno-sanitize-recover=undefined -iquote "$SOURCE/src" -o words \
    "$SOURCE"/tests/long/aarch64/words.c "$SOURCE"/src/decode/{aarch64,aarch64_effects,operand}.c || exit 2
for seed in 1 2 3 4 5; do
    ./words 200000 $seed >said || fail "words.c ends with $?"
    cut -f1 said | "$mc" $with -disassemble >texts 2>warnings
    python3 "$SOURCE/tests/long/aarch64/compare.py" said texts warnings || failed=1
done
# One that says something else is seen.
sed -E "s/ r--- 8 / r--- 4 /" said >other
python3 "$SOURCE/tests/long/aarch64/compare.py" other texts warnings >answer && fail "a wrong width was not seen"

sed -nE 's/^ +\{"([^"]*)", (0x[0-9a-f]{8}),.*/\2 \1/p' "$SOURCE/tests/unit/decode/aarch64_test.c" >rows
[ "$(wc -l <rows)" -gt 100 ] || fail "the unit test has only $(wc -l <rows) rows"
cut -d' ' -f2- rows | "$mc" $with -show-encoding 2>errors | sed -nE 's/.*encoding: \[(0x..),(0x..),(0x..),(0x..)\]/\4\3\2\1/p' |
    sed -E 's/0x//g; s/^/0x/' >words_of
[ -s errors ] && { cat errors; failed=1; }
diff <(cut -d' ' -f1 rows) words_of >differ || { head differ; fail "the unit test has other words"; }
