/* The pointer to a block was moved on while the block was used, and then freed. */
#include "shapes.h"

SHAPE(search_for_letter) {
    char *text = opaque(strdup("search for the letter x in it"));
    while (*text != 'x')
        text++;
    free(text);
}

SHAPE(leading_blanks) {
    char *line = opaque(strdup("   indented"));
    while (*line == ' ')
        line++;
    free(line);
}

SHAPE(to_the_end) {
    char *text = opaque(strdup("walked to its end"));
    for (; *text != 0; text++) {
    }
    free(text);
}

SHAPE(next_token) {
    char *line = opaque(strdup("first,second,third")), *rest = line;
    strsep(&rest, ",");
    free(rest);
}

SHAPE(last_token) {
    char *line = opaque(strdup("one two three")), *word = NULL;
    for (char *next = strtok(line, " "); next != NULL; next = strtok(NULL, " "))
        word = next;
    free(word);
}

SHAPE(filled_by_moving) {
    int *number = opaque(malloc(10 * sizeof *number));
    for (int i = 0; i < 10; i++)
        *number++ = i;
    free(number);
}

SHAPE(search_result) {
    char *path = opaque(strdup("folder/file"));
    free(opaque(strrchr(path, '/')));
}

SHAPE(resized_after_move) {
    char *text = opaque(strdup("resized after it was moved"));
    text += 4;
    free(realloc(text, 100));
}

RUN_ONE()
