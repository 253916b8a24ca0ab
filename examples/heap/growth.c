/* A server of prices: each request names a product and a customer. Its memory grows for as long as
 * it runs, although the cache has a limit. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUESTS = 250000,
    PRODUCTS = 100000,
    CACHE_MAX = 20000,
    PAGE_BYTES = 1400,
    BUCKETS = 1 << 16
};

struct page {
    int product;
    char *text;
};

static struct page cache[CACHE_MAX];

struct label {
    struct label *next;
    uint64_t count;
    char name[];
};

static struct label *labels[BUCKETS];

static uint32_t random_number(void) {
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static unsigned hash_of(const char *text) {
    unsigned hash = 5381;
    for (; *text; text++)
        hash = hash * 33 + (unsigned char)*text;
    return hash % BUCKETS;
}

/* ---- counters, one for each label --------------------------------------------------------- */

static struct label *intern_label(const char *name) {
    struct label **at = &labels[hash_of(name)], *label;
    for (label = *at; label; label = label->next)
        if (strcmp(label->name, name) == 0)
            return label;
    label = malloc(sizeof *label + strlen(name) + 1);
    if (!label)
        abort();
    strcpy(label->name, name);
    label->count = 0;
    label->next = *at;
    return *at = label;
}

static void count_request(const char *route, int status, uint32_t customer) {
    char name[64];
    snprintf(name, sizeof name, "%s{status=%d,customer=%u}", route, status, customer);
    intern_label(name)->count++;
}

/* ---- pages -------------------------------------------------------------------------------- */

static char *render_page(int product) {
    char *text = malloc(PAGE_BYTES);
    if (!text)
        abort();
    memset(text, ' ', PAGE_BYTES);
    snprintf(text, PAGE_BYTES, "<h1>product %d</h1>", product);
    return text;
}

static const char *find_page(int product) {
    struct page *page = &cache[product % CACHE_MAX];
    if (page->text && page->product == product)
        return page->text;
    free(page->text);
    *page = (struct page){product, render_page(product)};
    return page->text;
}

static size_t handle_request(void) {
    int product = (int)(random_number() % PRODUCTS);
    const char *text = find_page(product);
    count_request("/price", 200, random_number());
    return strlen(text);
}

int main(void) {
    size_t bytes = 0;
    for (int i = 0; i < REQUESTS; i++)
        bytes += handle_request();
    printf("%zu bytes served\n", bytes);
    return 0;
}
