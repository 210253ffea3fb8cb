/* Group membership messages: IGMP (RFC 1112 Appendix I, RFC 2236, RFC 9776 §4) and MLD (RFC 2710, RFC 9777 §5).
 * Two formats of one language: MLDv1 says what IGMPv2 says, MLDv2 what IGMPv3 says. */
#pragma once
#include "base/addr.h"
#include "base/bytes.h"

/* How old a language is spoken: IGMPv1; IGMPv2 and MLDv1; IGMPv3 and MLDv2. */
enum membership_version { MEMBERSHIP_1 = 1, MEMBERSHIP_2, MEMBERSHIP_3 };
enum membership_kind { MEMBERSHIP_QUERY, MEMBERSHIP_REPORT, MEMBERSHIP_LEAVE, MEMBERSHIP_RECORDS };

enum group_record_type { GROUP_IS_INCLUDE = 1, GROUP_IS_EXCLUDE, GROUP_TO_INCLUDE, GROUP_TO_EXCLUDE, GROUP_ALLOW, GROUP_BLOCK };
enum { GROUP_RECORD_SOURCES = 64 };

struct group_record { enum group_record_type type; struct addr group; uint16_t n_source; struct addr source[GROUP_RECORD_SOURCES]; };

struct membership {
    enum membership_kind kind;
    enum membership_version version;
    struct addr group;                  /* of a query (none: about all), a report, a leave */
    uint32_t max_response_ms;           /* queries: answers spread over so long */
    uint8_t  robustness;                /* 0: not said */
    uint32_t interval_s;                /* between general queries; 0: not said */
    uint16_t n_source;                  /* of a query about some sources of the group */
    struct addr source[GROUP_RECORD_SOURCES];           /* as many as fit; beyond, n_source is that too */
    uint16_t n_record;                  /* RECORDS: read one by one from where the reader stands then */
};

/* `r` stands at the message and ends with it; the checksum is the caller's.  False: no such message, or cut short. */
bool igmp_read(struct reader *r, struct membership *out);
bool mld_read(struct reader *r, struct membership *out);
/* Sources beyond GROUP_RECORD_SOURCES are passed over. */
bool group_record_read(struct reader *r, bool v4, struct group_record *out);

/* A query, report or leave of one group; with checksum zero. */
void igmp_write(struct writer *w, const struct membership *m);
void mld_write(struct writer *w, const struct membership *m);
/* The head of a report of n records, which follow; checksum zero. */
void igmp_records_write(struct writer *w, uint16_t n);
void mld_records_write(struct writer *w, uint16_t n);
void group_record_write(struct writer *w, const struct group_record *rec);
static inline uint32_t group_record_len(const struct group_record *rec) { return addr_is4(rec->group) ? 8 + 4u * rec->n_source : 20 + 16u * rec->n_source; }
