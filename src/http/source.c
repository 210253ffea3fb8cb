#include "http/source.h"
#include <stdlib.h>
#include <string.h>

static size_t bytes_read(void *arg, uint8_t *to, size_t max, bool *ended, bool *failed)
{
    struct http_bytes *b = arg;
    const size_t n = b->len - b->at < max ? b->len - b->at : max;
    (void)failed;
    if (n)
        memcpy(to, b->bytes + b->at, n);
    b->at += n;
    *ended = b->at == b->len;
    return n;
}

static bool bytes_rewind(void *arg)
{
    ((struct http_bytes *)arg)->at = 0;
    return true;
}

struct http_source http_source_of(struct http_bytes *b)
{
    return (struct http_source){ .length = (int64_t)b->len, .read = bytes_read, .rewind = bytes_rewind, .arg = b };
}

struct http_source http_source_copy(const void *bytes, size_t len)
{
    struct http_bytes *b = malloc(sizeof *b + len);
    if (!b)
        return (struct http_source){ 0 };
    uint8_t *own = (uint8_t *)(b + 1);
    if (len)
        memcpy(own, bytes, len);
    *b = (struct http_bytes){ .bytes = own, .len = len };
    struct http_source s = http_source_of(b);
    s.close = free;
    return s;
}
