#include "http/url.h"
#include "base/addr.h"
#include <stdio.h>
#include <string.h>

static const char *const texts[URL_ERROR_COUNT] = {
    [URL_OK]             = "the URL is fine",
    [URL_EMPTY]          = "the URL is empty",
    [URL_SCHEME]         = "the scheme is neither http nor https",
    [URL_NO_HOST]        = "the URL names no host",
    [URL_HOST_BAD]       = "the host is neither a name nor an address",
    [URL_HOST_NOT_ASCII] = "the host has characters outside ASCII; write it in its xn-- form",
    [URL_PORT_BAD]       = "the port is not a number from 1 to 65535",
    [URL_CHARACTER]      = "the URL has a space or a control character",
    [URL_ESCAPE_BAD]     = "a % is not followed by two hexadecimal digits",
    [URL_TOO_LONG]       = "the URL is too long",
};
const char *url_error_text(enum url_error e) { return e < URL_ERROR_COUNT ? texts[e] : "unknown error"; }

static bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static int  hex(char c)
{
    if (is_digit(c))
        return c - '0';
    const char l = (char)(c | 0x20);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* A piece of the text, not terminated. */
struct span { const char *at; size_t len; };
static struct span span_until(const char *from, const char *stop)
{
    return (struct span){ from, strcspn(from, stop) };
}

static bool copy_span(char *to, size_t room, struct span s)
{
    if (s.len >= room)
        return false;
    memcpy(to, s.at, s.len);
    to[s.len] = 0;
    return true;
}

/* ------------------------------------------------------------- authority */

/* RFC 3986 §3.2.2; of reg-name only what can be a host name. */
static enum url_error set_host(struct url *u, struct span s)
{
    struct addr a;
    if (s.len == 0)
        return URL_NO_HOST;
    if (s.at[0] == '[') {
        u->host_is6 = true;
        if (s.len < 2 || s.at[s.len - 1] != ']' || !copy_span(u->host, sizeof u->host, (struct span){ s.at + 1, s.len - 2 }))
            return URL_HOST_BAD;
        if (!addr_parse(u->host, &a) || !strchr(u->host, ':'))
            return URL_HOST_BAD;
    } else {
        u->host_is6 = false;
        for (size_t i = 0; i < s.len; i++) {
            if ((unsigned char)s.at[i] >= 0x80)
                return URL_HOST_NOT_ASCII;
            if (!is_alpha(s.at[i]) && !is_digit(s.at[i]) && !strchr("-._~", s.at[i]))
                return URL_HOST_BAD;
        }
        if (!copy_span(u->host, sizeof u->host, s))
            return URL_HOST_BAD;
        if (strstr(u->host, "..") || u->host[0] == '.')
            return URL_HOST_BAD;
    }
    for (char *c = u->host; *c; c++)
        *c = lower(*c);
    return URL_OK;
}

static enum url_error set_port(struct url *u, struct span s)
{
    const uint16_t own = u->https ? 443 : 80;
    uint32_t port = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.at[i]) || port > 65535)
            return URL_PORT_BAD;
        port = port * 10 + (uint32_t)(s.at[i] - '0');
    }
    if (s.len && (port == 0 || port > 65535))
        return URL_PORT_BAD;
    u->port = s.len ? (uint16_t)port : own;         /* an empty port is the scheme's own (§3.2.3) */
    u->port_given = u->port != own;
    return URL_OK;
}

static enum url_error set_authority(struct url *u, struct span s)
{
    u->user[0] = 0;
    for (size_t i = s.len; i > 0; i--)
        if (s.at[i - 1] == '@') {
            if (!copy_span(u->user, sizeof u->user, (struct span){ s.at, i - 1 }))
                return URL_TOO_LONG;
            s = (struct span){ s.at + i, s.len - i };
            break;
        }
    size_t host_len = s.len;
    for (size_t i = s.len; i > 0 && s.at[i - 1] != ']'; i--)
        if (s.at[i - 1] == ':')
            host_len = i - 1;
    struct span port = { s.at + host_len, s.len - host_len };
    if (port.len)
        port = (struct span){ port.at + 1, port.len - 1 };
    const enum url_error e = set_host(u, (struct span){ s.at, host_len });
    return e != URL_OK ? e : set_port(u, port);
}

/* ---------------------------------------------------------------- target */

struct target { char *at; size_t len; bool full; };

static void put(struct target *t, char c)
{
    if (t->len + 1 >= URL_TARGET)
        t->full = true;
    else
        t->at[t->len++] = c;
}

/* Appends, percent-encoding what a request line may not carry. */
static enum url_error put_span(struct target *t, struct span s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.at[i];
        if (c == '%' && (i + 2 >= s.len || hex(s.at[i + 1]) < 0 || hex(s.at[i + 2]) < 0))
            return URL_ESCAPE_BAD;
        if (c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c)) {
            put(t, (char)c);
            continue;
        }
        put(t, '%');
        put(t, digits[c >> 4]);
        put(t, digits[c & 15]);
    }
    return t->full ? URL_TOO_LONG : URL_OK;
}

/* The length of a dot segment ("." or "..", also percent-encoded) at `s`, which runs to
 * the next '/' or the end; 0: it is none. */
static size_t dots(const char *s, size_t len, unsigned *count)
{
    size_t i = 0;
    for (*count = 0; i < len && *count < 3; ++*count) {
        if (s[i] == '.')
            i++;
        else if (len - i >= 3 && s[i] == '%' && s[i + 1] == '2' && lower(s[i + 2]) == 'e')
            i += 3;
        else
            return 0;
    }
    return i == len && *count <= 2 ? len : 0;
}

