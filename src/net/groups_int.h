/* What the files of groups share. */
#pragma once
#include "net/inet.h"

static inline struct group_link *group_link_of(struct groups *g, unsigned iface, bool v4) { return &g->link[iface][!v4]; }
static inline struct group_link *group_link_for(struct groups *g, const struct group *x) { return group_link_of(g, x->iface, addr_is4(x->addr)); }

/* groups.c */
bool group_is_told(struct addr group);                  /* false: all are in it, or it stays within the host, and nobody is told */
void group_forget_told(struct group *g);                /* one that nobody is in is gone when there is nothing left to tell */
void groups_next(struct groups *g);                     /* the deadline anew */
enum membership_version group_version(const struct group_link *l, int64_t now_ns);

/* groups_change.c: its filter was `before`. */
void group_changed(struct inet *n, struct group *g, const struct source_filter *before, int64_t now_ns);
void groups_tell_changes(struct inet *n, unsigned iface, bool v4, int64_t now_ns);

/* groups_query.c */
void groups_answer(struct inet *n, unsigned iface, bool v4, int64_t now_ns);
void group_answer(struct inet *n, struct group *g, int64_t now_ns);

/* groups_send.c: records gather into packets as large as the interface takes. */
struct group_report { struct inet *n; unsigned iface; bool v4; uint16_t n_record; uint32_t len; uint8_t bytes[1500]; };
void group_report_begin(struct group_report *r, struct inet *n, unsigned iface, bool v4);
void group_report_add(struct group_report *r, const struct group_record *rec, int64_t now_ns);
void group_report_end(struct group_report *r, int64_t now_ns);
/* A report or a leave of an older version. */
void group_send_old(struct inet *n, const struct group *g, enum membership_kind kind, enum membership_version version, int64_t now_ns);
