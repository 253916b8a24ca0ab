/* Memory from the system, the lock, errno kept, last words. */
#include "platform/platform.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "platform/lock.h"
#include "platform/raw_call.h"
#include "unit/platform/mapped.h"
#include "unit/barred.h"
#include "unit/suite.h"

TEST(mappings_are_zero_and_aligned) {
    for (size_t alignment = 4096; alignment <= (size_t)64 << 20; alignment *= 4) {
        char *p = hak_map_aligned(3 * 4096, alignment);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % alignment, 0);
        for (size_t i = 0; i < 3 * 4096; i++)
            ck_assert_int_eq(p[i], 0);
        memset(p, 1, 3 * 4096);
        hak_unmap(p, 3 * 4096);
        ck_assert(!hak_is_mapped(p));
    }
}

TEST(no_memory_is_null_and_errno_is_kept) {
    errno = 4711;
    ck_assert_ptr_null(hak_map((size_t)1 << 50));
    ck_assert_ptr_null(hak_map_aligned((size_t)1 << 50, 1 << 21));
    ck_assert(!hak_is_mapped((void *)8));
    ck_assert_int_lt(hak_open("/no/such/file"), 0);
    ck_assert_int_eq(errno, 4711);
}

TEST(a_page_that_is_closed_is_mapped) {
    char *p = hak_map(2 * 4096);
    ck_assert_int_eq(mprotect(p, 4096, PROT_NONE), 0);
    ck_assert(hak_is_mapped(p));
    ck_assert(hak_is_mapped(p + 4096));
    hak_unmap(p, 2 * 4096);
    ck_assert(!hak_is_mapped(p));
}

TEST(remapping_keeps_the_bytes) {
    char *p = hak_map(16 * 4096);
    memset(p, 7, 16 * 4096);
    ck_assert(hak_remap_in_place(p, 16 * 4096, 4 * 4096));
    ck_assert(!hak_is_mapped(p + 4 * 4096));
    char *moved = hak_remap(p, 4 * 4096, 4096 * 4096);
    ck_assert_ptr_nonnull(moved);
    for (size_t i = 0; i < 4 * 4096; i++)
        ck_assert_int_eq(moved[i], 7);
    ck_assert_int_eq(moved[4 * 4096], 0);
}

static struct hak_lock lock;
static long counter;

static void *count(void *unused) {
    (void)unused;
    for (int i = 0; i < 200000; i++) {
        hak_lock(&lock);
        counter++;
        hak_unlock(&lock);
    }
    return NULL;
}

TEST(spread_arrays_begin_where_huge_pages_do_and_cost_what_they_hold) {
    const size_t huge = (size_t)2 << 20, sizes[] = {1, huge - 1, huge, 3 * huge + 24};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t before = mapped_bytes(), whole = (sizes[i] + 4095) / 4096 * 4096;
        char *array = hak_raw_map_spread(sizes[i]);
        ck_assert_ptr_nonnull(array);
        ck_assert(sizes[i] < huge || (uintptr_t)array % huge == 0);
        ck_assert_uint_eq(mapped_bytes() - before, whole);
        array[0] = array[sizes[i] - 1] = 1;
        hak_raw_unmap(array, sizes[i]);
        ck_assert_uint_eq(mapped_bytes(), before);
    }
}

/* A sandbox that refuses mprotect, in which glibc's malloc goes on. */
static int open_without_mprotect(void) {
    static const unsigned refused[] = {SYS_mprotect};
    char *held = hak_hold(4 * HAK_PAGE_BYTES, HAK_PAGE_BYTES);
    if (!bar_calls(refused, 1, EPERM))
        return 2;
    if (hak_allow_writes(held, HAK_PAGE_BYTES) || !hak_open_untouched(held, 2 * HAK_PAGE_BYTES))
        return 1;
    memset(held, 1, 2 * HAK_PAGE_BYTES);
    char *reserved = hak_reserve(HAK_PAGE_BYTES);
    if (!reserved || hak_raw_readable((uintptr_t)held + 2 * HAK_PAGE_BYTES))
        return 1;
    reserved[7] = 1;
    return 0;
}

/* More than a process that locks its mappings could bear is opened where none is locked. */
static int reserve_much_without_mprotect(void) {
    static const unsigned refused[] = {SYS_mprotect};
    const size_t much = (size_t)1 << 30;
    if (!bar_calls(refused, 1, EPERM))
        return 2;
    char *reserved = hak_reserve(much), *held = hak_hold(much, HAK_PAGE_BYTES);
    if (!reserved || !held || !hak_open_untouched(held, much))
        return 1;
    reserved[much - 1] = held[much - 1] = 1;
    return hak_raw_call(SYS_mlockall, MCL_FUTURE) == 0 && hak_reserve(much) ? 3 : 0;
}

TEST(where_mprotect_is_refused_untouched_pages_are_mapped_anew) {
    int (*const ways[])(void) = {open_without_mprotect, reserve_much_without_mprotect};
    for (unsigned i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(ways[i]());
        int status = status_of(child);
        ck_assert(WIFEXITED(status));
        if (WEXITSTATUS(status) == 2)
            puts("no filter of system calls here: not tried");
        else
            ck_assert_int_eq(WEXITSTATUS(status), 0);
    }
}

TEST(the_lock_lets_one_in) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(counter, 4 * 200000);
    ck_assert_uint_eq(lock.holder, 0);
}

TEST(last_words_are_one_line_and_sigabrt) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        hak_die("bad-free", (void *)0x7f00beef, "is on the stack; free what malloc returned");
    }
    close(ends[1]);
    char line[512] = "";
    ck_assert_int_gt(read(ends[0], line, sizeof line - 1), 0);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    char *of_emulator = strstr(line, "qemu: uncaught target signal ");
    if (of_emulator)
        *of_emulator = '\0';
    ck_assert_str_eq(line,
                     "hakmem: bad-free: 0x7f00beef is on the stack; free what malloc returned\n");
}

RUN_TESTS()
