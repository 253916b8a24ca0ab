/* Uses what functions of the C library hand out as their manuals allow, and gives it back. */
#include <dirent.h>
#include <glob.h>
#include <limits.h>
#include <netdb.h>
#include <regex.h>
#include <stdint.h>
#include <unistd.h>
#include <wchar.h>
#include "../corpus/shapes.h"

SHAPE(strings) {
    free(strdup(""));
    free(strndup("cut here", 3));
    free(wcsdup(L"wide"));
    free(getcwd(NULL, 0));
    free(realpath("/usr/..", NULL));
    char *text;
    require(asprintf(&text, "%0*d", 3000, 1) == 3000, "asprintf");
    free(text);
}

SHAPE(lines) {
    char *line = NULL;
    size_t size = 0, longest = 0;
    FILE *stream = fopen("/proc/self/status", "r");
    for (ssize_t length; (length = getline(&line, &size, stream)) >= 0;)
        longest = longest < (size_t)length ? (size_t)length : longest;
    require(longest > 10 && size >= longest, "lines were read");
    line[size - 1] = 0;
    fclose(stream);
    free(line);
    line = malloc(3);
    size = 3;
    stream = fopen("/proc/self/status", "r");
    require(getdelim(&line, &size, '\t', stream) > 3 && size > 3, "the buffer grew");
    fclose(stream);
    free(line);
}

SHAPE(memory_streams) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    for (int i = 0; i < 5000; i++)
        fprintf(stream, "%d ", i);
    fclose(stream);
    require(strlen(text) == size, "all was written");
    free(text);
    wchar_t *wide;
    stream = open_wmemstream(&wide, &size);
    fwprintf(stream, L"%d wide", 17);
    fclose(stream);
    free(wide);
    char *block = malloc(40);
    stream = fmemopen(block, 40, "w+");
    fputs("thirty-nine characters and a zero byte.", stream);
    fclose(stream);
    free(block);
}

static int choose(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

SHAPE(directories) {
    struct dirent **entry;
    int count = scandir("/", &entry, choose, alphasort);
    require(count > 3, "the root has entries");
    for (int i = 0; i < count; i++)
        free(entry[i]);
    free(entry);
    DIR *directory = opendir("/");
    while (readdir(directory) != NULL) {
    }
    closedir(directory);
    glob_t found;
    require(glob("/*", 0, NULL, &found) == 0, "glob");
    globfree(&found);
}

SHAPE(expressions) {
    regex_t expression;
    regmatch_t match[3];
    for (int i = 0; i < 20; i++) {
        require(regcomp(&expression, "(a+)(b|c)*", REG_EXTENDED) == 0, "compiled");
        require(regexec(&expression, "xxaaabcb", 3, match, 0) == 0, "found");
        regfree(&expression);
    }
}

SHAPE(stream_buffers) {
    FILE *stream = tmpfile();
    char *buffer = malloc(1000), *line = malloc(16);
    setvbuf(stream, buffer, _IOFBF, 1000);
    for (int i = 0; i < 1000; i++)
        fprintf(stream, "line %d\n", i);
    rewind(stream);
    while (fgets(line, 16, stream) != NULL) {
    }
    fclose(stream);
    free(buffer);
    free(line);
}

SHAPE(processes) {
    char line[16];
    FILE *pipe = popen("echo answer", "r");
    require(fgets(line, sizeof line, pipe) != NULL && strcmp(line, "answer\n") == 0, "the answer");
    require(pclose(pipe) == 0, "closed");
    require(system("exit 3") == 3 << 8, "the shell's status");
}

SHAPE(names) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *answer;
    require(getaddrinfo("127.0.0.1", "80", &hints, &answer) == 0, "an address");
    freeaddrinfo(answer);
}

RUN_ALL()
