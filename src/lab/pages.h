/* What the virtual internet's servers have to say. */
#pragma once
#include "base/tree.h"

extern const char lab_zone[];           /* the zone test., as a master file */
extern const char lab_reverse_zone[];   /* in-addr.arpa. */
struct tree lab_pages(void);            /* the shop's site */
