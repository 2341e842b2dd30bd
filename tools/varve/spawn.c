/* spawn.c - see spawn.h. */
#include "spawn.h"

#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

extern char **environ;

static bool names_same(const char *variable, const char *other)
{
    size_t size = strcspn(variable, "=");

    return strncmp(variable, other, size) == 0 && other[size] == '=';
}

/* Our environment without what is set anew, then that. */
static char **make_environment(const char *const *variables)
{
    size_t own = 0, more = 0, count = 0;

    while (environ[own] != NULL)
        own++;
    while (variables[more] != NULL)
        more++;
    char **made = memory_take((own + more + 1) * sizeof(*made));
    for (size_t i = 0; i < own; i++) {
        bool replaced = false;
        for (size_t k = 0; k < more && !replaced; k++)
            replaced = names_same(variables[k], environ[i]);
        if (!replaced)
            made[count++] = environ[i];
    }
    for (size_t k = 0; k < more; k++)
        made[count++] = (char *)variables[k];
    return made;
}

int spawn_command(char *const *command, const char *const *variables, int in, int err, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    char **environment = make_environment(variables);

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE); /* which we ignore */
    posix_spawn_file_actions_init(&actions);
    if (in >= 0)
        posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (err >= 0)
        posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    int error = posix_spawnp(ret_pid, command[0], &actions, &attributes, command, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return error;
}
