/* Markdown as text: what each kind of block and span becomes. */
#include <string.h>
#include "viewer/findings/markdown.h"
#include "unit/suite.h"

static struct view view;

static void expect(const char *page, const char *due) {
    struct hak_text text = {0};
    markdown_add(&text, &view, page);
    ck_assert_str_eq(text.bytes ? text.bytes : "", due);
    hak_text_free(&text);
}

START_TEST(headings_and_spans) {
    expect("# A `b` c\n\ntext\n", "A B C\n\ntext\n");
    expect("a `b*c` and [words](page.md), [x](http://y/z).\n",
           "a b*c and words, x (http://y/z).\n");
    expect("**bold** 2 * 3 ** 4 [TAG] a_b_c \\| `open\n", "bold 2 * 3 ** 4 [TAG] a_b_c | `open\n");
    expect("a link [over\ntwo](lines.md) and [one] (none)\n",
           "a link over\ntwo and [one] (none)\n");
    expect("`[x](y)`", "[x](y)");
}
END_TEST

START_TEST(blocks) {
    expect("- a\n  b\n- `c`\n", "- a\n  b\n- c\n");
    expect("a:\n\n    int `x`;\n\n    # not [a](b)\n\nb\n",
           "a:\n\n    int `x`;\n\n    # not [a](b)\n\nb\n");
    expect("```\n# code\n```\ntext\n", "    # code\ntext\n");
    expect("| a | `b` |\n|---|:-:|\n| 1 | x \\| y |\n| 22 |\n| 3 | z | too many |\n\nend\n",
           "a   b\n1   x | y\n22\n3   z\n\nend\n");
    expect("|", "");
    expect("", "");
}
END_TEST

START_TEST(bold_only_with_colour) {
    view.color = true;
    expect("## A\n\n`b` **c**\n", "\033[1mA\033[0m\n\n\033[1mb\033[0m \033[1mc\033[0m\n");
    view.color = false;
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("markdown");
    tcase_add_test(cases, headings_and_spans);
    tcase_add_test(cases, blocks);
    tcase_add_test(cases, bold_only_with_colour);
    return run_cases("markdown", cases);
}
