/* libplumb: an internet host in your process.  Frames in, frames out, time passed in.
 *
 *     #include <plumb/plumb.h>
 *
 *     plumb_stack *s = plumb_open(NULL, now_ns());
 *     struct plumb_interface nic = { .size = sizeof nic, .mac = { 2, 0, 0, 0, 0, 1 } };
 *     int i = plumb_add_interface(s, &nic);
 *     plumb_add_address(s, i, "10.0.0.2/24");
 *     plumb_add_route(s, i, "0.0.0.0/0", "10.0.0.1");
 *     plumb_socket c, on;
 *     plumb_connect(s, "192.0.2.1", 80, &c);
 *     for (;;) {
 *         uint8_t frame[PLUMB_FRAME_MAX];
 *         size_t n, got;
 *         while ((n = plumb_output(s, i, frame, sizeof frame, now_ns())))
 *             your_nic_send(frame, n);
 *         if ((n = your_nic_wait_until(plumb_deadline(s), frame, sizeof frame)))
 *             plumb_input(s, i, frame, n, now_ns());
 *         plumb_tick(s, now_ns());
 *         while ((on = plumb_next_ready(s))) {
 *             if (plumb_state(s, on) == PLUMB_OPEN && !asked)
 *                 asked = plumb_send(s, on, "GET / HTTP/1.0\r\n\r\n", 18, &n) == PLUMB_OK;
 *             while (plumb_recv(s, on, frame, sizeof frame, &got) == PLUMB_OK && got)
 *                 fwrite(frame, 1, got, stdout);
 *             if (plumb_ended(s, on) || plumb_state(s, on) == PLUMB_FAILED)
 *                 plumb_close_socket(s, on);
 *         }
 *     }
 *
 * Nothing here reads a clock, starts a thread or makes a system call.  Time is
 * nanoseconds, monotonic.  A stack belongs to one thread.  No call ever calls you. */
#pragma once
#include <plumb/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PLUMB_FRAME_MAX = 65536 + 64, PLUMB_TEXT = 56 };

typedef struct plumb_stack plumb_stack;
/* A socket: 0 is none.  It carries a generation: that of a socket which is gone is
 * refused with PLUMB_STALE, never taken for another. */
typedef uint32_t plumb_socket;

/* Option structs begin with their size; zero everywhere else is the default. */
struct plumb_options {
    size_t   size;
    uint64_t seed;              /* of all its randomness: give entropy, unless runs are to repeat */
    bool     forwarding;        /* a router */
    uint32_t max_connections;   /* [4096] */
    uint32_t send_buffer, recv_buffer;  /* bytes of a connection, fixed [0: they follow the path] */
};
struct plumb_interface {
    size_t   size;
    bool     ip_only;           /* frames begin with the IP header: no Ethernet, no neighbours */
    uint8_t  mac[6];
    uint16_t mtu;               /* [1500] */
    char     name[16];
    bool     ip6;               /* makes itself a link-local IPv6 address, and others of what routers advertise (RFC 4862) */
};

/* NULL: no memory. */
plumb_stack *plumb_open(const struct plumb_options *o, int64_t now_ns);
/* Ends all connections without a word on the wire; NULL is fine. */
void plumb_close(plumb_stack *s);

/* Its number, or -1. */
int plumb_add_interface(plumb_stack *s, const struct plumb_interface *i);
enum plumb_err plumb_add_address(plumb_stack *s, int iface, const char *address_and_length);
enum plumb_err plumb_add_route(plumb_stack *s, int iface, const char *prefix, const char *via);    /* via NULL: on the link */
enum plumb_err plumb_dhcp(plumb_stack *s, int iface);
/* The first address in use, as text; false: none yet. */
bool plumb_address(plumb_stack *s, int iface, char out[PLUMB_TEXT]);
/* The n-th of those in use, from 0, of both families; false: there are no more. */
bool plumb_address_at(plumb_stack *s, int iface, uint32_t n, char out[PLUMB_TEXT]);

/* ---------------------------------------------------------- the four calls */

/* A frame that arrived; it is copied.  PLUMB_NO_MEMORY: dropped, all buffers are in use. */
enum plumb_err plumb_input(plumb_stack *s, int iface, const void *frame, size_t len, int64_t now_ns);
/* The next frame to send; 0: none now. */
size_t plumb_output(plumb_stack *s, int iface, void *frame, size_t max, int64_t now_ns);
/* When it next wants plumb_tick; now or earlier: output is due; INT64_MAX: never. */
int64_t plumb_deadline(const plumb_stack *s);
void plumb_tick(plumb_stack *s, int64_t now_ns);

