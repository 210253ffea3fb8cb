#include "wire/ip4.h"
#include "base/checksum.h"

enum { FLAG_DF = 0x4000, FLAG_MF = 0x2000, OFFSET_MASK = 0x1fff };
enum { OPT_END = 0, OPT_NOP = 1, OPT_LOOSE_ROUTE = 131, OPT_STRICT_ROUTE = 137 };
enum { AT_TTL = 8, AT_CHECKSUM = 10 };

/* RFC 791 §3.1: a type, and unless it is END or NOP a length that counts both.  Those
 * not known here are skipped [MUST-50]. */
static bool read_options(struct reader *r, struct ip4 *out)
{
    while (rd_left(r) > 0) {
        const uint8_t type = rd_u8(r);
        if (type == OPT_END)
            return true;
        if (type == OPT_NOP)
            continue;
        const uint8_t len = rd_u8(r);
        if (r->bad || len < 2)
            return false;
        if (type == OPT_LOOSE_ROUTE || type == OPT_STRICT_ROUTE)
            out->source_route = true;
        rd_skip(r, len - 2u);
        if (r->bad)
            return false;
    }
    return true;
}

enum why ip4_read(struct reader *r, struct ip4 *out)
{
    const struct reader packet = *r;
    *out = (struct ip4){ 0 };
    const uint8_t version_ihl = rd_u8(r);
    if (r->bad)
        return WHY_IP_SHORT;
    if (version_ihl >> 4 != 4)
        return WHY_IP_VERSION;
    out->header_len = (uint8_t)((version_ihl & 15) * 4);
    if (out->header_len < IP4_HEADER)
        return WHY_IP_HEADER_LENGTH;

    struct reader header = packet;
    const uint8_t *bytes = rd_bytes(&header, out->header_len);
    if (!bytes)
        return WHY_IP_SHORT;
    if (csum_finish(csum_add((csum_t){ 0 }, bytes, out->header_len)) != 0)
        return WHY_IP_CHECKSUM;

    out->tos = rd_u8(r);
    out->total_len = rd_u16(r);
    out->id = rd_u16(r);
    const uint16_t frag = rd_u16(r);
    out->dont_fragment = frag & FLAG_DF;
    out->more_fragments = frag & FLAG_MF;
    out->frag_offset = (uint16_t)((frag & OFFSET_MASK) * 8);
    out->ttl = rd_u8(r);
    out->proto = rd_u8(r);
    rd_skip(r, 2);
    out->src = addr4(rd_u32(r));
    out->dst = addr4(rd_u32(r));
    if (out->total_len < out->header_len || out->total_len > rd_left(&packet))
        return WHY_IP_TOTAL_LENGTH;

    struct reader options = rd_sub(r, out->header_len - (size_t)IP4_HEADER);
    return read_options(&options, out) ? WHY_NONE : WHY_IP_OPTION;
}

void ip4_write(struct writer *w, const struct ip4 *h)
{
    uint8_t *bytes = wr_space(w, IP4_HEADER);
    if (!bytes)
        return;
    struct writer head = writer_of(bytes, IP4_HEADER);
    wr_u8(&head, 4 << 4 | IP4_HEADER / 4);
    wr_u8(&head, h->tos);
    wr_u16(&head, h->total_len);
    wr_u16(&head, h->id);
    wr_u16(&head, (uint16_t)((h->dont_fragment ? FLAG_DF : 0) | (h->more_fragments ? FLAG_MF : 0) | h->frag_offset / 8));
    wr_u8(&head, h->ttl);
    wr_u8(&head, h->proto);
    wr_u16(&head, 0);
    wr_u32(&head, addr_v4(h->src));
    wr_u32(&head, addr_v4(h->dst));
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, bytes, IP4_HEADER));
    memcpy(bytes + AT_CHECKSUM, &sum, 2);
}

void ip4_decrement_ttl(uint8_t *header)
{
    uint16_t before, after, sum;
    memcpy(&before, header + AT_TTL, 2);
    header[AT_TTL]--;
    memcpy(&after, header + AT_TTL, 2);
    memcpy(&sum, header + AT_CHECKSUM, 2);
    sum = csum_update(sum, before, after);
    memcpy(header + AT_CHECKSUM, &sum, 2);
}
