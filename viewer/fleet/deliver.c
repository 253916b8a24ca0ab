/* Findings on their way: into the queue first, so that nothing is lost whatever happens then, and
 * from there to the server. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/words/words.h"
#include "store/source.h"
#include "viewer/fleet/document.h"
#include "viewer/fleet/fleet.h"
#include "viewer/fleet/sending.h"

enum {
    RUN_SECONDS = 2,   /* so long `run` waits for a server */
    PUSH_SECONDS = 30, /* and `push`, for each document */
};

/* ---- the URL ----------------------------------------------------------------------------------
 */

/* Reads one character in lower case, which may be written as %XX; returns where the next one
 * begins. */
static const char *next_character(const char *at, char *out) {
    char hex[3] = {0};
    *out = (char)tolower((unsigned char)*at);
    if (*at != '%' || !isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]))
        return at + 1;
    memcpy(hex, at + 1, 2);
    *out = (char)tolower((int)strtoul(hex, NULL, 16));
    return at + 3;
}

/* Whether the parameter at `at` is one of libpq's secrets: password, sslpassword, ..._secret. */
static bool is_secret(const char *at) {
    char key[64];
    size_t length = 0;
    while (*at && *at != '=' && *at != '&' && length + 1 < sizeof key)
        at = next_character(at, &key[length++]);
    key[length] = 0;
    return strstr(key, "password") || strstr(key, "secret");
}

/* Whether a port is no number: it is the start of a password with '/' or '?' in it, which libpq
 * takes for the end of the host. */
static bool has_odd_port(const char *host) {
    const char *end = host + strcspn(host, "/?");
    for (const char *at = host; at < end; at++) {
        if (*at == '[')
            at += strcspn(at, "]/?");
        if (*at == ':' && at + 1 < end && !strchr(",0123456789", at[1]))
            return true;
    }
    return false;
}

/* Whether a URL has a password: postgresql://USER:PASSWORD@HOST/DATABASE?KEY=VALUE&..., also where
 * it is not written as libpq wants it. */
static bool has_password(const char *url) {
    const char *begin = strstr(url, "://") + 3;
    const char *at = memrchr(begin, '@', strcspn(begin, "?"));
    if (at && memchr(begin, ':', (size_t)(at - begin)))
        return true;
    for (const char *key = strchr(begin, '?'); key; key = strpbrk(key + 1, "&?"))
        if (is_secret(key + 1))
            return true;
    return has_odd_port(at ? at + 1 : begin);
}

bool fleet_check_url(const char *who, const char *url) {
    if (!hak_source_is_url(url)) {
        view_error("%s %s: a server's URL was expected: postgresql://HOST/DATABASE", who, url);
        return false;
    }
    if (has_password(url)) {
        view_error("%s: the URL has a password, which everybody on this machine can read; put it "
                   "into ~/.pgpass or a service file, and leave it out",
                   who);
        return false;
    }
    if (strlen(url) > FLEET_URL_BYTES) {
        view_error("%s: the URL is longer than %d bytes", who, FLEET_URL_BYTES);
        return false;
    }
    return true;
}

/* "postgresql://host/db": without parameters. */
static void add_url(struct hak_text *text, const char *url) {
    hak_text_add(text, "%.*s", (int)strcspn(url, "?"), url);
}

/* ---- what is said -----------------------------------------------------------------------------
 */

/* Says how many heap profiles were sent, and how many were known or not whole. */
static void add_sent_profiles(struct hak_text *text, const struct sending *s) {
    hak_text_add(text, "%s of ", hak_words_count(s->stacks, "stack", "stacks"));
    hak_text_add(text, "%s", hak_words_count(s->pulls, "heap profile", "heap profiles"));
    if (s->known_pulls)
        hak_text_add(text, "; the server had %s already",
                     hak_words_count(s->known_pulls, "heap profile", "heap profiles"));
    if (s->joined)
        hak_text_add(text, "; %s sent as one: a push has %s at most",
                     hak_words_count(s->joined, "stack was", "stacks were"),
                     hak_words_number(DOCUMENT_STACKS));
}

/* Says how many findings of how many runs, and how many heap profiles were sent, and how many were
 * known, left out or cut. */
static void add_sent(struct hak_text *text, const struct sending *s) {
    bool has_profiles = s->is_profile || s->pulls || s->known_pulls;
    bool has_runs = !has_profiles || s->runs || s->known_runs;
    hak_text_add(text, "pushed ");
    if (has_runs) {
        hak_text_add(text, "%s of ", hak_words_count(s->findings, "finding", "findings"));
        hak_text_add(text, "%s", hak_words_count(s->runs, "run", "runs"));
    }
    hak_text_add(text, has_runs && has_profiles ? " and " : "");
    if (has_profiles)
        add_sent_profiles(text, s);
    if (s->is_first_of_other)
        hak_text_add(text, "; another push on this machine sent what this one has");
    if (s->known_runs)
        hak_text_add(text, "; the server had %s already",
                     hak_words_count(s->known_runs, "run", "runs"));
    if (s->left_out)
        hak_text_add(text, "; %s left out: a push has %s at most",
                     hak_words_count(s->left_out, "finding was", "findings were"),
                     hak_words_number(DOCUMENT_FINDINGS));
    if (s->cut)
        hak_text_add(text, "; %s cut", hak_words_count(s->cut, "long text was", "long texts were"));
}

