/* The pointer to a block was moved on while the block was used, and then freed. */
#include "shapes.h"

static void search_for_letter(void) {
    char *text = opaque(strdup("search for the letter x in it"));
    while (*text != 'x')
        text++;
    free(text);
}

static void leading_blanks(void) {
    char *line = opaque(strdup("   indented"));
    while (*line == ' ')
        line++;
    free(line);
}

static void to_the_end(void) {
    char *text = opaque(strdup("walked to its end"));
    for (; *text != 0; text++) {
    }
    free(text);
}

static void next_token(void) {
    char *line = opaque(strdup("first,second,third")), *rest = line;
    strsep(&rest, ",");
    free(rest);
}

static void last_token(void) {
    char *line = opaque(strdup("one two three")), *word = NULL;
    for (char *next = strtok(line, " "); next != NULL; next = strtok(NULL, " "))
        word = next;
    free(word);
}

static void filled_by_moving(void) {
    int *number = opaque(malloc(10 * sizeof *number));
    for (int i = 0; i < 10; i++)
        *number++ = i;
    free(number);
}

static void search_result(void) {
    char *path = opaque(strdup("folder/file"));
    free(opaque(strrchr(path, '/')));
}

static void resized_after_move(void) {
    char *text = opaque(strdup("resized after it was moved"));
    text += 4;
    free(realloc(text, 100));
}

static const struct shape shapes[] = {
    {"search_for_letter", search_for_letter},
    {"leading_blanks", leading_blanks},
    {"to_the_end", to_the_end},
    {"next_token", next_token},
    {"last_token", last_token},
    {"filled_by_moving", filled_by_moving},
    {"search_result", search_result},
    {"resized_after_move", resized_after_move},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
