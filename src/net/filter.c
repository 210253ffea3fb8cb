#include "net/filter.h"
#include "wire/ip4.h"

static bool in_ports(const struct filter_ports *p, uint16_t port) { return p->last == 0 || (port >= p->first && port <= p->last); }
static bool in_prefix(const struct prefix *p, struct addr a) { return addr_is_none(p->addr) || prefix_has(*p, a); }

static bool applies(const struct filter_rule *r, const struct filter_ask *a)
{
    if (r->out == FILTER_ANY ? a->out == FILTER_SELF : r->out != a->out)
        return false;
    return (r->in == FILTER_ANY || r->in == a->in) && (!r->proto || r->proto == a->proto) && (!r->family || (r->family == 4) == addr_is4(a->src)) &&
           (r->type == FILTER_ANY || r->type == a->type) && in_ports(&r->sport, a->sport) && in_ports(&r->dport, a->dport) &&
           in_prefix(&r->from, a->src) && in_prefix(&r->to, a->dst);
}

enum filter_verdict filter_judge(const struct filter *f, const struct filter_ask *a, unsigned *line)
{
    *line = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        if (!applies(&f->rule[i], a))
            continue;
        *line = f->rule[i].line;
        return (enum filter_verdict)f->rule[i].verdict;
    }
    return a->out == FILTER_SELF ? FILTER_ALLOW : (enum filter_verdict)f->otherwise;
}