/* Reports documents that the queue dropped since the last push, and those set aside that cannot be
 * sent; nothing without any. */
static void say_lost(const char *who, struct queue *queue, const struct sending *s) {
    uint32_t dropped = queue_take_dropped_count(queue);
    if (dropped)
        view_error("%s: %s dropped from the full queue %s since the last push", who,
                   hak_words_count(dropped, "document was", "documents were"), queue->path);
    if (s->broken)
        view_error("%s: %s set aside in %s: %s", who,
                   hak_words_count(s->broken, "document was", "documents were"), queue->path,
                   s->set_aside);
}

/* Says that documents wait, and why. */
static void say_waiting(const char *who, const struct queue *queue, const struct sending *s) {
    view_error("%s: %s; %s in %s, and `hakmem-trace push --queue` or the next push sends %s", who,
               s->why, hak_words_count(s->waiting, "document waits", "documents wait"), queue->path,
               s->waiting == 1 ? "it" : "them");
}

/* ---- a document -------------------------------------------------------------------------------
 */

/* Adds the document to the queue; where that cannot be, `s` keeps it. */
static void enqueue(struct queue *queue, const char *document, struct sending *s) {
    if (!queue_open(queue, true) || !queue_add(queue, document, strlen(document), s->first)) {
        s->document = document;
        s->first[0] = 0;
    }
}

/* Sends the document, by way of the queue, and prints what came of it. True: the server has it.
 * `earlier`: a document in the queue that has less; "" = none. */
static bool deliver(const char *who, const char *document, const char *earlier, struct sending *s,
                    struct queue *queue) {
    char no_queue[sizeof queue->why];
    enqueue(queue, document, s);
    if (s->first[0] && earlier[0])
        queue_remove(queue, earlier);
    memcpy(no_queue, queue->why, sizeof no_queue);
    if (queue->folder >= 0 && s->document) /* what others may write to is not read either */
        close(queue->folder), queue->folder = -1;
    sending_run(queue, s);
    if (!s->is_first_sent && s->document)
        view_error("%s: the %s not pushed: %s; nor can %s wait: %s", who,
                   s->is_profile ? "heap profile was" : "findings were", s->why,
                   s->is_profile ? "it" : "they", no_queue);
    else if (!s->is_first_sent && s->error)
        say_waiting(who, queue, s);
    if (s->is_first_sent && s->document)
        view_error("%s: there is no queue, should the server be away: %s", who, no_queue);
    say_lost(who, queue, s);
    return s->is_first_sent;
}

/* ---- run --------------------------------------------------------------------------------------
 */

bool fleet_settle_run(const struct view *view, const char **url) {
    *url = view_value(view, "push");
    if (!document_check_labels("run", view_value(view, "label")))
        return false;
    if (*url)
        return fleet_check_url("run --push", *url);
    *url = view_variable_value(view, "PUSH");
    if (*url && (!**url || !fleet_check_url("HAKMEM_PUSH", *url)))
        *url = NULL; /* the program runs all the same */
    return true;
}

void fleet_push_run(struct view *view, const struct findings *findings,
                    const struct fleet_early *early) {
    const char *url = early->url;
    struct queue queue = {.folder = -1};
    struct sending s = {.url = url, .seconds = RUN_SECONDS};
    sending_begin(&s);
    char *document = document_make(view, findings, url, view_value(view, "label"), 0);
    if (!document) {
        view_error("run: the findings were not pushed: out of memory");
        sending_cancel(&s);
        return;
    }
    if (deliver("run", document, fleet_early_left(early), &s, &queue) && isatty(STDERR_FILENO) &&
        !view->json) {
        struct hak_text text = {0};
        hak_text_add(&text, "hakmem: ");
        add_sent(&text, &s);
        hak_text_add(&text, " to ");
        add_url(&text, url);
        hak_text_add(&text, "\n");
        view_print_to(stderr, &text);
    }
    queue_close(&queue);
    free(document);
}

/* ---- push -------------------------------------------------------------------------------------
 */

