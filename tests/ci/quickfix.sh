#!/usr/bin/env bash
# faults --quickfix: its lines, in vim's list of errors and by the matcher of examples/editors; baselines, files with odd names, nothing found.
. "${SOURCE:?}/tests/tools/test.sh"
mkdir -p 'a:1: b' && cp "$SOURCE/tests/sqlite/mixed.c" 'a:1: b/mixed.c' && cp "$SOURCE/tests/sqlite/mixed.c" mixed.c
${CC:-cc} -w -g -O1 -o mixed mixed.c -lpthread && ${CC:-cc} -w -g -O1 -o odd 'a:1: b/mixed.c' -lpthread || fail "mixed.c does not compile"
line() { grep -n "$1" mixed.c | tail -n 1 | cut -d: -f1; }
row=$(line 'return malloc(size)') kept=$(line 'kept\[i\] = make_row(2000)') freed=$(line 'free(kept\[i\])') again=$(line 'free(kept\[1\])')
forget=$(line '\*(volatile char') begun=$(line 'forget_rows();')
"$trace" run --check trace --on-fault continue --leaks=error -s mixed.db -- ./mixed 2>report
[ $? -eq 1 ] || complain "mixed: $(cat report)"

cat >due <<END
PLACE:$again: error: HKM-202 double-free: main() mixed.c:$again calls free on a 2,000-byte block already freed by main() mixed.c:$freed
PLACE:$again: note: found in main
PLACE:$row: note: allocated in make_row
PLACE:$kept: note: called from main
PLACE:$freed: note: freed in main
PLACE:$row: error: HKM-401 memory-leak: 2,100 bytes in 7 blocks
PLACE:$row: note: allocated in make_row
PLACE:$forget: note: called from forget_rows
PLACE:$begun: note: called from main
END
"$trace" faults --quickfix -s mixed.db >got 2>err
[ $? -eq 1 ] && [ ! -s err ] || complain "status, or: $(cat err)"
sed -E 's/( memory-leak: [^:]* blocks)[^:]*.*/\1/' got | diff <(sed "s|PLACE|$PWD/mixed.c|" due) - || complain "whole paths differ"
(cd / && "$trace" faults --quickfix -s "$OLDPWD/mixed.db" --sources "$OLDPWD") | sed -E 's/( memory-leak: [^:]* blocks)[^:]*.*/\1/' | diff <(sed 's|PLACE|mixed.c|' due) - || complain "paths of --sources differ"

# ---- vim's own reading, with its default format and the page's
read_by_vim() {
    timeout 300 vim -u NONE -i NONE -es "$@" -q got -c 'call writefile(map(filter(getqflist(), "v:val.valid"), "fnamemodify(bufname(v:val.bufnr), \":t\") . \" \" . v:val.lnum . \" \" . v:val.type"), "vim.out")' -c 'qa!' </dev/null || complain "vim ends with $?"
}
read_by_vim
awk -F: '{ print "mixed.c", $2, "" }' got | diff - vim.out || complain "vim reads something else"
read_by_vim --cmd "$(sed -n 's/^    \(set errorformat.*\)/\1/p' "$SOURCE/docs/editors.md")"
awk -F: '{ print "mixed.c", $2, ($3 == " error" ? "e" : "n") }' got | diff - vim.out || complain "vim reads something else by the page's format"

# ---- the matcher, which is JavaScript's
cat >match.js <<'END'
const fs = require("fs");
const matcher = JSON.parse(fs.readFileSync(process.argv[2], "utf8")).tasks[0].problemMatcher.pattern;
for (const line of fs.readFileSync("got", "utf8").trimEnd().split("\n")) {
    const found = line.match(new RegExp(matcher.regexp));
    console.log(found ? [found[matcher.file], found[matcher.line], found[matcher.severity], found[matcher.message]].join("|") : "no match: " + line);
}
END
node match.js "$SOURCE/examples/editors/.vscode/tasks.json" >matched || complain "node ends with $?"
sed -E 's/^([^:]*):([0-9]+): (error|note): /\1|\2|\3|/' got | diff - matched || complain "the matcher reads something else"

# ---- a folder whose name looks like a place
"$trace" run --check trace -s odd.db -- ./odd >/dev/null 2>&1
"$trace" faults --quickfix -s odd.db | head -n 1 >odd.out
grep -qF "a:1: b/mixed.c:$again: error: HKM-202" odd.out || complain "an odd folder: $(cat odd.out)"

# ---- what is known is left out; nothing at all; what does not go together
"$trace" faults -s mixed.db --write-baseline known.json >/dev/null || complain "no baseline"
"$trace" faults --quickfix --baseline known.json -s mixed.db >got 2>err
[ $? -eq 0 ] && [ ! -s got ] && [ ! -s err ] || complain "all known: $(cat got err)"
"$trace" run --check trace -s good.db -- true && "$trace" faults --quickfix -s good.db >got 2>err
[ $? -eq 0 ] && [ ! -s got ] && [ ! -s err ] || complain "nothing found: $(cat got err)"
for words in '--json' '1' '--write-baseline more.json'; do
    # shellcheck disable=SC2086 # two words
    "$trace" faults --quickfix -s mixed.db $words >got 2>err
    [ $? -eq 2 ] && grep -q '^hakmem-trace: faults --quickfix lists all new findings: leave out ' err || complain "$words: $(cat got err)"
done
