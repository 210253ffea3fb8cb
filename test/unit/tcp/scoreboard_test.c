/* The list of sent segments against what it must always be, whatever is done to it. */
#include "../test.h"
#include "base/rng.h"
#include "tcp/scoreboard.h"

enum { RESERVE = 4, SEGMENTS = 60 };

struct fixture { struct pool p; struct scoreboard b; struct rng r; seq_t una, nxt; int64_t now_ns; };

static void check_queue(const struct fixture *f, const struct board_list *l, bool lost, uint32_t *n)
{
    const struct sent_seg *prev = NULL;
    uint32_t last = 0;
    for (uint32_t i = l->first; i; i = board_seg(&f->p, i)->qnext) {
        const struct sent_seg *s = board_seg(&f->p, i);
        assert_int_equal(s->qprev, last);
        assert_false(s->flags & SENT_SACKED);
        assert_int_equal(!!(s->flags & SENT_LOST), lost);
        if (prev && lost)
            assert_true(seq_lt(prev->from, s->from));
        if (prev && !lost)
            assert_true(prev->sent_ns <= s->sent_ns);
        prev = s;
        last = i;
        ++*n;
    }
    assert_int_equal(l->last, last);
}

static void check(const struct fixture *f)
{
    seq_t at = f->una;
    uint32_t n = 0, queued = 0, sacked_n = 0, sacked = 0, lost = 0, last = 0;
    for (uint32_t i = f->b.all.first; i; i = board_seg(&f->p, i)->next) {
        const struct sent_seg *s = board_seg(&f->p, i);
        assert_int_equal(s->prev, last);
        assert_true(seq_eq(s->from, at) && seq_lt(s->from, s->to));
        at = s->to;
        sacked += s->flags & SENT_SACKED ? seg_len(s) : 0;
        sacked_n += !!(s->flags & SENT_SACKED);
        lost += s->flags & SENT_LOST ? seg_len(s) : 0;
        last = i;
        n++;
    }
    assert_true(seq_eq(at, f->nxt));
    assert_int_equal(f->b.all.last, last);
    assert_int_equal(f->b.count, n);
    assert_int_equal(f->p.used, n);
    assert_int_equal(f->b.sacked_bytes, sacked);
    assert_int_equal(f->b.lost_bytes, lost);
    check_queue(f, &f->b.net, false, &queued);
    check_queue(f, &f->b.lost, true, &queued);
    assert_int_equal(queued + sacked_n, n);
    if (f->b.cursor) {
        bool found = false;
        for (uint32_t i = f->b.all.first; i; i = board_seg(&f->p, i)->next)
            found |= i == f->b.cursor;
        assert_true(found);
    }
}

static struct sent_seg *any(struct fixture *f)
{
    if (seq_eq(f->una, f->nxt))
        return NULL;
    const seq_t at = seq_add(f->una, rng_below(&f->r, (uint32_t)seq_diff(f->nxt, f->una)));
    uint32_t steps = UINT32_MAX;
    struct sent_seg *s = board_find(&f->p, &f->b, at, &steps);
    assert_true(seq_le(s->from, at) && seq_lt(at, s->to));
    return s;
}

static void step(struct fixture *f)
{
    struct sent_seg *s = any(f);
    const uint32_t what = rng_below(&f->r, 10);
    f->now_ns += rng_below(&f->r, 3);
    if (!s || what < 3) {
        if (!board_can_send(&f->p, &f->b, RESERVE))
            return;
        const seq_t to = seq_add(f->nxt, 1 + rng_below(&f->r, 3000));
        board_sent(&f->p, &f->b, f->nxt, to, f->now_ns, RESERVE);
        f->nxt = to;
    } else if (what < 5) {
        if (s->flags & SENT_SACKED)
            return;
        if (seg_len(s) > 1 && what == 4)
            board_split(&f->p, &f->b, s, seq_add(s->from, 1 + rng_below(&f->r, seg_len(s) - 1)), RESERVE);
        board_sack(&f->p, &f->b, s);
    } else if (what == 5) {
        board_lose(&f->p, &f->b, s);
    } else if (what == 6) {
        if (!(s->flags & SENT_SACKED))
            board_resent(&f->p, &f->b, s, f->now_ns);
    } else if (what == 7) {
        board_found(&f->p, &f->b, s);
        board_unsack(&f->p, &f->b, s);
    } else {
        const seq_t ack = seq_add(f->una, rng_below(&f->r, 1 + (uint32_t)seq_diff(f->nxt, f->una) / 2));
        while ((s = board_first(&f->p, &f->b)) && seq_lt(s->from, ack))
            board_trim(&f->p, &f->b, ack);
        f->una = ack;
    }
}

static void whatever_is_done(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        struct fixture f = { .una = seq(0xfffff000), .nxt = seq(0xfffff000) };
        rng_seed(&f.r, seed);
        assert_true(board_pool_init(&f.p, RESERVE, SEGMENTS));
        for (int i = 0; i < 3000; i++) {
            step(&f);
            check(&f);
        }
        board_clear(&f.p, &f.b);
        assert_int_equal(f.p.used, 0);
        pool_fini(&f.p);
    }
}

/* One connection takes half of what is there, the next half of the rest; who has none always gets one. */
static void many_share_the_pool(void **state)
{
    (void)state;
    struct pool p;
    struct scoreboard b[RESERVE] = { 0 };
    assert_true(board_pool_init(&p, RESERVE, SEGMENTS));
    for (unsigned k = 0; k < RESERVE; k++)
        for (uint32_t i = 0; i < 1000; i++)
            assert_non_null(board_sent(&p, &b[k], seq(i), seq(i + 1), i, RESERVE));
    assert_in_range(b[0].count, SEGMENTS / 2 - 1, SEGMENTS / 2 + 1);
    for (unsigned k = 0; k < RESERVE; k++) {
        assert_true(b[k].count >= 1);
        assert_int_equal(board_seg(&p, b[k].all.last)->to.n, 1000);
        assert_int_equal(board_seg(&p, b[k].all.last)->sent_ns, 999);
        board_clear(&p, &b[k]);
    }
    pool_fini(&p);
}

/* A search takes as many steps as it is given, and the next one goes on from there. */
static void search_is_bounded(void **state)
{
    (void)state;
    struct pool p;
    struct scoreboard b = { 0 };
    assert_true(board_pool_init(&p, 1, 4000));
    for (uint32_t i = 0; i < 1000; i++)
        board_sent(&p, &b, seq(i), seq(i + 1), i, 1);
    uint32_t steps = 100, tries = 1;
    while (!board_find(&p, &b, seq(400), &steps)) {
        assert_int_equal(steps, 0);
        steps = 100;
        tries++;
    }
    assert_in_range(tries, 4, 6);
    steps = 3;
    assert_int_equal(board_find(&p, &b, seq(401), &steps)->from.n, 401);
    steps = 1;
    assert_int_equal(board_find(&p, &b, seq(999), &steps)->from.n, 999);
    board_clear(&p, &b);
    pool_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(whatever_is_done), cmocka_unit_test(many_share_the_pool), cmocka_unit_test(search_is_bounded) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
