/* Every call of src/strings/calls.def at the border of a block of 16 bytes: `calls 0` fits exactly,
 * `calls 1` goes one byte (or wide character, of a block of 64 bytes) further. One line of the
 * program, and one report, for each call and direction. */
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <netdb.h>
#include <regex.h>
#include <search.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

enum { BYTES = 16 };

static size_t over;
static char text[64], to[1 << 16] = "", set[] = "ab";
static wchar_t wide_text[64], wide_to[1 << 14];
static int file, ends[2];
static locale_t plain;
static FILE *stream, *wide_stream, *out_stream, *wide_out_stream;

/* Calls that the compiler puts in the place of the common ones. */
void *__memcpy_chk(void *, const void *, size_t, size_t);
void *__memmove_chk(void *, const void *, size_t, size_t);
void *__mempcpy_chk(void *, const void *, size_t, size_t);
void *__mempcpy(void *, const void *, size_t);
void *__memset_chk(void *, int, size_t, size_t);
void __explicit_bzero_chk(void *, size_t, size_t);
int __memcmpeq(const void *, const void *, size_t) __attribute__((weak)); /* glibc 2.35 */
char *__strdup(const char *);
char *__strndup(const char *, size_t);
char *__stpcpy(char *, const char *);
char *__strcpy_chk(char *, const char *, size_t);
char *__stpcpy_chk(char *, const char *, size_t);
char *__strncpy_chk(char *, const char *, size_t, size_t);
char *__stpncpy_chk(char *, const char *, size_t, size_t);
char *__strcat_chk(char *, const char *, size_t);
char *__strncat_chk(char *, const char *, size_t, size_t);
wchar_t *__wmemcpy_chk(wchar_t *, const wchar_t *, size_t, size_t);
wchar_t *__wmemmove_chk(wchar_t *, const wchar_t *, size_t, size_t);
wchar_t *__wmempcpy_chk(wchar_t *, const wchar_t *, size_t, size_t);
wchar_t *__wmemset_chk(wchar_t *, wchar_t, size_t, size_t);
wchar_t *__wcscpy_chk(wchar_t *, const wchar_t *, size_t);
wchar_t *__wcpcpy_chk(wchar_t *, const wchar_t *, size_t);
wchar_t *__wcsncpy_chk(wchar_t *, const wchar_t *, size_t, size_t);
wchar_t *__wcpncpy_chk(wchar_t *, const wchar_t *, size_t, size_t);
wchar_t *__wcscat_chk(wchar_t *, const wchar_t *, size_t);
wchar_t *__wcsncat_chk(wchar_t *, const wchar_t *, size_t, size_t);
int __sprintf_chk(char *, int, size_t, const char *, ...);
int __snprintf_chk(char *, size_t, int, size_t, const char *, ...);
int __vsprintf_chk(char *, int, size_t, const char *, va_list);
int __vsnprintf_chk(char *, size_t, int, size_t, const char *, va_list);
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __pread_chk(int, void *, size_t, off_t, size_t);
ssize_t __pread64_chk(int, void *, size_t, off64_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
size_t __fread_chk(void *, size_t, size_t, size_t, FILE *);
size_t __fread_unlocked_chk(void *, size_t, size_t, size_t, FILE *);
char *__fgets_chk(char *, size_t, int, FILE *);
char *__fgets_unlocked_chk(char *, size_t, int, FILE *);
ssize_t __getdelim(char **, size_t *, int, FILE *);
char *__strtok_r(char *, const char *, char **);
int __open_2(const char *, int);
int __open64_2(const char *, int);
wchar_t *__fgetws_chk(wchar_t *, size_t, int, FILE *);
char *__getcwd_chk(char *, size_t, size_t);
char *__realpath_chk(const char *, char *, size_t);
int __xpg_strerror_r(int, char *, size_t);
ssize_t __readlink_chk(const char *, char *, size_t, size_t);
ssize_t __readlinkat_chk(int, const char *, char *, size_t, size_t);
size_t __mbstowcs_chk(wchar_t *, const char *, size_t, size_t);
size_t __wcstombs_chk(char *, const wchar_t *, size_t, size_t);
size_t __mbsrtowcs_chk(wchar_t *, const char **, size_t, mbstate_t *, size_t);
size_t __wcsrtombs_chk(char *, const wchar_t **, size_t, mbstate_t *, size_t);
size_t __mbsnrtowcs_chk(wchar_t *, const char **, size_t, size_t, mbstate_t *, size_t);
size_t __wcsnrtombs_chk(char *, const wchar_t **, size_t, size_t, mbstate_t *, size_t);
double __strtod_l(const char *, char **, locale_t);
float __strtof_l(const char *, char **, locale_t);
long double __strtold_l(const char *, char **, locale_t);
int __strcoll_l(const char *, const char *, locale_t);
int __wcscoll_l(const wchar_t *, const wchar_t *, locale_t);
size_t __strxfrm_l(char *, const char *, size_t, locale_t);
size_t __wcsxfrm_l(wchar_t *, const wchar_t *, size_t, locale_t);
size_t __strftime_l(char *, size_t, const char *, const struct tm *, locale_t);
size_t __wcsftime_l(wchar_t *, size_t, const wchar_t *, const struct tm *, locale_t);
ssize_t preadv64v2(int, const struct iovec *, int, off64_t, int);
ssize_t pwritev64v2(int, const struct iovec *, int, off64_t, int);
int __swprintf_chk(wchar_t *, size_t, int, size_t, const wchar_t *, ...);
int __vswprintf_chk(wchar_t *, size_t, int, size_t, const wchar_t *, va_list);
int __printf_chk(int, const char *, ...);
int __fprintf_chk(FILE *, int, const char *, ...);
int __dprintf_chk(int, int, const char *, ...);
int __asprintf_chk(char **, int, const char *, ...);
int __wprintf_chk(int, const wchar_t *, ...);
int __fwprintf_chk(FILE *, int, const wchar_t *, ...);
int __vprintf_chk(int, const char *, va_list);
int __vfprintf_chk(FILE *, int, const char *, va_list);
int __vdprintf_chk(int, int, const char *, va_list);
int __vasprintf_chk(char **, int, const char *, va_list);
int __vwprintf_chk(int, const wchar_t *, va_list);
int __vfwprintf_chk(FILE *, int, const wchar_t *, va_list);

/* Without the header's own function in front of it. */
void plain_error(int, int, const char *, ...) __asm__("error");
void plain_error_at_line(int, int, const char *, unsigned, const char *,
                         ...) __asm__("error_at_line");

/* Both names of each scanf, whichever the headers choose. */
#define SCANFS(names, prefix)                                                                      \
    int names##sscanf(const char *, const char *, ...) __asm__(prefix "sscanf");                   \
    int names##fscanf(FILE *, const char *, ...) __asm__(prefix "fscanf");                         \
    int names##scanf(const char *, ...) __asm__(prefix "scanf");                                   \
    int names##swscanf(const wchar_t *, const wchar_t *, ...) __asm__(prefix "swscanf");           \
    int names##fwscanf(FILE *, const wchar_t *, ...) __asm__(prefix "fwscanf");                    \
    int names##wscanf(const wchar_t *, ...) __asm__(prefix "wscanf");                              \
    int names##vsscanf(const char *, const char *, va_list) __asm__(prefix "vsscanf");             \
    int names##vfscanf(FILE *, const char *, va_list) __asm__(prefix "vfscanf");                   \
    int names##vscanf(const char *, va_list) __asm__(prefix "vscanf");                             \
    int names##vswscanf(const wchar_t *, const wchar_t *, va_list) __asm__(prefix "vswscanf");     \
    int names##vfwscanf(FILE *, const wchar_t *, va_list) __asm__(prefix "vfwscanf");              \
    int names##vwscanf(const wchar_t *, va_list) __asm__(prefix "vwscanf");
SCANFS(old_, "")
SCANFS(new_, "__isoc99_")

/* A function with a va_list, on one line: the report names it. */
#define LIST(name, call)                                                                           \
    static void list_##name(const void *format, ...) {                                             \
        va_list list;                                                                              \
        va_start(list, format);                                                                    \
        (void)!call;                                                                               \
        va_end(list);                                                                              \
    }
