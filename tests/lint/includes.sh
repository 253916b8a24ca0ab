#!/usr/bin/env bash
# The direction of includes: each folder may name only what lies below it.
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0

# folder: what its files may include besides files of the folder itself and the top of src/.
allowed() {
    case "$1" in
    platform) echo '' ;;
    pool) echo 'platform' ;;
    slab) echo 'pool platform' ;;
    front) echo 'mid slab pool platform' ;;
    mid | large) echo 'slab pool platform' ;;
    route) echo 'front mid large slab pool platform' ;;
    learn) echo 'route front mid large slab pool platform' ;;
    verify) echo 'learn route front mid large slab pool platform guarded/guarded.h guard/locate.h metrics' ;;
    layout) echo 'front mid large platform/own.h trace/memory/memory.h trace/node.h trace/stacks/stacks.h' ;; # src/verify/layout.c: where fields lie, no calls
    entry) echo 'learn route front mid large slab pool platform trace/process/process.h' ;;
    keep) echo 'entry/keep entry/entry.h entry/environment.h platform trace/trace.h' ;; # src/entry/keep has no layer below it
    attach) echo 'entry/attach entry/keep platform trace/trace.h trace/wait.h unwind/modules.h' ;; # src/entry/attach, likewise
    unwind) echo 'platform' ;;
    metrics) echo 'platform' ;;
    trace) echo 'unwind metrics platform' ;;
    tree) echo 'trace platform' ;;
    watch) echo 'platform trace/session.h trace/tracer.h trace/wait.h unwind/registers.h' ;;
    guarded) echo 'large/large.h large/address_map.h large/large_memory.h platform' ;;
    guard) echo 'guarded watch/watch.h platform metrics/step.h pool/pool.h large/large.h large/totals.h trace/signals/signals.h trace/trace.h trace/session.h trace/pattern.h trace/record.h' ;;
    strings) echo 'platform guard/touch.h guard/asked.h' ;;
    leaks) echo 'large slab pool platform guard/locate.h guard/asked.h unwind trace' ;;
    base) echo '' ;;
    store) echo 'base metrics/metric.h metrics/step.h trace/record.h' ;;
    sqlite) echo 'store/sql/sql.h store/database.h store/file.h' ;;
    remote) echo 'base store/error.h' ;;
    symbols) echo 'base store/frame.h' ;;
    report) echo 'base store trace/record.h trace/session.h trace/pattern.h learn/settings.h' ;;
    collector) echo 'report symbols base store metrics/block.h metrics/metric.h trace/record.h trace/session.h trace/protocol.h trace/trust.h trace/stat_line.h trace/node.h trace/frame_node.h' ;;
    viewer) echo 'base store remote/remote.h report collector made metrics/metric.h entry/attach/shared.h trace/control.h trace/session.h trace/protocol.h trace/record.h' ;;
    corefile) echo 'viewer report store base symbols/symbols.h trace/frame_node.h trace/pattern.h' ;; # viewer/corefile: names stacks without a store
    esac
}

for file in src/*/*.[ch] src/*/*/*.[ch] viewer/*.[ch] viewer/*/*.[ch]; do
    [ -e "$file" ] || continue
    folder=${file#src/} folder=${folder%%/*}
    case "$file" in
    src/entry/keep/*) folder=keep ;;
    src/entry/attach/*) folder=attach ;;
    src/verify/layout.c) folder=layout ;;
    viewer/corefile/*) folder=corefile ;;
    esac
    while read -r name; do
        case "$name" in "$folder"/*) continue ;; */*) ;; *) continue ;; esac
        for rule in $(allowed "$folder"); do
            case "$name" in "$rule" | "$rule"/*) continue 2 ;; esac
        done
        case "$folder/$name" in
        entry/trace/trace.h | entry/guard/*)
            echo "$file includes $name: layers know hop.h and check.h only"
            ;;
        *) echo "$file includes $name: $folder may include only: $(allowed "$folder")" ;;
        esac
        status=1
    done < <(sed -nE 's/^[ \t]*#[ \t]*include[ \t]*"([^"]*)".*/\1/p' "$file")
done

# Files at the top of src/ are below all folders.
for file in src/*.[ch] src/*.def; do
    if grep -nE '^[ \t]*#[ \t]*include[ \t]*"[^"]*/' "$file" | sed "s|^|$file:|" | grep .; then
        echo "$file lies below every folder and may include none of theirs"
        status=1
    fi
done
exit "$status"
