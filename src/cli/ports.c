#include "cli/ports.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What runs on TCP and is met often (IANA's names). */
static const struct { uint16_t port; const char *name; } named[] = {
    { 7, "echo" }, { 9, "discard" }, { 13, "daytime" }, { 19, "chargen" }, { 20, "ftp-data" }, { 21, "ftp" }, { 22, "ssh" }, { 23, "telnet" }, { 25, "smtp" },
    { 37, "time" }, { 43, "whois" }, { 49, "tacacs" }, { 53, "domain" }, { 70, "gopher" }, { 79, "finger" }, { 80, "http" }, { 88, "kerberos" },
    { 109, "pop2" }, { 110, "pop3" }, { 111, "sunrpc" }, { 113, "auth" }, { 119, "nntp" }, { 135, "epmap" }, { 139, "netbios-ssn" }, { 143, "imap" },
    { 179, "bgp" }, { 194, "irc" }, { 199, "smux" }, { 264, "bgmp" }, { 311, "asip-webadmin" }, { 389, "ldap" }, { 427, "svrloc" }, { 443, "https" },
    { 444, "snpp" }, { 445, "microsoft-ds" }, { 464, "kpasswd" }, { 465, "submissions" }, { 500, "isakmp" }, { 512, "exec" }, { 513, "login" },
    { 514, "shell" }, { 515, "printer" }, { 540, "uucp" }, { 543, "klogin" }, { 544, "kshell" }, { 548, "afpovertcp" }, { 554, "rtsp" },
    { 587, "submission" }, { 631, "ipp" }, { 636, "ldaps" }, { 646, "ldp" }, { 853, "domain-s" }, { 873, "rsync" }, { 902, "ideafarm-door" },
    { 989, "ftps-data" }, { 990, "ftps" }, { 992, "telnets" }, { 993, "imaps" }, { 995, "pop3s" }, { 1080, "socks" }, { 1194, "openvpn" },
    { 1433, "ms-sql-s" }, { 1521, "ncube-lm" }, { 1720, "h323hostcall" }, { 1723, "pptp" }, { 1883, "mqtt" }, { 2049, "nfs" }, { 2181, "eforward" },
    { 2375, "docker" }, { 2376, "docker-s" }, { 3128, "ndl-aas" }, { 3260, "iscsi-target" }, { 3306, "mysql" }, { 3389, "ms-wbt-server" },
    { 3690, "svn" }, { 4369, "epmd" }, { 5000, "commplex-main" }, { 5060, "sip" }, { 5061, "sips" }, { 5201, "targus-getdata1" }, { 5222, "xmpp-client" },
    { 5269, "xmpp-server" }, { 5432, "postgresql" }, { 5672, "amqp" }, { 5900, "rfb" }, { 5985, "wsman" }, { 6000, "x11" }, { 6379, "redis" },
    { 6443, "sun-sr-https" }, { 6667, "ircu" }, { 8000, "irdmi" }, { 8008, "http-alt" }, { 8080, "http-alt" }, { 8443, "pcsync-https" },
    { 8883, "secure-mqtt" }, { 9000, "cslistener" }, { 9090, "websm" }, { 9092, "XmlIpcRegSvc" }, { 9100, "hp-pdl-datastr" }, { 9200, "wap-wsp" },
    { 9418, "git" }, { 10000, "ndmp" }, { 11211, "memcache" }, { 25565, "minecraft" }, { 27017, "mongodb" }, { 50051, "grpc" } };
enum { NAMED = sizeof named / sizeof named[0], PORT_MAX = 65535 };

const char *port_name(uint16_t port)
{
    for (size_t i = 0; i < NAMED; i++)
        if (named[i].port == port)
            return named[i].name;
    return NULL;
}

uint16_t port_of_name(const char *name, size_t len)
{
    for (size_t i = 0; i < NAMED; i++)
        if (strlen(named[i].name) == len && strncasecmp(named[i].name, name, len) == 0)
            return named[i].port;
    return 0;
}

void ports_named(struct port_set *out)
{
    *out = (struct port_set){ { 0 } };
    for (size_t i = 0; i < NAMED; i++)
        out->word[named[i].port / 64] |= UINT64_C(1) << named[i].port % 64;
}

unsigned ports_count(const struct port_set *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 1024; i++)
        n += (unsigned)__builtin_popcountll(s->word[i]);
    return n;
}

/* 0: neither a port nor a name. */
static unsigned one_port(const char *text, size_t len)
{
    unsigned value = 0;
    if (len == 0)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return port_of_name(text, len);
        value = value * 10 + (unsigned)(text[i] - '0');
        if (value > PORT_MAX)
            return 0;
    }
    return value;
}

/* A name may hold a dash itself: ftp-data. */
static bool range_of(const char *text, size_t len, unsigned *first, unsigned *last)
{
    *first = *last = one_port(text, len);
    if (*first)
        return true;
    for (const char *dash = memchr(text, '-', len); dash; dash = memchr(dash + 1, '-', (size_t)(text + len - dash - 1))) {
        const size_t before = (size_t)(dash - text), after = len - before - 1;
        *first = before ? one_port(text, before) : 1;
        *last = after ? one_port(dash + 1, after) : PORT_MAX;
        if (*first && *last)
            return *first <= *last;
    }
    return false;
}

bool ports_parse(const char *text, struct port_set *out, char error[PORTS_ERROR])
{
    *out = (struct port_set){ { 0 } };
    for (const char *at = text;; at++) {
        const size_t len = strcspn(at, ",");
        unsigned first, last;
        if (!range_of(at, len, &first, &last)) {
            snprintf(error, PORTS_ERROR, "\"%.*s\" is no port, name or range of ports from 1 to 65535", len < 40 ? (int)len : 40, at);
            return false;
        }
        for (unsigned port = first; port <= last; port++)
            out->word[port / 64] |= UINT64_C(1) << port % 64;
        at += len;
        if (!*at)
            return true;
    }
}
