/* The hosts a scan may ask: names, addresses, prefixes and ranges, each named on the command line, no range of more than
 * 256 addresses and no more than 256 in all. */
#pragma once
#include "base/addr.h"
#include "cli/scan_state.h"

enum { TARGET_ERROR = 200 };
struct scan_targets { uint32_t n; struct addr addr[SCAN_HOSTS_MAX]; const char *typed[SCAN_HOSTS_MAX]; };

/* Whether the text is an address, a prefix or a range, and no name. */
bool target_is_numeric(const char *text);
/* False: `error` holds one line. */
bool targets_add(struct scan_targets *t, const char *typed, char error[TARGET_ERROR]);
bool targets_add_addr(struct scan_targets *t, const char *typed, struct addr a, char error[TARGET_ERROR]);
