/* DNS messages (RFC 1035 §4): header, question, records, names with compression. */
#pragma once
#include "base/bytes.h"
#include "base/addr.h"

enum { DNS_NAME_MAX = 255, DNS_NAME_TEXT = 1025, DNS_HEADER = 12, DNS_UDP_MAX = 512 };
enum dns_type  { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16,
                 DNS_AAAA = 28, DNS_OPT = 41, DNS_ANY = 255 };
enum dns_class { DNS_IN = 1 };
enum dns_rcode { DNS_NOERROR, DNS_FORMERR, DNS_SERVFAIL, DNS_NXDOMAIN, DNS_NOTIMP, DNS_REFUSED };

/* A name in wire form without compression: length-prefixed labels and the root's zero. */
struct dns_name { uint8_t len; uint8_t b[DNS_NAME_MAX]; };

struct dns_header { uint16_t id; bool qr, aa, tc, rd, ra; uint8_t opcode, rcode; uint16_t qd, an, ns, ar; };
struct dns_question { struct dns_name name; uint16_t type, klass; };
struct dns_record {
    struct dns_name name;
    uint16_t type, klass;
    uint32_t ttl;
    struct reader rdata;                /* within the message */
};

bool dns_name_parse(const char *text, struct dns_name *out);                 /* "www.shop.test", trailing dot optional */
const char *dns_name_text(const struct dns_name *n, char out[DNS_NAME_TEXT]);/* without trailing dot; "." for the root; \DDD escapes */
bool dns_name_eq(const struct dns_name *a, const struct dns_name *b);        /* case-insensitive */
bool dns_name_under(const struct dns_name *n, const struct dns_name *zone);  /* equal or below */

/* `msg` is the whole message, for compression pointers; pointers go only backwards and are bounded. */
bool dns_header_read(struct reader *r, struct dns_header *out);
bool dns_name_read(struct reader *r, struct reader msg, struct dns_name *out);
bool dns_question_read(struct reader *r, struct reader msg, struct dns_question *out);
bool dns_record_read(struct reader *r, struct reader msg, struct dns_record *out);
/* The address of an A or AAAA record; false for other types or a wrong length. */
bool dns_record_addr(const struct dns_record *rr, struct addr *out);
/* The target of a CNAME, NS or PTR record. */
bool dns_record_name(const struct dns_record *rr, struct reader msg, struct dns_name *out);

void dns_header_write(struct writer *w, const struct dns_header *h);
void dns_name_write(struct writer *w, const struct dns_name *n);             /* compresses against names before it in w */
void dns_question_write(struct writer *w, const struct dns_question *q);
void dns_record_write(struct writer *w, const struct dns_name *name, uint16_t type, uint16_t klass, uint32_t ttl,
                      const void *rdata, uint16_t rdata_len);
const char *dns_type_text(uint16_t type);       /* "A", "CNAME", "TYPE65280" in a static table, or NULL when unknown */
const char *dns_rcode_text(uint8_t rcode);
