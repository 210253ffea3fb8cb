/* xoshiro256** seeded by splitmix64 (Blackman, Vigna) and SipHash (Aumasson, Bernstein). */
#include "base/rng.h"
#include <string.h>

static uint64_t rotl(uint64_t x, int k) { return x << k | x >> (64 - k); }

void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r->s[i] = z ^ z >> 31;
    }
}

uint64_t rng_u64(struct rng *r)
{
    const uint64_t result = rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotl(r->s[3], 45);
    return result;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(((rng_u64(r) >> 32) * n) >> 32);
}

double rng_unit(struct rng *r) { return (double)(rng_u64(r) >> 11) * 0x1p-53; }

struct sipkey sipkey_from(struct rng *r)
{
    const uint64_t a = rng_u64(r), b = rng_u64(r);
    return (struct sipkey){ { a, b } };
}

struct sip { uint64_t v0, v1, v2, v3; };

static struct sip sip_start(const struct sipkey *key)
{
    return (struct sip){ key->k[0] ^ UINT64_C(0x736f6d6570736575), key->k[1] ^ UINT64_C(0x646f72616e646f6d),
                         key->k[0] ^ UINT64_C(0x6c7967656e657261), key->k[1] ^ UINT64_C(0x7465646279746573) };
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1; s->v1 = rotl(s->v1, 13) ^ s->v0; s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3; s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3; s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1; s->v1 = rotl(s->v1, 17) ^ s->v2; s->v2 = rotl(s->v2, 32);
}

static inline void sip_absorb(struct sip *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    for (int i = 0; i < rounds; i++)
        sip_round(s);
    s->v0 ^= word;
}

static uint64_t sip_finish(struct sip *s, int rounds)
{
    s->v2 ^= 0xff;
    for (int i = 0; i < rounds; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t siphash(const struct sipkey *key, const void *bytes, size_t len)
{
    struct sip s = sip_start(key);
    const uint8_t *p = bytes;
    uint64_t last = (uint64_t)len << 56;
    for (size_t left = len; left >= 8; left -= 8, p += 8) {
        uint64_t word = 0;
        for (int i = 0; i < 8; i++)
            word |= (uint64_t)p[i] << 8 * i;
        sip_absorb(&s, word, 2);
    }
    for (size_t i = 0; i < len % 8; i++)
        last |= (uint64_t)p[i] << 8 * i;
    sip_absorb(&s, last, 2);
    return sip_finish(&s, 4);
}

uint64_t siphash_words(const struct sipkey *key, const uint64_t *words, size_t count)
{
    struct sip s = sip_start(key);
    for (size_t i = 0; i < count; i++)
        sip_absorb(&s, words[i], 1);
    sip_absorb(&s, (uint64_t)count << 59, 1);
    return sip_finish(&s, 3);
}
