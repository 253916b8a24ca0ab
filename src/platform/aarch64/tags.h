/* Memory tags of aarch64 (FEAT_MTE): each 16 bytes of memory that was mapped for it have a tag of
 * four bits, and a pointer carries one in its bits 59 to 56. An access by another tag than the
 * memory's raises SIGSEGV. Nothing of it may be used before hak_tags_offered. */
#ifndef HAK_PLATFORM_AARCH64_TAGS_H
#define HAK_PLATFORM_AARCH64_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <ucontext.h>
#include "attributes.h"

#define HAK_HAS_TAGS 1

enum { HAK_TAG_SHIFT = 56, HAK_TAG_GRANULE = 16, HAK_TAGS = 16 };

/* The kernel's numbers, for headers that are older. */
enum {
    HAK_TAGS_PROTECTION = 0x20,  /* PROT_MTE */
    HAK_TAGS_HWCAP2 = 1 << 18,   /* HWCAP2_MTE */
    HAK_TAGS_SET_CONTROL = 55,   /* PR_SET_TAGGED_ADDR_CTRL */
    HAK_TAGS_GET_CONTROL = 56,   /* PR_GET_TAGGED_ADDR_CTRL */
    HAK_TAGS_ADDRESSES = 1 << 0, /* PR_TAGGED_ADDR_ENABLE */
    HAK_TAGS_SYNC = 1 << 1,      /* PR_MTE_TCF_SYNC */
    HAK_TAGS_ASYNC = 1 << 2,     /* PR_MTE_TCF_ASYNC; both: the processor's choice, asymmetric */
    HAK_TAGS_FAULT_ASYNC = 8,    /* SEGV_MTEAERR */
    HAK_TAGS_FAULT = 9,          /* SEGV_MTESERR */
    HAK_TAGS_EXPOSE = 0x800,     /* SA_EXPOSE_TAGBITS */
};

struct hak_tags {
    bool are_known; /* pointers of the program may have tags */
    bool are_given; /* new blocks get some */
};
/* Weak, since several parts include this; both halves of hakmem-debug.so have the same. */
HAK_HIDDEN extern struct hak_tags hak_tags;
__attribute__((weak)) struct hak_tags hak_tags;

static inline bool hak_tags_offered(void) {
    return (getauxval(AT_HWCAP2) & HAK_TAGS_HWCAP2) != 0;
}

/* The block of DC ZVA has 512 bytes in qemu-user, on processors 64. qemu-user 7.2 refuses that
 * instruction an address with a tag, and libc's memset uses it. */
static inline bool hak_tags_are_emulated(void) {
    enum { WORDS_OF_64_BYTES = 4, WORDS_MASK = 0xf };
    uint64_t block;
    __asm__("mrs %0, dczid_el0" : "=r"(block));
    return (block & WORDS_MASK) > WORDS_OF_64_BYTES;
}

/* The instructions are not in the lowest form of the architecture. */
#define HAK_TAGS_ASM ".arch armv8.5-a+memtag\n\t"

/* The tag of the memory at `p`, which can be read; 0 where it is not mapped for tags. */
static inline unsigned hak_tag_at(const void *p) {
    uintptr_t tagged = (uintptr_t)p;
    __asm__ volatile(HAK_TAGS_ASM "ldg %0, [%1]" : "+r"(tagged) : "r"(p));
    return (unsigned)(tagged >> HAK_TAG_SHIFT) % HAK_TAGS;
}

/* Gives the memory of [start, end), whole granules that can be written, a tag. */
static inline void hak_tag_memory(const char *start, const char *end, unsigned tag) {
    uintptr_t tagged = (uintptr_t)start | (uintptr_t)tag << HAK_TAG_SHIFT;
    size_t granules = (size_t)(end - start) / HAK_TAG_GRANULE;
    for (; granules >= 2; granules -= 2)
        __asm__ volatile(HAK_TAGS_ASM "st2g %0, [%0], #32" : "+r"(tagged) : : "memory");
    if (granules)
        __asm__ volatile(HAK_TAGS_ASM "stg %0, [%0]" : : "r"(tagged) : "memory");
}

/* The same, and the memory is zero. */
static inline void hak_tag_zeros(const char *start, const char *end, unsigned tag) {
    uintptr_t tagged = (uintptr_t)start | (uintptr_t)tag << HAK_TAG_SHIFT;
    size_t granules = (size_t)(end - start) / HAK_TAG_GRANULE;
    for (; granules >= 2; granules -= 2)
        __asm__ volatile(HAK_TAGS_ASM "stz2g %0, [%0], #32" : "+r"(tagged) : : "memory");
    if (granules)
        __asm__ volatile(HAK_TAGS_ASM "stzg %0, [%0]" : : "r"(tagged) : "memory");
}

/* Accesses of the calling thread are not compared from here on. Returns how it was before, for
 * hak_tags_ear. */
static inline uintptr_t hak_tags_deafen(void) {
    uintptr_t before;
    __asm__ volatile(HAK_TAGS_ASM "mrs %0, tco\n\tmsr tco, #1" : "=r"(before) : : "memory");
    return before;
}
static inline void hak_tags_ear(uintptr_t before) {
    __asm__ volatile(HAK_TAGS_ASM "msr tco, %0" : : "r"(before) : "memory");
}

/* The thread that a signal's handler interrupted, as `context` has it, goes on deaf: until its next
 * call of the malloc family ends. True. */
static inline bool hak_tags_deafen_interrupted(ucontext_t *context) {
    enum { TCO = 1 << 25 };
    context->uc_mcontext.pstate |= TCO;
    return true;
}

#endif
