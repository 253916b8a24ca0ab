/* Writes man pages in mdoc(7), which marks the kind of each word, from the text of the tables and
 * of docs/specs.
 *
 * Text is filled: `word` is bold, a sentence begins a line (as mandoc -T lint wants it), no line
 * is longer than 78 bytes unless a word is. Nothing in it is taken for a macro or an escape. One
 * thread. */
#ifndef HAK_TOOLS_MAN_ROFF_H
#define HAK_TOOLS_MAN_ROFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Opens FOLDER/name and writes the head of a page: date, title, NAME. Ends the process where that
 * fails, as all below do where memory ends. */
FILE *roff_open(const char *folder, const char *name, int section, const char *sentence);
/* Ends the process with a message where the page could not be written. */
void roff_close(FILE *page);

/* Filled text of `length` bytes, or up to its end. Newlines are spaces. */
void roff_text(FILE *page, const char *text);
void roff_text_of(FILE *page, const char *text, size_t length);
/* The same for Markdown without blocks: links lose their targets, ** is bold, too. */
void roff_markdown(FILE *page, const char *text, size_t length);
/* Paragraphs with blank lines between; lines that begin with a space stay as they are. */
void roff_paragraphs(FILE *page, const char *text, size_t length);
/* Lines as they are, without the two spaces that begin each, with a hyphen that can be copied. */
void roff_literal(FILE *page, const char *text, size_t length);
/* Words of a macro's line: escaped, and none taken for a macro. */
void roff_words(FILE *page, const char *text);

#endif
