/* Bytes as tests write them: hex(buf, sizeof buf, "45 00 0073") gives their number. */
#pragma once
#include "test.h"
#include "base/bytes.h"

static inline unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    assert_true(c >= 'a' && c <= 'f');
    return (unsigned)(c - 'a') + 10;
}

static inline size_t hex(uint8_t *out, size_t max, const char *text)
{
    size_t n = 0;
    for (; *text; text++) {
        if (*text == ' ')
            continue;
        assert_true(n < max && text[1] != '\0');
        out[n++] = (uint8_t)(hex_value(text[0]) << 4 | hex_value(text[1]));
        text++;
    }
    return n;
}

/* A reader over exactly these bytes, in a block of their own: a read beyond them is seen by ASan. */
struct exact { void *block; struct reader r; };
static inline struct exact exact(const void *bytes, size_t len)
{
    void *block = test_malloc(len ? len : 1);
    if (len)
        memcpy(block, bytes, len);
    return (struct exact){ block, reader_of(block, len) };
}
static inline void exact_free(struct exact *e) { test_free(e->block); }
