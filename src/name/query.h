/* One question put to name servers in turn until one answers: UDP with a random id and
 * source port, TCP when the answer is truncated (RFC 1035 §4.2, RFC 5452, RFC 7766). */
#pragma once
#include "name/answer.h"
#include "socket/net.h"

enum { QUERY_SERVERS = 8, QUERY_ROUNDS = 2, QUERY_MESSAGE = 65535 };
#define QUERY_TIMEOUT_NS (5 * NS_PER_SEC)

enum query_state { QUERY_ASKING, QUERY_ANSWERED, QUERY_SILENT };     /* SILENT: no server gave an answer that counts */

struct query {
    struct net       *net;
    struct endpoint   servers[QUERY_SERVERS];
    uint32_t          n_servers, attempt;
    struct dns_question question;
    uint32_t          restarts;
    uint16_t          id;
    enum query_state  state;
    enum answer_fate  fate;             /* of the last answer; FAILED too when SILENT after refusals */
    struct answer     answer;
    struct endpoint   server;           /* asked last */
    struct loop_task *owner;            /* deferred when the state leaves ASKING */
    struct dgram     *udp;
    struct stream    *tcp;
    struct loop_timer timer;
    uint8_t          *message;          /* over TCP: length prefix and message, as far as it came */
    size_t            have;
    bool              tcp_asked, any_answer, unreachable;
};

/* Begins at once; needs at least one server. */
void query_start(struct query *q, struct net *n, const struct endpoint *servers, uint32_t n_servers, const struct dns_name *name,
                 uint16_t type, struct loop_task *owner);
void query_stop(struct query *q);       /* harmless on one that is done or all-zero */
