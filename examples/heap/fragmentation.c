/* A relay: batches of messages come in, are passed on, and are freed. It keeps almost nothing, and
 * its resident memory stays where the largest batch left it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCHES = 12, BATCH = 120000, AUDIT_EVERY = 100, AUDIT_MAX = BATCHES * BATCH / AUDIT_EVERY };

struct message {
    int number;
    char body[440];
};

static struct message *batch[BATCH];
static struct message *audit[AUDIT_MAX];
static int audited;

static struct message *receive(int number) {
    struct message *message = malloc(sizeof *message);
    if (!message)
        abort();
    message->number = number;
    memset(message->body, 'a' + number % 26, sizeof message->body);
    return message;
}

static long pass_on(const struct message *message) {
    return message->body[message->number % 440];
}

/* One message in a hundred is kept to be looked at later. */
static int keep_for_audit(struct message *message) {
    if (message->number % AUDIT_EVERY != 0 || audited == AUDIT_MAX)
        return 0;
    audit[audited++] = message;
    return 1;
}

int main(void) {
    long sum = 0;
    for (int i = 0; i < BATCHES; i++) {
        int count = i == 0 ? BATCH : BATCH / 10; /* the first one after a night is long */
        for (int k = 0; k < count; k++)
            batch[k] = receive(i * BATCH + k);
        for (int k = 0; k < count; k++) {
            sum += pass_on(batch[k]);
            if (!keep_for_audit(batch[k]))
                free(batch[k]);
        }
        usleep(100000);
    }
    printf("%ld, %d kept\n", sum, audited);
    return 0;
}
