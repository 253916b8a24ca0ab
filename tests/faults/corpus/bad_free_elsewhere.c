/* free is given an address that malloc never handed out. */
#include <alloca.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include "shapes.h"

static char static_buffer[100], *static_pointer = static_buffer;
static const char constant[] = "a constant array";
static __thread char thread_buffer[100];
extern char **environ;

SHAPE(local_array) {
    char buffer[100] = "on the stack";
    free(opaque(buffer));
}

SHAPE(local_variable) {
    int number = 3;
    free(opaque(&number));
}

SHAPE(from_alloca) {
    free(opaque(alloca(64)));
}

SHAPE(variable_length) {
    int count = 20;
    int *number = opaque(&count);
    char buffer[*number];
    free(opaque(buffer));
}

SHAPE(static_array) {
    free(opaque(static_buffer));
}
SHAPE(static_inside) {
    free(opaque(static_pointer + 16));
}
SHAPE(static_variable) {
    free(opaque(&static_pointer));
}
SHAPE(constant_array) {
    free(opaque((char *)constant));
}
SHAPE(literal) {
    free(opaque("a literal"));
}
SHAPE(function) {
    free(opaque((void *)(uintptr_t)literal));
}
SHAPE(library_function) {
    free(opaque((void *)(uintptr_t)puts));
}
SHAPE(library_variable) {
    free(opaque(stdout));
}
SHAPE(thread_variable) {
    free(opaque(thread_buffer));
}
SHAPE(environment) {
    free(opaque(environ[0]));
}
SHAPE(small_number) {
    free(opaque((void *)(uintptr_t)42));
}
SHAPE(small_aligned_number) {
    free(opaque((void *)(uintptr_t)4096));
}
SHAPE(minus_one) {
    free(opaque((void *)(uintptr_t)-1));
}
SHAPE(non_canonical) {
    free(opaque((void *)(uintptr_t)0xdeadbeefdeadbee0));
}
SHAPE(unmapped) {
    free(opaque((void *)(uintptr_t)0x100000000000));
}

SHAPE(unmapped_by_the_program) {
    char *mapping = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(mapping, 8192);
    free(opaque(mapping));
}

SHAPE(mapped) {
    char *mapping = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    free(opaque(mapping));
}

SHAPE(resized_local) {
    char buffer[100] = "on the stack";
    free(realloc(opaque(buffer), 200));
}

SHAPE(resized_literal) {
    free(realloc(opaque("a literal"), 200));
}

static void *free_stack_of_other(void *buffer) {
    free(opaque(buffer));
    return NULL;
}

SHAPE(stack_of_another_thread) {
    pthread_t thread;
    char buffer[100] = "on the first stack";
    pthread_create(&thread, NULL, free_stack_of_other, buffer);
    pthread_join(thread, NULL);
}

static void *free_own_stack(void *unused) {
    char buffer[100] = "on the thread's stack";
    free(opaque(buffer));
    return unused;
}

SHAPE(stack_of_a_thread) {
    pthread_t thread;
    pthread_create(&thread, NULL, free_own_stack, NULL);
    pthread_join(thread, NULL);
}

SHAPE(uninitialised) {
    union {
        char text[8];
        void *pointer;
    } garbage = {"garbage"};
    free(opaque(garbage.pointer));
}

RUN_ONE()
