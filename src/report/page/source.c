/* Lines of the program's source: three around the first frame of a stack, and the type that an
 * allocation names. A file counts if it is a regular one and no newer than the module that was
 * built from it: an edited one has other lines. Its name comes from debug information and may be
 * anything. */
#include "report/page/parts.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"

#define FILE_BYTES  (16 << 20) /* of a longer one nothing is shown */
#define LINE_BYTES  96         /* of a line that is shown */
#define TAB_COLUMNS 4
#define AROUND      1 /* lines in front and behind */

/* The source of a frame, open; NULL = there is none, or it is another one than was built. */
static FILE *open_source(const struct hak_frame *frame) {
    struct stat source, module;
    if (frame->file[0] != '/' || frame->line == 0 || frame->module[0] != '/' ||
        stat(frame->module, &module) < 0)
        return NULL;
    int fd = open(frame->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return NULL;
    bool is_as_built = fstat(fd, &source) == 0 && S_ISREG(source.st_mode) &&
                       source.st_size <= FILE_BYTES && source.st_mtime <= module.st_mtime;
    FILE *file = is_as_built ? fdopen(fd, "r") : NULL;
    if (!file)
        close(fd);
    return file;
}

/* Appends a line of a file, without blanks at its end, cut to the width of a page. */
static void add_source_line(struct hak_text *text, const char *line) {
    char shown[LINE_BYTES + TAB_COLUMNS];
    size_t count = 0, length = strlen(line);
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        length--;
    for (size_t i = 0; i < length && count < LINE_BYTES; i++)
        if (line[i] == '\t')
            do
                shown[count++] = ' ';
            while (count % TAB_COLUMNS != 0);
        else
            shown[count++] = line[i];
    shown[count] = '\0';
    hak_text_add_name(text, shown);
}

/* Notes the line as shown; false where the page has shown it before. */
static bool is_new(const struct report_page *page, const struct hak_frame *frame) {
    struct report_shown *shown = page->shown;
    for (int i = 0; i < shown->count; i++)
        if (shown->line[i] == frame->line && strcmp(shown->file[i], frame->file) == 0)
            return false;
    if (shown->count == REPORT_SHOWN)
        return false;
    shown->file[shown->count] = frame->file;
    shown->line[shown->count++] = frame->line;
    return true;
}

/* Reads `count` lines; the last one is in `line`. False: the file has not so many. */
static bool read_lines(FILE *file, uint32_t count, char **line, size_t *room) {
    while (count > 0 && getline(line, room, file) >= 0)
        count--;
    return count == 0;
}

void report_add_source(struct hak_text *text, const struct report_page *page,
                       const struct hak_frames *frames, enum report_cut last_cut) {
    const struct hak_frame *frame = page->cut < last_cut ? report_first_frame(frames) : NULL;
    FILE *file = frame && is_new(page, frame) ? open_source(frame) : NULL;
    char *line = NULL;
    size_t room = 0;
    if (!file)
        return;
    uint32_t number = frame->line > AROUND ? frame->line - AROUND : 1;
    for (uint32_t count = number; number <= frame->line + AROUND; number++, count = 1) {
        if (!read_lines(file, count, &line, &room))
            break;
        hak_text_add(text, "      %s%6u | ", number == frame->line ? ">" : " ", number);
        add_source_line(text, line);
        hak_text_add(text, "\n");
    }
    free(line);
    fclose(file);
}

/* The length of a type's name at `at`: "Job", "ns::Job"; 0 = none. */
static size_t type_length(const char *at) {
    size_t length = 0;
    if (!isalpha((unsigned char)at[0]) && at[0] != '_')
        return 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '_' ||
           (at[length] == ':' && (at[length + 1] == ':' || at[length - 1] == ':')))
        length++;
    return length;
}

/* Finds the one object that a line of C++ makes by new; false: none, an array, or more than one. A
 * block of make_shared has its counters in front, so no offset in it is one in the object. */
static bool find_type(const char *line, const char **type, size_t *length) {
    static const char *const makers[] = {"new ", "make_unique<"};
    int found = 0;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        for (const char *at = line; (at = strstr(at, makers[i])) != NULL;) {
            bool is_word = at == line || (!isalnum((unsigned char)at[-1]) && at[-1] != '_');
            at += strlen(makers[i]);
            if (!is_word)
                continue;
            *type = at;
            *length = type_length(at);
            char next = at[*length];
            if (*length == 0 || next == '[' || next == '<')
                return false;
            found++;
        }
    return found == 1;
}

void report_find_type(struct report_page *page) {
    const struct hak_frame *frame = report_first_frame(&page->alloc_frames);
    unsigned taken = page->life && page->life->birth.id != 0 ? page->life->birth.subkind
                                                             : page->facts->subkind & 0xff;
    /* In a template the name may be a parameter's. */
    bool is_named =
        frame && taken == HAK_BY_NEW && frame->function[strcspn(frame->function, "<(")] != '<';
    FILE *file = is_named ? open_source(frame) : NULL;
    char *line = NULL;
    const char *type = NULL;
    size_t room = 0, length = 0;
    if (!file)
        return;
    if (read_lines(file, frame->line, &line, &room) && find_type(line, &type, &length) &&
        length < sizeof page->type)
        snprintf(page->type, sizeof page->type, "%.*s", (int)length, type);
    free(line);
    fclose(file);
}
