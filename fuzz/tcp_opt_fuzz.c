/* covers: src/wire/tcp_opt.c */
#include "fuzz.h"
#include "wire/tcp_opt.h"

FUZZ(data, size)
{
    enum { OPTIONS_MAX = 40, WITH_PADDING = 64 };       /* of a TCP header; each option written may get up to three bytes more */
    struct reader r = reader_of(data, size < OPTIONS_MAX ? size : OPTIONS_MAX);
    struct tcp_opt o, again;
    uint8_t out[WITH_PADDING], twice[WITH_PADDING];
    if (!tcp_opt_read(&r, &o))
        return;
    REQUIRE(o.n_sack <= TCP_SACK_MAX);
    struct writer w = writer_of(out, sizeof out), v = writer_of(twice, sizeof twice);
    tcp_opt_write(&w, &o);
    REQUIRE(!w.bad && wr_len(&w) % 4 == 0);
    struct reader back = reader_of(out, wr_len(&w));
    REQUIRE(tcp_opt_read(&back, &again));
    tcp_opt_write(&v, &again);
    REQUIRE(wr_len(&w) == wr_len(&v) && memcmp(out, twice, wr_len(&w)) == 0);
}
