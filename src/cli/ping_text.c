#include "cli/ping_text.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

void ping_count_rtt(struct ping_counts *c, int64_t rtt_ns)
{
    const double ms = (double)rtt_ns / 1e6;
    c->received++;
    c->sum_ms += ms;
    c->sum2_ms += ms * ms;
    c->min_ms = c->received == 1 || ms < c->min_ms ? ms : c->min_ms;
    c->max_ms = ms > c->max_ms ? ms : c->max_ms;
}

const char *ping_time_text(int64_t rtt_ns, char out[PING_TIME])
{
    const int64_t us = rtt_ns / 1000;
    const int digits = us >= 100000 ? 0 : us >= 10000 ? 1 : us >= 1000 ? 2 : 3;
    static const int64_t unit[] = { 1000, 100, 10, 1 };
    if (digits == 0)
        snprintf(out, PING_TIME, "%" PRId64, us / 1000);
    else
        snprintf(out, PING_TIME, "%" PRId64 ".%0*" PRId64, us / 1000, digits, us % 1000 / unit[digits]);
    return out;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

unsigned ping_pattern(const char *text, uint8_t *out, unsigned most)
{
    unsigned n = 0;
    for (size_t left = strlen(text); left > 0 && n < most; n++) {
        const size_t take = left == 1 ? 1 : 2;
        const int high = take == 2 ? hex_digit(text[0]) : 0, low = hex_digit(text[take - 1]);
        if (high < 0 || low < 0)
            return 0;
        out[n] = (uint8_t)(high << 4 | low);
        text += take;
        left -= take;
    }
    return *text ? 0 : n;
}

static double mean_of(const struct ping_counts *c) { return c->sum_ms / (double)c->received; }

static double deviation_of(const struct ping_counts *c)
{
    const double mean = mean_of(c), variance = c->sum2_ms / (double)c->received - mean * mean;
    return variance > 0 ? sqrt(variance) : 0;
}

static double loss_of(const struct ping_counts *c) { return c->sent ? 100.0 * (double)(c->sent - c->received) / (double)c->sent : 0; }

void ping_summary(const struct ping_counts *c, const char *host, int64_t took_ns, FILE *to)
{
    fprintf(to, "\n--- %s ping statistics ---\n%ld packets transmitted, %ld received", host, c->sent, c->received);
    if (c->duplicates)
        fprintf(to, ", +%ld duplicates", c->duplicates);
    if (c->errors)
        fprintf(to, ", +%ld errors", c->errors);
    fprintf(to, ", %.6g%% packet loss, time %" PRId64 "ms\n", loss_of(c), c->sent ? took_ns / 1000000 : 0);
    if (c->received)
        fprintf(to, "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", c->min_ms, mean_of(c), c->max_ms, deviation_of(c));
}

void ping_summary_json(const struct ping_counts *c, int64_t took_ns, struct json *j)
{
    json_int(j, "transmitted", c->sent);
    json_int(j, "received", c->received);
    json_int(j, "duplicates", c->duplicates);
    json_int(j, "errors", c->errors);
    json_real(j, "loss_percent", loss_of(c));
    json_ms(j, "time_ms", c->sent ? took_ns : 0);
    if (!c->received) {
        json_text(j, "rtt_ms", NULL);
        return;
    }
    json_open(j, "rtt_ms", '{');
    json_real(j, "min", c->min_ms);
    json_real(j, "avg", mean_of(c));
    json_real(j, "max", c->max_ms);
    json_real(j, "mdev", deviation_of(c));
    json_close(j, '{');
}
