#!/usr/bin/env bash
# The habits of the house that a search can see: where HAK_DEBUG, the environment, stdio and malloc may
# stand, how long a file may be, that it begins by saying what it is for.
# shellcheck disable=SC2046,SC2086,SC2044
set -u
shopt -s lastpipe
cd "$(dirname "$0")/../.." || exit 2
status=0

# found "what is wrong" < matches
found() {
    local matches
    matches=$(cat)
    [ -n "$matches" ] || return 0
    printf '%s:\n%s\n' "$1" "$matches"
    status=1
}
# Lines of code that match $1 in the files $2.., without those that are only comment.
code() {
    local pattern=$1
    shift
    grep -nE "$pattern" "$@" /dev/null 2>/dev/null |
        grep -vE '^[^:]+:[0-9]+:[ \t]*(\*|//|/\*)' | sed 's/^/  /'
}

all=$(find src viewer -name '*.[ch]' | LC_ALL=C sort)
in_program=$(find src -name '*.[ch]' ! -path 'src/collector/*' ! -path 'src/report/*' ! -path 'src/symbols/*' ! -path 'src/base/*' ! -path 'src/store/*' ! -path 'src/remote/*' ! -path 'src/player/*')

{
    code '\bHAK_(DEBUG|LIGHT|KEEP)\b' $(echo "$all" | grep -vE '^src/(hop\.h|entry/way\.h)$') |
        found 'HAK_DEBUG, HAK_LIGHT or HAK_KEEP outside hop.h and entry/way.h (the same code compiles several times)'
    code '#[ \t]*include[ \t]*"border.h"' $(echo "$all" | grep -vE '^src/(entry|guard)/|^src/(light\.h|verify/api\.c)$') |
        found 'border.h outside of entry and guard: a layer says by hop.h and check.h what moves'
    code '\b(secure_)?getenv *\(|\benviron\b' $(echo "$in_program" | grep -vE '^src/(options\.[ch]|entry/environment/environment\.c|trace/(memory/environment|process/start|keeper/launch)\.c)$') |
        found 'the environment read outside options.c (trace may hand it on)'
    code 'getenv *\( *"HAKMEM_' $(find src/collector src/report src/symbols src/base src/store src/remote viewer -name '*.[ch]') |
        found 'a HAKMEM_ variable read outside options.c'
    code '\b(f|s|sn|vf|vsn|d|vd)?printf *\(|\bputs *\(|\bperror *\(' $in_program |
        found 'stdio in the program-side library'
    code '(^|[^_a-zA-Z.>])(malloc|calloc|realloc|strdup|asprintf|opendir|fopen) *\(' \
        $(echo "$in_program" | grep -v '^src/entry/') |
        found 'malloc, or what calls it, inside what malloc can reach'
    code '\bassert *\(' $all | found 'assert: an error that a user can cause gives what, where, due, what to do'
}

# Foreign text meets a terminal through report/text/text.h, in the program through hak_line_add_name. Only
# these files print, or put bytes into a text as they are.
{
    print='(^|[^_a-zA-Z])(v?f?printf|fputs|fputc|puts|putchar|putc|perror|fwrite|v?dprintf|psignal|err|errx|warn|warnx) *\('
    code "$print|[^_a-z]write *\\( *(1|2|STD[A-Z]*_FILENO) *," $(find src/collector src/report src/symbols src/base src/store viewer -name '*.[ch]' |
        grep -vE '^(viewer/cli/output\.c|src/collector/(main|link/say)\.c)$') |
        grep -vE 'format\(printf|: +"[^"]*printf\(|fwrite\(document, 1' |
        found 'printing past viewer/cli/output.c (view_write, view_error, view_print)'
    code '\bhak_text_add_bytes *\(' $(find src viewer -name '*.c' |
        grep -vE '^src/report/(text/.*|words/(json|function)|known/fingerprint)\.c$|^viewer/(cli/(answer|output|table)|export/csv|findings/(annotations|explain|sarif|sources|xml)|html/page|fleet/(ask|stack)|hunt/site|info/(known|size)|record/(environment|ctl_stats)|sql/(line|print|sql))\.c$') |
        found 'bytes put into a text as they are (hak_text_add escapes what is foreign)'
    code 'hak_line_add *\([^,"]*, *([a-z_>.-]*(name|path|value|detail)\)|[^"]*>l_name)' $in_program |
        found 'foreign text in a line (hak_line_add_name escapes it)'
}

awk 'FNR == 1 && !/^\/\* [A-Za-z`].............../ { print "  " FILENAME }' $all $(find include -name '*.h' 2>/dev/null) $(find tests viewer demo tools -name '*.c') |
    sort -u | found 'files whose first line does not say what they are for'
awk 'length($0) > 120 { print "  " FILENAME ":" FNR }' $(find src include viewer demo tests tools \( -name '*.[ch]' -o -name '*.def' \) 2>/dev/null) |
    found 'lines past 120 columns'

tracked=$(git ls-files -co --exclude-standard -- src include viewer tests docs demo tools Makefile README.md DESIGN.md .ci)
{
    grep -nE '\b(TO[D]O|FIX[M]E|XX[X])\b|not (yet )?imple[m]ented|\bstu[b]s?\b' $tracked 2>/dev/null |
        sed 's/^/  /' | found 'words of unfinished work'
    grep -nE '(^|[^a-zA-Z.])/(w[o]rk|tmp/h[k]|f[a]rm)/' $tracked 2>/dev/null | sed 's/^/  /' |
        found 'paths of one machine'
    # A line "skipped: ..." tells what a machine lacks (tests/README.md).
    grep -nE '\bSKI[P]\b|\b[Ss]kipp(e[d]|in[g])\b|ck_assert.*clock_gettim[e]' $(echo "$tracked" | grep '^tests/.*\.\(c\|sh\|py\)$') \
        2>/dev/null | grep -v 'skipped: ' | sed 's/^/  /' | found 'tests that avoid their task or time themselves'
}

# tests/rooms: a row for each folder of src and viewer, and what a row names is there.
rows=$(grep -v '^#' tests/rooms)
comm -13 <(cut -d' ' -f1 <<<"$rows" | LC_ALL=C sort -u) <(find src viewer -maxdepth 1 -type d | LC_ALL=C sort) | found 'folders without a row in tests/rooms'
while read -r path tests; do for file in "$path" ${tests// / tests/}; do [ -e "$file" ] || echo "  $path: $file"; done; done < <(sed 's/  */ tests\//' <<<"$rows") |
    found 'rows of tests/rooms with what is not there'
/usr/bin/python3 tests/tools/quick_tier.py rows | sed 's/^/  /' | found 'rows of tests/quick'
exit "$status"
