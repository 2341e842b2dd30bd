/* commands.c - the table of commands, in the order in which help shows them. */
#include "commands.h"

const struct command *const cli_commands[] = {
    &command_append,
    &command_import,
    &command_read,
    &command_tail,
    &command_stream_ls,
    &command_stream_info,
    &command_stream_truncate,
    &command_stream_retention,
    &command_stream_delete,
    &command_stream_tombstone,
    &command_stats,
    &command_ping,
    &command_check,
    NULL,
};