/* RFC 3986 §5.2.4 on a path that begins with '/', in place. */
static void remove_dot_segments(char *path)
{
    char *to = path;
    const char *from = path;
    while (*from == '/') {
        const size_t len = strcspn(from + 1, "/");
        unsigned count;
        if (len && dots(from + 1, len, &count)) {
            if (count == 2)
                while (to > path && *--to != '/')
                    ;
            from += 1 + len;
            if (!*from)
                *to++ = '/';
            continue;
        }
        memmove(to, from, len + 1);
        to += len + 1;
        from += len + 1;
    }
    if (to == path)
        *to++ = '/';
    *to = 0;
}

/* The path and query of `u` from `before` (a path's directory, or "") and `rest`, which
 * runs to the fragment. */
static enum url_error set_target(struct url *u, struct span before, const char *rest)
{
    char made[URL_TARGET];
    struct target t = { .at = made };
    const struct span path = span_until(rest, "?#");
    if (before.len == 0 && (path.len == 0 || path.at[0] != '/'))
        put(&t, '/');
    enum url_error e = put_span(&t, before);
    if (e == URL_OK)
        e = put_span(&t, path);
    if (e != URL_OK)
        return e;
    made[t.len] = 0;
    remove_dot_segments(made);
    t.len = strlen(made);
    if (path.at[path.len] == '?')
        e = put_span(&t, span_until(path.at + path.len, "#"));
    if (e != URL_OK)
        return e;
    made[t.len] = 0;
    memcpy(u->target, made, t.len + 1);
    return URL_OK;
}

/* ----------------------------------------------------------------- whole */

/* The length of "scheme:" at the start (§3.1), 0 when there is none. */
static size_t scheme_len(const char *text)
{
    if (!is_alpha(text[0]))
        return 0;
    size_t i = 1;
    while (is_alpha(text[i]) || is_digit(text[i]) || (text[i] && strchr("+-.", text[i])))
        i++;
    return text[i] == ':' ? i + 1 : 0;
}

static bool scheme_is(const char *text, size_t len, const char *name)
{
    if (len != strlen(name))
        return false;
    for (size_t i = 0; i < len; i++)
        if (lower(text[i]) != name[i])
            return false;
    return true;
}

static enum url_error set_scheme(struct url *u, const char *text, size_t len)
{
    u->https = scheme_is(text, len, "https:");
    return u->https || scheme_is(text, len, "http:") ? URL_OK : URL_SCHEME;
}

/* Authority and what follows. */
static enum url_error set_rest(struct url *u, const char *at)
{
    const struct span authority = span_until(at, "/?#\\");
    if (at[authority.len] == '\\')
        return URL_HOST_BAD;
    const enum url_error e = set_authority(u, authority);
    return e != URL_OK ? e : set_target(u, (struct span){ "", 0 }, at + authority.len);
}

enum url_error url_parse(const char *text, struct url *out)
{
    struct url u = { 0 };
    if (!*text)
        return URL_EMPTY;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return URL_CHARACTER;
    const size_t len = scheme_len(text);
    const bool has_scheme = len && strncmp(text + len, "//", 2) == 0;
    if (has_scheme) {
        const enum url_error e = set_scheme(&u, text, len);
        if (e != URL_OK)
            return e;
        text += len + 2;
    } else if (scheme_is(text, len, "http:") || scheme_is(text, len, "https:")) {
        return URL_NO_HOST;
    } else if (len && !is_digit(text[len])) {       /* mailto:x, but not host:80 */
        return URL_SCHEME;
    }
    const enum url_error e = set_rest(&u, text);
    if (e == URL_OK)
        *out = u;
    return e;
}

enum url_error url_resolve(const struct url *base, const char *r, struct url *out)
{
    struct url u = *base;
    const size_t len = scheme_len(r);
    enum url_error e = URL_OK;
    for (const char *c = r; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return URL_CHARACTER;
    if (len) {
        e = set_scheme(&u, r, len);
        if (e == URL_OK)
            e = strncmp(r + len, "//", 2) == 0 ? set_rest(&u, r + len + 2) : URL_NO_HOST;
    } else if (r[0] == '/' && r[1] == '/') {
        e = set_rest(&u, r + 2);
    } else if (r[0] == '/') {
        e = set_target(&u, (struct span){ "", 0 }, r);
    } else if (r[0] == '?') {
        e = set_target(&u, span_until(base->target, "?"), r);
    } else if (r[0] && r[0] != '#') {               /* §5.2.3: merged with the base's directory */
        struct span dir = span_until(base->target, "?");
        while (dir.len && dir.at[dir.len - 1] != '/')
            dir.len--;
        e = set_target(&u, dir, r);
    }
    if (e == URL_OK)
        *out = u;
    return e;
}

const char *url_host_header(const struct url *u, char out[URL_HOST + 16])
{
    const int n = snprintf(out, URL_HOST + 16, u->host_is6 ? "[%s]" : "%s", u->host);
    if (u->port_given)
        snprintf(out + n, 16, ":%u", u->port);
    return out;
}

const char *url_text(const struct url *u, char out[URL_TEXT])
{
    char host[URL_HOST + 16];
    snprintf(out, URL_TEXT, "%s://%s%s", u->https ? "https" : "http", url_host_header(u, host), u->target);
    return out;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool url_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        char c = *from;
        if (c == '%') {
            const int high = hex(from[1]), low = high < 0 ? -1 : hex(from[2]);
            if (low < 0 || (high | low) == 0)
                return false;
            c = (char)(high << 4 | low);
            from += 2;
        }
        *to++ = c;
    }
    *to = 0;
    return true;
}
