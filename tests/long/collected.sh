#!/usr/bin/env bash
# Known faults of further real programs, in two halves: what level normal, HAKMEM_GUARD=all and a hunt say of each, beside memcheck; the
# correct inputs of the same programs are not accused.
# timeout: 7200
#
#   KNOWN_PROGRAMS=FOLDER  has the programs that are no package's: each is built unmodified, with -O2, at the commit that
#                          tests/known/collected/cases names, and lies under the name behind its "@". One that is not
#                          there is left out, and its name is said.
#   HALF=A, HALF=B         one half only. B is never tuned on: its lines are looked at when a session is at its end.
#   ONLY="NAME ..."        these cases
#   WAYS="WAY ..."         these ways: normal, all, hunt, or another of tests/known; nothing is compared then
#   UPDATE=1               writes the expected lines of what ran anew
#
# The half is the first digit of the name's SHA-1: even is A.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/tools/known_ways.sh"
here=$SOURCE/tests/known/collected
programs=${KNOWN_PROGRAMS:-/srv/known/bin}
export LC_ALL=C.UTF-8

repeated() { printf "%.0s$1" $(seq "$2"); }
two_codes() { printf '\377\304\0\24\0\1%s\377\304\0\24\20\1%s' "$(repeated '@' 16)" "$(repeated '@' 16)" | tr '@' '\0'; }

