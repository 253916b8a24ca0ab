/* A server in small: each connection has a pool, each request a pool in it. An answer that is still
 * to be sent keeps the request's pool, which the end of the connection's round has cleared away.
 * `requests` does it right, `requests late` does not. */
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <stdio.h>

struct answer {
    apr_pool_t *pool;
    const char *text;
};

static struct answer begin_request(apr_pool_t *connection, int number) {
    struct answer answer = {NULL, NULL};
    apr_pool_create(&answer.pool, connection);
    answer.text = apr_psprintf(answer.pool, "answer %d", number);
    return answer;
}

static void end_round(apr_pool_t *connection) {
    apr_pool_clear(connection); /* and with it the pools of its requests */
}

static const char *add_footer(struct answer answer) {
    return apr_pstrcat(answer.pool, answer.text, "\n", NULL);
}

int main(int argc, char **argv) {
    apr_pool_t *connection;
    apr_initialize();
    apr_pool_create(&connection, NULL);
    for (int round = 0; round < 3; round++) {
        struct answer answer = begin_request(connection, round);
        if (argc > 1 && argv[1][0] == 'l')
            end_round(connection);
        fputs(add_footer(answer), stdout);
        end_round(connection);
    }
    apr_pool_destroy(connection);
    apr_terminate();
    return 0;
}
