/* Blocks that static variables hold: initialised ones, bss, tables, unions. KEPT */
#include "leaks.h"

static void *volatile table[100];
static void *volatile initialised = (void *)&table;
static volatile union {
    double number;
    void *pointer;
} either;
static volatile struct {
    char pad[24];
    void *pointer;
} padded = {"x", NULL};
void *visible;

int main(void) {
    table[99] = take(100);
    initialised = take(101);
    either.pointer = take(102);
    padded.pointer = take(103);
    visible = take(104);
    use(initialised);
    forget_frames();
    return 0;
}
