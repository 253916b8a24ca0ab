/* Computes logarithms and exponentials for the heap profile's chances, to 12 digits. */
#include "heap_profile/chance.h"

enum { EXPONENT_SHIFT = 52, EXPONENT_BIAS = 1023, LOG_TERMS = 13, EXP_TERMS = 14 };
#define MANTISSA_MASK (((uint64_t)1 << EXPONENT_SHIFT) - 1)
#define LN_2          0.69314718055994530942
#define SQRT_2        1.41421356237309504880

union double_bits {
    double number;
    uint64_t bits;
};

/* The natural logarithm of a normal positive number: 2^e * m with m around 1, and the series of
 * artanh((m - 1) / (m + 1)). */
static double logarithm(double number) {
    union double_bits as = {.number = number};
    int exponent = (int)(as.bits >> EXPONENT_SHIFT) - EXPONENT_BIAS;
    as.bits = (as.bits & MANTISSA_MASK) | (uint64_t)EXPONENT_BIAS << EXPONENT_SHIFT;
    if (as.number > SQRT_2) {
        as.number /= 2;
        exponent++;
    }
    double s = (as.number - 1) / (as.number + 1), power = s, sum = 0;
    for (int i = 1; i <= LOG_TERMS; i += 2, power *= s * s)
        sum += power / i;
    return 2 * sum + exponent * LN_2;
}

double hak_chance_exponential(uint64_t random) {
    return -logarithm(1 - hak_chance_part(random));
}

/* Below 1/2 by the series itself, which loses nothing where x is small; above, exp(-x) is that of
 * x / 2^n, squared n times. */
double hak_chance_of_point(double x) {
    enum { ENDLESS = 40 };
    int halvings = 0;
    if (x > ENDLESS)
        return 1;
    for (; x > 0.5; x /= 2)
        halvings++;
    double term = x, missing = 0; /* 1 - exp(-x) = x - x^2/2 + x^3/6 - ... */
    for (int i = 2; i <= EXP_TERMS; i++) {
        missing += term;
        term *= -x / i;
    }
    for (; halvings > 0; halvings--)
        missing = missing * (2 - missing); /* 1 - (1 - m)^2 */
    return missing;
}

uint64_t hak_chance_gap(uint64_t mean, uint64_t most, uint64_t random) {
    if (mean <= 1)
        return 1;
    double calls = hak_chance_exponential(random) / -logarithm(1 - 1 / (double)mean);
    return calls < (double)most ? 1 + (uint64_t)calls : most;
}
