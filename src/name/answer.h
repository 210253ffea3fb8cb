/* Judging what a name server sent (RFC 1034 §5.3.3, RFC 5452 §9.1): is it the answer to
 * our question, and what does it say? */
#pragma once
#include "wire/dns.h"

enum { ANSWER_ADDRS = 16, ANSWER_CHAIN = 16 };

enum answer_fate {
    ANSWER_NOT_OURS,        /* malformed, or to another question: keep waiting */
    ANSWER_TRUNCATED,       /* ask again over TCP */
    ANSWER_ADDRESSES,
    ANSWER_POINTER,         /* `pointer` is what a PTR record says */
    ANSWER_ALIAS,           /* a chain of CNAMEs whose end `target` the server said nothing about: ask for it */
    ANSWER_NO_DATA,         /* the name exists and has no such record */
    ANSWER_NO_NAME,         /* NXDOMAIN */
    ANSWER_LOOP,            /* a chain of CNAMEs without end */
    ANSWER_FAILED           /* SERVFAIL, REFUSED ...: another server may know */
};

struct answer {
    struct dns_header header;
    struct dns_name target;             /* where the chain of CNAMEs led */
    uint32_t n_addrs;
    struct addr addrs[ANSWER_ADDRS];
    struct dns_name pointer;
};

/* `bytes` is one message, without the length prefix of TCP. */
enum answer_fate answer_judge(const uint8_t *bytes, size_t len, uint16_t id, const struct dns_question *q, struct answer *out);
