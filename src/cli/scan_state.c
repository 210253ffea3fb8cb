#include "cli/scan_state.h"
#include "base/time.h"
#include "wire/tcp.h"
#include <stdlib.h>

enum { WINDOW_FIRST = 2 };
#define WAIT_FIRST_NS NS_PER_SEC
#define WAIT_LEAST_NS (100 * NS_PER_MS)
#define WAIT_MOST_NS  (3 * NS_PER_SEC)

bool scan_init(struct scan *s, const struct addr *addrs, uint32_t n_hosts, const struct port_set *ports, unsigned rate, unsigned retries, uint32_t seed)
{
    *s = (struct scan){ .n_hosts = n_hosts, .n_ports = ports_count(ports), .retries = retries, .gap_ns = NS_PER_SEC / rate, .seed = seed };
    s->number = calloc(s->n_ports + 1, sizeof *s->number);
    s->host = calloc(n_hosts, sizeof *s->host);
    bool good = s->number && s->host;
    for (unsigned port = 1, n = 0; good && port <= SCAN_PORTS_MAX; port++)
        if (port_set_has(ports, port))
            s->number[n++] = (uint16_t)port;
    for (uint32_t i = 0; good && i < n_hosts; i++) {
        s->host[i] = (struct scan_host){ .addr = addrs[i], .window = WINDOW_FIRST, .port = calloc(s->n_ports, sizeof *s->host->port) };
        good = s->host[i].port != NULL;
    }
    if (!good)
        scan_fini(s);
    return good;
}

void scan_fini(struct scan *s)
{
    for (uint32_t i = 0; s->host && i < s->n_hosts; i++)
        free(s->host[i].port);
    free(s->host);
    free(s->number);
    s->host = NULL;
    s->number = NULL;
}

uint32_t scan_seq(const struct scan *s, uint32_t host, uint32_t port)
{
    uint32_t h = s->seed ^ (host << 16 | s->number[port]);
    h = (h ^ h >> 16) * 0x7feb352du;
    h = (h ^ h >> 15) * 0x846ca68bu;
    return h ^ h >> 16;
}

static struct scan_port *port_of(const struct scan *s, const struct scan_probe *p) { return &s->host[p->host].port[p->port]; }

/* Of a host that has said nothing the last try is waited for twice as long: until ours, or a router's, neighbour cache
 * has given it up and says so. */
static int64_t patience_of(const struct scan *s, const struct scan_probe *p)
{
    const struct scan_host *h = &s->host[p->host];
    if (h->rtt_ns)
        return time_min(WAIT_MOST_NS, time_max(WAIT_LEAST_NS, 4 * h->rtt_ns));
    return port_of(s, p)->tries > s->retries ? 2 * WAIT_FIRST_NS : WAIT_FIRST_NS;
}

static void land(struct scan *s, uint32_t at)
{
    s->host[s->flight[at].host].flight--;
    s->flight[at] = s->flight[--s->n_flight];
}

/* A window grows while nothing speaks against it: a first few wait for the link address of the next hop. */
static void widen(struct scan_host *h) { h->window = h->window < SCAN_HOST_FLIGHT ? 2 * h->window : h->window; }

/* ---------------------------------------------------------------- sending */

/* One that was not answered in time: once more, or that is the answer. */
static bool again(struct scan *s, struct scan_probe *out, int64_t now_ns)
{
    for (uint32_t i = 0; i < s->n_flight;) {
        struct scan_probe *p = &s->flight[i];
        struct scan_port *port = port_of(s, p);
        if (p->sent_ns + patience_of(s, p) > now_ns) {
            i++;
            continue;
        }
        if (port->tries <= s->retries) {
            port->tries++;
            p->sent_ns = now_ns;
            *out = *p;
            return true;
        }
        *port = (struct scan_port){ .state = PORT_FILTERED, .why = SCAN_SILENT, .tries = port->tries };
        widen(&s->host[p->host]);
        land(s, i);
    }
    return false;
}

static bool has_more(const struct scan *s, const struct scan_host *h) { return !h->down && h->next < s->n_ports; }

static bool fresh(struct scan *s, struct scan_probe *out, int64_t now_ns)
{
    for (uint32_t i = 0; i < s->n_hosts && s->n_flight < SCAN_FLIGHT; i++) {
        const uint32_t number = (s->turn + i) % s->n_hosts;
        struct scan_host *h = &s->host[number];
        if (!has_more(s, h) || h->flight >= h->window)
            continue;
        s->turn = number + 1;
        *out = (struct scan_probe){ .host = number, .port = h->next++, .sent_ns = now_ns };
        h->port[out->port] = (struct scan_port){ .state = PORT_ASKED, .tries = 1 };
        h->flight++;
        s->flight[s->n_flight++] = *out;
        return true;
    }
    return false;
}

