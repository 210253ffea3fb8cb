#include "http/conditions.h"
#include "base/time.h"
#include "http/date.h"
#include "http/outbuf.h"
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------ conditions */

static bool is_weak(const char *etag) { return etag[0] == 'W' && etag[1] == '/'; }

/* Whether a list of entity tags names ours; strong comparison admits no weak one (§8.8.3.2). */
static bool list_has(const char *list, const char *etag, bool strong)
{
    if (!etag)
        return false;
    if (strong && is_weak(etag))
        return false;
    const char *ours = is_weak(etag) ? etag + 2 : etag;
    for (;;) {
        list += strspn(list, " \t,");
        if (!*list)
            return false;
        const bool weak = is_weak(list);
        const char *tag = weak ? list + 2 : list;
        if (*tag != '"')
            return false;
        const char *end = strchr(tag + 1, '"');
        if (!end)
            return false;
        const size_t len = (size_t)(end - tag) + 1;
        if (!(strong && weak) && len == strlen(ours) && memcmp(tag, ours, len) == 0)
            return true;
        list = end + 1;
    }
}

static bool any_or_listed(const struct headers *h, const char *name, const char *etag, bool strong)
{
    uint32_t cursor = 0;
    for (const char *v; (v = headers_next(h, name, &cursor));)
        if (strcmp(v, "*") == 0 || list_has(v, etag, strong))
            return true;
    return false;
}

static int64_t whole_seconds(int64_t ns) { return ns / NS_PER_SEC; }

/* §13.1.5: the range stands only if what it was asked of is still there. */
static bool if_range_holds(const struct headers *h, const struct http_validators *v, int64_t now_ns)
{
    const char *value = headers_get(h, "If-Range");
    int64_t at_ns;
    if (!value)
        return true;
    if (value[0] == '"' || is_weak(value))
        return list_has(value, v->etag, true);
    return v->modified_ns >= 0 && http_date_parse(value, now_ns, &at_ns) && whole_seconds(at_ns) == whole_seconds(v->modified_ns);
}

/* In the order of §13.2.2. */
int http_conditions(const char *method, const struct headers *h, const struct http_validators *v, int64_t now_ns, struct http_ranges *ranges)
{
    int64_t at_ns;
    ranges->count = 0;
    const char *since = headers_get(h, "If-Unmodified-Since");
    if (headers_get(h, "If-Match")) {
        if (!any_or_listed(h, "If-Match", v->etag, true))
            return 412;
    } else if (since && v->modified_ns >= 0 && http_date_parse(since, now_ns, &at_ns) && whole_seconds(v->modified_ns) > whole_seconds(at_ns)) {
        return 412;
    }
    since = headers_get(h, "If-Modified-Since");
    if (headers_get(h, "If-None-Match")) {
        if (any_or_listed(h, "If-None-Match", v->etag, false))
            return 304;
    } else if (since && v->modified_ns >= 0 && http_date_parse(since, now_ns, &at_ns) && whole_seconds(v->modified_ns) <= whole_seconds(at_ns)) {
        return 304;
    }
    const char *range = headers_get(h, "Range");
    if (!range || strcmp(method, "GET") != 0 || !if_range_holds(h, v, now_ns))
        return 200;
    switch (http_ranges_parse(range, v->size, ranges)) {
    case RANGE_OK:            return 206;
    case RANGE_UNSATISFIABLE: return 416;
    default:                  return 200;
    }
}

/* ---------------------------------------------------------------- ranges */

static bool number(const char **s, uint64_t *out)
{
    uint64_t v = 0;
    if (**s < '0' || **s > '9')
        return false;
    for (; **s >= '0' && **s <= '9'; ++*s)
        v = v > (UINT64_MAX - 9) / 10 ? UINT64_MAX / 10 : v * 10 + (uint64_t)(**s - '0');
    *out = v;
    return true;
}

/* One range spec (§14.1.2); false: malformed.  An unsatisfiable one has from == to. */
static bool one_range(const char **s, uint64_t size, struct http_range *r)
{
    uint64_t first, last;
    if (**s == '-') {
        ++*s;
        if (!number(s, &last))
            return false;
        *r = (struct http_range){ size - (last < size ? last : size), size };
        return true;
    }
    if (!number(s, &first) || **s != '-')
        return false;
    ++*s;
    if (**s < '0' || **s > '9')
        last = size ? size - 1 : 0;
    else if (!number(s, &last) || last < first)
        return false;
    *r = first >= size ? (struct http_range){ 0, 0 } : (struct http_range){ first, last < size - 1 ? last + 1 : size };
    return true;
}

