/* Says that no thread of aarch64 is made to call a function from outside (viewer/attach): libc has
 * no code there to which a handler returns, and another way could not be tried (docs/arm.md). */
#ifndef HAK_PLATFORM_AARCH64_OUTSIDE_H
#define HAK_PLATFORM_AARCH64_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#define HAK_OUTSIDE_CALLS false

/* svc #0; and that with mov x8, #139 before it, in the kernel's vdso. */
/* clang-format off */
#define HAK_OUTSIDE_SYSCALL {0x01, 0, 0, 0xd4}
#define HAK_OUTSIDE_RESTORER {0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4}
/* clang-format on */

enum { HAK_OUTSIDE_RED_ZONE = 0 };

struct hak_outside_thread {
    pid_t thread;
    struct user_regs_struct registers;
    unsigned char state[1];
};
struct hak_outside_context {
    uint64_t none;
};

/* The kernel has decided before it stops whether a call is made again. */
static inline void hak_outside_mend_call(pid_t thread) {
    (void)thread;
}

static inline bool hak_outside_read(struct hak_outside_thread *s, pid_t thread) {
    (void)s;
    (void)thread;
    return false;
}
static inline size_t hak_outside_describe_state(struct hak_outside_thread *s) {
    (void)s;
    return 0;
}
static inline struct hak_outside_context hak_outside_context_of(const struct hak_outside_thread *s,
                                                                uint64_t state_at) {
    (void)s;
    (void)state_at;
    return (struct hak_outside_context){0};
}
static inline bool hak_outside_enter(const struct hak_outside_thread *s, uint64_t function,
                                     const uint64_t *arguments, unsigned count, uint64_t sp) {
    (void)s;
    (void)function;
    (void)arguments;
    (void)count;
    (void)sp;
    return false;
}
static inline bool hak_outside_is_returning(pid_t thread, uint64_t context_at) {
    (void)thread;
    (void)context_at;
    return false;
}
static inline void hak_outside_return(pid_t thread, uint64_t restorer, uint64_t context_at) {
    (void)thread;
    (void)restorer;
    (void)context_at;
}

#endif
