/* Bits to a number by the longest prefix: a tree bitmap, six bits a node.
 *
 * A node holds a bit for each of the 63 prefixes of 0 to 5 bits that can end in it, and one for
 * each of its 64 children; both stand in arrays of just the right length, found by counting
 * bits.  A look goes through one node in six bits, whatever the number of prefixes, and the
 * looks of a batch go side by side, so that their misses of the cache overlap. */
#pragma once
#include "base/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most significant bit of `high` is the first. */
struct trie_key { uint64_t high, low; };

enum { TRIE_NONE = 0, TRIE_STRIDE = 6, TRIE_BATCH = 64 };

struct trie_node { uint64_t ends, goes; uint32_t values, children; };     /* where their arrays begin */

/* Arrays of up to 64 equal things in one growing block; what is given back is reused by arrays as long. */
struct trie_store { void *memory; uint32_t used, room, free[65]; };

struct trie { struct trie_store nodes, values; };       /* all-zero: empty */

void trie_fini(struct trie *t);
/* Values are not TRIE_NONE.  Replaces the value of the same prefix; false: no memory, and nothing changed. */
bool trie_put(struct trie *t, struct trie_key k, uint8_t len, uint32_t value);
bool trie_remove(struct trie *t, struct trie_key k, uint8_t len);              /* false: it was not there */
uint32_t trie_get(const struct trie *t, struct trie_key k, uint8_t len);       /* of just this prefix */
/* Of the longest prefix of `k` of at most `most` bits. */
uint32_t trie_find(const struct trie *t, struct trie_key k, uint8_t most);
/* Of the longest prefix of each of n <= TRIE_BATCH keys. */
void trie_find_batch(const struct trie *t, const struct trie_key *k, uint32_t n, uint32_t *value);
size_t trie_bytes(const struct trie *t);        /* of memory in use */
