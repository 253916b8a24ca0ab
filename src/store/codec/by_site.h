/* The columns that are guessed by site or block once the walk is done (walk.h): delta, size, old
 * address, generation. Coders fill the column's streams and set bits in the tokens; readers take
 * them from `in`, one for each stream, and never fail: whoever calls sees whether all was used up.
 */
#ifndef HAK_STORE_CODEC_BY_SITE_H
#define HAK_STORE_CODEC_BY_SITE_H

#include "store/codec/walk.h"

void hak_delta_encode(struct hak_columns *c);
void hak_delta_decode(struct hak_columns *c, struct hak_input *in);
void hak_size_encode(struct hak_columns *c);
void hak_size_decode(struct hak_columns *c, struct hak_input *in);
/* Column delta must be there. */
void hak_old_encode(struct hak_columns *c);
void hak_old_decode(struct hak_columns *c, struct hak_input *in);
void hak_generation_encode(struct hak_columns *c);
void hak_generation_decode(struct hak_columns *c, struct hak_input *in);

/* Column ns (pace.c). False if the bytes make no sense. */
void hak_pace_encode(struct hak_columns *c);
bool hak_pace_decode(struct hak_columns *c, struct hak_input *in);

#endif
