#!/usr/bin/env python3
"""The Debian package: built, clean for lintian, installed, upgraded under load, removed, purged; events outlive it all.

On a machine of its own, see box, with the real systemd and the real sandbox where that can be had."""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIMEOUT_S = 280
CANNOT = 77


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S,
                          check=False, **more)


def must(*command, **more):
    done = run(*command, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def newer(package, folder):
    """The same package with a higher version and a file more."""
    tree = os.path.join(folder, "tree")
    must("dpkg-deb", "--raw-extract", package, tree)
    must("sed", "-i", "s/^Version: .*/&+new/", f"{tree}/DEBIAN/control")
    with open(f"{tree}/usr/share/doc/varve/new", "w", encoding="utf-8") as file:
        file.write("new\n")
    must("dpkg-deb", "--build", "--root-owner-group", "-Znone", tree, os.path.join(folder, "new.deb"))
    shutil.rmtree(tree)


def main():
    folder = tempfile.mkdtemp(prefix="varve-package-")
    try:
        said = must("tools/package", "--reuse", "--no-install", "--out", folder, cwd=ROOT)
        for begin, name in (("varve_", "old.deb"), ("libvarve-dev_", "dev.deb")):
            package = [line for line in said.split() if os.path.basename(line).startswith(begin)][0]
            os.rename(package, os.path.join(folder, name))
        newer(os.path.join(folder, "old.deb"), folder)
        for file in "tests/packaging/inside", "docs/examples/client.c", "docs/examples/embed.c":
            shutil.copy(os.path.join(ROOT, file), folder)
        box = os.path.join(ROOT, "tests/packaging/box")
        done = run(box, folder)
        if done.returncode == CANNOT:
            print(f"NOT WITH SYSTEMD: {done.stdout.strip()}; the package is tried in a chroot instead", flush=True)
            done = run(box, folder, "--")
        if done.returncode == CANNOT:
            print(f"NOT INSTALLED: {done.stdout.strip()}; the package was only built", flush=True)
            print("1 passed, 0 failed")
            return 0
        with open(os.path.join(folder, "output"), encoding="utf-8") as output:
            print(output.read().rstrip())
        return done.returncode
    except AssertionError as error:
        print(f"{error}\n0 passed, 1 failed")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
