/* INSTRUCTION and REGISTERS: at which instruction the processor stopped a fault of the heap or
 * another crash, which bytes it touches, how its address is made, and which registers point into
 * the heap (of a crash: crash.c). Where there is no disassembler the instruction is told by its
 * bytes. */
#include "report/page/parts.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    REGISTERS_SHOWN = 6,
    REGISTERS_TIGHT = 3,
    LOW_HALF = 0,  /* rax, by DWARF's number: of the dividend */
    HIGH_HALF = 1, /* rdx */
};

bool report_has_instruction(const struct report_page *page) {
    const struct hak_report_code *code = &page->request->code;
    return !report_is_late_tag(page) && (!page->words || report_is_stopped(page->facts)) &&
           code->count > 0 && code->count <= HAK_REPORT_CODE && code->before <= code->count;
}

static unsigned ways_of(const struct hak_fault_facts *facts) {
    return facts->access == HAK_ACCESS_READ    ? HAK_TOUCHES_READ
           : facts->access == HAK_ACCESS_WRITE ? HAK_TOUCHES_WRITE
                                               : 0;
}

/* The bytes that the decoded instruction touches at the fault's address; of a crash, at the address
 * that the kernel tells, where it tells one. NULL: none are known. */
static const struct hak_touch *find_touch(const struct report_page *page) {
    uint64_t address = page->words ? page->facts->found_address : page->request->signal_address;
    if (page->words || report_has_address(page))
        return hak_instruction_touch(&page->instruction, address, ways_of(page->facts));
    return report_is_general_fault(page) ? hak_instruction_refused(&page->instruction) : NULL;
}

void report_find_instruction(struct report_page *page) {
    const struct hak_report_code *code = &page->request->code;
    const struct hak_machine machine = {.registers = page->request->registers,
                                        .flags = page->request->flags,
                                        .processor = page->context.processor};
    page->is_decoded = false;
    page->touch = NULL;
    if (!report_has_instruction(page))
        return;
    if (code->before > 0)
        page->is_decoded = hak_instruction_behind(
            &page->instruction, code->bytes, code->count, code->before, code->address,
            page->facts->found_address, ways_of(page->facts), &machine);
    else
        page->is_decoded = hak_instruction_at(&page->instruction, code->bytes, code->count,
                                              code->address, &machine);
    if (page->is_decoded)
        page->touch = find_touch(page);
}

static void add_code(struct hak_text *text, const uint8_t *code, size_t count) {
    for (size_t i = 0; i < count; i++)
        hak_text_add(text, "%s%02x", i > 0 ? " " : "", code[i]);
}

/* ---- which bytes --------------------------------------------------------------------------------
 */

/* Adds where the touched bytes lie: before the block, in it, past its end, or on both sides. */
static void add_touched_place(struct hak_text *text, const struct report_page *page) {
    uint64_t from = page->touch->address, bytes = page->touch->bytes, start = page->user;
    uint64_t end = start + page->asked_bytes;
    const char *block = page->is_freed ? "the freed block" : "the block";
    if (!page->asked_known || !start)
        return;
    if (from < start && start - from >= bytes)
        hak_text_add(text, ", from %s before %s on", hak_words_bytes(start - from), block);
    else if (from < start)
        hak_text_add(text, ", %s of them before %s", hak_words_number(start - from), block);
    else if (from == end)
        hak_text_add(text, ", right past the end of %s", block);
    else if (from > end)
        hak_text_add(text, ", from %s past the end of %s on", hak_words_bytes(from - end), block);
    else if (bytes > end - from)
        hak_text_add(text, ", %s of them past the end of %s",
                     hak_words_number(bytes - (end - from)), block);
    else
        hak_text_add(text, " at offset %s of %s", hak_words_number(from - start), block);
}

/* Adds how far a repeated instruction goes on: it may end earlier. */
static void add_repetition(struct hak_text *text, const struct report_page *page) {
    const struct hak_instruction *instruction = &page->instruction;
    uint64_t more = instruction->left;
    if (page->request->code.before == 0 && more > 0)
        more--; /* this one */
    if (!instruction->is_repeated || more == 0)
        return;
    hak_text_add(text, "; goes on%s, up to %s more",
                 !instruction->has_direction ? ""
                 : instruction->is_downwards ? " downwards"
                                             : " upwards",
                 hak_words_count(more, "time", "times"));
}

/* Adds the address that a crash touched, and that it is misaligned where that was the fault. */
static void add_address(struct hak_text *text, const struct report_page *page) {
    hak_text_add(text, " at 0x%llx", (unsigned long long)page->touch->address);
    if (report_is_general_fault(page) && hak_touch_is_misaligned(page->touch))
        hak_text_add(text, ", no multiple of %s", hak_words_number(page->touch->bytes));
}

