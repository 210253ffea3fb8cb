/* What hostsock's three files share: one object per descriptor, hung on its net. */
#pragma once
#include "os/hostsock.h"
#include <netinet/in.h>
#include <sys/socket.h>

struct hostsock {
    struct net   net;                   /* first: a struct net is its hostsock */
    struct wait *wait;
    struct list  streams, listeners, dgrams;
    uint32_t     closing;               /* streams that flush after their owner left */
};

struct host_name { union { struct sockaddr sa; struct sockaddr_in in; struct sockaddr_in6 in6; } u; socklen_t len; };

struct host_name host_name_of(struct endpoint e, int family);
struct endpoint  host_endpoint(const struct host_name *n);
struct endpoint  host_local(int fd);
struct endpoint  host_remote(int fd);
enum plumb_err   host_err(int error_number);
int  host_family(struct addr a);        /* of an address that is given */
int  host_socket(int family, int type);
void host_flag(int fd, int level, int option, int value);
bool host_congestion(int fd, const char *name);  /* false: the kernel does not have it; NULL: its own choice */

enum plumb_err host_connect(struct net *n, const struct connect_opts *o, struct stream **out);
/* Takes the descriptor, connected already; NULL: no memory, it is closed. */
struct stream *host_stream_of(struct hostsock *h, int fd);
enum plumb_err host_listen(struct net *n, const struct listen_opts *o, struct listener **out);
enum plumb_err host_datagram(struct net *n, const struct dgram_opts *o, struct dgram **out);
/* hostsock_group.c */
void host_group_options(int fd, int family, const struct dgram_opts *o);
enum plumb_err host_group(int fd, int socket_family, const struct group_opts *o);
void host_free_streams(struct hostsock *h);
void host_free_listeners(struct hostsock *h);
void host_free_dgrams(struct hostsock *h);
