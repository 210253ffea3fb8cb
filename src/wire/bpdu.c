#include "wire/bpdu.h"
#include "base/time.h"

enum { LLC_BRIDGE = 0x42, LLC_UI = 3, CONFIG_LEN = 35, CHANGE_LEN = 4, LLC_LEN = 3, ETH_LEN_MAX = 1500, FLAG_CHANGE = 1, FLAG_ACK = 0x80, VERSION_STP = 0 };

static uint64_t read_id(struct reader *r) { return (uint64_t)rd_u32(r) << 32 | rd_u32(r); }
static void write_id(struct writer *w, uint64_t id)
{
    wr_u32(w, (uint32_t)(id >> 32));
    wr_u32(w, (uint32_t)id);
}
static int64_t read_time(struct reader *r) { return rd_u16(r) * NS_PER_SEC / 256; }
static void write_time(struct writer *w, int64_t ns)
{
    const int64_t units = ns * 256 / NS_PER_SEC;
    wr_u16(w, (uint16_t)(units > UINT16_MAX ? UINT16_MAX : units));
}

/* §9.3.4: of a later version's configuration the first 35 bytes are read as these. */
bool bpdu_read(struct reader *r, struct bpdu *out)
{
    rd_skip(r, 12);
    const uint16_t len = rd_u16(r);
    struct reader b = rd_sub(r, len <= ETH_LEN_MAX ? len : SIZE_MAX);
    *out = (struct bpdu){ 0 };
    const bool llc = rd_u8(&b) == LLC_BRIDGE && rd_u8(&b) == LLC_BRIDGE && rd_u8(&b) == LLC_UI;
    const uint16_t protocol = rd_u16(&b);
    rd_skip(&b, 1);
    out->type = rd_u8(&b);
    if (b.bad || !llc || protocol != 0)
        return false;
    if (out->type == BPDU_TOPOLOGY_CHANGE)
        return true;
    const uint8_t flags = rd_u8(&b);
    out->topology_change = flags & FLAG_CHANGE;
    out->acknowledged = flags & FLAG_ACK;
    out->root = read_id(&b);
    out->cost = rd_u32(&b);
    out->bridge = read_id(&b);
    out->port = rd_u16(&b);
    out->age_ns = read_time(&b);
    out->max_age_ns = read_time(&b);
    out->hello_ns = read_time(&b);
    out->forward_ns = read_time(&b);
    return !b.bad && (out->type == BPDU_CONFIG || out->type == 2) && out->age_ns < out->max_age_ns;
}

static void write_config(struct writer *w, const struct bpdu *b)
{
    wr_u8(w, (uint8_t)((b->topology_change ? FLAG_CHANGE : 0) | (b->acknowledged ? FLAG_ACK : 0)));
    write_id(w, b->root);
    wr_u32(w, b->cost);
    write_id(w, b->bridge);
    wr_u16(w, b->port);
    write_time(w, b->age_ns);
    write_time(w, b->max_age_ns);
    write_time(w, b->hello_ns);
    write_time(w, b->forward_ns);
}

void bpdu_write(struct writer *w, struct mac from, const struct bpdu *b)
{
    const struct mac to = BRIDGE_GROUP;
    const bool config = b->type == BPDU_CONFIG;
    wr_bytes(w, to.b, 6);
    wr_bytes(w, from.b, 6);
    wr_u16(w, (uint16_t)(LLC_LEN + (config ? CONFIG_LEN : CHANGE_LEN)));
    wr_u8(w, LLC_BRIDGE);
    wr_u8(w, LLC_BRIDGE);
    wr_u8(w, LLC_UI);
    wr_u16(w, 0);
    wr_u8(w, VERSION_STP);
    wr_u8(w, b->type);
    if (config)
        write_config(w, b);
    wr_fill(w, 0, wr_len(w) < BPDU_FRAME ? BPDU_FRAME - wr_len(w) : 0);
}
