#include "link/stp.h"
#include <string.h>

#define MAX_AGE_NS  (20 * NS_PER_SEC)   /* §8.10.2, the recommended values */
#define HELLO_NS    (2 * NS_PER_SEC)
#define FORWARD_NS  (15 * NS_PER_SEC)
#define HOLD_NS     NS_PER_SEC
#define AGE_STEP_NS NS_PER_SEC          /* §8.10.1: added to a message's age by each bridge */
enum { PATH_COST = 19, PORT_PRIORITY = 0x80 };  /* of 100 Mbit/s, Table 8-5 */

static bool is_root(const struct stp *s) { return s->designated_root == s->id; }
static bool is_designated(const struct stp *s, const struct stp_port *p) { return p->designated_bridge == s->id && p->designated_port == p->id; }

const char *stp_state_name(enum stp_state s)
{
    static const char *const name[] = { "disabled", "blocking", "listening", "learning", "forwarding" };
    return name[s];
}

static void own_times(struct stp *s)
{
    s->max_age_ns = MAX_AGE_NS;
    s->hello_ns = HELLO_NS;
    s->forward_ns = FORWARD_NS;
}

/* §8.6.1 */
static void transmit_config(struct stp_port *p, int64_t now_ns)
{
    if (p->hold_ns > now_ns) {
        p->config_pending = true;
        return;
    }
    p->owes_config = true;
    p->config_pending = false;
    p->hold_ns = time_after(now_ns, HOLD_NS);
}

/* §8.6.4 */
static void config_generation(struct stp *s, int64_t now_ns)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->port[i].state != STP_DISABLED && is_designated(s, &s->port[i]))
            transmit_config(&s->port[i], now_ns);
}

/* §8.6.6 */
static void transmit_tcn(struct stp *s)
{
    if (s->root_port >= 0)
        s->port[s->root_port].owes_change = true;
}

/* §8.6.14 */
static void topology_change_detection(struct stp *s, int64_t now_ns)
{
    if (is_root(s)) {
        s->topology_change = true;
        s->change_until_ns = time_after(now_ns, s->max_age_ns + s->forward_ns);
    } else if (!s->change_detected) {
        transmit_tcn(s);
        s->notify_at_ns = time_after(now_ns, HELLO_NS);
    }
    s->change_detected = true;
}

/* -------------------------------------------------------------- selection */

/* §8.6.8.3.1: the way to the root by this port is better than by that. */
static bool leads_better(const struct stp_port *a, const struct stp_port *b)
{
    const uint64_t cost_a = (uint64_t)a->designated_cost + a->path_cost, cost_b = (uint64_t)b->designated_cost + b->path_cost;
    if (a->designated_root != b->designated_root)
        return a->designated_root < b->designated_root;
    if (cost_a != cost_b)
        return cost_a < cost_b;
    if (a->designated_bridge != b->designated_bridge)
        return a->designated_bridge < b->designated_bridge;
    return a->designated_port != b->designated_port ? a->designated_port < b->designated_port : a->id < b->id;
}

/* §8.6.8 */
static void root_selection(struct stp *s)
{
    int best = -1;
    for (unsigned i = 0; i < s->n; i++) {
        const struct stp_port *p = &s->port[i];
        if (p->state == STP_DISABLED || is_designated(s, p) || p->designated_root >= s->id)
            continue;
        if (best < 0 || leads_better(p, &s->port[best]))
            best = (int)i;
    }
    s->root_port = best;
    s->designated_root = best < 0 ? s->id : s->port[best].designated_root;
    s->root_path_cost = best < 0 ? 0 : s->port[best].designated_cost + s->port[best].path_cost;
}

/* §8.6.11 */
static void become_designated(struct stp *s, struct stp_port *p)
{
    p->designated_root = s->designated_root;
    p->designated_cost = s->root_path_cost;
    p->designated_bridge = s->id;
    p->designated_port = p->id;
}

/* §8.6.10: ours is the better word on that link. */
static bool should_be_designated(const struct stp *s, const struct stp_port *p)
{
    if (is_designated(s, p) || p->designated_root != s->designated_root || s->root_path_cost != p->designated_cost)
        return is_designated(s, p) || p->designated_root != s->designated_root || s->root_path_cost < p->designated_cost;
    return s->id != p->designated_bridge ? s->id < p->designated_bridge : p->id <= p->designated_port;
}

static void configuration_update(struct stp *s)
{
    root_selection(s);
    for (unsigned i = 0; i < s->n; i++)
        if (s->port[i].state != STP_DISABLED && should_be_designated(s, &s->port[i]))
            become_designated(s, &s->port[i]);
}

/* ------------------------------------------------------------ port states */

/* §8.6.12 */
static void make_forwarding(struct stp *s, struct stp_port *p, int64_t now_ns)
{
    if (p->state != STP_BLOCKING)
        return;
    p->state = STP_LISTENING;
    p->forward_ns = time_after(now_ns, s->forward_ns);
}

