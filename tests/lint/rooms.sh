#!/usr/bin/env bash
# The rooms of src/store, src/collector, src/trace, src/guard, src/report and viewer: each is entered by its door alone, and calls go one way. No header leads
# back to itself; at most three files call each other in a circle, and no folders, nor rooms of any folder.
#
# A room's door is ROOM/ROOM.h. Files of src/store itself (events, errors, the connection) are below
# all its rooms; viewer (main, the table of commands), src/collector (main) and src/guard (the checks
# of a call) themselves are above theirs. `rooms.sh FOLDER` looks at another tree (its src, viewer).
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 2

# FOLDER/ROOM: the rooms of the same folder that it may call. "." is the folder itself.
rooms='
src/store/.:
src/store/codec:
src/store/stacks:
src/store/postings: codec
src/store/live: codec
src/store/profile: codec
src/store/writer: codec postings live stacks profile
src/store/reader: codec postings stacks
src/store/history: codec postings live stacks profile reader
src/store/check: codec postings live stacks profile reader
src/store/sql: postings stacks reader history
src/collector/kernel:
src/collector/link:
src/collector/target:
src/collector/capture: kernel
src/collector/session: capture kernel target
src/collector/findings: session capture kernel link
src/collector/drain: findings session capture kernel
src/collector/worker: drain findings session capture kernel link
src/collector/import: worker session capture kernel
src/collector/sampled: capture kernel link
src/collector/keeper: kernel link
src/collector/.: keeper worker sampled link
src/trace/.:
src/trace/memory:
src/trace/stacks:
src/trace/signals: memory
src/trace/threads: signals stacks memory
src/trace/ring: threads stacks memory
src/trace/collector: ring stacks memory
src/trace/crash: collector ring threads signals stacks memory
src/trace/python: stacks
src/trace/process: python crash collector ring threads signals stacks memory
src/guard/locate:
src/guard/choose: locate
src/guard/pools: locate
src/guard/tags: locate
src/guard/watched: choose locate
src/guard/.: choose locate pools tags watched
src/report/text:
src/report/words: text
src/report/known: words text
src/report/instruction:
src/report/page: instruction known words text
viewer/cli:
viewer/capture: cli
viewer/block: capture cli
viewer/corefile: block capture cli
viewer/events: capture cli
viewer/findings: capture cli
viewer/info: capture cli
viewer/sql: capture cli
viewer/layers: events capture cli
viewer/leaks: findings capture cli
viewer/profile: capture cli
viewer/export: findings events profile capture cli
viewer/html: profile layers findings capture cli
viewer/fleet: html findings capture cli
viewer/record: fleet findings profile corefile capture cli
viewer/hunt: record findings capture cli
viewer/attach: record capture cli
viewer/mcp: record capture cli
viewer/reduce: record capture cli
viewer/replay: html record capture cli
viewer/view: profile block findings capture cli
viewer/.: attach cli capture block corefile events export findings fleet html info sql layers leaks mcp profile record reduce replay hunt view
'
folders='src/store src/collector src/trace src/guard src/report viewer'
# Inner headers that others may include: FILE HEADER.
known='
src/store/history store/reader/inner.h
src/store/check store/reader/inner.h
src/store/sql store/reader/inner.h
'

# POINTER FILES: pointers to functions that headers show, and who sets them at start.
pointers='
hak_answer_leaks src/leaks/scan.c
hak_sandbox_steps src/guard/pages.c src/guard/watched/watched.c src/entry/start.c
hak_before_unmap src/guard/path.c
hak_pages_counter src/entry/start.c src/entry/keep/start.c src/entry/attach/start.c
hak_front_at_period src/route/route.c
hak_front_give_back src/route/route.c
hak_front_look src/learn/learn.c
hak_entry_begin_counting src/entry/counted/profile.c
hak_large_sample_ends src/entry/start.c src/entry/counted/profile.c
hak_layer_keeps src/entry/start.c
hak_pool_close_block src/guard/pieces.c
hak_raw_leaks src/leaks/scan.c
hak_source_open_url viewer/fleet/server.c
hak_stacks_add_frames src/trace/python/python.c
hak_thread_stack_is_set src/guard/path.c
'

