/* Pointers that wander inside their block and come back, or whose start is kept. */
#include <stddef.h>
#include "../corpus/shapes.h"

SHAPE(start_kept) {
    char *text = opaque(strdup("search for the letter x in it")), *found = text;
    while (*found != 'x')
        found++;
    require(found - text == 22, "found");
    free(text);
}

SHAPE(back_to_the_start) {
    char *text = opaque(strdup("walked to its end and back"));
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        text++;
    require(*text == 0, "at its end");
    free(text - length);
}

SHAPE(tokens) {
    char *line = opaque(strdup("first,second,third")), *rest = line, *word;
    int count = 0;
    while ((word = strsep(&rest, ",")) != NULL)
        count += word[0] != 0;
    require(count == 3, "three words");
    free(line);
    line = opaque(strdup("one two three"));
    for (word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
        count--;
    require(count == 0, "three again");
    free(line);
}

SHAPE(member_to_whole) {
    struct whole {
        long number;
        char member[30];
    } *whole = opaque(malloc(sizeof *whole));
    char *member = opaque(whole->member);
    free(member - offsetof(struct whole, member));
}

/* Between two uses the only pointer lies behind the block's first byte. */
static char *cursor;

SHAPE(only_the_cursor_is_kept) {
    cursor = opaque(malloc(100));
    cursor += 60;
}

SHAPE(stack_of_numbers) {
    long *top = opaque(malloc(50 * sizeof *top)), *bottom = top, sum = 0;
    for (long i = 0; i < 50; i++)
        *top++ = i;
    while (top != bottom)
        sum += *--top;
    require(sum == 1225, "the sum");
    free(bottom);
}

RUN_ALL()
