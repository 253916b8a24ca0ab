/* Reads a request to the endpoint of a heap profile, and judges it: from where, by whom, for what.
 */
#include "viewer/record/ctl_serve.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEAP_PATH "/debug/pprof/heap"

/* A part of the request. */
struct word {
    const char *at;
    size_t bytes;
};

static bool is_word(struct word word, const char *text) {
    return word.bytes == strlen(text) && memcmp(word.at, text, word.bytes) == 0;
}

static bool is_word_in_any_case(struct word word, const char *text) {
    return word.bytes == strlen(text) && strncasecmp(word.at, text, word.bytes) == 0;
}

/* Takes what is before `end` off the begin of `rest`, and `end`; all of it where there is no
 * `end`. */
static struct word take_until(struct word *rest, char end) {
    const char *found = memchr(rest->at, end, rest->bytes);
    struct word taken = {rest->at, found ? (size_t)(found - rest->at) : rest->bytes};
    size_t used = taken.bytes + (found ? 1 : 0);
    *rest = (struct word){rest->at + used, rest->bytes - used};
    return taken;
}

/* Takes a line, without its CR LF or LF. */
static struct word take_line(struct word *rest) {
    struct word line = take_until(rest, '\n');
    if (line.bytes && line.at[line.bytes - 1] == '\r')
        line.bytes--;
    return line;
}

static struct word trimmed(struct word word) {
    while (word.bytes && (*word.at == ' ' || *word.at == '\t'))
        word = (struct word){word.at + 1, word.bytes - 1};
    while (word.bytes && (word.at[word.bytes - 1] == ' ' || word.at[word.bytes - 1] == '\t'))
        word.bytes--;
    return word;
}

/* Refuses the request, unless it is refused already. False always. */
__attribute__((format(printf, 3, 4))) static bool
refuse_request(struct ctl_request *request, int status, const char *format, ...) {
    va_list list;
    if (request->status != 200)
        return false;
    request->status = status;
    va_start(list, format);
    vsnprintf(request->why, sizeof request->why, format, list);
    va_end(list);
    return false;
}

/* ---- who asks ----------------------------------------------------------------------------------
 */

/* Whether a Host names this machine's loopback: "localhost:6060", "127.0.0.1", "[::1]:6060". A page
 * in a browser whose own name leads here (DNS rebinding) sends that name. */
