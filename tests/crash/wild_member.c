/* Writes to a member of an element that is not there, thousands of millions of bytes in front. */
#include <stdlib.h>

struct point {
    long x, y;
};

static volatile int number = -200000000;

static void move_to(struct point *points, int index) {
    points[index].y = 1;
}

int main(void) {
    struct point *points = calloc(10, sizeof *points);
    if (points)
        move_to(points, number);
    return points ? (int)points->y : 2;
}
