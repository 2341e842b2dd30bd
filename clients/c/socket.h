/* socket.h - a non-blocking stream socket to a server, and waiting for it until a deadline.
 *
 * Deadlines are points of the monotonic clock in microseconds. Nothing here ever raises SIGPIPE. Whatever waits ends
 * early when `wake_fd` can be read (-1: there is none). */
#ifndef CLIENT_SOCKET_H
#define CLIENT_SOCKET_H

#include "url.h"

#include <sys/types.h>

#define DEADLINE_NONE UINT64_MAX

uint64_t clock_now_us(void);
/* `timeout_ms` from now; DEADLINE_NONE for 0. */
uint64_t deadline_after(uint32_t timeout_ms);

/* Connect to the server of `url`, trying each of its addresses. UNREACHABLE, TIMEOUT, NO_MEMORY, CANCELLED (woken). The
 * name is looked up by the system, whose own time limit applies to that part. */
enum varve_status socket_connect(const struct url *url, int wake_fd, uint64_t deadline_us, int *ret_fd,
                                 struct varve_error *error);

#define SOCKET_WOKEN 0x4000 /* no bit of poll's */

/* Wait for `events` (poll's bits; `fd` -1: for nothing but the time). Returns what is ready, 0 when the deadline passed
 * first, or SOCKET_WOKEN, whatever else is ready. */
short socket_wait(int fd, short events, int wake_fd, uint64_t deadline_us);

/* The number of bytes moved, 0 at the end of the peer's bytes (receive), or -errno; -EAGAIN when it would block. */
ssize_t socket_send(int fd, const void *bytes, size_t size);
ssize_t socket_receive(int fd, void *bytes, size_t size);

#endif
