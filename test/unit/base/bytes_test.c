#include "../hex.h"

static void reads_in_network_order(void **state)
{
    (void)state;
    uint8_t b[10];
    struct exact e = exact(b, hex(b, sizeof b, "01 0203 04050607 0809"));
    assert_int_equal(rd_u8(&e.r), 1);
    assert_int_equal(rd_u16(&e.r), 0x0203);
    assert_int_equal(rd_u32(&e.r), 0x04050607);
    assert_int_equal(rd_left(&e.r), 2);
    assert_int_equal(rd_u32(&e.r), 0);          /* over the end: zero, and sticky */
    assert_true(e.r.bad);
    assert_int_equal(rd_u8(&e.r), 0);
    assert_null(rd_bytes(&e.r, 0));
    exact_free(&e);
}

static void readers_within_readers(void **state)
{
    (void)state;
    const uint8_t b[] = { 1, 2, 3, 4 };
    struct reader r = reader_of(b, sizeof b), sub = rd_sub(&r, 3);
    rd_skip(&sub, 2);
    assert_int_equal(rd_u8(&sub), 3);
    assert_int_equal(rd_u8(&sub), 0);
    assert_true(sub.bad);
    assert_false(r.bad);
    assert_int_equal(rd_u8(&r), 4);
    sub = rd_sub(&r, 1);
    assert_true(sub.bad);
    assert_true(r.bad);
    assert_int_equal(rd_left(&sub), 0);
}

static void a_huge_length_is_refused(void **state)
{
    (void)state;
    const uint8_t b[4] = { 0 };
    struct reader r = reader_of(b, sizeof b);
    assert_null(rd_bytes(&r, SIZE_MAX));
    assert_true(r.bad);
    uint8_t out[4];
    struct writer w = writer_of(out, sizeof out);
    assert_null(wr_space(&w, SIZE_MAX));
    assert_true(w.bad);
}

static void nothing_to_read(void **state)
{
    (void)state;
    struct reader r = reader_of(NULL, 0);
    uint8_t to = 7;
    assert_true(rd_copy(&r, &to, 0));
    assert_false(r.bad);
    assert_false(rd_copy(&r, &to, 1));
    assert_int_equal(to, 7);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    uint8_t out[14];
    const uint8_t want[] = { 0xab, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 'h', 'i', 9, 9, 9, 0, 1 };
    struct writer w = writer_of(out, sizeof out);
    wr_u8(&w, 0xab);
    wr_u16(&w, 0x1234);
    wr_u32(&w, 0xdeadbeef);
    wr_text(&w, "hi");
    wr_fill(&w, 9, 3);
    assert_int_equal(wr_room(&w), 2);
    wr_u32(&w, 5);                              /* does not fit: nothing is written, and no more will be */
    assert_true(w.bad);
    assert_int_equal(wr_len(&w), 12);
    wr_u8(&w, 1);
    assert_int_equal(wr_len(&w), 12);
    w.bad = false;
    wr_u16(&w, 1);
    assert_false(w.bad);
    assert_memory_equal(out, want, sizeof want);
}

TESTS(reads_in_network_order, readers_within_readers, a_huge_length_is_refused, nothing_to_read, writes_what_it_reads)