# HALF FOLDERS: the object of each source file, that of `make apart` where its folder is compiled as one unit.
objects() {
    local half=$1 file object at
    shift
    find "$@" -name '*.c' | while read -r file; do
        object=${file%.c}.o
        for at in "apart/$half" "$half"; do
            [ ! -e "${BUILD:-build}/$at/$object" ] || { echo "${BUILD:-build}/$at/$object"; break; }
        done
    done
}
status=0
wrong() {
    echo "$1"
    status=1
}
declare -A rooms_below
while IFS=: read -r room names; do [ -z "$room" ] || rooms_below[$room]=$names; done <<<"$rooms"
below() { # FOLDER ROOM: `rooms_there`
    rooms_there=${rooms_below[$1/$2]-}
}
no_less() { # the rooms of a message
    if [ -n "${1// /}" ]; then printf '%s' "$1"; else printf ' no other room'; fi
}

for folder in $folders; do
    prefix=${folder#src/}
    for room in "$folder"/*/; do
        room=$(basename "$room")
        [ -e "$folder/$room/$room.h" ] || wrong "$folder/$room has no door: $room.h"
        grep -q "^$folder/$room:" <<<"$rooms" || wrong "tests/lint/rooms.sh does not know $folder/$room"
    done

    # FILE HEADER, for each include of a header of this folder.
    while read -r file header; do
        target=${header#"$prefix"/} target=${target%/*}
        [ "$target" != "${header#"$prefix"/}" ] || target=.
        case "$file" in
        "$folder"/*/*) room=${file#"$folder"/} room=${room%%/*} ;;
        "$folder"/*) room=. ;;
        *) room= ;;
        esac
        [ "$room" = "$target" ] && continue
        if [ "$target" = . ]; then
            below "$folder" .
            [ -n "$room" ] && [ -n "$rooms_there" ] || continue
            wrong "$file includes $header: what lies in $folder is above all rooms"
            continue
        fi
        if [ -n "$room" ]; then
            below "$folder" "$room"
            case "$rooms_there " in
            *" $target "*) ;;
            *) wrong "$file includes $header: $room may call$(no_less "$rooms_there")" ;;
            esac
        fi
        [ "$header" = "$prefix/$target/$target.h" ] && continue
        case "$known" in *"
$folder/$room $header
"*) continue ;; esac
        wrong "$file includes $header: the door is $prefix/$target/$target.h"
    done < <(find src viewer -name '*.[ch]' -exec grep -HoE "^[ \t]*#[ \t]*include[ \t]*\"$prefix/[^\"]*\"" {} + |
        LC_ALL=C sort | sed -nE 's/^([^:]*):.*"([^"]*)"/\1 \2/p')

    # The same for calls, whoever declares them: what BUILD has of the folder was compiled from it.
    half=apart
    case $folder in src/trace | src/guard) half=debug ;; esac # the recorded program's
    [ "$(objects "$half" "$folder" | wc -l)" = "$(find "$folder" -name '*.c' | wc -l)" ] || wrong "$folder lacks objects to look at: run make all apart first"
    while read -r room target symbol; do
        below "$folder" "$room"
        case "$rooms_there " in
        *" $target "*) ;;
        *) wrong "$folder/$room calls $symbol of $target: it may call$(no_less "$rooms_there")" ;;
        esac
    done < <(objects "$half" "$folder" | xargs -r nm -A -P |
        awk -v top="^.*/$folder/" -v down="${rooms_below[$folder/.]-}" '{
            sub(top, "", $1); sub(/:$/, "", $1)
            room = $1; if (!sub(/\/.*/, "", room)) room = "."
            if ($3 ~ /[TDBR]/) home[$2] = room; else if ($3 == "U") calls[room " " $2] }
            END { for (c in calls) { split(c, part, " ")
                if (part[2] in home && home[part[2]] != part[1] && (down != "" || home[part[2]] != "."))
                    print part[1], home[part[2]], part[2] } }' | LC_ALL=C sort)
done

