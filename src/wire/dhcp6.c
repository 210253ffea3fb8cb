#include "wire/dhcp6.h"

enum option {
    OPT_CLIENT_ID = 1, OPT_SERVER_ID = 2, OPT_IA_NA = 3, OPT_IA_ADDR = 5, OPT_ORO = 6, OPT_PREFERENCE = 7, OPT_ELAPSED = 8, OPT_RELAY_MESSAGE = 9,
    OPT_STATUS = 13, OPT_RAPID_COMMIT = 14, OPT_INTERFACE_ID = 18, OPT_DNS = 23, OPT_DOMAINS = 24, OPT_REFRESH = 32, OPT_NAME = 39,
    OPT_SOL_MAX_RT = 82, OPT_INF_MAX_RT = 83
};
enum { LABEL_MAX = 63 };

/* -------------------------------------------------------------------- read */

/* The next option: its code, its value in `*v`; false: no more, or `r` is bad. */
static bool next_option(struct reader *r, uint16_t *code, struct reader *v)
{
    if (rd_left(r) == 0)
        return false;
    *code = rd_u16(r);
    *v = rd_sub(r, rd_u16(r));
    return !r->bad;
}

static struct addr rd_addr(struct reader *r)
{
    const uint8_t *p = rd_bytes(r, 16);
    return p ? addr6_bytes(p) : ADDR_NONE;
}

/* §11.1: two bytes of type and at least one more. */
static void read_duid(struct reader *v, struct dhcp6_duid *out)
{
    const size_t len = rd_left(v);
    if (len < 3 || len > DHCP6_DUID)
        return;
    rd_copy(v, out->b, len);
    out->len = (uint8_t)len;
}

static void read_u32(struct reader *v, uint32_t *out)
{
    if (rd_left(v) == 4)
        *out = rd_u32(v);
}

static void read_status(struct reader *v, uint16_t *out)
{
    if (rd_left(v) >= 2)
        *out = rd_u16(v);               /* behind it stands text for people */
}

/* §21.6; a preferred lifetime above the valid one makes it void. */
static bool read_ia_addr(struct reader v, struct dhcp6_ia *ia)
{
    const struct dhcp6_addr a = { .addr = rd_addr(&v), .preferred_s = rd_u32(&v), .valid_s = rd_u32(&v) };
    if (v.bad)
        return false;
    if (a.preferred_s <= a.valid_s && ia->n_addr < DHCP6_ADDRS)
        ia->addr[ia->n_addr++] = a;
    return true;
}

/* §21.4 */
static bool read_ia(struct reader v, struct dhcp6 *m)
{
    struct dhcp6_ia ia = { .iaid = rd_u32(&v), .t1_s = rd_u32(&v), .t2_s = rd_u32(&v) };
    uint16_t code;
    struct reader sub;
    if (v.bad)
        return false;
    while (next_option(&v, &code, &sub)) {
        if (code == OPT_STATUS)
            read_status(&sub, &ia.status);
        if (code == OPT_IA_ADDR && !read_ia_addr(sub, &ia))
            return false;
    }
    if (v.bad)
        return false;
    if (m->n_ia < DHCP6_IAS)
        m->ia[m->n_ia++] = ia;
    return true;
}

static void read_asked(struct reader *v, struct dhcp6 *m)
{
    while (rd_left(v) >= 2) {
        const uint16_t code = rd_u16(v);
        m->asks_dns |= code == OPT_DNS;
        m->asks_domain |= code == OPT_DOMAINS;
        m->asks_refresh |= code == OPT_REFRESH;
    }
}

/* A name in labels (RFC 1035 §3.1, never compressed here) as text, of what a label may be made of; "" when it is none. */
static void read_name(struct reader *v, char out[DHCP6_NAME])
{
    size_t n = 0;
    out[0] = '\0';
    while (rd_left(v) > 0) {
        const uint8_t len = rd_u8(v);
        if (len == 0)
            break;
        const uint8_t *label = len <= LABEL_MAX ? rd_bytes(v, len) : NULL;
        if (!label || n + len + 2 > DHCP6_NAME) {
            out[0] = '\0';
            return;
        }
        if (n)
            out[n++] = '.';
        for (unsigned i = 0; i < len; i++) {
            const uint8_t c = label[i];
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
            out[n++] = plain ? (char)c : '_';
        }
    }
    out[n] = '\0';
}

static void read_dns(struct reader *v, struct dhcp6 *m)
{
    while (rd_left(v) >= 16 && m->n_dns < DHCP6_DNS)
        m->dns[m->n_dns++] = rd_addr(v);
}

