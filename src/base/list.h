/* An intrusive doubly linked list.  An all-zero node is "on no list"; a list
 * head must be initialised with list_init. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct list { struct list *next, *prev; };

#define list_entry(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline void list_init(struct list *head)            { head->next = head->prev = head; }
static inline bool list_empty(const struct list *head)     { return head->next == head; }
static inline bool list_linked(const struct list *node)    { return node->next != NULL; }
static inline void list_insert_before(struct list *at, struct list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}
static inline void list_push(struct list *head, struct list *node) { list_insert_before(head, node); }
/* Harmless on a node that is on no list. */
static inline void list_remove(struct list *node)
{
    if (!list_linked(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}
/* The first node, taken off; NULL when the list is empty. */
static inline struct list *list_pop(struct list *head)
{
    struct list *node = head->next;
    if (node == head)
        return NULL;
    list_remove(node);
    return node;
}
