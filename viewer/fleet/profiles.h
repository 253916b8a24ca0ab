/* The heap profiles of a server: what both `fleet top` and `fleet diff` ask of them.
 *
 *   pulls that the options mean --> the newest of each process --> sums by stack (top.c, diff.c)
 *                               \-> fleet_read_sides: how many processes, hosts and pulls
 *
 * A side is a version in `diff`; `top` has one, number 0, of all versions. */
#ifndef HAK_VIEWER_FLEET_PROFILES_H
#define HAK_VIEWER_FLEET_PROFILES_H

#include "viewer/fleet/ask.h"

enum { FLEET_SIDES = 2 };

struct fleet_side {
    uint64_t pulls, processes, hosts; /* hosts of the processes */
    uint64_t programs;
    uint64_t least_rate, most_rate; /* mean bytes between two samples */
    uint64_t unsampled;             /* samples that are missing, for want of memory */
};

/* Appends "WITH ... newest AS (...)", the pulls that count: run, month, pull, host, side.
 * `version`: of both sides, NULL = one side of all versions. */
void fleet_question_add_newest(struct fleet_question *question, const struct fleet *fleet,
                               const char *const *version);
/* SQL of `s`, a row of hakmem.pull_sum: sums that no row of a host can make too large. */
#define FLEET_SUM(column) "CAST(least(coalesce(sum(greatest(s." column ", 0)), 0), 9e18) AS BIGINT)"
#define FLEET_VARIANCE                                                                             \
    "sum(CASE WHEN s.live_variance >= 0 AND s.live_variance <= 1e36 THEN s.live_variance"          \
    " ELSE 0 END)"
#define FLEET_JOIN_SUMS                                                                            \
    " FROM newest n JOIN hakmem.pull_sum s ON s.run = n.run AND s.month = n.month"                 \
    " AND s.pull = n.pull"

/* Of `t`, a row of hakmem.stack: as much as a push sends, a byte of the program's as five. */
#define FLEET_FRAMES "substring(t.frames FROM 1 FOR 20480)"

/* Reads what there is of each side. 0, or an exit status: the error is printed. */
int fleet_read_sides(struct fleet *fleet, const char *const *version,
                     struct fleet_side side[FLEET_SIDES]);
/* "3 processes on 2 hosts, 5 pulls". */
void fleet_add_side(struct hak_text *text, const struct fleet_side *side);
/* "sampled, one in 512 KiB", or from the smallest to the largest rate of the sides; and how many
 * samples are missing. */
void fleet_add_rates(struct hak_text *text, const struct fleet_side *side, int sides);
json_t *fleet_json_side(const struct fleet_side *side);

/* Live bytes a process of a side, to the nearest byte. */
uint64_t fleet_each(const struct fleet_side *side, uint64_t live);
/* The standard error that a variance makes, in whole bytes. */
uint64_t fleet_error(double variance);
/* Appends a stack of an answer; where the server has no frames of it, or frames of another one,
 * what is known is its fingerprint. */
void fleet_add_stack(struct hak_text *text, uint64_t stack, const struct hak_remote_cell *frames);
/* The same as JSON. */
json_t *fleet_json_frames(uint64_t stack, const struct hak_remote_cell *frames);
/* Sixteen hexadecimal digits, until the next call. */
const char *fleet_fingerprint(uint64_t stack);

#endif
