/* The page of a death by a signal that is no heap fault: where it was, at which instruction, the
 * roles of its registers, and those that point into the heap. */
#include "report/page/parts.h"

#include "trace/pattern.h"

#define CRASH_REGISTERS 8

/* Names the pattern that a register's value has, with a blank before it; "" if it has none. */
static const char *pattern_words(uint64_t value) {
    switch (hak_pattern_of(value)) {
    case HAK_PATTERN_FREED:
        return " is the pattern that fills freed memory";
    case HAK_PATTERN_CANARY:
        return " is the pattern past a block's end";
    case HAK_PATTERN_UNWRITTEN:
        return " is the pattern that fills new blocks";
    case HAK_PATTERN_HEADER:
    case HAK_PATTERN_HEADER_2:
        return " is the pattern of a block's header";
    case HAK_PATTERN_NONE:
        break;
    }
    return "";
}

/* ---- registers ----------------------------------------------------------------------------------
 */

/* REGISTERS while it is written. */
struct registers {
    int groups; /* of lines, each under words of its own */
    uint64_t told[HAK_REPORT_REGISTERS];
    int told_count;
    bool points_into_heap; /* one of those told */
};

/* The first group stands beside the name of the part. */
static void begin_group(struct hak_text *text, struct registers *registers, const char *words) {
    hak_text_add(text, "%s%s\n", registers->groups++ == 0 ? "" : "                    ", words);
}

/* True when a register with this value has had its line. */
static bool is_told(const struct registers *registers, uint64_t value) {
    for (int i = 0; i < registers->told_count; i++)
        if (registers->told[i] == value)
            return true;
    return false;
}

/* "      rax 0x7f12..." */
static void add_value(struct hak_text *text, const struct report_page *page,
                      struct registers *registers, int number) {
    uint64_t value = page->request->registers[number];
    hak_text_add(text, "      %-3s 0x%llx", report_register_name(page, (uint32_t)number),
                 (unsigned long long)value);
    registers->told[registers->told_count++] = value;
}

/* Adds the value of a register, then its role in the instruction. */
static void add_with_role(struct hak_text *text, const struct report_page *page,
                          struct registers *registers, int number, const char *role) {
    uint64_t value = page->request->registers[number];
    struct hak_text block = {0};
    bool is_in_heap = report_describe(&block, page, value);
    const char *pattern = report_is_no_address(value) ? pattern_words(value) : "";
    add_value(text, page, registers, number);
    if (is_in_heap)
        hak_text_add(text, " %s; %s\n", hak_text_string(&block), role);
    else
        hak_text_add(text, "%s%s%s\n", pattern, pattern[0] ? "; " : " is ", role);
    registers->points_into_heap |= is_in_heap;
    hak_text_free(&block);
}

/* Lines of the registers that the instruction used for its address or division. */
static void add_roles(struct hak_text *text, const struct report_page *page,
                      struct registers *registers) {
    for (int i = 0; i <= report_instruction_pointer(page); i++) {
        struct hak_text role = {0};
        if (report_add_role(&role, page, i)) {
            if (registers->groups == 0)
                begin_group(text, registers, report_roles(page));
            add_with_role(text, page, registers, i, hak_text_string(&role));
        }
        hak_text_free(&role);
    }
}

/* Registers without a valid address: one may hold the pointer that the processor refused, where the
 * instruction does not tell. */
static void add_no_addresses(struct hak_text *text, const struct report_page *page,
                             struct registers *registers) {
    int shown = 0;
    if (!report_is_general_fault(page) || page->touch)
        return;
    for (int i = 0; i <= report_instruction_pointer(page) && shown < CRASH_REGISTERS / 2; i++) {
        uint64_t value = page->request->registers[i];
        if (!report_is_no_address(value))
            continue;
        if (shown++ == 0)
            begin_group(text, registers, "that hold no valid address:");
        hak_text_add(text, "      %-3s 0x%llx%s\n", report_register_name(page, (uint32_t)i),
                     (unsigned long long)value, pattern_words(value));
    }
}

/* Lines of at most CRASH_REGISTERS registers that point into blocks and have had no line. */
static void add_pointing(struct hak_text *text, const struct report_page *page,
                         struct registers *registers) {
    int shown = 0;
    for (int i = 0; i <= report_instruction_pointer(page) && shown < CRASH_REGISTERS; i++) {
        uint64_t value = page->request->registers[i];
        struct hak_text line = {0};
        if (!is_told(registers, value) && report_describe(&line, page, value)) {
            if (shown++ == 0)
                begin_group(text, registers, "that point into the heap:");
            add_value(text, page, registers, i);
            hak_text_add(text, " %s\n", hak_text_string(&line));
            registers->points_into_heap = true;
        }
        hak_text_free(&line);
    }
}

/* Adds the part REGISTERS of a crash: registers with a role, with no addresses, into the heap, or
 * that none does. */
static void add_registers(struct hak_text *text, const struct report_page *page) {
    struct registers registers = {.groups = 0};
    hak_text_add(text, "  REGISTERS         ");
    add_roles(text, page, &registers);
    add_no_addresses(text, page, &registers);
    add_pointing(text, page, &registers);
    if (!page->r)
        begin_group(text, &registers, "not looked up in the heap: there is no store");
    else if (!registers.points_into_heap)
        begin_group(text, &registers, "none points into a block of the heap");
}

void report_crash(struct hak_text *text, const struct report_page *page) {
    report_address(text, page);
    hak_text_add(text, "  CRASH             ");
    if (report_found_event(page) != 0)
        hak_text_add(text, "event %s   ", hak_words_number(report_found_event(page)));
    if (page->context.ns != 0)
        hak_text_add(text, "%s   ", hak_words_time(page->context.ns));
    hak_text_add(text, "thread %s   %s, ",
                 page->context.thread_name[0]
                     ? hak_words_quoted(page->context.thread_number, page->context.thread_name)
                     : hak_words_number(page->context.thread_number),
                 hak_words_signal(page->context.signal));
    report_cause(text, page);
    hak_text_add(text, "\n");
    report_add_stack(text, &page->frames, true, "none could be taken");
    report_add_source(text, page, &page->frames, CUT_SOURCE);
    struct hak_text handler = {0};
    if (report_handler(&handler, page))
        hak_text_add(text, "  HANDLER           %s\n", hak_text_string(&handler));
    hak_text_free(&handler);
    if (report_is_late_tag(page))
        return;
    report_instruction(text, page);
    add_registers(text, page);
}
