/* Names what lies at an address: stack, code, static data, glibc's heap, nothing, unknown; never a
 * guess. */
#include "platform/address.h"
#include <elf.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "platform/objects.h"
#include "unit/suite.h"

static int zeroed[4096];
static const int constant[16] = {1};
extern char **environ;

TEST(the_program_itself_is_known) {
    int local = 0;
    ck_assert_int_eq(hak_address_kind_of(&local), HAK_ADDRESS_STACK);
    ck_assert_int_eq(hak_address_kind_of(environ[0]), HAK_ADDRESS_STACK);
    ck_assert_int_eq(hak_address_kind_of(&zeroed[2000]), HAK_ADDRESS_STATIC);
    enum hak_address_kind kind = hak_address_kind_of(&constant[3]);
    /* ld lays constants of aarch64 beside the code. */
    ck_assert(kind == HAK_ADDRESS_STATIC ||
              (HAK_ELF_MACHINE != EM_X86_64 && kind == HAK_ADDRESS_CODE));
    ck_assert_int_eq(hak_address_kind_of((void *)(uintptr_t)hak_address_kind_of), HAK_ADDRESS_CODE);
    ck_assert_int_eq(hak_address_kind_of((void *)(uintptr_t)abort), HAK_ADDRESS_CODE);
}

TEST(nothing_and_nonsense_are_unmapped) {
    void *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gone, 4096);
    ck_assert_int_eq(hak_address_kind_of(gone), HAK_ADDRESS_UNMAPPED);
    ck_assert_int_eq(hak_address_kind_of((void *)16), HAK_ADDRESS_UNMAPPED);
    ck_assert_int_eq(hak_address_kind_of((void *)~0ull), HAK_ADDRESS_UNMAPPED);
    ck_assert_int_eq(hak_address_kind_of((void *)0xdeadbeefdeadbeef), HAK_ADDRESS_UNMAPPED);
}

/* An allocator of the program's own may take its memory from sbrk, too. */
TEST(a_head_alone_makes_no_block_of_glibc) {
    hak_address_start();
    char *area = sbrk(4096);
    area += -(uintptr_t)area & 15;
    size_t *head = (size_t *)(area + 8), *next = (size_t *)(area + 8 + 0x40);
    *head = 0x41;
    *next = 0x20;
    ck_assert_int_eq(hak_address_kind_of(area + 16), HAK_ADDRESS_UNKNOWN);
    *next = 0x21;
    ck_assert_int_eq(hak_address_kind_of(area + 16), HAK_ADDRESS_C_HEAP);
}

TEST(anything_else_is_mapped) {
    char *area = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_int_eq(hak_address_kind_of(area + 64), HAK_ADDRESS_MAPPED);
    size_t head[] = {0x41, 0x21};
    memcpy(area + 56, &head[0], 8); /* glibc's free would take it */
    memcpy(area + 56 + 0x40, &head[1], 8);
    ck_assert_int_eq(hak_address_kind_of(area + 64), HAK_ADDRESS_UNKNOWN);
}

TEST(a_block_of_glibc_is_known_by_its_heap) {
    hak_address_start();
    char *first = malloc(200000 / 4); /* this test runs on glibc's malloc */
    char *block = malloc(100);
    ck_assert_ptr_nonnull(block);
    if ((uintptr_t)block < (uintptr_t)hak_brk_end()) {
        /* brk may have begun before hak_address_start: only what came after it is surely known. */
        enum hak_address_kind kind = hak_address_kind_of(block);
        ck_assert(kind == HAK_ADDRESS_C_HEAP || kind == HAK_ADDRESS_UNKNOWN);
    }
    char *later[64];
    for (int i = 0; i < 64; i++)
        later[i] = malloc(64 << 10);
    ck_assert_int_eq(hak_address_kind_of(later[63]), HAK_ADDRESS_C_HEAP);
    ck_assert_int_eq(hak_address_kind_of(later[63] + 8), HAK_ADDRESS_UNKNOWN);
    for (int i = 0; i < 64; i++)
        free(later[i]);
    free(block);
    free(first);
}

static char *of_first_thread, *of_another_thread;

static void *lend_a_stack(void *semaphores) {
    sem_t *is_there = semaphores, *may_end = is_there + 1;
    char local = 0;
    of_another_thread = &local;
    sem_post(is_there);
    sem_wait(may_end);
    return NULL;
}

static void *look_around(void *unused) {
    (void)unused;
    int local = 0;
    ck_assert_int_eq(hak_address_kind_of(&local), HAK_ADDRESS_STACK);
    ck_assert_int_eq(hak_address_kind_of(of_first_thread), HAK_ADDRESS_STACK);
    ck_assert_int_eq(hak_address_kind_of(of_first_thread - 4096), HAK_ADDRESS_STACK);
    ck_assert_int_eq(hak_address_kind_of(of_another_thread), HAK_ADDRESS_MAPPED);
    return NULL;
}

/* The kernel names that of the first thread alone. */
TEST(the_own_stack_and_the_first_are_called_stack) {
    char local[8192] = {0};
    sem_t semaphores[2];
    of_first_thread = local + sizeof local - 1;
    pthread_t thread, other;
    sem_init(&semaphores[0], 0, 0);
    sem_init(&semaphores[1], 0, 0);
    ck_assert_int_eq(pthread_create(&other, NULL, lend_a_stack, semaphores), 0);
    sem_wait(&semaphores[0]);
    ck_assert_int_eq(pthread_create(&thread, NULL, look_around, NULL), 0);
    pthread_join(thread, NULL);
    sem_post(&semaphores[1]);
    pthread_join(other, NULL);
}

static ucontext_t outside, inside;
static char *area;
static enum hak_address_kind seen;

static void look_from_coroutine(void) {
    seen = hak_address_kind_of(area + 900 * 1024); /* above us, in the same mapping */
    swapcontext(&inside, &outside);
}

TEST(a_coroutines_stack_is_a_mapping) {
    area = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    getcontext(&inside);
    inside.uc_stack.ss_sp = area;
    inside.uc_stack.ss_size = 512 << 10;
    inside.uc_link = &outside;
    makecontext(&inside, look_from_coroutine, 0);
    seen = HAK_ADDRESS_UNMAPPED;
    swapcontext(&outside, &inside);
    ck_assert_int_eq(seen, HAK_ADDRESS_MAPPED);
}

RUN_TESTS(.prepare = hak_objects_start)
