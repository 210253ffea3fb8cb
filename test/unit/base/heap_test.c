/* The heap against the obvious: an array searched for the earliest, oldest first. */
#include "../test.h"
#include "base/heap.h"
#include "base/rng.h"

enum { NODES = 100 };

static void agrees_with_a_search(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 1);
    for (int round = 0; round < 50; round++) {
        struct heap h = { 0 };
        static struct heap_node node[NODES];
        static uint64_t order[NODES];
        uint64_t next = 0;
        memset(node, 0, sizeof node);
        for (int step = 0; step < 1000; step++) {
            const uint32_t i = rng_below(&r, NODES);
            if (node[i].in || rng_below(&r, 3) == 0) {
                heap_remove(&h, &node[i]);
                heap_remove(&h, &node[i]);
                assert_false(node[i].in);
            } else {
                heap_put(&h, &node[i], (int64_t)rng_below(&r, 20) - 10);
                order[i] = next++;
            }
            const struct heap_node *want = NULL;
            for (uint32_t k = 0; k < NODES; k++) {
                if (!node[k].in)
                    continue;
                if (!want || node[k].key < want->key || (node[k].key == want->key && order[k] < order[want - node]))
                    want = &node[k];
            }
            assert_ptr_equal(heap_first(&h), want);
        }
    }
}

static void equal_keys_leave_as_they_came(void **state)
{
    (void)state;
    struct heap h = { 0 };
    struct heap_node node[10] = { 0 };
    for (int i = 0; i < 10; i++)
        heap_put(&h, &node[i], 5);
    for (int i = 0; i < 10; i++) {
        assert_ptr_equal(heap_first(&h), &node[i]);
        heap_remove(&h, &node[i]);
    }
    assert_null(heap_first(&h));
}

TESTS(agrees_with_a_search, equal_keys_leave_as_they_came)
