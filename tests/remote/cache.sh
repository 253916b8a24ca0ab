#!/usr/bin/env bash
# Rows of a capture that were fetched lie in a cache file, and are not fetched again: a second `why` asks little and says the same.
# A file that is damaged, locked, somebody else's, of other rows, or cannot be written makes no difference for any answer; several
# processes share it; and a capture that is gone from the server, or that may not be read any more, is not answered from it.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/postgres.sh"
. "$SOURCE/tests/tools/await.sh"
. "$SOURCE/tests/remote/sums.sh"
start_postgres
folder=$XDG_CACHE_HOME/hakmem

"$BUILD/tests/bench/make_capture" -q -n 3000000 long.db >out || { cat out; exit 1; }
"$trace" push --whole -s long.db --to "$URL" >out 2>&1 || { cat out; exit 1; }
number=$(sed -n 's/^capture \([0-9]*\):.*/\1/p' out)
server="$URL?capture=$number"
address=$("$trace" sql -s long.db "SELECT printf('0x%x', base) FROM event WHERE id = 1500000")
"$trace" why "$address" -s long.db | sed "s|long\.db|CAPTURE|g" >due

# same WHAT [WORDS...]: the answer of the file, nothing on stderr. WORDS stand in front of the command.
same() {
    local what=$1
    shift
    timeout 300 "$@" "$trace" why "$address" -s "$server" 2>err | sed "s|'$server'|CAPTURE|g" >got
    cmp -s due got && [ ! -s err ] || complain "$what: $(diff due got | head -n 5; cat err)"
}
# sends WHAT MOST: as same, with so many messages to the server at most.
sends() {
    same "$1" strace -f -e trace=sendto,sendmsg -o sent
    local count
    count=$(grep -c ' send[a-z]*(' sent)
    [ "$count" -le "$2" ] || complain "$1: $count times something was sent; due: $2 at most"
    [ "$count" -ge 3 ] || complain "$1: the server was not asked: $(cat sent)"
}
cached() { find "$folder" -mindepth 1 -printf '%f %m %y\n' | sort; }

# ---- a second time
same "for the first time"
[ "$(stat -c %a "$folder")" = 700 ] || complain "the folder: $(stat -c %a "$folder")"
[[ "$(cached)" =~ ^[0-9a-f]{32}\.db\ 600\ f$ ]] || complain "in the folder lies: $(cached)"
file=$(find "$folder" -name '*.db')
warm=5
sends "for the second time" $warm
cp "$file" whole.db

