/* Counts of the comparing preload, in a file that all processes of a run map. */
#ifndef UNWIND_COMPARE_H
#define UNWIND_COMPARE_H

#include <stdatomic.h>
#include <stdint.h>

struct compare_counts {
    _Atomic uint64_t compared;       /* stacks that both unwound */
    _Atomic uint64_t different;      /* of these, confirmed differences */
    _Atomic uint64_t stale_cache;    /* only unw_backtrace differed: its cache was out of date */
    _Atomic uint64_t ours_alone;     /* stacks that only ours unwound (libunwind could hang) */
    _Atomic uint64_t from_loader;    /* calls by ld.so, unwound by ours only */
    _Atomic uint64_t interned_wrong; /* node paths that do not read back as the stack */
    _Atomic uint64_t frames;
    _Atomic uint64_t modules, unloads;
    _Atomic uint64_t end[8]; /* by enum hak_unwind_end */
    /* Behind a frame without CFI, up to which both agree: */
    _Atomic uint64_t ours_further;       /* libunwind ended, ours went on */
    _Atomic uint64_t ours_further_whole; /* of these, to the outermost frame */
    _Atomic uint64_t theirs_further;     /* ours ended, libunwind went on */
    _Atomic uint64_t guessed_otherwise;  /* both went on, to other frames */
    _Atomic uint64_t theirs_wild;        /* stacks of libunwind with frames that are no code */
};

#endif
