/* The parts of what is in flight, and what an acknowledgment tells of it. */
#pragma once
#include "tcp/prr.h"
#include "tcp/reasm.h"
#include "tcp/scoreboard.h"
#include "wire/tcp_opt.h"

enum recover_phase { REC_OPEN, REC_FAST, REC_LOSS };
struct tcp_recover {
    seq_t recover;                      /* RFC 6582: the highest sent when loss was detected */
    uint32_t dup_bytes;                 /* peers without SACK: bytes that left the network by duplicate ACKs */
    uint32_t last_bytes;                /* by which SND.UNA moved last */
    struct prr prr;
    uint8_t dup_acks, phase, sacked_segs;
    bool    force;                      /* the first segment that is lost leaves whatever the window */
    bool    partial_seen, resent;       /* something in flight was sent twice (Karn) */
};
/* RACK, of this flight: the segment delivered that was sent last. */
struct tcp_rack_flight { int64_t sent_ns, rtt_ns; seq_t end, fack; };
enum frto { FRTO_OFF, FRTO_FIRST_ACK, FRTO_SECOND_ACK };
struct tcp_undo {
    seq_t from, until, end;             /* SND.UNA and SND.NXT when recovery began; behind what was sent again first */
    seq_t recover;                      /* valid with fast: where the fast recovery ends within which the timeout came */
    uint32_t ts, again;                 /* our time stamp on that; bytes sent again and not reported twice */
    uint8_t frto;
    bool on, timeout, stamped, asking, fast;
};
/* RACK and TLP, of a connection. */
struct tcp_rack {
    seq_t round, probe_end;             /* of the last duplicate reported; behind the tail probe */
    uint8_t mult, persist;              /* of the reordering window, 0 for one */
    bool reordered : 1, in_round : 1, probing : 1, probe_again : 1;
};
/* What the next acknowledgments say beside SEG.ACK (sack.c). */
enum { SACK_MOMENTS = 64 };
struct sack_moment  { uint8_t n; bool has_dup; struct span block[TCP_SACK_MAX]; };
struct sack_moments { uint8_t first, n; struct sack_moment at[SACK_MOMENTS]; };    /* of the ACKs that single segments owe */
struct tcp_sack_out {
    seq_t recent[TCP_SACK_MAX];         /* each lies in a block; the one changed last first */
    struct span dup;                    /* arrived twice, not said yet; empty: nothing did */
    struct sack_moments *moments;       /* from a pool while single ACKs are owed; or NULL */
    uint8_t n;
};

/* What one acknowledgment told. */
struct tcp_news {
    seq_t    ack;
    uint32_t acked, delivered, sacked, lost;    /* bytes: SND.UNA moved by; newly known to have arrived; of them by SACK; found lost */
    uint32_t flight;                    /* bytes in flight before it */
    uint32_t ts_ecr;
    int64_t  first_rtt_ns, last_rtt_ns; /* of what left first and last of it, and was sent once; -1: none */
    int64_t  time_ns, now_ns;           /* it arrived; it is looked at */
    struct span dup;                    /* valid with dsack: arrived twice */
    bool     dsack, sacks, has_ecr;     /* sacks: it had SACK blocks */
    bool     duplicate;                 /* by RFC 5681 §2 */
    bool     original;                  /* something has arrived that was not sent again since the timeout */
    bool     fin;                       /* our FIN was acknowledged */
};
