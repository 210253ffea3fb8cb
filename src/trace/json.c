/* An event as one JSON object (RFC 8259), from the table that events.def yields. */
#include "trace/trace.h"
#include <inttypes.h>
#include <stdio.h>

static void put_number(struct writer *w, const char *format, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, format, value);
    wr_text(w, text);
}

static void put_unsigned(struct writer *w, uint64_t value) { put_number(w, "%" PRIu64, value); }

static void put_signed(struct writer *w, int64_t value)
{
    if (value < 0)
        wr_u8(w, '-');
    put_unsigned(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

size_t utf8_len(struct reader r)
{
    const uint8_t lead = rd_u8(&r);
    const size_t more = lead < 0x80 ? 0 : lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2
                      : lead >= 0xf0 && lead < 0xf5 ? 3 : SIZE_MAX;
    if (more == SIZE_MAX)
        return 0;
    for (size_t i = 0; i < more; i++) {
        const uint8_t next = rd_u8(&r);
        const uint8_t low = i == 0 && lead == 0xe0 ? 0xa0 : i == 0 && lead == 0xf0 ? 0x90 : 0x80;
        const uint8_t high = i == 0 && lead == 0xed ? 0x9f : i == 0 && lead == 0xf4 ? 0x8f : 0xbf;
        if (r.bad || next < low || next > high)
            return 0;
    }
    return more + 1;
}

/* A string; what is not UTF-8 becomes U+FFFD. */
static void put_string(struct writer *w, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    wr_u8(w, '"');
    while (rd_left(&r) > 0) {
        const size_t n = utf8_len(r);
        const uint8_t first = *r.at;
        if (n == 0) {
            wr_text(w, "\\ufffd");
        } else if (first == '"' || first == '\\') {
            wr_u8(w, '\\');
            wr_u8(w, first);
        } else if (first < 0x20) {
            put_number(w, "\\u%04" PRIx64, first);
        } else {
            wr_bytes(w, r.at, n);
        }
        rd_skip(&r, n ? n : 1);
    }
    wr_u8(w, '"');
}

static void put_text(struct writer *w, const char *text) { put_string(w, text, strlen(text)); }

static void put_key(struct writer *w, const char *key)
{
    wr_u8(w, ',');
    put_text(w, key);
    wr_u8(w, ':');
}

static void put_hex(struct writer *w, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    wr_u8(w, '"');
    while (rd_left(&r) > 0 && !w->bad)
        put_number(w, "%02" PRIx64, rd_u8(&r));
    wr_u8(w, '"');
}

static void put_field(struct writer *w, enum field_type type, const void *field)
{
    char text[ADDR_TEXT];
    switch (type) {
    case F_u8:        put_unsigned(w, *(const trace_u8 *)field); return;
    case F_u16:       put_unsigned(w, *(const trace_u16 *)field); return;
    case F_u32:       put_unsigned(w, *(const trace_u32 *)field); return;
    case F_u64:       put_unsigned(w, *(const trace_u64 *)field); return;
    case F_i64:       put_signed(w, *(const trace_i64 *)field); return;
    case F_addr:      put_text(w, addr_text(*(const trace_addr *)field, text)); return;
    case F_mac:       put_text(w, mac_text(*(const trace_mac *)field, text)); return;
    case F_why:       put_text(w, why_name(*(const trace_why *)field)); return;
    case F_tcp_state: put_text(w, tcp_state_name(*(const trace_tcp_state *)field)); return;
    case F_err:       put_text(w, plumb_err_text(*(const trace_err *)field)); return;
    }
}

/* Frames are hex; names, request lines and details are text. */
static void put_bytes(struct writer *w, uint32_t group, const void *bytes, uint32_t n_bytes)
{
    if (group & (TRACE_NAME | TRACE_HTTP | TRACE_STEP)) {
        put_key(w, "text");
        put_string(w, bytes, n_bytes);
    } else {
        put_key(w, "hex");
        put_hex(w, bytes, n_bytes);
    }
}

size_t event_json(const struct event *e, const void *bytes, uint32_t n_bytes, char *out, size_t out_len)
{
    const struct event_desc *d = event_desc(e->kind);
    struct writer w = writer_of(out, out_len);
    if (!d)
        return 0;
    wr_text(&w, "{\"time_ns\":");
    put_signed(&w, e->time_ns);
    put_key(&w, "node");
    put_unsigned(&w, e->node);
    put_key(&w, "conn");
    put_unsigned(&w, e->conn);
    put_key(&w, "event");
    put_text(&w, d->name);
    for (unsigned i = 0; i < d->n_fields; i++) {
        put_key(&w, d->fields[i].name);
        put_field(&w, d->fields[i].type, event_field(e, i));
    }
    if (n_bytes)
        put_bytes(&w, d->group, bytes, n_bytes);
    wr_u8(&w, '}');
    const size_t len = wr_len(&w);
    wr_u8(&w, 0);                       /* terminated, so that it can be printed as it is */
    return w.bad ? 0 : len;
}
