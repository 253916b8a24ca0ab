/* The bytes that touches.c says an instruction touches are those that the processor does touch:
 * each instruction of probes.h is run with its operand nearer and nearer to a page that is closed.
 * Instructions that this processor does not have are compared with nothing, but with libcapstone.
 */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "report/instruction/touches.h"
#include "unit/suite.h"

enum { PAGE = 4096, MOST = 130, WRITES = 2, NOT_THERE = -1, TRAPS = 14 };

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
#include "unit/report/instruction/probes.h"

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

static void look(const struct probe *probe, struct hak_instruction *out, char *at) {
    uint64_t registers[17] = {[5] = (uint64_t)at};
    const struct hak_machine machine = {registers, 0x202};
    ck_assert_msg(hak_instruction_at(out, probe->from, (size_t)(probe->to - probe->from),
                                     (uint64_t)probe->from, &machine),
                  "%s", probe->text);
    ck_assert_msg(out->length == probe->to - probe->from && out->touch_count == 1, "%s: %s",
                  probe->text, out->text);
}

static void catch_signals(void) {
    const struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

START_TEST(the_processor_touches_as_many) {
    char *edge = open_edge();
    int measured = 0;
    catch_signals();
    for (const struct probe *probe = __start_probes; probe < __stop_probes; probe++) {
        struct hak_instruction insn;
        look(probe, &insn, edge);
        int bytes = measure(probe, edge);
        measured += bytes != NOT_THERE;
        ck_assert_msg(bytes == NOT_THERE || (uint32_t)bytes == insn.touches[0].bytes,
                      "%s touches %d bytes, not %u", probe->text, bytes, insn.touches[0].bytes);
    }
    ck_assert_int_gt(measured, 150);
}
END_TEST

/* At the edge itself it is stopped, and the processor says read or write. */
START_TEST(the_processor_agrees_on_read_and_write) {
    char *edge = open_edge();
    catch_signals();
    for (const struct probe *probe = __start_probes; probe < __stop_probes; probe++) {
        struct hak_instruction insn;
        look(probe, &insn, edge);
        ck_assert_msg(!run(probe, edge), "%s", probe->text);
        if (signal_number == SIGILL || signal_address == 0)
            continue;
        unsigned way = error & WRITES ? HAK_TOUCHES_WRITE : HAK_TOUCHES_READ;
        ck_assert_msg(hak_instruction_touch(&insn, signal_address, way) == &insn.touches[0],
                      "%s: %s is a %s", probe->text, insn.text, way == 1 ? "read" : "write");
        /* An instruction that reads and writes is stopped as a write. */
        ck_assert_msg(insn.touches[0].ways != 3 || way == HAK_TOUCHES_WRITE, "%s", probe->text);
    }
}
END_TEST

START_TEST(each_that_is_believed_is_among_them) {
    size_t count;
    const uint16_t *ids = hak_whole_ids(&count);
    for (size_t i = 0; i < count; i++) {
        bool is_there = false;
        for (const struct probe *probe = __start_probes; probe < __stop_probes && !is_there;
             probe++) {
            const cs_insn *insn =
                hak_disassemble(probe->from, (size_t)(probe->to - probe->from), 0);
            is_there = insn && insn->id == ids[i];
        }
        ck_assert_msg(is_there, "no instruction in probes.h has the number %u", ids[i]);
    }
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("touches");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_processor_touches_as_many);
    tcase_add_test(cases, the_processor_agrees_on_read_and_write);
    tcase_add_test(cases, each_that_is_believed_is_among_them);
    return run_cases("touches", cases);
}
