/* IGMP and MLD messages: the first byte says which; what is understood is written again the same.
 * covers: src/wire/membership.c */
#include "fuzz.h"
#include "wire/membership.h"

static void records(struct reader r, bool v4, uint16_t n)
{
    uint8_t out[20 + 16 * GROUP_RECORD_SOURCES];
    struct group_record rec, again;
    for (uint16_t i = 0; i < n && group_record_read(&r, v4, &rec); i++) {
        if (rec.n_source > GROUP_RECORD_SOURCES)
            continue;
        struct writer w = writer_of(out, sizeof out);
        group_record_write(&w, &rec);
        REQUIRE(!w.bad && wr_len(&w) == group_record_len(&rec));
        struct reader back = reader_of(out, wr_len(&w));
        REQUIRE(group_record_read(&back, v4, &again) && again.n_source == rec.n_source && addr_eq(again.group, rec.group));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct membership m, again;
    static uint8_t out[2048];
    if (size == 0)
        return 0;
    const bool v4 = data[0] & 1;
    struct reader r = reader_of(data + 1, size - 1);
    if (!(v4 ? igmp_read : mld_read)(&r, &m))
        return 0;
    if (m.kind == MEMBERSHIP_RECORDS) {
        records(r, v4, m.n_record);
        return 0;
    }
    if (m.n_source > GROUP_RECORD_SOURCES)
        return 0;
    struct writer w = writer_of(out, sizeof out);
    (v4 ? igmp_write : mld_write)(&w, &m);
    REQUIRE(!w.bad);
    struct reader back = reader_of(out, wr_len(&w));
    REQUIRE((v4 ? igmp_read : mld_read)(&back, &again));
    REQUIRE(again.kind == m.kind && again.version == m.version && addr_eq(again.group, m.group) && again.n_source == m.n_source &&
            again.max_response_ms == m.max_response_ms && again.interval_s == m.interval_s && again.robustness == m.robustness);
    return 0;
}
