/* Ctrl-C: the first one is noted, the second one ends the command with its folder. */
#include "viewer/capture/capture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/suite.h"

/* Makes the folder with two files, and says its path. */
static const char *make_folder(char file[256]) {
    const char *folder = view_folder_make("test");
    for (int i = 1; i <= 2 && folder; i++) {
        snprintf(file, 256, "%s/%d", folder, i);
        FILE *made = fopen(file, "w");
        ck_assert_ptr_nonnull(made);
        fclose(made);
    }
    return folder;
}

/* Two signals in a child: writes the path of its folder in between. */
static void interrupt_twice(int to) {
    char file[256];
    signal(SIGINT, SIG_DFL);
    view_heed_interrupt();
    const char *folder = make_folder(file);
    raise(SIGINT);
    if (folder && view_is_interrupted() && access(file, F_OK) == 0 &&
        write(to, folder, strlen(folder)) > 0)
        raise(SIGINT);
    _exit(1);
}

TEST(the_second_one_ends_the_command_with_its_folder) {
    char folder[256] = "";
    int path[2], status;
    ck_assert_int_eq(pipe(path), 0);
    pid_t child = fork();
    if (child == 0)
        interrupt_twice(path[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_gt(read(path[0], folder, sizeof folder - 1), 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    ck_assert_int_ne(access(folder, F_OK), 0);
    close(path[0]);
    close(path[1]);
}

TEST(a_folder_is_one_until_it_is_removed) {
    char file[256], folder[256];
    snprintf(folder, sizeof folder, "%s", make_folder(file));
    ck_assert_str_eq(folder, view_folder_make("test"));
    view_folder_remove();
    ck_assert_int_ne(access(folder, F_OK), 0);
    ck_assert_str_ne(folder, view_folder_make("test"));
    view_folder_remove();
    view_folder_remove();
}

RUN_TESTS()