static char *made;
LIST(vswprintf, vswprintf(va_arg(list, wchar_t *), 64, format, list))
LIST(vswprintf_chk, __vswprintf_chk(va_arg(list, wchar_t *), 64, 0, 64, format, list))
LIST(vprintf, vprintf(format, list))
LIST(vprintf_chk, __vprintf_chk(0, format, list))
LIST(vfprintf, vfprintf(out_stream, format, list))
LIST(vfprintf_chk, __vfprintf_chk(out_stream, 0, format, list))
LIST(vdprintf, vdprintf(1, format, list))
LIST(vdprintf_chk, __vdprintf_chk(1, 0, format, list))
LIST(vasprintf, vasprintf(&made, format, list))
LIST(vasprintf_chk, __vasprintf_chk(&made, 0, format, list))
LIST(vwprintf, vwprintf(format, list))
LIST(vwprintf_chk, __vwprintf_chk(0, format, list))
LIST(vfwprintf, vfwprintf(wide_out_stream, format, list))
LIST(vfwprintf_chk, __vfwprintf_chk(wide_out_stream, 0, format, list))
LIST(vwarn, (vwarn(format, list), 0))
LIST(vwarnx, (vwarnx(format, list), 0))
LIST(old_vsscanf, old_vsscanf(text, format, list))
LIST(new_vsscanf, new_vsscanf(text, format, list))
LIST(old_vfscanf, old_vfscanf(stream, format, list))
LIST(new_vfscanf, new_vfscanf(stream, format, list))
LIST(old_vscanf, old_vscanf(format, list))
LIST(new_vscanf, new_vscanf(format, list))
LIST(old_vswscanf, old_vswscanf(wide_text, format, list))
LIST(new_vswscanf, new_vswscanf(wide_text, format, list))
LIST(old_vfwscanf, old_vfwscanf(wide_stream, format, list))
LIST(new_vfwscanf, new_vfwscanf(wide_stream, format, list))
LIST(old_vwscanf, old_vwscanf(format, list))
LIST(new_vwscanf, new_vwscanf(format, list))

/* A string of so many bytes, its end included; without an end where it goes further than its block.
 */
static char *string(size_t bytes) {
    char *s = malloc(BYTES);
    memset(s, 'a', BYTES);
    if (bytes <= BYTES)
        s[bytes - 1] = 0;
    return s;
}
static wchar_t *wide_string(size_t units) {
    wchar_t *s = malloc(BYTES * sizeof *s);
    wmemset(s, L'a', BYTES);
    if (units <= BYTES)
        s[units - 1] = 0;
    return s;
}
static int from_start(size_t bytes) {
    if (ftruncate(file, 0) != 0 || pwrite(file, text, bytes, 0) != (ssize_t)bytes)
        exit(3);
    (void)lseek(file, 0, SEEK_SET);
    return file;
}
static FILE *stream_of(size_t bytes) {
    (void)from_start(bytes);
    rewind(stream);
    return stream;
}
static FILE *wide_stream_of(size_t bytes) {
    (void)from_start(bytes);
    rewind(wide_stream);
    return wide_stream;
}
static FILE *input_of(size_t bytes) {
    return stdin = stream_of(bytes);
}
static FILE *wide_input_of(size_t bytes) {
    return stdin = wide_stream_of(bytes);
}
/* Makes a string of digits alone, in front of its end. */
static char *number(char *s) {
    for (int i = 0; i < BYTES && s[i]; i++)
        s[i] = '7';
    return s;
}
static wchar_t *wide_number(wchar_t *s) {
    for (int i = 0; i < BYTES && s[i]; i++)
        s[i] = L'7';
    return s;
}
/* A file that nobody can make. */
static char *absent(char *s) {
    return memcpy(s, "/proc/", 6);
}
/* A string whose first token was taken, and whose second ends at the block's end, or behind.
 */