static bool is_loopback_host(struct word host) {
    struct in_addr address;
    char text[64];
    if (host.bytes && *host.at == '[')
        return host.bytes >= 5 && memcmp(host.at, "[::1]", 5) == 0 &&
               (host.bytes == 5 || host.at[5] == ':');
    host = take_until(&host, ':');
    if (is_word_in_any_case(host, "localhost"))
        return true;
    if (host.bytes >= sizeof text)
        return false;
    memcpy(text, host.at, host.bytes);
    text[host.bytes] = 0;
    return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* The value of a digit of base64, or -1. */
static int value_of_digit(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* Decodes base64 into `to`, of at least its length. The length, 0 where it is none. */
static size_t decode_base64(struct word from, char *to) {
    uint32_t bits = 0;
    int held = 0;
    size_t length = 0;
    while (from.bytes && from.at[from.bytes - 1] == '=')
        from.bytes--;
    for (size_t i = 0; i < from.bytes; i++) {
        int value = value_of_digit(from.at[i]);
        if (value < 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            to[length++] = (char)(bits >> held);
        }
    }
    return length;
}

/* Compares without a hint by its time at how many bytes are right. */
static bool is_token(const char *token, struct word typed) {
    size_t bytes = strlen(token);
    unsigned different = bytes != typed.bytes;
    for (size_t i = 0; i < typed.bytes; i++)
        different |= (unsigned char)typed.at[i] ^ (unsigned char)token[i % bytes];
    return different == 0;
}

/* Whether `Authorization: Bearer TOKEN`, or `Basic` with it as the password, has the token. */
static bool has_token(const char *token, struct word authorization) {
    char decoded[CTL_TOKEN_MAX * 2];
    struct word rest = authorization, scheme = take_until(&rest, ' ');
    rest = trimmed(rest);
    if (is_word_in_any_case(scheme, "bearer"))
        return is_token(token, rest);
    if (!is_word_in_any_case(scheme, "basic") || rest.bytes > sizeof decoded)
        return false;
    struct word pair = {decoded, decode_base64(rest, decoded)};
    take_until(&pair, ':');
    return is_token(token, pair);
}

/* ---- what is asked -----------------------------------------------------------------------------
 */

/* Reads a number of seconds. False: it is none, or out of range. */
static bool read_seconds(struct word digits, uint64_t *seconds) {
    *seconds = 0;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        *seconds = *seconds * 10 + (uint64_t)(digits.at[i] - '0');
        if (*seconds > CTL_REQUEST_SECONDS)
            return false;
    }
    return *seconds > 0;
}

/* Reads a parameter behind the "?". False: refused. */
static bool read_parameter(struct word parameter, struct ctl_request *request) {
    struct word value = parameter, name = take_until(&value, '=');
    if (is_word(name, "gc") || (is_word(name, "debug") && is_word(value, "0")) || !parameter.bytes)
        return true; /* nothing here waits for a collection of garbage */
    if (!is_word(name, "seconds"))
        return refuse_request(request, 400, "of parameters only seconds=N is known");
    if (!read_seconds(value, &request->seconds))
        return refuse_request(request, 400, "seconds= needs a number from 1 to %d",
                              CTL_REQUEST_SECONDS);
    return true;
}

/* Reads the target: the path, and what is behind its "?". */
static void read_asked(struct word target, struct ctl_request *request) {
    struct word rest = target;
    if (!is_word(take_until(&rest, '?'), HEAP_PATH)) {
        refuse_request(request, 404, "there is " HEAP_PATH " alone");
        return;
    }
    while (rest.bytes && read_parameter(take_until(&rest, '&'), request))
        continue;
}

/* The fields of a head that matter. */
struct fields {
    struct word host, authorization;
    int hosts, authorizations;
};

/* Reads the fields behind the request line. False: refused. */
static bool read_fields(struct word rest, struct fields *fields, struct ctl_request *request) {
    struct word line;
    while ((line = take_line(&rest)).bytes) {
        if (!memchr(line.at, ':', line.bytes) || *line.at == ' ' || *line.at == '\t')
            return refuse_request(request, 400, "a field is not NAME: VALUE");
        struct word value = line, name = take_until(&value, ':');
        value = trimmed(value);
        if (is_word_in_any_case(name, "host")) {
            fields->host = value;
            fields->hosts++;
        } else if (is_word_in_any_case(name, "authorization")) {
            fields->authorization = value;
            fields->authorizations++;
        }
    }
    return true;
}

void ctl_read_request(const struct ctl_door *door, const char *head, size_t bytes,
                      struct ctl_request *request) {
    struct fields fields = {.host = {"", 0}, .authorization = {"", 0}};
    struct word rest = {head, bytes}, line = take_line(&rest), version = line;
    struct word method = take_until(&version, ' '), target = take_until(&version, ' ');
    *request = (struct ctl_request){.status = 200};
    bool is_newer = is_word(version, "HTTP/1.1");
    if (memchr(head, 0, bytes) || (!is_newer && !is_word(version, "HTTP/1.0"))) {
        refuse_request(request, 400, "this is no request of HTTP/1.1");
        return;
    }
    if (!read_fields(rest, &fields, request))
        return;
    if (fields.hosts > 1 || fields.authorizations > 1 || (is_newer && !fields.hosts))
        refuse_request(request, 400, "a request has one Host, and at most one Authorization");
    else if (door->is_loopback && fields.hosts && !is_loopback_host(fields.host))
        refuse_request(request, 403, "Host is no name of this machine's loopback address");
    else if (door->token[0] && !has_token(door->token, fields.authorization))
        refuse_request(request, 401, "the token is missing or another one");
    else if (!is_word(method, "GET"))
        refuse_request(request, 405, "only GET is answered");
    else
        read_asked(target, request);
}
