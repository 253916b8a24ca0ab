/* C code that calls operator new, in a process without any C++ runtime: no_runtime
 * nothrow|throwing. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

extern void *_Znwm(size_t) __attribute__((weak));
extern void *_ZnwmRKSt9nothrow_t(size_t, const void *) __attribute__((weak));
extern void _ZdlPv(void *) __attribute__((weak));
static volatile size_t huge = SIZE_MAX / 2 + 100;

int main(int count, char **arguments) {
    if (count != 2 || !_Znwm || !_ZnwmRKSt9nothrow_t || !_ZdlPv)
        return 2;
    _ZdlPv(_Znwm(100));
    if (strcmp(arguments[1], "nothrow") == 0) {
        printf("nothrow: %p\n", _ZnwmRKSt9nothrow_t(huge, NULL));
        return 0;
    }
    printf("throwing: %p\n", _Znwm(huge));
    return 0;
}
