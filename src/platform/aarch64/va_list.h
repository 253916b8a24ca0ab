/* Takes arguments out of a va_list of aarch64 (AAPCS64, appendix B), and keeps those of a call so
 * that they are one (string_gates.h, strings/format.h). */
#ifndef HAK_PLATFORM_AARCH64_VA_LIST_H
#define HAK_PLATFORM_AARCH64_VA_LIST_H

#include <stdint.h>
#include <string.h>

enum {
    HAK_ARGUMENT_WORDS = 8,    /* arguments in general registers */
    HAK_ARGUMENT_VECTORS = 8,  /* and in those of vectors */
    HAK_LONG_DOUBLE_BYTES = 16 /* that scanf stores */
};

struct hak_list {
    char *on_stack;
    const char *words_end, *vectors_end; /* of those in registers */
    int words_left, vectors_left;        /* bytes in front of these ends, negative */
};

/* The variable arguments of a call with so many `named` words; `registers` as struct
 * hak_string_arguments has them. */
static inline struct hak_list hak_list_of(const void *registers, unsigned named, void *on_stack) {
    const char *words = registers;
    return (struct hak_list){.on_stack = on_stack,
                             .words_end = words + HAK_ARGUMENT_WORDS * 8,
                             .vectors_end =
                                 words + HAK_ARGUMENT_WORDS * 8 + HAK_ARGUMENT_VECTORS * 16,
                             .words_left = -(int)(HAK_ARGUMENT_WORDS - named) * 8,
                             .vectors_left = -HAK_ARGUMENT_VECTORS * 16};
}

/* An integer or a pointer. */
static inline uint64_t hak_list_word(struct hak_list *list) {
    uint64_t word;
    if (list->words_left < 0) {
        memcpy(&word, list->words_end + list->words_left, sizeof word);
        list->words_left += 8;
    } else {
        memcpy(&word, list->on_stack, sizeof word);
        list->on_stack += 8;
    }
    return word;
}

static inline void hak_list_skip_double(struct hak_list *list) {
    if (list->vectors_left < 0)
        list->vectors_left += 16;
    else
        list->on_stack += 8;
}

/* It has 16 bytes, and comes in a vector register. */
static inline void hak_list_skip_long_double(struct hak_list *list) {
    if (list->vectors_left < 0) {
        list->vectors_left += 16;
        return;
    }
    list->on_stack += -(uintptr_t)list->on_stack & 15;
    list->on_stack += 16;
}

#endif
