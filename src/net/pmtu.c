#include "net/pmtu.h"

static const int64_t AGE_NS = 600 * NS_PER_SEC;         /* RFC 1191 §6.3 */

static struct pmtu_entry *find(const struct pmtu *p, struct addr remote)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (addr_eq(p->entry[i].remote, remote))
            return (struct pmtu_entry *)&p->entry[i];
    return NULL;
}

uint16_t pmtu_of(const struct pmtu *p, struct addr remote, uint16_t link_mtu)
{
    const struct pmtu_entry *e = find(p, remote);
    return e && e->mtu < link_mtu ? e->mtu : link_mtu;
}

/* RFC 1191 §7: the next lower of the MTUs that links have. */
static uint16_t plateau_below(uint16_t len)
{
    static const uint16_t plateau[] = { 65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, PMTU_MIN };
    for (unsigned i = 0; i < sizeof plateau / sizeof plateau[0]; i++)
        if (plateau[i] < len)
            return plateau[i];
    return PMTU_MIN;
}

/* The new entry, or the place of the one that would expire first. */
static struct pmtu_entry *place(struct pmtu *p)
{
    if (p->n < PMTU_ENTRIES)
        return &p->entry[p->n++];
    struct pmtu_entry *oldest = &p->entry[0];
    for (uint32_t i = 1; i < p->n; i++)
        if (p->entry[i].expires_ns < oldest->expires_ns)
            oldest = &p->entry[i];
    return oldest;
}

uint16_t pmtu_claim(const struct pmtu *p, struct addr remote, uint16_t mtu, uint16_t packet_len, uint16_t link_mtu)
{
    const uint16_t known = pmtu_of(p, remote, link_mtu);
    if (!addr_is4(remote))
        return mtu < PMTU6_MIN ? 0 : mtu < known ? mtu : known;         /* RFC 8201 §4 */
    if (mtu == 0)
        mtu = plateau_below(packet_len < known ? packet_len : known);
    if (mtu < PMTU_MIN)
        mtu = PMTU_MIN;
    return mtu < known ? mtu : known;   /* RFC 1191 §6.3: never raised by a message */
}

bool pmtu_learn(struct pmtu *p, struct addr remote, uint16_t mtu, uint16_t link_mtu, int64_t now_ns)
{
    if (mtu >= pmtu_of(p, remote, link_mtu))
        return false;
    struct pmtu_entry *e = find(p, remote);
    if (!e)
        e = place(p);
    *e = (struct pmtu_entry){ .remote = remote, .mtu = mtu, .expires_ns = time_after(now_ns, AGE_NS) };
    return true;
}

int64_t pmtu_deadline(const struct pmtu *p)
{
    int64_t at = DEADLINE_NEVER;
    for (uint32_t i = 0; i < p->n; i++)
        at = time_min(at, p->entry[i].expires_ns);
    return at;
}

bool pmtu_tick(struct pmtu *p, int64_t now_ns)
{
    bool aged = false;
    for (uint32_t i = 0; i < p->n;) {
        if (p->entry[i].expires_ns > now_ns) {
            i++;
            continue;
        }
        p->entry[i] = p->entry[--p->n];
        aged = true;
    }
    return aged;
}
