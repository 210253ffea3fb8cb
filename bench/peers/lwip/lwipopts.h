/* lwIP as an honest opponent: no operating system, plenty of memory, checksums on,
 * window scaling on, a large send buffer, its statistics and debugging off. */
#pragma once
#define NO_SYS                      1
#define SYS_LIGHTWEIGHT_PROT        0
#define LWIP_NETCONN                0
#define LWIP_SOCKET                 0
#define LWIP_STATS                  0
#define LWIP_DEBUG                  0
#define LWIP_NOASSERT               1
#define LWIP_IPV4                   1
#define LWIP_IPV6                   0
#ifdef ON_TAP                           /* tap_bench.c: Ethernet, and many short connections */
#define LWIP_ARP                    1
#define LWIP_ETHERNET               1
#define MEMP_NUM_TCP_PCB            256
#else
#define LWIP_ARP                    0
#define LWIP_ETHERNET               0
#ifdef MANY_PCBS                        /* mem_bench.c: 1,000 connections, or 4,096 in TIME-WAIT */
#define MEMP_NUM_TCP_PCB            4096
#else
#define MEMP_NUM_TCP_PCB            64
#endif
#endif
#define LWIP_UDP                    0
#define LWIP_DHCP                   0
#define IP_REASSEMBLY               0
#define IP_FRAG                     0
#define LWIP_TCP                    1
#define LWIP_WND_SCALE              1
#define TCP_RCV_SCALE               4
#define TCP_MSS                     1460
#define TCP_WND                     (512 * 1024)
#define TCP_SND_BUF                 (512 * 1024)
#define TCP_SND_QUEUELEN            2048
#define TCP_SNDLOWAT                32768
#define MEMP_NUM_TCP_SEG            4096
#define MEMP_NUM_PBUF               4096
#define PBUF_POOL_SIZE              4096
#define PBUF_POOL_BUFSIZE           1600
#define MEM_ALIGNMENT               8
#define MEM_SIZE                    (64 * 1024 * 1024)
#define MEM_LIBC_MALLOC             0
#define CHECKSUM_GEN_IP             1
#define CHECKSUM_GEN_TCP            1
#define CHECKSUM_CHECK_IP           1
#define CHECKSUM_CHECK_TCP          1
#define LWIP_CHECKSUM_ON_COPY       1

#define LWIP_NETIF_TX_SINGLE_PBUF   0
#define LWIP_TCP_TIMESTAMPS         0
#define TCP_OVERSIZE                TCP_MSS
