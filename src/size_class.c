/* The tables of the size classes, made from classes.def by the compiler. */
#include "size_class.h"

/* Each line of classes.def says where the next class begins; the later range overrides the earlier
 * one, which is the point. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif

const uint8_t hak_class_table[HAK_CLASS_TABLE_LENGTH] = {
#define CLASS(slot_bytes, band)                                                                    \
    [slot_bytes / HAK_CLASS_STEP_BYTES + 1 ... HAK_CLASS_TABLE_LENGTH - 1] =                       \
        HAK_CLASS_OF_##slot_bytes + 1,
#include "classes.def"
#undef CLASS
};

const uint16_t hak_class_slot_bytes[HAK_CLASSES] = {
#define CLASS(slot_bytes, band) slot_bytes,
#include "classes.def"
#undef CLASS
};

const uint8_t hak_class_band[HAK_CLASSES] = {
#define CLASS(slot_bytes, band) band,
#include "classes.def"
#undef CLASS
};

const uint32_t hak_class_magic[256] = {
#define CLASS(slot_bytes, band)                                                                    \
    [HAK_CLASS_OF_##slot_bytes] = (uint32_t)(((1ull << 32) + slot_bytes - 1) / slot_bytes),
#include "classes.def"
#undef CLASS
};

_Static_assert(HAK_CLASSES < HAK_CLASS_NONE, "a class index fits a byte beside HAK_CLASS_NONE");

unsigned hak_class_of_aligned(size_t bytes, size_t alignment) {
    if (bytes > HAK_CLASS_MAX_BYTES || alignment > HAK_CLASS_MAX_BYTES)
        return HAK_CLASS_NONE;
    unsigned class_index = hak_class_of_bytes(bytes);
    while (class_index < HAK_CLASSES &&
           ((hak_class_bytes(class_index) | hak_first_slot_offset(class_index)) &
            (alignment - 1)) != 0)
        class_index++;
    return class_index < HAK_CLASSES ? class_index : HAK_CLASS_NONE;
}
