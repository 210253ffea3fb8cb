/* Bytes on their way out, or being gathered: a growing buffer with a front that
 * moves.  All-zero is empty.  Once memory was short nothing more is put until it is
 * cleared, so that a row of puts needs one look at the end. */
#pragma once
#include "socket/net.h"

struct outbuf { uint8_t *bytes; size_t from, to, room; bool short_of_memory; };

void outbuf_fini(struct outbuf *b);
static inline size_t outbuf_len(const struct outbuf *b) { return b->to - b->from; }
static inline void outbuf_clear(struct outbuf *b)
{
    b->from = b->to = 0;
    b->short_of_memory = false;
}
/* What was put since the last clear, with a zero behind it; only after something was put and memory was not short. */
static inline const char *outbuf_text(const struct outbuf *b) { return (const char *)b->bytes + b->from; }
/* Each false: no memory, now or before. */
bool outbuf_put(struct outbuf *b, const void *bytes, size_t len);
bool outbuf_text_put(struct outbuf *b, const char *text);
bool outbuf_printf(struct outbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Moves what fits into the stream; true: all of it. */
bool outbuf_push(struct outbuf *b, struct stream *s);