/* "reads 8 bytes at ...": what the instruction did that faulted. */
static void add_touch(struct hak_text *text, const struct report_page *page) {
    static const char *const verbs[] = {"", "reads", "writes", "reads and writes"};
    hak_text_add(text, "      %s %s", verbs[page->touch->ways & 3],
                 hak_words_bytes(page->touch->bytes));
    if (page->words)
        add_touched_place(text, page);
    else
        add_address(text, page);
    add_repetition(text, page);
    hak_text_add(text, "\n");
}

/* The bytes of an instruction that could not be read, and why. */
static void add_undecoded(struct hak_text *text, const struct report_page *page) {
    const struct hak_report_code *code = &page->request->code;
    bool is_behind = code->before > 0;
    size_t count = is_behind ? code->before : code->count;
    size_t shown = count < HAK_INSTRUCTION_BYTES_MAX ? count : HAK_INSTRUCTION_BYTES_MAX;
    hak_text_add(text, "%s with ", is_behind ? "ends" : "begins");
    add_code(text, code->bytes + (is_behind ? count - shown : 0), shown);
    if (!hak_disassembler_is_there())
        hak_text_add(text, "\n      not disassembled: for that, install %s\n",
                     hak_disassembler_package);
    else
        hak_text_add(text, "\n      %s\n",
                     is_behind ? "which one it was is not certain"
                               : "libcapstone does not know it");
}

void report_instruction(struct hak_text *text, const struct report_page *page) {
    if (!report_has_instruction(page))
        return;
    hak_text_add(text, "  INSTRUCTION       ");
    if (!page->is_decoded) {
        add_undecoded(text, page);
        return;
    }
    hak_text_add_name(text, page->instruction.text);
    hak_text_add(text, "   (");
    add_code(text, page->instruction.code, page->instruction.length);
    hak_text_add(text, ")\n");
    if (page->touch)
        add_touch(text, page);
}

/* ---- registers ----------------------------------------------------------------------------------
 */

static bool is_division(const struct report_page *page) {
    return page->context.signal == SIGFPE && page->is_decoded && page->instruction.is_division;
}

/* The register's part in the instruction; NULL: none. */
static const char *role_of(const struct report_page *page, int number) {
    if (is_division(page))
        return number == page->instruction.divisor         ? "divisor"
               : number == HIGH_HALF || number == LOW_HALF ? "dividend"
                                                           : NULL;
    return !page->touch                   ? NULL
           : number == page->touch->base  ? "base"
           : number == page->touch->index ? "index"
                                          : NULL;
}

bool report_add_role(struct hak_text *text, const struct report_page *page, int number) {
    const char *role = role_of(page, number);
    if (!role)
        return false;
    if (is_division(page)) {
        hak_text_add(text, "the %s%s",
                     strcmp(role, "divisor") == 0 ? ""
                     : number == HIGH_HALF        ? "upper half of the "
                                                  : "lower half of the ",
                     role);
        return true;
    }
    hak_text_add(text, "the %s of the address", role);
    if (number == page->touch->index && page->touch->scale > 1)
        hak_text_add(text, ", times %u", page->touch->scale);
    return true;
}

const char *report_roles(const struct report_page *page) {
    return is_division(page) ? "of the division:" : "of the address:";
}

static const struct hak_report_pointed *pointed_by(const struct report_page *page, int number) {
    const struct hak_report_pointed *pointed = &page->request->pointed[number];
    return pointed->user ? pointed : NULL;
}

static bool points_to_the_block(const struct report_page *page, int number) {
    const struct hak_report_pointed *pointed = pointed_by(page, number);
    return pointed && pointed->user == page->user;
}

/* "is 16 bytes into" of `pointed`. */
static void add_relation(struct hak_text *text, const struct hak_report_pointed *pointed,
                         uint64_t value) {
    uint64_t past = value - pointed->user;
    if (value < pointed->user)
        hak_text_add(text, "is %s before ", hak_words_bytes(pointed->user - value));
    else if (past == 0)
        hak_text_add(text, "is the start of ");
    else if (past == pointed->asked_bytes)
        hak_text_add(text, "is right past the end of ");
    else if (past > pointed->asked_bytes)
        hak_text_add(text, "is %s past the end of ", hak_words_bytes(past - pointed->asked_bytes));
    else
        hak_text_add(text, "is %s into ", hak_words_bytes(past));
}

/* Appends the block that the register points to or beside, and how it lies to that. */
static void add_pointed(struct hak_text *text, const struct report_page *page, int number) {
    const struct hak_report_pointed *pointed = pointed_by(page, number);
    uint64_t value = page->request->registers[number];
    if (points_to_the_block(page, number)) {
        add_relation(text, pointed, value);
        hak_text_add(text, "the block");
    } else if (!report_describe(text, page, value)) {
        add_relation(text, pointed, value);
        hak_text_add(text, "a %s block of %s", pointed->is_live ? "live" : "freed",
                     hak_words_bytes(pointed->asked_bytes));
    }
}

