/* Says a line on stderr. */
#include "collector/link/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "report/text/text.h"

/* Says a line on stderr with "hakmem: " before it, made visible. */
void hak_say(const char *format, ...) {
    struct hak_text line = {0};
    char *said = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&said, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    hak_text_add(&line, "hakmem: %s\n", said);
    if (line.length > 0 && write(2, line.bytes, line.length) < 0)
        errno = 0; /* there is nobody else to tell */
    hak_text_free(&line);
    free(said);
}
