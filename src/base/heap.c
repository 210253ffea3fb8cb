#include "base/heap.h"

static bool before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

/* The later of two roots becomes the first child of the earlier one. */
static struct heap_node *join(struct heap_node *a, struct heap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (before(b, a)) {
        struct heap_node *t = a;
        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    a->next = a->prev = NULL;
    return a;
}

/* Two passes over a list of siblings: pairs from the left, then all from the right. */
static struct heap_node *join_siblings(struct heap_node *first)
{
    struct heap_node *pairs = NULL, *root = NULL;
    while (first) {
        struct heap_node *a = first, *b = first->next;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = join(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct heap_node *next = pairs->next;
        pairs->next = NULL;
        root = join(root, pairs);
        pairs = next;
    }
    return root;
}

void heap_put(struct heap *h, struct heap_node *n, int64_t key)
{
    *n = (struct heap_node){ .key = key, .order = h->order++, .in = true };
    h->root = join(h->root, n);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    if (!n->in)
        return;
    struct heap_node *below = join_siblings(n->child);
    if (h->root == n) {
        h->root = below;
    } else {
        if (n->prev->child == n)
            n->prev->child = n->next;
        else
            n->prev->next = n->next;
        if (n->next)
            n->next->prev = n->prev;
        h->root = join(h->root, below);
    }
    *n = (struct heap_node){ 0 };
}
