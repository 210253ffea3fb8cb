/* What a person, or a program, is told of a fetch. */
#include "cli/cli.h"
#include "cli/fetch.h"
#include "view/flight.h"
#include <inttypes.h>

enum { LAST_EVENTS = 8 };

static void report_json(const struct fetch_run *r, const char *network)
{
    const struct journey *j = &r->journey;
    int64_t total_ns = 0;
    for (int i = 0; i < STEP_COUNT; i++)
        total_ns = time_max(total_ns, j->step[i].end_ns);
    fputs("{\"schema\":\"plumb.fetch/1\",\"url\":", stdout);
    json_string(stdout, r->c->request.url);
    fputs(",\"network\":", stdout);
    json_string(stdout, network);
    if (r->c->open.via.kind == VIA_VIRTUAL)
        printf(",\"seed\":%" PRIu64, network_seed(r->n));
    printf(",\"exit\":%d,\"error\":", r->status);
    if (*r->error)
        json_string(stdout, r->error);
    else
        fputs("null", stdout);
    printf(",\"status\":%u,\"bytes\":%" PRIu64 ",\"total_ns\":%" PRId64, r->http_status, r->body_bytes, total_ns - j->step[STEP_URL].start_ns);
    printf(",\"packets\":{\"out\":%" PRIu32 ",\"in\":%" PRIu32 ",\"dropped\":%" PRIu32 ",\"retransmitted\":%" PRIu32 "},", j->out, j->in, j->drops,
           j->retransmits);
    journey_json(j, stdout);
    puts("}");
}

void fetch_report(struct fetch_run *r, const char *network)
{
    const int64_t zero_ns = r->journey.step[STEP_URL].start_ns;
    journey_from_zero(&r->journey);
    if (r->c->json)
        report_json(r, network);
    else if (!r->c->silent)
        journey_print(&r->journey, stderr, want_color(stderr));
    if (r->status && r->status != CURL_WRITE && *r->error && !r->c->json && !r->c->silent)
        flight_print(network_trace(r->n), zero_ns, LAST_EVENTS, "what happened last:", stderr);
    if (r->status && *r->error && (!r->c->silent || r->c->show_error))
        fprintf(stderr, "plumb: (%d) %s\n", r->status, r->error);
}