# Writes the inputs that have bytes which no text file keeps, or that are long.
lay_inputs() {
    local letters header image
    cp "$here"/inputs/* .
    letters=$(repeated t 64)
    printf '```a&amp;b&lt;c&gt;d&amp;\nx\n```\n' >fence_eight.md
    printf '```a&amp;b\nx\n```\n' >fence_two.md
    printf 'w %s *a **b****' "$(repeated '&' 56)" >stars.md
    printf 'w *a* **b**\n' >stars_few.md
    printf '[word](/there "one\ntwo &")\n' >title_ampersand.md
    printf '[word](/there "one\ntwo and")\n' >title_word.md
    printf '<div></div>[k]\n' >label_bare.md
    printf '<div></div>\n\n[k]: there\n' >label_colon.md
    printf '<div></div>*' >bullet_bare.md
    printf '<div></div>\n\n* a\n' >bullet_spaced.md
    printf '# Heading%500s\n\ntext\n' '' >heading_blank.md
    printf '# Heading\n\ntext\n' >heading.md
    printf '![cat](cat.png){%s}\n' "$(repeated 'class=tall' 10)" >attributes.md
    printf '![cat](cat.png)\n' >attributes_none.md
    printf '%0256d\n' 7 >digits_256.json
    printf '%0250d\n' 7 >digits_250.json
    printf '0 | gmtime | strftime([] | implode)\n' >strftime.jq
    printf '0 | gmtime | strftime("%%d")\n' >strftime_day.jq
    printf 'func main() {\n\tvar whole = ["%s", "%s"].join();\n\treturn whole - "tt";\n}\n' "$letters" "$letters" >joined.gravity
    printf 'func main() {\n\tvar whole = ["tt", "tt"].join();\n\treturn whole - "tt";\n}\n' >joined_short.gravity
    printf 'note = <<END\nfirst\nEND' >heredoc_bare.ucl
    printf 'note = <<END\nfirst\nEND\n' >heredoc_line.ucl
    printf 'count = 12 ' >number_end.ucl
    printf 'count = 12\n' >number_line.ucl
    printf '[%s\n' "${letters:0:29}" >table_open.toml
    printf '[%s]\n' "${letters:0:28}" >table_closed.toml
    printf 'word <- "quo\350' >literal_cut.peg
    printf 'word <- "quote"\n' >literal.peg
    printf '{"first":[1],' >comma.json
    printf '{"first":[1]}' >object.json
    printf '%s\n' '(?<y>k)\g<2>{0}(?<=|(?<z>))' >behind_called.txt
    printf '%s\n' '(?<y>k)\g<1>{2}(?<=k)' >behind_plain.txt
    printf '0 a\nb\n' >words.txt
    printf 'local function many(%s, ...)\n  return select("#", ...)\nend\nprint(coroutine.wrap(many)())\n' \
        "$(seq -s ', ' -f 'p%g' 90)" >parameters.lua
    printf 'local function few(p1, ...)\n  return select("#", ...)\nend\nprint(coroutine.wrap(few)())\n' >parameters_few.lua
    header='GIF89a\2\0\1\0\200\0\0\0\0\0\377\377\377,\0\0\0\0\2\0\1\0\0\2\2'
    printf "$header"'\204\137\0;' >pixels_many.gif
    printf "$header"'\4\12\0;' >pixels_two.gif
    header='GIF89a\1\0\1\0\200\0\0\0\0\0\377\377\377,\0\0\0\0\1\0\1\0\0\2\2'
    printf "$header"'\124\1\0;' >index_two.gif
    printf "$header"'\104\1\0;' >index_zero.gif
    image='\377\300\0\21\10\0\10\0\10\3\1\21\0\2\21\0\3\21\0'
    header='\377\330\377\333\0\103\0'$(repeated '\\1' 64)
    { printf "$header"'\377\300\0\13\10\0\10\0\10\1\1\21\0'; two_codes; printf '\377\332\0\10\1\1\0\0\77\0\77\377\331'; } >gray.jpg
    { printf "$header$image"; two_codes; printf '\377\332\0\14\3\1\0\2\0\3\0\0\77\0\0\0\0\377\331'; } >colour.jpg
    printf '\377\330\377\341\0\2\377\331' >exif_empty.jpg
    printf '\377\330\377\341\0\12other one'"$image"'\377\332\0\2' >exif_other.jpg
    printf '\170\237\76\42\1\0\1\6\220\10\0\1\0\0\0\7\7\0' >version_short.tnef
    printf '\170\237\76\42\1\0\1\6\220\10\0\4\0\0\0\0\0\1\0\1\0' >version.tnef
    header='\170\237\76\42\1\0\1\4\200\1\0\4\0\0\0one\0\102\1\1\4\200\1\0'
    printf "$header"'\170\0\0\0%s%s\140\66' "$letters" "${letters:0:56}" >subject_twice.tnef
    printf "$header"'\24\0\0\0%s\20\11' "${letters:0:20}" >subject_short.tnef
    header='\211PNG\r\n\32\n\0\0\0\15IHDR\0\0\0\1\0\0\0\1\10\2\0\0\0\220\167\123\336\0\0\0\24teXt'
    printf "$header%s" "${letters:0:20}" >chunk_cut.png
    printf "$header%s%s" "${letters:0:20}" "${letters:0:30}" >chunk.png
}

half_of() {
    case $(printf %s "$1" | sha1sum) in
    [02468ace]*) echo A ;;
    *) echo B ;;
    esac
}

# A command with the built programs' paths; fails where the program is not there.
placed() {
    local first=${1%% *}
    case $first in
    @*) [ -x "$programs/${first#@}" ] && echo "$programs/${1#@}" ;;
    *) command -v "$first" >/dev/null && echo "$1" ;;
    esac
}

check_case() {
    local name=$1 bug=$2 command=$3 correct=$4 way words due
    rm -rf run && mkdir run && cp inputs/* run && cd run || fail "no folder"
    read -ra words <<<"$command"
    { valgrind --log-file="$name.valgrind" "${words[@]}" >/dev/null </dev/null; } 2>/dev/null
    memcheck_error "$name.valgrind" >"$name.memcheck"
    echo "$name ($bug): ${command#"$programs/"}"
    echo "    memcheck  $(head -n 1 "$name.memcheck")"
    for way in ${WAYS-normal all hunt}; do
        if [ "$way" = hunt ]; then hunt_for "$name" "$command"; else run_guarded "$way" "$name" "$command"; fi
        print_finding "$way" "$name"
    done
    read -ra words <<<"$correct"
    { valgrind --log-file=correct.valgrind "${words[@]}" >/dev/null </dev/null; } 2>/dev/null
    [ -z "$(memcheck_error correct.valgrind)" ] || echo "    memcheck: the correct input is accused: $(memcheck_error correct.valgrind | head -n 1)"
    "${words[@]}" >due.out 2>due.err </dev/null
    due=$?
    "${words[@]}" >again.out 2>/dev/null </dev/null
    for way in ${WAYS-normal all}; do
        [ "$way" != hunt ] || continue
        run_guarded "$way" "$name" "$correct"
        [ "$status" -eq "$due" ] || echo "    $way: the correct input ends with status $status, without hakmem $due"
        cmp -s due.out found.out || ! cmp -s due.out again.out || echo "    $way: the correct input has another output"
        [ -z "$(finding)" ] || echo "    $way: the correct input is accused: $(finding)"
    done
    cd ..
}

# Compares the lines of the cases that ran with those due. The blocks that level normal guards depend on the time that the machine takes: its
# lines are only shown. So are those of `all` where no debug register fires: some reads of the slack are found by one.
shown_only() {
    "$trace" run --store fires.db -- true && "$trace" info -s fires.db >fires.txt || fail "a program cannot be recorded"
    if grep -q 'no debug register watches\|debug registers do not fire' fires.txt; then echo 'normal|all'; else echo normal; fi
}
compare() {
    local ways
    ways=$(shown_only)
    sed -E "/^    ($ways) /d" "$1.found" >"$1.now"
    awk -v ways="^    ($ways) " 'FNR == NR { if (/^[^ ]/) ran[$1] = 1; next }
        /^[^ ]/ { is_in = $1 in ran }
        is_in && $0 !~ ways' "$1.found" "$here/$1.expected" >"$1.due"
    diff -u "$1.due" "$1.now" || complain "$1.expected differs"
}

mkdir inputs && cd inputs && lay_inputs && cd .. || fail "the inputs cannot be written"
trim() { sed 's/^ *//; s/ *$//' <<<"$1"; }
for half in A B; do
    [ "${HALF-$half}" = "$half" ] || continue
    while IFS='|' read -r name bug command correct; do
        case $name in '#'* | '') continue ;; esac
        name=$(trim "$name")
        [ "$(half_of "$name")" = "$half" ] || continue
        [ -z "${ONLY-}" ] || [[ " $ONLY " == *" $name "* ]] || continue
        if placed_command=$(placed "$(trim "$command")") && placed_correct=$(placed "$(trim "$correct")"); then
            check_case "$name" "$(trim "$bug")" "$placed_command" "$placed_correct"
        else
            echo "skipped: $name: no $(trim "$command" | sed 's/ .*//')" >&2
        fi
    done <"$here/cases" >"$half.found"
    cat "$half.found"
    if [ -n "${UPDATE-}" ]; then
        cp "$half.found" "$here/$half.expected"
    elif [ -z "${WAYS-}" ] && [ -e "$here/$half.expected" ]; then
        compare "$half"
    fi
done
