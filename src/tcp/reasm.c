#include "tcp/reasm.h"
#include <string.h>

static uint32_t max_of(const struct reasm *r) { return r->more ? r->more_max : REASM_MAX; }

void reasm_lend(struct reasm *r, struct span *memory, uint32_t n)
{
    memcpy(memory, reasm_spans_const(r), r->count * sizeof *memory);
    r->more = memory;
    r->more_max = n;
}

struct span *reasm_return(struct reasm *r)
{
    struct span *memory = r->more;
    r->more = NULL;
    r->count = 0;
    return memory;
}

/* The first span that ends at or after `at`. */
static uint32_t find(const struct reasm *r, seq_t at)
{
    const struct span *span = reasm_spans_const(r);
    uint32_t i = r->count;                      /* what arrives mostly extends the last span */
    while (i > 0 && seq_le(at, span[i - 1].to))
        i--;
    return i;
}

bool reasm_add(struct reasm *r, struct span s)
{
    struct span *span = reasm_spans(r);
    if (!seq_lt(s.from, s.to))
        return true;
    const uint32_t first = find(r, s.from);
    uint32_t end = first;
    for (; end < r->count && seq_le(span[end].from, s.to); end++) {
        s.from = seq_min(s.from, span[end].from);
        s.to = seq_max(s.to, span[end].to);
    }
    if (first == end && r->count == max_of(r))
        return false;
    memmove(&span[first + 1], &span[end], (r->count - end) * sizeof s);
    span[first] = s;
    r->count += 1 + first - end;
    return true;
}

bool reasm_fits(const struct reasm *r, struct span s)
{
    const struct span *span = reasm_spans_const(r);
    const uint32_t i = find(r, s.from);
    return r->count < max_of(r) || (i < r->count && seq_le(span[i].from, s.to));
}

bool reasm_has(const struct reasm *r, struct span s)
{
    const struct span *span = reasm_spans_const(r);
    const uint32_t i = find(r, s.to);
    return i < r->count && seq_le(span[i].from, s.from);
}

struct span reasm_common(const struct reasm *r, struct span s)
{
    const struct span *span = reasm_spans_const(r);
    for (uint32_t i = 0; i < r->count; i++)
        if (seq_lt(s.from, span[i].to) && seq_lt(span[i].from, s.to))
            return (struct span){ seq_max(s.from, span[i].from), seq_min(s.to, span[i].to) };
    return (struct span){ s.from, s.from };
}

seq_t reasm_advance(struct reasm *r, seq_t nxt)
{
    struct span *span = reasm_spans(r);
    uint32_t gone = 0;
    while (gone < r->count && seq_le(span[gone].from, nxt))
        nxt = seq_max(nxt, span[gone++].to);
    r->count -= gone;
    memmove(&span[0], &span[gone], r->count * sizeof span[0]);
    return nxt;
}
