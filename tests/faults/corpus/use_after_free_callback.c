/* A freed object is used through what it holds: a function, a table of functions, a context. */
#include "shapes.h"

struct listener {
    void (*tell)(struct listener *);
    int calls;
    char name[20];
};
struct operations {
    int (*size)(void *);
};
struct device {
    const struct operations *operations;
    int bytes;
};

static void count(struct listener *listener) {
    listener->calls++;
}
static int size_of_device(void *device) {
    return ((struct device *)device)->bytes;
}
static const struct operations device_operations = {size_of_device};

static struct listener *make_listener(void) {
    struct listener *listener = opaque(malloc(sizeof *listener));
    *listener = (struct listener){count, 0, "listener"};
    return listener;
}

SHAPE(call_through_pointer) {
    struct listener *listener = make_listener();
    free(listener);
    listener = opaque(listener);
    listener->tell(listener);
}

SHAPE(call_through_table) {
    struct device *device = opaque(malloc(sizeof *device));
    *device = (struct device){&device_operations, 4};
    free(device);
    device = opaque(device);
    printf("%d\n", device->operations->size(device));
}

static void release_itself(struct listener *listener) {
    free(listener);
}

SHAPE(freed_by_its_own_callback) {
    struct listener *listener = make_listener();
    listener->tell = release_itself;
    listener->tell(listener);
    ((struct listener *)opaque(listener))->calls++;
}

static int compare_with_context(const void *left, const void *right, void *context) {
    ++*(int *)context;
    return *(const int *)left - *(const int *)right;
}

SHAPE(context_of_a_sort) {
    int number[] = {3, 1, 2}, *calls = opaque(malloc(sizeof *calls));
    *calls = 0;
    free(calls);
    qsort_r(number, 3, sizeof *number, compare_with_context, opaque(calls));
}

static struct listener *listeners[3];

SHAPE(still_registered) {
    for (int i = 0; i < 3; i++)
        listeners[i] = make_listener();
    free(listeners[1]);
    for (int i = 0; i < 3; i++)
        ((struct listener *)opaque(listeners[i]))->calls = 7;
}

RUN_ONE()
