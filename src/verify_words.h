/* The words for what disagrees or is wrong, shared by hak_verify in a process (src/verify) and
 * `hakmem-trace core --check` of its memory. */
#ifndef HAK_VERIFY_WORDS_H
#define HAK_VERIFY_WORDS_H

/* of lists */
#define HAK_VERIFY_BLOCK_OWNER  "owner of the block"
#define HAK_VERIFY_STRAY_BLOCK  "is no slot of a slab that serves a class"
#define HAK_VERIFY_LIST_BLOCKS  "blocks in the list"
#define HAK_VERIFY_LIST_GOES_ON "the list goes on behind the last block that is counted"
#define HAK_VERIFY_ARRAY_BLOCKS "blocks in the array (at most its capacity)"
#define HAK_VERIFY_CACHE_BLOCKS "blocks (at most its capacity)"

/* of slabs */
#define HAK_VERIFY_UNCARVED_BITS   "bits of slots that were never handed out"
#define HAK_VERIFY_FREE_SLOTS      "free slots by the bitmap"
#define HAK_VERIFY_FIRST_FREE_WORD "first word of the bitmap with a free slot"
#define HAK_VERIFY_NO_CLASS        "marked as serving no class"
#define HAK_VERIFY_OWN_CLASS       "class in the slab's own entry"
#define HAK_VERIFY_SLOTS_IN_USE    "slots in use (at most those handed out once)"

/* of states */
#define HAK_VERIFY_SLOT_STATE  "state of the slot"
#define HAK_VERIFY_STRAY_STATE "is out of its slab and in no cache; state of the slot"

/* of SuperSlabs */
#define HAK_VERIFY_HEAD_OWNER   "owner in its head (in the registry)"
#define HAK_VERIFY_NO_HEAP      "there is no such heap"
#define HAK_VERIFY_HEAD_CLASS   "class of slab 0, which is the head"
#define HAK_VERIFY_BYTES_IN_USE "bytes in use, by its slabs' counts"

/* of large blocks */
#define HAK_VERIFY_PART_OF_START  "bytes of its start beyond whole pages"
#define HAK_VERIFY_PART_OF_LENGTH "bytes of its length beyond whole pages"
#define HAK_VERIFY_OWNER_THERE    "owner of a SuperSlab there"

#endif
