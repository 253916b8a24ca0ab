# For tests of what the viewer answers, as text and as JSON. Sourced first.
# shellcheck shell=bash
. "${SOURCE:?}/tests/tools/test.sh"

# holds FILE WORDS: they stand in one line of it, with runs of blanks as one.
holds() {
    tr -s ' ' <"$1" | grep -qF -- "$2" || complain "$1 has no line with: $2
$(cat "$1")"
}
# value EXPRESSION FILE: that of a Python expression over `page`, the JSON of the file; a text as it is, all else as JSON.
value() {
    python3 -c 'import json, sys
page = json.load(open(sys.argv[2]))
found = eval(sys.argv[1])
print(found if isinstance(found, str) else json.dumps(found))' "$@"
}
