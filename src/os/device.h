/* A link that carries real frames: a TAP or a packet socket.  Non-blocking. */
#pragma once
#include "base/err.h"
#include "base/pkt.h"
#include "trace/trace.h"

enum { DEVICE_ERROR = 200 };

struct device;

/* What differs between the kinds of device. */
struct device_ops {
    /* Appends frames that wait, until the batch is full or none waits. */
    void (*recv)(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns);
    /* Sends a prefix of them and returns how many; the rest finds no room now, and POLLOUT says when.
     * A frame that can never be sent counts as sent and is counted as dropped.  The packets stay the
     * caller's, and their bytes are not looked at after the call. */
    uint32_t (*send)(struct device *d, struct pkt *const pkt[], uint32_t n);
    /* All that were opened on one interface, in order: what arrives is shared among them by the program
     * `steer` (os/steer_bpf.h; -1: as the kernel likes).  False: it cannot be.  NULL: each is a queue anyhow. */
    bool (*share)(struct device *const d[], unsigned n, int steer);
    void (*close)(struct device *d);    /* gives back `own`; the descriptor is closed afterwards.  NULL: nothing to do */
};

struct device {
    const struct device_ops *ops;
    void      *own;                     /* of this kind of device */
    int        fd;                      /* readable: frames wait; writable: there is room again */
    char       name[16];
    const char *what;                   /* "tap", for people */
    struct mac mac;                     /* plumb's own on this link */
    uint16_t   mtu;
    bool       tx_csum;                 /* completes partial checksums */
    uint32_t   gso_max;                 /* segments packets up to this; 0: none */
    bool       soft_offload;            /* the stack is to cut and join large packets for it */
    bool ip6;                           /* the host on it speaks IPv6; set by whoever opens it */
    bool       made_here;               /* a TAP that this process created */
    bool       trouble;                 /* receiving failed since device_link was last asked */
    struct pktq pending;                /* frames the kernel had no room for, owned */
    int64_t    asked_ns;                /* packet's: when the kernel was last asked what it dropped */
    struct pkt *small, *large;          /* vnetio's: where the next frame goes; NULL: none yet */
    uint8_t   *scratch;                 /* vnetio's: the rest of a frame for which there is no large block */
    struct trace *trace;                /* where drops are told; set before the first call below */
};

struct device_opts {
    const char *name;
    bool no_offload;                    /* whole checksums and wire-size frames only, both ways */
    bool soft_offload;                  /* large packets are cut and joined by the stack */
    bool many;                          /* one of several on this interface, in order from queue 0 */
    unsigned queue, queues;             /* of so many [1] */
    bool ring;                          /* a packet socket: receive by blocks, when the kernel grants them */
};

/* Attaches to a TAP that exists, or creates one; never sets the kernel's address
 * or link state.  On failure `error` holds one line that says what and how to mend it. */
enum plumb_err tap_open(struct device *d, const struct device_opts *o, char error[DEVICE_ERROR]);
/* A packet socket on an interface of the host, beside the host's own use of it. */
enum plumb_err packet_open(struct device *d, const struct device_opts *o, char error[DEVICE_ERROR]);
/* An AF_XDP socket on one receive queue of an interface of the host. */
enum plumb_err xdp_open(struct device *d, const struct device_opts *o, char error[DEVICE_ERROR]);
void device_close(struct device *d);    /* all zero but fd -1 is fine */

void device_recv(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns);
/* Takes the frames; what the kernel cannot take now is kept (up to 1024 frames) for device_flush. */
void device_send(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns);
void device_flush(struct device *d);
static inline bool device_blocked(const struct device *d) { return d->pending.n > 0; }

/* recv and send for a descriptor with a virtio-net header before each frame. */
bool vnetio_init(struct device *d);     /* false: no memory */
void vnetio_recv(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns);
uint32_t vnetio_send(struct device *d, struct pkt *const pkt[], uint32_t n);
uint32_t vnetio_send_many(struct device *d, struct pkt *const pkt[], uint32_t n);     /* a socket: several by one call */

/* What the kernel says of the link; until it is up, frames either way are lost. */
enum device_link { DEVICE_GONE, DEVICE_DOWN, DEVICE_NO_CARRIER, DEVICE_UP };
enum device_link device_link(struct device *d);

/* True when the host itself has the address: plumb needs one of its own. */
bool host_has_addr(struct addr a);
/* A locally administered address that stays the same for one host name and interface. */
struct mac device_mac(const char *name);