/* An option of a length that is not its own is passed over, but for those that hold others. */
static bool read_option(uint16_t code, struct reader v, struct dhcp6 *m)
{
    switch (code) {
    case OPT_CLIENT_ID:    read_duid(&v, &m->client); return true;
    case OPT_SERVER_ID:    read_duid(&v, &m->server); return true;
    case OPT_IA_NA:        return read_ia(v, m);
    case OPT_ORO:          read_asked(&v, m); return true;
    case OPT_PREFERENCE:   if ((m->has_preference = rd_left(&v) == 1)) m->preference = rd_u8(&v); return true;
    case OPT_ELAPSED:      if ((m->has_elapsed = rd_left(&v) == 2)) m->elapsed_cs = rd_u16(&v); return true;
    case OPT_STATUS:       read_status(&v, &m->status); return true;
    case OPT_RAPID_COMMIT: m->rapid_commit = true; return true;
    case OPT_DNS:          read_dns(&v, m); return true;
    case OPT_DOMAINS:      read_name(&v, m->domain); return true;
    case OPT_NAME:         rd_skip(&v, 1); read_name(&v, m->name); return true;
    case OPT_REFRESH:      read_u32(&v, &m->refresh_s); return true;
    case OPT_SOL_MAX_RT:   read_u32(&v, &m->sol_max_rt_s); return true;
    case OPT_INF_MAX_RT:   read_u32(&v, &m->inf_max_rt_s); return true;
    default:               return true;
    }
}

bool dhcp6_read(struct reader *r, struct dhcp6 *out)
{
    const uint32_t first = rd_u32(r);
    uint16_t code;
    struct reader v;
    *out = (struct dhcp6){ .type = (uint8_t)(first >> 24), .xid = first & 0xffffff };
    if (r->bad || out->type < DHCP6_SOLICIT || out->type > DHCP6_INFORMATION)
        return false;
    while (next_option(r, &code, &v))
        if (!read_option(code, v, out))
            return false;
    return !r->bad;
}

/* ------------------------------------------------------------------- write */

/* Its length is filled in by close_option. */
static uint8_t *open_option(struct writer *w, uint16_t code)
{
    wr_u16(w, code);
    return wr_space(w, 2);
}

static void close_option(struct writer *w, uint8_t *len_at)
{
    if (len_at && !w->bad)
        store_be16(len_at, (uint16_t)(w->at - len_at - 2));
}

static void write_duid(struct writer *w, uint16_t code, const struct dhcp6_duid *d)
{
    if (!d->len)
        return;
    wr_u16(w, code);
    wr_u16(w, d->len);
    wr_bytes(w, d->b, d->len);
}

static void write_status(struct writer *w, uint16_t status)
{
    if (status == DHCP6_SUCCESS)
        return;
    wr_u16(w, OPT_STATUS);
    wr_u16(w, 2);
    wr_u16(w, status);
}

static void write_u32(struct writer *w, uint16_t code, uint32_t value)
{
    if (!value)
        return;
    wr_u16(w, code);
    wr_u16(w, 4);
    wr_u32(w, value);
}

static void write_ia(struct writer *w, const struct dhcp6_ia *ia)
{
    uint8_t *len_at = open_option(w, OPT_IA_NA);
    wr_u32(w, ia->iaid);
    wr_u32(w, ia->t1_s);
    wr_u32(w, ia->t2_s);
    for (unsigned i = 0; i < ia->n_addr; i++) {
        wr_u16(w, OPT_IA_ADDR);
        wr_u16(w, 24);
        wr_bytes(w, ia->addr[i].addr.b, 16);
        wr_u32(w, ia->addr[i].preferred_s);
        wr_u32(w, ia->addr[i].valid_s);
    }
    write_status(w, ia->status);
    close_option(w, len_at);
}

/* §21.7: a client always asks for SOL_MAX_RT, and for INF_MAX_RT when it asks for information alone. */
static void write_asked(struct writer *w, const struct dhcp6 *m)
{
    if (!m->asks_dns && !m->asks_domain && !m->asks_refresh)
        return;
    uint8_t *len_at = open_option(w, OPT_ORO);
    if (m->asks_dns)
        wr_u16(w, OPT_DNS);
    if (m->asks_domain)
        wr_u16(w, OPT_DOMAINS);
    if (m->asks_refresh)
        wr_u16(w, OPT_REFRESH);
    wr_u16(w, m->type == DHCP6_INFORMATION ? OPT_INF_MAX_RT : OPT_SOL_MAX_RT);
    close_option(w, len_at);
}

