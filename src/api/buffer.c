/* Buffers (plumb/buffer.h).  `bytes` are what buffers stand on, and are counted by them; a
 * buffer has one owner, the caller or a loan of TCP. */
#include "api/inner.h"
#include <plumb/buffer.h>
#include <stdlib.h>

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* TCP's blocks when it is gone and some of them are still somebody's.  Made with the first
 * that is taken, so that closing needs no memory. */
struct plumb_kept { struct pool pool; uint32_t n; };

struct bytes {
    struct list node;                   /* in plumb_stack.bytes, at the end .returned */
    plumb_stack *s;                     /* NULL: closed */
    const uint8_t *at;
    size_t len;
    uint32_t refs;                      /* buffers on them */
    uint8_t *own;                       /* allocated, or NULL */
    void *block;                        /* taken from TCP, or NULL */
    struct plumb_kept *kept;                  /* to which `block` belongs once the stack is closed */
    bool wrapped;
    void *tag;
};

struct plumb_buffer {
    struct list given;                  /* in plumb_stack.buffers while a loan has it */
    struct bytes *on;
    const uint8_t *at;
    size_t len;
};

static struct plumb_buffer *buffer_on(struct bytes *on, const uint8_t *at, size_t len)
{
    struct plumb_buffer *b = malloc(sizeof *b);
    if (!b)
        return NULL;
    *b = (struct plumb_buffer){ .on = on, .at = at, .len = len };
    on->refs++;
    return b;
}

/* `on` is a sketch of what the first buffer stands on; NULL: no memory, and nothing was taken. */
static struct plumb_buffer *first_buffer(plumb_stack *s, const struct bytes *like)
{
    struct bytes *on = malloc(sizeof *on);
    struct plumb_buffer *b = NULL;
    if (on) {
        *on = *like;
        on->s = s;
        b = buffer_on(on, on->at, on->len);
    }
    if (b)
        list_push(&s->bytes, &on->node);
    else
        free(on);
    return b;
}

plumb_buffer *plumb_buffer_new(plumb_stack *s, size_t len)
{
    uint8_t *own = len ? malloc(len) : NULL;
    struct plumb_buffer *b = own ? first_buffer(s, &(struct bytes){ .at = own, .len = len, .own = own }) : NULL;
    if (!b)
        free(own);
    return b;
}

plumb_buffer *plumb_buffer_wrap(plumb_stack *s, const void *bytes, size_t len, void *tag)
{
    return len ? first_buffer(s, &(struct bytes){ .at = bytes, .len = len, .wrapped = true, .tag = tag }) : NULL;
}

plumb_buffer *plumb_buffer_part(plumb_buffer *b, size_t from, size_t len)
{
    return len && from <= b->len && len <= b->len - from ? buffer_on(b->on, b->at + from, len) : NULL;
}

/* The stack may be gone: then nobody is told, and the last block frees them all. */
static void let_go(struct bytes *on)
{
    list_remove(&on->node);
    free(on->own);
    if (on->block && on->s)
        tcp_put_back(stack_tcp(on->s->st), on->block);
    if (on->kept && --on->kept->n == 0) {
        pool_fini(&on->kept->pool);
        free(on->kept);
    }
    if (on->wrapped && on->s)
        list_push(&on->s->returned, &on->node);
    else
        free(on);
}

void plumb_buffer_free(plumb_buffer **b)
{
    struct plumb_buffer *x = b ? *b : NULL;
    if (!x)
        return;
    *b = NULL;
    list_remove(&x->given);
    if (--x->on->refs == 0)
        let_go(x->on);
    free(x);
}

const uint8_t *plumb_buffer_bytes(const plumb_buffer *b, size_t *len)
{
    *len = b->len;
    return b->at;
}

uint8_t *plumb_buffer_write(plumb_buffer *b)
{
    return b->on->own && b->on->refs == 1 ? b->on->own + (b->at - b->on->own) : NULL;
}

