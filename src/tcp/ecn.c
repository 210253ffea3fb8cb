/* Explicit congestion notification: RFC 3168, and accurate feedback of it, RFC 9768. [SHLD-8]
 *
 * Classic: whoever receives CE says ECE until it hears CWR; one reduction a round trip.
 * Accurate: AE, CWR and ECE of every segment but SYNs are a counter of the packets that
 * arrived with CE (ACE, r.cep), and an option tells bytes by codepoint.
 * Only text that leaves for the first time is ECN-capable. */
#include "tcp/conn.h"
#include "wire/ecn.h"

enum { CEP_START = 5, BYTES_START = 1, BYTES_MASK = 0xffffff, OPTION_BYTES = 12, OPTION_EACH = 8, OPTIONS_ROOM = 40 };
enum { ASK_ACCURATE_SYNS = 2, ASK_CLASSIC_SYNS = 1 };   /* later ones ask for nothing: perhaps it is what the path drops */

static uint8_t ace_of_ecn(uint8_t ecn)                  /* RFC 9768, tables 2 and 3: how a SYN came, said in the answer */
{
    static const uint8_t ace[4] = { [ECN_NOT] = 2, [ECN_ECT1] = 3, [ECN_ECT0] = 4, [ECN_CE] = 6 };
    return ace[ecn & ECN_MASK];
}

static void begin(struct tcp_conn *c, enum tcp_ecn_mode mode, const struct tcp_seg *s)
{
    c->ecn = (struct tcp_ecn){ .mode = (uint8_t)mode, .send_ect = mode != ECN_NONE, .said = s->ecn,
                               .r_cep = CEP_START, .s_cep = CEP_START, .r_e0b = BYTES_START };
    if (c->rare)
        c->rare->ecn = (struct tcp_ecn_marked){ 0 };
}

/* A SYN for a listener [RFC3168-6.1.1a] [RFC9768-3.1.2a]; unknown combinations are those of
 * versions to come, which fall back to this one [RFC9768-3.1.3]. */
static enum tcp_ecn_mode asked_by(const struct tcp_conn *c, uint8_t ace)
{
    const uint8_t may = c->t->cfg.ecn;
    if (may == TCP_ECN_OFF || ace == 0)
        return ECN_NONE;
    if (may == TCP_ECN_ACCURATE)
        return ace == 3 ? ECN_CLASSIC : ECN_ACCURATE;
    return (ace & 3) == 3 ? ECN_CLASSIC : ECN_NONE;
}

/* The answer to our SYN [RFC9768-3.1.2b]: 0 and 7, which a broken host reflects, are no ECN. */
static enum tcp_ecn_mode answered(const struct tcp_conn *c, uint8_t ace)
{
    const uint8_t asked = c->t->cfg.ecn;
    if (asked != TCP_ECN_ACCURATE && asked != TCP_ECN_CLASSIC)
        return ECN_NONE;
    if (ace == 1 || ace == 5)
        return ECN_CLASSIC;
    return asked == TCP_ECN_ACCURATE && ace != 0 && ace != 7 ? ECN_ACCURATE : ECN_NONE;
}

void tcp_ecn_agree(struct tcp_conn *c, const struct tcp_seg *s)
{
    const bool answer = s->flags & ACK;
    if (!c->passive && !answer) {                       /* both opened at once: without */
        begin(c, ECN_NONE, s);
        return;
    }
    begin(c, answer ? answered(c, s->ace) : asked_by(c, s->ace), s);
    if (!answer || c->ecn.mode != ECN_ACCURATE)
        return;
    c->ecn.answer_due = true;
    if (s->ace != ace_of_ecn(ECN_NOT))                  /* our SYN left without: something on the way changes the field [RFC9768-3.2.2.3] */
        c->ecn.send_ect = false;
    if (s->ecn == ECN_CE)
        c->ecn.r_cep++;
}

