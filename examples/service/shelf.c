// shelf: a small server of notes and pages on a Unix socket, with worker threads and a cache of rendered pages.
//
//   PUT KEY TEXT       keeps a note                    GET KEY    shows it        DROP KEY    forgets it
//   PAGE NAME?VISITOR  length and title of a page      LOGIN USER, LOGOUT         QUIT
//
// Version 2 (-DVERSION=2) greets visitors on their pages, and counts the requests of sessions. Each brought in a fault.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION 1
#endif

enum { WORKERS = 4, BUCKETS = 1024, LINE = 1024, REPLY = 2 * LINE, BATCH = 16384, PAGE_BYTES = 4000, CACHED = 500 };

static void *allocate(size_t bytes) {
    void *block = malloc(bytes);
    return block ? block : (abort(), NULL);
}

// ---- notes

struct note {
    struct note *next;
    char *text;
    char key[];
};
static struct note *notes[BUCKETS];
static pthread_mutex_t notes_lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned hash(const char *text) {
    unsigned value = 5381;
    for (; *text; text++)
        value = value * 33 + (unsigned char)*text;
    return value % BUCKETS;
}

static struct note **find_note(const char *key) {
    struct note **at = &notes[hash(key)];
    while (*at && strcmp((*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

static void put_note(const char *key, const char *text) {
    struct note **at = find_note(key);
    if (*at) {
        free((*at)->text);
    } else {
        struct note *note = *at = allocate(sizeof *note + strlen(key) + 1);
        note->next = NULL;
        strcpy(note->key, key);
    }
    (*at)->text = strcpy(allocate(strlen(text) + 1), text);
}

static void drop_note(const char *key) {
    struct note **at = find_note(key), *note = *at;
    if (!note)
        return;
    *at = note->next;
    free(note->text);
    free(note);
}

// ---- pages

struct page {
    struct page *next, *older; // in its bucket; and the one rendered before it
    char *text;
    char name[];
};
static struct page *pages[BUCKETS], *newest;
static unsigned cached;
static pthread_mutex_t pages_lock = PTHREAD_MUTEX_INITIALIZER;

static char *render_page(const char *name) {
    char *text = allocate(PAGE_BYTES);
    int used = snprintf(text, PAGE_BYTES, "Title of %s\n", name);
    memset(text + used, '.', (size_t)(PAGE_BYTES - used - 1));
    text[PAGE_BYTES - 1] = 0;
    return text;
}

static void remove_oldest(void) {
    struct page **at = &newest, **in_bucket;
    while ((*at)->older)
        at = &(*at)->older;
    struct page *oldest = *at;
    for (in_bucket = &pages[hash(oldest->name)]; *in_bucket != oldest;)
        in_bucket = &(*in_bucket)->next;
    *in_bucket = oldest->next;
    *at = NULL;
    free(oldest->text);
    free(oldest);
    cached--;
}

static struct page *cache_page(const char *name, const char *key) {
    struct page *page = pages[hash(key)];
    while (page && strcmp(page->name, key) != 0)
        page = page->next;
    if (page)
        return page;
    page = allocate(sizeof *page + strlen(key) + 1);
    *page = (struct page){.next = pages[hash(key)], .older = newest, .text = render_page(name)};
    strcpy(page->name, key);
    pages[hash(key)] = newest = page;
    // Version 2: a visitor's page is cached, too, and only those of nobody count.
    if (strcmp(name, key) == 0 && ++cached > CACHED)
        remove_oldest();
    return page;
}

static int show_page(char *target, char *reply) {
    char name[LINE];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(target, "?"), target);
    pthread_mutex_lock(&pages_lock);
    const struct page *page = cache_page(name, VERSION >= 2 ? target : name);
    int used = sprintf(reply, "%zu %.*s\n", strlen(page->text), (int)strcspn(page->text, "\n"), page->text);
    pthread_mutex_unlock(&pages_lock);
    return used;
}

// ---- sessions

struct session {
    unsigned long requests;
    char user[40];
};
static atomic_ulong requests_of_users;

static struct session *open_session(const char *user) {
    struct session *session = allocate(sizeof *session);
    *session = (struct session){0};
    snprintf(session->user, sizeof session->user, "%s", user);
    return session;
}

static void close_session(struct session *session) {
    free(session);
}

static void log_out(struct session **session) {
    if (*session) {
        close_session(*session);
        if (VERSION >= 2)
            requests_of_users += (*session)->requests;
        *session = NULL;
    }
}

// ---- requests

// Answers a request into `reply`, of at least REPLY bytes; the number of bytes, 0: the connection ends.
static int answer(char *line, struct session **session, char *reply) {
    char *save, *word = strtok_r(line, " ", &save), *key = strtok_r(NULL, " ", &save);
    if (*session)
        (*session)->requests++;
    if (!word || strcmp(word, "QUIT") == 0)
        return 0;
    if (strcmp(word, "PAGE") == 0 && key)
        return show_page(key, reply);
    if (strcmp(word, "LOGIN") == 0 && key) {
        log_out(session);
        *session = open_session(key);
    } else if (strcmp(word, "LOGOUT") == 0) {
        log_out(session);
    } else if (key) {
        pthread_mutex_lock(&notes_lock);
        const struct note *note = *find_note(key);
        int used = sprintf(reply, "%s\n", note ? note->text : "-");
        if (strcmp(word, "PUT") == 0)
            put_note(key, save);
        else if (strcmp(word, "DROP") == 0)
            drop_note(key);
        pthread_mutex_unlock(&notes_lock);
        if (strcmp(word, "GET") == 0)
            return used;
    }
    return sprintf(reply, "ok\n");
}

// Answers the whole lines in `lines`, and takes them out. False: the connection ends.
static bool answer_lines(int client, struct session **session, char *lines, size_t *used) {
    char replies[BATCH], *end, *line = lines;
    int filled = 0, replied = 1;
    for (; replied > 0 && (end = memchr(line, '\n', *used - (size_t)(line - lines))); line = end + 1) {
        *end = 0;
        filled += replied = answer(line, session, replies + filled);
        if (filled <= BATCH - REPLY)
            continue;
        if (write(client, replies, (size_t)filled) != filled)
            return false;
        filled = 0;
    }
    *used -= (size_t)(line - lines);
    memmove(lines, line, *used);
    return replied > 0 && *used < LINE && write(client, replies, (size_t)filled) == filled;
}

static void serve(int client) {
    char lines[2 * LINE];
    struct session *session = NULL;
    size_t used = 0;
    ssize_t got;
    do {
        got = read(client, lines + used, LINE);
        used += got > 0 ? (size_t)got : 0;
    } while (got > 0 && answer_lines(client, &session, lines, &used));
    if (session)
        close_session(session);
    close(client);
}

static void *work(void *listener) {
    int client;
    while ((client = accept(*(int *)listener, NULL, NULL)) >= 0)
        serve(client);
    return NULL;
}

int main(int count, char **arguments) {
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), signalled;
    pthread_t thread;
    sigset_t ends;
    snprintf(place.sun_path, sizeof place.sun_path, "%s", count > 1 ? arguments[1] : "shelf.sock");
    unlink(place.sun_path);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) != 0 || listen(listener, 64) != 0)
        return perror(place.sun_path), 1;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&thread, NULL, work, &listener);
    sigwait(&ends, &signalled);
    unlink(place.sun_path);
    return 0;
}
