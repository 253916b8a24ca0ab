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

static void local_array(void) {
    char buffer[100] = "on the stack";
    free(opaque(buffer));
}

static void local_variable(void) {
    int number = 3;
    free(opaque(&number));
}

static void from_alloca(void) {
    free(opaque(alloca(64)));
}

static void variable_length(void) {
    int count = 20;
    int *number = opaque(&count);
    char buffer[*number];
    free(opaque(buffer));
}

static void static_array(void) {
    free(opaque(static_buffer));
}
static void static_inside(void) {
    free(opaque(static_pointer + 16));
}
static void static_variable(void) {
    free(opaque(&static_pointer));
}
static void constant_array(void) {
    free(opaque((char *)constant));
}
static void literal(void) {
    free(opaque("a literal"));
}
static void function(void) {
    free(opaque((void *)(uintptr_t)literal));
}
static void library_function(void) {
    free(opaque((void *)(uintptr_t)puts));
}
static void library_variable(void) {
    free(opaque(stdout));
}
static void thread_variable(void) {
    free(opaque(thread_buffer));
}
static void environment(void) {
    free(opaque(environ[0]));
}
static void small_number(void) {
    free(opaque((void *)(uintptr_t)42));
}
static void small_aligned_number(void) {
    free(opaque((void *)(uintptr_t)4096));
}
static void minus_one(void) {
    free(opaque((void *)(uintptr_t)-1));
}
static void non_canonical(void) {
    free(opaque((void *)(uintptr_t)0xdeadbeefdeadbee0));
}
static void unmapped(void) {
    free(opaque((void *)(uintptr_t)0x100000000000));
}

static void unmapped_by_the_program(void) {
    char *mapping = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(mapping, 8192);
    free(opaque(mapping));
}

static void mapped(void) {
    char *mapping = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    free(opaque(mapping));
}

static void resized_local(void) {
    char buffer[100] = "on the stack";
    free(realloc(opaque(buffer), 200));
}

static void resized_literal(void) {
    free(realloc(opaque("a literal"), 200));
}

static void *free_stack_of_other(void *buffer) {
    free(opaque(buffer));
    return NULL;
}

static void stack_of_another_thread(void) {
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

static void stack_of_a_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, free_own_stack, NULL);
    pthread_join(thread, NULL);
}

static void uninitialised(void) {
    union {
        char text[8];
        void *pointer;
    } garbage = {"garbage"};
    free(opaque(garbage.pointer));
}

static const struct shape shapes[] = {
    {"local_array", local_array},
    {"local_variable", local_variable},
    {"from_alloca", from_alloca},
    {"variable_length", variable_length},
    {"static_array", static_array},
    {"static_inside", static_inside},
    {"static_variable", static_variable},
    {"constant_array", constant_array},
    {"literal", literal},
    {"function", function},
    {"library_function", library_function},
    {"library_variable", library_variable},
    {"thread_variable", thread_variable},
    {"environment", environment},
    {"small_number", small_number},
    {"small_aligned_number", small_aligned_number},
    {"minus_one", minus_one},
    {"non_canonical", non_canonical},
    {"unmapped", unmapped},
    {"unmapped_by_the_program", unmapped_by_the_program},
    {"mapped", mapped},
    {"resized_local", resized_local},
    {"resized_literal", resized_literal},
    {"stack_of_another_thread", stack_of_another_thread},
    {"stack_of_a_thread", stack_of_a_thread},
    {"uninitialised", uninitialised},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