static char before_end;
static char *two_tokens(char *s) {
    char *end = s + BYTES - !over;
    before_end = *end;
    s[1] = 'z';
    (void)!strtok(s, "z");
    *end = 0; /* not before: the look at that call would tell of it */
    return end;
}
static int compare(const void *a, const void *b) {
    (void)a, (void)b;
    return 0; /* in order as they are: nothing is written */
}
static int differ(const void *a, const void *b) {
    (void)a, (void)b;
    return 1;
}
static int socket_with(size_t bytes) {
    if (send(ends[0], text, bytes, 0) != (ssize_t)bytes)
        exit(3);
    return ends[1];
}
static int list_sprintf(char *block, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vsprintf(block, format, list);
    va_end(list);
    return length;
}
static int list_sprintf_chk(char *block, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = __vsprintf_chk(block, 0, 64, format, list);
    va_end(list);
    return length;
}
static int list_snprintf(char *block, size_t bytes, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vsnprintf(block, bytes, format, list);
    va_end(list);
    return length;
}
static int list_snprintf_chk(char *block, size_t bytes, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = __vsnprintf_chk(block, bytes, 0, 64, format, list);
    va_end(list);
    return length;
}

/* Each with its own blocks: w to be written, r a string that is read. */
#define NARROW(statement)                                                                          \
    {                                                                                              \
        char *w = calloc(1, BYTES), *r = string(n);                                                \
        statement;                                                                                 \
        free(w);                                                                                   \
        free(r);                                                                                   \
    }
#define WIDE(statement)                                                                            \
    {                                                                                              \
        wchar_t *w = calloc(BYTES, sizeof *w), *r = wide_string(n);                                \
        statement;                                                                                 \
        free(w);                                                                                   \
        free(r);                                                                                   \
    }

static void copy(size_t n) {
    NARROW(memcpy(w, text, n))
    NARROW(memcpy(to, r, n))
    NARROW(memmove(w, text, n))
    NARROW(memmove(to, r, n))
    NARROW(mempcpy(w, text, n))
    NARROW(mempcpy(to, r, n))
    NARROW(__mempcpy(w, text, n))
    NARROW(bcopy(text, w, n))
    NARROW(bcopy(r, to, n))
    NARROW(swab(text, w, (ssize_t)(n + over)))
    NARROW(swab(r, to, (ssize_t)(n + over)))
    NARROW(__memcpy_chk(w, text, n, 64))
    NARROW(__memcpy_chk(to, r, n, 64))
    NARROW(__memmove_chk(w, text, n, 64))
    NARROW(__mempcpy_chk(w, text, n, 64))
    NARROW(memccpy(w, text, 'z', n))
    NARROW(memccpy(w, text, 0, 64))
    NARROW(memccpy(to, r, over ? 'z' : 0, 64))
    NARROW(memset(w, 1, n))
    NARROW(__memset_chk(w, 1, n, 64))
    NARROW(bzero(w, n))
    NARROW(explicit_bzero(w, n))
    NARROW(__explicit_bzero_chk(w, n, 64))
    WIDE(wmemcpy(w, wide_text, n))
    WIDE(wmemcpy(wide_to, r, n))
    WIDE(wmemmove(w, wide_text, n))
    WIDE(wmempcpy(w, wide_text, n))
    WIDE(__wmemcpy_chk(w, wide_text, n, 64))
    WIDE(__wmemmove_chk(w, wide_text, n, 64))
    WIDE(__wmempcpy_chk(w, wide_text, n, 64))
    WIDE(wmemset(w, 1, n))
    WIDE(__wmemset_chk(w, 1, n, 64))
}

