/* The bytes of a body, pulled by whoever sends them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* read puts at most `max` bytes and returns their number; *ended with or after the
 * last, *failed when they cannot be had; both are false when it is called. */
struct http_source {
    int64_t length;                     /* -1: unknown, sent in chunks */
    size_t (*read)(void *arg, uint8_t *to, size_t max, bool *ended, bool *failed);
    bool   (*rewind)(void *arg);        /* back to the first byte; NULL or false: cannot */
    void   (*close)(void *arg);         /* called once by who took the source; NULL: nothing to do */
    void *arg;
};

struct http_bytes { const uint8_t *bytes; size_t len, at; };
/* Over bytes and a struct that outlive it. */
struct http_source http_source_of(struct http_bytes *b);
/* Over a copy of its own; read is NULL: no memory. */
struct http_source http_source_copy(const void *bytes, size_t len);
static inline void http_source_close(struct http_source *s)
{
    if (s->close)
        s->close(s->arg);
    *s = (struct http_source){ 0 };
}

/* Something with a size that can be read anywhere, such as a file.  read returns
 * fewer than `max` bytes only at the end or on failure. */
struct http_file {
    uint64_t size;
    size_t (*read)(void *arg, uint64_t offset, uint8_t *to, size_t max);
    void   (*close)(void *arg);         /* NULL: nothing to do */
    void *arg;
};
