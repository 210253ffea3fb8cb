/* HTTP/1 messages one after another, requests or responses: given whole and given in pieces
 * they must come to the same.
 * covers: src/http/h1.c src/http/headers.c */
#include "fuzz.h"
#include "http/conditions.h"
#include "http/h1.h"

struct outcome { uint64_t hash; uint32_t messages; enum h1_event last; enum h1_error error; size_t used; };

static void mix(struct outcome *o, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++)
        o->hash = (o->hash ^ p[i]) * UINT64_C(1099511628211);
}

static void mix_head(struct outcome *o, const struct h1 *p)
{
    struct http_ranges ranges;
    mix(o, p->method, strlen(p->method));
    mix(o, &p->status, sizeof p->status);
    mix(o, &p->content_length, sizeof p->content_length);
    REQUIRE(!(p->chunked && p->content_length >= 0) && p->minor >= 0 && p->minor <= 9);
    for (uint32_t i = 0; i < p->headers.count; i++) {
        const char *name = headers_name(&p->headers, i), *value = headers_value(&p->headers, i);
        REQUIRE(headers_name_ok(name, strlen(name)) && headers_value_ok(value, strlen(value)));
        REQUIRE(headers_get(&p->headers, name));
        mix(o, value, strlen(value));
    }
    if (p->kind == H1_REQUEST) {
        const struct http_validators v = { .etag = "\"abc\"", .modified_ns = 0, .size = 100 };
        http_conditions("GET", &p->headers, &v, 0, &ranges);
        for (uint32_t i = 0; i < ranges.count; i++)
            REQUIRE(ranges.at[i].from < ranges.at[i].to && ranges.at[i].to <= 100);
    }
}

static struct outcome run(enum h1_kind kind, bool head_only, const uint8_t *data, size_t size, size_t piece)
{
    struct h1 p;
    struct outcome o = { .hash = UINT64_C(14695981039346656037) };
    size_t end = 0;
    h1_init(&p, kind);
    p.head_only = head_only;
    for (;;) {
        size_t used;
        o.last = h1_step(&p, data + o.used, end - o.used, &used);
        REQUIRE(used <= end - o.used);
        o.used += used;
        if (o.last == H1_DATA) {
            REQUIRE(p.data_len > 0 && p.data_len <= end - o.used);
            mix(&o, data + o.used, p.data_len);
            o.used += p.data_len;
            h1_took(&p, p.data_len);
        } else if (o.last == H1_HEAD) {
            mix_head(&o, &p);
        } else if (o.last == H1_END) {
            if (o.used == size || ++o.messages > 1000)
                break;
            h1_next(&p);
            p.head_only = head_only;
        } else if (o.last == H1_BAD) {
            REQUIRE(h1_error_status(p.error) >= 400);
            break;
        } else if (end == size) {
            o.last = h1_eof(&p);
            break;
        } else {
            end = end + piece < size ? end + piece : size;
        }
    }
    o.error = p.error;
    h1_fini(&p);
    return o;
}

FUZZ(data, size)
{
    if (size == 0)
        return;
    const enum h1_kind kind = data[0] & 1 ? H1_RESPONSE : H1_REQUEST;
    const bool head_only = data[0] & 2;
    const size_t piece = 1 + (data[0] >> 2) % 17;
    const struct outcome whole = run(kind, head_only, data + 1, size - 1, size), pieces = run(kind, head_only, data + 1, size - 1, piece);
    REQUIRE(whole.last == pieces.last && whole.messages == pieces.messages && whole.error == pieces.error);
    REQUIRE(whole.last == H1_BAD || (whole.hash == pieces.hash && whole.used == pieces.used));
}
