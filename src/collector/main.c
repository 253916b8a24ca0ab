/* hakmem-collect: the program beside hakmem-debug.so that keeps and stores the programs' records.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>
#include "collector/keeper/keeper.h"
#include "collector/link/link.h"
#include "collector/sampled/sampled.h"
#include "collector/worker/worker.h"
#include "trace/protocol.h"
#include "version.h"
#include "report/text/text.h"

enum { STACK_BYTES = 8 << 20 };

static const char help[] =
    "hakmem-collect: stores what hakmem-debug.so records. It is started by hakmem-trace run, by\n"
    "hakmem-debug.so itself, or by its own other half; there is no need to start it by hand.\n"
    "\n"
    "USAGE\n"
    "  hakmem-collect --keeper     keep the memory of recorded programs; descriptor 3 is a socket\n"
    "                              on which the first one says hello\n"
    "  hakmem-collect --worker     drain that memory into the store; descriptor 3 is a socket to\n"
    "                              the keeper\n"
    "  hakmem-collect --profile    make a file of the copy of a heap profile in descriptor 3\n"
    "  -h, --help                  this page\n"
    "  -V, --version               the version\n";

/* Says what is wrong with the arguments on stderr. Returns 2. */
static int usage(const char *problem) {
    struct hak_text text = {0};
    hak_text_add(&text, "hakmem-collect: %s\nTry `hakmem-collect --help`.\n", problem);
    if (text.length > 0)
        fwrite(text.bytes, 1, text.length, stderr);
    hak_text_free(&text);
    return 2;
}

static bool is_socket(int descriptor) {
    struct stat about;
    return fstat(descriptor, &about) == 0 && S_ISSOCK(about.st_mode);
}

/* Finds this program's own path, as the same program is the other half. Without /proc, the path
 * that it was started by; "" = unknown. */
static void find_self(char *path, size_t bytes) {
    ssize_t length = readlink("/proc/self/exe", path, bytes - 1);
    path[length > 0 ? length : 0] = 0;
    char *started = length > 0 ? NULL : realpath((const char *)getauxval(AT_EXECFN), NULL);
    if (started)
        snprintf(path, bytes, "%s", started);
    free(started);
}

/* Makes the file of a profile that a program left in descriptor 3. Returns the exit status. */
static int make_profile(void) {
    signal(SIGXFSZ, SIG_IGN); /* a file that may not be so large is an error like others */
    int status = hak_dump_main(HAK_KEEPER_SOCKET);
    return status == 2 ? usage("descriptor 3 must be the copy of a heap profile; hakmem-debug.so "
                               "starts this program with one")
                       : status;
}

/* Does what the arguments ask: help, version, keeper, worker or a profile. Returns the exit status.
 */
static int act(int count, char **arguments) {
    static char self[HAK_PATH_BYTES];
    const char *what = count > 1 ? arguments[1] : "";
    bool revived = count > 2 && strcmp(arguments[2], "--revived") == 0;
    const char *name = count > 3 && strcmp(arguments[2], "--name") == 0 ? arguments[3] : "";
    if (strcmp(what, "-h") == 0 || strcmp(what, "--help") == 0)
        return fputs(help, stdout) < 0 || fflush(stdout) != 0;
    if (strcmp(what, "-V") == 0 || strcmp(what, "--version") == 0)
        return printf("hakmem-collect %s\n", HAK_VERSION) < 0 || fflush(stdout) != 0;
    if (strcmp(what, "--profile") == 0)
        return count > 2 ? usage("too many arguments") : make_profile();
    bool keeper = strcmp(what, "--keeper") == 0, worker = strcmp(what, "--worker") == 0;
    if (count < 2)
        return usage("one of --keeper, --worker, --profile, --help, --version is needed");
    if (!keeper && !worker) {
        char problem[256];
        snprintf(problem, sizeof problem, "unknown option '%.100s'", what);
        return usage(problem);
    }
    if (count > (keeper && revived ? 3 : keeper && name[0] ? 4 : 2))
        return usage("too many arguments");
    if (!is_socket(HAK_KEEPER_SOCKET))
        return usage("descriptor 3 must be a socket; hakmem-trace run and hakmem-debug.so start "
                     "this program with one");
    find_self(self, sizeof self);
    if (worker)
        return hak_worker_main(self, HAK_LINK_SOCKET);
    int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    return hak_keeper_main(self, HAK_KEEPER_SOCKET, name, revived);
}

struct command {
    int count, status;
    char **arguments;
};

static void *act_in_thread(void *command) {
    struct command *c = command;
    c->status = act(c->count, c->arguments);
    return NULL;
}

/* Runs everything in a thread with a stack of this size, whatever `ulimit -s` was meant for the
 * recorded program; where none can be made, in this one. */
int main(int count, char **arguments) {
    struct command command = {.count = count, .arguments = arguments};
    pthread_attr_t attributes;
    pthread_t thread;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* a lock less in each of its allocations */
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstacksize(&attributes, STACK_BYTES) != 0 ||
        pthread_setattr_default_np(&attributes) != 0 ||
        pthread_create(&thread, &attributes, act_in_thread, &command) != 0)
        return act(count, arguments);
    pthread_join(thread, NULL);
    return command.status;
}