/* Appends one register's line: its value, its block, its role. */
static void add_register(struct hak_text *text, const struct report_page *page, int number) {
    struct hak_text role = {0};
    bool has_role = report_add_role(&role, page, number);
    hak_text_add(text, "      %-3s 0x%llx ", report_register_name(page, (uint32_t)number),
                 (unsigned long long)page->request->registers[number]);
    if (pointed_by(page, number))
        add_pointed(text, page, number);
    if (has_role)
        hak_text_add(text, "%s%s", pointed_by(page, number) ? "; " : "is ", hak_text_string(&role));
    hak_text_add(text, "\n");
    hak_text_free(&role);
}

/* The order in which a register is shown: those of the address, those into the block, those into
 * others, the rest. */
static int rank_of(const struct report_page *page, int number) {
    return role_of(page, number)               ? 0
           : points_to_the_block(page, number) ? 1
           : pointed_by(page, number)          ? 2
                                               : 3;
}

void report_registers(struct hak_text *text, const struct report_page *page) {
    int most = page->cut >= CUT_LENGTHS ? REGISTERS_TIGHT : REGISTERS_SHOWN, shown = 0;
    int ranks = page->cut >= CUT_ASIDES ? 2 : 3;
    if (!report_has_instruction(page))
        return;
    for (int rank = 0; rank < ranks; rank++)
        for (int i = 0; i < report_instruction_pointer(page) && shown < most; i++) {
            if (rank_of(page, i) != rank)
                continue;
            if (shown++ == 0)
                hak_text_add(text, "  REGISTERS         %spointing into the heap:\n",
                             page->touch ? "of the address, and " : "");
            add_register(text, page, i);
        }
}

/* ---- for machines -------------------------------------------------------------------------------
 */

static json_t *touch_json(const struct report_page *page) {
    if (!page->touch)
        return json_null();
    return hak_json_object(
        JSON("address", json_sprintf("0x%llx", (unsigned long long)page->touch->address)),
        NUMBER("bytes", page->touch->bytes), FLAG("reads", page->touch->ways & HAK_TOUCHES_READ),
        FLAG("writes", page->touch->ways & HAK_TOUCHES_WRITE));
}

static json_t *repeated_json(const struct hak_instruction *instruction) {
    if (!instruction->is_repeated)
        return json_null();
    return hak_json_object(KNOWN("left", instruction->left <= INT64_MAX, instruction->left),
                           JSON("direction", hak_json_word(!instruction->has_direction ? NULL
                                                           : instruction->is_downwards ? "down"
                                                                                       : "up")));
}

/* The instruction as JSON; code that is not decoded is given from where the thread stood. */
json_t *report_instruction_json(const struct report_page *page) {
    const struct hak_report_code *code = &page->request->code;
    struct hak_text bytes = {0};
    if (!report_has_instruction(page))
        return json_null();
    json_t *object = json_object();
    if (page->is_decoded)
        add_code(&bytes, page->instruction.code, page->instruction.length);
    else
        add_code(&bytes, code->bytes + code->before, code->count - code->before);
    hak_json_set(
        object,
        ADDRESS("address",
                page->is_decoded ? page->instruction.address : code->address + code->before),
        TEXT("code", hak_text_string(&bytes)),
        JSON("text", page->is_decoded ? hak_json_text(page->instruction.text) : json_null()),
        FLAG("is_behind", !page->is_decoded && code->before > 0), JSON("access", touch_json(page)),
        JSON("repeated", page->is_decoded ? repeated_json(&page->instruction) : json_null()));
    hak_text_free(&bytes);
    return object;
}

/* The block that a register points into as JSON, by the words of the fault or, of a crash, by what
 * the store knows. */
static json_t *pointed_json(const struct report_page *page, int number) {
    uint64_t value = page->request->registers[number];
    const struct hak_report_pointed *pointed = pointed_by(page, number);
    struct hak_report_pointed stored;
    if (!page->words && number != report_instruction_pointer(page) &&
        report_point(page, value, &stored))
        pointed = &stored;
    if (!pointed)
        return json_null();
    return hak_json_object(
        ADDRESS("user", pointed->user), NUMBER("asked_bytes", pointed->asked_bytes),
        NUMBER("offset", (int64_t)(value - pointed->user)), FLAG("live", pointed->is_live));
}

json_t *report_registers_json(const struct report_page *page) {
    json_t *array = json_array();
    for (int i = 0; i <= report_instruction_pointer(page) && report_has_instruction(page); i++) {
        uint64_t value = page->request->registers[i];
        hak_json_add(array, WORD("name", report_register_name(page, (uint32_t)i)),
                     JSON("value", json_sprintf("0x%llx", (unsigned long long)value)),
                     JSON("role", hak_json_word(role_of(page, i))),
                     JSON("block", pointed_json(page, i)));
    }
    return array;
}
