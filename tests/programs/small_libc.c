/* Small correct programs of what libc itself allocates and frees: small_libc NAME. small.sh
 * compares what each says and ends with under hakmem and without. */
#include <argz.h>
#include <dirent.h>
#include <envz.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <iconv.h>
#include <ifaddrs.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <net/if.h>
#include <netdb.h>
#include <obstack.h>
#include <pwd.h>
#include <regex.h>
#include <search.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../faults/corpus/shapes.h"
#include <wchar.h>
#include <wordexp.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free  free

static void say(const char *format, long value) {
    printf(format, value);
    fflush(stdout);
}

SHAPE(sizes) {
    static const size_t alignments[] = {8, 16, 64, 4096, 1 << 16, 1 << 21, 1 << 24, 1 << 30};
    for (size_t i = 0; i < sizeof alignments / sizeof *alignments; i++) {
        void *block = NULL;
        say("%ld", posix_memalign(&block, alignments[i], i * 1000));
        say(" %ld", (long)((uintptr_t)block % alignments[i]));
        block = realloc(block, 100 + i * 5000);
        say(" %ld\n", malloc_usable_size(block) >= 100 + i * 5000);
        free(block);
    }
    void *kept = (void *)&alignments;
    say("%ld", posix_memalign(&kept, 3, 8));
    say("%ld", posix_memalign(&kept, 0, 8));
    say("%ld", posix_memalign(&kept, 4, 8));
    say("%ld", posix_memalign(&kept, 4096, SIZE_MAX - 100));
    say(" kept %ld\n", kept == (void *)&alignments);
    volatile size_t huge[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX, SIZE_MAX - 4096};
    for (size_t i = 0; i < 4; i++) {
        char *block = malloc(10);
        errno = 0;
        say("%ld", malloc(huge[i]) == NULL);
        say("%ld ", errno);
        say("%ld", calloc(huge[i], 2) == NULL);
        say("%ld", aligned_alloc(64, huge[i]) == NULL);
        say("%ld", memalign(4096, huge[i]) == NULL);
        say("%ld", pvalloc(huge[i]) == NULL);
        say("%ld", reallocarray(block, huge[i], 3) == NULL);
        say("%ld ", realloc(block, huge[i]) == NULL);
        say("%ld\n", errno);
        free(block);
    }
    char *a = malloc(0), *b = malloc(0);
    say("%ld", a && b && a != b);
    say("%ld", realloc(a, 0) == NULL);
    free(b);
    free(NULL);
    say("%ld\n", (long)malloc_usable_size(NULL));
}

SHAPE(pools) {
    struct obstack pool;
    obstack_init(&pool);
    char *first = obstack_copy0(&pool, "first", 5);
    for (int i = 0; i < 3000; i++) {
        obstack_grow(&pool, "grows ", 6);
        if (i % 100 == 99)
            (void)obstack_finish(&pool);
    }
    say("%ld ", (long)strlen(first));
    char *large = obstack_alloc(&pool, 100000);
    memset(large, 1, 100000);
    obstack_free(&pool, large);
    obstack_free(&pool, NULL);
    say("%ld\n", 0);
}

SHAPE(streams) {
    char *text = NULL;
    wchar_t *wide = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    for (int i = 0; i < 5000; i++)
        fprintf(stream, "%d,", i);
    fflush(stream);
    say("%ld ", (long)bytes);
    fseek(stream, 3, SEEK_SET);
    fputs("patched", stream);
    fclose(stream);
    say("%ld ", (long)strlen(text));
    stream = fmemopen(text, bytes, "r");
    char *line = NULL;
    size_t room = 0;
    long fields = 0;
    while (getdelim(&line, &room, ',', stream) > 0)
        fields++;
    fclose(stream);
    free(line);
    free(text);
    stream = open_wmemstream(&wide, &bytes);
    fwprintf(stream, L"%ls %d", L"wide", 7);
    fclose(stream);
    say("%ld\n", fields + (long)wcslen(wide));
    free(wide);
    for (int i = 0; i < 3; i++) {
        stream = fopen("small.txt", "w+");
        setvbuf(stream, NULL, i == 0 ? _IOFBF : i == 1 ? _IOLBF : _IONBF, i * 5000);
        for (int k = 0; k < 2000; k++)
            fprintf(stream, "line %d of %s\n", k, "the file");
        rewind(stream);
        line = NULL;
        room = 0;
        long all = 0;
        while (getline(&line, &room, stream) > 0)
            all += (long)strlen(line);
        free(line);
        fclose(stream);
        say("%ld\n", all);
    }
    char *made = NULL;
    say("%ld ", asprintf(&made, "%*d|%-20s|%.100f|%ls", 1000, 5, "left", 1.0 / 3, L"wide"));
    free(made);
    int a = 0;
    say("%ld", sscanf("12 words in text", "%d %ms", &a, &made));
    puts(made);
    free(made);
    unlink("small.txt");
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int visit(const char *path, const struct stat *info, int what, struct FTW *at) {
    (void)path, (void)info, (void)what, (void)at;
    return 0;
}

SHAPE(files) {
    struct dirent **entries;
    glob_t found;
    wordexp_t words;
    char *const roots[] = {"tree", NULL};
    mkdir("tree", 0777);
    for (int i = 0; i < 30; i++) {
        char name[64];
        snprintf(name, sizeof name, "tree/folder.%d", i);
        mkdir(name, 0777);
    }
    int count = scandir("tree", &entries, NULL, by_name);
    say("%ld ", count);
    while (count-- > 0)
        free(entries[count]);
    free(entries);
    say("%ld ", glob("tree/*.1*", GLOB_MARK, NULL, &found));
    say("%ld ", (long)found.gl_pathc);
    globfree(&found);
    say("%ld ", wordexp("a ${HOME:-b} 'c d' tree/*", &words, 0));
    say("%ld ", (long)words.we_wordc);
    wordfree(&words);
    say("%ld ", nftw("tree", visit, 3, FTW_PHYS));
    FTS *tree = fts_open(roots, FTS_PHYSICAL, NULL);
    long seen = 0;
    for (FTSENT *entry; (entry = fts_read(tree)) != NULL;)
        seen += entry->fts_info == FTS_D;
    fts_close(tree);
    char *real = realpath("tree/../tree/folder.3", NULL), *here = getcwd(NULL, 0);
    say("%ld ", seen);
    say("%ld\n", strncmp(real, here, strlen(here)));
    free(real);
    free(here);
    free(get_current_dir_name());
    DIR *folder = opendir("tree");
    long offset = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        offset++;
    closedir(folder);
    say("%ld\n", offset);
}

SHAPE(names) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *addresses = NULL;
    say("%ld ", getaddrinfo("127.0.0.1", "80", &hints, &addresses));
    freeaddrinfo(addresses);
    say("%ld ", getaddrinfo("::1", NULL, &hints, &addresses));
    freeaddrinfo(addresses);
    say("%ld ", getaddrinfo("not a number", NULL, &hints, &addresses));
    say("%ld ", getpwuid(0) && getgrgid(0));
    struct ifaddrs *interfaces = NULL;
    say("%ld ", getifaddrs(&interfaces));
    freeifaddrs(interfaces);
    struct if_nameindex *index = if_nameindex();
    say("%ld ", index != NULL);
    if_freenameindex(index);
    say("%ld\n", getservbyname("http", "tcp") != NULL || errno != ENOMEM);
    while (getpwent())
        ;
    endpwent();
}

