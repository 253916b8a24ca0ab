/* Makes the desk that a keeper's thread and its owner share. */
#include "collector/keeper/desk.h"

#include <sys/eventfd.h>
#include <unistd.h>

bool hak_desk_make(struct hak_desk *desk) {
    pthread_condattr_t clock;
    *desk = (struct hak_desk){.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&desk->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&desk->changed, &clock);
    pthread_condattr_destroy(&clock);
    return desk->wake >= 0;
}

void hak_desk_free(struct hak_desk *desk) {
    if (desk->wake >= 0)
        close(desk->wake);
}
