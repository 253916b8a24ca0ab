#!/usr/bin/env bash
# The direction of includes: each folder may name only what lies below it.
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0

# folder: `rules` is what its files may include besides files of the folder itself and the top of src/.
allowed() {
    rules=''
    case "$1" in
    platform) rules='' ;;
    pool | large_map) rules='platform' ;;
    slab) rules='pool platform' ;;
    background) rules='slab pool platform' ;;
    front) rules='mid slab pool platform' ;;
    mid) rules='slab pool platform' ;;
    large) rules='large_map slab pool platform' ;;
    route) rules='front mid large large_map slab pool platform' ;;
    learn) rules='route front mid large large_map slab pool platform' ;;
    verify) rules='learn route front mid large large_map slab pool platform guarded/guarded.h guard/locate/locate.h metrics' ;;
    layout) rules='front mid large large_map platform/own.h slab/tune.h trace/control.h trace/memory/memory.h trace/node.h trace/stacks/stacks.h' ;; # src/verify/layout.c: where fields lie, no calls
    entry) rules='background learn route front mid large large_map slab pool platform trace/process/process.h' ;;
    keep) rules='entry/keep entry/entry.h entry/environment/environment.h platform trace/trace.h' ;; # src/entry/keep has no layer below it
    attach) rules='entry/attach entry/keep platform trace/trace.h trace/wait.h unwind/modules.h' ;; # src/entry/attach, likewise
    counted) rules='entry heap_profile/heap_profile.h unwind large pool platform' ;; # src/entry/counted, and mlockall of libhakmem.so
    unwind) rules='platform' ;;
    metrics) rules='platform' ;;
    decode) rules='' ;;
    trace) rules='decode/decode.h heap_profile/dump.h unwind metrics platform' ;;
    tree) rules='trace pool/pool.h heap_profile/heap_profile.h platform' ;;
    watch) rules='decode/decode.h platform trace/session.h trace/tracer.h trace/wait.h unwind/registers.h' ;;
    heap_profile) rules='platform' ;;
    guarded) rules='large_map platform' ;;
    guard) rules='guarded heap_profile/heap_profile.h trace/stacks/stacks.h trace/wait.h watch/watch.h platform metrics/step.h large_map/large_map.h trace/signals/signals.h trace/threads/threads.h trace/trace.h trace/session.h trace/pattern.h trace/record.h' ;;
    strings) rules='platform guard/touch.h guard/asked.h' ;;
    leaks) rules='large_map platform guard/locate/locate.h guard/asked.h guard/pools/pools.h unwind trace' ;;
    base) rules='' ;;
    store) rules='base metrics/metric.h metrics/step.h trace/record.h' ;;
    sqlite) rules='store/sql/sql.h store/database.h store/file.h made/sqlite_calls.h' ;;
    remote) rules='base store/error.h' ;;
    symbols) rules='base store/frame.h' ;;
    report) rules='base decode/decode.h store trace/record.h trace/session.h trace/pattern.h learn/settings.h' ;;
    collector) rules='report symbols base store heap_profile/dump.h heap_profile/table.h metrics/block.h metrics/metric.h trace/record.h trace/session.h trace/protocol.h trace/trust.h trace/stat_line.h trace/node.h trace/frame_node.h decode/decode.h' ;;
    player) rules='' ;;
    viewer) rules='base store player/play.h player/sequence.h remote/remote.h symbols/elf_file.h symbols/static_place.h symbols/strings.h heap_profile/table.h heap_profile/dump.h report collector made metrics/metric.h metrics/step.h entry/attach/shared.h trace/control.h trace/session.h trace/protocol.h trace/record.h trace/frame_node.h' ;;
    corefile) rules='viewer report store base symbols/symbols.h trace/frame_node.h trace/pattern.h' ;; # viewer/corefile: names stacks without a store
    esac
}

# FILE NAME, for each include.
while IFS=: read -r file name; do
    folder=${file#src/} folder=${folder%%/*}
    case "$file" in
    src/entry/keep/*) folder=keep ;;
    src/entry/attach/*) folder=attach ;;
    src/entry/counted/* | src/entry/plain/lock_memory.c | src/entry/plain/sandbox.c) folder=counted ;;
    src/verify/layout.c) folder=layout ;;
    viewer/corefile/*) folder=corefile ;;
    esac
    case "$name" in "$folder"/*) continue ;; */*) ;; *) continue ;; esac
    allowed "$folder"
    for rule in $rules; do
        case "$name" in "$rule" | "$rule"/*) continue 2 ;; esac
    done
    case "$folder/$name" in
    entry/trace/trace.h | entry/guard/*) echo "$file includes $name: layers know hop.h and check.h only" ;;
    *) echo "$file includes $name: $folder may include only: $rules" ;;
    esac
    status=1
done < <(grep -HE '^[ \t]*#[ \t]*include[ \t]*"' src/*/*.[ch] src/*/*/*.[ch] viewer/*.[ch] viewer/*/*.[ch] |
    sed -nE 's/^([^:]*):[ \t]*#[ \t]*include[ \t]*"([^"]*)".*/\1:\2/p')

# Files at the top of src/ are below all folders.
for file in src/*.[ch] src/*.def; do
    if grep -nE '^[ \t]*#[ \t]*include[ \t]*"[^"]*/' "$file" | sed "s|^|$file:|" | grep .; then
        echo "$file lies below every folder and may include none of theirs"
        status=1
    fi
done
exit "$status"
