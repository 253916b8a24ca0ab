/* A closing zero byte behind blocks of sizes at which allocators change their ways. */
#include "shapes.h"

static void close_string(size_t size) {
    char *text = opaque(malloc(size));
    memset(text, 's', size);
    text[size] = 0;
    free(text);
}

SHAPE(of_1) {
    close_string(1);
}
SHAPE(of_7) {
    close_string(7);
}
SHAPE(of_8) {
    close_string(8);
}
SHAPE(of_16) {
    close_string(16);
}
SHAPE(of_24) {
    close_string(24);
}
SHAPE(of_32) {
    close_string(32);
}
SHAPE(of_63) {
    close_string(63);
}
SHAPE(of_112) {
    close_string(112);
}
SHAPE(of_255) {
    close_string(255);
}
SHAPE(of_512) {
    close_string(512);
}
SHAPE(of_1000) {
    close_string(1000);
}
SHAPE(of_1024) {
    close_string(1024);
}
SHAPE(of_1025) {
    close_string(1025);
}
SHAPE(of_2048) {
    close_string(2048);
}
SHAPE(of_4080) {
    close_string(4080);
}
SHAPE(of_8192) {
    close_string(8192);
}
SHAPE(of_20000) {
    close_string(20000);
}
SHAPE(of_32768) {
    close_string(32768);
}
SHAPE(of_32769) {
    close_string(32769);
}
SHAPE(of_65536) {
    close_string(65536);
}
SHAPE(of_131072) {
    close_string(131072);
}
SHAPE(of_1000000) {
    close_string(1000000);
}
SHAPE(of_5000000) {
    close_string(5000000);
}

RUN_ONE()
