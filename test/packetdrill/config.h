/* The stack's configuration from the object's flags and the kernel's sysctls. */
#pragma once
#include "stack/stack.h"

/* What --so_flags says: "addr=192.168.0.1/16,mtu=1500,profile=linux"; NULL: that.  cc=NAME
 * stands before the sysctl, which a namespace may not be allowed to set. */
struct flags { char addr[64], congestion[16]; uint16_t mtu; bool plain; bool ok; };
struct flags flags_read(const char *text);

/* `profile=linux`: Linux's defaults, changed by what /proc/sys/net/ipv4 says now; `profile=rfc`: RFC 9293, 6298 and 5681 as written. */
struct tcp_config config_read(const struct flags *f);