static uint8_t syn_ace(struct tcp_conn *c)
{
    const uint8_t may = c->t->cfg.ecn, tries = tcp_timers(c)->retries;
    if (c->state == SYN_SENT) {                         /* [RFC9768-3.1.1] [RFC9768-3.1.4] [RFC3168-6.1.1b] */
        if (may == TCP_ECN_ACCURATE && tries < ASK_ACCURATE_SYNS)
            return 7;
        return may == TCP_ECN_CLASSIC && tries < ASK_CLASSIC_SYNS ? 3 : 0;
    }
    if (tries >= ASK_ACCURATE_SYNS)
        c->ecn.mode = ECN_NONE;                         /* perhaps it is the answer that gets lost */
    if (c->ecn.mode == ECN_ACCURATE)
        return ace_of_ecn(c->ecn.said);
    return c->ecn.mode == ECN_CLASSIC;                  /* ECE alone */
}

static uint8_t segment_ace(struct tcp_conn *c, const struct tcp_tx *x)
{
    struct tcp_ecn *e = &c->ecn;
    if (e->mode == ECN_ACCURATE) {
        const bool answer = e->answer_due && x->len == 0;       /* the ACK of the SYN-ACK [RFC9768-3.2.2.1] */
        e->answer_due = false;
        return answer ? ace_of_ecn(e->said) : e->r_cep & 7;
    }
    uint8_t ace = e->echo;                              /* [RFC3168-6.1.3a] */
    if (e->cwr_due && x->len > 0 && !seq_lt(x->seq, c->snd.nxt)) {
        ace |= 2;                                       /* once, on text that is new [RFC3168-6.1.2b] */
        e->cwr_due = false;
    }
    return ace;
}

/* AE, CWR and ECE of a segment about to leave, and the codepoint for IP. */
uint8_t tcp_ecn_send(struct tcp_conn *c, const struct tcp_tx *x, struct tcp_header *h)
{
    const bool syn = x->flags & SYN;
    if (!syn && c->ecn.mode == ECN_NONE)
        return ECN_NOT;
    const uint8_t ace = syn ? syn_ace(c) : segment_ace(c, x);
    h->ae = ace >> 2;
    h->flags |= (uint8_t)((ace & 2 ? CWR : 0) | (ace & 1 ? ECE : 0));
    /* never on SYNs, pure ACKs, what is sent again, or probes of a closed window [RFC3168-6.1.4] [RFC3168-6.1.5] [RFC3168-6.1.6] */
    return !syn && c->ecn.send_ect && x->len > 0 && c->snd.wnd > 0 && !seq_lt(x->seq, c->snd.nxt) ? ECN_ECT0 : ECN_NOT;
}

/* Where each segment of a large packet has to carry CWR, none is sent: whoever cuts it leaves CWR to the first. */
bool tcp_ecn_forbids_large(const struct tcp_conn *c) { return c->ecn.mode == ECN_ACCURATE && c->ecn.r_cep & 2; }

/* -------------------------------------------------------------- the receiver */

static void count_bytes(struct tcp_conn *c, const struct tcp_seg *s)
{
    struct tcp_ecn *e = &c->ecn;
    if (s->ecn == ECN_NOT || s->text_len == 0)
        return;
    uint32_t *const counter = s->ecn == ECN_ECT0 ? &e->r_e0b : s->ecn == ECN_CE ? &tcp_rare_need(c)->ecn.r_ceb : &tcp_rare_need(c)->ecn.r_e1b;
    *counter = (*counter + s->text_len) & BYTES_MASK;
    e->to_tell = true;
}

/* The first segment behind the handshake: how our SYN-ACK came, or a path that zeroes the field [RFC9768-3.2.2.4]. */
static void first_ace(struct tcp_conn *c, const struct tcp_seg *s)
{
    struct tcp_ecn *e = &c->ecn;
    e->heard = true;
    if (s->ace == 0)
        e->send_ect = false;
    else if (c->passive && s->text_len == 0)
        e->s_cep = s->ace == ace_of_ecn(ECN_CE) ? CEP_START + 1 : CEP_START;
    else
        return;
    e->skip = true;                                     /* it was no counter */
}

