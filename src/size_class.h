/* Size classes: bytes to class by one byte table, slot to index without a division.
 *
 * All tables are constants made from classes.def. The start and the number of a slab's slots follow
 * from the class alone:
 *
 *   slot i of a slab = slab start + hak_first_slot_offset(class) + i * hak_class_bytes(class)
 *
 * The first offset is 0 from 64-byte slots on; below, the slab's bitmap stands first and the offset
 * is rounded up to a multiple of the slot, so that in every class the slots are exactly the
 * multiples of the slot size (hak_is_slot_start needs one multiplication).
 *
 * Division by multiplication with ceil(2^32 / d) is exact for 16-bit numerators and d <= 32768;
 * the test "n * magic mod 2^32 < magic if and only if d divides n" is Lemire, Kaser and Kurz,
 * "Faster remainder by direct computation" (2019).
 *
 * Thread and signal safety: everything here is a pure function of its arguments. */
#ifndef HAK_SIZE_CLASS_H
#define HAK_SIZE_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "superslab.h"

/* HAK_CLASS_OF_48 and so on: index of the class with that many bytes in a slot. */
enum {
#define CLASS(slot_bytes, band) HAK_CLASS_OF_##slot_bytes,
#include "classes.def"
#undef CLASS
    HAK_CLASSES
};

#define HAK_CLASS_MAX_BYTES    ((size_t)32768)
#define HAK_CLASS_STEP_BYTES   8
#define HAK_CLASS_TABLE_LENGTH (HAK_CLASS_MAX_BYTES / HAK_CLASS_STEP_BYTES + 2)

/* Class of (bytes + 7) / 8. */
HAK_HIDDEN extern const uint8_t hak_class_table[HAK_CLASS_TABLE_LENGTH];
HAK_HIDDEN extern const uint16_t hak_class_slot_bytes[HAK_CLASSES];
/* The band of a class, 0..12. */
HAK_HIDDEN extern const uint8_t hak_class_band[HAK_CLASSES];
/* ceil(2^32 / slot bytes); 0 for every byte that is no class, HAK_CLASS_NONE among them. */
HAK_HIDDEN extern const uint32_t hak_class_magic[256];

/* The smallest class whose slots hold `bytes` (at most HAK_CLASS_MAX_BYTES; 0 counts as 1). */
static inline unsigned hak_class_of_bytes(size_t bytes) {
    return hak_class_table[(bytes + HAK_CLASS_STEP_BYTES - 1) / HAK_CLASS_STEP_BYTES];
}

/* Bytes of a slot of the class. */
static inline size_t hak_class_bytes(unsigned class_index) {
    return hak_class_slot_bytes[class_index];
}

/* The smallest class whose slots hold `bytes` and all start at a multiple of `alignment` (a power
 * of two); HAK_CLASS_NONE when only a mapping of its own can do that. */
HAK_HIDDEN unsigned hak_class_of_aligned(size_t bytes, size_t alignment);

/* Bytes from a slab's start to its slot 0, in all builds: 0 for slots of 64 bytes and more. Smaller
 * ones begin behind the room of a bitmap, rounded up to a multiple of the slot; only the plain
 * build has the bitmap there (hak_small_bits_of). */
static inline size_t hak_first_slot_offset(unsigned class_index) {
    size_t slot = hak_class_bytes(class_index);
    if (slot >= 64)
        return 0;
    return slot == 48 ? 1056 : HAK_SMALL_BITMAP_BYTES;
}

/* Slots in a slab of the class. */
static inline unsigned hak_class_slots(unsigned class_index) {
    return (unsigned)((HAK_SLAB_BYTES - hak_first_slot_offset(class_index)) /
                      hak_class_bytes(class_index));
}

/* The index of the slot that holds the byte `offset` bytes behind slot 0's start. */
static inline unsigned hak_slot_index(unsigned class_index, size_t offset) {
    return (unsigned)((uint64_t)offset * hak_class_magic[class_index] >> 32);
}

/* True when `p`, which lies in a slab of the class, is a multiple of the slot size from the slab's
 * start. False for every class byte that is no class. */
static inline bool hak_is_slot_start(const void *p, unsigned class_index) {
    uint32_t magic = hak_class_magic[class_index];
    return (uint32_t)((uint16_t)(uintptr_t)p * magic) < magic;
}

#endif
