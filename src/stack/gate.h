/* A stack that forwards may have a gate: NAT, and a filter, for what passes through it. */
#pragma once
#include "net/gate.h"
#include "stack/stack.h"

/* Once, before or after its interfaces.  Of several shards none may (INVALID). NO_MEMORY. */
enum plumb_err stack_gate_open(struct stack *st, const struct gate_config *c, int64_t now_ns);
/* Who leaves by the interface hides behind its address, whatever that is now.  INVALID: no NAT, or too many interfaces. */
enum plumb_err stack_nat_outside(struct stack *st, unsigned iface);

struct nat_info { uint8_t proto; bool forward; uint32_t flows; struct endpoint internal, external; };
bool stack_walk_nat(const struct stack *st, uint64_t *cursor, struct nat_info *out);
struct flow_info { struct tuple arrives, leaves; bool translated; const char *state; int64_t expires_ns; };
bool stack_walk_flows(const struct stack *st, uint64_t *cursor, struct flow_info *out);
