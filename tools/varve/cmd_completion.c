/* cmd_completion.c - `varve completion SHELL`: the script that teaches a shell the commands and options. */
#include <string.h>

#include "commands.h"
#include "completion.h"

static const struct option_spec options[] = { { NULL, 0, NULL, NULL } };

/* `varve completion next -- WORD...` is what the scripts call. */
static int print_next(const struct cli *cli)
{
    int count = 0;

    while (cli->arguments.command[count] != NULL)
        count++;
    completion_print(stdout, count, cli->arguments.command);
    return CLI_OK;
}

static int run(struct cli *cli)
{
    struct varve_error error;
    const char *script = NULL;

    if (cli_words(cli, 1, 1, &error) != VARVE_OK)
        return cli_fail(cli, &error);
    if (strcmp(cli->arguments.words[0], "next") == 0 && cli->arguments.command != NULL)
        return print_next(cli);
    script = completion_script(cli->arguments.words[0]);
    if (script == NULL) {
        varve_fail(&error, VARVE_INVALID_ARGUMENT, "shell", "there is completion for bash, zsh and fish, not for "
                   "\"%.64s\"", cli->arguments.words[0]);
        return cli_fail(cli, &error);
    }
    fputs(script, stdout);
    return CLI_OK;
}

const struct command command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "print a script that completes commands and options in a shell",
    .details = "The package and `scons install` put the scripts where the shells look for them.",
    .options = options,
    .examples = "  source <(varve completion bash)\n"
                "  varve completion zsh > ~/.zfunc/_varve\n"
                "  varve completion fish > ~/.config/fish/completions/varve.fish\n",
    .takes_command = true,
    .run = run,
};
