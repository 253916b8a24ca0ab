/* Turns text into lines of mdoc. */
#include "tools/man/roff.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "version.h"

enum { LINE_BYTES = 78 };

static void fail(const char *what) {
    fprintf(stderr, "write_man: %s: %s\n", what, strerror(errno));
    exit(1);
}

FILE *roff_open(const char *folder, const char *name, int section, const char *sentence) {
    char path[4096], title[64];
    snprintf(path, sizeof path, "%s/%s.%d", folder, name, section);
    FILE *page = fopen(path, "w");
    if (!page)
        fail(path);
    size_t length = 0;
    for (; name[length] && length + 1 < sizeof title; length++)
        title[length] = (char)toupper((unsigned char)name[length]);
    title[length] = '\0';
    fputs(".\\\" Made by tools/man from the tables of commands, options, faults and records.\n",
          page);
    fprintf(page, ".Dd " HAK_VERSION_DAY "\n.Dt %s %d\n.Os hakmem " HAK_VERSION "\n", title,
            section);
    fprintf(page, ".Sh NAME\n.Nm %s\n.Nd ", name);
    roff_words(page, sentence);
    fputs("\n", page);
    return page;
}

void roff_close(FILE *page) {
    if (ferror(page) | fclose(page))
        fail("a page cannot be written");
}

/* A line of input that is put together; breaks where the next word does not fit. */
struct line {
    FILE *page;
    char word[512];
    size_t word_length, word_width; /* bytes as written, without those of escapes */
    size_t width;                   /* of the line so far */
    bool is_bold;
};

static void put(struct line *line, const char *text, size_t width) {
    size_t length = strlen(text);
    if (line->word_length + length >= sizeof line->word)
        return;
    memcpy(line->word + line->word_length, text, length + 1);
    line->word_length += length;
    line->word_width += width;
}

static void put_character(struct line *line, char character) {
    static const char *const escaped[256] = {
        ['\\'] = "\\e", ['~'] = "\\(ti", ['^'] = "\\(ha", ['`'] = "\\(ga", ['"'] = "\\(dq"};
    const char *escape = escaped[(unsigned char)character];
    /* A hyphen that begins a word, or is of something to type, is a minus: it can be copied. */
    if (character == '-' &&
        (line->is_bold || line->word_width == 0 || line->word[line->word_length - 1] == '-'))
        escape = "\\-";
    if (character == '(' && line->word_width > 0) /* "f()" is no function to lint */
        put(line, "\\&", 0);
    put(line, escape ? escape : (char[]){character, '\0'}, 1);
}

static void end_line(struct line *line) {
    if (line->width > 0)
        fputc('\n', line->page);
    line->width = 0;
}

static bool ends_sentence(const struct line *line) {
    size_t length = line->word_length;
    while (length > 0 && (line->word[length - 1] == ')' || line->word[length - 1] == '\''))
        length--;
    return length > 0 && strchr(".!?", line->word[length - 1]);
}

static void end_word(struct line *line) {
    if (line->word_length == 0)
        return;
    if (line->width > 0 && line->width + 1 + line->word_length > LINE_BYTES)
        end_line(line);
    if (line->width > 0)
        fputc(' ', line->page);
    else if (line->word[0] == '.' || line->word[0] == '\'')
        fputs("\\&", line->page);
    fputs(line->word, line->page);
    line->width += line->word_length + 1;
    if (ends_sentence(line))
        end_line(line);
    line->word_length = line->word_width = 0;
    line->word[0] = '\0';
}

static void turn_bold(struct line *line) {
    put(line, line->is_bold ? "\\fR" : "\\fB", 0);
    line->is_bold = !line->is_bold;
}

static void fill(FILE *page, const char *text, size_t length, bool is_markdown) {
    struct line line = {.page = page};
    for (size_t i = 0; i < length && text[i]; i++) {
        bool is_twice = i + 1 < length && text[i] == text[i + 1];
        if (text[i] == '`') {
            turn_bold(&line);
        } else if (is_markdown && !line.is_bold && text[i] == '[') {
            continue;
        } else if (is_markdown && text[i] == ']' && i + 1 < length && text[i + 1] == '(') {
            const char *end = memchr(text + i, ')', length - i);
            i = end ? (size_t)(end - text) : length;
        } else if (is_markdown && text[i] == '*' && is_twice) {
            turn_bold(&line);
            i++;
        } else if (isspace((unsigned char)text[i])) {
            if (line.is_bold) /* the next word is bold, too */
                put(&line, "\\fR", 0);
            end_word(&line);
            if (line.is_bold)
                put(&line, "\\fB", 0);
        } else {
            put_character(&line, text[i]);
        }
    }
    if (line.is_bold)
        turn_bold(&line);
    end_word(&line);
    end_line(&line);
}

void roff_text_of(FILE *page, const char *text, size_t length) {
    fill(page, text, length, false);
}

void roff_text(FILE *page, const char *text) {
    fill(page, text, strlen(text), false);
}

void roff_markdown(FILE *page, const char *text, size_t length) {
    fill(page, text, length, true);
}

void roff_literal(FILE *page, const char *text, size_t length) {
    fputs(".Bd -literal -offset indent\n", page);
    for (const char *end = text + length; text < end;) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop ? stop : end;
        for (int i = 0; i < 2 && *text == ' '; i++)
            text++;
        struct line line = {.page = page, .is_bold = true};
        if (*text == '.' || *text == '\'')
            fputs("\\&", page);
        for (; text < stop; text++) {
            put_character(&line, *text);
            fputs(line.word, page);
            line.word_length = 0;
        }
        fputc('\n', page);
        text = stop + 1;
    }
    fputs(".Ed\n", page);
}

void roff_paragraphs(FILE *page, const char *text, size_t length) {
    const char *end = text + length, *between = "";
    while (text < end) {
        bool is_literal = *text == ' ';
        const char *stop = text;
        while (stop < end && *stop != '\n' && (*stop == ' ') == is_literal) {
            const char *newline = memchr(stop, '\n', (size_t)(end - stop));
            stop = newline ? newline + 1 : end;
        }
        if (stop > text && is_literal) {
            roff_literal(page, text, (size_t)(stop - text));
        } else if (stop > text) {
            fputs(between, page);
            roff_text_of(page, text, (size_t)(stop - text));
        }
        /* After lines as they are .Ed has left a line free already. */
        between = is_literal ? "" : ".Pp\n";
        while (stop < end && *stop == '\n') {
            between = ".Pp\n";
            stop++;
        }
        text = stop;
    }
}

void roff_words(FILE *page, const char *text) {
    bool begins = true;
    for (; *text; text++) {
        struct line line = {.page = page, .is_bold = true};
        if (begins && strlen(text) > 1)
            fputs("\\&", page);
        put_character(&line, *text);
        fputs(line.word, page);
        begins = *text == ' ';
        if (text[1] == '\0' && strchr(").,:;]?!", *text))
            fputs("\\&", page);
    }
}
