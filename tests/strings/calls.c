/* Every call of src/strings/calls.def at the border of a block of 16 bytes: `calls 0` fits exactly,
 * `calls 1` goes one byte (or wide character, of a block of 64 bytes) further. One line of the
 * program, and one report, for each call and direction. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <wchar.h>

enum { BYTES = 16 };

static size_t over;
static char text[64], to[1 << 16] = "", set[] = "ab";
static wchar_t wide_text[64], wide_to[1 << 14];
static int file, ends[2];
static FILE *stream;

/* What the compiler puts in the place of the common calls. */
void *__memcpy_chk(void *, const void *, size_t, size_t);
void *__memmove_chk(void *, const void *, size_t, size_t);
void *__mempcpy_chk(void *, const void *, size_t, size_t);
void *__mempcpy(void *, const void *, size_t);
void *__memset_chk(void *, int, size_t, size_t);
void __explicit_bzero_chk(void *, size_t, size_t);
int __memcmpeq(const void *, const void *, size_t);
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
    NARROW((void)!__memcmpeq(r, text, n))
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
    WIDE((void)!wcscmp(r, wide_text))
    WIDE((void)!wcscoll(r, wide_text))
    WIDE((void)!wcsncmp(r, wide_text, n))
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
    NARROW(list_sprintf(w, "%.1f%s", 1.5, text + 3))
    NARROW(list_sprintf_chk(w, "%.1f%s", 1.5, text + 3))
    NARROW(list_snprintf(w, 64, "%.1f%s", 1.5, text + 3))
    NARROW(list_snprintf_chk(w, 64, "%.1f%s", 1.5, text + 3))
}

static void pass(size_t n) {
    struct iovec pieces[2];
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    FILE *out_stream = fopen("/dev/null", "w");
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
    NARROW(pieces[1] = ((struct iovec){w, 64}); (void)!recvmsg(socket_with(4 + n), &message, 0))
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
    fclose(out_stream);
    close(out);
}

int main(int count, char **arguments) {
    over = count > 1 && arguments[1][0] == '1';
    size_t n = BYTES + over;
    memset(text, 'a', n - 1);
    wmemset(wide_text, L'a', n - 1);
    file = open("content", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    stream = fdopen(file, "r");
    if (!stream || setvbuf(stream, NULL, _IONBF, 0) != 0 ||
        socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0)
        return 2;
    copy(n);
    look(n);
    join(n);
    memset(text, 'a', 63);
    pass(n);
    return 0;
}
