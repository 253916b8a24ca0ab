/* Finds the block named by a word that memory is filled with; word.c says how. */
#ifndef HAK_GUARD_WORD_H
#define HAK_GUARD_WORD_H

#include "guard/guard.h"
#include "trace/pattern.h"

/* The blocks that `value` may name, at most `most` of them; more than one only where SuperSlabs
 * 8 GiB apart share a name, or a distance was added to the word of a slot below 32 bytes. Returns
 * how many. */
HAK_HIDDEN unsigned hak_find_named(uint64_t value, struct hak_named *named, unsigned most);

/* Finds the live block that lies right in front of the block `named`, from whose header a word was
 * read: as the block behind whose end that is, its offset in facts. False: there is none. */
HAK_HIDDEN bool hak_find_before(const struct hak_named *named, struct hak_named *before);

/* The word that the freed block at `address` is filled with; 0: there is none. */
HAK_HIDDEN uint64_t hak_word_in(uint64_t address);

#endif