static void look(size_t n) {
    NARROW((void)!memcmp(r, text, n))
    NARROW((void)!memcmp(text, r, n))
    NARROW((void)!bcmp(r, text, n))
    NARROW((void)!(__memcmpeq ? __memcmpeq(r, text, n) : memcmp(r, text, n)))
    NARROW((void)!memrchr(r, 'z', n))
    NARROW((void)!memmem(r, n, "zz", 2))
    NARROW((void)!memmem(text, 64, r, n))
    NARROW((void)!memchr(r, 'z', n))
    NARROW((void)!memchr(r, over ? 'z' : 0, 64))
    WIDE((void)!wmemcmp(r, wide_text, n))
    WIDE((void)!wmemchr(r, L'z', n))
    NARROW((void)!strlen(r))
    NARROW((void)!strrchr(r, 'z'))
    NARROW((void)!rindex(r, 'z'))
    NARROW(free(strdup(r)))
    NARROW(free(__strdup(r)))
    NARROW(free(strndup(r, 64)))
    NARROW(free(__strndup(r, 64)))
    NARROW(puts(r))
    NARROW(fputs(r, stdout))
    NARROW((void)!strnlen(r, 64))
    NARROW((void)!strchr(r, 'z'))
    NARROW((void)!index(r, 'z'))
    NARROW((void)!strchrnul(r, 'z'))
    NARROW((void)!strstr(r, "zz"))
    NARROW((void)!strstr(text, r))
    NARROW((void)!strcasestr(r, "ZZ"))
    NARROW((void)!strspn(r, set))
    NARROW((void)!strcspn(r, "yz"))
    NARROW((void)!strpbrk(r, "yz"))
    NARROW((void)!strcmp(r, text))
    NARROW((void)!strcmp(text, r))
    NARROW((void)!strcoll(r, text))
    NARROW((void)!strcasecmp(r, text))
    NARROW((void)!strncmp(r, text, n))
    NARROW((void)!strncasecmp(text, r, n))
    WIDE((void)!wcslen(r))
    WIDE((void)!wcsrchr(r, L'z'))
    WIDE(free(wcsdup(r)))
    WIDE((void)!wcsnlen(r, 64))
    WIDE((void)!wcschr(r, L'z'))
    WIDE((void)!wcsstr(r, L"zz"))
    WIDE((void)!wcsspn(r, L"ab"))
    WIDE((void)!wcscspn(r, L"yz"))
    WIDE((void)!wcspbrk(r, L"yz"))
    WIDE((void)!wcscmp(r, wide_text))
    WIDE((void)!wcscasecmp(r, wide_text))
    WIDE((void)!wcsncasecmp(r, wide_text, n))
    WIDE((void)!wcscoll(r, wide_text))
    WIDE((void)!wcsncmp(r, wide_text, n))
    NARROW((void)!strverscmp(r, text))
    NARROW((void)!strcoll_l(r, text, plain))
    NARROW((void)!__strcoll_l(text, r, plain))
    NARROW((void)!strcasecmp_l(r, text, plain))
    NARROW((void)!strncasecmp_l(r, text, n, plain))
    WIDE((void)!wcscoll_l(r, wide_text, plain))
    WIDE((void)!__wcscoll_l(wide_text, r, plain))
    WIDE((void)!wcscasecmp_l(r, wide_text, plain))
    WIDE((void)!wcsncasecmp_l(r, wide_text, n, plain))
    NARROW(strxfrm(to, r, 64))
    WIDE(wcsxfrm(wide_to, r, 64))
    NARROW((void)!strxfrm_l(to, r, 64, plain))
    NARROW((void)!__strxfrm_l(to, r, 64, plain))
    WIDE((void)!wcsxfrm_l(wide_to, r, 64, plain))
    WIDE((void)!__wcsxfrm_l(wide_to, r, 64, plain))
    NARROW(qsort(w, n, 1, compare))
    NARROW((void)!bsearch(text, w, n, 1, compare))
    NARROW(size_t count = n; (void)!lfind(text, w, &count, 1, differ))
    NARROW(size_t count = n - 1; (void)!lsearch(text, w, &count, 1, differ))
}

static void parse(size_t n) {
    char *rest;
    wchar_t *wide_rest;
    NARROW((void)!strtok(r, "z"))
    NARROW((void)!strtok_r(r, "z", &rest))
    NARROW(rest = r; (void)!strtok_r(NULL, "z", &rest))
    NARROW((void)!__strtok_r(r, "z", &rest))
    WIDE((void)!wcstok(r, L"z", &wide_rest))
    NARROW(rest = r; (void)!strsep(&rest, "z"))
    NARROW((void)!atoi(number(r)))
    NARROW((void)!atol(number(r)))
    NARROW((void)!atoll(number(r)))
    NARROW((void)!atof(number(r)))
    NARROW((void)!strtod(number(r), NULL))
    NARROW((void)!strtof(number(r), NULL))
    NARROW((void)!strtold(number(r), NULL))
    NARROW((void)!strtol(number(r), NULL, 10))
    NARROW((void)!strtoll(number(r), NULL, 0))
    NARROW((void)!strtoul(r, NULL, 16))
    NARROW((void)!strtoull(number(r), NULL, 8))
    NARROW((void)!strtoimax(number(r), NULL, 10))
    NARROW((void)!strtoumax(number(r), NULL, 10))
    NARROW(char *rest_of = two_tokens(r); (void)!strtok(NULL, "z"); *rest_of = before_end)
    NARROW((void)!strtod_l(number(r), NULL, plain))
    NARROW((void)!strtof_l(number(r), NULL, plain))
    NARROW((void)!strtold_l(number(r), NULL, plain))
    NARROW((void)!__strtod_l(number(r), NULL, plain))
    NARROW((void)!__strtof_l(number(r), NULL, plain))
    NARROW((void)!__strtold_l(number(r), NULL, plain))
    NARROW((void)!strtol_l(number(r), NULL, 10, plain))
    NARROW((void)!strtoll_l(number(r), NULL, 10, plain))
    NARROW((void)!strtoul_l(number(r), NULL, 10, plain))
    NARROW((void)!strtoull_l(number(r), NULL, 10, plain))
    WIDE((void)!wcstod(wide_number(r), NULL))
    WIDE((void)!wcstof(wide_number(r), NULL))
    WIDE((void)!wcstold(wide_number(r), NULL))
    WIDE((void)!wcstol(wide_number(r), NULL, 10))
    WIDE((void)!wcstoll(wide_number(r), NULL, 10))
    WIDE((void)!wcstoul(wide_number(r), NULL, 10))
    WIDE((void)!wcstoull(wide_number(r), NULL, 10))
    WIDE((void)!wcstoimax(wide_number(r), NULL, 10))
    WIDE((void)!wcstoumax(wide_number(r), NULL, 10))
}

