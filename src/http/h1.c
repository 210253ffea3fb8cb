#include "http/h1.h"
#include <string.h>

enum state { START, FIELDS, LENGTH, UNTIL_CLOSE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILERS, COMPLETE, BROKEN };

static const struct { int status; const char *text; } errors[H1_ERROR_COUNT] = {
    [H1_OK]                = { 200, "no error" },
    [H1_BARE_LF]           = { 400, "a line ends in a bare line feed" },
    [H1_FOLDED]            = { 400, "a header is folded over several lines" },
    [H1_START_LINE]        = { 400, "the first line is malformed" },
    [H1_HTTP09]            = { 400, "HTTP/0.9 is not spoken here" },
    [H1_VERSION]           = { 505, "the HTTP version is not one spoken here" },
    [H1_METHOD_LONG]       = { 501, "the method is not one known here" },
    [H1_TARGET_LONG]       = { 414, "the request target is too long" },
    [H1_HEAD_LARGE]        = { 431, "the headers are larger than 64 KiB" },
    [H1_FIELD]             = { 400, "a header is malformed" },
    [H1_LENGTH_BAD]        = { 400, "Content-Length is not a number" },
    [H1_LENGTHS_DIFFER]    = { 400, "two Content-Length headers differ" },
    [H1_LENGTH_AND_CODING] = { 400, "Content-Length and Transfer-Encoding are both given" },
    [H1_CODING]            = { 501, "the transfer coding is not chunked" },
    [H1_CODING_IN_10]      = { 400, "HTTP/1.0 has no transfer coding" },
    [H1_CHUNK]             = { 400, "a chunk is malformed" },
    [H1_HOST]              = { 400, "the Host header is missing, doubled or malformed" },
    [H1_TRUNCATED]         = { 400, "the connection ended inside the message" },
    [H1_NO_MEMORY]         = { 503, "out of memory" },
};
const char *h1_error_text(enum h1_error e)  { return e < H1_ERROR_COUNT ? errors[e].text : "unknown error"; }
int h1_error_status(enum h1_error e)        { return e < H1_ERROR_COUNT ? errors[e].status : 400; }

void h1_init(struct h1 *p, enum h1_kind kind)
{
    *p = (struct h1){ .kind = kind, .content_length = -1, .state = START };
}

void h1_fini(struct h1 *p)
{
    headers_fini(&p->headers);
    headers_fini(&p->trailers);
    outbuf_fini(&p->line);
    outbuf_fini(&p->start);
}

void h1_next(struct h1 *p)
{
    const struct h1 old = *p;
    h1_init(p, old.kind);
    p->headers = old.headers;
    p->trailers = old.trailers;
    p->line = old.line;
    p->start = old.start;
    headers_clear(&p->headers);
    headers_clear(&p->trailers);
    outbuf_clear(&p->line);
    outbuf_clear(&p->start);
}

static enum h1_event bad(struct h1 *p, enum h1_error e)
{
    p->error = e;
    p->state = BROKEN;
    return H1_BAD;
}

/* ------------------------------------------------------------ start line */

static bool parse_version(const char *s, int *minor, enum h1_error *e)
{
    if (strncmp(s, "HTTP/", 5) != 0 || s[5] < '0' || s[5] > '9' || s[6] != '.' || s[7] < '0' || s[7] > '9') {
        *e = H1_START_LINE;
        return false;
    }
    *minor = s[7] - '0';
    *e = H1_VERSION;
    return s[5] == '1';
}

