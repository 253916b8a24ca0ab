/* A little log cruncher: main parses lines into rows, a worker counts words in them and frees them.
 *
 * The worker also keeps an index of 24-byte cells: it builds one, drops it, works through 25,000
 * rows, and builds the next one. Nothing is wrong with this program. The demo has hakmem's own
 * allocator make one mistake while the first index is dropped; it shows 100,000 events later. */
#define _GNU_SOURCE 1 /* pthread_setname_np */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { rows_total = 25000, queue_slots = 256, index_cells = 96 };

struct row {
    size_t length;
    char text[160];
};

struct cell {
    struct cell *next;
    size_t word, count;
};

static struct row *queue[queue_slots];
static size_t queue_head, queue_tail;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_changed = PTHREAD_COND_INITIALIZER;

static void queue_put(struct row *row) {
    pthread_mutex_lock(&queue_lock);
    while (queue_tail - queue_head == queue_slots)
        pthread_cond_wait(&queue_changed, &queue_lock);
    queue[queue_tail++ % queue_slots] = row;
    pthread_cond_signal(&queue_changed);
    pthread_mutex_unlock(&queue_lock);
}

static struct row *queue_take(void) {
    pthread_mutex_lock(&queue_lock);
    while (queue_tail == queue_head)
        pthread_cond_wait(&queue_changed, &queue_lock);
    struct row *row = queue[queue_head++ % queue_slots];
    pthread_cond_signal(&queue_changed);
    pthread_mutex_unlock(&queue_lock);
    return row;
}

static struct row *parse_row(int number) {
    struct row *row = malloc(sizeof *row);
    row->length = (size_t)snprintf(row->text, sizeof row->text, "host%d GET /item/%d took %d ms",
                                   number % 17, number * 7919 % 4001, number % 250);
    return row;
}

static struct cell *index_build(void) {
    struct cell *index = NULL;
    for (size_t i = 0; i < index_cells; i++) {
        struct cell *cell = malloc(sizeof *cell);
        *cell = (struct cell){.next = index, .word = i};
        index = cell;
    }
    return index;
}

static void index_drop(struct cell *index) {
    while (index) {
        struct cell *next = index->next;
        free(index);
        index = next;
    }
}

static size_t count_words(const struct row *row) {
    size_t words = 0;
    char *copy = strdup(row->text), *rest = copy;
    while (strsep(&rest, " "))
        words++;
    free(copy);
    return words;
}

static void *worker_loop(void *words) {
    pthread_setname_np(pthread_self(), "worker");
    index_drop(index_build());
    for (struct row *row; (row = queue_take());) {
        *(size_t *)words += count_words(row);
        free(row);
    }
    index_drop(index_build());
    return NULL;
}

int main(void) {
    size_t words = 0;
    pthread_t worker;
    pthread_create(&worker, NULL, worker_loop, &words);
    for (int i = 0; i < rows_total; i++)
        queue_put(parse_row(i));
    queue_put(NULL);
    pthread_join(worker, NULL);
    printf("%d rows, %zu words\n", rows_total, words);
    return 0;
}
