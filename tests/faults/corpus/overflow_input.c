/* Input is read into a block that is shorter than what the reader was told. */
#include <sys/socket.h>
#include <unistd.h>
#include "shapes.h"

static const char message[] = "a message that is longer than the buffer that it is read into";

/* A pipe's reading end, with the message in it. */
static int open_pipe(void) {
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], message, sizeof message) < 0)
        exit(2);
    close(ends[1]);
    return ends[0];
}

SHAPE(read_call) {
    char *buffer = opaque(malloc(32));
    if (read(open_pipe(), buffer, 40) != 40)
        exit(2);
    free(buffer);
}

SHAPE(read_stream) {
    FILE *stream = fdopen(open_pipe(), "r");
    char *buffer = opaque(malloc(50));
    if (fread(buffer, 1, 56, stream) != 56)
        exit(2);
    fclose(stream);
    free(buffer);
}

SHAPE(read_unbuffered) {
    FILE *stream = fdopen(open_pipe(), "r");
    setvbuf(stream, NULL, _IONBF, 0);
    char *buffer = opaque(malloc(21));
    if (fread(buffer, 1, 22, stream) != 22)
        exit(2);
    fclose(stream);
    free(buffer);
}

SHAPE(read_line) {
    FILE *stream = fdopen(open_pipe(), "r");
    char *line = opaque(malloc(16));
    if (fgets(line, 64, stream) == NULL)
        exit(2);
    fclose(stream);
    free(line);
}

SHAPE(scan_word) {
    FILE *stream = fdopen(open_pipe(), "r");
    char *word = opaque(malloc(6));
    if (fscanf(stream, "a %s", word) != 1)
        exit(2);
    fclose(stream);
    free(word);
}

SHAPE(receive) {
    int ends[2];
    char *buffer = opaque(malloc(45));
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ||
        send(ends[1], message, sizeof message, 0) < 0 ||
        recv(ends[0], buffer, sizeof message, 0) < 0)
        exit(2);
    free(buffer);
}

SHAPE(read_at) {
    FILE *file = tmpfile();
    char *buffer = opaque(malloc(60));
    fputs(message, file);
    fflush(file);
    if (pread(fileno(file), buffer, 61, 0) != 61)
        exit(2);
    fclose(file);
    free(buffer);
}

SHAPE(stream_into_block) {
    char *block = opaque(malloc(40));
    FILE *stream = fmemopen(block, 44, "w");
    fwrite(message, 1, 44, stream);
    fclose(stream);
    free(block);
}

RUN_ONE()