/* method SP request-target SP HTTP-version (RFC 9112 §3); `s` is its own copy. */
static enum h1_error parse_request_line(struct h1 *p, char *s)
{
    char *target = strchr(s, ' ');
    if (!target)
        return H1_START_LINE;
    *target++ = 0;
    if (!headers_name_ok(s, strlen(s)))
        return H1_START_LINE;
    char *version = strchr(target, ' ');
    if (!version)
        return *target ? H1_HTTP09 : H1_START_LINE;
    *version++ = 0;
    if (!*target || strlen(version) != 8)
        return H1_START_LINE;
    enum h1_error e;
    if (!parse_version(version, &p->minor, &e))
        return e;
    for (const char *c = target; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return H1_START_LINE;
    if (strlen(target) >= H1_TARGET_MAX)
        return H1_TARGET_LONG;
    if (strlen(s) >= sizeof p->method)
        return H1_METHOD_LONG;
    memcpy(p->method, s, strlen(s) + 1);
    p->target = target;
    return H1_OK;
}

/* HTTP-version SP status-code SP [ reason ] (RFC 9112 §4); the second space is often missing. */
static enum h1_error parse_status_line(struct h1 *p, char *s)
{
    if (strncmp(s, "HTTP/", 5) != 0)
        return H1_HTTP09;
    enum h1_error e;
    if (strlen(s) < 12 || s[8] != ' ')
        return H1_START_LINE;
    if (!parse_version(s, &p->minor, &e))
        return e;
    p->status = 0;
    for (int i = 9; i < 12; i++) {
        if (s[i] < '0' || s[i] > '9')
            return H1_START_LINE;
        p->status = p->status * 10 + s[i] - '0';
    }
    if (p->status < 100 || (s[12] != 0 && s[12] != ' '))
        return H1_START_LINE;
    p->reason = s[12] ? s + 13 : s + 12;
    return headers_value_ok(p->reason, strlen(p->reason)) ? H1_OK : H1_START_LINE;
}

static enum h1_event take_start(struct h1 *p)
{
    if (p->line.to == 1 && !p->start.to) {              /* empty lines before a request are ignored (RFC 9112 §2.2) */
        outbuf_clear(&p->line);
        return p->kind == H1_REQUEST ? H1_MORE : bad(p, H1_HTTP09);
    }
    if (memchr(p->line.bytes, 0, p->line.to - 1))
        return bad(p, H1_START_LINE);
    const struct outbuf empty = p->start;
    p->start = p->line;                                 /* target and reason point into it */
    p->line = empty;
    char *s = (char *)p->start.bytes;
    const enum h1_error e = p->kind == H1_REQUEST ? parse_request_line(p, s) : parse_status_line(p, s);
    if (e != H1_OK)
        return bad(p, e);
    p->state = FIELDS;
    return H1_MORE;
}

/* ---------------------------------------------------------------- fields */

/* The line without its end stands in p->line, terminated. */
static enum h1_event take_field(struct h1 *p, struct headers *into)
{
    const char *s = (const char *)p->line.bytes;
    size_t len = p->line.to - 1;
    if (s[0] == ' ' || s[0] == '\t')
        return bad(p, H1_FOLDED);
    const char *colon = memchr(s, ':', len);
    if (!colon || !headers_name_ok(s, (size_t)(colon - s)))
        return bad(p, H1_FIELD);
    const char *value = colon + 1;
    while (*value == ' ' || *value == '\t')
        value++;
    while (s + len > value && (s[len - 1] == ' ' || s[len - 1] == '\t'))
        len--;
    const size_t value_len = (size_t)(s + len - value);
    if (!headers_value_ok(value, value_len))
        return bad(p, H1_FIELD);
    if (!headers_add_n(into, s, (size_t)(colon - s), value, value_len))
        return bad(p, H1_NO_MEMORY);
    outbuf_clear(&p->line);
    return H1_MORE;
}

static bool parse_length(const char *s, size_t n, int64_t *out)
{
    int64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || v > (INT64_MAX - 9) / 10)
            return false;
        v = v * 10 + s[i] - '0';
    }
    *out = v;
    return n > 0;
}

/* RFC 9110 §8.6: a list of equal lengths may be taken for one. */
static enum h1_error read_lengths(struct h1 *p)
{
    uint32_t cursor = 0;
    for (const char *v; (v = headers_next(&p->headers, "Content-Length", &cursor));)
        for (;;) {
            size_t n = strcspn(v, ",");
            const char *end = v + n;
            while (n && (v[0] == ' ' || v[0] == '\t'))
                v++, n--;
            while (n && (v[n - 1] == ' ' || v[n - 1] == '\t'))
                n--;
            int64_t length;
            if (!parse_length(v, n, &length))
                return H1_LENGTH_BAD;
            if (p->content_length >= 0 && p->content_length != length)
                return H1_LENGTHS_DIFFER;
            p->content_length = length;
            if (!*end)
                break;
            v = end + 1;
        }
    return H1_OK;
}

