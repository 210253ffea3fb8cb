/* Bytes that go in and out of sockets without being copied.
 *
 *     plumb_buffer *b = plumb_buffer_new(s, 1000000);
 *     memset(plumb_buffer_write(b), 'x', 1000000);
 *     if (plumb_give(s, socket, &b) == PLUMB_OK)       b is NULL now: the bytes are plumb's, and go when the peer has them
 *         ;
 *     plumb_buffer *got;
 *     while (plumb_take(s, from, &got) == PLUMB_OK)    bytes that arrived, where they arrived
 *         if (plumb_give(s, to, &got) != PLUMB_OK)     ... and on to another socket
 *             plumb_buffer_free(&got);
 *
 * A buffer has one owner.  Who gives it away gives the address of the only pointer to it, which becomes NULL; whoever
 * could not take it leaves it as it was.  A buffer of one's own can always be freed, also after plumb_close, and its bytes
 * stay what they are until then. */
#pragma once
#include <plumb/plumb.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plumb_buffer plumb_buffer;

enum { PLUMB_GIVE_MAX = 1 << 30 };

/* `len` bytes of memory, not cleared.  NULL: no memory, or len 0. */
plumb_buffer *plumb_buffer_new(plumb_stack *s, size_t len);
/* Bytes that are the caller's and stay so: a file that is mapped, a constant.  They may neither change nor go before `tag`
 * comes out of plumb_next_returned, or the stack is closed and all buffers on them are freed. */
plumb_buffer *plumb_buffer_wrap(plumb_stack *s, const void *bytes, size_t len, void *tag);
/* Another buffer on a part of the same bytes, without a copy; `b` stays as it is, but that neither can be written to any
 * more.  NULL: the part is not within it, or is empty; no memory. */
plumb_buffer *plumb_buffer_part(plumb_buffer *b, size_t from, size_t len);
/* NULL is fine, and so is a pointer to NULL. */
void plumb_buffer_free(plumb_buffer **b);

const uint8_t *plumb_buffer_bytes(const plumb_buffer *b, size_t *len);
/* To fill it: NULL when its bytes are not plumb's own, or another buffer stands on them. */
uint8_t *plumb_buffer_write(plumb_buffer *b);

/* Sends it behind what was sent before.  PLUMB_OK: *b is NULL.  Else it is still the caller's: PLUMB_AGAIN (wait for
 * readiness), PLUMB_CLOSED (this direction was shut down), why the socket failed, PLUMB_STALE, PLUMB_INVALID (a buffer
 * of another stack, or longer than PLUMB_GIVE_MAX). */
enum plumb_err plumb_give(plumb_stack *s, plumb_socket h, plumb_buffer **b);
/* What can be read next in one piece, as plumb_recv would; *b is the caller's.  Otherwise NULL, and PLUMB_AGAIN,
 * PLUMB_CLOSED, why the socket failed, PLUMB_STALE, PLUMB_NO_MEMORY.  Few bytes are copied instead, and so are all
 * while buffers that were taken hold an eighth of the stack's memory. */
enum plumb_err plumb_take(plumb_stack *s, plumb_socket h, plumb_buffer **b);

/* A tag of plumb_buffer_wrap whose bytes nobody needs any more, each once; false: none. */
bool plumb_next_returned(plumb_stack *s, void **tag);

#ifdef __cplusplus
}
#endif