# ---- damage
bytes=$(stat -c %s "$file")
# damage_values HOW: changes what stands behind the database, whose length stays.
damage_values() {
    python3 - "$file" "$1" <<'END' || complain "the file was not damaged: $1"
import struct
import sys

def checksum(data):
    """CRC-32C."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF

text = open(sys.argv[1], "rb").read()
at = database = int.from_bytes(text[16:18], "big") * int.from_bytes(text[28:32], "big")
values = []
while at < len(text):
    head = text[at:at + 32]
    kind, key, length, of_data, of_head = struct.unpack("<qqQII", head)
    assert of_head == checksum(head[:28]), "a head that is none"
    values.append((head, text[at + 32:at + 32 + length]))
    at += 32 + length
assert at == len(text) and len(values) > 3 and kind >= 0
if sys.argv[2] == "others":
    other = values[0][1].replace(b"role ", b"Role ")
    assert other != values[0][1] and checksum(values[0][1]) == struct.unpack("<qqQII", values[0][0])[3]
    head = values[0][0][:24] + struct.pack("<I", checksum(other))
    values[0] = (head + struct.pack("<I", checksum(head)), other)
elif sys.argv[2] == "values":
    values = values[:1] + [(head, bytes(len(data))) for head, data in values[1:]]
else:
    values = values[:1] + [(head, data) for (head, _), (_, data) in zip(values[1:], values[2:] + values[1:2])]
open(sys.argv[1], "wb").write(text[:database] + b"".join(head + data for head, data in values))
END
}
damage() {
    case $1 in
    empty) : >"$file" ;;
    cut) truncate -s $((bytes / 2)) "$file" ;;
    text) echo 'no database' >"$file" ;;
    noise) head -c "$bytes" /dev/urandom >"$file" ;;
    head) printf x | dd of="$file" bs=1 seek=20 conv=notrunc status=none ;;
    spread) for ((i = 5000; i < bytes; i += 7001)); do printf x | dd of="$file" bs=1 seek=$i conv=notrunc status=none; done ;;
    pages) for ((i = 16384; i < bytes; i += 65536)); do head -c 8192 /dev/zero | dd of="$file" bs=1024 seek=$((i / 1024)) conv=notrunc status=none; done ;;
    others | values | swapped) damage_values "$1" ;;
    tables) sqlite3 "$file" "DROP TABLE meta; CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT)" ;;
    torn) printf x >>"$file" ;;
    longer) head -c 100 /dev/zero >>"$file" ;;
    database) sqlite3 -batch "$file" "UPDATE process SET program = 'another'" ;;
    esac
}
for how in empty cut text noise head spread pages others values swapped tables torn longer database; do
    cp whole.db "$file"
    damage $how
    same "damage: $how"
    same "damage: $how, again"
    sends "after damage: $how" $warm
done

# ---- not this user's, or not for it
set_aside() { rm -rf "$folder"; mkdir -m 700 "$folder"; }
set_aside
chmod 777 "$folder"
same "a folder for all"
[ -z "$(cached)" ] || complain "a folder for all is used: $(cached)"
set_aside
ln -s "$PWD/elsewhere" "$file"
same "a link"
[ ! -e elsewhere ] || complain "a link was followed"
set_aside
mkdir "$file"
same "a folder of that name"
set_aside
cp whole.db "$file" && chmod 644 "$file"
same "a file for all"
if [ "$(id -u)" = 0 ]; then
    set_aside
    install -o postgres -m 600 whole.db "$file"
    sum=$(md5sum <"$file")
    same "somebody else's file"
    [ "$(md5sum <"$file")" = "$sum" ] || complain "somebody else's file was written"
    set_aside
    chown postgres "$folder"
    same "somebody else's folder"
    [ -z "$(cached)" ] || complain "somebody else's folder is used"
fi
rm -rf "$folder"
ln -s "$PWD" "$folder"
same "a folder that is a link"
rm "$folder"
same "without HOME" env -u HOME -u XDG_CACHE_HOME
HOME=$PWD/home same "with a HOME that is not there" env -u XDG_CACHE_HOME
mkdir home
HOME=$PWD/home same "with HOME alone" env -u XDG_CACHE_HOME
[ "$(find home -name '*.db')" = "home/.cache/hakmem/${file##*/}" ] || complain "in HOME lies: $(find home)"
if [ "$(id -u)" = 0 ]; then
    rm -r home/.cache
    chown postgres home
    HOME=$PWD/home same "with somebody else's HOME" env -u XDG_CACHE_HOME
    [ ! -e home/.cache ] || complain "in somebody else's HOME lies: $(find home)"
fi
same "with a file for a folder" env XDG_CACHE_HOME=/dev/null

# ---- locked, and no room
set_aside
cp whole.db "$file" && chmod 600 "$file"
mkfifo words
flock "$file" sh -c 'echo locked; cat words' >said 2>&1 &
locker=$!
exec 9>words
await grep -q locked said || complain "no lock: $(cat said)"
same "a locked file"
exec 9>&-
wait "$locker"
sends "a file that is not locked any more" $warm
rm "$file"
full() { (trap '' XFSZ; ulimit -f 16; "$@"); } # as a full disk: writing a file fails behind 16 KiB
full "$trace" why "$address" -s "$server" 2>err | sed "s|'$server'|CAPTURE|g" >got
cmp -s due got && [ ! -s err ] || complain "no room: $(diff due got | head -n 5; cat err)"
same "after no room"
same "after no room, again"
sends "after no room, a third time" $warm

# ---- several at once, some of them killed
set_aside
for ((i = 0; i < 12; i++)); do
    { "$trace" why "$address" -s "$server" 2>&1 | sed "s|'$server'|CAPTURE|g" >"got.$i"; } &
    askers[i]=$!
    timeout -s KILL "0.0$((i * 7 % 10))" "$trace" why "$address" -s "$server" >/dev/null 2>&1 &
    killed[i]=$!
done
wait "${askers[@]}" "${killed[@]}" 2>/dev/null
for ((i = 0; i < 12; i++)); do cmp -s due "got.$i" || complain "at once: $(diff due "got.$i" | head -n 5)"; done
same "behind those at once" # a torn file goes
same "behind those at once, again"
sends "behind those at once, a third time" $warm

# ---- the oldest go
for name in a b c; do
    truncate -s 1000M "$folder/$(printf "$name%.0s" {1..32}).db"
    touch -d "2020-01-0$(($(printf %d "'$name") - 96))" "$folder/$(printf "$name%.0s" {1..32}).db"
done
echo mine >"$folder/note"
rm "$file"
same "in a full folder"
[ "$(cached | cut -c 1-3 | tr '\n' ' ')" = "$(printf '%s\n' ccc bbb not "$(basename "$file" | cut -c 1-3)" | sort | tr '\n' ' ')" ] ||
    complain "of a full folder stays: $(cached)"

# ---- other rows under the same number, and rows that are gone
query "UPDATE hakmem.c_meta SET value = 'another' WHERE capture = $number AND key = 'program'; UPDATE hakmem.part SET checksum = checksum + 1 WHERE capture = $number AND name = 'meta'" >out
[ "$("$trace" sql "SELECT value FROM meta WHERE key = 'program'" -s "$server")" = another ] || complain "other rows: the old ones are shown"
refused() {
    "$trace" why "$address" -s "${2:-$server}" >got 2>err
    [ $? -eq 3 ] && [ ! -s got ] && grep -qF "$1" err || complain "$1: $(cat got err)"
}
query 'CREATE ROLE nobody_here LOGIN' >out 2>&1
refused 'permission denied' "postgresql://nobody_here@/hakmem?capture=$number"
query "DELETE FROM hakmem.c_chunk_data WHERE capture = $number" >out
refused "has 0 rows of table chunk_data there"
query "DELETE FROM hakmem.capture_end" >out
refused "has come in parts only"
empty
refused "has no capture $number"

# ---- the same rows again, rows that nobody pushed beside them, another role
set_aside
"$trace" push --whole -s long.db --to "$URL" >out 2>&1 || complain "again: $(cat out)"
query "INSERT INTO hakmem.c_meta(capture, key, value) VALUES($number, 'more', 'rows')" >out
same "removed and pushed again, with one row more"
[ ! -e "$file" ] || complain "removed and pushed again: the cache is the old one"
file=$(find "$folder" -name '*.db')
[ ! -s "$file" ] || complain "more rows than were pushed are kept"
query "DELETE FROM hakmem.c_meta WHERE key = 'more'; GRANT hakmem_reader TO nobody_here" >out
same "without that row"
sends "without that row, again" $warm
PGUSER=nobody_here same "another role"
[ "$(cached | wc -l)" = 2 ] || complain "two roles: $(cached)"
stop_postgres
refused "cannot connect"
exit "$failed"
