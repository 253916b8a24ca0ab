#!/usr/bin/env bash
# Architectures are named in src/arch.h alone, and instructions, builtins and registers of one stand in src/platform/ARCH. No file relies on
# the order of one's memory accesses. `arch.sh FOLDER` looks at another tree.
set -u
SOURCE=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}

# Assembler without an instruction ("" keeps the compiler from something) is everybody's. So are tables and names made by the
# assembler's directives: verify/layout.c, entry/operators.c, entry/entry.h.
look() {
    local files
    files=$(cd "$1" && find src viewer -name '*.[ch]' 2>/dev/null | grep -vE '^src/(arch\.h|platform/(x86_64|aarch64)/)' | LC_ALL=C sort)
    cd "$1" || return 2
    {
        grep -nE '#[ \t]*(el)?if.*\b(__x86_64|__amd64|__i386|__aarch64__|__arm|__riscv|__powerpc|__s390)' $files /dev/null |
            sed 's/$/    (an architecture is named)/'
        grep -nE '__builtin_(ia32|aarch64|arm)_|#[ \t]*include[ \t]*<([a-z0-9]*intrin|cpuid|arm_[a-z]+)\.h>' $files /dev/null |
            sed 's/$/    (a builtin of one architecture)/'
        grep -nE '\b(__asm__|__asm|asm)[ \t]*(volatile[ \t]*)?\(' $files /dev/null |
            grep -vE '(__asm__|__asm|asm)[ \t]*(volatile[ \t]*)?\(""' | grep -vE '^src/(verify/layout|entry/operators)\.c:|^src/entry/entry\.h:' |
            sed 's/$/    (assembler)/'
        grep -nE '\bREG_(R[A-Z0-9]+|EFL|ERR|TRAPNO|CR2)\b|\buc_mcontext\b' $files /dev/null |
            grep -vE '^src/trace/crash/(aligned|frame)\.c:' | sed 's/$/    (registers of one architecture)/'
        # Another thread is kept from nothing by these (docs/specs/memory-order.md): readers are handlers of the same thread, and forked children.
        grep -nE 'atomic_signal_fence|__asm__ volatile\("".*"memory"\)' $files /dev/null |
            grep -vE '^src/((front|slab|mid|large|large_map|unwind|entry/nested|trace/stacks)/|guard/(guard\.h|quarantine\.[ch]|choose/first_blocks\.h):|border\.h:|trace/(ring/ring|signals/actions)\.c:)' |
            sed 's/$/    (a barrier for the compiler alone)/'
        grep -nE '\bvolatile\b' $files /dev/null | grep -vE '__asm__ volatile|_Thread_local|sig_atomic_t' |
            grep -vE '^(src/(collector|platform|trace/python|tree|unwind|watch|sqlite)/|src/player/sequence\.[ch]:|viewer/|src/(check|entry/attach/attach)\.h:|src/entry/attach/imports\.c:|src/guard/(sweep|choose/choose)\.c:|src/trace/(ring/(ring|room)|crash/crash|collector/launch)\.c:)' |
            sed 's/$/    (volatile: a word that threads share is atomic)/'
    } | grep .
}

! look "${1:-$SOURCE}" || { echo 'belongs into src/platform/ARCH (src/arch.h), or is an atomic of C11 (docs/specs/memory-order.md)'; exit 1; }

# It sees what it is for, and leaves alone what may stand anywhere.
made=${TMPDIR:-/tmp}/arch
mkdir -p "$made/src/room" "$made/src/platform/x86_64" || exit 2
cat >"$made/src/room/a.c" <<'C'
#if defined __aarch64__
#include <cpuid.h>
static void wait(void) { __builtin_ia32_pause(); }
static void enter(int *p) { __asm__ volatile("incl %0" : "+m"(*p)); }
static long ip(const ucontext_t *c) { return c->uc_mcontext.gregs[REG_RIP]; }
static void stays(void *p) { __asm__ volatile("" : : "r"(p)); }
static void publish(int *p) { *p = 1, atomic_signal_fence(memory_order_release), *(volatile int *)(p + 1) = 1; }
#endif
C
cp "$made/src/room/a.c" "$made/src/platform/x86_64/a.h"
found=$(look "$made" | cut -d: -f1,2 | tr '\n' ' ')
expected='src/room/a.c:1 src/room/a.c:2 src/room/a.c:3 src/room/a.c:4 src/room/a.c:5 src/room/a.c:7 src/room/a.c:7 '
[ "$found" = "$expected" ] || { echo "arch.sh says of its own example: $found"; exit 1; }
