/* A stack of a heap profile as the server has it: a text that is the same on each host and in each
 * version of a program, as long as the functions are, and its number.
 *
 *   frames of a store --> fleet_stack_add --> "take\t+\tshop.c\nmain\t+\tshop.c\n"
 *                                                 |      \--> fleet_stack_add_line, _json
 *                                                 v
 *                            fleet_stack_number: a hash of what stands before the first tabulator
 *                                                 of each line
 *
 * The fingerprint of findings has three frames and leaves libraries out: it makes one of stacks
 * that a profile tells apart. One thread. */
#ifndef HAK_VIEWER_FLEET_STACK_H
#define HAK_VIEWER_FLEET_STACK_H

#include <stdbool.h>
#include <stdint.h>
#include "report/words/words.h"
#include "store/database.h"

enum { FLEET_STACK_BYTES = 4096 }; /* of a text */

/* The text of what a push has no room for. */
#define FLEET_OTHER_STACKS "other stacks\t=\t\n"

/* Appends the text of a stack, the innermost frame first, without hakmem's own frames and what
 * runs before main; `db` says the build-ids of modules. False: outer frames that did not fit were
 * left out. */
bool fleet_stack_add(struct hak_text *text, const struct hak_database *db,
                     const struct hak_frames *frames);
/* The number of a stack, from 1 to INT64_MAX. */
uint64_t fleet_stack_number(const char *text);
/* Appends "take shop.c < main": the program's innermost functions. `text` is foreign. */
void fleet_stack_add_line(struct hak_text *line, const char *text);
/* All frames, as {"function": ..., "file": ..., "is_library": ...}. */
json_t *fleet_stack_json(const char *text);

#endif
