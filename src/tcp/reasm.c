#include "tcp/reasm.h"
#include <string.h>

/* The first span that ends at or after `at`. */
static uint32_t find(const struct reasm *r, seq_t at)
{
    uint32_t i = r->count;                      /* what arrives mostly extends the last span */
    while (i > 0 && seq_le(at, r->span[i - 1].to))
        i--;
    return i;
}

bool reasm_add(struct reasm *r, struct span s)
{
    if (!seq_lt(s.from, s.to))
        return true;
    const uint32_t first = find(r, s.from);
    uint32_t end = first;
    for (; end < r->count && seq_le(r->span[end].from, s.to); end++) {
        s.from = seq_min(s.from, r->span[end].from);
        s.to = seq_max(s.to, r->span[end].to);
    }
    if (first == end && r->count == REASM_MAX)
        return false;
    memmove(&r->span[first + 1], &r->span[end], (r->count - end) * sizeof s);
    r->span[first] = s;
    r->count += 1 + first - end;
    return true;
}

bool reasm_fits(const struct reasm *r, struct span s)
{
    const uint32_t i = find(r, s.from);
    return r->count < REASM_MAX || (i < r->count && seq_le(r->span[i].from, s.to));
}

bool reasm_has(const struct reasm *r, struct span s)
{
    const uint32_t i = find(r, s.to);
    return i < r->count && seq_le(r->span[i].from, s.from);
}

struct span reasm_common(const struct reasm *r, struct span s)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (seq_lt(s.from, r->span[i].to) && seq_lt(r->span[i].from, s.to))
            return (struct span){ seq_max(s.from, r->span[i].from), seq_min(s.to, r->span[i].to) };
    return (struct span){ s.from, s.from };
}

seq_t reasm_advance(struct reasm *r, seq_t nxt)
{
    uint32_t gone = 0;
    while (gone < r->count && seq_le(r->span[gone].from, nxt))
        nxt = seq_max(nxt, r->span[gone++].to);
    r->count -= gone;
    memmove(&r->span[0], &r->span[gone], r->count * sizeof r->span[0]);
    return nxt;
}
