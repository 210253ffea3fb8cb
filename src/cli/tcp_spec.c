#include "cli/tcp_spec.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Each is `on` by default; the field says that it is off. */
static const struct { const char *name; size_t off; } switches[] = {
    { "sack", offsetof(struct tcp_config, no_sack) },
    { "timestamps", offsetof(struct tcp_config, no_timestamps) },
    { "scaling", offsetof(struct tcp_config, no_wscale) },
};

static bool is(const char *at, size_t n, const char *word) { return strlen(word) == n && memcmp(at, word, n) == 0; }

/* NULL: taken. */
static const char *profile(const char *value, size_t n, struct tcp_config *out)
{
    if (is(value, n, "plain")) {
        const uint8_t congestion = out->congestion;
        *out = tcp_rfc_plain();
        out->congestion = congestion;
        return NULL;
    }
    return is(value, n, "modern") ? NULL : "profile= is modern or plain";
}

static const char *take(const char *word, size_t n, struct tcp_config *out)
{
    const char *eq = memchr(word, '=', n);
    if (!eq)
        return "a word is NAME=VALUE";
    const size_t name = (size_t)(eq - word), value = n - name - 1;
    if (is(word, name, "profile"))
        return profile(eq + 1, value, out);
    if (is(word, name, "fastopen")) {
        const bool on = is(eq + 1, value, "on");
        if (!on && !is(eq + 1, value, "off"))
            return "fastopen= is on or off";
        out->fast_open = on ? 3 : 0;
        return NULL;
    }
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        if (!is(word, name, switches[i].name))
            continue;
        const bool off = is(eq + 1, value, "off");
        if (!off && !is(eq + 1, value, "on"))
            return "the value is on or off";
        memcpy((char *)out + switches[i].off, &off, sizeof off);
        return NULL;
    }
    return "there are sack= timestamps= scaling= fastopen= profile=";
}

bool tcp_spec_parse(const char *text, struct tcp_config *out, char error[TCP_SPEC_ERROR])
{
    while (*(text += strspn(text, " ,"))) {
        const size_t n = strcspn(text, " ,");
        const char *why = take(text, n, out);
        if (why) {
            snprintf(error, TCP_SPEC_ERROR, "\"%.*s\": %s", (int)(n < 60 ? n : 60), text, why);
            return false;
        }
        text += n;
    }
    return true;
}
