/* main.c - the command table, and nothing else. */
#include "runtime/cli/cli.h"

int main(int argc, char **argv)
{
	const struct cli_command commands[] = {
		cmd_up,     cmd_plan,    cmd_down,     cmd_ps,      cmd_logs,
		cmd_exec,   cmd_run,     cmd_start,    cmd_stop,    cmd_restart,
		cmd_kill,   cmd_config,  cmd_load,     cmd_pull,    cmd_images,
		cmd_rmi,    cmd_import,  cmd_save,     cmd_tag,     cmd_prune,
		cmd_df,     cmd_mount,   cmd_umount,   cmd_inspect, cmd_launch,
		cmd_health, cmd_refresh, cmd_tidy,     cmd_oom,     cmd_oci,
		cmd_events, cmd_stats,   cmd_top,      cmd_port,    cmd_metrics,
		cmd_answer, cmd_unit,    cmd_rollback,
	};

	return cli_main(commands, sizeof(commands) / sizeof(commands[0]), argc, argv);
}
