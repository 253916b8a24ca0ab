/* Computes logarithms and exponentials for the heap profile's chances, to 12 digits. */
#include "heap_profile/chance.h"

enum { EXPONENT_SHIFT = 52, EXPONENT_BIAS = 1023, EXP_TERMS = 14, LONG_GAP = 64 };
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
    double s = (as.number - 1) / (as.number + 1), q = s * s;
    double rest = q * (1 / 7.0 + q * (1 / 9.0 + q * (1 / 11.0 + q * (1 / 13.0))));
    double sum = s * (1 + q * (1 / 3.0 + q * (1 / 5.0 + rest)));
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
    if (x > (double)ENDLESS)
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

/* -log(1 - x), by its series where x is at most 1 / LONG_GAP. */
static double chance_of_step(double x) {
    if (x > 1 / (double)LONG_GAP)
        return -logarithm(1 - x);
    return x * (1 + x * (1 / 2.0 + x * (1 / 3.0 + x * (1 / 4.0 + x * (1 / 5.0 + x / 6.0)))));
}

uint64_t hak_chance_gap(uint64_t mean, uint64_t most, uint64_t random) {
    if (mean <= 1)
        return 1;
    double calls = hak_chance_exponential(random) / chance_of_step(1 / (double)mean);
    return calls < (double)most ? 1 + (uint64_t)calls : most;
}
