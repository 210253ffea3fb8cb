/* What every stream gets from its four lending calls. */
#include "socket/net.h"
#include <string.h>

size_t stream_write(struct stream *s, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    size_t done = 0, room;
    for (uint8_t *to; done < len && (to = stream_reserve(s, &room));) {
        const size_t n = room < len - done ? room : len - done;
        memcpy(to, from + done, n);
        stream_commit(s, n);
        done += n;
    }
    return done;
}

size_t stream_read(struct stream *s, void *to, size_t max)
{
    uint8_t *into = to;
    size_t done = 0, len;
    for (const uint8_t *from; done < max && (from = stream_peek(s, &len));) {
        const size_t n = len < max - done ? len : max - done;
        memcpy(into + done, from, n);
        stream_consume(s, n);
        done += n;
    }
    return done;
}