static void name(size_t n) {
    struct stat status;
    struct statvfs room;
    struct in_addr address;
    struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST}, *found;
    regex_t expression;
    pid_t child;
    char *const empty[] = {NULL};
    NARROW(perror(r))
    NARROW((void)!getenv(r))
    NARROW((void)!setenv(r, "", 1))
    NARROW((void)!setenv("VALUE", r, 1))
    NARROW((void)!open(absent(r), O_RDONLY))
    NARROW((void)!open64(absent(r), O_RDONLY))
    NARROW((void)!__open_2(absent(r), O_RDONLY))
    NARROW((void)!__open64_2(absent(r), O_RDONLY))
    NARROW((void)!openat(AT_FDCWD, absent(r), O_RDONLY))
    NARROW((void)!openat64(AT_FDCWD, absent(r), O_RDONLY))
    NARROW((void)!fopen(absent(r), "r"))
    NARROW((void)!fopen64(absent(r), "r"))
    NARROW((void)!opendir(absent(r)))
    NARROW((void)!access(absent(r), 0))
    NARROW((void)!stat(absent(r), &status))
    NARROW((void)!stat64(absent(r), (void *)&status))
    NARROW((void)!lstat(absent(r), &status))
    NARROW((void)!lstat64(absent(r), (void *)&status))
    NARROW((void)!unlink(absent(r)))
    NARROW((void)!remove(absent(r)))
    NARROW((void)!mkdir(absent(r), 0))
    NARROW((void)!rmdir(absent(r)))
    NARROW((void)!chdir(absent(r)))
    NARROW((void)!rename(absent(r), "there"))
    NARROW((void)!rename("/proc/absent", r))
    NARROW((void)!secure_getenv(r))
    NARROW((void)!chroot(absent(r)))
    NARROW((void)!chmod(absent(r), 0))
    NARROW((void)!chown(absent(r), 0, 0))
    NARROW((void)!lchown(absent(r), 0, 0))
    NARROW((void)!creat(absent(r), 0))
    NARROW((void)!creat64(absent(r), 0))
    NARROW((void)!truncate(absent(r), 0))
    NARROW((void)!truncate64(absent(r), 0))
    NARROW((void)!mkfifo(absent(r), 0))
    NARROW((void)!mkdtemp(absent(r)))
    NARROW((void)!mkstemp(absent(r)))
    NARROW((void)!statvfs(absent(r), &room))
    NARROW((void)!pathconf(absent(r), _PC_NAME_MAX))
    NARROW((void)!unsetenv(r))
    NARROW((void)!putenv(r))
    NARROW((void)!setlocale(LC_ALL, r))
    NARROW((void)!inet_addr(r))
    NARROW((void)!inet_aton(r, &address))
    NARROW((void)!inet_pton(AF_INET, r, &address))
    NARROW((void)!fdopen(-1, r))
    NARROW((void)!faccessat(AT_FDCWD, absent(r), 0, 0))
    NARROW((void)!fstatat(AT_FDCWD, absent(r), &status, 0))
    NARROW((void)!mkdirat(AT_FDCWD, absent(r), 0))
    NARROW((void)!unlinkat(AT_FDCWD, absent(r), 0))
    NARROW((void)!link(absent(r), "there"))
    NARROW((void)!symlink("there", absent(r)))
    NARROW((void)!linkat(AT_FDCWD, "/proc/absent", AT_FDCWD, absent(r), 0))
    NARROW((void)!renameat(AT_FDCWD, absent(r), AT_FDCWD, "there"))
    NARROW((void)!symlinkat("there", AT_FDCWD, absent(r)))
    NARROW((void)!fnmatch(r, "b", 0))
    NARROW((void)!getaddrinfo(r, NULL, &numeric, &found))
    NARROW((void)!readlink(absent(r), to, 64))
    NARROW((void)!realpath(absent(r), to))
    NARROW(if (regcomp(&expression, r, 0) == 0) regfree(&expression))
    NARROW((void)!freopen(absent(r), "r", fopen("/dev/null", "r")))
    NARROW((void)!freopen64(absent(r), "r", fopen("/dev/null", "r")))
    NARROW((void)!execv(absent(r), empty))
    NARROW((void)!execvp("/proc/absent", (char *[]){r, NULL}))
    NARROW((void)!execve("/proc/absent", (char *[]){"", r, NULL}, empty))
    NARROW((void)!execvpe("/proc/absent", empty, (char *[]){r, NULL}))
    NARROW((void)!execl(absent(r), "", NULL))
    NARROW((void)!execlp("/proc/absent", "", "", "", "", "", "", r, NULL))
    NARROW((void)!execle("/proc/absent", "", NULL, (char *[]){r, NULL}))
    NARROW((void)!posix_spawn(&child, absent(r), NULL, NULL, empty, empty))
    NARROW((void)!posix_spawnp(&child, "/proc/absent", NULL, NULL, (char *[]){r, NULL}, empty))
}