/* ----------------------------------------------------------------- streams */

enum plumb_state { PLUMB_GONE, PLUMB_CONNECTING, PLUMB_OPEN, PLUMB_FAILED, PLUMB_LISTENING, PLUMB_DATAGRAM };

/* A socket about which something may have changed; 0: none.  Ask until told there is no more. */
plumb_socket plumb_next_ready(plumb_stack *s);
enum plumb_state plumb_state(const plumb_stack *s, plumb_socket h);
enum plumb_err plumb_failure(const plumb_stack *s, plumb_socket h);     /* why it is PLUMB_FAILED */

enum plumb_err plumb_connect(plumb_stack *s, const char *address, uint16_t port, plumb_socket *out);
enum plumb_err plumb_listen(plumb_stack *s, const char *address, uint16_t port, plumb_socket *out);    /* address NULL: any */
plumb_socket plumb_accept(plumb_stack *s, plumb_socket listener);      /* 0: none waits */

/* *taken, *got: bytes; PLUMB_AGAIN with 0: wait for readiness.  PLUMB_CLOSED: no more of this direction. */
enum plumb_err plumb_send(plumb_stack *s, plumb_socket h, const void *bytes, size_t len, size_t *taken);
enum plumb_err plumb_recv(plumb_stack *s, plumb_socket h, void *bytes, size_t max, size_t *got);
/* The same without copying: lends memory until the next call on the socket; NULL: none now. */
uint8_t *plumb_reserve(plumb_stack *s, plumb_socket h, size_t *room);
enum plumb_err plumb_commit(plumb_stack *s, plumb_socket h, size_t n);
const uint8_t *plumb_peek(plumb_stack *s, plumb_socket h, size_t *len);
enum plumb_err plumb_consume(plumb_stack *s, plumb_socket h, size_t n);

bool plumb_ended(const plumb_stack *s, plumb_socket h);                /* the peer closed and all was read */
enum plumb_err plumb_shutdown(plumb_stack *s, plumb_socket h);         /* half-close */
enum plumb_err plumb_close_socket(plumb_stack *s, plumb_socket h);     /* what was sent is still delivered */
enum plumb_err plumb_abort(plumb_stack *s, plumb_socket h);            /* RST */
bool plumb_local(const plumb_stack *s, plumb_socket h, char out[PLUMB_TEXT]);      /* "10.0.0.2:49152" */
bool plumb_remote(const plumb_stack *s, plumb_socket h, char out[PLUMB_TEXT]);

/* A snapshot of a connection.  Set `size` first; times in nanoseconds, windows in bytes. */
struct plumb_connection_info {
    size_t   size;
    uint32_t mss, cwnd, ssthresh, peer_window, window, retransmits, segments_in, segments_out;
    uint64_t bytes_sent, bytes_resent, bytes_acked, bytes_received, bytes_lost;
    int64_t  rtt_ns, rtt_variation_ns, min_rtt_ns, rto_ns;
    int64_t  busy_ns;                       /* something was to be sent or acknowledged; of that time */
    int64_t  window_limited_ns, buffer_limited_ns;  /* the peer's window, or the send buffer, held it back */
    int64_t  user_limited_ns;               /* there was nothing to send */
    const char *congestion;                 /* "cubic" ... */
};
enum plumb_err plumb_info(const plumb_stack *s, plumb_socket h, struct plumb_connection_info *out);

/* --------------------------------------------------------------- datagrams */

enum plumb_err plumb_udp(plumb_stack *s, const char *address, uint16_t port, plumb_socket *out);       /* NULL: any; 0: chosen */
enum plumb_err plumb_send_to(plumb_stack *s, plumb_socket h, const char *address, uint16_t port, const void *bytes, size_t len);
/* One datagram, cut to `max`; from: its sender as "ADDRESS:PORT".  PLUMB_AGAIN: none waits. */
enum plumb_err plumb_recv_from(plumb_stack *s, plumb_socket h, void *bytes, size_t max, size_t *got, char from[PLUMB_TEXT]);

/* Membership of a multicast group: of what its members say the socket hears what comes from `source`, or from anybody (NULL).
 * Joined by sources, further ones may be added.  PLUMB_NOT_FOUND: it is not in it. */
enum plumb_err plumb_join(plumb_stack *s, plumb_socket h, int iface, const char *group, const char *source);
enum plumb_err plumb_leave(plumb_stack *s, plumb_socket h, int iface, const char *group);

#ifdef __cplusplus
}
#endif
