/* The program headers of a 64-bit ELF file, as far as they lie in its first bytes. */
#ifndef HAK_TREE_ELF_HEAD_H
#define HAK_TREE_ELF_HEAD_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct hak_segments {
    const unsigned char *first;
    unsigned count;
};

static inline Elf64_Phdr hak_segment_at(const struct hak_segments *segments, unsigned i) {
    Elf64_Phdr segment;
    memcpy(&segment, segments->first + i * sizeof segment, sizeof segment);
    return segment;
}

/* `head`: the first `bytes` of the file. False when they do not hold all of the headers. */
static inline bool hak_find_segments(const unsigned char *head, long bytes,
                                     struct hak_segments *out) {
    Elf64_Ehdr elf;
    if (bytes < (long)sizeof elf)
        return false;
    memcpy(&elf, head, sizeof elf);
    if (elf.e_phentsize != sizeof(Elf64_Phdr) || elf.e_phoff > (uint64_t)bytes ||
        elf.e_phnum > ((uint64_t)bytes - elf.e_phoff) / sizeof(Elf64_Phdr))
        return false;
    *out = (struct hak_segments){head + elf.e_phoff, elf.e_phnum};
    return true;
}

#endif
