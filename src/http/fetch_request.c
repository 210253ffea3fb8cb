/* What a fetch asks: method and headers; and what it tells. */
#include "http/fetch_int.h"
#include <stdio.h>
#include <string.h>

const char *fetch_method(const struct fetch *f)
{
    if (f->o.method)
        return f->o.method;             /* as with curl's -X, for every hop */
    if (f->o.head_only)
        return "HEAD";
    return !f->body ? "GET" : f->put ? "PUT" : "POST";
}

static void base64(const char *in, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t n = strlen(in);
    for (size_t i = 0; i < n; i += 3) {
        const uint32_t a = (uint8_t)in[i], b = i + 1 < n ? (uint8_t)in[i + 1] : 0, c = i + 2 < n ? (uint8_t)in[i + 2] : 0;
        const uint32_t v = a << 16 | b << 8 | c;
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? digits[v & 63] : '=';
    }
    *out = 0;
}

/* RFC 7617; the URL's own user goes before the option's, which stays with the first origin. */
static bool add_user(const struct fetch *f, struct headers *h)
{
    char user[512], value[6 + 4 * ((sizeof user + 2) / 3) + 1] = "Basic ";
    if (f->url.user[0]) {
        snprintf(user, sizeof user, "%s%s", f->url.user, strchr(f->url.user, ':') ? "" : ":");
        if (!url_decode(user))
            return true;
    } else if (f->o.user && !f->other_origin) {
        snprintf(user, sizeof user, "%s%s", f->o.user, strchr(f->o.user, ':') ? "" : ":");
    } else {
        return true;
    }
    base64(user, value + 6);
    return headers_add(h, "Authorization", value);
}

static bool is_credential(const char *name) { return text_same(name, "Authorization") || text_same(name, "Cookie"); }

/* curl's -H: "Name: value" replaces, "Name:" removes, "Name;" sends it without value. */
static bool apply_header(const struct fetch *f, struct headers *h, const char *line)
{
    char name[256];
    const size_t n = strcspn(line, ":;");
    if (!line[n] || n >= sizeof name || !headers_name_ok(line, n))
        return true;
    memcpy(name, line, n);
    name[n] = 0;
    if (f->other_origin && is_credential(name))
        return true;
    const char *value = line + n + 1;
    value += strspn(value, " \t");
    if (!headers_value_ok(value, strlen(value)))
        return true;
    const bool own = text_same(name, "Content-Length") || text_same(name, "Transfer-Encoding");
    if (own)
        return true;                    /* framing is the client's */
    if (text_same(name, "Host") || text_same(name, "User-Agent") || text_same(name, "Accept") || text_same(name, "Content-Type")
        || text_same(name, "Range") || text_same(name, "Referer") || text_same(name, "Authorization"))
        headers_remove(h, name);
    if (line[n] == ';')
        return headers_add(h, name, "");
    return *value ? headers_add(h, name, value) : true;
}

bool fetch_headers(const struct fetch *f, struct headers *h)
{
    char host[URL_HOST + 16], range[256];
    bool ok = headers_add(h, "Host", url_host_header(&f->url, host)) && add_user(f, h);
    if (f->o.range) {
        snprintf(range, sizeof range, "bytes=%s", f->o.range);
        ok = ok && headers_add(h, "Range", range);
    }
    ok = ok && headers_add(h, "User-Agent", f->o.user_agent ? f->o.user_agent : "plumb/0.1.0") && headers_add(h, "Accept", "*/*");
    if (f->o.referer)
        ok = ok && headers_add(h, "Referer", f->o.referer);
    if (f->body && f->o.body_type)
        ok = ok && headers_add(h, "Content-Type", f->o.body_type);
    for (uint32_t i = 0; i < f->o.n_headers; i++)
        ok = ok && apply_header(f, h, f->o.headers[i]);
    return ok;
}

bool fetch_own_expect(const struct fetch *f)
{
    for (uint32_t i = 0; i < f->o.n_headers; i++) {
        char name[8];
        snprintf(name, sizeof name, "%s", f->o.headers[i]);
        if (text_same(name, "Expect:") || text_same(name, "Expect;"))
            return true;
    }
    return false;
}

const char *fetch_phase_text(enum fetch_phase p)
{
    static const char *const text[] = { "name", "connect", "request", "wait", "body", "done", "failed" };
    return p <= FETCH_FAILED ? text[p] : "?";
}

enum fetch_phase fetch_phase(const struct fetch *f)     { return f->phase; }
enum http_error fetch_error(const struct fetch *f)      { return f->error; }
const char *fetch_message(const struct fetch *f)        { return f->message; }
const struct url *fetch_url(const struct fetch *f)      { return &f->url; }

const struct h1 *fetch_answer(const struct fetch *f)
{
    return f->client && (f->phase == FETCH_BODY || f->phase == FETCH_DONE) ? http_client_answer(f->client) : NULL;
}

struct fetch_facts fetch_facts(const struct fetch *f)
{
    struct fetch_facts facts = f->facts;
    if (f->client)
        facts.sent_bytes = http_client_sent(f->client);
    return facts;
}

const char *fetch_sent(const struct fetch *f, size_t *len)
{
    *len = outbuf_len(&f->sent);
    return *len ? outbuf_text(&f->sent) : "";
}

const char *fetch_received(const struct fetch *f, size_t *len)
{
    *len = outbuf_len(&f->received);
    return *len ? outbuf_text(&f->received) : "";
}
