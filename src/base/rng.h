/* Two sources of bits, both seeded from outside: `rng` is fast and repeatable
 * (simulation, jitter, hashing), `siphash` is keyed and unpredictable to a peer
 * (initial sequence numbers, ports, hash tables, DNS ids). */
#pragma once
#include <stdint.h>
#include <stddef.h>

struct rng { uint64_t s[4]; };                  /* xoshiro256**; seed before use */
void     rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_u64(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);  /* uniform in [0, n); n > 0 */
double   rng_unit(struct rng *r);               /* uniform in [0, 1) */

struct sipkey { uint64_t k[2]; };
struct sipkey sipkey_from(struct rng *r);
uint64_t siphash(const struct sipkey *key, const void *bytes, size_t len);   /* SipHash-2-4 */
/* SipHash-1-3 of whole 64-bit words, for hash tables on the packet path. */
uint64_t siphash_words(const struct sipkey *key, const uint64_t *words, size_t count);
