#compdef varved
# zsh completion for varved: its options are what `varved --help` says, and so are the keys of its configuration.
_arguments '*:directory:_files -/' --
