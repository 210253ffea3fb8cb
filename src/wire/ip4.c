#include "wire/ip4.h"
#include "base/checksum.h"

enum { OFFSET_MASK = 0x1fff };
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
    const size_t available = rd_left(r);
    if (available == 0)
        return WHY_IP_SHORT;
    if (*r->at >> 4 != 4)
        return WHY_IP_VERSION;
    const uint8_t header_len = (uint8_t)((*r->at & 15) * 4);
    if (header_len < IP4_HEADER)
        return WHY_IP_HEADER_LENGTH;
    if (header_len > available)
        return WHY_IP_SHORT;
    const uint8_t *h = rd_bytes(r, IP4_HEADER);
    const csum_t fixed = csum_add_words((csum_t){ 0 }, h, IP4_HEADER / 4);
    if (csum_finish(csum_add(fixed, r->at, header_len - (size_t)IP4_HEADER)) != 0)
        return WHY_IP_CHECKSUM;

    const uint16_t frag = load_be16(h + 6);
    *out = (struct ip4){ .src = addr4_bytes(h + 12), .dst = addr4_bytes(h + 16), .total_len = load_be16(h + 2), .id = load_be16(h + 4),
                         .frag_offset = (uint16_t)((frag & OFFSET_MASK) * 8), .header_len = header_len, .tos = h[1], .ttl = h[AT_TTL],
                         .proto = h[9], .dont_fragment = frag & IP4_DF, .more_fragments = frag & IP4_MF };
    if (out->total_len < header_len || out->total_len > available)
        return WHY_IP_TOTAL_LENGTH;
    if (header_len == IP4_HEADER)
        return WHY_NONE;
    struct reader options = rd_sub(r, header_len - (size_t)IP4_HEADER);
    return read_options(&options, out) ? WHY_NONE : WHY_IP_OPTION;
}

void ip4_write(struct writer *w, const struct ip4 *h)
{
    uint8_t *p = wr_space(w, IP4_HEADER);
    if (p)
        ip4_put(p, h);
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
