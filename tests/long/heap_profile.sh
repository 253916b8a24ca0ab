#!/usr/bin/env bash
# The heap profile of level light beside exact sums: 100 runs of a program that knows its own (tests/light/profile.c), at
# 512 KiB. Of each site the four sums, each 1 % or more of all, must lie in their 99 % interval (2.58 standard errors of
# the exact distribution) in 98 of 100, and none beyond five; the mean of the runs within three standard errors of the mean.
#
#     tests/long/heap_profile.sh [RUNS]     prints a table of Markdown for docs/benchmarks
# timeout: 7200
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export HAKMEM_CHECK=light HAKMEM_TRACE=off
runs=${1:-100}
for ((seed = 1; seed <= runs; seed++)); do
    LD_PRELOAD=$BUILD/hakmem-debug.so "$BUILD/tests/light/profile" "$seed" 4000000 >out.$seed 2>&1 || complain "seed $seed: $(tail -n 3 out.$seed)"
    grep -q '^others 0 samples, unplaced 0, unsampled 0 of 0 bytes' out.$seed || complain "seed $seed: $(tail -n 2 out.$seed)"
done
echo "| site | sum | exact, mean | bias | standard errors of the mean | in the 99 % interval | farthest |"
echo "|---|---|---|---|---|---|---|"
cat out.* | awk '
    NF == 6 && $2 ~ /^(came|live)-/ {
        key = $1 " | " $2
        if (!(key in n)) order[++keys] = key
        n[key]++; exact[key] += $3; off[key] += $4 - $3; square[key] += ($4 - $3) ^ 2
        inside[key] += $5 <= 2.58
        if ($5 > far[key]) far[key] = $5
        samples[key] += $6
    }
    END {
        for (k = 1; k <= keys; k++) {
            key = order[k]
            mean = off[key] / n[key]
            error = sqrt((square[key] / n[key] - mean ^ 2) / n[key])
            errors = error > 0 ? mean / error : 0
            printf "| %s | %.0f | %+.2f %% | %+.1f | %d of %d | %.1f |\n", key, exact[key] / n[key], exact[key] ? 100 * off[key] / exact[key] : 0, errors, inside[key], n[key], far[key]
            if (samples[key] / n[key] < 50) continue # too few for the normal distribution
            all += n[key]; good += inside[key]
            if (errors > 3.5 || errors < -3.5 || far[key] > 5) { print "wrong: " key > "/dev/stderr"; bad = 1 }
        }
        printf "\n%d of %d in their 99 %% interval\n", good, all
        exit bad || good < 0.98 * all
    }' || complain "the estimates are not what they are to be"
exit "$failed"
