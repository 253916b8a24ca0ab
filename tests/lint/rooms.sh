#!/usr/bin/env bash
# The rooms of src/store: each is entered by its door alone, calls go one way, and no files go in circles.
#
# A room's door is ROOM/ROOM.h. What lies in src/store itself (events, errors, the connection) is below
# all rooms. `rooms.sh FOLDER` looks at another tree (its src, viewer).
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 2

# room: the rooms that it may call.
below() {
    case "$1" in
    codec | stacks) echo '' ;;
    postings | live) echo 'codec' ;;
    writer) echo 'codec postings live stacks' ;;
    reader) echo 'codec postings stacks' ;;
    history | check) echo 'codec postings live stacks reader' ;;
    sql) echo 'postings stacks reader history' ;;
    root) echo '' ;;
    *) echo "unknown room $1" ;;
    esac
}

status=0
wrong() {
    echo "$1"
    status=1
}

for room in src/store/*/; do
    room=$(basename "$room")
    [ -e "src/store/$room/$room.h" ] || wrong "src/store/$room has no door: $room.h"
    case $(below "$room") in unknown*) wrong "tests/lint/rooms.sh does not know src/store/$room" ;; esac
done

# FILE HEADER, for each include of a header of the store or of base.
while read -r file header; do
    case "$header" in store/*/*) ;; *) continue ;; esac
    IFS=/ read -r _ target name <<<"$header"
    case "$file" in
    "src/store/$target/"*) continue ;;
    src/store/*/*)
        IFS=/ read -r _ _ room _ <<<"$file"
        case " $(below "$room") " in
        *" $target "*) ;;
        *) wrong "$file includes $header: $room may call $(below "$room" | sed 's/^$/no other room/')" ;;
        esac
        # Who answers from the reader sees its insides.
        [ "$header" = store/reader/state.h ] && continue
        ;;
    src/store/*) wrong "$file includes $header: what lies in src/store is below all rooms" ;;
    esac
    [ "$name" = "$target.h" ] || wrong "$file includes $header: the door is store/$target/$target.h"
done < <(find src viewer -name '*.[ch]' -exec grep -HoE '^[ \t]*#[ \t]*include[ \t]*"store/[^"]*"' {} + |
    LC_ALL=C sort | sed -nE 's/^([^:]*):.*"([^"]*)"/\1 \2/p')

# The same for calls, whoever declares them: what BUILD has of the store was compiled from it.
objects=${BUILD:-build}/host/src/store
[ -e "$objects/reader/reader.o" ] || wrong "$objects has no objects to look at: run make first"
while read -r caller callee symbol; do
    case " $(below "$caller") " in
    *" $callee "*) ;;
    *) wrong "$caller calls $symbol of $callee: it may call $(below "$caller" | sed 's/^$/no other room/')" ;;
    esac
done < <(find src/store -name '*.c' | sed "s|^src/store/\(.*\)\.c$|$objects/\1.o|" | xargs nm -A -P |
    awk -v top="$objects/" '{
        sub(top, "", $1); sub(/:$/, "", $1)
        room = $1; if (!sub(/\/.*/, "", room)) room = "src/store itself"
        if ($3 ~ /[TDBR]/) home[$2] = room; else if ($3 == "U") calls[room " " $2] }
        END { for (c in calls) { split(c, part, / hak_/); name = "hak_" part[2]
            if (name in home && home[name] != "src/store itself" && home[name] != part[1])
                print part[1] == "src/store itself" ? "root" : part[1], home[name], name } }' | LC_ALL=C sort)

# No header leads back to itself, in any folder. tsort names what goes in a circle.
circles=$(find src viewer -name '*.h' -exec grep -HoE '^[ \t]*#[ \t]*include[ \t]*"[^"]*"' {} + |
    sed -nE 's/^(src\/)?([^:]*):.*"([^"]*)"/\2 \3/p' | tsort 2>&1 >/dev/null | grep '^tsort')
[ -z "$circles" ] || wrong "headers that include each other:
$circles"
exit "$status"
