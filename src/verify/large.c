/* The large layer's table: every block has whole pages of its own, outside of all SuperSlabs. */
#include "verify/verify.h"

#include "large/large.h"

void hak_verify_large(struct hak_verify *v) {
    size_t mapped_bytes;
    struct hak_verify_where where = {.cache = "table of large blocks"};
    (void)hak_large_count(&mapped_bytes);
    hak_verify_same(v, &where, "bytes of mappings beyond whole pages",
                    mapped_bytes % HAK_PAGE_BYTES, 0);
}
