#include "wire/ecn.h"
#include "base/bytes.h"
#include "base/checksum.h"

enum { IP4_LEAST = 20, IP4_AT_TOS = 1, IP4_AT_CHECKSUM = 10, IP6_LEAST = 40, IP6_CLASS_SHIFT = 4 };

static bool mark4(uint8_t *ip, size_t header)
{
    if ((ip[IP4_AT_TOS] & ECN_MASK) == ECN_NOT)
        return false;
    ip[IP4_AT_TOS] |= ECN_CE;
    memset(ip + IP4_AT_CHECKSUM, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, ip, header));
    memcpy(ip + IP4_AT_CHECKSUM, &sum, 2);
    return true;
}

static bool mark6(uint8_t *ip)
{
    const uint16_t word = load_be16(ip);        /* version, traffic class, flow label */
    if ((word >> IP6_CLASS_SHIFT & ECN_MASK) == ECN_NOT)
        return false;
    store_be16(ip, (uint16_t)(word | ECN_CE << IP6_CLASS_SHIFT));
    return true;
}

bool ecn_mark(uint8_t *ip, size_t len)
{
    if (len >= IP6_LEAST && ip[0] >> 4 == 6)
        return mark6(ip);
    const size_t header = len >= IP4_LEAST && ip[0] >> 4 == 4 ? (size_t)(ip[0] & 15) * 4 : 0;
    return header >= IP4_LEAST && header <= len && mark4(ip, header);
}
