/* What zone's two files share. */
#pragma once
#include "name/zone.h"

bool zone_add(struct zone *z, const struct dns_name *owner, uint16_t type, uint32_t ttl, const void *rdata, size_t len);
