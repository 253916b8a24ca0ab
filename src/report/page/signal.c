/* The meaning of a signal, in words: why the kernel raised it or who sent it, what the program's
 * own handler did about it, and which threads failed at the same time. */
#include "report/page/parts.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "report/page/page.h"
#include "hop.h"
#include "newer.h"

/* The kernel's reasons for the signals that it raises (sigaction(2)). */
static const struct {
    int signal, code;
    const char *words;
} causes[] = {
    {SIGSEGV, SEGV_MAPERR, "nothing is mapped there"},
    {SIGSEGV, SEGV_ACCERR, "that access is not allowed there"},
    {SIGSEGV, SEGV_MTEAERR, "an earlier access of this thread had a wrong memory tag"},
    {SIGSEGV, SEGV_MTESERR, "the pointer's memory tag is not the memory's"},
    {SIGSEGV, SI_KERNEL, "the kernel does not report where: no valid address, or misaligned"},
    {SIGBUS, BUS_ADRALN, "misaligned access"},
    {SIGBUS, BUS_ADRERR, "the file that is mapped there ends before"},
    {SIGBUS, BUS_OBJERR, "the device or file that is mapped there failed"},
    {SIGBUS, SI_KERNEL,
     "the kernel does not report where: misaligned, or beyond the stack segment"},
    {SIGILL, ILL_ILLOPC, "illegal instruction"},
    {SIGILL, ILL_ILLOPN, "illegal instruction"},
    {SIGILL, ILL_PRVOPC, "an instruction that only the kernel may use"},
    {SIGFPE, FPE_INTDIV, "integer division by zero, or its result does not fit"},
    {SIGFPE, FPE_INTOVF, "integer overflow"},
    {SIGFPE, FPE_FLTDIV, "floating-point division by zero"},
    {SIGFPE, FPE_FLTOVF, "floating-point overflow"},
    {SIGFPE, FPE_FLTUND, "floating-point underflow"},
    {SIGFPE, FPE_FLTRES, "floating-point result that is not exact"},
    {SIGFPE, FPE_FLTINV, "invalid floating-point operation"},
    {SIGTRAP, SI_KERNEL, "a breakpoint instruction"},
    {SIGTRAP, TRAP_BRKPT, "a breakpoint"},
    {SIGTRAP, TRAP_TRACE, "single step"},
    {SIGSYS, SYS_SECCOMP, "a system call that its sandbox forbids"},
};

/* The meaning of a signal's code, for one that the kernel raised. A new call overwrites an unknown
 * code's words. */
static const char *raised_by_kernel(int signal, int code) {
    static char other[32];
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (causes[i].signal == signal && causes[i].code == code)
            return causes[i].words;
    snprintf(other, sizeof other, "code %d", code);
    return other;
}

void report_cause(struct hak_text *text, const struct report_page *page) {
    const struct hak_report_request *request = page->request;
    if (report_has_address(page) &&
        request->signal_address == request->registers[report_instruction_pointer(page)])
        hak_text_add(text, "called or returned to, and %s",
                     request->signal_code == SEGV_ACCERR ? "what is there is no code"
                                                         : "nothing is mapped there");
    else if (page->context.signal == SIGSEGV && request->signal_code == SEGV_MAPERR &&
             report_is_mapped(page))
        hak_text_add(text, "%s",
                     raised_by_kernel(SIGSEGV, SEGV_ACCERR)); /* guard pages of madvise */
    else if (request->signal_code > 0)
        hak_text_add(text, "%s", raised_by_kernel((int)page->context.signal, request->signal_code));
    else if (request->is_own_sender)
        hak_text_add(text, "sent by the program itself");
    else if (request->sender != 0)
        hak_text_add(text, "sent by process %d", request->sender);
    else
        hak_text_add(text, "sent by a process");
}

void report_ending(struct hak_text *text, const struct report_page *page) {
    const struct hak_report_request *request = page->request;
    bool is_sent = page->request->signal_code <= 0;
    if (request->full_stack_bytes != 0)
        hak_text_add(text, ": stack overflow: the stack of thread %s, %s, is full",
                     hak_words_number(page->context.thread_number),
                     hak_words_bytes(request->full_stack_bytes));
    else if (report_is_late_tag(page))
        hak_text_add(text, ": the thread used a pointer with a wrong memory tag before this point; "
                           "the access is not known");
    else if (is_sent && request->is_own_sender)
        hak_text_add(text, ": the program ended itself; hakmem ties it to no fault of the heap");
    else if (is_sent)
        hak_text_add(text, ": the program was ended by a signal; hakmem ties it to no fault of the "
                           "heap");
    else if (report_guessed_source(page))
        hak_text_add(text, ": the program crashed; GUESS: by a pointer that was read %s",
                     report_guessed_source(page));
    else
        hak_text_add(text, ": the program crashed; hakmem ties it to no fault of the heap");
}

bool report_handler(struct hak_text *text, const struct report_page *page) {
    const struct hak_report_request *request = page->request;
    unsigned signal = request->handler_signal;
    if (signal == 0)
        return false;
    hak_text_add(text, "the program's own handler ran; then the program died of ");
    hak_text_add(text, "%s", hak_words_signal(signal));
    if (request->handler_code > 0 && page->context.handler_place[0])
        hak_text_add(text, ", %s", raised_by_kernel((int)signal, request->handler_code));
    if (page->context.handler_place[0])
        hak_text_add(text, ", in %s", page->context.handler_place);
    else if (request->handler_code > 0 && signal == page->context.signal)
        hak_text_add(text, ", when the same fault came again");
    return true;
}

/* Adds a thread that failed, too: "thread 7 also got SIGSEGV at address 0x10, in parse": place `i`
 * of request->others. False: there is none. */
bool report_other_thread(struct hak_text *text, const struct report_page *page, int i) {
    const struct hak_report_other *other = &page->request->others[i];
    uint32_t thread = atomic_load(&other->thread);
    if (thread == 0)
        return false;
    const struct hak_fault_words *words = hak_words_fault(other->fault);
    report_name_thread(page, 0, thread);
    hak_text_add(text, "thread %s also got ", hak_words_number(thread));
    if (words)
        hak_text_add(text, "HKM-%u %s", words->code, words->name);
    else
        hak_text_add(text, "%s", hak_words_signal(other->signal));
    if (words || ((other->signal == SIGSEGV || other->signal == SIGBUS) && other->address != 0))
        hak_text_add(text, " at address 0x%llx", (unsigned long long)other->address);
    if (!words && page->context.other_place[i][0])
        hak_text_add(text, ", in %s", page->context.other_place[i]);
    return true;
}

void report_others(struct hak_text *text, const struct report_page *page) {
    for (int i = 0, shown = 0; i < HAK_REPORT_OTHERS; i++) {
        struct hak_text line = {0};
        if (report_other_thread(&line, page, i))
            hak_text_add(text, "%s%s\n",
                         shown++ == 0 ? "  AT THE SAME TIME  " : "                    ",
                         hak_text_string(&line));
        hak_text_free(&line);
    }
}

void hak_report_place(char *to, size_t bytes, const struct hak_frame *frames, int count) {
    struct hak_text text = {0};
    int first = hak_words_telling_frame(frames, count);
    to[0] = 0;
    if (first < 0)
        return;
    hak_words_add_place(&text, &frames[first], 2);
    snprintf(to, bytes, "%s", hak_text_string(&text));
    hak_text_free(&text);
}
