/* completion.c - see completion.h. */
#include "completion.h"

#include <ctype.h>
#include <string.h>

enum { NAME_WORDS = 3 }; /* of a command */

/* A command line so far. */
struct line {
    const struct command *command; /* NULL: its name is not complete */
    const struct option_spec *open; /* an option whose value comes next; NULL: none */
    char *name[NAME_WORDS];        /* the words of the command's name, while it is not known */
    int name_words, words;         /* `words`: behind the command */
    bool help, foreign, glued;     /* `varve help ...`; behind "--"; the next word is a part of the one before */
};

/* What options take that do not take just anything. */
static const struct { const char *option, *words[4]; } known_values[] = {
    { "output", { "table", "json", "ndjson" } },
    { "expected", { "any", "no_stream", "stream_exists" } },
    { "class", { "domain", "integration", "realtime" } },
    { "content-type", { "application/json", "application/msgpack", "application/octet-stream" } },
    { "after", { "start", "end" } },
};

static void offer(FILE *file, const char *begun, const char *dashes, const char *word, size_t size, const char *meaning)
{
    char text[128];

    if (snprintf(text, sizeof(text), "%s%.*s", dashes, (int)size, word) < (int)sizeof(text) &&
        strncmp(text, begun, strlen(begun)) == 0)
        fprintf(file, "%s\t%s\n", text, meaning);
}

/* ---- what has been written --------------------------------------------------------------------------------------- */

static const struct option_spec *find_option(const struct option_spec *options, const char *word)
{
    for (const struct option_spec *s = options; s->name != NULL; s++) {
        if (word[1] == '-' ? strcmp(word + 2, s->name) == 0 : word[1] == s->letter && word[2] == '\0')
            return s;
    }
    return NULL;
}

static void take_option(struct line *line, const char *word)
{
    const struct option_spec *spec = find_option(cli_options, word);

    if (spec == NULL && line->command != NULL)
        spec = find_option(line->command->options, word);
    line->open = spec != NULL && spec->value != NULL ? spec : NULL;
}

static void take_word(struct line *line, char *word)
{
    int used;

    if (line->command != NULL) {
        line->words++;
        return;
    }
    if (line->name_words == 0 && !line->help && strcmp(word, "help") == 0) {
        line->help = true;
        return;
    }
    if (line->name_words < NAME_WORDS)
        line->name[line->name_words++] = word;
    line->command = cli_find_command(line->name_words, line->name, &used);
}

/* bash makes three words of --name=value, and of what has a colon in it. */
static void take(struct line *line, char *word)
{
    if (strcmp(word, "=") == 0 || strcmp(word, ":") == 0) {
        line->glued = line->open == NULL;
    } else if (line->glued) {
        line->glued = false;
    } else if (line->open != NULL) {
        line->open = NULL;
    } else if (strcmp(word, "--") == 0) {
        line->foreign = true;
    } else if (word[0] == '-' && word[1] != '\0') {
        take_option(line, word);
    } else {
        take_word(line, word);
    }
}

/* ---- what may come ----------------------------------------------------------------------------------------------- */

static void offer_options(FILE *file, const struct option_spec *options, const char *begun)
{
    for (const struct option_spec *s = options; s->name != NULL; s++)
        offer(file, begun, "--", s->name, strlen(s->name), s->help);
}

static void offer_path(FILE *file, const char *what)
{
    if (strstr(what, "FILE") != NULL)
        fputs(":files\n", file);
    else if (strstr(what, "DIR") != NULL)
        fputs(":folders\n", file);
}

static void offer_values(FILE *file, const struct option_spec *option, const char *begun)
{
    for (size_t i = 0; i < sizeof(known_values) / sizeof(known_values[0]); i++) {
        for (size_t w = 0; strcmp(known_values[i].option, option->name) == 0 && known_values[i].words[w] != NULL; w++)
            offer(file, begun, "", known_values[i].words[w], strlen(known_values[i].words[w]), "");
    }
    offer_path(file, option->value);
}

/* The part of a command's name behind the words that are there; NULL: it begins otherwise. */
static const char *rest_of_name(const struct line *line, const char *name)
{
    for (int i = 0; i < line->name_words; i++) {
        size_t size = strlen(line->name[i]);

        if (strncmp(name, line->name[i], size) != 0 || name[size] != ' ')
            return NULL;
        name += size + 1;
    }
    return name;
}

