#include "wire/dhcp4.h"

enum { MAGIC = 0x63825363, HARDWARE_ETHERNET = 1, BROADCAST = 0x8000, SNAME_LEN = 64, FILE_LEN = 128 };
enum option {
    OPT_PAD = 0, OPT_MASK = 1, OPT_ROUTER = 3, OPT_DNS = 6, OPT_HOST_NAME = 12, OPT_DOMAIN = 15, OPT_MTU = 26, OPT_REQUESTED = 50,
    OPT_LEASE = 51, OPT_OVERLOAD = 52, OPT_TYPE = 53, OPT_SERVER_ID = 54, OPT_WANTED = 55, OPT_MAX_SIZE = 57, OPT_T1 = 58,
    OPT_T2 = 59, OPT_CLIENT_ID = 61, OPT_RELAY = 82, OPT_END = 255
};
enum { SUB_LINK_SELECTION = 5 };
enum { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2 };

static void read_addr(struct reader *v, struct addr *out)
{
    if (rd_left(v) == 4)
        *out = addr4(rd_u32(v));
}

static void read_u32(struct reader *v, uint32_t *out)
{
    if (rd_left(v) == 4)
        *out = rd_u32(v);
}

/* As many addresses as we keep, of those that came. */
static uint8_t read_addrs(struct reader *v, struct addr out[DHCP4_ADDRS])
{
    uint8_t n = 0;
    while (n < DHCP4_ADDRS && rd_left(v) >= 4)
        out[n++] = addr4(rd_u32(v));
    return n;
}

/* RFC 2132 §2: a trailing NUL may be there and does not count. */
static void read_text(struct reader *v, char out[DHCP4_TEXT])
{
    const size_t len = rd_left(v) < DHCP4_TEXT ? rd_left(v) : DHCP4_TEXT - 1;
    rd_copy(v, out, len);
    out[len] = '\0';
}

static void read_client_id(struct reader *v, struct dhcp4 *out)
{
    const size_t len = rd_left(v);
    if (len <= sizeof out->client_id && rd_copy(v, out->client_id, len))
        out->client_id_len = (uint8_t)len;
}

static void read_relay(struct reader *v, struct dhcp4 *out)
{
    out->relay_len = (uint8_t)rd_left(v);
    rd_copy(v, out->relay, out->relay_len);
}

/* An option of a length that is not its own is passed over. */
static void read_option(uint8_t code, struct reader *v, struct dhcp4 *out, uint8_t *overload)
{
    switch (code) {
    case OPT_MASK:      read_addr(v, &out->mask); return;
    case OPT_ROUTER:    out->n_router = read_addrs(v, out->router); return;
    case OPT_DNS:       out->n_dns = read_addrs(v, out->dns); return;
    case OPT_HOST_NAME: read_text(v, out->host_name); return;
    case OPT_DOMAIN:    read_text(v, out->domain); return;
    case OPT_MTU:       if (rd_left(v) == 2) out->mtu = rd_u16(v); return;
    case OPT_REQUESTED: read_addr(v, &out->requested); return;
    case OPT_LEASE:     read_u32(v, &out->lease_s); return;
    case OPT_OVERLOAD:  if (rd_left(v) == 1) *overload = rd_u8(v); return;
    case OPT_TYPE:      if (rd_left(v) == 1) out->type = rd_u8(v); return;
    case OPT_SERVER_ID: read_addr(v, &out->server_id); return;
    case OPT_T1:        read_u32(v, &out->t1_s); return;
    case OPT_T2:        read_u32(v, &out->t2_s); return;
    case OPT_CLIENT_ID: read_client_id(v, out); return;
    case OPT_RELAY:     read_relay(v, out); return;
    default:            return;
    }
}

struct addr dhcp4_link_selection(const struct dhcp4 *m)
{
    struct reader r = reader_of(m->relay, m->relay_len);
    while (rd_left(&r) >= 2) {
        const uint8_t code = rd_u8(&r);
        struct reader value = rd_sub(&r, rd_u8(&r));
        if (r.bad)
            return ADDR_NONE;
        if (code == SUB_LINK_SELECTION && rd_left(&value) == 4)
            return addr4(rd_u32(&value));
    }
    return ADDR_NONE;
}

static bool read_options(struct reader *r, struct dhcp4 *out, uint8_t *overload)
{
    while (rd_left(r) > 0) {
        const uint8_t code = rd_u8(r);
        if (code == OPT_END)
            return true;
        if (code == OPT_PAD)
            continue;
        struct reader value = rd_sub(r, rd_u8(r));
        if (r->bad)
            return false;
        read_option(code, &value, out, overload);
    }
    return true;
}

