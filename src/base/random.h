/* Random numbers without state: number `index` of the sequence `seed`. A counter mixed by the
 * finaliser of splitmix64 (Steele, Lea, Flood 2014), a bijection of 64 bits that passes the usual
 * test batteries. Not for secrets. */
#ifndef RINGSEND_BASE_RANDOM_H
#define RINGSEND_BASE_RANDOM_H

#include <stdint.h>

static inline uint64_t random_at(uint64_t seed, uint64_t index)
{
    uint64_t x = seed + (index + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Of a random number: uniform, 0 <= unit < 1. */
static inline double random_unit(uint64_t number)
{
    return (double)(number >> 11) * 0x1p-53;
}

#endif