bool scan_next(struct scan *s, struct scan_probe *out, int64_t now_ns)
{
    if (now_ns < s->next_ns || !(again(s, out, now_ns) || fresh(s, out, now_ns)))
        return false;
    s->sent++;
    s->next_ns = time_max(now_ns, s->next_ns) + s->gap_ns;
    return true;
}

bool scan_is_over(const struct scan *s)
{
    for (uint32_t i = 0; i < s->n_hosts; i++)
        if (has_more(s, &s->host[i]))
            return false;
    return s->n_flight == 0;
}

int64_t scan_deadline(const struct scan *s, int64_t now_ns)
{
    int64_t at_ns = DEADLINE_NEVER;
    for (uint32_t i = 0; i < s->n_flight; i++)
        at_ns = time_min(at_ns, s->flight[i].sent_ns + patience_of(s, &s->flight[i]));
    for (uint32_t i = 0; i < s->n_hosts && s->n_flight < SCAN_FLIGHT; i++)
        if (has_more(s, &s->host[i]) && s->host[i].flight < s->host[i].window)
            at_ns = now_ns;
    return at_ns == DEADLINE_NEVER ? at_ns : time_max(at_ns, s->next_ns);
}

/* --------------------------------------------------------------- answers */

static bool find(const struct scan *s, const struct scan_answer *a, uint32_t *at)
{
    for (uint32_t i = 0; i < s->n_flight; i++) {
        const struct scan_probe *p = &s->flight[i];
        *at = i;
        if (s->number[p->port] == a->port && addr_eq(s->host[p->host].addr, a->about))
            return !a->has_seq || a->seq == scan_seq(s, p->host, p->port);
    }
    return false;
}

static void note_rtt(struct scan_host *h, int64_t rtt_ns)
{
    h->rtt_ns = h->rtt_ns ? (7 * h->rtt_ns + rtt_ns) / 8 : rtt_ns;
    h->best_rtt_ns = h->best_rtt_ns ? time_min(h->best_rtt_ns, rtt_ns) : rtt_ns;
}

/* Nobody is at this address: what was asked of it is not filtered but unknown. */
static void is_down(struct scan *s, uint32_t host, const struct scan_answer *a)
{
    struct scan_host *h = &s->host[host];
    h->down = true;
    h->said_by = a->from;
    h->trouble = a->trouble;
    for (uint32_t i = 0; i < h->next; i++)
        if (h->port[i].why == SCAN_SILENT)
            h->port[i] = (struct scan_port){ .state = PORT_UNKNOWN, .why = SCAN_DOWN };
    for (uint32_t i = 0; i < s->n_flight;) {
        if (s->flight[i].host != host) {
            i++;
            continue;
        }
        land(s, i);
    }
}

void scan_answer(struct scan *s, const struct scan_answer *a)
{
    uint32_t at;
    if (!find(s, a, &at))
        return;
    const uint32_t host = s->flight[at].host;
    struct scan_host *h = &s->host[host];
    struct scan_port *port = port_of(s, &s->flight[at]);
    if (a->trouble == TROUBLE_NONE && !a->has_seq)
        return;                         /* a segment that acknowledges nothing answers no SYN */
    if (!h->up && (a->own || a->trouble == TROUBLE_ADDRESS || a->trouble == TROUBLE_NO_ROUTE)) {
        is_down(s, host, a);
        return;
    }
    if (a->trouble == TROUBLE_TTL || a->trouble == TROUBLE_TOO_BIG)
        return;
    if (a->trouble != TROUBLE_NONE) {
        *port = (struct scan_port){ .state = PORT_FILTERED, .why = SCAN_ICMP, .tries = port->tries };
        h->said_by = a->from;
        h->trouble = a->trouble;
    } else if (a->flags & RST) {
        *port = (struct scan_port){ .state = PORT_CLOSED, .why = SCAN_RESET, .tries = port->tries, .ttl = a->ttl };
    } else if ((a->flags & (SYN | ACK)) == (SYN | ACK)) {
        *port = (struct scan_port){ .state = PORT_OPEN, .why = SCAN_SYN_ACK, .tries = port->tries, .ttl = a->ttl };
    } else {
        return;
    }
    h->up |= a->trouble == TROUBLE_NONE || addr_eq(a->from, h->addr);
    if (port->tries == 1)               /* Karn: which of several was answered is not known */
        note_rtt(h, time_max(1, a->time_ns - s->flight[at].sent_ns));
    widen(h);
    land(s, at);
}

uint32_t scan_count(const struct scan *s, uint32_t host, enum port_state state)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_ports; i++)
        n += s->host[host].port[i].state == state;
    return n;
}

const char *port_state_text(uint8_t state)
{
    static const char *const text[] = { "unknown", "unknown", "open", "closed", "filtered" };
    return text[state];
}

const char *scan_why_text(uint8_t why)
{
    static const char *const text[] = { "no-response", "syn-ack", "reset", "icmp-unreachable", "host-down" };
    return text[why];
}