/* Strings that a format reads. */
static void print(size_t n) {
    NARROW(sprintf(to, "%s", r))
    NARROW(snprintf(to, 64, "%s", r))
    NARROW(printf("%s", r))
    NARROW(fprintf(out_stream, "%g %d %*.*s %s", .5, 1, 2, -1, "", r))
    NARROW(dprintf(1, "%.64s", r))
    NARROW((void)!asprintf(&made, "%2$s %1$d", 1, r))
    NARROW(__printf_chk(0, "%s", r))
    NARROW(__fprintf_chk(out_stream, 0, "%Lf %d %d %d %d %s", 1.L, 1, 2, 3, 4, r))
    NARROW(__dprintf_chk(1, 0, "%s", r))
    NARROW(__asprintf_chk(&made, 0, "%s", r))
    NARROW(warn("%s", r))
    NARROW(warnx("%s", r))
    NARROW(plain_error(0, 0, "%s", r))
    NARROW(plain_error_at_line(0, 0, "", 1, "%s", r))
    NARROW(list_vprintf("%s", r))
    NARROW(list_vprintf_chk("%s", r))
    NARROW(list_vfprintf("%f %s", .5, r))
    NARROW(list_vfprintf_chk("%s", r))
    NARROW(list_vdprintf("%s", r))
    NARROW(list_vdprintf_chk("%s", r))
    NARROW(list_vasprintf("%s", r))
    NARROW(list_vasprintf_chk("%s", r))
    NARROW(list_vwarn("%s", r))
    NARROW(list_vwarnx("%s", r))
    NARROW(fputs_unlocked(r, out_stream))
    WIDE(fputws(r, wide_out_stream))
    WIDE(fprintf(out_stream, "%ls", r))
    WIDE(swprintf(wide_to, 64, L"%ls", r))
    WIDE(wprintf(L"%ls", r))
    WIDE(fwprintf(wide_out_stream, L"%S", r))
    WIDE(__wprintf_chk(0, L"%ls", r))
    WIDE(__fwprintf_chk(wide_out_stream, 0, L"%ls", r))
    WIDE(list_vwprintf(L"%ls", r))
    WIDE(list_vwprintf_chk(L"%ls", r))
    WIDE(list_vfwprintf(L"%ls", r))
    WIDE(list_vfwprintf_chk(L"%ls", r))
    NARROW(fwprintf(wide_out_stream, L"%s", r))
}

/* Scans a string in `text`, without its end. */
static void scan(size_t n) {
    NARROW((void)!old_sscanf(text, "%s", w))
    NARROW((void)!new_sscanf(text, "%*1s%[a]", w + 1))
    NARROW((void)!old_sscanf(r, "%*s"))
    NARROW((void)!new_sscanf("7", "%d", (int *)(void *)(w + BYTES - 4 + over)))
    NARROW(list_old_vsscanf("%s", w))
    NARROW(list_new_vsscanf("%s", w))
    NARROW((void)!old_fscanf(stream_of(n - 1), "%s", w))
    NARROW((void)!new_fscanf(stream_of(n + 1), over ? "%17c" : "%16c", w))
    NARROW(stream_of(n - 1); list_old_vfscanf("%s", w))
    NARROW(stream_of(n - 1); list_new_vfscanf("%s", w))
    NARROW(input_of(n - 1); (void)!old_scanf("%s", w))
    NARROW(input_of(n - 1); (void)!new_scanf("%s", w))
    NARROW(input_of(n - 1); list_old_vscanf("%s", w))
    NARROW(input_of(n - 1); list_new_vscanf("%s", w))
    WIDE((void)!old_swscanf(wide_text, L"%ls", w))
    WIDE((void)!new_swscanf(wide_text, L"%ls", w))
    WIDE((void)!old_swscanf(r, L"%*ls"))
    WIDE(list_old_vswscanf(L"%ls", w))
    WIDE(list_new_vswscanf(L"%ls", w))
    WIDE((void)!old_fwscanf(wide_stream_of(n - 1), L"%ls", w))
    WIDE((void)!new_fwscanf(wide_stream_of(n - 1), L"%ls", w))
    WIDE(wide_stream_of(n - 1); list_old_vfwscanf(L"%ls", w))
    WIDE(wide_stream_of(n - 1); list_new_vfwscanf(L"%ls", w))
    WIDE(wide_input_of(n - 1); (void)!old_wscanf(L"%ls", w))
    WIDE(wide_input_of(n - 1); (void)!new_wscanf(L"%ls", w))
    WIDE(wide_input_of(n - 1); list_old_vwscanf(L"%ls", w))
    WIDE(wide_input_of(n - 1); list_new_vwscanf(L"%ls", w))
}

/* `text` is a string of n bytes, its end included. */
static void join(size_t n) {
    NARROW(strcpy(w, text))
    NARROW(strcpy(to, r))
    NARROW(stpcpy(w, text))
    NARROW(__stpcpy(w, text))
    NARROW(__strcpy_chk(w, text, 64))
    NARROW(__stpcpy_chk(w, text, 64))
    NARROW(strncpy(w, "b", n))
    NARROW(strncpy(to, r, n))
    NARROW(stpncpy(w, "b", n))
    NARROW(__strncpy_chk(w, "b", n, 64))
    NARROW(__stpncpy_chk(w, "b", n, 64))
    NARROW(strcpy(w, "b"); strcat(w, text + 1))
    NARROW(to[0] = 0; strcat(to, r))
    NARROW(strcpy(w, "b"); __strcat_chk(w, text + 1, 64))
    NARROW(strcpy(w, "b"); strncat(w, text + 1, 60))
    NARROW(strcpy(w, "b"); strncat(w, wide_text[0] ? "zzzzzzzzzzzzzzzzzzzzzzzz" : "", n - 2))
    NARROW(strcpy(w, "b"); __strncat_chk(w, text + 1, 60, 64))
    WIDE(wcscpy(w, wide_text))
    WIDE(wcscpy(wide_to, r))
    WIDE(wcpcpy(w, wide_text))
    WIDE(__wcscpy_chk(w, wide_text, 64))
    WIDE(__wcpcpy_chk(w, wide_text, 64))
    WIDE(wcsncpy(w, L"b", n))
    WIDE(wcpncpy(w, L"b", n))
    WIDE(__wcsncpy_chk(w, L"b", n, 64))
    WIDE(__wcpncpy_chk(w, L"b", n, 64))
    WIDE(wcscpy(w, L"b"); wcscat(w, wide_text + 1))
    WIDE(wcscpy(w, L"b"); __wcscat_chk(w, wide_text + 1, 64))
    WIDE(wcscpy(w, L"b"); wcsncat(w, wide_text + 1, 60))
    WIDE(wcscpy(w, L"b"); __wcsncat_chk(w, wide_text + 1, 60, 64))
    NARROW(sprintf(w, "%.1f%s", 1.5, text + 3))
    NARROW(__sprintf_chk(w, 0, 64, "%.1f%s", 1.5, text + 3))
    NARROW(snprintf(w, 64, "%d%s", 7, text + 1))
    NARROW(__snprintf_chk(w, 64, 0, 64, "%d%s", 7, text + 1))
    NARROW(snprintf(w, n, "%d %d %d %d %d %d %d %s", 1, 2, 3, 4, 5, 6, 7, text))
    WIDE(swprintf(w, 64, L"%d%ls", 7, wide_text + 1))
    WIDE(swprintf(w, n + over, L"%ls%ls", wide_text, wide_text))
    WIDE(__swprintf_chk(w, 64, 0, 64, L"%.1f%ls", 1.5, wide_text + 3))
    WIDE(list_vswprintf(L"%d%ls", w, 7, wide_text + 1))
    WIDE(list_vswprintf_chk(L"%d%ls", w, 7, wide_text + 1))
    NARROW(strxfrm(w, text, 64))
    WIDE(wcsxfrm(w, wide_text, 64))
    NARROW((void)!strxfrm_l(w, text, 64, plain))
    WIDE((void)!wcsxfrm_l(w, wide_text, 64, plain))
    NARROW(list_sprintf(w, "%.1f%s", 1.5, text + 3))
    NARROW(list_sprintf_chk(w, "%.1f%s", 1.5, text + 3))
    NARROW(list_snprintf(w, 64, "%.1f%s", 1.5, text + 3))
    NARROW(list_snprintf_chk(w, 64, "%.1f%s", 1.5, text + 3))
}