/* A segment that is acceptable. */
void tcp_ecn_arrived(struct tcp_conn *c, const struct tcp_seg *s)
{
    struct tcp_ecn *e = &c->ecn;
    if (e->mode == ECN_CLASSIC) {
        if (s->flags & CWR)
            e->echo = false;                            /* [RFC3168-6.1.3b] */
        if (s->ecn == ECN_CE)
            e->echo = true;
        return;
    }
    if (e->mode != ECN_ACCURATE || s->flags & SYN)
        return;
    if (!e->heard)
        first_ace(c, s);
    const bool ce = s->ecn == ECN_CE;
    if (ce)                                             /* packets, also those in a large one [RFC9768-3.2.2.5a] */
        e->r_cep = (uint8_t)(e->r_cep + (s->part && s->text_len > s->part ? (s->text_len + s->part - 1) / s->part : 1));
    count_bytes(c, s);
    if (ce != e->last_ce && s->text_len > 0) {          /* a change is told at once [RFC9768-3.2.2.5b] */
        tcp_owe_ack_now(c);
        e->tell_now = true;
        e->last_ce = ce;
    }
}

/* The AccECN option behind `used` bytes of options of a pure ACK or a SYN-ACK, where it has room [RFC9768-3.2.3]. */
uint8_t tcp_ecn_write(struct tcp_conn *c, uint8_t *at, unsigned used, const struct tcp_tx *x)
{
    struct tcp_ecn *e = &c->ecn;
    const bool syn = x->flags & SYN;
    if (e->mode != ECN_ACCURATE || x->len > 0 || used + OPTION_BYTES > OPTIONS_ROOM || (syn && c->state == SYN_SENT))
        return 0;
    if (!syn && !e->to_tell)
        return 0;
    if (!syn && !e->tell_now && ++e->acks < OPTION_EACH)
        return 0;
    e->acks = 0;
    e->tell_now = e->to_tell = false;
    const struct tcp_ecn_marked *m = &tcp_rare(c)->ecn;
    struct writer w = writer_of(at, OPTION_BYTES);
    const struct tcp_opt o = { .n_accecn = 3, .accecn = { e->r_e0b, m->r_ceb, (BYTES_START + m->r_e1b) & BYTES_MASK } };
    tcp_opt_write(&w, &o);
    return (uint8_t)wr_len(&w);
}

/* ---------------------------------------------------------------- the sender */

/* How many more packets arrived with CE.  Eight at once look like none; the option's bytes tell them apart [RFC9768-3.2.2.5c]. */
static uint32_t newly_marked(struct tcp_conn *c, const struct tcp_seg *s)
{
    struct tcp_ecn *e = &c->ecn;
    uint32_t n = (uint32_t)(s->ace - e->s_cep) & 7;
    e->s_cep = s->ace;
    if (s->opt.n_accecn < 2)
        return n;
    const uint32_t bytes = (s->opt.accecn[1] - tcp_rare(c)->ecn.s_ceb) & BYTES_MASK;
    if (bytes)
        tcp_rare_need(c)->ecn.s_ceb = s->opt.accecn[1];
    return n == 0 && bytes > 0 && bytes <= BYTES_MASK / 2 ? 8 : n;
}

/* An acknowledgment; `advances`: it is newer than those before. */
void tcp_ecn_heard(struct tcp_conn *c, const struct tcp_seg *s, bool advances)
{
    struct tcp_ecn *e = &c->ecn;
    bool marked = false;
    if (e->skip) {
        e->skip = false;
        return;
    }
    if (e->mode == ECN_CLASSIC)
        marked = s->flags & ECE && !(s->flags & SYN);
    else if (e->mode == ECN_ACCURATE && advances) {
        const uint32_t n = newly_marked(c, s);
        if (n)
            tcp_rare_need(c)->ecn.marks += n;
        marked = n > 0;
    }
    if (e->reduced && !seq_lt(c->snd.una, tcp_rare(c)->ecn.reduced_to))
        e->reduced = false;                             /* so that it does not seem new again 2 GiB later */
    if (!marked || !in_flight(c) || !e->send_ect || tcp_ecn_holds(c))
        return;                                         /* once in a window of data [RFC3168-6.1.2a] */
    e->reduced = true;
    tcp_rare_need(c)->ecn.reduced_to = c->snd.nxt;
    e->cwr_due = e->mode == ECN_CLASSIC;
    tcp_recover_on_ecn(c, s->now_ns);
}

const char *tcp_ecn_name(const struct tcp_conn *c)
{
    static const char *const name[] = { [ECN_NONE] = "off", [ECN_CLASSIC] = "classic", [ECN_ACCURATE] = "accurate" };
    return name[c->ecn.mode];
}
