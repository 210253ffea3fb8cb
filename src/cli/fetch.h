/* `plumb fetch`, in three parts: its options, its run, its report. */
#pragma once
#include "cli/network.h"
#include "http/fetch.h"
#include "view/journey.h"

enum { FETCH_HEADERS = 64, FETCH_RESOLVES = 16 };

/* curl's exit numbers that are not an http_error's. */
enum { CURL_INIT = 2, CURL_URL = 3, CURL_RESOLVE = 6, CURL_CONNECT = 7, CURL_HTTP_ERROR = 22, CURL_WRITE = 23, CURL_READ = 26, CURL_TIMEOUT = 28,
       CURL_OPTION_SYNTAX = 49, CURL_RECV = 56 };

struct fetch_resolve { char host[256], addr[64]; uint16_t port; };

struct fetch_command {
    struct network_opts open;
    struct fetch_options request;
    const char *headers[FETCH_HEADERS];
    struct fetch_resolve resolve[FETCH_RESOLVES];
    unsigned n_resolve;
    char *data;                         /* -d, pieces joined with '&' */
    size_t data_len;
    const char *output;                 /* -o; NULL: stdout */
    bool remote_name;                   /* -O */
    bool include, silent, show_error, verbose, fail, json;
};

/* Parses; ends the program with one line on bad usage. */
void fetch_command_parse(struct fetch_command *c, int argc, char **argv);

/* One fetch under way. */
struct fetch_run {
    const struct fetch_command *c;
    struct network *n;
    struct stub *stub;
    struct fetch *f;
    struct http_bytes bytes;
    struct http_source body;
    struct journey journey;
    enum journey_step step;             /* under way */
    enum fetch_phase phase;             /* last seen */
    struct endpoint peer;
    uint32_t conn;
    FILE *out;
    bool headers_written, write_failed, conn_over, finished;
    int status;                         /* the exit status */
    uint16_t http_status;
    uint64_t body_bytes;
    char content_type[80], reason[80];
    char error[400];
    struct loop_timer patience;
};

int fetch_run(struct fetch_run *r);
void fetch_report(struct fetch_run *r, const char *network);
