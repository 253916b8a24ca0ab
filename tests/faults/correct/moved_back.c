/* Pointers that wander inside their block and come back, or whose start is kept. */
#include <stddef.h>
#include "../corpus/shapes.h"

static void start_kept(void) {
    char *text = opaque(strdup("search for the letter x in it")), *found = text;
    while (*found != 'x')
        found++;
    require(found - text == 22, "found");
    free(text);
}

static void back_to_the_start(void) {
    char *text = opaque(strdup("walked to its end and back"));
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        text++;
    require(*text == 0, "at its end");
    free(text - length);
}

static void tokens(void) {
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

static void member_to_whole(void) {
    struct whole {
        long number;
        char member[30];
    } *whole = opaque(malloc(sizeof *whole));
    char *member = opaque(whole->member);
    free(member - offsetof(struct whole, member));
}

/* Between two uses the only pointer lies behind the block's first byte. */
static char *cursor;

static void only_the_cursor_is_kept(void) {
    cursor = opaque(malloc(100));
    cursor += 60;
}

static void stack_of_numbers(void) {
    long *top = opaque(malloc(50 * sizeof *top)), *bottom = top, sum = 0;
    for (long i = 0; i < 50; i++)
        *top++ = i;
    while (top != bottom)
        sum += *--top;
    require(sum == 1225, "the sum");
    free(bottom);
}

static const struct shape shapes[] = {
    {"start_kept", start_kept},
    {"back_to_the_start", back_to_the_start},
    {"tokens", tokens},
    {"member_to_whole", member_to_whole},
    {"only_the_cursor_is_kept", only_the_cursor_is_kept},
    {"stack_of_numbers", stack_of_numbers},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_all(shapes, argc, argv);
}
