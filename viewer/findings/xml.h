/* Writing XML 1.0: elements, attributes and text, with everything escaped that has to be.
 *
 *   struct xml xml = {0};
 *   xml_open(&xml, "testcase"); xml_attribute(&xml, "name", name); ... xml_close(&xml);
 *   char *document = xml_take(&xml);
 *
 * Characters that XML cannot hold (control characters, U+FFFE and U+FFFF, bytes that are no UTF-8)
 * become U+FFFD. Line ends and tabs of attributes are kept, by references. One thread. */
#ifndef HAK_VIEWER_FINDINGS_XML_H
#define HAK_VIEWER_FINDINGS_XML_H

#include <stdbool.h>
#include "report/text/text.h"

#define XML_DEPTH 16

struct xml {
    struct hak_text text;
    const char *open[XML_DEPTH]; /* names of the elements that are open; strings of the caller */
    int depth;
    bool in_tag;   /* attributes can be added */
    bool has_text; /* of the innermost one: no line end before its end tag */
};

/* Begins an element inside the one that is open; its attributes come next. */
void xml_open(struct xml *xml, const char *name);

/* Adds an attribute to the element that was just opened. */
void xml_attribute(struct xml *xml, const char *name, const char *value);

/* Adds escaped text to the element that is open. */
void xml_text(struct xml *xml, const char *text);

/* Ends the innermost element that is open. */
void xml_close(struct xml *xml);
/* The whole document with its declaration; NULL when memory ran out. */
char *xml_take(struct xml *xml);

#endif