static void pass(size_t n) {
    struct iovec pieces[2];
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    struct mmsghdr many = {.msg_hdr = message};
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    NARROW((void)!write(out, r, n))
    NARROW((void)!pwrite(out, r, n, 0))
    NARROW((void)!pwrite64(out, r, n, 0))
    NARROW((void)!send(ends[0], r, n, 0); (void)!read(ends[1], to, 64))
    NARROW((void)!sendto(ends[0], r, n, 0, NULL, 0); (void)!read(ends[1], to, 64))
    NARROW((void)!fwrite(r, n, 1, out_stream))
    NARROW((void)!fwrite_unlocked(r, 1, n, out_stream))
    NARROW((void)!read(from_start(n), w, 64))
    NARROW((void)!pread(from_start(n), w, 64, 0))
    NARROW((void)!pread64(from_start(n), w, 64, 0))
    NARROW((void)!__read_chk(from_start(n), w, 64, 64))
    NARROW((void)!__pread_chk(from_start(n), w, 64, 0, 64))
    NARROW((void)!__pread64_chk(from_start(n), w, 64, 0, 64))
    NARROW((void)!recv(socket_with(n), w, 64, 0))
    NARROW((void)!recvfrom(socket_with(n), w, 64, 0, NULL, NULL))
    NARROW((void)!__recv_chk(socket_with(n), w, 64, 64, 0))
    NARROW((void)!__recvfrom_chk(socket_with(n), w, 64, 64, 0, NULL, NULL))
    pieces[0] = (struct iovec){to, 4};
    NARROW(pieces[1] = ((struct iovec){w, 64}); (void)!readv(from_start(4 + n), pieces, 2))
    NARROW(pieces[1] = ((struct iovec){w, 64}); (void)!preadv(from_start(4 + n), pieces, 2, 0))
    NARROW(pieces[1] = ((struct iovec){w, 64}); (void)!preadv64(from_start(4 + n), pieces, 2, 0))
    NARROW(pieces[1] = ((struct iovec){w, 64}); (void)!preadv2(from_start(4 + n), pieces, 2, 0, 0))
    NARROW(pieces[1] = ((struct iovec){w, 64});
           (void)!preadv64v2(from_start(4 + n), pieces, 2, 0, 0))
    NARROW(pieces[1] = ((struct iovec){w, 64}); (void)!recvmsg(socket_with(4 + n), &message, 0))
    NARROW(pieces[1] = ((struct iovec){w, 64});
           (void)!recvmmsg(socket_with(4 + n), &many, 1, 0, NULL))
    NARROW((void)!fread(w, 1, 64, stream_of(n)))
    NARROW((void)!fread_unlocked(w, 1, 64, stream_of(n)))
    NARROW((void)!__fread_chk(w, 64, 1, 64, stream_of(n)))
    NARROW((void)!__fread_unlocked_chk(w, 64, 1, 64, stream_of(n)))
    NARROW((void)!fgets(w, 64, stream_of(n - 1)))
    NARROW((void)!fgets_unlocked(w, 64, stream_of(n - 1)))
    NARROW((void)!__fgets_chk(w, 64, 64, stream_of(n - 1)))
    NARROW((void)!__fgets_unlocked_chk(w, 64, 64, stream_of(n - 1)))
    size_t room = 64;
    NARROW((void)!getline(&w, &room, stream_of(n - 1)))
    NARROW((void)!getdelim(&w, &room, 'z', stream_of(n - 1)))
    NARROW((void)!__getdelim(&w, &room, 'z', stream_of(n - 1)))
    WIDE((void)!fgetws(w, 64, wide_stream_of(n - 1)))
    WIDE((void)!__fgetws_chk(w, 64, 64, wide_stream_of(n - 1)))
    pieces[0] = (struct iovec){"b", 1};
    NARROW(pieces[1] = ((struct iovec){r, n}); (void)!writev(out, pieces, 2))
    NARROW(pieces[1] = ((struct iovec){r, n}); (void)!pwritev(out, pieces, 2, 0))
    NARROW(pieces[1] = ((struct iovec){r, n}); (void)!pwritev64(out, pieces, 2, 0))
    NARROW(pieces[1] = ((struct iovec){r, n}); (void)!pwritev2(out, pieces, 2, 0, 0))
    NARROW(pieces[1] = ((struct iovec){r, n}); (void)!pwritev64v2(out, pieces, 2, 0, 0))
    NARROW(pieces[1] = ((struct iovec){r, n}); (void)!sendmsg(ends[0], &message, 0))
    NARROW(pieces[1] = ((struct iovec){r, n}); (void)!sendmmsg(ends[0], &many, 1, 0))
    close(out);
}

