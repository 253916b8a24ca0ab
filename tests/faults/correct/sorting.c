/* Functions of libc that need memory for their own work: sorting, hash tables, trees, word
 * expansion. */
#include <search.h>
#include <wordexp.h>
#include "../corpus/shapes.h"

static int compare_ints(const void *left, const void *right) {
    return (*(const int *)left > *(const int *)right) - (*(const int *)left < *(const int *)right);
}

SHAPE(sorted) {
    for (int count = 1; count < 50000; count = count * 4 + 1) {
        int *number = opaque(malloc(sizeof *number * (size_t)count));
        for (int i = 0; i < count; i++)
            number[i] = (i * 7919 + 13) % 10007;
        qsort(number, (size_t)count, sizeof *number, compare_ints);
        for (int i = 1; i < count; i++)
            require(number[i - 1] <= number[i], "in order");
        require(bsearch(&number[count / 2], number, (size_t)count, sizeof *number, compare_ints) !=
                    NULL,
                "found");
        free(number);
    }
}

SHAPE(large_elements) {
    struct record {
        int key;
        char text[500];
    } *records = opaque(calloc(300, sizeof *records));
    for (int i = 0; i < 300; i++)
        records[i].key = i * 37 % 300;
    qsort(records, 300, sizeof *records, compare_ints);
    require(records[299].key == 299, "in order");
    free(records);
}

SHAPE(hashed) {
    char *name[100];
    require(hcreate(200) != 0, "a table");
    for (int i = 0; i < 100; i++) {
        require(asprintf(&name[i], "name %d", i) > 0, "a name");
        hsearch((ENTRY){name[i], (void *)(size_t)i}, ENTER);
    }
    require(hsearch((ENTRY){"name 42", NULL}, FIND)->data == (void *)42, "found");
    hdestroy();
    for (int i = 0; i < 100; i++)
        free(name[i]);
}

static int compare_texts(const void *left, const void *right) {
    return strcmp(left, right);
}

SHAPE(tree) {
    void *root = NULL;
    for (int i = 0; i < 200; i++) {
        char *text;
        require(asprintf(&text, "%d", i * 31 % 150) > 0, "a text");
        char **found = tsearch(text, &root, compare_texts);
        if (*found != text)
            free(text);
    }
    tdestroy(root, free);
}

SHAPE(expanded) {
    wordexp_t words;
    require(wordexp("one 'two words' three", &words, WRDE_NOCMD) == 0 && words.we_wordc == 3,
            "three words");
    wordfree(&words);
}

RUN_ALL()
