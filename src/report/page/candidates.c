/* Lists the blocks from which a value used as an address or an index may have been read, where the
 * registers do not prove it. */
#include "report/page/parts.h"
#include "trace/pattern.h"

enum { GUESS_COLUMN = 20 };

/* How the register's word came from the block. */
static const char *relation_words(uint32_t named_as) {
    static const char *const words[] = {
        [HAK_NAMED_FREED] = "was read after the free of",
        [HAK_NAMED_BEHIND] = "was read past the end of",
        [HAK_NAMED_IN_FRONT] = "was read from the bytes before",
        [HAK_NAMED_UNWRITTEN] = "was read from memory that was never written since malloc:",
        [HAK_NAMED_EARLIER] = "was read after a free, or before anything was written there, from",
    };
    return named_as < sizeof words / sizeof *words && words[named_as]
               ? words[named_as]
               : "may hold part of the pattern that fills freed memory, from";
}

/* A register and the block from which its word may have been read. */
static void add_one(struct hak_text *text, const struct report_page *page,
                    const struct hak_report_candidate *candidate) {
    struct hak_text about = {0};
    hak_text_add(text, "%s %s ", report_register_name(page, candidate->reg),
                 relation_words(candidate->named_as));
    hak_text_add(&about, "0x%llx, which ", (unsigned long long)candidate->user);
    if (report_describe(&about, page, candidate->user))
        hak_text_add_text(text, &about);
    else
        hak_text_add(text, "0x%llx, a block of %s", (unsigned long long)candidate->user,
                     hak_words_bytes(candidate->asked_bytes));
    hak_text_free(&about);
}

bool report_guess_candidates(struct hak_text *text, const struct report_page *page) {
    const struct hak_report_request *request = page->request;
    uint32_t count = request->candidate_count;
    for (uint32_t i = 0; i < count && i < HAK_REPORT_CANDIDATES; i++) {
        if (i > 0) {
            hak_text_add(text, "; or\n");
            hak_text_fill(text, ' ', GUESS_COLUMN);
        }
        add_one(text, page, &request->candidates[i]);
    }
    return count > 0;
}

/* The same of a pointer whose block the headline does not name. */
static const char *source_words(uint32_t named_as) {
    static const char *const words[] = {
        [HAK_NAMED_FREED] = "from freed memory",
        [HAK_NAMED_BEHIND] = "from past the end of a block",
        [HAK_NAMED_IN_FRONT] = "from the bytes before a block",
        [HAK_NAMED_UNWRITTEN] = "from memory that was never written since malloc",
    };
    return named_as < sizeof words / sizeof *words && words[named_as]
               ? words[named_as]
               : "from bytes of the heap that are not the program's data";
}

const char *report_guessed_source(const struct report_page *page) {
    const struct hak_report_request *request = page->request;
    struct hak_text unused = {0};
    uint32_t as = request->candidate_count > 0 ? request->candidates[0].named_as : HAK_NAMED_NOT;
    for (uint32_t i = 1; i < request->candidate_count && i < HAK_REPORT_CANDIDATES; i++)
        as = request->candidates[i].named_as == as ? as : HAK_NAMED_NOT;
    bool is_guessed = request->candidate_count > 0 ||
                      (!report_has_address(page) && report_is_general_fault(page) &&
                       report_guess_pattern(&unused, page));
    hak_text_free(&unused);
    return is_guessed ? source_words(as) : NULL;
}

bool report_guess_pattern(struct hak_text *text, const struct report_page *page) {
    for (int i = 0; i <= report_instruction_pointer(page); i++)
        if (hak_pattern_of(page->request->registers[i]) == HAK_PATTERN_FREED) {
            hak_text_add(text, "the pointer was read from freed memory, or from a block that was "
                               "not written to since it was allocated");
            return true;
        }
    return false;
}