static enum h1_error read_coding(struct h1 *p)
{
    uint32_t cursor = 0;
    const char *coding = headers_next(&p->headers, "Transfer-Encoding", &cursor);
    if (!coding)
        return H1_OK;
    if (p->minor == 0)
        return H1_CODING_IN_10;                 /* RFC 9112 §6.1 */
    if (p->content_length >= 0)
        return H1_LENGTH_AND_CODING;            /* §6.3 */
    if (!text_same(coding, "chunked") || headers_next(&p->headers, "Transfer-Encoding", &cursor))
        return H1_CODING;
    p->chunked = true;
    return H1_OK;
}

/* RFC 9112 §3.2: exactly one Host in an HTTP/1.1 request. */
static bool host_ok(const struct h1 *p)
{
    uint32_t cursor = 0;
    const char *host = headers_next(&p->headers, "Host", &cursor);
    if (!host)
        return p->minor == 0;
    return !headers_next(&p->headers, "Host", &cursor) && !strpbrk(host, " \t/@,?#\\");
}

/* Message body length, RFC 9112 §6.3. */
static void choose_body(struct h1 *p)
{
    const bool none = p->kind == H1_RESPONSE && (p->head_only || p->status < 200 || p->status == 204 || p->status == 304);
    if (none) {
        p->state = COMPLETE;
    } else if (p->chunked) {
        p->state = CHUNK_SIZE;
    } else if (p->content_length >= 0) {
        p->left = (uint64_t)p->content_length;
        p->state = p->left ? LENGTH : COMPLETE;
    } else if (p->kind == H1_REQUEST) {
        p->state = COMPLETE;
    } else {
        p->state = UNTIL_CLOSE;
        p->keep_alive = false;
    }
}

static enum h1_event take_head(struct h1 *p)
{
    outbuf_clear(&p->line);
    enum h1_error e = read_lengths(p);
    if (e == H1_OK)
        e = read_coding(p);
    if (e == H1_OK && p->kind == H1_REQUEST && !host_ok(p))
        e = H1_HOST;
    if (e != H1_OK)
        return bad(p, e);
    p->keep_alive = headers_has_token(&p->headers, "Connection", "close") ? false
                  : p->minor >= 1 || headers_has_token(&p->headers, "Connection", "keep-alive");
    p->head_bytes = 0;
    choose_body(p);
    return H1_HEAD;
}

/* ---------------------------------------------------------------- chunks */

/* chunk-size [ chunk-ext ] (RFC 9112 §7.1) */
static enum h1_event take_chunk_size(struct h1 *p)
{
    const char *s = (const char *)p->line.bytes;
    uint64_t size = 0;
    size_t i = 0;
    for (;; i++) {
        const char l = (char)(s[i] | 0x20);
        const int digit = s[i] >= '0' && s[i] <= '9' ? s[i] - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
        if (digit < 0)
            break;
        if (size >> 58)
            return bad(p, H1_CHUNK);
        size = size << 4 | (uint64_t)digit;
    }
    const size_t digits = i, blank = strspn(s + i, " \t");
    i += blank;
    if (digits == 0 || (s[i] != ';' && (s[i] || blank)) || !headers_value_ok(s + i, p->line.to - 1 - i))
        return bad(p, H1_CHUNK);
    outbuf_clear(&p->line);
    p->head_bytes = 0;                              /* each chunk's line has the bound for itself */
    p->left = size;
    p->state = size ? CHUNK_DATA : TRAILERS;
    return H1_MORE;
}

/* ----------------------------------------------------------------- lines */