/* ------------------------------------------------------------------ sockets */

static enum plumb_err not_now(const struct stream *stream)
{
    return stream_state(stream) == STREAM_FAILED ? stream_error(stream) : PLUMB_AGAIN;
}

enum plumb_err plumb_give(plumb_stack *s, plumb_socket h, plumb_buffer **b)
{
    struct stream *stream = plumb_stream_of(s, h);
    struct plumb_buffer *x = *b;
    if (!stream)
        return PLUMB_STALE;
    if (!x || x->on->s != s)
        return PLUMB_INVALID;
    if (stream_state(stream) != STREAM_OPEN)
        return not_now(stream);
    const enum plumb_err e = tcp_lend(stack_stream_conn(stream), x->at, x->len, x, s->now_ns);
    if (e != PLUMB_OK)
        return e;
    list_push(&s->buffers, &x->given);
    *b = NULL;
    stack_called(s->st, s->now_ns);
    return PLUMB_OK;
}

static struct plumb_buffer *copy_of(plumb_stack *s, struct stream *stream, const uint8_t *bytes, size_t len)
{
    struct plumb_buffer *b = plumb_buffer_new(s, len);
    if (!b)
        return NULL;
    memcpy(b->on->own, bytes, len);
    stream_consume(stream, len);
    return b;
}

enum plumb_err plumb_take(plumb_stack *s, plumb_socket h, plumb_buffer **b)
{
    struct stream *stream = plumb_stream_of(s, h);
    struct tcp_taken taken;
    size_t len;
    *b = NULL;
    if (!stream)
        return PLUMB_STALE;
    const uint8_t *bytes = stream_peek(stream, &len);
    if (!bytes)
        return stream_ended(stream) ? PLUMB_CLOSED : not_now(stream);
    if (!s->kept)
        s->kept = calloc(1, sizeof *s->kept);
    struct plumb_buffer *x = s->kept ? first_buffer(s, &(struct bytes){ .at = bytes, .len = len }) : NULL;
    if (x && tcp_take(stack_stream_conn(stream), &taken, s->now_ns)) {
        x->on->block = taken.block;
        stack_called(s->st, s->now_ns);
        *b = x;
        return PLUMB_OK;
    }
    plumb_buffer_free(&x);
    *b = copy_of(s, stream, bytes, len);
    return *b ? PLUMB_OK : PLUMB_NO_MEMORY;
}

bool plumb_next_returned(plumb_stack *s, void **tag)
{
    plumb_buffers_back(s);
    struct list *n = list_pop(&s->returned);
    if (!n)
        return false;
    struct bytes *on = list_entry(n, struct bytes, node);
    *tag = on->tag;
    free(on);
    return true;
}

/* ----------------------------------------------------------- with the stack */

void plumb_buffers_back(plumb_stack *s)
{
    for (struct plumb_buffer *b; (b = tcp_loan_back(stack_tcp(s->st)));)
        plumb_buffer_free(&b);
}

/* Before the stack goes: what was given goes with it, what is the caller's stays. */
void plumb_buffers_outlive(plumb_stack *s)
{
    plumb_buffers_back(s);
    for (struct list *n; (n = s->buffers.next) != &s->buffers;) {
        struct plumb_buffer *b = list_entry(n, struct plumb_buffer, given);
        plumb_buffer_free(&b);
    }
    for (struct list *n; (n = list_pop(&s->returned));)
        free(list_entry(n, struct bytes, node));
    for (struct list *n; (n = list_pop(&s->bytes));) {
        struct bytes *on = list_entry(n, struct bytes, node);
        on->s = NULL;
        on->kept = on->block ? s->kept : NULL;
        if (on->kept)
            on->kept->n++;
    }
    if (s->kept && s->kept->n)
        s->kept->pool = tcp_keep_blocks(stack_tcp(s->st));
    else
        free(s->kept);
}
