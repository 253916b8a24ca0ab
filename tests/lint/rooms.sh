#!/usr/bin/env bash
# The rooms of src/store, src/report and viewer: each is entered by its door alone, calls go one way, and no files go in circles.
#
# A room's door is ROOM/ROOM.h. What lies in src/store itself (events, errors, the connection) is below
# all its rooms, what lies in viewer itself (main, the table of commands) above them.
# `rooms.sh FOLDER` looks at another tree (its src, viewer).
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 2

# FOLDER/ROOM: the rooms of the same folder that it may call. "." is the folder itself.
rooms='
src/store/.:
src/store/codec:
src/store/stacks:
src/store/postings: codec
src/store/live: codec
src/store/writer: codec postings live stacks
src/store/reader: codec postings stacks
src/store/history: codec postings live stacks reader
src/store/check: codec postings live stacks reader
src/store/sql: postings stacks reader history
src/report/text:
src/report/words: text
src/report/known: words text
src/report/page: known words text
viewer/cli:
viewer/capture: cli
viewer/block: capture cli
viewer/events: capture cli
viewer/findings: capture cli
viewer/info: capture cli
viewer/sql: capture cli
viewer/layers: events capture cli
viewer/leaks: findings capture cli
viewer/record: findings capture cli
viewer/.: cli capture block events findings info sql layers leaks record
'
folders='src/store src/report viewer'
# Inner headers that others may include: FILE HEADER.
known='
src/store/history store/reader/state.h
src/store/check store/reader/state.h
src/store/sql store/reader/state.h
'

status=0
wrong() {
    echo "$1"
    status=1
}
below() { # FOLDER ROOM
    sed -n "s|^$1/$2:||p" <<<"$rooms"
}
no_less() { # the rooms of a message
    sed 's/^ *$/ no other room/' <<<"$1"
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
            [ -n "$(below "$folder" .)" ] || continue
            wrong "$file includes $header: what lies in $folder is above all rooms"
            continue
        fi
        if [ -n "$room" ]; then
            case "$(below "$folder" "$room") " in
            *" $target "*) ;;
            *) wrong "$file includes $header: $room may call$(no_less "$(below "$folder" "$room")")" ;;
            esac
        fi
        [ "$header" = "$prefix/$target/$target.h" ] && continue
        grep -q "^$folder/$room $header\$" <<<"$known" && continue
        wrong "$file includes $header: the door is $prefix/$target/$target.h"
    done < <(find src viewer -name '*.[ch]' -exec grep -HoE "^[ \t]*#[ \t]*include[ \t]*\"$prefix/[^\"]*\"" {} + |
        LC_ALL=C sort | sed -nE 's/^([^:]*):.*"([^"]*)"/\1 \2/p')

    # The same for calls, whoever declares them: what BUILD has of the folder was compiled from it.
    objects=${BUILD:-build}/host/$folder
    [ -d "$objects" ] || wrong "$objects has no objects to look at: run make first"
    while read -r room target symbol; do
        case "$(below "$folder" "$room") " in
        *" $target "*) ;;
        *) wrong "$folder/$room calls $symbol of $target: it may call$(no_less "$(below "$folder" "$room")")" ;;
        esac
    done < <(find "$folder" -name '*.c' | sed "s|^\(.*\)\.c$|${BUILD:-build}/host/\1.o|" | xargs nm -A -P |
        awk -v top="$objects/" -v down="$(below "$folder" .)" '{
            sub(top, "", $1); sub(/:$/, "", $1)
            room = $1; if (!sub(/\/.*/, "", room)) room = "."
            if ($3 ~ /[TDBR]/) home[$2] = room; else if ($3 == "U") calls[room " " $2] }
            END { for (c in calls) { split(c, part, " ")
                if (part[2] in home && home[part[2]] != part[1] && (down != "" || home[part[2]] != "."))
                    print part[1], home[part[2]], part[2] } }' | LC_ALL=C sort)
done

# No header leads back to itself, in any folder. tsort names what goes in a circle.
circles=$(find src viewer -name '*.h' -exec grep -HoE '^[ \t]*#[ \t]*include[ \t]*"[^"]*"' {} + |
    sed -nE 's/^(src\/)?([^:]*):.*"([^"]*)"/\2 \3/p' | tsort 2>&1 >/dev/null | grep '^tsort')
[ -z "$circles" ] || wrong "headers that include each other:
$circles"
exit "$status"
