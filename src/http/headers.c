#include "http/headers.h"
#include <stdlib.h>
#include <string.h>

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool same_n(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool text_same(const char *a, const char *b)
{
    const size_t n = strlen(a);
    return n == strlen(b) && same_n(a, b, n);
}

void headers_fini(struct headers *h)
{
    free(h->text);
    free(h->at);
    *h = (struct headers){ 0 };
}

void headers_clear(struct headers *h) { h->text_len = h->count = 0; }

static bool grow(void **at, uint32_t *room, size_t want, size_t size)
{
    if (want <= *room)
        return true;
    const size_t now = want < 64 ? 64 : want * 2;
    void *p = now > UINT32_MAX ? NULL : realloc(*at, now * size);
    if (!p)
        return false;
    *at = p;
    *room = (uint32_t)now;
    return true;
}

static uint32_t keep(struct headers *h, const char *s, size_t len)
{
    const uint32_t at = h->text_len;
    if (len)
        memcpy(h->text + at, s, len);
    h->text[at + len] = 0;
    h->text_len += (uint32_t)len + 1;
    return at;
}

bool headers_add_n(struct headers *h, const char *name, size_t name_len, const char *value, size_t value_len)
{
    void *text = h->text, *at = h->at;
    const bool has_text = grow(&text, &h->text_room, h->text_len + name_len + value_len + 2, 1);
    h->text = text;
    const bool has_row = grow(&at, &h->room, h->count + 1, sizeof *h->at);
    h->at = at;
    if (!has_text || !has_row)
        return false;
    const uint32_t name_at = keep(h, name, name_len), value_at = keep(h, value, value_len);
    h->at[h->count++] = (struct header){ name_at, value_at };
    return true;
}

bool headers_add(struct headers *h, const char *name, const char *value)
{
    return headers_add_n(h, name, strlen(name), value, strlen(value));
}

bool headers_copy(struct headers *to, const struct headers *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        if (!headers_add(to, headers_name(from, i), headers_value(from, i)))
            return false;
    return true;
}

void headers_remove(struct headers *h, const char *name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->count; i++)
        if (!text_same(headers_name(h, i), name))
            h->at[kept++] = h->at[i];
    h->count = kept;
}

const char *headers_next(const struct headers *h, const char *name, uint32_t *cursor)
{
    for (uint32_t i = *cursor; i < h->count; i++)
        if (text_same(headers_name(h, i), name)) {
            *cursor = i + 1;
            return headers_value(h, i);
        }
    *cursor = h->count;
    return NULL;
}

const char *headers_get(const struct headers *h, const char *name)
{
    uint32_t cursor = 0;
    return headers_next(h, name, &cursor);
}

bool headers_has_token(const struct headers *h, const char *name, const char *token)
{
    const size_t len = strlen(token);
    uint32_t cursor = 0;
    for (const char *v; (v = headers_next(h, name, &cursor));)
        while (*v) {
            v += strspn(v, " \t,");
            const size_t n = strcspn(v, " \t,;");
            if (n == len && same_n(v, token, n))
                return true;
            v += strcspn(v, ",");
        }
    return false;
}

bool headers_name_ok(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char c = lower(name[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return len > 0;
}

bool headers_value_ok(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return false;
    return true;
}
