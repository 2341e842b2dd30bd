/* url.h - where a server is, as text: varve://host[:port][?options] or varve+unix:///path/to/socket[?options]. */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include "options.h"

struct url {
    bool is_unix;
    char host[256];                 /* without the brackets of an IPv6 address */
    char port[6];                   /* decimal */
    char path[108];                 /* of the unix socket: as long as the system takes it */
    char name[CLIENT_NAME_MAX + 1]; /* of the client, when the query gives one, else "" */
    char shown[288];                /* "host:port" or the path, for messages */
};

/* Options in the query go into *options over what is there, except `name`, which goes into ret->name. INVALID_ARGUMENT
 * with the message saying what was expected; the outputs may then be half filled. */
enum varve_status url_parse(const char *text, struct url *ret, struct varve_client_options *options,
                            struct varve_error *error);

#endif
