#include "http/outbuf.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void outbuf_fini(struct outbuf *b)
{
    free(b->bytes);
    *b = (struct outbuf){ 0 };
}

static bool make_room(struct outbuf *b, size_t len)
{
    if (b->short_of_memory)
        return false;
    if (b->room - b->to >= len)
        return true;
    const size_t want = (b->to + len) * 2 < 256 ? 256 : (b->to + len) * 2;
    uint8_t *p = realloc(b->bytes, want);
    if (!p) {
        b->short_of_memory = true;
        return false;
    }
    b->bytes = p;
    b->room = want;
    return true;
}

bool outbuf_put(struct outbuf *b, const void *bytes, size_t len)
{
    if (b->from == b->to)
        b->from = b->to = 0;
    if (!make_room(b, len + 1))
        return false;
    if (len)
        memcpy(b->bytes + b->to, bytes, len);
    b->to += len;
    b->bytes[b->to] = 0;
    return true;
}

bool outbuf_text_put(struct outbuf *b, const char *text) { return outbuf_put(b, text, strlen(text)); }

bool outbuf_printf(struct outbuf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || !make_room(b, (size_t)n + 1))
        return false;
    va_start(args, format);
    vsnprintf((char *)b->bytes + b->to, (size_t)n + 1, format, args);
    va_end(args);
    b->to += (size_t)n;
    return true;
}

bool outbuf_push(struct outbuf *b, struct stream *s)
{
    if (outbuf_len(b))
        b->from += stream_write(s, b->bytes + b->from, outbuf_len(b));
    if (b->from < b->to)
        return false;
    b->from = b->to = 0;
    return true;
}
