/* What a script asserts about connections, counters and drops. */
#include "sim/script_int.h"
#include <stdlib.h>

struct fd *script_fd(struct run *r, const char *text)
{
    const long n = strtol(text, NULL, 10);
    return n >= 0 && n < SCRIPT_FDS && r->fd[n].used ? &r->fd[n] : NULL;
}

const char *script_errno(enum plumb_err e)
{
    switch (e) {
    case PLUMB_AGAIN: return "EAGAIN";
    case PLUMB_REFUSED: return "ECONNREFUSED";
    case PLUMB_RESET: return "ECONNRESET";
    case PLUMB_TIMED_OUT: return "ETIMEDOUT";
    case PLUMB_UNREACHABLE: return "EHOSTUNREACH";
    case PLUMB_NO_ROUTE: return "ENETUNREACH";
    case PLUMB_ABORTED: return "ECONNABORTED";
    case PLUMB_CLOSED: return "EPIPE";
    case PLUMB_NOT_CONNECTED: return "ENOTCONN";
    case PLUMB_ADDR_IN_USE: return "EADDRINUSE";
    case PLUMB_NO_PORTS: return "EADDRNOTAVAIL";
    case PLUMB_INVALID: return "EINVAL";
    default: return plumb_err_text(e);
    }
}

static bool totals_value(const struct tcp_conn *c, const char *name, int64_t now_ns, double *value)
{
    struct tcp_totals y;
    tcp_info(c, &y, now_ns);
    if (!strcmp(name, "bytes_sent"))             *value = (double)y.bytes_sent;
    else if (!strcmp(name, "bytes_resent"))      *value = (double)y.bytes_resent;
    else if (!strcmp(name, "bytes_acked"))       *value = (double)y.bytes_acked;
    else if (!strcmp(name, "bytes_received"))    *value = (double)y.bytes_received;
    else if (!strcmp(name, "segs_in"))           *value = y.segs_in;
    else if (!strcmp(name, "segs_out"))          *value = y.segs_out;
    else if (!strcmp(name, "min_rtt_ms"))        *value = (double)y.min_rtt_ns / 1e6;
    else if (!strcmp(name, "busy_ms"))           *value = (double)y.busy_ns / 1e6;
    else if (!strcmp(name, "window_limited_ms")) *value = (double)y.window_limited_ns / 1e6;
    else if (!strcmp(name, "buffer_limited_ms")) *value = (double)y.buffer_limited_ns / 1e6;
    else if (!strcmp(name, "user_limited_ms"))   *value = (double)y.user_limited_ns / 1e6;
    else return false;
    return true;
}

static bool status_value(struct run *r, const struct script_assert *a, double *value, const char **text)
{
    struct tcp_status st;
    struct fd *f = script_fd(r, a->arg);
    if (!f || !f->conn)
        return script_fail(r, "%s(%s): no such connection", a->name, a->arg);
    tcp_status(f->conn, &st);
    if (!strcmp(a->name, "state"))            *text = tcp_state_name((uint8_t)st.state);
    else if (!strcmp(a->name, "timer"))       *text = st.timer;
    else if (!strcmp(a->name, "ecn"))         *text = st.ecn;
    else if (!strcmp(a->name, "ecn_marks"))   *value = st.ecn_marks;
    else if (!strcmp(a->name, "congestion"))  *text = st.congestion;
    else if (!strcmp(a->name, "error"))       *text = st.error == PLUMB_OK ? "none" : script_errno(st.error);
    else if (!strcmp(a->name, "soft_error"))  *text = st.soft_error == PLUMB_OK ? "none" : script_errno(st.soft_error);
    else if (!strcmp(a->name, "cwnd"))        *value = st.cwnd;
    else if (!strcmp(a->name, "pacing"))      *value = (double)st.pacing;
    else if (!strcmp(a->name, "ssthresh"))    *value = st.ssthresh;
    else if (!strcmp(a->name, "mss"))         *value = st.mss;
    else if (!strcmp(a->name, "snd_wnd"))     *value = st.snd_wnd;
    else if (!strcmp(a->name, "rcv_wnd"))     *value = st.rcv_wnd;
    else if (!strcmp(a->name, "snd_queued"))  *value = st.snd_queued;
    else if (!strcmp(a->name, "unacked"))     *value = st.snd_unacked;
    else if (!strcmp(a->name, "rcv_queued"))  *value = st.rcv_queued;
    else if (totals_value(f->conn, a->name, r->now_ns, value)) return true;
    else if (!strcmp(a->name, "retransmits")) *value = st.retransmits;
    else if (!strcmp(a->name, "rto_ms"))      *value = (double)st.rto_ns / 1e6;
    else if (!strcmp(a->name, "srtt_ms"))     *value = (double)st.srtt_ns / 1e6;
    else if (!strcmp(a->name, "rttvar_ms"))   *value = (double)st.rttvar_ns / 1e6;
    else return script_fail(r, "nothing is called %s", a->name);
    return true;
}

static bool drops_value(struct run *r, const char *name, double *value)
{
    for (unsigned w = 0; w < WHY_COUNT; w++) {
        if (strcmp(why_name((enum why)w), name))
            continue;
        *value = (double)stack_trace(r->st)->drops[w];
        return true;
    }
    return script_fail(r, "no reason is called %s", name);
}

bool script_check(struct run *r, const struct script_assert *a)
{
    double value = 0;
    const char *text = NULL;
    if (!strcmp(a->name, "count"))
        value = tcp_count(r->tcp);
    else if (!strcmp(a->name, "drops")) {
        if (!drops_value(r, a->arg, &value))
            return false;
    } else if (!status_value(r, a, &value, &text))
        return false;
    if (text) {
        const bool same = strcmp(text, a->value) == 0;
        return same == !strcmp(a->op, "==") || script_fail(r, "%s(%s) is %s", a->name, a->arg, text);
    }
    const double want = strtod(a->value, NULL);
    const bool holds = !strcmp(a->op, "==") ? value == want : !strcmp(a->op, "!=") ? value != want : !strcmp(a->op, "<=") ? value <= want
                     : !strcmp(a->op, ">=") ? value >= want : !strcmp(a->op, "<") ? value < want : value > want;
    return holds || script_fail(r, "%s(%s) is %g", a->name, a->arg, value);
}
