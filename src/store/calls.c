/* Names of the calls of the malloc family, made from hops.def. */
#include "store/calls.h"

#include <stdbool.h>
#include "hop.h"

const char *hak_call_taken(unsigned subkind) {
    static const char *const words[] = {
#define TAKEN(name, number, text) [number] = text,
#include "hops.def"
    };
    return subkind < sizeof words / sizeof *words ? words[subkind] : "malloc";
}

const char *hak_call_given(unsigned subkind) {
    static const char *const words[] = {
#define GIVEN(name, number, text) [number] = text,
#include "hops.def"
    };
    bool is_known = subkind < sizeof words / sizeof *words && words[subkind];
    return is_known ? words[subkind] : "free";
}

const char *hak_call_of(const struct hak_event *event) {
    switch (event->kind) {
    case HAK_MALLOC:
        return hak_call_taken(event->subkind);
    case HAK_FREE:
        return hak_call_given(event->subkind);
    case HAK_REALLOC:
    case HAK_REALLOC_FROM:
        return "realloc";
    default:
        return NULL;
    }
}