/* §8.6.13 */
static void make_blocking(struct stp *s, struct stp_port *p, int64_t now_ns)
{
    if (p->state == STP_DISABLED || p->state == STP_BLOCKING)
        return;
    if (p->state >= STP_LEARNING)
        topology_change_detection(s, now_ns);
    p->state = STP_BLOCKING;
    p->forward_ns = DEADLINE_NEVER;
}

/* §8.6.11 */
static void port_state_selection(struct stp *s, int64_t now_ns)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct stp_port *p = &s->port[i];
        if ((int)i == s->root_port) {
            p->config_pending = p->acknowledge = false;
            make_forwarding(s, p, now_ns);
        } else if (is_designated(s, p)) {
            p->message_age_ns = DEADLINE_NEVER;
            make_forwarding(s, p, now_ns);
        } else {
            p->config_pending = p->acknowledge = false;
            make_blocking(s, p, now_ns);
        }
    }
}

/* We were not the root and are now (§8.7.3, §8.8.5): its times are ours. */
static void became_root(struct stp *s, int64_t now_ns)
{
    own_times(s);
    topology_change_detection(s, now_ns);
    s->notify_at_ns = DEADLINE_NEVER;
    config_generation(s, now_ns);
    s->hello_at_ns = time_after(now_ns, s->hello_ns);
}

void stp_init(struct stp *s, uint16_t priority, struct mac m, unsigned n_ports, bool on)
{
    *s = (struct stp){ .on = on, .id = bpdu_id(priority, m), .root_port = -1, .n = n_ports, .hello_at_ns = on ? 0 : DEADLINE_NEVER,
                       .notify_at_ns = DEADLINE_NEVER, .change_until_ns = DEADLINE_NEVER };
    s->designated_root = s->id;
    own_times(s);
    for (unsigned i = 0; i < n_ports; i++)
        s->port[i] = (struct stp_port){ .id = (uint16_t)(PORT_PRIORITY << 8 | (i + 1)), .path_cost = PATH_COST, .message_age_ns = DEADLINE_NEVER,
                                        .forward_ns = DEADLINE_NEVER };
}

void stp_link(struct stp *s, unsigned port, bool up, int64_t now_ns)
{
    struct stp_port *p = &s->port[port];
    const bool was_root = is_root(s);
    if (up == (p->state != STP_DISABLED))
        return;
    if (!s->on) {
        p->state = up ? STP_FORWARDING : STP_DISABLED;
        return;
    }
    if (!up && p->state >= STP_LEARNING)
        topology_change_detection(s, now_ns);
    p->state = up ? STP_BLOCKING : STP_DISABLED;
    p->message_age_ns = p->forward_ns = DEADLINE_NEVER;
    p->config_pending = p->acknowledge = p->owes_config = p->owes_change = false;
    become_designated(s, p);
    configuration_update(s);
    port_state_selection(s, now_ns);
    if (is_root(s) && !was_root)
        became_root(s, now_ns);
}

/* ---------------------------------------------------------------- messages */

/* §8.6.2: what came is at least as good as what was known of that link. */
static bool supersedes(const struct stp *s, const struct stp_port *p, const struct bpdu *b)
{
    if (b->root != p->designated_root)
        return b->root < p->designated_root;
    if (b->cost != p->designated_cost)
        return b->cost < p->designated_cost;
    if (b->bridge != p->designated_bridge)
        return b->bridge < p->designated_bridge;
    return b->bridge != s->id || b->port <= p->designated_port;
}

static void record(struct stp *s, unsigned port, const struct bpdu *b, int64_t now_ns)
{
    struct stp_port *p = &s->port[port];
    p->designated_root = b->root;
    p->designated_cost = b->cost;
    p->designated_bridge = b->bridge;
    p->designated_port = b->port;
    p->age_ns = b->age_ns;
    p->heard_ns = now_ns;
    p->message_age_ns = time_after(now_ns, b->max_age_ns - b->age_ns);
}

/* §8.6.3, §8.6.5: the root's times, and its word that the topology changed. */
static void take_from_root(struct stp *s, const struct bpdu *b, int64_t now_ns)
{
    s->max_age_ns = b->max_age_ns;
    s->hello_ns = b->hello_ns;
    s->forward_ns = b->forward_ns;
    s->topology_change = b->topology_change;
    if (b->acknowledged) {
        s->change_detected = false;
        s->notify_at_ns = DEADLINE_NEVER;
    }
    config_generation(s, now_ns);
}

