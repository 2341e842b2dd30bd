#!/bin/bash
# varve-bench from outside: every section runs and prints its cases, the JSON says the same, bad options are refused.
set -u
bin=${VARVE_BIN_DIR:-${VARVE_BUILD:-build/gcc-release}/bin}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0

check() { # what, then a command
    local what=$1
    shift
    if "$@" >"$scratch/out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $what"
        tail -5 "$scratch/out"
    fi
}

says() { # file, then texts that must all stand in it
    local file=$1 text
    shift
    for text in "$@"; do
        grep -qF -- "$text" "$file" || { echo "missing: $text"; return 1; }
    done
}

"$bin/varve-bench" --quick --dir "$scratch" --json "$scratch/figures.json" >"$scratch/table" 2>"$scratch/errors"
check "a quick run ends well" test $? -eq 0
check "every section is there" says "$scratch/table" "append, engine alone" "read, engine alone" \
    "append, through the server" "read, through the server" "append to subscriber" "catching up" "consumer groups" \
    "metrics: appends while scraped" \
    "append over HTTP" "read over HTTP" "push: events at the clients" "push: the appends meanwhile" \
    "outbox, to a mock of Kafka" "backlog of 20 k, at_least_once" "growth, engine alone" "open after a crash"
check "appends stand beside the raw limit" grep -Eq '^W1 .* [0-9.]+ +0\.90$' "$scratch/table"
check "the JSON has rows with ratios" python3 -c "
import json, sys
rows = json.load(open('$scratch/figures.json'))['rows']
assert len(rows) >= 10 and any('ratio' in row for row in rows)
assert all(row['varve']['per_second'] > 0 for row in rows), rows"
check "nothing is said on stderr" test ! -s "$scratch/errors"
check "an unknown section is exit 2" bash -c "'$bin/varve-bench' frob; test \$? -eq 2"
check "a bad number is exit 2" bash -c "'$bin/varve-bench' --rounds none; test \$? -eq 2"
check "help shows examples" bash -c "'$bin/varve-bench' --help | grep -q examples"

interrupted() { # Stopped in the middle, by the signal given.
    local folder="$scratch/here" name
    name=$(readlink -f "$bin")/varve-bench
    mkdir -p "$folder" && cd "$folder" || return 1
    "$name" --seconds 60 engine-append &
    for _ in $(seq 600); do
        ls varve-bench-*/engine >/dev/null 2>&1 && break
        sleep 0.1
    done
    ls varve-bench-*/engine || return 1
    kill -"$1" $!
    wait $!
    test $? -eq "$2" && test -z "$(ls)"
}
check "a run that is stopped leaves nothing behind" interrupted TERM 143
echo "$passed passed, $failed failed"
test "$failed" -eq 0
