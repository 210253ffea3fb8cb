/* What the virtual internet's servers have to say. */
#pragma once
#include "base/tree.h"

extern const char lab_zone[];           /* the zone test., as a master file */
extern const char lab_reverse_zone[];   /* in-addr.arpa. */
extern const char lab_reverse_zone_6[]; /* of 2001:db8::/32, under ip6.arpa. */
struct tree lab_pages(void);            /* the shop's site */
