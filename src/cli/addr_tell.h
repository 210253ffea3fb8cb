/* What `plumb addr` says of one address: as a table, or as an element of a JSON array when `j` is there. */
#pragma once
#include "base/addr_kind.h"
#include "base/cidr.h"
#include "cli/json.h"

void addr_tell(const struct addr_spec *s, const char *as_typed, struct json *j);
void addr_tell_mac(struct mac m, struct json *j);
