/* HTTP/1.1 and 1.0 messages (RFC 9112): one incremental parser for requests and
 * responses, and the writer of heads and chunks.
 *
 * The parser is strict where laxness has been the way to smuggle requests: bare
 * LF, folded lines, white space before a colon, HTTP/0.9, Content-Length beside
 * Transfer-Encoding, lengths that differ, chunk sizes that overflow. */
#pragma once
#include "http/headers.h"
#include "http/outbuf.h"

enum { H1_HEAD_MAX = 65536, H1_TARGET_MAX = 8192, H1_METHOD_MAX = 32 };

enum h1_kind { H1_REQUEST, H1_RESPONSE };

enum h1_error {
    H1_OK, H1_BARE_LF, H1_FOLDED, H1_START_LINE, H1_HTTP09, H1_VERSION, H1_METHOD_LONG, H1_TARGET_LONG, H1_HEAD_LARGE, H1_FIELD,
    H1_LENGTH_BAD, H1_LENGTHS_DIFFER, H1_LENGTH_AND_CODING, H1_CODING, H1_CODING_IN_10, H1_CHUNK, H1_HOST, H1_TRUNCATED, H1_NO_MEMORY,
    H1_ERROR_COUNT
};
const char *h1_error_text(enum h1_error e);         /* "a header line ends in a bare line feed" */
int h1_error_status(enum h1_error e);               /* what a server answers: 400 414 431 501 505 */

enum h1_event {
    H1_MORE,        /* give more bytes, or tell of the end */
    H1_HEAD,        /* start line and headers are complete */
    H1_DATA,        /* data_len bytes of the body stand at the front of the rest: use some, then h1_took */
    H1_END,         /* the message is complete; h1_next before the next one */
    H1_BAD          /* error says why */
};

struct h1 {
    enum h1_kind  kind;
    bool          head_only;            /* set before the head: the answer to HEAD has no body */

    char          method[H1_METHOD_MAX];            /* requests */
    const char   *target;
    int           status;                           /* responses */
    const char   *reason;
    int           minor;                            /* HTTP/1.minor */
    struct headers headers, trailers;
    bool          chunked;
    int64_t       content_length;                   /* -1: not given */
    bool          keep_alive;                       /* by version, Connection and framing (RFC 9112 §9.3) */

    size_t        data_len;
    enum h1_error error;

    int           state;                            /* the parser's own from here */
    uint32_t      head_bytes;
    uint64_t      left;                             /* of the body or the chunk */
    bool          started, line_cr;
    struct outbuf line, start;
};

void h1_init(struct h1 *p, enum h1_kind kind);
void h1_fini(struct h1 *p);
/* Ready for the next message on the connection. */
void h1_next(struct h1 *p);
/* Steps over *used bytes and says what they brought; call again with the rest. */
enum h1_event h1_step(struct h1 *p, const uint8_t *bytes, size_t len, size_t *used);
/* n <= data_len bytes of the body were used by the caller. */
void h1_took(struct h1 *p, size_t n);
/* The stream ended: H1_END (a body until close), H1_MORE (nothing had begun), H1_BAD. */
enum h1_event h1_eof(struct h1 *p);
static inline bool h1_started(const struct h1 *p) { return p->started; }

/* Each false: no memory.  Heads end with the empty line. */
bool h1_write_request(struct outbuf *b, const char *method, const char *target, const struct headers *h);
bool h1_write_status(struct outbuf *b, int minor, int status, const struct headers *h);
bool h1_write_chunk(struct outbuf *b, const void *bytes, size_t len);   /* len 0: nothing is written */
bool h1_write_last_chunk(struct outbuf *b);
const char *http_reason(int status);                /* "Not Found"; "" when unknown */
