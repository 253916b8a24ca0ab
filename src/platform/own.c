/* Keeps a bit for each page that hakmem has mapped. */
#include "platform/own.h"

#include <stdatomic.h>
#include "platform/platform.h"
#include "platform/raw_call.h"

enum { PAGE_BITS = 12, LEAF_PAGE_BITS = HAK_OWN_LEAF_PAGE_BITS, WORD_BITS = 64 };
enum { LEAVES = 1 << (HAK_ADDRESS_BITS - PAGE_BITS - LEAF_PAGE_BITS) };

struct hak_own_leaf {
    _Atomic uint64_t word[(1 << LEAF_PAGE_BITS) / WORD_BITS];
};
_Alignas(HAK_PAGE_BYTES_MOST) _Atomic(struct hak_own_leaf *) hak_own_leaves[LEAVES];
static bool is_stopped;

/* Maps a leaf by a direct call, as hak_map would note the leaf in the leaf. */
static struct hak_own_leaf *map_leaf(void) {
    long result = hak_raw_call(SYS_mmap, 0, sizeof(struct hak_own_leaf), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return result < 0 && result > -4096 ? NULL : (struct hak_own_leaf *)result;
}

/* The leaf for the page; with `make`, a missing one is mapped and noted as hakmem's own. NULL:
 * none. */
static struct hak_own_leaf *leaf_of(uintptr_t page, bool make) {
    _Atomic(struct hak_own_leaf *) *place = &hak_own_leaves[page >> LEAF_PAGE_BITS];
    struct hak_own_leaf *leaf = atomic_load_explicit(place, memory_order_acquire);
    if (HAK_LIKELY(leaf != NULL) || !make)
        return leaf;
    struct hak_own_leaf *fresh = map_leaf();
    if (!fresh)
        return NULL;
    if (!atomic_compare_exchange_strong(place, &leaf, fresh)) {
        (void)hak_raw_call(SYS_munmap, (long)fresh, sizeof *fresh, 0, 0, 0, 0);
        return leaf;
    }
    hak_own_note(fresh, sizeof *fresh, true);
    return fresh;
}

void hak_own_note(const void *start, size_t bytes, bool is_own) {
    uintptr_t page = (uintptr_t)start >> PAGE_BITS;
    uintptr_t end = ((uintptr_t)start + bytes + HAK_PAGE_BYTES - 1) >> PAGE_BITS;
    if (is_stopped || end > (uintptr_t)1 << (HAK_ADDRESS_BITS - PAGE_BITS))
        return;
    while (page < end) {
        struct hak_own_leaf *leaf = leaf_of(page, is_own);
        uintptr_t word_end = (page | (WORD_BITS - 1)) + 1;
        uintptr_t stop = word_end < end ? word_end : end;
        uint64_t mask = stop - page == WORD_BITS
                            ? ~(uint64_t)0
                            : (((uint64_t)1 << (stop - page)) - 1) << page % WORD_BITS;
        if (leaf) {
            _Atomic uint64_t *word = &leaf->word[(page & ((1u << LEAF_PAGE_BITS) - 1)) / WORD_BITS];
            if (mask == ~(uint64_t)0)
                atomic_store_explicit(word, is_own ? mask : 0, memory_order_release);
            else if (is_own)
                atomic_fetch_or_explicit(word, mask, memory_order_release);
            else
                atomic_fetch_and_explicit(word, ~mask, memory_order_release);
        }
        page = stop;
    }
}

void hak_own_stop(void) {
    is_stopped = true;
}

uintptr_t hak_own_next(uintptr_t from, uintptr_t end, bool is_own) {
    uintptr_t page = from >> PAGE_BITS;
    while (page << PAGE_BITS < end) {
        struct hak_own_leaf *leaf = page >> LEAF_PAGE_BITS < LEAVES ? leaf_of(page, false) : NULL;
        if (!leaf) {
            if (!is_own)
                break;
            page = ((page >> LEAF_PAGE_BITS) + 1) << LEAF_PAGE_BITS;
            continue;
        }
        uint64_t word = atomic_load_explicit(
            &leaf->word[(page & ((1u << LEAF_PAGE_BITS) - 1)) / WORD_BITS], memory_order_acquire);
        word = (is_own ? word : ~word) >> page % WORD_BITS;
        if (word != 0) {
            page += (uintptr_t)__builtin_ctzll(word);
            break;
        }
        page = (page | (WORD_BITS - 1)) + 1;
    }
    uintptr_t found = page << PAGE_BITS;
    return found < from ? from : found < end ? found : end;
}
