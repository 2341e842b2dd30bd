# fish completion for varved: its options are what `varved --help` says, and so are the keys of its configuration.
function __varved_options
    varved --help 2>/dev/null | string match -rg -- '^ +(--[a-z][a-z0-9._-]*)'
end
function __varved_begins_option
    string match -q -- '-*' (commandline -ct)
end
complete -c varved -f -n __varved_begins_option -a '(__varved_options)'
complete -c varved -f -n 'not __varved_begins_option' -a '(__fish_complete_directories (commandline -ct))'
