#include "base/units.h"
#include <stdio.h>
#include <string.h>

struct unit { const char *name; double factor; };

/* A number with a unit of the table; the empty name is the unit of a bare number. */
static bool parse(const char *text, const struct unit *units, double *out)
{
    double value = 0, scale = 0.1;
    const char *p = text;
    bool digits = false;
    for (; *p >= '0' && *p <= '9'; p++, digits = true)
        value = value * 10 + (*p - '0');
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, digits = true, scale /= 10)
            value += scale * (*p - '0');
    if (!digits)
        return false;
    for (const struct unit *u = units; u->name; u++) {
        if (strcmp(u->name, p) == 0) {
            *out = value * u->factor;
            return true;
        }
    }
    return false;
}

bool parse_duration(const char *text, int64_t *out_ns)
{
    static const struct unit units[] = { { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 },
                                         { "m", 60e9 }, { "h", 3600e9 }, { NULL, 0 } };
    double v;
    if (strcmp(text, "0") == 0) {
        *out_ns = 0;
        return true;
    }
    if (!parse(text, units, &v) || v > 9e18)
        return false;
    *out_ns = (int64_t)(v + 0.5);
    return true;
}

bool parse_rate(const char *text, uint64_t *out_bits_s)
{
    static const struct unit units[] = { { "bit", 1 }, { "kbit", 1e3 }, { "mbit", 1e6 }, { "gbit", 1e9 }, { NULL, 0 } };
    double v;
    if (!parse(text, units, &v) || v < 1 || v > 1e15)
        return false;
    *out_bits_s = (uint64_t)(v + 0.5);
    return true;
}

bool parse_size(const char *text, uint64_t *out_bytes)
{
    static const struct unit units[] = { { "", 1 }, { "B", 1 }, { "kB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 },
                                         { "KiB", 1024 }, { "MiB", 1048576 }, { "GiB", 1073741824 }, { NULL, 0 } };
    double v;
    if (!parse(text, units, &v) || v > 1e18)
        return false;
    *out_bytes = (uint64_t)(v + 0.5);
    return true;
}

bool parse_share(const char *text, double *out)
{
    static const struct unit units[] = { { "", 1 }, { "%", 0.01 }, { NULL, 0 } };
    return parse(text, units, out) && *out <= 1;
}

static const char *three_digits(double v, const char *unit, char out[UNIT_TEXT])
{
    snprintf(out, UNIT_TEXT, v < 10 ? "%.2f %s" : v < 100 ? "%.1f %s" : "%.0f %s", v, unit);
    return out;
}

const char *duration_text(int64_t ns, char out[UNIT_TEXT])
{
    const double v = (double)ns;
    if (ns == 0) {
        snprintf(out, UNIT_TEXT, "0");
        return out;
    }
    if (v < 1e3) return three_digits(v, "ns", out);
    if (v < 1e6) return three_digits(v / 1e3, "us", out);
    if (v < 1e9) return three_digits(v / 1e6, "ms", out);
    return three_digits(v / 1e9, "s", out);
}

const char *size_text(uint64_t bytes, char out[UNIT_TEXT])
{
    const double v = (double)bytes;
    if (v < 1e3) {
        snprintf(out, UNIT_TEXT, "%u B", (unsigned)bytes);
        return out;
    }
    if (v < 1e6) return three_digits(v / 1e3, "kB", out);
    if (v < 1e9) return three_digits(v / 1e6, "MB", out);
    return three_digits(v / 1e9, "GB", out);
}
