/* IGMP and MLD as bytes: the formats of the standards, both ways. */
#include "../test.h"
#include "../hex.h"
#include "wire/membership.h"

static struct addr a(const char *text)
{
    struct addr out;
    assert_true(addr_parse(text, &out));
    return out;
}

static struct membership read_igmp(const char *text)
{
    uint8_t bytes[256];
    struct membership m;
    struct reader r = reader_of(bytes, hex(bytes, sizeof bytes, text));
    assert_true(igmp_read(&r, &m));
    return m;
}

static bool is_igmp(const char *text)
{
    uint8_t bytes[256];
    struct membership m;
    struct reader r = reader_of(bytes, hex(bytes, sizeof bytes, text));
    return igmp_read(&r, &m);
}

/* RFC 9776 §7.1: eight bytes and a code of zero are version 1, eight and a code version 2, twelve and more version 3; what
 * lies between is nothing. */
static void the_version_of_a_query(void **state)
{
    (void)state;
    struct membership m = read_igmp("1100eeff 00000000");
    assert_int_equal(m.version, MEMBERSHIP_1);
    assert_int_equal(m.max_response_ms, 10000);
    assert_true(addr_is_none(m.group));
    m = read_igmp("1164ee9b e0010203");
    assert_int_equal(m.version, MEMBERSHIP_2);
    assert_int_equal(m.max_response_ms, 10000);
    assert_true(addr_eq(m.group, a("224.1.2.3")));
    m = read_igmp("11640000 00000000 027d0000");
    assert_int_equal(m.version, MEMBERSHIP_3);
    assert_int_equal(m.robustness, 2);
    assert_int_equal(m.interval_s, 125);
    assert_false(is_igmp("1164ee9b e0010203 02"));
    assert_false(is_igmp("11640000 00000000 027d0001"));
    assert_false(is_igmp("1164"));
    assert_false(is_igmp("99640000 00000000"));
}

/* §4.1.1: 0x8f is (15 | 16) << 3, 0xff is 31 << 10. */
static void large_times_are_floating(void **state)
{
    (void)state;
    assert_int_equal(read_igmp("117f0000 00000000 02800000").max_response_ms, 12700);
    assert_int_equal(read_igmp("117f0000 00000000 02800000").interval_s, 128);
    assert_int_equal(read_igmp("118f0000 00000000 02ff0000").max_response_ms, 24800);
    assert_int_equal(read_igmp("118f0000 00000000 02ff0000").interval_s, 31744);
}

static void reports(void **state)
{
    (void)state;
    uint8_t out[128], bytes[128];
    struct writer w = writer_of(out, sizeof out);
    struct group_record rec = { .type = GROUP_TO_EXCLUDE, .group = a("239.1.2.3"), .n_source = 1, .source = { a("10.0.0.9") } }, back;
    igmp_records_write(&w, 1);
    group_record_write(&w, &rec);
    assert_int_equal(wr_len(&w), hex(bytes, sizeof bytes, "22000000 00000001 04000001 ef010203 0a000009"));
    assert_memory_equal(out, bytes, wr_len(&w));
    assert_int_equal(wr_len(&w), 8 + group_record_len(&rec));
    struct reader r = reader_of(out, wr_len(&w));
    struct membership m;
    assert_true(igmp_read(&r, &m));
    assert_int_equal(m.kind, MEMBERSHIP_RECORDS);
    assert_int_equal(m.n_record, 1);
    assert_true(group_record_read(&r, true, &back));
    assert_int_equal(back.type, GROUP_TO_EXCLUDE);
    assert_true(addr_eq(back.group, rec.group) && back.n_source == 1 && addr_eq(back.source[0], rec.source[0]));
    assert_int_equal(rd_left(&r), 0);
    assert_int_equal(read_igmp("1600ffff ef010203").kind, MEMBERSHIP_REPORT);
    assert_int_equal(read_igmp("1200ffff ef010203").version, MEMBERSHIP_1);
    assert_int_equal(read_igmp("1700ffff ef010203").kind, MEMBERSHIP_LEAVE);
}

static void mld(void **state)
{
    (void)state;
    uint8_t bytes[128], out[128];
    struct membership m, again;
    size_t n = hex(bytes, sizeof bytes, "82000000 2710 0000 00000000000000000000000000000000 027d0000");
    struct reader r = reader_of(bytes, n);
    assert_true(mld_read(&r, &m));
    assert_int_equal(m.version, MEMBERSHIP_3);
    assert_int_equal(m.max_response_ms, 10000);
    assert_true(addr_is_none(m.group));
    struct writer w = writer_of(out, sizeof out);
    mld_write(&w, &m);
    assert_int_equal(wr_len(&w), n);
    assert_memory_equal(out, bytes, n);
    r = reader_of(bytes, 24);
    assert_true(mld_read(&r, &m));
    assert_int_equal(m.version, MEMBERSHIP_2);
    r = reader_of(bytes, 26);
    assert_false(mld_read(&r, &m));
    w = writer_of(out, sizeof out);
    mld_write(&w, &(struct membership){ .kind = MEMBERSHIP_QUERY, .version = MEMBERSHIP_3, .group = a("ff15::1"), .max_response_ms = 100000, .robustness = 2,
                                        .interval_s = 1000, .n_source = 1, .source = { a("2001:db8::1") } });
    r = reader_of(out, wr_len(&w));
    assert_true(mld_read(&r, &again));
    assert_true(again.max_response_ms <= 100000 && again.max_response_ms > 98000);
    assert_true(again.interval_s <= 1000 && again.interval_s > 960);
    assert_true(addr_eq(again.group, a("ff15::1")) && again.n_source == 1 && addr_eq(again.source[0], a("2001:db8::1")));
    n = hex(bytes, sizeof bytes, "84000000 00000000 ff150000000000000000000000000001");
    r = reader_of(bytes, n);
    assert_true(mld_read(&r, &m));
    assert_int_equal(m.kind, MEMBERSHIP_LEAVE);
}

TESTS(the_version_of_a_query, large_times_are_floating, reports, mld)
