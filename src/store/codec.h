/* The codecs that older versions wrote: bytes to arrays of numbers. docs/specs/event-log.md has
 * each byte. */
#ifndef HAK_STORE_CODEC_H
#define HAK_STORE_CODEC_H

#include "store/column.h"

/* Decodes one column, without trust in the bytes: NULL, or what is wrong. */
const char *hak_codec_decode(struct hak_columns *c, enum hak_column column, uint8_t codec,
                             struct hak_input *in);

#endif
