/* commands.h - every command of varve; each is defined in its cmd_*.c. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include "cli.h"

extern const struct command command_append;
extern const struct command command_import;
extern const struct command command_read;
extern const struct command command_tail;
extern const struct command command_stream_ls;
extern const struct command command_stream_info;
extern const struct command command_stream_truncate;
extern const struct command command_stream_retention;
extern const struct command command_stream_delete;
extern const struct command command_stream_tombstone;
extern const struct command command_group_ls;
extern const struct command command_group_info;
extern const struct command command_group_create;
extern const struct command command_group_update;
extern const struct command command_group_reset;
extern const struct command command_group_delete;
extern const struct command command_group_work;
extern const struct command command_parked_ls;
extern const struct command command_parked_show;
extern const struct command command_parked_replay;
extern const struct command command_parked_discard;
extern const struct command command_snapshot_ls;
extern const struct command command_snapshot_show;
extern const struct command command_snapshot_delete;
extern const struct command command_snapshot_build;
extern const struct command command_snapshot_verify;
extern const struct command command_load;
extern const struct command command_rebuild;
extern const struct command command_saga_begin;
extern const struct command command_saga_step;
extern const struct command command_saga_compensate;
extern const struct command command_saga_complete;
extern const struct command command_saga_fail;
extern const struct command command_saga_archive;
extern const struct command command_saga_show;
extern const struct command command_saga_history;
extern const struct command command_saga_ls;
extern const struct command command_saga_stuck;
extern const struct command command_saga_counts;
extern const struct command command_saga_claim;
extern const struct command command_outbox_status;
extern const struct command command_outbox_pause;
extern const struct command command_outbox_resume;
extern const struct command command_outbox_rewind;
extern const struct command command_outbox_reset;
extern const struct command command_outbox_drain;
extern const struct command command_outbox_dead_ls;
extern const struct command command_outbox_dead_show;
extern const struct command command_outbox_dead_retry;
extern const struct command command_outbox_dead_discard;
extern const struct command command_outbox_verify;
extern const struct command command_outbox_history;
extern const struct command command_outbox_replay;
extern const struct command command_stats;
extern const struct command command_health;
extern const struct command command_config_show;
extern const struct command command_top;
extern const struct command command_ping;
extern const struct command command_check;
extern const struct command command_dev;
extern const struct command command_completion;

#endif