/* At the end of a block of `bytes` bytes, or one less. */
#define EXACT(bytes, statement)                                                                    \
    {                                                                                              \
        char *w = malloc(-over + (bytes));                                                         \
        statement;                                                                                 \
        free(w);                                                                                   \
    }
static void fill(size_t n) {
    time_t now = 0;
    struct tm *day = gmtime(&now);
    NARROW((void)!getrandom(w, n, 0))
    NARROW((void)!readlink("link", w, 64))
    NARROW((void)!readlinkat(AT_FDCWD, "link", w, 64))
    NARROW((void)!__readlink_chk("link", w, 64, 64))
    NARROW((void)!__readlinkat_chk(AT_FDCWD, "link", w, 64, 64))
    EXACT(8, (void)!inet_ntop(AF_INET, "\1\1\1\1", w, 64))
    EXACT(2, (void)!realpath("/", w))
    EXACT(2, (void)!__realpath_chk("/", w, PATH_MAX))
    EXACT(26, (void)!ctime_r(&now, w))
    EXACT(26, (void)!asctime_r(day, w))
    EXACT(sizeof "Success", (void)!__xpg_strerror_r(0, w, 64))
    NARROW((void)!strftime(w, 64, text, day))
    WIDE((void)!wcsftime(w, 64, wide_text, day))
    NARROW((void)!strftime_l(w, 64, text, day, plain))
    NARROW((void)!__strftime_l(w, 64, text, day, plain))
    WIDE((void)!wcsftime_l(w, 64, wide_text, day, plain))
    WIDE((void)!__wcsftime_l(w, 64, wide_text, day, plain))
    WIDE((void)!mbstowcs(w, text, 64))
    WIDE((void)!__mbstowcs_chk(w, text, 64, 64))
    NARROW((void)!wcstombs(w, wide_text, 64))
    NARROW((void)!__wcstombs_chk(w, wide_text, 64, 64))
    NARROW((void)!mbstowcs(wide_to, r, 64))
    WIDE((void)!wcstombs(to, r, 64))
    WIDE(const char *s = text; (void)!mbsrtowcs(w, &s, 64, NULL))
    WIDE(const char *s = text; (void)!__mbsrtowcs_chk(w, &s, 64, NULL, 64))
    WIDE(const char *s = text; (void)!mbsnrtowcs(w, &s, 64, 64, NULL))
    WIDE(const char *s = text; (void)!__mbsnrtowcs_chk(w, &s, 64, 64, NULL, 64))
    NARROW(const wchar_t *s = wide_text; (void)!wcsrtombs(w, &s, 64, NULL))
    NARROW(const wchar_t *s = wide_text; (void)!__wcsrtombs_chk(w, &s, 64, NULL, 64))
    NARROW(const wchar_t *s = wide_text; (void)!wcsnrtombs(w, &s, 64, 64, NULL))
    NARROW(const wchar_t *s = wide_text; (void)!__wcsnrtombs_chk(w, &s, 64, 64, NULL, 64))
    NARROW(const char *s = r; (void)!mbsrtowcs(wide_to, &s, 64, NULL))
    WIDE(const wchar_t *s = r; (void)!wcsnrtombs(to, &s, 64, 64, NULL))
    EXACT(sizeof "/bin:/usr/bin", (void)!confstr(_CS_PATH, w, 64))
    EXACT(sizeof "Unknown error 99999", (void)!strerror_r(99999, w, 64))
    if (chdir("/") != 0)
        exit(3);
    EXACT(2, (void)!getcwd(w, 64))
    EXACT(2, (void)!__getcwd_chk(w, 64, 64))
}

int main(int count, char **arguments) {
    over = count > 1 && arguments[1][0] == '1';
    size_t n = BYTES + over;
    memset(text, 'a', n - 1);
    wmemset(wide_text, L'a', n - 1);
    plain = newlocale(LC_ALL_MASK, "C", NULL);
    file = open("content", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    stream = fdopen(file, "r");
    wide_stream = fdopen(dup(file), "r");
    out_stream = fopen("/dev/null", "w");
    wide_out_stream = fopen("/dev/null", "w");
    /* The kernel refuses to send a block that happens to be guarded and ends too early: nobody
     * waits for it then. */
    if (!stream || !wide_stream || !out_stream || !wide_out_stream ||
        setvbuf(stream, NULL, _IONBF, 0) != 0 || setvbuf(wide_stream, NULL, _IONBF, 0) != 0 ||
        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) != 0)
        return 2;
    copy(n);
    look(n);
    parse(n);
    name(n);
    print(n);
    scan(n);
    join(n);
    memset(text, 'a', 63);
    pass(n);
    text[n] = 0;
    (void)unlink("link");
    if (symlink(text, "link") != 0)
        return 3;
    text[n - 1] = 0;
    fill(n);
    return 0;
}