static void config_in(struct stp *s, unsigned port, const struct bpdu *b, int64_t now_ns)
{
    struct stp_port *p = &s->port[port];
    const bool was_root = is_root(s);
    if (supersedes(s, p, b)) {
        record(s, port, b, now_ns);
        configuration_update(s);
        port_state_selection(s, now_ns);
        if (was_root && !is_root(s)) {
            s->hello_at_ns = DEADLINE_NEVER;
            if (s->change_detected) {
                s->change_until_ns = DEADLINE_NEVER;
                transmit_tcn(s);
                s->notify_at_ns = time_after(now_ns, HELLO_NS);
            }
        }
        if ((int)port == s->root_port)
            take_from_root(s, b, now_ns);
    } else if (is_designated(s, p)) {
        transmit_config(p, now_ns);
    }
}

void stp_in(struct stp *s, unsigned port, const struct bpdu *b, int64_t now_ns)
{
    struct stp_port *p = &s->port[port];
    if (!s->on || p->state == STP_DISABLED)
        return;
    if (b->type != BPDU_TOPOLOGY_CHANGE) {
        config_in(s, port, b, now_ns);
    } else if (is_designated(s, p)) {
        topology_change_detection(s, now_ns);
        p->acknowledge = true;
        transmit_config(p, now_ns);
    }
}

/* §8.6.1.3: as old as what came from the root, and a step more. */
static struct bpdu config_of(const struct stp *s, const struct stp_port *p, int64_t now_ns)
{
    const struct stp_port *root = s->root_port >= 0 ? &s->port[s->root_port] : NULL;
    return (struct bpdu){ .type = BPDU_CONFIG, .root = s->designated_root, .bridge = s->id, .cost = s->root_path_cost, .port = p->id,
                          .age_ns = root ? root->age_ns + (now_ns - root->heard_ns) + AGE_STEP_NS : 0, .max_age_ns = s->max_age_ns,
                          .hello_ns = s->hello_ns, .forward_ns = s->forward_ns, .topology_change = s->topology_change, .acknowledged = p->acknowledge };
}

bool stp_out(struct stp *s, unsigned *port, struct bpdu *out, int64_t now_ns)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct stp_port *p = &s->port[i];
        *port = i;
        if (p->owes_change) {
            p->owes_change = false;
            *out = (struct bpdu){ .type = BPDU_TOPOLOGY_CHANGE };
            return true;
        }
        if (!p->owes_config)
            continue;
        p->owes_config = false;
        *out = config_of(s, p, now_ns);
        p->acknowledge = false;
        if (out->age_ns < out->max_age_ns)
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------- timers */

/* §8.7.4: the designated bridge of that link is silent. */
static void message_age_expired(struct stp *s, struct stp_port *p, int64_t now_ns)
{
    const bool was_root = is_root(s);
    p->message_age_ns = DEADLINE_NEVER;
    become_designated(s, p);
    configuration_update(s);
    port_state_selection(s, now_ns);
    if (is_root(s) && !was_root)
        became_root(s, now_ns);
}

/* §8.7.5 */
static void forward_delay_expired(struct stp *s, struct stp_port *p, int64_t now_ns)
{
    p->forward_ns = DEADLINE_NEVER;
    if (p->state == STP_LISTENING) {
        p->state = STP_LEARNING;
        p->forward_ns = time_after(now_ns, s->forward_ns);
    } else if (p->state == STP_LEARNING) {
        p->state = STP_FORWARDING;
        topology_change_detection(s, now_ns);
    }
}

static void port_tick(struct stp *s, struct stp_port *p, int64_t now_ns)
{
    if (p->message_age_ns <= now_ns)
        message_age_expired(s, p, now_ns);
    if (p->forward_ns <= now_ns)
        forward_delay_expired(s, p, now_ns);
    if (p->config_pending && p->hold_ns <= now_ns)
        transmit_config(p, now_ns);
}

void stp_tick(struct stp *s, int64_t now_ns)
{
    if (s->hello_at_ns <= now_ns) {
        s->hello_at_ns = is_root(s) ? time_after(now_ns, s->hello_ns) : DEADLINE_NEVER;
        config_generation(s, now_ns);
    }
    if (s->notify_at_ns <= now_ns) {
        s->notify_at_ns = time_after(now_ns, HELLO_NS);
        transmit_tcn(s);
    }
    if (s->change_until_ns <= now_ns) {
        s->change_until_ns = DEADLINE_NEVER;
        s->topology_change = s->change_detected = false;
    }
    for (unsigned i = 0; i < s->n; i++)
        port_tick(s, &s->port[i], now_ns);
}

int64_t stp_deadline(const struct stp *s)
{
    int64_t at = time_min(time_min(s->hello_at_ns, s->notify_at_ns), s->change_until_ns);
    for (unsigned i = 0; i < s->n; i++) {
        const struct stp_port *p = &s->port[i];
        at = time_min(at, time_min(p->message_age_ns, p->forward_ns));
        if (p->config_pending)
            at = time_min(at, p->hold_ns);
    }
    return at;
}
