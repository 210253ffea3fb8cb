/* Domain names: text, wire form, and compression (RFC 1035 §3.1, §4.1.4, §5.1). */
#include "wire/dns.h"

enum { LABEL_MAX = 63, POINTER = 0xc0, POINTER_MAX = 0x3fff };

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c; }
static bool is_digit(char c)    { return c >= '0' && c <= '9'; }

/* One character of a master file, \X and \DDD escapes undone; moves *text on. */
static bool text_octet(const char **text, uint8_t *out)
{
    const char *p = *text;
    if (*p != '\\') {
        *out = (uint8_t)*p;
        *text = p + 1;
        return true;
    }
    p++;
    if (!is_digit(*p)) {
        *out = (uint8_t)*p;
        *text = p + 1;
        return *p != '\0';
    }
    if (!is_digit(p[1]) || !is_digit(p[2]))
        return false;
    const int value = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
    *out = (uint8_t)value;
    *text = p + 3;
    return value <= 255;
}

bool dns_name_parse(const char *text, struct dns_name *out)
{
    struct writer w = writer_of(out->b, DNS_NAME_MAX);
    if (strcmp(text, ".") == 0)
        text++;
    else if (*text == '\0')
        return false;
    while (*text) {
        uint8_t label[LABEL_MAX];
        struct writer l = writer_of(label, sizeof label);
        while (*text && *text != '.') {
            uint8_t octet;
            if (!text_octet(&text, &octet))
                return false;
            wr_u8(&l, octet);
        }
        if (l.bad || wr_len(&l) == 0)
            return false;
        wr_u8(&w, (uint8_t)wr_len(&l));
        wr_bytes(&w, label, wr_len(&l));
        if (*text == '.')
            text++;
    }
    wr_u8(&w, 0);
    out->len = (uint8_t)wr_len(&w);
    return !w.bad;
}

static char *put_octet(char *to, uint8_t octet)
{
    if (octet == '.' || octet == '\\') {
        *to++ = '\\';
        *to++ = (char)octet;
        return to;
    }
    if (octet > 0x20 && octet < 0x7f) {
        *to++ = (char)octet;
        return to;
    }
    *to++ = '\\';
    *to++ = (char)('0' + octet / 100);
    *to++ = (char)('0' + octet / 10 % 10);
    *to++ = (char)('0' + octet % 10);
    return to;
}

const char *dns_name_text(const struct dns_name *n, char out[DNS_NAME_TEXT])
{
    struct reader r = reader_of(n->b, n->len);
    char *to = out;
    for (uint8_t len; (len = rd_u8(&r)) != 0;) {
        if (to != out)
            *to++ = '.';
        while (len-- > 0 && rd_left(&r) > 0)
            to = put_octet(to, rd_u8(&r));
    }
    if (to == out)
        *to++ = '.';
    *to = '\0';
    return out;
}

/* Length bytes are below 64 and so never letters: the whole form compares at once (RFC 4343 §3). */
static bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
    return a->len == b->len && same(a->b, b->b, a->len);
}

bool dns_name_under(const struct dns_name *n, const struct dns_name *zone)
{
    struct reader r = reader_of(n->b, n->len);
    while (rd_left(&r) > zone->len)
        rd_skip(&r, rd_u8(&r));
    return !r.bad && rd_left(&r) == zone->len && same(r.at, zone->b, zone->len);
}

/* A pointer leads to before the labels that hold it, and the next to before
 * those, so it ends; and the whole name stays within 255 bytes. */
bool dns_name_read(struct reader *r, struct reader msg, struct dns_name *out)
{
    struct writer w = writer_of(out->b, DNS_NAME_MAX);
    struct reader jumped, *at = r;
    size_t limit = (size_t)(r->at - msg.at);
    for (;;) {
        const uint8_t len = rd_u8(at);
        if (at->bad)
            return false;
        if ((len & POINTER) == POINTER) {
            const size_t target = (size_t)(len & ~POINTER) << 8 | rd_u8(at);
            if (at->bad || target >= limit)
                return false;
            jumped = msg;
            rd_skip(&jumped, target);
            at = &jumped;
            limit = target;
            continue;
        }
        const uint8_t *label = len <= LABEL_MAX ? rd_bytes(at, len) : NULL;
        if (!label)
            return false;
        wr_u8(&w, len);
        wr_bytes(&w, label, len);
        if (w.bad)
            return false;
        if (len == 0) {
            out->len = (uint8_t)wr_len(&w);
            return true;
        }
    }
}

/* The offset of a place in the message so far that reads as exactly `suffix`; 0: none. */
static uint16_t find_earlier(struct reader msg, const uint8_t *suffix, size_t len)
{
    struct reader r = msg;
    rd_skip(&r, DNS_HEADER);
    for (size_t offset = DNS_HEADER; rd_left(&r) > 0 && offset <= POINTER_MAX; offset++) {
        struct dns_name found;
        struct reader here = r;
        if (*r.at == suffix[0] && dns_name_read(&here, msg, &found) && found.len == len && memcmp(found.b, suffix, len) == 0)
            return (uint16_t)offset;
        rd_skip(&r, 1);
    }
    return 0;
}

void dns_name_write(struct writer *w, const struct dns_name *n)
{
    /* the name's own labels are not searched: a pointer must lead to before them all */
    const struct reader before = reader_of(w->start, wr_len(w));
    struct reader r = reader_of(n->b, n->len);
    while (!w->bad && rd_left(&r) > 1) {
        const uint16_t earlier = find_earlier(before, r.at, rd_left(&r));
        if (earlier) {
            wr_u16(w, (uint16_t)(POINTER << 8 | earlier));
            return;
        }
        const uint8_t len = rd_u8(&r);
        const uint8_t *label = rd_bytes(&r, len);
        if (!label)
            return;
        wr_u8(w, len);
        wr_bytes(w, label, len);
    }
    wr_u8(w, 0);
}
