/* Helpers for the generated programs of tests/kinds: printing, types, conditions a compiler must
 * test. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <alloca.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

typedef struct {
    int64_t first, second;
} pair;

/* Conditions whose value the program's other files could change. */
extern int always, never, five;

/* A block freed at the end, or held until then, where the program's pointers point elsewhere. */
extern void *kept;

static inline void print_char(const char *text) {
    printf("%s\n", text);
}
static inline void print_wchar(const wchar_t *text) {
    printf("%ls\n", text);
}
static inline void print_int(const int *number) {
    printf("%d\n", *number);
}
static inline void print_int64(const int64_t *number) {
    printf("%lld\n", (long long)*number);
}
static inline void print_pair(const pair *value) {
    printf("%lld -- %lld\n", (long long)value->first, (long long)value->second);
}

#ifdef __cplusplus
class account {
  public:
    int64_t number, balance;
};
static inline void print_account(const account *value) {
    printf("%lld: %lld\n", (long long)value->number, (long long)value->balance);
}
#endif

#endif
