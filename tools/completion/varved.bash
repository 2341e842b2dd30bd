# bash completion for varved: its options are what `varved --help` says, and so are the keys of its configuration.
_varved() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("${1/#\~/$HOME}" --help 2>/dev/null |
                                                grep -oE -- '^ +--[a-z][a-z0-9._-]*' | tr -d ' ')" -- "$current")
    elif [[ $before == --config || $before == *unix || $before == *port[-_]file ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    elif [[ $before != --* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
    fi
}
complete -F _varved varved
