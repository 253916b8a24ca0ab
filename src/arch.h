/* Says what a processor's architecture must give: src/platform/ARCH has a file for each row.
 *
 *   processor.h      sizes of pages and addresses, thread and stack pointer, ticks, a hint in loops
 *                    that wait; in this header
 *   words.h          words that a thread changes so that its own signal handlers come before or
 *                    after, a pair of words, equal bytes as bits; in this header
 *   call.h           a system call with six arguments          platform/raw_call.h
 *   stepping.h       stops and starts a program's single steps platform/block_signals.h
 *   emulator.h       a request to Valgrind                     platform/emulator.h
 *   tags.h           memory tags, or none                      memory_tags.h
 *   checksum.h       CRC-32C by an instruction                 base/checksum.c
 *   cxx.h            hak_cxx_try: a call that catches          entry/cxx.c
 *   loader.h         dlopen and dlsym, jumps to the next ones  entry/loader.c
 *   here.h           registers as DWARF numbers them           unwind/registers.h
 *   rule.h           bits of a compact rule; return addresses  unwind/rules.h
 *   rule_of_row.h    such a rule out of a row of CFI           unwind/rules.c
 *   plt.h            rows that linkers do not write            unwind/cfi.c
 *   calls.h          calls, jumps, first instructions          unwind/code.c, frame_pointer.c
 *   jump.h           a jump over a function's begin            platform/jumps
 *   splice_step.h    a step to a caller, remembered            unwind/splice.h
 *   context.h        registers of an interrupted thread        unwind, trace/crash, leaks
 *
 * These are what the plain library and the unwinder need. The others need, too:
 *
 *   signal_return.h  a handler's return to the kernel          leaks/signals.c
 *   clone.h          a process on a stack of its own           trace/collector/launch.c
 *   clone_stack.h    hak_tracer_clone, likewise                trace/tracer.c
 *   call_on.h        a call on another stack                   trace/crash/crash.c
 *   instruction.h    bits of instructions, not in src/decode   trace/crash
 *   traced.h         registers of a stopped thread             trace/tracer.c, leaks, watch, viewer
 *   va_list.h        arguments of a variadic call              strings/format.h
 *   syscall.h        syscall(), looked at                      tree/sandbox.c
 *   vfork.h          vfork(), which returns twice              tree/vfork.c
 *   string_gates.h   the way of a call that is looked at       strings/trampolines.c
 *   sqlite_jump.h    a jump through a table                    sqlite/extension.c
 *   outside.h        a stopped thread that is made to call     viewer/attach
 *
 * And x86-64 alone, where aarch64 has no need or nothing yet (docs/arm.md):
 *
 *   aligned.h        accesses that may fail                    trace/crash/aligned.c
 *   xsave.h          places of vectors in a signal's frame     trace/crash/frame.c
 *
 * Architectures are named here and nowhere else, and only src/platform/ARCH has instructions
 * (tests/lint/arch.sh). Below every folder: any may include it. */
#ifndef HAK_ARCH_H
#define HAK_ARCH_H

#include "text_of.h"

#if defined __x86_64__
#define HAK_ARCH_NAME  x86_64
#define HAK_ARCH_WORDS "x86-64"
#elif defined __aarch64__ && defined __LP64__ && !defined __AARCH64EB__
#define HAK_ARCH_NAME  aarch64
#define HAK_ARCH_WORDS "aarch64"
#else
#error                                                                                             \
    "hakmem runs on x86-64 and on little-endian aarch64; docs/arm.md says what another one must give"
#endif

/* `#include HAK_ARCH_FILE(call.h)`: the file of that name for the architecture compiled for. */
/* clang-format off */
#define HAK_ARCH_FILE(name) HAK_TEXT_OF(platform/HAK_ARCH_NAME/name)
/* clang-format on */

#include HAK_ARCH_FILE(processor.h)
#include HAK_ARCH_FILE(words.h)

/* `bytes` up to whole pages. */
#define HAK_PAGES_OF(bytes) (((bytes) + HAK_PAGE_BYTES - 1) & ~(HAK_PAGE_BYTES - 1))

#endif
