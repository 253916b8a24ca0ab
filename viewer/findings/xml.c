/* Writes XML that every reader takes, whatever names programs have. */
#include "viewer/findings/xml.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* U+FFFE and U+FFFF: Unicode, and yet no characters of XML. */
static bool is_no_character(const char *at) {
    return strncmp(at, "\xef\xbf\xbe", 3) == 0 || strncmp(at, "\xef\xbf\xbf", 3) == 0;
}

/* Adds a text in its visible form (the lines of a text stay) with XML's escapes. */
static void add_xml_escaped(struct hak_text *to, const char *from, bool in_attribute) {
    struct hak_text valid = {0};
    if (in_attribute)
        hak_text_add_name(&valid, from);
    else
        hak_text_add_lines(&valid, from);
    for (const char *at = hak_text_string(&valid); *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '<')
            hak_text_add(to, "&lt;");
        else if (c == '>')
            hak_text_add(to, "&gt;");
        else if (c == '&')
            hak_text_add(to, "&amp;");
        else if (c == '"' && in_attribute)
            hak_text_add(to, "&quot;");
        else if (is_no_character(at))
            hak_text_add(to, REPLACEMENT), at += 2;
        else
            hak_text_add_bytes(to, at, 1);
    }
    hak_text_free(&valid);
}

/* Ends the open tag. */
static void end_tag(struct xml *xml) {
    if (xml->in_tag)
        hak_text_add(&xml->text, ">");
    xml->in_tag = false;
}

void xml_open(struct xml *xml, const char *name) {
    if (xml->text.length == 0)
        hak_text_add(&xml->text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    end_tag(xml);
    hak_text_add(&xml->text, "\n");
    hak_text_fill(&xml->text, ' ', 2 * xml->depth);
    hak_text_add(&xml->text, "<%s", name);
    if (xml->depth < XML_DEPTH)
        xml->open[xml->depth] = name;
    xml->depth++;
    xml->in_tag = true;
    xml->has_text = false;
}

void xml_attribute(struct xml *xml, const char *name, const char *value) {
    hak_text_add(&xml->text, " %s=\"", name);
    add_xml_escaped(&xml->text, value, true);
    hak_text_add(&xml->text, "\"");
}

void xml_text(struct xml *xml, const char *text) {
    end_tag(xml);
    add_xml_escaped(&xml->text, text, false);
    xml->has_text = true;
}

void xml_close(struct xml *xml) {
    xml->depth--;
    if (xml->in_tag) {
        hak_text_add(&xml->text, "/>");
        xml->in_tag = false;
    } else {
        if (!xml->has_text) {
            hak_text_add(&xml->text, "\n");
            hak_text_fill(&xml->text, ' ', 2 * xml->depth);
        }
        hak_text_add(&xml->text, "</%s>", xml->open[xml->depth]);
    }
    xml->has_text = false;
}

char *xml_take(struct xml *xml) {
    hak_text_add(&xml->text, "\n");
    return hak_text_take(&xml->text);
}
