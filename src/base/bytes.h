/* The bounded reader and writer.  All parsing of received bytes goes through a
 * reader and all formats are built through a writer, so no code here or above
 * does pointer arithmetic on bytes a peer sent.
 *
 * Both are sticky: after the first access out of bounds `bad` is set, reads give
 * zero, writes do nothing, and the caller checks once at the end.  Integers are
 * big-endian (network order) unless the name says le. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader { const uint8_t *at, *end; bool bad; };
struct writer { uint8_t *start, *at, *end; bool bad; };

static inline struct reader reader_of(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    return (struct reader){ .at = p, .end = len ? p + len : p };
}
static inline size_t rd_left(const struct reader *r) { return (size_t)(r->end - r->at); }

/* Lends the next `len` bytes and steps over them; NULL when fewer are left. */
static inline const uint8_t *rd_bytes(struct reader *r, size_t len)
{
    if (r->bad || rd_left(r) < len) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += len;
    return p;
}
static inline void rd_skip(struct reader *r, size_t len) { (void)rd_bytes(r, len); }
static inline bool rd_copy(struct reader *r, void *to, size_t len)
{
    const uint8_t *p = rd_bytes(r, len);
    if (p && len)
        memcpy(to, p, len);
    return !r->bad;
}
/* A reader over the next `len` bytes, which `r` steps over. */
static inline struct reader rd_sub(struct reader *r, size_t len)
{
    const uint8_t *p = rd_bytes(r, len);
    return (struct reader){ .at = p, .end = p ? p + len : p, .bad = r->bad };
}

static inline uint16_t load_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline void store_be16(uint8_t *p, uint16_t v) { p[0] = (uint8_t)(v >> 8); p[1] = (uint8_t)v; }
static inline void store_be32(uint8_t *p, uint32_t v)
{
    store_be16(p, (uint16_t)(v >> 16));
    store_be16(p + 2, (uint16_t)v);
}

/* Between a value and its bytes as a word in memory. */
static inline uint32_t be32(uint32_t v)
{
    uint8_t bytes[4];
    uint32_t w;
    store_be32(bytes, v);
    memcpy(&w, bytes, sizeof w);
    return w;
}
static inline uint16_t host16(uint16_t w)
{
    uint8_t bytes[2];
    memcpy(bytes, &w, sizeof w);
    return load_be16(bytes);
}

static inline uint8_t rd_u8(struct reader *r)
{
    const uint8_t *p = rd_bytes(r, 1);
    return p ? *p : 0;
}
static inline uint16_t rd_u16(struct reader *r)
{
    const uint8_t *p = rd_bytes(r, 2);
    return p ? load_be16(p) : 0;
}
static inline uint32_t rd_u32(struct reader *r)
{
    const uint8_t *p = rd_bytes(r, 4);
    return p ? load_be32(p) : 0;
}

static inline struct writer writer_of(void *bytes, size_t len)
{
    uint8_t *p = bytes;
    return (struct writer){ .start = p, .at = p, .end = len ? p + len : p };
}
static inline size_t wr_len(const struct writer *w)  { return (size_t)(w->at - w->start); }
static inline size_t wr_room(const struct writer *w) { return (size_t)(w->end - w->at); }

/* Lends room for the next `len` bytes and steps over it; NULL when it does not fit. */
static inline uint8_t *wr_space(struct writer *w, size_t len)
{
    if (w->bad || wr_room(w) < len) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->at;
    w->at += len;
    return p;
}
static inline void wr_bytes(struct writer *w, const void *from, size_t len)
{
    uint8_t *p = wr_space(w, len);
    if (p && len)
        memcpy(p, from, len);
}
static inline void wr_fill(struct writer *w, uint8_t value, size_t len)
{
    uint8_t *p = wr_space(w, len);
    if (p && len)
        memset(p, value, len);
}
static inline void wr_text(struct writer *w, const char *text) { wr_bytes(w, text, strlen(text)); }
static inline void wr_u8(struct writer *w, uint8_t v)
{
    uint8_t *p = wr_space(w, 1);
    if (p)
        *p = v;
}
static inline void wr_u16(struct writer *w, uint16_t v)
{
    uint8_t *p = wr_space(w, 2);
    if (p)
        store_be16(p, v);
}
static inline void wr_u32(struct writer *w, uint32_t v)
{
    uint8_t *p = wr_space(w, 4);
    if (p)
        store_be32(p, v);
}
