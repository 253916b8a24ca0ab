/* HAKMEM_TINY_TLS_CLASS_OVERRIDE: "C0:256:16,C3:64:32" gives bands C0 and C3 a capacity and a batch
 * of their own, before all other variables. Read once, for the per-class table (plan.c). */
#ifndef HAK_FRONT_OVERRIDE_H
#define HAK_FRONT_OVERRIDE_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

struct hak_override {
    uint16_t capacity; /* 0..4096; 0 = no array or magazine */
    uint16_t batch;    /* 1..capacity */
    bool is_given;
};

/* Reads the text. One that is not all right gives one line on stderr, and none of it holds. */
HAK_HIDDEN void hak_override_read(const char *text);

/* The override of the band; NULL for none. */
HAK_HIDDEN const struct hak_override *hak_override_of(unsigned band);

#endif
