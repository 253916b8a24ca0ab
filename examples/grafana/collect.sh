#!/bin/sh
# Writes the figures of processes for node_exporter's textfile collector: collect.sh DIR PROGRAM..., from cron. Each process of these names
# has a file DIR/hakmem.PID.prom, which goes when it has ended. A name is that of pidof.
dir=$1
shift
for file in "$dir"/hakmem.*.prom; do
    pid=${file##*/hakmem.}
    [ -d "/proc/${pid%.prom}" ] || rm -f "$file"
done
for pid in $(pidof "$@"); do
    new=$dir/.hakmem.$pid.new # node_exporter reads *.prom alone, and never a half one
    if hakmem-trace ctl "$pid" stats --prometheus >"$new"; then mv "$new" "$dir/hakmem.$pid.prom"; else rm -f "$new"; fi
done
