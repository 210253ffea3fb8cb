#include "link/bridge.h"

enum { WAYS = 4 };

void bridge_init(struct bridge *b, struct rng *rng)
{
    memset(b, 0, sizeof *b);
    b->key = sipkey_from(rng);
    b->age_ns = BRIDGE_AGE_NS;
}

/* A MAC may stand in any of WAYS neighbouring places. */
static struct bridge_entry *set_of(struct bridge *b, uint16_t vid, struct mac m)
{
    uint64_t word = (uint64_t)vid << 48;
    memcpy(&word, m.b, 6);
    return &b->entry[siphash_words(&b->key, &word, 1) % (BRIDGE_ENTRIES / WAYS) * WAYS];
}

static bool alive(const struct bridge *b, const struct bridge_entry *e, int64_t now_ns) { return e->used && now_ns - e->seen_ns < b->age_ns; }

static struct bridge_entry *find(struct bridge *b, uint16_t vid, struct mac m, int64_t now_ns)
{
    struct bridge_entry *set = set_of(b, vid, m);
    for (unsigned i = 0; i < WAYS; i++)
        if (alive(b, &set[i], now_ns) && set[i].vid == vid && mac_eq(set[i].mac, m))
            return &set[i];
    return NULL;
}

/* A dead place, or else the one unseen for longest. */
static struct bridge_entry *place_for(struct bridge *b, uint16_t vid, struct mac m, int64_t now_ns)
{
    struct bridge_entry *set = set_of(b, vid, m), *oldest = set;
    for (unsigned i = 0; i < WAYS; i++) {
        if (!alive(b, &set[i], now_ns))
            return &set[i];
        if (set[i].seen_ns < oldest->seen_ns)
            oldest = &set[i];
    }
    return oldest;
}

enum bridge_verdict bridge_decide(struct bridge *b, const struct bridge_frame *f, unsigned *to, int64_t now_ns)
{
    if (!mac_is_group(f->src)) {
        struct bridge_entry *e = find(b, f->vid, f->src, now_ns);
        if (!e)
            e = place_for(b, f->vid, f->src, now_ns);
        *e = (struct bridge_entry){ .mac = f->src, .port = f->from, .vid = f->vid, .seen_ns = now_ns, .used = true };
    }
    const struct bridge_entry *known = mac_is_group(f->dst) ? NULL : find(b, f->vid, f->dst, now_ns);
    if (!known)
        return BRIDGE_FLOOD;
    if (known->port == f->from)
        return BRIDGE_DROP;
    *to = known->port;
    return BRIDGE_TO_PORT;
}

void bridge_forget_port(struct bridge *b, unsigned port)
{
    for (unsigned i = 0; i < BRIDGE_ENTRIES; i++)
        if (b->entry[i].port == port)
            b->entry[i].used = false;
}
