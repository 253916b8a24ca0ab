/* A closing zero byte behind blocks of sizes at which allocators change their ways. */
#include "shapes.h"

static void close_string(size_t size) {
    char *text = opaque(malloc(size));
    memset(text, 's', size);
    text[size] = 0;
    free(text);
}

static void of_1(void) {
    close_string(1);
}
static void of_7(void) {
    close_string(7);
}
static void of_8(void) {
    close_string(8);
}
static void of_16(void) {
    close_string(16);
}
static void of_24(void) {
    close_string(24);
}
static void of_32(void) {
    close_string(32);
}
static void of_63(void) {
    close_string(63);
}
static void of_112(void) {
    close_string(112);
}
static void of_255(void) {
    close_string(255);
}
static void of_512(void) {
    close_string(512);
}
static void of_1000(void) {
    close_string(1000);
}
static void of_1024(void) {
    close_string(1024);
}
static void of_1025(void) {
    close_string(1025);
}
static void of_2048(void) {
    close_string(2048);
}
static void of_4080(void) {
    close_string(4080);
}
static void of_8192(void) {
    close_string(8192);
}
static void of_20000(void) {
    close_string(20000);
}
static void of_32768(void) {
    close_string(32768);
}
static void of_32769(void) {
    close_string(32769);
}
static void of_65536(void) {
    close_string(65536);
}
static void of_131072(void) {
    close_string(131072);
}
static void of_1000000(void) {
    close_string(1000000);
}
static void of_5000000(void) {
    close_string(5000000);
}

static const struct shape shapes[] = {
    {"of_1", of_1},
    {"of_7", of_7},
    {"of_8", of_8},
    {"of_16", of_16},
    {"of_24", of_24},
    {"of_32", of_32},
    {"of_63", of_63},
    {"of_112", of_112},
    {"of_255", of_255},
    {"of_512", of_512},
    {"of_1000", of_1000},
    {"of_1024", of_1024},
    {"of_1025", of_1025},
    {"of_2048", of_2048},
    {"of_4080", of_4080},
    {"of_8192", of_8192},
    {"of_20000", of_20000},
    {"of_32768", of_32768},
    {"of_32769", of_32769},
    {"of_65536", of_65536},
    {"of_131072", of_131072},
    {"of_1000000", of_1000000},
    {"of_5000000", of_5000000},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
