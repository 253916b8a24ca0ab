#!/usr/bin/env bash
# The heap profile of level light beside exact sums: RUNS runs of a program that knows its own (tests/light/profile.c), at
# 512 KiB. Of each site the four sums, each 1 % or more of all, must lie in their 99 % interval (2.58 standard errors of
# the exact distribution) as often as that says, to what chance allows (one in a thousand), and none beyond five. The mean of the
# runs must be within four standard errors of the mean.
#
#     tests/long/heap_profile.sh [RUNS [CALLS]]     prints a table of Markdown for docs/benchmarks
# timeout: 7200
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
# libc allocates some KiB of its own, a sample in about 80 runs.
export HAKMEM_CHECK=light HAKMEM_TRACE=off
runs=${1:-$RUNS} calls=${2:-4000000}
for ((seed = 1; seed <= runs; seed++)); do
    LD_PRELOAD=$BUILD/hakmem-debug.so "$BUILD/tests/light/profile" "$seed" "$calls" >out.$seed 2>&1 || complain "seed $seed: $(tail -n 3 out.$seed)"
    grep -q '^others [01] samples, unplaced 0, unsampled 0 of 0 bytes' out.$seed || complain "seed $seed: $(tail -n 2 out.$seed)"
done
echo "| site | sum | exact, mean | bias | standard errors of the mean | in the 99 % interval | farthest | samples |"
echo "|---|---|---|---|---|---|---|---|"
cat out.* | awk '
    NF == 6 && $2 ~ /^(came|live)-/ {
        key = $1 " | " $2
        if (!(key in n)) order[++keys] = key
        n[key]++; exact[key] += $3; off[key] += $4 - $3
        errors[key] += $4 < $3 ? -$5 : $5
        inside[key] += $5 <= 2.58
        if ($5 > far[key]) far[key] = $5
        samples[key] += $6
    }
    END {
        for (k = 1; k <= keys; k++) {
            key = order[k]
            mean = errors[key] / sqrt(n[key])
            printf "| %s | %.0f | %+.2f %% | %+.1f | %d of %d | %.1f | %.0f |\n", key, exact[key] / n[key], exact[key] ? 100 * off[key] / exact[key] : 0, mean, inside[key], n[key], far[key], samples[key] / n[key]
            if (mean > 4 || mean < -4) { print "wrong: " key > "/dev/stderr"; bad = 1 }
            if (samples[key] / n[key] < 50) continue # too few for the normal distribution
            all += n[key]; good += inside[key]
            if (far[key] > 5) { print "wrong: " key > "/dev/stderr"; bad = 1 }
        }
        due = all * 0.99 - 3.1 * sqrt(all * 0.99 * 0.01) - 0.5
        printf "\n%d of %d in their 99 %% interval, %.2f %%; at least %.0f are due\n", good, all, all ? 100 * good / all : 0, due
        exit bad || good < due
    }' || complain "the estimates are not what they are to be"
exit "$failed"
