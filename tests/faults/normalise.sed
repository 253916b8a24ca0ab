# Makes reports of two runs equal: what differs from run to run, from machine to machine or with every
# edit of the allocator becomes N.
s/0x[0-9a-f]{6,16}/0xN/g
s/^      0xN ([][ ][0-9a-f]{2}){16}.*/      0xN  BYTES/
s/event [0-9,]+   [0-9.]+ s/event N   N s/
s/event [0-9,]+ \(/event N (/g
s/ and event [0-9,]+;/ and event N;/
s/      [0-9.]+ s (to [0-9.]+ s )?old;/      N s old;/
s/^(hakmem: HKM-30[0-9] [a-z-]+: [^,]*:[0-9]+ (accesses|reads|writes|executes)) [0-9,]+ bytes?,? /\1 memory /
s/at exit, in [0-9.,]+ ms/at exit, in N ms/
s/^      [0-9,]+ +([A-Za-z_]+)/      N           \1/
s/ -- [^ ]*\/tests\/(faults|crash)\// -- tests\/\1\//
s/-s [^ ]*hakmem\.([a-z0-9_]+)\.[0-9]+\.db/-s hakmem.\1.N.db/g
s/store=[^ ]*hakmem\.([a-z0-9_]+)\.[0-9]+\.db/store=hakmem.\1.N.db/
s/(hakmem src\/[a-z_\/]+\.[ch]):[0-9]+/\1:N/
s/\.\.\. [0-9]+ frames? of (libc|ld\.so)[: ].*/... N frames of libc/
s/\.\.\. [0-9]+ frames? of (libc|ld\.so)$/... N frames of libc/
s/and [0-9]+ more frames/and N more frames/
# How much of it is inlined is the compiler's; newer libraries call some functions by other names.
s/\.\.\. [0-9]+ frames? of (hakmem and libstdc\+\+|libstdc\+\+|the compiler)/... N frames of \1/
s/__isoc23_/__isoc99_/g
# How much was guarded is libc's and the machine's; tests/guarded/coverage.sh has it exactly.
s/; guarded [0-9,]+ of [0-9,]+ blocks?(, of [0-9,]+ of [0-9,]+ call stacks?)?( \(the rest: [a-z, ]+\))?( since the fork)?//
# What only some machines have.
s/; debug registers (do not fire on this machine|are used on x86-64 only)$//
# What called main and the threads' functions, and what runs at exit, is libc's and ld.so's, and named as
# their debug information allows.
/^      #[0-9]+ +(__libc_start_|_start|start_thread|_*clone|_*(GI___)?nptl_deallocate_tsd|_dl_(call_)?fini|__run_exit_handlers|_*(GI_)?exit |\?\? +(libc|ld-linux-(x86-64|aarch64))\.so)/d
# What compilers, and the C library for its processor, make of an access; tests/instruction has it exactly.
s/^  INSTRUCTION       .*/  INSTRUCTION       N/
/^      (touches|reads|writes|reads and writes) [0-9,]+ bytes?( at |, |$)/d
/^      libcapstone does not know it$/d
/^  REGISTERS         (of the address, and )?pointing into the heap:$/d
/^      (r[a-z0-9]+|x[0-9]+|sp) +0x[0-9a-fN]+ is /d
# The emulator of another architecture, of a program that a signal ended (tests/tools/cross_check.sh).
# One ends itself, with these lines, at a SIGSEGV that is queued (docs/arm.md). A shorter address leaves more room behind it.
/^\*\*$/d
/^(Bail out! )?ERROR:[^ ]*cpu-exec\.c:.*assertion failed/d
s/^(      base 0xN) +user/\1    user/
/^qemu: uncaught target signal [0-9]+ \([A-Za-z ]+\) - core dumped$/d
