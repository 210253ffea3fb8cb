/* Runs every sequence on both hosts and compares, line by line.  The kernel is the judge;
 * where plumb differs on purpose the difference stands here with its reason.
 * `-v`: prints the lines. */
#include "same.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 256, WIDE = 160 };
struct log { int n; char line[LINES][WIDE]; };

const struct host *H;
static struct log logs[2], *into;

static const struct { const char *sequence, *kernel, *plumb, *why; } deliberate[] = {
    { "options", "set(s, IPPROTO_IP, IP_TTL, 0) = 0", "set(s, IPPROTO_IP, IP_TTL, 0) = -1 EINVAL", "Linux takes a hop limit of 0, by which nothing arrives" },
    { "datagram_ports", "H->connect(a, (const struct sockaddr *)&all, sizeof all) = 0",
      "H->connect(a, (const struct sockaddr *)&all, sizeof all) = -1 ENETUNREACH", "by IPv6 it is an address like any other, and this host may have a route" },
    { NULL, NULL, NULL, NULL },
};

void note(const char *what, long result)
{
    const int e = errno;
    if (into->n == LINES)
        abort();
    snprintf(into->line[into->n++], WIDE, "%s = %ld%s%s", what, result, result == -1 ? " " : "", result == -1 ? e ? strerrorname_np(e) : "no errno" : "");
}

void note_text(const char *what, const char *text)
{
    if (into->n == LINES)
        abort();
    snprintf(into->line[into->n++], WIDE, "%s \"%s\"", what, text);
}

static bool is_deliberate(const char *sequence, const char *kernel, const char *plumb)
{
    for (int i = 0; deliberate[i].sequence; i++)
        if (!strcmp(deliberate[i].sequence, sequence) && !strcmp(deliberate[i].kernel, kernel) && !strcmp(deliberate[i].plumb, plumb))
            return true;
    return false;
}

static int compare(const char *sequence, bool verbose)
{
    int wrong = 0;
    for (int i = 0; i < logs[0].n || i < logs[1].n; i++) {
        const char *k = i < logs[0].n ? logs[0].line[i] : "(nothing)", *p = i < logs[1].n ? logs[1].line[i] : "(nothing)";
        const bool same = !strcmp(k, p), meant = !same && is_deliberate(sequence, k, p);
        if (verbose && same)
            printf("    %s\n", k);
        if (!same && (verbose || !meant))
            printf("%s kernel: %s\n  plumb:  %s\n", meant ? "  meant," : "  DIFFERENT,", k, p);
        wrong += !same && !meant;
    }
    return wrong;
}

static int run(const struct sequence *q, bool six, bool verbose)
{
    static const struct host *const hosts[2] = { &kernel_host, &plumb_host };
    for (int i = 0; i < 2; i++) {
        H = six ? by_ip6(hosts[i]) : hosts[i];
        into = &logs[i];
        into->n = 0;
        if (i == 1)
            plumb_host_open();
        q->run();
        if (i == 1)
            plumb_host_close();
    }
    const int wrong = compare(q->name, verbose);
    printf("%s %s by IPv%d: %d calls\n", wrong ? "FAIL" : "ok", q->name, six ? 6 : 4, logs[0].n);
    return wrong || logs[0].n == 0;
}

int main(int argc, char **argv)
{
    static const struct sequence *const all[] = { stream_sequences, more_sequences, ready_sequences };
    const bool verbose = argc > 1 && !strcmp(argv[1], "-v");
    const char *only = argc > 2 ? argv[2] : NULL;
    int wrong = 0, n = 0;
    signal(SIGPIPE, SIG_IGN);
    for (int six = 0; six < 2; six++)
        for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
            for (const struct sequence *q = all[i]; q->name; q++, n++)
                if (!only || !strcmp(only, q->name))
                    wrong += run(q, six, verbose);
    printf("%d sequences, %d differ\n", n, wrong);
    return wrong != 0;
}
