/* The codecs of columns: arrays of numbers to bytes and back. docs/specs/event-log.md has each
 * byte. */
#ifndef HAK_STORE_CODEC_H
#define HAK_STORE_CODEC_H

#include "store/column.h"

/* Codes c->value[column] into c->raw, notes its parts, returns its length. Not for CONSTANT. */
size_t hak_codec_encode(struct hak_columns *c, enum hak_column column, uint8_t codec);
/* The way back, without trust in the bytes: NULL, or what is wrong. */
const char *hak_codec_decode(struct hak_columns *c, enum hak_column column, uint8_t codec,
                             struct hak_input *in);

#endif
