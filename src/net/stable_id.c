#include "net/stable_id.h"
#include "base/bytes.h"

/* RFC 5453 §3: the subnet-router anycast, the block of Ethernet's IANA numbers, the reserved subnet anycasts. */
static bool is_reserved(const uint8_t id[8])
{
    static const uint8_t zeros[8], iana[5] = { 0x02, 0x00, 0x5e, 0xff, 0xfe }, anycast[7] = { 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    return memcmp(id, zeros, 8) == 0 || memcmp(id, iana, 5) == 0 || (memcmp(id, anycast, 7) == 0 && id[7] >= 0x80);
}

/* §5: F(Prefix, Net_Iface, Network_ID, DAD_Counter, secret_key), with SipHash as F; a reserved one is passed over by a
 * counter of its own, so that DAD_Counter stays what it is. */
struct addr stable_addr(const struct sipkey *secret, struct addr prefix, struct mac mac, unsigned iface, uint8_t dad_counter)
{
    struct addr a = prefix;
    uint8_t in[8 + 6 + 3] = { 0 };
    memcpy(in, prefix.b, 8);
    memcpy(in + 8, mac.b, 6);
    in[14] = (uint8_t)iface;
    in[15] = dad_counter;
    do {
        const uint64_t id = siphash(secret, in, sizeof in);
        for (unsigned i = 0; i < 8; i++)
            a.b[8 + i] = (uint8_t)(id >> (56 - 8 * i));
        in[16]++;
    } while (is_reserved(a.b + 8));
    return a;
}
