#include "service/leases.h"
#include "base/bytes.h"
#include <inttypes.h>
#include <stdlib.h>

enum { NONE = 0 };                      /* numbers of leases begin with 1 */

struct leases {
    uint32_t most, n, mask;
    uint32_t *by_addr, *by_id;          /* heads of chains */
    struct lease *lease;                /* lease[0] is nobody */
};

struct leases *leases_new(uint32_t most)
{
    struct leases *l = calloc(1, sizeof *l);
    uint32_t heads = 16;
    while (heads < most)
        heads *= 2;
    if (!l)
        return NULL;
    *l = (struct leases){ .most = most, .mask = heads - 1, .by_addr = calloc(heads, sizeof *l->by_addr), .by_id = calloc(heads, sizeof *l->by_id),
                          .lease = calloc((size_t)most + 1, sizeof *l->lease) };
    if (l->by_addr && l->by_id && l->lease)
        return l;
    leases_free(l);
    return NULL;
}

void leases_free(struct leases *l)
{
    if (!l)
        return;
    free(l->by_addr);
    free(l->by_id);
    free(l->lease);
    free(l);
}

/* FNV-1a: clients choose their identifiers, but no more of them than there are addresses to give. */
static uint32_t hash(const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    uint32_t h = 2166136261u;
    while (rd_left(&r))
        h = (h ^ rd_u8(&r)) * 16777619u;
    return h ^ h >> 15;
}

static uint32_t *addr_head(const struct leases *l, struct addr a)                 { return &l->by_addr[hash(a.b, 16) & l->mask]; }
static uint32_t *id_head(const struct leases *l, const struct lease_id *id)       { return &l->by_id[hash(id->b, id->len) & l->mask]; }

struct lease *leases_at(const struct leases *l, struct addr a)
{
    uint32_t i = *addr_head(l, a);
    while (i != NONE && !addr_eq(l->lease[i].addr, a))
        i = l->lease[i].next_addr;
    return i == NONE ? NULL : &l->lease[i];
}

struct lease *leases_of(const struct leases *l, const struct lease_id *id, const struct lease *after)
{
    uint32_t i = after ? after->next_id : *id_head(l, id);
    while (i != NONE && !lease_id_same(&l->lease[i].id, id))
        i = l->lease[i].next_id;
    return i == NONE ? NULL : &l->lease[i];
}

static void leave_id(struct leases *l, const struct lease *lease, uint32_t number)
{
    uint32_t *at = id_head(l, &lease->id);
    while (*at != number)
        at = &l->lease[*at].next_id;
    *at = lease->next_id;
}

struct lease *leases_put(struct leases *l, struct addr a, const struct lease_id *id)
{
    struct lease *lease = leases_at(l, a);
    if (lease && lease_id_same(&lease->id, id))
        return lease;
    if (lease) {
        leave_id(l, lease, (uint32_t)(lease - l->lease));
        lease->name[0] = '\0';
        lease->mac = (struct mac){ { 0 } };
    } else {
        if (l->n == l->most)
            return NULL;
        uint32_t *head = addr_head(l, a);
        lease = &l->lease[++l->n];
        *lease = (struct lease){ .addr = a, .prefix_len = addr_is4(a) ? 32 : 128, .next_addr = *head };
        *head = l->n;
    }
    uint32_t *head = id_head(l, id);
    lease->id = *id;
    lease->next_id = *head;
    *head = (uint32_t)(lease - l->lease);
    return lease;
}

struct lease *leases_walk(const struct leases *l, uint32_t *cursor)
{
    return *cursor < l->n ? &l->lease[++*cursor] : NULL;
}

struct lease *leases_oldest_free(const struct leases *l, struct addr first, struct addr last, int64_t now_ns)
{
    struct lease *oldest = NULL;
    uint32_t cursor = 0;
    for (struct lease *one; (one = leases_walk(l, &cursor));) {
        const bool within = memcmp(first.b, one->addr.b, 16) <= 0 && memcmp(one->addr.b, last.b, 16) <= 0;
        if (within && lease_is_free(one, now_ns) && (!oldest || one->since_ns < oldest->since_ns))
            oldest = one;
    }
    return oldest;
}

/* ---------------------------------------------------------------- journal
 * ADDR/LEN STATE EXPIRES WRITTEN ID MAC NAME, times in seconds since 1970, the name in percent encoding, "-" for none. */

static const char *const state_name[] = { "free", "offered", "bound", "declined" };
static const char header[] = "plumb leases 1\n";

static void put_hex(struct writer *w, const uint8_t *bytes, size_t len)
{
    static const char digit[] = "0123456789abcdef";
    struct reader r = reader_of(bytes, len);
    while (rd_left(&r)) {
        const uint8_t b = rd_u8(&r);
        wr_u8(w, (uint8_t)digit[b >> 4]);
        wr_u8(w, (uint8_t)digit[b & 15]);
    }
}

