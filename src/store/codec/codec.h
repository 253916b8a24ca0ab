/* The door of the codec: events as columns, columns as bytes, and a chunk of both.
 *
 *   events -> columns -> walk (mirror, sites) -> streams -> zstd -> blob of a chunk -> the way back
 *
 * A struct hak_columns owns all that a chunk needs to be coded or decoded, some 20 MiB; two threads
 * need two, there is no lock. It calls base and pack, knows no file and no other room. */
#ifndef HAK_STORE_CODEC_CODEC_H
#define HAK_STORE_CODEC_CODEC_H

#include "store/codec/chunk.h"

#endif