static int compare(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

SHAPE(searches) {
    static int numbers[20000];
    void *root = NULL;
    for (int i = 0; i < 20000; i++)
        numbers[i] = (i * 7919) % 20011;
    for (int i = 0; i < 2000; i++)
        tsearch(&numbers[i], &root, compare);
    for (int i = 0; i < 1000; i++)
        tdelete(&numbers[i], &root, compare);
    say("%ld ", tfind(&numbers[1500], &root, compare) != NULL);
    while (root)
        tdelete(*(int **)root, &root, compare);
    qsort(numbers, 20000, sizeof *numbers, compare);
    say("%ld ", numbers[0] <= numbers[1] && numbers[19998] <= numbers[19999]);
    say("%ld ", hcreate(100));
    for (int i = 0; i < 50; i++) {
        ENTRY entry = {.key = "key"};
        hsearch(entry, ENTER);
    }
    hdestroy();
    char *list = NULL;
    size_t bytes = 0;
    argz_add(&list, &bytes, "one=1");
    envz_add(&list, &bytes, "two", "22");
    argz_insert(&list, &bytes, list, "zero");
    argz_replace(&list, &bytes, "one", "eleven", NULL);
    say("%ld\n", (long)argz_count(list, bytes));
    free(list);
    regex_t pattern;
    regmatch_t where[3];
    say("%ld ", regcomp(&pattern, "(a+|b)*c([d-f]{2,3})", REG_EXTENDED | REG_ICASE));
    say("%ld ", regexec(&pattern, "xxaabacDEfg", 3, where, 0));
    say("%ld\n", where[2].rm_so);
    regfree(&pattern);
}

SHAPE(locales) {
    char *old = strdup(setlocale(LC_ALL, ""));
    say("%ld ", setlocale(LC_ALL, "C.UTF-8") != NULL);
    locale_t other = newlocale(LC_ALL_MASK, "C", NULL), copy = duplocale(other);
    uselocale(copy);
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(copy);
    freelocale(other);
    iconv_t convert = iconv_open("UTF-16", "UTF-8");
    char in[] = "text", out[64], *from = in, *to = out;
    size_t left = 4, room = sizeof out;
    say("%ld ", convert == (iconv_t)-1 ? 0 : (long)iconv(convert, &from, &left, &to, &room));
    if (convert != (iconv_t)-1)
        iconv_close(convert);
    say("%ld\n", (long)room);
    setlocale(LC_ALL, old);
    free(old);
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "VARIABLE_%d", i % 50);
        setenv(name, name, 1);
        if (i % 3 == 0)
            unsetenv(name);
    }
    say("%ld ", getenv("VARIABLE_49") != NULL);
    clearenv();
    say("%ld\n", getenv("VARIABLE_49") != NULL);
}

SHAPE(children) {
    FILE *pipe = popen("echo from a child; exit 3", "r");
    char line[64] = "";
    say("%ld ", fgets(line, sizeof line, pipe) != NULL);
    say("%ld ", pclose(pipe));
    say("%ld ", system("exit 7"));
    posix_spawn_file_actions_t actions;
    char *words[] = {"sh", "-c", "exit 9", NULL};
    pid_t child;
    int status = 0;
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 20; i++)
        posix_spawn_file_actions_adddup2(&actions, 1, 20 + i);
    say("%ld ", posix_spawnp(&child, "sh", &actions, NULL, words, environ));
    posix_spawn_file_actions_destroy(&actions);
    waitpid(child, &status, 0);
    say("%ld\n", status);
    fputs(line, stdout);
}

SHAPE(statistics) {
    struct mallinfo2 (*info)(void) = NULL;
    (void)info;
    say("%ld ", mallopt(M_MMAP_THRESHOLD, 1 << 16));
    say("%ld ", mallopt(M_ARENA_MAX, 1));
    void *block = malloc(1 << 20);
    (void)malloc_trim(0);
    free(block);
    (void)malloc_trim(0);
    say("%ld\n", malloc_info(1, stdout));
}

RUN_ONE()
