/* "rtt=80ms rate=10mbit loss=1%" as an impairment. */
#include "base/units.h"
#include "link/impair.h"
#include <stdio.h>

static bool set_rtt(struct impair_config *c, const char *v)
{
    if (!parse_duration(v, &c->delay_ns))
        return false;
    c->delay_ns /= 2;
    return true;
}
static bool set_rate(struct impair_config *c, const char *v)    { return parse_rate(v, &c->rate_bits_s) && c->rate_bits_s > 0; }
static bool set_loss(struct impair_config *c, const char *v)    { return parse_share(v, &c->loss); }
static bool set_jitter(struct impair_config *c, const char *v)  { return parse_duration(v, &c->jitter_ns); }
static bool set_reorder(struct impair_config *c, const char *v) { return parse_share(v, &c->reorder); }
static bool set_duplicate(struct impair_config *c, const char *v) { return parse_share(v, &c->duplicate); }
static bool set_corrupt(struct impair_config *c, const char *v) { return parse_share(v, &c->corrupt); }
static bool set_queue(struct impair_config *c, const char *v)
{
    uint64_t bytes;
    if (!parse_size(v, &bytes) || bytes == 0 || bytes > UINT32_MAX)
        return false;
    c->queue_bytes = (uint32_t)bytes;
    return true;
}
static bool set_ecn(struct impair_config *c, const char *v)
{
    uint64_t bytes;
    if (!parse_size(v, &bytes) || bytes == 0 || bytes > UINT32_MAX)
        return false;
    c->ecn_bytes = (uint32_t)bytes;
    return true;
}
static bool set_mtu(struct impair_config *c, const char *v)
{
    uint64_t bytes;
    if (!parse_size(v, &bytes) || bytes < 68 || bytes > UINT16_MAX)     /* RFC 791 §3.2: every link takes 68 */
        return false;
    c->mtu = (uint16_t)bytes;
    return true;
}

static const struct { const char *key; bool (*set)(struct impair_config *, const char *); const char *form; } keys[] = {
    { "rtt", set_rtt, "80ms" }, { "rate", set_rate, "10mbit" }, { "loss", set_loss, "1%" }, { "jitter", set_jitter, "5ms" },
    { "queue", set_queue, "256KiB" }, { "reorder", set_reorder, "1%" }, { "duplicate", set_duplicate, "1%" },
    { "corrupt", set_corrupt, "1%" }, { "mtu", set_mtu, "1400" }, { "ecn", set_ecn, "64KiB" },
};

/* One key=value, which ends at a space, a comma or the end. */
static bool parse_one(const char *word, size_t len, struct impair_config *out, char error[200])
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : sizeof text - 1), word);
    char *value = strchr(text, '=');
    if (value)
        *value++ = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(text, keys[i].key) != 0)
            continue;
        if (value && len < sizeof text && keys[i].set(out, value))
            return true;
        snprintf(error, 200, "link: '%s' is no value for %s (like %s=%s)", value ? value : "", text, text, keys[i].form);
        return false;
    }
    snprintf(error, 200, "link: '%s' is unknown; there are rtt rate loss jitter queue reorder duplicate corrupt mtu ecn", text);
    return false;
}

bool impair_parse(const char *text, struct impair_config *out, char error[200])
{
    *out = (struct impair_config){ 0 };
    for (;;) {
        text += strspn(text, " ,");
        const size_t len = strcspn(text, " ,");
        if (len == 0)
            return true;
        if (!parse_one(text, len, out, error))
            return false;
        text += len;
    }
}
