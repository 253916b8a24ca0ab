/* The bytes that the decoder says an instruction touches are those that the processor does touch:
 * each instruction of probes.h is run with its operand nearer and nearer to a page that is closed.
 * Instructions that this processor does not have are compared with nothing. */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "decode/decode.h"
#include "unit/suite.h"

enum { PAGE = 4096, MOST = 130, WRITES = 2, NOT_THERE = -1, TRAPS = 14, RDI = 5 };

/* One instruction: from its first byte to the one behind it, where a return stands. */
struct probe {
    const uint8_t *from, *to;
    const char *text;
};
extern const struct probe __start_probes[], __stop_probes[];

#define PROBE(text)                                                                                \
    __asm__(".pushsection .text\n.balign 16\n.intel_syntax noprefix\n771: " text                   \
            "\n772: ret\n.att_syntax\n.popsection\n"                                               \
            ".pushsection .rodata\n773: .asciz \"" text "\"\n.popsection\n"                        \
            ".pushsection probes, \"aw\"\n.quad 771b, 772b, 773b\n.popsection\n");
#include "unit/decode/probes.h"

static sigjmp_buf back;
static volatile int signal_number;
static volatile uint64_t signal_address, error;

static void on_signal(int number, siginfo_t *info, void *context) {
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    signal_number = number;
    signal_address = registers[REG_TRAPNO] == TRAPS ? (uint64_t)info->si_addr : 0;
    error = (uint64_t)registers[REG_ERR];
    siglongjmp(back, 1);
}

/* Memory at the edge of what is closed, below 4 GiB, as some of them have addresses of 4 bytes. */
static char *open_edge(void) {
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    ck_assert_int_eq(mprotect(page + PAGE, PAGE, PROT_NONE), 0);
    return page + PAGE;
}

/* True when it went through with its operand at `at`. */
static bool run(const struct probe *probe, char *at) {
    const void *code = probe->from;
    if (sigsetjmp(back, 1))
        return false;
    __asm__ volatile("finit\n\txorl %%edx, %%edx\n\tmovl $1, %%eax\n\tmovl $1, %%ecx\n\t"
                     "subq $256, %%rsp\n\tcall *%1\n\taddq $256, %%rsp\n\temms"
                     : "+D"(at), "+b"(code)
                     :
                     : "rax", "rcx", "rdx", "rsi", "r8", "memory", "cc", "xmm0", "xmm1");
    return true;
}

/* Number of touched bytes from its operand on; NOT_THERE = the processor does not know it. */
static int measure(const struct probe *probe, char *edge) {
    for (int bytes = 1; bytes < MOST; bytes++) {
        memset(edge - PAGE, 1, PAGE);
        if (run(probe, edge - bytes))
            return bytes;
        if (signal_number == SIGILL)
            return NOT_THERE;
        ck_assert_msg(signal_number == SIGSEGV, "%s: signal %d", probe->text, signal_number);
    }
    ck_abort_msg("%s never went through", probe->text);
}

/* Its operand, which is [rdi]. */
static struct hak_operand operand_of(const struct probe *probe) {
    struct hak_decoded decoded;
    ck_assert_msg(hak_decode(probe->from, HAK_DECODE_LONGEST, &decoded), "%s", probe->text);
    ck_assert_msg(decoded.length == probe->to - probe->from, "%s: %u", probe->text, decoded.length);
    const struct hak_operand *operand = decoded.operands;
    ck_assert_msg(decoded.count == 1 && operand->base == RDI && operand->index < 0 &&
                      operand->displacement == 0 && operand->is_exact && !operand->is_unknown,
                  "%s", probe->text);
    return *operand;
}

static void catch_signals(void) {
    const struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

TEST(the_processor_touches_as_many) {
    char *edge = open_edge();
    int measured = 0;
    catch_signals();
    for (const struct probe *probe = __start_probes; probe < __stop_probes; probe++) {
        struct hak_operand operand = operand_of(probe);
        int bytes = measure(probe, edge);
        measured += bytes != NOT_THERE;
        ck_assert_msg(bytes == NOT_THERE || (unsigned)bytes == operand.bytes,
                      "%s touches %d bytes, not %u", probe->text, bytes, operand.bytes);
    }
    ck_assert_int_gt(measured, 150);
}

/* At the edge itself it is stopped, and the processor says read or write: one that does both is
 * stopped as a write. */
TEST(the_processor_agrees_on_read_and_write) {
    char *edge = open_edge();
    catch_signals();
    for (const struct probe *probe = __start_probes; probe < __stop_probes; probe++) {
        struct hak_operand operand = operand_of(probe);
        ck_assert_msg(!run(probe, edge), "%s", probe->text);
        if (signal_number == SIGILL || signal_address == 0)
            continue;
        ck_assert_msg(signal_address - (uint64_t)edge < operand.bytes, "%s", probe->text);
        ck_assert_msg(((error & WRITES) != 0) == operand.writes, "%s is a %s", probe->text,
                      error & WRITES ? "write" : "read");
        ck_assert_msg(operand.reads || operand.writes, "%s", probe->text);
    }
}

RUN_TESTS()
