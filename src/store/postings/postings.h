/* The door of postings: finds the chunks that speak of a base, a stack, a slab.
 *
 *   chunk -> keys -> runs of one chunk -> joined, sixteen to one (merge.h)    writer
 *   base, stack, address -> rows of the runs -> a bit for each chunk          finder
 *
 * Their rows are the tables chunk_order and posting_run. A writer belongs to the store's writer, a
 * reader to the store's reader, each to one thread; there is no lock. It calls the codec. */
#ifndef HAK_STORE_POSTINGS_POSTINGS_H
#define HAK_STORE_POSTINGS_POSTINGS_H

#include "store/postings/finder.h"
#include "store/postings/keys.h"
#include "store/postings/writer.h"

#endif
