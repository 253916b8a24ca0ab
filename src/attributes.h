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

/* The way behind the first test of a function that mostly ends there. gcc saves registers where
 * they are needed; clang does so in front of the test, unless the way is a function of its own, to
 * which the other jumps. */
#ifdef __clang__
#define HAK_BEHIND_TEST static __attribute__((noinline))
#else
#define HAK_BEHIND_TEST HAK_IN_PLACE
#endif

#endif