static enum h1_event line_too_long(struct h1 *p)
{
    if (p->state == CHUNK_SIZE)
        return bad(p, H1_CHUNK);
    if (p->state != START || p->kind == H1_RESPONSE)
        return bad(p, H1_HEAD_LARGE);
    return bad(p, memchr(p->line.bytes, ' ', p->line.to) ? H1_TARGET_LONG : H1_METHOD_LONG);
}

static uint32_t line_bound(const struct h1 *p)
{
    if (p->state == START)
        return H1_TARGET_MAX + H1_METHOD_MAX + 16;
    return p->state == CHUNK_SIZE ? 4096 : H1_HEAD_MAX;
}

static enum h1_event take_line(struct h1 *p)
{
    p->line.bytes[p->line.to - 1] = 0;              /* where the CR stood */
    const bool empty = p->line.to == 1;
    switch (p->state) {
    case START:      return take_start(p);
    case FIELDS:     return empty ? take_head(p) : take_field(p, &p->headers);
    case CHUNK_SIZE: return take_chunk_size(p);
    case CHUNK_END:
        if (!empty)
            return bad(p, H1_CHUNK);
        outbuf_clear(&p->line);
        p->state = CHUNK_SIZE;
        return H1_MORE;
    default:                                        /* TRAILERS */
        if (!empty)
            return take_field(p, &p->trailers);
        outbuf_clear(&p->line);
        p->state = COMPLETE;
        return H1_MORE;
    }
}

/* Gathers up to a line end; a line may end in CR LF only, and CR stands nowhere else. */
static enum h1_event gather(struct h1 *p, const uint8_t *bytes, size_t len, size_t *used)
{
    p->started = true;
    const uint8_t *lf = memchr(bytes, '\n', len);
    const size_t n = lf ? (size_t)(lf - bytes) : len;
    const uint32_t bound = line_bound(p);
    const size_t room = p->head_bytes < bound ? bound - p->head_bytes : 0;
    const size_t part = n < room ? n : room;
    if (!outbuf_put(&p->line, bytes, part))
        return bad(p, H1_NO_MEMORY);
    p->head_bytes += (uint32_t)part;
    *used = part;
    if (part < n)
        return line_too_long(p);
    const size_t have = p->line.to;
    const uint8_t *cr = have ? memchr(p->line.bytes, '\r', have) : NULL;
    if (cr && (size_t)(cr - p->line.bytes) + 1 < have)
        return bad(p, p->state == START ? H1_START_LINE : p->state == FIELDS ? H1_FIELD : H1_CHUNK);
    if (!lf)
        return H1_MORE;
    *used = n + 1;
    p->head_bytes++;
    return cr ? take_line(p) : bad(p, H1_BARE_LF);
}

enum h1_event h1_step(struct h1 *p, const uint8_t *bytes, size_t len, size_t *used)
{
    *used = 0;
    for (;;) {
        switch (p->state) {
        case COMPLETE:
            return H1_END;
        case BROKEN:
            return H1_BAD;
        case LENGTH:
        case CHUNK_DATA:
        case UNTIL_CLOSE:
            p->data_len = len - *used;
            if (p->state != UNTIL_CLOSE && p->data_len > p->left)
                p->data_len = (size_t)p->left;
            return p->data_len ? H1_DATA : H1_MORE;
        default:
            break;
        }
        if (*used == len)
            return H1_MORE;
        size_t n = 0;
        const enum h1_event e = gather(p, bytes + *used, len - *used, &n);
        *used += n;
        if (e != H1_MORE)
            return e;
    }
}

void h1_took(struct h1 *p, size_t n)
{
    p->data_len = 0;
    if (p->state == UNTIL_CLOSE)
        return;
    p->left -= n < p->left ? n : p->left;
    if (p->left == 0)
        p->state = p->state == LENGTH ? COMPLETE : CHUNK_END;
}

enum h1_event h1_eof(struct h1 *p)
{
    if (p->state == BROKEN)
        return H1_BAD;
    if (p->state == COMPLETE)
        return H1_END;
    if (p->state == UNTIL_CLOSE) {
        p->state = COMPLETE;
        return H1_END;
    }
    return p->started ? bad(p, H1_TRUNCATED) : H1_MORE;
}