enum http_range_fate http_ranges_parse(const char *s, uint64_t size, struct http_ranges *out)
{
    uint32_t specs = 0;
    out->count = 0;
    for (int i = 0; i < 6; i++)
        if ((s[i] | (i < 5 ? 0x20 : 0)) != "bytes="[i])
            return RANGE_IGNORE;
    for (s += 6;;) {
        struct http_range r;
        s += strspn(s, " \t,");
        if (!*s)
            break;
        if (!one_range(&s, size, &r) || ++specs > HTTP_RANGES)
            goto silly;
        s += strspn(s, " \t");
        if (*s && *s != ',')
            goto silly;
        if (r.from == r.to)
            continue;
        for (uint32_t i = 0; i < out->count; i++)
            if (r.from < out->at[i].to && out->at[i].from < r.to)
                goto silly;
        out->at[out->count++] = r;
    }
    if (specs == 0)
        return RANGE_IGNORE;
    return out->count ? RANGE_OK : RANGE_UNSATISFIABLE;
silly:
    out->count = 0;
    return RANGE_IGNORE;
}

/* ---------------------------------------------------------------- bodies */

/* Pieces in turn: text from `text`, then bytes of the file. */
struct piece { size_t text_from, text_len; struct http_range range; };
struct file_body {
    struct http_file file;
    struct outbuf    text;
    struct piece     piece[HTTP_RANGES + 1];
    uint32_t         count, now;
    uint64_t         done;              /* of the piece under way, its text first */
};

static size_t body_read(void *arg, uint8_t *to, size_t max, bool *ended, bool *failed)
{
    struct file_body *b = arg;
    size_t put = 0;
    while (put < max && b->now < b->count) {
        const struct piece *p = &b->piece[b->now];
        const uint64_t len = p->range.to - p->range.from;
        size_t n = 0;
        if (b->done < p->text_len) {
            n = p->text_len - (size_t)b->done < max - put ? p->text_len - (size_t)b->done : max - put;
            memcpy(to + put, b->text.bytes + p->text_from + b->done, n);
        } else if (b->done - p->text_len < len) {
            const uint64_t at = b->done - p->text_len, left = len - at;
            const size_t want = left < max - put ? (size_t)left : max - put;
            n = b->file.read(b->file.arg, p->range.from + at, to + put, want);
            *failed = n == 0;
        }
        if (*failed)
            return put;
        put += n;
        b->done += n;
        if (b->done == p->text_len + len) {
            b->now++;
            b->done = 0;
        }
    }
    *ended = b->now == b->count;
    return put;
}

static bool body_rewind(void *arg)
{
    struct file_body *b = arg;
    b->now = 0;
    b->done = 0;
    return true;
}

static void body_close(void *arg)
{
    struct file_body *b = arg;
    if (b->file.close)
        b->file.close(b->file.arg);
    outbuf_fini(&b->text);
    free(b);
}

static void add_piece(struct file_body *b, size_t text_from, struct http_range r)
{
    b->piece[b->count++] = (struct piece){ .text_from = text_from, .text_len = b->text.to - text_from, .range = r };
}

/* multipart/byteranges, §14.6 */
static bool add_parts(struct file_body *b, const struct http_ranges *ranges, const char *type, const char *boundary)
{
    for (uint32_t i = 0; i < ranges->count; i++) {
        const struct http_range r = ranges->at[i];
        const size_t from = b->text.to;
        if (!outbuf_printf(&b->text, "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n", boundary, type,
                           (unsigned long long)r.from, (unsigned long long)r.to - 1, (unsigned long long)b->file.size))
            return false;
        add_piece(b, from, r);
    }
    const size_t from = b->text.to;
    if (!outbuf_printf(&b->text, "\r\n--%s--\r\n", boundary))
        return false;
    add_piece(b, from, (struct http_range){ 0, 0 });
    return true;
}

struct http_source http_file_source(struct http_file f, const struct http_ranges *ranges, const char *type, const char *boundary)
{
    struct file_body *b = calloc(1, sizeof *b);
    if (!b) {
        if (f.close)
            f.close(f.arg);
        return (struct http_source){ 0 };
    }
    b->file = f;
    if (ranges->count > 1 && !add_parts(b, ranges, type, boundary)) {
        body_close(b);
        return (struct http_source){ 0 };
    }
    if (ranges->count <= 1)
        add_piece(b, 0, ranges->count ? ranges->at[0] : (struct http_range){ 0, f.size });
    int64_t length = 0;
    for (uint32_t i = 0; i < b->count; i++)
        length += (int64_t)(b->piece[i].text_len + (b->piece[i].range.to - b->piece[i].range.from));
    return (struct http_source){ .length = length, .read = body_read, .rewind = body_rewind, .close = body_close, .arg = b };
}