static void write_labels(struct writer *w, const char *name)
{
    while (*name) {
        const size_t len = strcspn(name, ".");
        if (len == 0 || len > LABEL_MAX)
            break;
        wr_u8(w, (uint8_t)len);
        wr_bytes(w, name, len);
        name += len + (name[len] == '.');
    }
    wr_u8(w, 0);
}

static void write_names(struct writer *w, const struct dhcp6 *m)
{
    uint8_t *len_at;
    if (m->n_dns) {
        wr_u16(w, OPT_DNS);
        wr_u16(w, (uint16_t)(m->n_dns * 16));
        for (unsigned i = 0; i < m->n_dns; i++)
            wr_bytes(w, m->dns[i].b, 16);
    }
    if (m->domain[0]) {
        len_at = open_option(w, OPT_DOMAINS);
        write_labels(w, m->domain);
        close_option(w, len_at);
    }
    if (m->name[0]) {
        len_at = open_option(w, OPT_NAME);
        wr_u8(w, 0);
        write_labels(w, m->name);
        close_option(w, len_at);
    }
}

void dhcp6_write(struct writer *w, const struct dhcp6 *m)
{
    wr_u32(w, (uint32_t)m->type << 24 | (m->xid & 0xffffff));
    write_duid(w, OPT_CLIENT_ID, &m->client);
    write_duid(w, OPT_SERVER_ID, &m->server);
    if (m->has_elapsed) {
        wr_u16(w, OPT_ELAPSED);
        wr_u16(w, 2);
        wr_u16(w, m->elapsed_cs);
    }
    if (m->has_preference) {
        wr_u16(w, OPT_PREFERENCE);
        wr_u16(w, 1);
        wr_u8(w, m->preference);
    }
    if (m->rapid_commit) {
        wr_u16(w, OPT_RAPID_COMMIT);
        wr_u16(w, 0);
    }
    for (unsigned i = 0; i < m->n_ia; i++)
        write_ia(w, &m->ia[i]);
    write_asked(w, m);
    write_status(w, m->status);
    write_names(w, m);
    write_u32(w, OPT_REFRESH, m->refresh_s);
    write_u32(w, OPT_SOL_MAX_RT, m->sol_max_rt_s);
    write_u32(w, OPT_INF_MAX_RT, m->inf_max_rt_s);
}

/* ------------------------------------------------------------------ relays */

static bool read_relay(struct reader *r, struct dhcp6_relay *out)
{
    struct reader v, message = { .bad = true };
    uint16_t code;
    rd_skip(r, 1);
    *out = (struct dhcp6_relay){ .hops = rd_u8(r), .link = rd_addr(r), .peer = rd_addr(r) };
    while (next_option(r, &code, &v)) {
        if (code == OPT_RELAY_MESSAGE)
            message = v;
        if (code != OPT_INTERFACE_ID)
            continue;
        const size_t len = rd_left(&v);
        if (len > DHCP6_INTERFACE_ID)
            return false;               /* it must come back unchanged (§21.18) */
        rd_copy(&v, out->interface_id, len);
        out->interface_id_len = (uint8_t)len;
    }
    if (r->bad || message.bad)
        return false;
    *r = message;
    return true;
}

int dhcp6_unwrap(struct reader *r, struct dhcp6_relay out[DHCP6_RELAYS])
{
    int n = 0;
    while (rd_left(r) > 0 && *r->at == DHCP6_RELAY_FORW) {
        if (n == DHCP6_RELAYS || !read_relay(r, &out[n]))
            return -1;
        n++;
    }
    return n;
}

/* §19.3 */
void dhcp6_wrap(struct writer *w, const struct dhcp6_relay *relay, unsigned n, const void *message, size_t len)
{
    uint8_t *open[DHCP6_RELAYS];
    for (unsigned i = 0; i < n && i < DHCP6_RELAYS; i++) {
        wr_u8(w, DHCP6_RELAY_REPL);
        wr_u8(w, relay[i].hops);
        wr_bytes(w, relay[i].link.b, 16);
        wr_bytes(w, relay[i].peer.b, 16);
        if (relay[i].interface_id_len) {
            wr_u16(w, OPT_INTERFACE_ID);
            wr_u16(w, relay[i].interface_id_len);
            wr_bytes(w, relay[i].interface_id, relay[i].interface_id_len);
        }
        open[i] = open_option(w, OPT_RELAY_MESSAGE);
    }
    wr_bytes(w, message, len);
    for (unsigned i = 0; i < n && i < DHCP6_RELAYS; i++)
        close_option(w, open[i]);
}
