/* Memory tags: x86-64 has none. */
#ifndef HAK_PLATFORM_X86_64_TAGS_H
#define HAK_PLATFORM_X86_64_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HAK_HAS_TAGS 0

enum { HAK_TAG_SHIFT = 56, HAK_TAG_GRANULE = 16, HAK_TAGS = 16 };
enum {
    HAK_TAGS_PROTECTION = 0,
    HAK_TAGS_SET_CONTROL = 0,
    HAK_TAGS_GET_CONTROL = 0,
    HAK_TAGS_ADDRESSES = 0,
    HAK_TAGS_SYNC = 0,
    HAK_TAGS_ASYNC = 0,
    HAK_TAGS_FAULT_ASYNC = 8, /* aarch64's; no kernel of x86-64 gives it with SIGSEGV */
    HAK_TAGS_FAULT = -1,      /* no si_code that the kernel gives */
    HAK_TAGS_EXPOSE = 0,
};

struct hak_tags {
    bool are_known, are_given;
};

static inline bool hak_tags_offered(void) {
    return false;
}
static inline bool hak_tags_are_emulated(void) {
    return false;
}
static inline unsigned hak_tag_at(const void *p) {
    (void)p;
    return 0;
}
static inline void hak_tag_memory(const char *start, const char *end, unsigned tag) {
    (void)start, (void)end, (void)tag;
}
static inline void hak_tag_zeros(const char *start, const char *end, unsigned tag) {
    (void)start, (void)end, (void)tag;
}
static inline uintptr_t hak_tags_deafen(void) {
    return 0;
}
static inline bool hak_tags_deafen_interrupted(void *context) {
    (void)context;
    return false;
}
static inline void hak_tags_ear(uintptr_t before) {
    (void)before;
}

#endif