/* Prints what was sent, as JSON or a sentence. False, and said. */
static bool print_sent(struct view *view, const struct sending *s, uint64_t capture) {
    if (view->json) {
        return view_print_json(hak_json_print(
            hak_json_set(view_json_document(view), KNOWN("capture", capture != 0, capture),
                         NUMBER("runs", s->runs), NUMBER("findings", s->findings),
                         NUMBER("known_runs", s->known_runs), NUMBER("profiles", s->pulls),
                         NUMBER("known_profiles", s->known_pulls), NUMBER("stacks", s->stacks),
                         NUMBER("stacks_joined", s->joined), NUMBER("left_out", s->left_out),
                         NUMBER("cut", s->cut), NUMBER("broken", s->broken),
                         NUMBER("busy", s->busy), NUMBER("waiting", s->waiting))));
    }
    struct hak_text text = {0};
    add_sent(&text, s);
    hak_text_add(&text, "\n");
    return view_print(&text);
}

/* Sends the findings after a whole capture, not by the queue: the server was there just now, and
 * the same push, typed again, sends both. False, and said. */
static bool deliver_now(const char *document, struct sending *s) {
    struct queue none = {.folder = -1};
    s->document = document;
    sending_run(&none, s);
    if (!s->is_first_sent)
        view_error("push: the capture is there, the findings are not: %s; the same push sends them",
                   s->why);
    return s->is_first_sent;
}

/* push --queue: sends what waits. Returns the exit status. */
static int send_queue(struct view *view) {
    struct queue queue;
    struct sending s = {.seconds = PUSH_SECONDS, .is_each = true};
    if (!queue_open(&queue, false)) {
        view_error("push --queue: %s", queue.why);
        queue_close(&queue);
        return VIEW_UNREADABLE;
    }
    sending_run(&queue, &s);
    print_sent(view, &s, 0);
    if (s.error)
        say_waiting("push --queue", &queue, &s);
    else if (s.busy)
        view_error("push --queue: another process sends %s of them",
                   hak_words_count(s.busy, "one", "some"));
    say_lost("push --queue", &queue, &s);
    queue_close(&queue);
    return s.error ? VIEW_UNREADABLE : s.broken ? VIEW_INCOMPLETE : VIEW_OK;
}

/* Pushes the capture's findings; with a capture's number at once, else through the queue. Returns
 * the exit status. */
static int push_of(struct view *view, uint64_t capture, struct sending *s) {
    struct findings findings;
    struct queue queue = {.folder = -1};
    if (!findings_gather(view, 0, &findings))
        return VIEW_UNREADABLE;
    char *document = document_make(view, &findings, s->url, view_value(view, "label"), capture);
    if (!document) {
        view_error("push: out of memory");
        findings_free(&findings);
        return VIEW_UNREADABLE;
    }
    bool is_sent = capture ? deliver_now(document, s) : deliver("push", document, "", s, &queue);
    int status = is_sent ? VIEW_OK : VIEW_UNREADABLE;
    if (status == VIEW_OK)
        print_sent(view, s, capture);
    queue_close(&queue);
    findings_free(&findings);
    free(document);
    return status == VIEW_OK && s->broken ? VIEW_INCOMPLETE : status;
}

/* Pushes the capture's heap profile through the queue. Returns the exit status. */
static int push_profile_of(struct view *view, struct sending *s) {
    struct queue queue = {.folder = -1};
    int status = 0;
    char *document = document_make_profile(view, s->url, view_value(view, "label"), &status);
    if (!document)
        return status;
    status = deliver("push", document, "", s, &queue) ? VIEW_OK : VIEW_UNREADABLE;
    if (status == VIEW_OK)
        print_sent(view, s, 0);
    queue_close(&queue);
    free(document);
    return status == VIEW_OK && s->broken ? VIEW_INCOMPLETE : status;
}

int fleet_push_findings_of(struct view *view, const char *url, uint64_t capture) {
    struct sending s = {.url = url, .seconds = PUSH_SECONDS, .is_each = true};
    return push_of(view, capture, &s);
}

int fleet_push_findings(struct view *view) {
    const char *url = view_value(view, "to");
    if (view_given(view, "queue") && (url || view_given(view, "store"))) {
        view_error("push --queue sends what waits, each document to its own server: leave out %s",
                   url ? "--to" : "-s");
        return VIEW_USAGE;
    }
    if (view_given(view, "queue") && view_given(view, "profile")) {
        view_error("push --queue sends what waits, heap profiles, too: leave out --profile");
        return VIEW_USAGE;
    }
    if (view_given(view, "queue"))
        return send_queue(view);
    if (!url)
        url = view_variable_value(view, "PUSH");
    if (!url || !*url) {
        view_error("push: --to URL was expected, as postgresql://HOST/DATABASE, or HAKMEM_PUSH");
        return VIEW_USAGE;
    }
    if (!fleet_check_url("push --to", url) ||
        !document_check_labels("push", view_value(view, "label")))
        return VIEW_USAGE;
    struct sending s = {.url = url,
                        .seconds = PUSH_SECONDS,
                        .is_each = true,
                        .is_profile = view_given(view, "profile")};
    sending_begin(&s);
    int status = view_open(view);
    if (!status)
        status = s.is_profile ? push_profile_of(view, &s) : push_of(view, 0, &s);
    sending_cancel(&s); /* unless it was waited for */
    return status;
}
