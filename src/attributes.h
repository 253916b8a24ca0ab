/* Attributes of functions, and hints about conditions, for the compiler. */
#ifndef HAK_ATTRIBUTES_H
#define HAK_ATTRIBUTES_H

#define HAK_LIKELY(x)   __builtin_expect(!!(x), 1)
#define HAK_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define HAK_COLD        __attribute__((noinline, cold))
#define HAK_HIDDEN      __attribute__((visibility("hidden")))
/* The family that is there a second time is not exported (Makefile). */
#ifndef HAK_EXPORT
#define HAK_EXPORT __attribute__((visibility("default")))
#endif

/* Begins with a line of the processor's: of a loop over malloc and free half a line more is the
 * fifteenth part of its time. */
#define HAK_ON_LINE __attribute__((aligned(64)))

/* Stands in each of its callers: constant parameters vanish there, and what it finds stays in
 * registers. */
#define HAK_IN_PLACE static inline __attribute__((always_inline))

#endif
