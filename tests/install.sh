#!/bin/sh
# What `scons install` puts down is enough to build and run programs with, found through pkg-config, linked with the
# shared libraries and with the static ones. Ends with `N passed, N failed`.
set -u
cd "$(dirname "$0")/.."
root=$PWD
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
passed=0 failed=0

check() { # LABEL COMMAND...
    label=$1
    shift
    if "$@" >"$prefix/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $label"
        cat "$prefix/log"
    fi
}

builds() { # SOURCE PACKAGE HOW
    flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config $3 --cflags --libs "$2") || return 1
    if test "$3" = --static; then # By default the linker prefers shared libraries where both are.
        flags=$(echo "$flags" | sed 's/-lvarve_client/-l:libvarve_client.a/; s/-lvarve\b/-l:libvarve.a/')
    fi
    gcc -Wall -Wextra -Werror -pedantic -o "$prefix/program" "$1" $flags
}

runs() {
    cd "$prefix" && LD_LIBRARY_PATH="$prefix/lib" timeout 60 ./program
}

check "scons install" scons -Q install PREFIX="$prefix"
for program in varved varve varve-bench; do
    check "bin/$program is installed and knows --help" "$prefix/bin/$program" --help
done
for file in share/man/man1/varve.1 share/man/man8/varved.8 share/man/man5/varved.ini.5 lib/sysusers.d/varve.conf \
    share/bash-completion/completions/varve share/zsh/vendor-completions/_varved \
    share/fish/vendor_completions.d/varve.fish; do
    check "$file is installed" test -s "$prefix/$file"
done
check "the unit starts the varved that is installed" \
    grep -q "^ExecStart=$prefix/bin/varved " "$prefix/lib/systemd/system/varved.service"
for header in "$prefix"/include/varve/*.h; do
    check "$(basename "$header") stands alone" \
        gcc -std=c11 -Wall -Wextra -Werror -I"$prefix/include" -fsyntax-only "$header"
done

cat >"$prefix/embed.c" <<'END'
#include <stdio.h>
#include <varve/record.h>
#include <varve/store.h>

int main(void)
{
    struct varve_event event = { .stream = varve_view_str("a-1"), .type = varve_view_str("t") };
    struct varve_store *store;
    struct varve_error error;

    printf("%zu\n", varve_record_size(&event));
    if (varve_store_open("store", NULL, &store, &error) != VARVE_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    return varve_store_close(store) == VARVE_OK ? 0 : 1;
}
END
cat >"$prefix/talk.c" <<'END'
#include <varve/client.h>

int main(void)
{
    struct varve_client *client;

    if (varve_client_create("varve://127.0.0.1:1", NULL, &client, NULL) != VARVE_OK)
        return 1;
    int unreachable = varve_client_connect(client, NULL) != VARVE_OK;
    varve_client_free(client);
    return unreachable ? 0 : 1;
}
END
for how in --shared --static; do
    check "a program that embeds the store, $how" builds "$prefix/embed.c" varve $how
    check "it runs" runs
    rm -rf "$prefix/store"
    check "a program that talks to a server, $how" builds "$prefix/talk.c" varve-client $how
    check "it runs" runs
done

only_public() { # LIBRARY
    ! nm -D --defined-only "$1" | awk '{ print $3 }' | grep -v '^varve_'
}
check "libvarve.so shows public names only" only_public "$prefix/lib/libvarve.so"
check "libvarve_client.so shows public names only" only_public "$prefix/lib/libvarve_client.so"

# The programs that the documents show, compiled as they say.
for how in --shared --static; do
    check "docs/examples/embed.c, $how" builds "$root"/docs/examples/embed.c varve $how
    for example in account billing client order_saga process_manager subscribe worker; do
        check "docs/examples/$example.c, $how" builds "$root/docs/examples/$example.c" varve-client $how
    done
done

no_lmdb() {
    ! ldd "$prefix/lib/libvarve_client.so" | grep -E 'lmdb|libuv'
}
check "the client needs neither LMDB nor libuv" no_lmdb

hardened() { # PROGRAM
    readelf -hldW "$1" >"$prefix/elf" && grep -q "Type:.*DYN" "$prefix/elf" && grep -q "GNU_RELRO" "$prefix/elf" &&
        grep -qE "BIND_NOW|FLAGS_1.*NOW" "$prefix/elf" && ! grep -q "GNU_STACK.*RWE" "$prefix/elf"
}
for program in varved varve varve-bench; do
    check "$program is position independent, with relro and immediate binding" hardened "$prefix/bin/$program"
done

echo "$passed passed, $failed failed"
test "$failed" = 0
