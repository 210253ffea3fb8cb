#include "net/trie.h"
#include <stdlib.h>

enum { VALUES = 1 << TRIE_STRIDE, DEPTH_MAX = 128 / TRIE_STRIDE + 1, ROOT = 1 };    /* index 0 of a store is no array */

static unsigned count(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    return (unsigned)(((x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * UINT64_C(0x0101010101010101) >> 56);
}

static unsigned rank(uint64_t set, unsigned bit) { return count(set & ((UINT64_C(1) << bit) - 1)); }

/* Six bits from `at` on; zeros beyond the end. */
static unsigned stride_at(struct trie_key k, unsigned at)
{
    if (at <= 64 - TRIE_STRIDE)
        return (unsigned)(k.high >> (64 - TRIE_STRIDE - at)) & (VALUES - 1);
    if (at < 64)
        return (unsigned)(k.high << (at + TRIE_STRIDE - 64) | k.low >> (128 - TRIE_STRIDE - at)) & (VALUES - 1);
    return (unsigned)((at <= 128 - TRIE_STRIDE ? k.low >> (128 - TRIE_STRIDE - at) : k.low << (at + TRIE_STRIDE - 128)) & (VALUES - 1));
}

/* The bit of a prefix of `len` < 6 bits that are the first of `bits`: shorter ones first. */
static unsigned end_bit(unsigned bits, unsigned len) { return (1u << len) - 1 + (bits >> (TRIE_STRIDE - len)); }

/* The bits of all prefixes of `bits` that are shorter than 6. */
static uint64_t ends_of(unsigned bits)
{
    uint64_t set = 0;
    for (unsigned len = 0; len < TRIE_STRIDE; len++)
        set |= UINT64_C(1) << end_bit(bits, len);
    return set;
}

/* ------------------------------------------------------------------ stores */

static struct trie_node *nodes(const struct trie *t) { return t->nodes.memory; }
static uint32_t *values(const struct trie *t)        { return t->values.memory; }

/* Free arrays are chained through their first word. */
static uint32_t take(struct trie_store *s, uint32_t n, size_t size)
{
    const uint32_t at = s->free[n];
    if (at) {
        memcpy(&s->free[n], (uint8_t *)s->memory + at * size, sizeof s->free[n]);
        return at;
    }
    const uint32_t first = s->used ? s->used : ROOT;
    if (first + n > s->room) {
        const uint32_t room = s->room ? s->room * 2 : 128;
        void *more = room > s->room ? realloc(s->memory, room * size) : NULL;
        if (!more)
            return 0;
        s->memory = more;
        s->room = room;
    }
    s->used = first + n;
    return first;
}

static void give(struct trie_store *s, uint32_t at, uint32_t n, size_t size)
{
    if (n == 0)
        return;
    memcpy((uint8_t *)s->memory + at * size, &s->free[n], sizeof s->free[n]);
    s->free[n] = at;
}

/* An array of n becomes one of n + 1 with a hole at `hole`; 0: no memory. */
static uint32_t widen(struct trie_store *s, uint32_t at, uint32_t n, uint32_t hole, size_t size)
{
    const uint32_t wide = take(s, n + 1, size);
    uint8_t *memory = s->memory;
    if (!wide)
        return 0;
    memcpy(memory + wide * size, memory + at * size, hole * size);
    memcpy(memory + (wide + hole + 1) * size, memory + (at + hole) * size, (n - hole) * size);
    give(s, at, n, size);
    return wide;
}

/* The reverse.  What is narrower always fits where it was when nothing else is free. */
static uint32_t narrow(struct trie_store *s, uint32_t at, uint32_t n, uint32_t gone, size_t size)
{
    const uint32_t slim = n > 1 ? take(s, n - 1, size) : 0;
    uint8_t *memory = s->memory;
    if (n > 1 && !slim) {               /* no memory: it stays where it is, and its last place is lost */
        memmove(memory + (at + gone) * size, memory + (at + gone + 1) * size, (n - 1 - gone) * size);
        return at;
    }
    if (slim) {
        memcpy(memory + slim * size, memory + at * size, gone * size);
        memcpy(memory + (slim + gone) * size, memory + (at + gone + 1) * size, (n - 1 - gone) * size);
    }
    give(s, at, n, size);
    return slim;
}

void trie_fini(struct trie *t)
{
    free(t->nodes.memory);
    free(t->values.memory);
    *t = (struct trie){ 0 };
}

size_t trie_bytes(const struct trie *t) { return t->nodes.used * sizeof(struct trie_node) + t->values.used * sizeof(uint32_t); }

/* ----------------------------------------------------------------- changes */

/* The child for these bits, made when it is missing; 0: no memory. */
static uint32_t child_need(struct trie *t, uint32_t at, unsigned bits)
{
    const uint64_t bit = UINT64_C(1) << bits;
    const struct trie_node n = nodes(t)[at];
    const unsigned place = rank(n.goes, bits);
    if (n.goes & bit)
        return n.children + place;
    const uint32_t wide = widen(&t->nodes, n.children, count(n.goes), place, sizeof n);
    if (!wide)
        return 0;
    nodes(t)[at].children = wide;
    nodes(t)[at].goes |= bit;
    nodes(t)[wide + place] = (struct trie_node){ 0 };
    return wide + place;
}

static bool root_need(struct trie *t)
{
    if (t->nodes.used)
        return true;
    if (!take(&t->nodes, 1, sizeof(struct trie_node)))
        return false;
    nodes(t)[ROOT] = (struct trie_node){ 0 };
    return true;
}

struct trail { uint32_t at; unsigned bits; };

/* Nodes that hold nothing any more go, from the end of the way back. */
static void prune(struct trie *t, const struct trail *way, unsigned depth)
{
    for (; depth > 0; depth--) {
        const struct trie_node *n = &nodes(t)[way[depth].at];
        if (n->ends || n->goes)
            return;
        const uint32_t parent = way[depth - 1].at;
        const unsigned bits = way[depth - 1].bits;
        const struct trie_node p = nodes(t)[parent];
        const uint32_t slim = narrow(&t->nodes, p.children, count(p.goes), rank(p.goes, bits), sizeof p);
        nodes(t)[parent].children = slim;
        nodes(t)[parent].goes &= ~(UINT64_C(1) << bits);
    }
}

bool trie_put(struct trie *t, struct trie_key k, uint8_t len, uint32_t value)
{
    struct trail way[DEPTH_MAX];
    unsigned at = 0, depth = 0;
    if (!root_need(t))
        return false;
    way[0].at = ROOT;
    for (; len - at >= TRIE_STRIDE; at += TRIE_STRIDE, depth++) {
        way[depth].bits = stride_at(k, at);
        way[depth + 1].at = child_need(t, way[depth].at, way[depth].bits);
        if (!way[depth + 1].at) {
            prune(t, way, depth);
            return false;
        }
    }
    struct trie_node *n = &nodes(t)[way[depth].at];
    const unsigned end = end_bit(stride_at(k, at), len - at), place = rank(n->ends, end);
    if (n->ends >> end & 1) {
        values(t)[n->values + place] = value;
        return true;
    }
    const uint32_t wide = widen(&t->values, n->values, count(n->ends), place, sizeof value);
    if (!wide) {
        prune(t, way, depth);
        return false;
    }
    n->values = wide;
    n->ends |= UINT64_C(1) << end;
    values(t)[wide + place] = value;
    return true;
}

bool trie_remove(struct trie *t, struct trie_key k, uint8_t len)
{
    struct trail way[DEPTH_MAX];
    unsigned at = 0, depth = 0;
    if (!t->nodes.used)
        return false;
    way[0].at = ROOT;
    for (; len - at >= TRIE_STRIDE; at += TRIE_STRIDE, depth++) {
        const struct trie_node *n = &nodes(t)[way[depth].at];
        way[depth].bits = stride_at(k, at);
        if (!(n->goes >> way[depth].bits & 1))
            return false;
        way[depth + 1].at = n->children + rank(n->goes, way[depth].bits);
    }
    struct trie_node *n = &nodes(t)[way[depth].at];
    const unsigned end = end_bit(stride_at(k, at), len - at);
    if (!(n->ends >> end & 1))
        return false;
    n->values = narrow(&t->values, n->values, count(n->ends), rank(n->ends, end), sizeof(uint32_t));
    n->ends &= ~(UINT64_C(1) << end);
    prune(t, way, depth);
    return true;
}

/* ------------------------------------------------------------------- looks */

uint32_t trie_get(const struct trie *t, struct trie_key k, uint8_t len)
{
    unsigned at = 0;
    if (!t->nodes.used)
        return TRIE_NONE;
    const struct trie_node *n = &nodes(t)[ROOT];
    for (; len - at >= TRIE_STRIDE; at += TRIE_STRIDE) {
        const unsigned bits = stride_at(k, at);
        if (!(n->goes >> bits & 1))
            return TRIE_NONE;
        n = &nodes(t)[n->children + rank(n->goes, bits)];
    }
    const unsigned end = end_bit(stride_at(k, at), len - at);
    return n->ends >> end & 1 ? values(t)[n->values + rank(n->ends, end)] : TRIE_NONE;
}

static unsigned highest(uint64_t set) { return 63 - (unsigned)__builtin_clzll(set); }

uint32_t trie_find(const struct trie *t, struct trie_key k, uint8_t most)
{
    uint32_t found = 0;
    if (!t->nodes.used)
        return TRIE_NONE;
    const struct trie_node *n = &nodes(t)[ROOT];
    for (unsigned at = 0;; at += TRIE_STRIDE) {
        const unsigned bits = stride_at(k, at);
        uint64_t ends = n->ends & ends_of(bits);
        if (most - at < TRIE_STRIDE - 1)
            ends &= (UINT64_C(2) << end_bit(bits, most - at)) - 1;
        if (ends)
            found = n->values + rank(n->ends, highest(ends));
        if (most - at < TRIE_STRIDE || !(n->goes >> bits & 1))
            return found ? values(t)[found] : TRIE_NONE;
        n = &nodes(t)[n->children + rank(n->goes, bits)];
    }
}

/* One level for all, then the next: while one node is on its way from memory the others are asked for. */
void trie_find_batch(const struct trie *t, const struct trie_key *k, uint32_t n, uint32_t *value)
{
    static const struct trie_node none;
    uint32_t found[TRIE_BATCH], going[TRIE_BATCH], n_going = n;
    const struct trie_node *node[TRIE_BATCH];
    for (uint32_t i = 0; i < n; i++) {
        found[i] = 0;
        going[i] = i;
        node[i] = t->nodes.used ? &nodes(t)[ROOT] : &none;
    }
    for (unsigned at = 0; n_going && at < 128; at += TRIE_STRIDE) {
        uint32_t further = 0;
        for (uint32_t j = 0; j < n_going; j++) {
            const uint32_t i = going[j];
            const struct trie_node *x = node[i];
            const unsigned bits = stride_at(k[i], at);
            const uint64_t ends = x->ends & ends_of(bits);
            if (ends) {
                found[i] = x->values + rank(x->ends, highest(ends));
                __builtin_prefetch(&values(t)[found[i]]);
            }
            if (!(x->goes >> bits & 1))
                continue;
            node[i] = &nodes(t)[x->children + rank(x->goes, bits)];
            __builtin_prefetch(node[i]);
            going[further++] = i;
        }
        n_going = further;
    }
    for (uint32_t i = 0; i < n; i++)
        value[i] = found[i] ? values(t)[found[i]] : TRIE_NONE;
}
