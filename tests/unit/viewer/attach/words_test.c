/* Reads the places of libc's words from its functions, and from nothing behind them. This program
 * stands in for a libc: it has a dlerror of its own. */
#include "viewer/attach/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "unit/suite.h"

/* A function that is shorter than what it is looked for in, in front of one that has just that. */
__asm__(".text\n"
        ".globl dlerror\n.type dlerror, @function\ndlerror:\n"
        "    xor %eax, %eax\n"
        "    ret\n"
        ".size dlerror, .-dlerror\n"
        ".globl behind_dlerror\n.type behind_dlerror, @function\nbehind_dlerror:\n"
        "    mov words_of_another(%rip), %rdx\n"
        "    mov %fs:(%rdx), %rax\n"
        "    ret\n"
        ".size behind_dlerror, .-behind_dlerror\n"
        ".data\n.globl words_of_another\nwords_of_another: .quad 4711\n.text\n");

static struct process self;

static void open_self(void) {
    self = (struct process){.pid = getpid(), .shown = getpid(), .handle = -1, .lock = -1};
    self.memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    ck_assert(self.memory >= 0 && process_read_mappings(&self));
}

static void close_self(void) {
    process_close(&self);
}

/* libc-2.31.so, as glibc called it before 2.34, is it as well. */
static const char *path_of_libc(void) {
    for (uint32_t i = 0; i < self.mappings; i++)
        if (strstr(self.mapping[i].path, "/libc.so.6") || strstr(self.mapping[i].path, "/libc-2."))
            return self.mapping[i].path;
    ck_abort_msg("no libc");
}

TEST(finds_words_of_libc) {
    struct words words;
    struct module libc;
    uint64_t thread_pointer;
    __asm__("mov %%fs:0, %0" : "=r"(thread_pointer));
    ck_assert(module_read(&libc, &self, path_of_libc()));
    words_find(&words, &self, &libc);
    ck_assert_uint_eq(thread_pointer + words.errno_at, (uintptr_t)&errno);
    bool is_in_libdl = strverscmp(gnu_get_libc_version(), "2.34") < 0;
    ck_assert_int_eq(words.dlerror_at == 0, is_in_libdl);
    module_close(&libc);
}

TEST(does_not_look_behind_the_function) {
    struct words words;
    struct module own;
    struct function dlerror;
    char path[PATH_MAX] = "";
    ck_assert(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
    ck_assert(module_read(&own, &self, path));
    ck_assert(module_find_function(&own, "dlerror", &dlerror));
    ck_assert_uint_eq(dlerror.end - dlerror.start, 3);
    words_find(&words, &self, &own);
    ck_assert_uint_eq(words.dlerror_at, 0);
    module_close(&own);
}

TEST(puts_words_back) {
    struct words words;
    struct module libc;
    uint64_t thread_pointer;
    __asm__("mov %%fs:0, %0" : "=r"(thread_pointer));
    ck_assert(module_read(&libc, &self, path_of_libc()));
    words_find(&words, &self, &libc);
    errno = 77;
    struct kept_words kept = words_keep(&words, &self, thread_pointer);
    errno = 78;
    words_put_back(&self, &kept);
    ck_assert_int_eq(errno, 77);
    module_close(&libc);
}

RUN_TESTS(.set_up = open_self, .tear_down = close_self)
