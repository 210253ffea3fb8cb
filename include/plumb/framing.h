/* Messages on a stream: docs/examples/messages.c shows it.  TCP carries bytes, not messages (RFC 9293 §3.8): what was
 * written in two calls may be read in one (sticky packets), what was written in one
 * may be read in pieces (half packets).  A framer finds the messages again, whatever
 * the pieces: by a length in front of each, by a fixed length, or by a delimiter. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum plumb_framing_kind { PLUMB_FRAMING_LENGTH, PLUMB_FRAMING_FIXED, PLUMB_FRAMING_DELIMITER };

enum { PLUMB_FRAMING_DELIMITER_MAX = 8 };

struct plumb_framing {
    enum plumb_framing_kind kind;
    uint8_t  length_bytes;              /* LENGTH: 1, 2 or 4, big-endian, not counting itself */
    uint8_t  delimiter_len;             /* DELIMITER: 1 to PLUMB_FRAMING_DELIMITER_MAX */
    uint8_t  delimiter[PLUMB_FRAMING_DELIMITER_MAX];
    uint32_t fixed;                     /* FIXED: bytes in each message, not 0 */
    uint32_t max;                       /* the longest message taken */
};

enum plumb_framer_state { PLUMB_FRAMER_WANTS_MORE, PLUMB_FRAMER_MESSAGE, PLUMB_FRAMER_TOO_LONG };

struct plumb_framer {
    struct plumb_framing how;
    uint8_t *bytes;                     /* what has come of the message under way; room for `room` */
    uint32_t room, have;
    uint32_t header;                    /* LENGTH: bytes of the length that came */
    uint32_t wanted;                    /* LENGTH: of the message, once its header is whole */
    bool     whole, broken;
};

/* Allocates room for the longest message once; false: no memory, or `how` contradicts itself. */
bool plumb_framer_init(struct plumb_framer *f, const struct plumb_framing *how);
void plumb_framer_fini(struct plumb_framer *f);

/* Takes bytes up to the end of one message; *used says how many.  PLUMB_FRAMER_MESSAGE: one
 * is whole, in f->bytes, f->have long (without length or delimiter), until the next call.
 * PLUMB_FRAMER_TOO_LONG: longer than `max`; the stream cannot be understood from here on. */
enum plumb_framer_state plumb_framer_take(struct plumb_framer *f, const uint8_t *bytes, size_t len, size_t *used);
/* The stream ended in the middle of a message. */
static inline bool plumb_framer_cut(const struct plumb_framer *f) { return !f->whole && (f->have || f->header); }

/* A message as it goes on the stream, into `out`; returns its length, 0 when it does
 * not fit, is too long, of the wrong fixed length, or holds the delimiter. */
size_t plumb_framing_write(const struct plumb_framing *how, const void *message, size_t len, uint8_t *out, size_t max);

#ifdef __cplusplus
}
#endif
