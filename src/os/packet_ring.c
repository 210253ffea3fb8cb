/* A packet socket's receive ring (packet_mmap, TPACKET_V3): the kernel fills blocks of
 * memory that we share, and hands one over when it is full or a millisecond old.  No
 * system call a frame, but up to that millisecond of delay. */
#include "os/packet_ring.h"
#include "os/vnet.h"
#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* A block holds seven of the largest frames, or three hundred of 1500 bytes. */
enum { BLOCK = 512 * 1024, BLOCKS = 32, RETIRE_MS = 1 };

struct packet_ring {
    uint8_t *memory;
    unsigned block;                     /* which one is read, or comes next */
    uint32_t left, at;                  /* frames in it that were not taken yet, and where the next one is */
};

static struct tpacket_block_desc *block_of(const struct packet_ring *r)
{
    return (struct tpacket_block_desc *)(void *)(r->memory + (size_t)r->block * BLOCK);
}

/* False: the kernel has handed over nothing more. */
static bool open_block(struct packet_ring *r)
{
    const struct tpacket_block_desc *b = block_of(r);
    if (!(__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
        return false;
    r->left = b->hdr.bh1.num_pkts;
    r->at = b->hdr.bh1.offset_to_first_pkt;
    return true;
}

static void return_block(struct packet_ring *r)
{
    __atomic_store_n(&block_of(r)->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    r->block = (r->block + 1) % BLOCKS;
}

struct ring_frame { const uint8_t *vnet, *bytes; uint32_t len; };

/* False: the block does not hold what it says.  The kernel writes no such block. */
static bool next_frame(struct packet_ring *r, struct ring_frame *f)
{
    const uint8_t *block = (const uint8_t *)block_of(r);
    if (r->at > BLOCK - sizeof(struct tpacket3_hdr))
        return false;
    const struct tpacket3_hdr *h = (const void *)(block + r->at);
    const uint64_t frame = (uint64_t)r->at + h->tp_mac;
    if (h->tp_mac < sizeof *h + VNET_HDR || frame + h->tp_snaplen > BLOCK)
        return false;
    *f = (struct ring_frame){ block + frame - VNET_HDR, block + frame, h->tp_snaplen };
    r->at += h->tp_next_offset;
    r->left--;
    return true;
}

static void take(struct device *d, struct pkt_pools *pools, const struct ring_frame *f, struct batch *b, int64_t now_ns)
{
    struct pkt *k = pkt_new(pools, f->len);
    uint8_t *to = k ? pkt_append(k, f->len) : NULL;
    if (!to) {
        pkt_free(k);
        trace_count(d->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    memcpy(to, f->bytes, f->len);
    k->time_ns = now_ns;
    if (vnet_read(f->vnet, k))
        batch_add(b, k);
    else
        trace_drop(d->trace, k, WHY_FRAME_OFFLOAD, now_ns);
}

void packet_ring_recv(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns)
{
    struct packet_ring *r = d->own;
    struct ring_frame f;
    while (!batch_full(b) && (r->left || open_block(r))) {
        if (r->left && next_frame(r, &f))
            take(d, pools, &f, b, now_ns);
        else
            r->left = 0;
        if (r->left == 0)
            return_block(r);
    }
    /* a socket's error, or the interface's end, is told by a call alone */
    if (b->n == 0) {
        int error = 0;
        socklen_t len = sizeof error;
        d->trouble |= getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0;
    }
}

bool packet_ring_open(struct device *d)
{
    const int version = TPACKET_V3;
    const struct tpacket_req3 want = { .tp_block_size = BLOCK, .tp_block_nr = BLOCKS, .tp_frame_size = TPACKET_ALIGNMENT << 7,
                                       .tp_frame_nr = BLOCK / (TPACKET_ALIGNMENT << 7) * BLOCKS, .tp_retire_blk_tov = RETIRE_MS };
    const struct tpacket_req3 none = { 0 };
    struct packet_ring *r = calloc(1, sizeof *r);
    if (!r || setsockopt(d->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
        setsockopt(d->fd, SOL_PACKET, PACKET_RX_RING, &want, sizeof want) < 0) {
        free(r);
        return false;
    }
    r->memory = mmap(NULL, (size_t)BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
    if (r->memory == MAP_FAILED) {
        setsockopt(d->fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof none);
        free(r);
        return false;
    }
    d->own = r;
    return true;
}

void packet_ring_close(struct device *d)
{
    struct packet_ring *r = d->own;
    if (r)
        munmap(r->memory, (size_t)BLOCK * BLOCKS);
    free(r);
    d->own = NULL;
}
