/* spawn.h - a command started in a process group of its own, with pipes for some of its files. */
#ifndef TOOLS_SPAWN_H
#define TOOLS_SPAWN_H

#include <sys/types.h>

/* `command` and `variables` ("NAME=VALUE", set besides our own environment) end with a NULL; the command is looked up
 * in PATH. in, err: its standard input and error; -1: ours. 0, or an errno. */
int spawn_command(char *const *command, const char *const *variables, int in, int err, pid_t *ret_pid);

#endif
