#!/bin/sh
# The kill loop against the real server; see kill9.c for what it demands and its options.
exec "${VARVE_BUILD:-build/gcc-release}/tests/crash/kill9" "$@"