# HALF: "FILE name" for each global that a file defines, "FILE - name" for each that it uses, also by the inline functions
# of headers that it includes.
globals() {
    objects "$1" src viewer | xargs -r nm -A -P | awk -v top="^${BUILD:-build}/(apart/)?$1/" '{
        sub(top, "", $1); sub(/\.o:$/, "", $1)
        if ($3 ~ /[TDBRVW]/) print $1, $2; else if ($3 == "U") print $1, "-", $2 }'
}
# folder or room: "FROM TO name" for the calls from one to another, by what `globals` says. A folder is one of src with all its
# rooms, or viewer; a room is what lies in one folder.
calls() {
    awk -v by="$1" '
        function place(file) {
            if (by == "room") { sub(/\/[^\/]*$/, "", file); return file }
            if (sub(/^src\//, "", file) == 0) return "viewer"
            return file ~ /\// ? substr(file, 1, index(file, "/") - 1) : "src"
        }
        NF == 2 { home[$2] = place($1) } NF == 3 { used[place($1) " " $3] }
        END { for (u in used) { split(u, part, " "); to = home[part[2]]
                  if (to && to != part[1]) print part[1], to, part[2] } }'
}
for half in apart plain light debug keep; do
    used=$(globals "$half")
    [ -n "$used" ] || wrong "${BUILD:-build}/$half has no objects to look at: run make all apart first"
    ring=$(awk '
        NF == 2 { home[$2] = $1 } NF == 3 { used[$1 " " $3] }
        END { for (u in used) { split(u, part, " "); to = home[part[2]]
                  if (to && to != part[1]) { calls[part[1]] = calls[part[1]] " " to; files[part[1]] } }
              for (f in files) { n = split(calls[f], todo, " ")
                  while (n > 0) { at = todo[n--]
                      if ((f, at) in reached) continue
                      reached[f, at]; m = split(calls[at], more, " ")
                      for (i = 1; i <= m; i++) todo[++n] = more[i] } }
              for (f in files) { ring = ""; length_of = 0
                  first = f
                  for (g in files) if ((f, g) in reached && (g, f) in reached) {
                      ring = ring " " g; length_of++; if (g < first) first = g }
                  if (length_of > 3 && first == f) print "  " ring } }' <<<"$used")
    [ -z "$ring" ] || wrong "$half: files that call each other in a circle of more than three
$ring"

    for by in folder room; do
        names=$(calls $by <<<"$used" | LC_ALL=C sort)
        circle=$(cut -d' ' -f1,2 <<<"$names" | tsort 2>&1 >/dev/null | sed -n '/^tsort: -/d; s/^tsort: //p')
        [ -z "$circle" ] || wrong "$half: ${by}s that call each other in a circle
$(awk 'NR == FNR { circle[$1]; next }
            $1 in circle && $2 in circle { print "  " $1 " calls " $3 " of " $2 }' <(echo "$circle") - <<<"$names")"
    done
done

# src/decode runs in any signal handler and calls nobody.
while read -r name; do wrong "src/decode calls $name"; done < <(
    find "${BUILD:-build}"/*/src/decode -name '*.o' -exec nm -u -P {} + 2>/dev/null | awk 'NF > 1 { print $1 }' | LC_ALL=C sort -u |
        grep -vE '^(hak_decode|mem(cpy|set)$|__(asan|ubsan|tsan|stack_chk|sanitizer|gcov|llvm)|_GLOBAL_OFFSET)')

# A room calls what lies above it by a pointer alone that is set at start: each pointer to a function that a header shows
# is in the table, with the only files that set it.
while read -r header pointer; do
    setter=$(sed -nE "s|^$pointer ||p" <<<"$pointers")
    [ -n "$setter" ] || wrong "$header: $pointer is not in the table \`pointers\` of tests/lint/rooms.sh"
    for file in $(grep -rlE "\b$pointer = " src viewer --include='*.c'); do
        case " $setter " in *" $file "*) ;; *) wrong "$file sets $pointer, which is for $setter" ;; esac
    done
done < <(grep -rnE '^(HAK_HIDDEN )?extern [^;]*\(\*hak_' src viewer --include='*.h' |
    sed -nE 's/^([^:]*):.*\(\*(hak_[a-z_0-9]*)\).*/\1 \2/p')

# The ways of DESIGN.md: each function is where its row says, and no file comes twice in one way.
way='' rows=0
while IFS='|' read -r _ file function _; do
    file=${file//[ \`]/} function=${function//[ \`]/}
    [ "$function" != function ] || { way=$file files=' '; continue; }
    [ -n "$way" ] && [[ $file != -* ]] || continue
    grep -qE "^[A-Za-z].*[ *]$function\(" "$file" || wrong "DESIGN.md: $file has no $function"
    case "$files" in *" $file "*) wrong "DESIGN.md: $file comes twice in the way of $way" ;; esac
    files="$files$file "
    rows=$((rows + 1))
done < <(sed -n '/^## Two ways/,/^## The four/p' DESIGN.md 2>/dev/null | grep '^|')
[ "$rows" -ge 20 ] || [ ! -e DESIGN.md ] || wrong "DESIGN.md: the two ways have $rows rows"

# No header leads back to itself, in any folder. tsort names what goes in a circle.
circles=$(find src viewer -name '*.h' -exec grep -HoE '^[ \t]*#[ \t]*include[ \t]*"[^"]*"' {} + |
    sed -nE 's/^(src\/)?([^:]*):.*"([^"]*)"/\2 \3/p' | tsort 2>&1 >/dev/null | grep '^tsort')
[ -z "$circles" ] || wrong "headers that include each other:
$circles"
exit "$status"
