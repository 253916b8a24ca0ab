/* Blocks are filled to their last byte, by loops, copies, strings, wide characters and input. */
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wchar.h>
#include "../corpus/shapes.h"

static const char source[256] = "twelve chars";

SHAPE(by_loop) {
    for (size_t size = 1; size < 3000; size += 7) {
        char *buffer = opaque(malloc(size));
        for (size_t i = 0; i < size; i++)
            buffer[i] = (char)i;
        free(buffer);
    }
}

SHAPE(by_copy) {
    for (size_t size = 1; size <= sizeof source; size++) {
        char *buffer = opaque(malloc(size));
        memcpy(buffer, source, size);
        memmove(buffer, buffer + size / 2, size - size / 2);
        memset(buffer, 0xff, size);
        memset(buffer, 0, size);
        free(buffer);
    }
}

SHAPE(by_string) {
    char *text = opaque(malloc(strlen(source) + 1));
    strcpy(text, source);
    free(text);
    text = opaque(malloc(2 * strlen(source) + 1));
    strcpy(text, source);
    strcat(text, source);
    free(text);
    text = opaque(malloc(20));
    strncpy(text, source, 20);
    snprintf(text, 20, "%s and what does not fit", source);
    require(strlen(text) == 19, "snprintf keeps to its size");
    free(text);
    text = opaque(malloc(9));
    require(sprintf(text, "%d", 12345678) == 8, "eight digits");
    free(text);
}

SHAPE(by_wide_string) {
    const wchar_t *word = L"nine wide";
    wchar_t *text = opaque(malloc((wcslen(word) + 1) * sizeof *text));
    wcscpy(text, word);
    free(text);
    text = opaque(malloc(16 * sizeof *text));
    wmemset(text, L'w', 16);
    require(swprintf(text, 16, L"%ls", word) == 9, "nine of sixteen");
    require(mbstowcs(text, "fifteen letters", 16) == 15, "fifteen letters");
    free(text);
}

SHAPE(by_input) {
    int ends[2], sockets[2];
    char *buffer = opaque(malloc(33));
    require(pipe(ends) == 0 && write(ends[1], source, 33) == 33 && read(ends[0], buffer, 33) == 33,
            "read");
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 &&
                send(sockets[1], source, 33, 0) == 33 && recv(sockets[0], buffer, 33, 0) == 33,
            "received");
    FILE *stream = fdopen(ends[0], "r");
    require(write(ends[1], source, 33) == 33 && fread(buffer, 1, 33, stream) == 33,
            "read by stream");
    require(memcmp(buffer, source, 33) == 0, "the same bytes");
    fclose(stream);
    free(buffer);
}

SHAPE(structs) {
    struct record {
        int number;
        char name[12];
    } *records = opaque(malloc(10 * sizeof *records));
    for (int i = 0; i < 10; i++) {
        records[i].number = i;
        strcpy(records[i].name, "eleven char");
    }
    struct record copy = records[9];
    records[0] = copy;
    free(records);
}

SHAPE(matrix) {
    __typeof__(int[5]) *rows = opaque(malloc(3 * sizeof *rows));
    int sum = 0;
    for (int i = 0; i < 15; i++)
        rows[i / 5][i % 5] = i;
    for (int i = 14; i >= 0; i--)
        sum += rows[i / 5][i % 5];
    require(sum == 105, "the sum of the matrix");
    free(rows);
}

SHAPE(end_compared_never_touched) {
    char *first = opaque(malloc(40)), *end = first + 40, *position = first;
    while (position != end)
        *position++ = 'x';
    while (position-- > first)
        require(*position == 'x', "x everywhere");
    free(first);
}

RUN_ALL()