static bool is_plain(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_'; }

static void put_name(struct writer *w, const char *name)
{
    for (const char *at = name; *at; at++) {
        const uint8_t c = (uint8_t)*at;
        if (is_plain(c)) {
            wr_u8(w, c);
            continue;
        }
        wr_u8(w, '%');
        put_hex(w, &c, 1);
    }
    wr_text(w, *name ? "" : "-");
}

const char *lease_line(const struct lease *l, int64_t now_ns, int64_t civil_ns, char out[LEASE_LINE])
{
    char a[ADDR_TEXT], m[MAC_TEXT], head[160];
    struct writer w = writer_of(out, LEASE_LINE - 1);
    const int64_t left_ns = l->expires_ns > now_ns ? l->expires_ns - now_ns : 0;
    const int64_t until_s = time_after(civil_ns, left_ns) / NS_PER_SEC;
    snprintf(head, sizeof head, "%s/%u %s %" PRId64 " %" PRId64 " ", addr_text(l->addr, a), l->prefix_len, state_name[l->state], until_s,
             civil_ns / NS_PER_SEC);
    wr_text(&w, head);
    put_hex(&w, l->id.b, l->id.len);
    wr_text(&w, l->id.len ? " " : "- ");
    wr_text(&w, mac_text(l->mac, m));
    wr_text(&w, " ");
    put_name(&w, l->name);
    wr_text(&w, "\n");
    out[wr_len(&w)] = '\0';
    return out;
}

void leases_write(const struct leases *l, FILE *to, int64_t now_ns, int64_t civil_ns)
{
    char line[LEASE_LINE];
    uint32_t cursor = 0;
    fputs(header, to);
    for (const struct lease *one; (one = leases_walk(l, &cursor));)
        if (!one->fixed)
            fputs(lease_line(one, now_ns, civil_ns, line), to);
}

bool lease_keep(const struct lease_keeper *k, const struct lease *l, int64_t now_ns, int64_t civil_ns)
{
    char line[LEASE_LINE];
    return !k->append || l->fixed || k->append(k->arg, lease_line(l, now_ns, civil_ns, line));
}

/* -------------------------------------------------------------- reading it */

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool get_hex(const char *text, struct lease_id *out)
{
    const size_t n = strlen(text);
    out->len = 0;
    if (strcmp(text, "-") == 0)
        return true;
    if (n % 2 || n / 2 > LEASE_ID)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out->b[out->len++] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool get_name(const char *text, char out[LEASE_NAME])
{
    size_t n = 0;
    if (strcmp(text, "-") == 0)
        text = "";
    while (*text && n < LEASE_NAME - 1) {
        if (*text != '%') {
            out[n++] = *text++;
            continue;
        }
        const int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
        if (low < 0)
            return false;
        out[n++] = (char)(high << 4 | low);
        text += 3;
    }
    out[n] = '\0';
    return !*text;
}

static bool get_state(const char *text, uint8_t *out)
{
    for (uint8_t i = 0; i < sizeof state_name / sizeof state_name[0]; i++) {
        if (strcmp(text, state_name[i]) != 0)
            continue;
        *out = i;
        return true;
    }
    return false;
}

static bool get_seconds(const char *text, int64_t *out_ns)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    const long long s = strtoll(text, &end, 10);
    *out_ns = s < DEADLINE_NEVER / NS_PER_SEC ? s * NS_PER_SEC : DEADLINE_NEVER;
    return *end == '\0';
}

struct entry { struct prefix prefix; uint8_t state; int64_t until_ns, written_ns; struct lease_id id; struct mac mac; char name[LEASE_NAME]; };

static bool get_entry(char *line, struct entry *e)
{
    char *field[7], *save = NULL;
    for (unsigned i = 0; i < 7; i++)
        if (!(field[i] = strtok_r(i ? NULL : line, " ", &save)))
            return false;
    return !strtok_r(NULL, " ", &save) && prefix_parse(field[0], &e->prefix) && get_state(field[1], &e->state) &&
           get_seconds(field[2], &e->until_ns) && get_seconds(field[3], &e->written_ns) && get_hex(field[4], &e->id) &&
           mac_parse(field[5], &e->mac) && get_name(field[6], e->name);
}

static bool apply(struct leases *l, const struct entry *e)
{
    struct lease *lease = leases_put(l, e->prefix.addr, &e->id);
    if (!lease || lease->fixed)
        return lease;
    lease->prefix_len = e->prefix.len;
    lease->state = e->state;
    lease->expires_ns = e->until_ns;    /* civil, until all lines are read */
    lease->since_ns = e->written_ns;
    lease->mac = e->mac;
    memcpy(lease->name, e->name, sizeof lease->name);
    return true;
}

/* From civil time to the clock of this run. */
static void settle(struct leases *l, int64_t now_ns, int64_t civil_ns)
{
    uint32_t cursor = 0;
    for (struct lease *one; (one = leases_walk(l, &cursor));) {
        if (one->fixed)
            continue;
        const int64_t left_ns = one->expires_ns == DEADLINE_NEVER ? DEADLINE_NEVER : one->expires_ns - civil_ns;
        one->expires_ns = left_ns > 0 ? time_after(now_ns, left_ns) : now_ns;
        one->since_ns = now_ns - (civil_ns - one->since_ns);
    }
}

static bool is_whole(const char *line, const char *end) { return *end == '\n' && (size_t)(end - line) < LEASE_LINE; }

bool leases_read(struct leases *l, const char *journal, int64_t now_ns, int64_t civil_ns, char error[LEASES_ERROR])
{
    char copy[LEASE_LINE];
    unsigned n = 1;
    bool good = true;
    if (*journal && strncmp(journal, header, sizeof header - 1) != 0) {
        snprintf(error, LEASES_ERROR, "it does not begin with \"%.14s\"", header);
        return false;
    }
    for (const char *line = strchr(journal, '\n'), *end; good && line && *++line; line = end) {
        struct entry e = { 0 };
        end = strchr(line, '\n');
        n++;
        if (!end)
            break;                      /* cut short by a crash: it was never acknowledged */
        if (is_whole(line, end)) {
            memcpy(copy, line, (size_t)(end - line));
            copy[end - line] = '\0';
        }
        good = is_whole(line, end) && get_entry(copy, &e) && apply(l, &e);
        civil_ns = time_max(civil_ns, e.written_ns);
        if (!good)
            snprintf(error, LEASES_ERROR, "line %u is no lease, or one too many", n);
    }
    settle(l, now_ns, civil_ns);
    return good;
}
