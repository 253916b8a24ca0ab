/* XML: whatever a program is called, the document can be read, and says it. */
#include <stdlib.h>
#include <string.h>
#include "unit/suite.h"
#include "viewer/findings/xml.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void expect(struct xml *xml, const char *due) {
    char *made = xml_take(xml);
    ck_assert_str_eq(made, due);
    free(made);
}

TEST(elements_nest) {
    struct xml xml = {0};
    xml_open(&xml, "a");
    xml_open(&xml, "b");
    xml_attribute(&xml, "n", "1");
    xml_close(&xml);
    xml_open(&xml, "c");
    xml_text(&xml, "x");
    xml_close(&xml);
    xml_close(&xml);
    expect(&xml, HEAD "<a>\n  <b n=\"1\"/>\n  <c>x</c>\n</a>\n");
}

TEST(marks_are_escaped) {
    struct xml xml = {0};
    xml_open(&xml, "a");
    xml_attribute(&xml, "n", "<\"&'>");
    xml_text(&xml, "<\"&']]>");
    xml_close(&xml);
    expect(&xml, HEAD "<a n=\"&lt;&quot;&amp;'&gt;\">&lt;\"&amp;']]&gt;</a>\n");
}

TEST(line_ends_of_a_text_stay) {
    struct xml xml = {0};
    xml_open(&xml, "a");
    xml_attribute(&xml, "n", "1\n2\t3\r");
    xml_text(&xml, "1\n2\t3\r");
    xml_close(&xml);
    expect(&xml, HEAD "<a n=\"1\\n2\\t3\\x0d\">1\n2\\t3\\x0d</a>\n");
}

TEST(what_xml_cannot_hold_is_escaped) {
    struct xml xml = {0};
    xml_open(&xml, "a");
    xml_attribute(&xml, "n", "\x1b[0m");
    xml_text(&xml, "\x01|\x7f|\xff|\xc3|\xef\xbf\xbe|\xc3\xa4|\xed\xa0\x80");
    xml_close(&xml);
    char *made = xml_take(&xml);
    ck_assert_msg(strncmp(made, HEAD "<a n=\"\\x1b[0m\">", 52) == 0, "%s", made);
    ck_assert_ptr_nonnull(
        strstr(made, "\\x01|\\x7f|\\xff|\\xc3|\xef\xbf\xbd|\xc3\xa4|\\xed\\xa0\\x80"));
    free(made);
}

RUN_TESTS()
