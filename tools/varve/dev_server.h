/* dev_server.h - a varved of one's own for `varve dev`: started on a directory, waited for, ended. */
#ifndef TOOLS_DEV_SERVER_H
#define TOOLS_DEV_SERVER_H

#include <signal.h>
#include <sys/types.h>

#include "varve/status.h"

#define DEV_PATH 4096
#define DEV_TEXT 64

struct dev_server {
    pid_t pid;                     /* 0: it has ended */
    char directory[DEV_PATH];      /* the log and the port's file lie in it, the store in `data` below it */
    char log_path[DEV_PATH + 16];
    char url[DEV_TEXT];            /* "varve://127.0.0.1:8278" */
    char http[DEV_TEXT];           /* "http://127.0.0.1:8279" */
    char kafka[DEV_TEXT];          /* "127.0.0.1:41234" */
};

/* The varved beside this program, or "varved", to be looked for in PATH. */
void dev_server_find(char ret_program[DEV_PATH]);

/* SIGINT, SIGTERM and SIGCHLD are blocked: dev_server_wait() takes them. */
void dev_signals_block(void);
/* In `child` they are as ever. */
void dev_signals_restore(void);

/* Start it and wait until it serves. server->directory is there. UNREACHABLE: it ended, with the last line of its log;
 * CANCELLED: SIGINT or SIGTERM came first. */
enum varve_status dev_server_start(struct dev_server *server, const char *program, uint16_t port,
                                   uint16_t http_port, struct varve_error *error);
/* SIGTERM, and wait. */
void dev_server_stop(struct dev_server *server);
/* Wait for SIGINT or SIGTERM (0), the end of `command` (its pid; its exit code in *ret_code), or the server's own (its
 * pid). command 0: there is none. */
pid_t dev_server_wait(struct dev_server *server, pid_t command, int *ret_code);

/* A directory with all that is in it. */
void dev_remove(const char *directory);

#endif