bool dhcp4_read(struct reader *r, struct dhcp4 *out)
{
    *out = (struct dhcp4){ 0 };
    out->op = rd_u8(r);
    const uint8_t hardware = rd_u8(r), hardware_len = rd_u8(r);
    rd_skip(r, 1);                                              /* hops */
    out->xid = rd_u32(r);
    out->secs = rd_u16(r);
    out->broadcast = rd_u16(r) & BROADCAST;
    out->ciaddr = addr4(rd_u32(r));
    out->yiaddr = addr4(rd_u32(r));
    out->siaddr = addr4(rd_u32(r));
    out->giaddr = addr4(rd_u32(r));
    rd_copy(r, out->chaddr.b, 6);
    rd_skip(r, 10);
    struct reader sname = rd_sub(r, SNAME_LEN), file = rd_sub(r, FILE_LEN);
    if (rd_u32(r) != MAGIC || hardware != HARDWARE_ETHERNET || hardware_len != 6 || (out->op != 1 && out->op != 2))
        return false;

    uint8_t overload = 0, nested = 0;
    if (!read_options(r, out, &overload))
        return false;
    /* RFC 2131 §4.1: the file field is read before the sname field */
    if (overload & OVERLOAD_FILE && !read_options(&file, out, &nested))
        return false;
    if (overload & OVERLOAD_SNAME && !read_options(&sname, out, &nested))
        return false;
    return out->type >= DHCP4_DISCOVER && out->type <= DHCP4_INFORM;
}

static void write_head(struct writer *w, uint8_t code, size_t len)
{
    wr_u8(w, code);
    wr_u8(w, (uint8_t)len);
}

static void write_addr(struct writer *w, uint8_t code, struct addr a)
{
    if (addr_is_none(a))
        return;
    write_head(w, code, 4);
    wr_u32(w, addr_v4(a));
}

static void write_u32(struct writer *w, uint8_t code, uint32_t value)
{
    if (value == 0)
        return;
    write_head(w, code, 4);
    wr_u32(w, value);
}

static void write_addrs(struct writer *w, uint8_t code, const struct addr *a, uint8_t n)
{
    if (n == 0)
        return;
    write_head(w, code, n * 4u);
    for (uint8_t i = 0; i < n; i++)
        wr_u32(w, addr_v4(a[i]));
}

static void write_text(struct writer *w, uint8_t code, const char *text)
{
    if (!*text)
        return;
    write_head(w, code, strlen(text));
    wr_text(w, text);
}

/* What a client asks for; RFC 2131 table 5: never in DECLINE or RELEASE. */
static void write_wishes(struct writer *w, const struct dhcp4 *m)
{
    static const uint8_t wanted[] = { OPT_MASK, OPT_ROUTER, OPT_DNS, OPT_DOMAIN, OPT_MTU, OPT_LEASE, OPT_T1, OPT_T2 };
    if (m->type != DHCP4_DISCOVER && m->type != DHCP4_REQUEST && m->type != DHCP4_INFORM)
        return;
    write_head(w, OPT_WANTED, sizeof wanted);
    wr_bytes(w, wanted, sizeof wanted);
    write_head(w, OPT_MAX_SIZE, 2);
    wr_u16(w, DHCP4_MAX);
}

static void write_options(struct writer *w, const struct dhcp4 *m)
{
    write_head(w, OPT_TYPE, 1);
    wr_u8(w, m->type);
    if (m->client_id_len) {
        write_head(w, OPT_CLIENT_ID, m->client_id_len);
        wr_bytes(w, m->client_id, m->client_id_len);
    }
    write_addr(w, OPT_SERVER_ID, m->server_id);
    write_addr(w, OPT_REQUESTED, m->requested);
    write_u32(w, OPT_LEASE, m->lease_s);
    write_u32(w, OPT_T1, m->t1_s);
    write_u32(w, OPT_T2, m->t2_s);
    write_addr(w, OPT_MASK, m->mask);                           /* before the routers: RFC 2132 §3.3 */
    write_addrs(w, OPT_ROUTER, m->router, m->n_router);
    write_addrs(w, OPT_DNS, m->dns, m->n_dns);
    write_text(w, OPT_HOST_NAME, m->host_name);
    write_text(w, OPT_DOMAIN, m->domain);
    if (m->mtu) {
        write_head(w, OPT_MTU, 2);
        wr_u16(w, m->mtu);
    }
    write_wishes(w, m);
    if (m->relay_len) {                 /* RFC 3046 §2.1: the last before the end */
        write_head(w, OPT_RELAY, m->relay_len);
        wr_bytes(w, m->relay, m->relay_len);
    }
    wr_u8(w, OPT_END);
}

void dhcp4_write(struct writer *w, const struct dhcp4 *m)
{
    const size_t start = wr_len(w);
    wr_u8(w, m->op);
    wr_u8(w, HARDWARE_ETHERNET);
    wr_u8(w, 6);
    wr_u8(w, 0);
    wr_u32(w, m->xid);
    wr_u16(w, m->secs);
    wr_u16(w, m->broadcast ? BROADCAST : 0);
    wr_u32(w, addr_v4(m->ciaddr));
    wr_u32(w, addr_v4(m->yiaddr));
    wr_u32(w, addr_v4(m->siaddr));
    wr_u32(w, addr_v4(m->giaddr));
    wr_bytes(w, m->chaddr.b, 6);
    wr_fill(w, 0, 10 + SNAME_LEN + FILE_LEN);
    wr_u32(w, MAGIC);
    write_options(w, m);
    const size_t len = wr_len(w) - start;
    if (len < DHCP4_MIN)
        wr_fill(w, 0, DHCP4_MIN - len);
}