/* The next word of each command that begins so; those that begin alike follow each other in the table. */
static void offer_names(FILE *file, const struct line *line, const char *begun)
{
    const char *before = "";
    size_t before_size = 0;

    for (const struct command *const *c = cli_commands; *c != NULL; c++) {
        const char *rest = rest_of_name(line, (*c)->name);
        size_t size = rest != NULL ? strcspn(rest, " ") : 0;

        if (rest == NULL || (size == before_size && memcmp(rest, before, size) == 0))
            continue;
        offer(file, begun, "", rest, size, rest[size] == '\0' ? (*c)->summary : "...");
        before = rest;
        before_size = size;
    }
    if (line->name_words == 0 && !line->help)
        offer(file, begun, "", "help", 4, "explain a command");
}

/* Of "bash|zsh|fish": what the first word behind the command must be. */
static void offer_alternatives(FILE *file, const char *arguments, const char *begun)
{
    while (islower((unsigned char)*arguments)) {
        size_t size = strcspn(arguments, "| ");

        offer(file, begun, "", arguments, size, "");
        arguments += size + (arguments[size] == '|');
    }
}

void completion_print(FILE *file, int count, char *const *words)
{
    const char *begun = count > 0 ? words[count - 1] : "";
    struct line line = { 0 };

    for (int i = 0; i + 1 < count && !line.foreign; i++)
        take(&line, words[i]);
    if (strcmp(begun, "=") == 0)
        begun = "";
    if (line.foreign) {
        fputs(":files\n", file);
    } else if (line.open != NULL) {
        offer_values(file, line.open, begun);
    } else if (begun[0] == '-') {
        if (line.command != NULL)
            offer_options(file, line.command->options, begun);
        offer_options(file, cli_options, begun);
    } else if (line.command == NULL) {
        offer_names(file, &line, begun);
    } else if (!line.help) {
        if (line.words == 0)
            offer_alternatives(file, line.command->arguments, begun);
        offer_path(file, line.command->arguments);
    }
}

/* ---- the shells -------------------------------------------------------------------------------------------------- */

static const char bash_script[] =
    "# bash completion for varve, made by `varve completion bash`.\n"
    "_varve() {\n"
    "    local line more= current=${COMP_WORDS[COMP_CWORD]}\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        :*) more=${line#:} ;;\n"
    "        *) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
    "        esac\n"
    "    done < <(\"${1/#\\~/$HOME}\" completion next -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "    test \"$current\" != = || current=\n"
    "    case $more in\n"
    "    files) compopt -o filenames; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
    "    folders) compopt -o filenames; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _varve varve\n";

static const char zsh_script[] =
    "#compdef varve\n"
    "# zsh completion for varve, made by `varve completion zsh`.\n"
    "_varve() {\n"
    "    local line more=\n"
    "    local -a found\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        :*) more=${line#:} ;;\n"
    "        *) found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
    "        esac\n"
    "    done < <(${~words[1]} completion next -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "    (( $#found )) && _describe -V varve found\n"
    "    case $more in\n"
    "    files) _files ;;\n"
    "    folders) _files -/ ;;\n"
    "    esac\n"
    "}\n"
    "if [[ $funcstack[1] == _varve ]]; then _varve \"$@\"; else compdef _varve varve; fi\n";

static const char fish_script[] =
    "# fish completion for varve, made by `varve completion fish`.\n"
    "function __varve_next\n"
    "    set -l before (commandline -opc)\n"
    "    set -l begun (commandline -ct)\n"
    "    for line in ($before[1] completion next -- $before[2..-1] \"$begun\" 2>/dev/null)\n"
    "        switch $line\n"
    "            case ':files'\n"
    "                __fish_complete_path \"$begun\"\n"
    "            case ':folders'\n"
    "                __fish_complete_directories \"$begun\"\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c varve -f -a '(__varve_next)'\n";

const char *completion_script(const char *shell)
{
    static const struct { const char *shell, *script; } all[] = {
        { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].shell, shell) == 0)
            return all[i].script;
    }
    return NULL;
}
