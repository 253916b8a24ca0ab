/* HKM-301 by HAKMEM_CHECK_STRING: memcpy reads as many bytes as the message says that it has, and
 * it has fewer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct message {
    uint32_t bytes;
    char text[12];
};

static char answer[256];

static void reply(const struct message *message) {
    memcpy(answer, message->text, message->bytes);
}

int main(void) {
    struct message *message = calloc(1, sizeof *message);
    message->bytes = 100;
    reply(message);
    free(message);
    return 0;
}
