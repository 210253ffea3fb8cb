/* shows: MUST-4 MUST-5 MUST-6 MUST-7 MUST-64 MUST-68 MUST-69 */
#include "../hex.h"
#include "wire/tcp_opt.h"

static bool read_opt(const char *text, struct tcp_opt *o)
{
    uint8_t b[64];
    struct exact e = exact(b, hex(b, sizeof b, text));
    const bool ok = tcp_opt_read(&e.r, o);
    exact_free(&e);
    return ok;
}

static void expect_written(struct tcp_opt o, const char *text)
{
    uint8_t want[40], out[40];
    const size_t len = hex(want, sizeof want, text);
    struct writer w = writer_of(out, sizeof out);
    tcp_opt_write(&w, &o);
    assert_false(w.bad);
    assert_int_equal(wr_len(&w), len);
    if (len)
        assert_memory_equal(out, want, len);
    struct reader r = reader_of(out, len);
    struct tcp_opt back;
    assert_true(tcp_opt_read(&r, &back));
    assert_int_equal(back.has_mss, o.has_mss);
    assert_int_equal(back.mss, o.mss);
    assert_int_equal(back.has_wscale, o.has_wscale);
    assert_int_equal(back.wscale, o.wscale);
    assert_int_equal(back.sack_permitted, o.sack_permitted);
    assert_int_equal(back.has_ts, o.has_ts);
    assert_int_equal(back.ts_val, o.ts_val);
    assert_int_equal(back.ts_ecr, o.ts_ecr);
}

static void both_ways(void **state)
{
    (void)state;
    expect_written((struct tcp_opt){ 0 }, "");
    expect_written((struct tcp_opt){ .has_mss = true, .mss = 536 }, "02040218");
    expect_written((struct tcp_opt){ .has_ts = true, .ts_val = 1, .ts_ecr = 0xffffffff }, "0101080a 00000001 ffffffff");
    expect_written((struct tcp_opt){ .has_mss = true, .mss = 1460, .sack_permitted = true, .has_wscale = true, .wscale = 7 },
                   "020405b4 01010402 01030307");
    expect_written((struct tcp_opt){ .has_mss = true, .mss = 1460, .sack_permitted = true, .has_wscale = true, .wscale = 14,
                                     .has_ts = true, .ts_val = 9, .ts_ecr = 8 },
                   "020405b4 0402080a 00000009 00000008 0103030e");
}

static void sack_blocks(void **state)
{
    (void)state;
    struct tcp_opt o = { .n_sack = 4, .sack = { { { 1 }, { 2 } }, { { 3 }, { 4 } }, { { 5 }, { 6 } }, { { 7 }, { 8 } } } }, back;
    expect_written(o, "01010522 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008");
    o.has_ts = true;                            /* RFC 2018 §3: with time stamps only three fit */
    expect_written(o, "0101080a 00000000 00000000 0101051a 00000001 00000002 00000003 00000004 00000005 00000006");
    assert_true(read_opt("0101050a 00000001 00000002", &back));
    assert_int_equal(back.n_sack, 1);
    assert_int_equal(back.sack[0].from.n, 1);
    assert_int_equal(back.sack[0].to.n, 2);
    assert_true(read_opt("0502", &back));       /* no block */
    assert_int_equal(back.n_sack, 0);
    assert_true(read_opt("0509 00000001 000000", &back));       /* not whole blocks */
    assert_int_equal(back.n_sack, 0);
    assert_true(read_opt("052a 0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000", &back));
    assert_int_equal(back.n_sack, 0);           /* five cannot be in a header */
}

static void impossible_lengths(void **state)
{
    (void)state;
    struct tcp_opt o;
    static const char *const bad[] = { "0200", "0201", "02", "0204", "020405", "fe00", "fe01", "fe", "fe05 0000", "080a 00000000",
                                       "0101 0100 0203", "03", "01010105", "ffff" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_opt(bad[i], &o) != (i == 10))              /* there END comes first */
            fail_msg("%s", bad[i]);
}

static void unknown_and_misfitting(void **state)
{
    (void)state;
    struct tcp_opt o;
    assert_true(read_opt("fe02 fd04abcd 020405b4", &o));    /* [MUST-6] */
    assert_true(o.has_mss);
    assert_int_equal(o.mss, 1460);
    assert_true(read_opt("020305 020605b40000 03020402 0402 08020101", &o));
    assert_false(o.has_mss);
    assert_false(o.has_wscale);
    assert_false(o.has_ts);
    assert_true(o.sack_permitted);
    assert_true(read_opt("00 0200", &o));                   /* nothing is read after END */
    assert_true(read_opt("", &o));
    assert_true(read_opt("01010101", &o));
}

TESTS(both_ways, sack_blocks, impossible_lengths, unknown_and_misfitting)
