/* The columns that are guessed by site or block once the walk is done (walk.h): ns (times.c),
 * delta, size, old address, generation. Coders fill the column's streams and set bits in the
 * tokens; readers take them from `in`, one for each stream: the caller sees whether all was used
 * up. */
#ifndef HAK_STORE_CODEC_BY_SITE_H
#define HAK_STORE_CODEC_BY_SITE_H

#include "store/codec/walk.h"

/* Codes a column that is not of the walk. */
void hak_guessed_encode(struct hak_columns *c, enum hak_column column);
/* The way back; for OLD column DELTA must be there. False if the bytes make no sense. */
bool hak_guessed_decode(struct hak_columns *c, enum hak_column column, struct hak_input *in);

/* Column ns. */
void hak_times_encode(struct hak_columns *c);
bool hak_times_decode(struct hak_columns *c, struct hak_input *in);

#endif
