#!/usr/bin/env python3
"""Completion as shells do it, and the manual as man shows it."""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import PATIENCE_S, bin_dir, run  # noqa: E402

VARVE = os.path.join(os.path.abspath(bin_dir()), "varve")


def call(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL, **more)


def varve(*arguments):
    done = call([VARVE, *arguments])
    return done.returncode, done.stdout, done.stderr


def in_bash(directory, line):
    """What bash itself makes of TAB at the end of this line, as readline's `complete` would list it."""
    os.makedirs(directory, exist_ok=True)
    script = """
        source <(varve completion bash) || exit 9
        COMP_LINE=$1 COMP_POINT=${#1}
        # The words as readline parts them: at blanks, at = and at :, which are words of their own.
        mapfile -t COMP_WORDS < <(sed -E 's/([=:]+)/ \\1 /g' <<< "$1" | tr -s ' ' '\\n' | sed '/^$/d')
        [[ $1 != *[\\ ] ]] || COMP_WORDS+=("")
        COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
        compopt() { :; }  # Knows only the completion that readline began.
        _varve varve "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    path = os.path.dirname(VARVE) + ":" + os.environ["PATH"]
    done = call(["bash", "--norc", "-c", script, "bash", line], cwd=directory, env=dict(os.environ, PATH=path))
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout.split()


def bash_completes(directory):
    assert in_bash(directory, "varve strea") == ["stream"]
    assert in_bash(directory, "varve stream t") == ["truncate", "tombstone"]
    assert in_bash(directory, "varve --server varve://127.0.0.1:8278 pin") == ["ping"]
    assert in_bash(directory, "varve append order-42 t --expected ") == ["any", "no_stream", "stream_exists"]
    assert in_bash(directory, "varve append order-42 t --expected=n") == ["no_stream"]
    assert in_bash(directory, "varve read --since 1h --cat") == ["--category"]
    open(os.path.join(directory, "events.ndjson"), "w").close()
    os.mkdir(os.path.join(directory, "events"))
    assert sorted(in_bash(directory, "varve import ev")) == ["events", "events.ndjson"]
    assert in_bash(directory, "varve check ev") == ["events"]


def in_a_terminal(directory):
    """An interactive bash, and a real TAB."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(PATH=os.path.dirname(VARVE) + ":" + os.environ["PATH"], PS1="> ", TERM="dumb",
                          INPUTRC="/dev/null")
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    seen = b""

    def wait_for(text):
        nonlocal seen
        until = time.monotonic() + PATIENCE_S
        while text not in seen:
            assert time.monotonic() < until, seen
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536)

    try:
        os.write(terminal, b"source <(varve completion bash) && echo read''y\n")
        wait_for(b"ready")
        os.write(terminal, b"varve stream tom\t")
        wait_for(b"varve stream tombstone")
        os.write(terminal, b"order-1 --hel\t")
        wait_for(b"--help")
        os.write(terminal, b"\n")
        wait_for(b"Usage: varve stream tombstone")
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def other_shells_take_their_scripts(directory):
    for shell in ("zsh", "fish"):
        code, script, _ = varve("completion", shell)
        assert code == 0 and "completion next" in script
        if shutil.which(shell):
            done = subprocess.run([shell, "-n", "/dev/stdin"], input=script, capture_output=True, text=True,
                                  timeout=PATIENCE_S, check=False)
            assert done.returncode == 0, done
        else:
            print(f"note: no {shell} here, its script is not parsed")


def fish_completes(directory):
    if not shutil.which("fish"):
        print("note: no fish here")
        return
    path = os.path.dirname(VARVE) + ":" + os.environ["PATH"]
    done = call(["fish", "-c", "varve completion fish | source; complete -C 'varve stream t'"],
                env=dict(os.environ, PATH=path, HOME=os.path.dirname(directory)))
    assert sorted(line.split("\t")[0] for line in done.stdout.splitlines()) == ["tombstone", "truncate"], done


def wrong_usage_is_told(directory):
    code, out, err = varve("completion", "csh")
    assert code == 2 and out == "" and "bash, zsh and fish" in err, err
    code, out, err = varve("completion")
    assert code == 2 and "too few arguments" in err, err


def man_shows_the_manual(directory):
    os.makedirs(directory)
    page = os.path.join(directory, "varve.1")
    code, out, err = varve("help", "--man")
    assert code == 0 and err == ""
    with open(page, "w") as file:
        file.write(out)
    done = call(["man", "--warnings", "-l", page], env=dict(os.environ, MANWIDTH="100", LC_ALL="C.UTF-8"))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    for text in ("varve append STREAM TYPE [DATA|-|@FILE]", "-e, --expected VERSION", "EXIT STATUS", "varved(8)"):
        assert text in done.stdout, text


def the_server_has_manuals_and_completion_too(directory):
    os.makedirs(directory)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    varved = os.path.join(os.path.dirname(VARVE), "varved")
    for name, section, option in (("varved", 8, "--help"), ("varved.ini", 5, "--help-config")):
        made = call([os.path.join(root, "tools", "manual"), name, varved])
        assert made.returncode == 0, made
        page = os.path.join(directory, f"{name}.{section}")
        with open(page, "w") as file:
            file.write(made.stdout)
        done = call(["man", "--warnings", "-l", page], env=dict(os.environ, MANWIDTH="100", LC_ALL="C.UTF-8"))
        assert done.returncode == 0 and done.stderr == "", done.stderr
        for line in call([varved, option]).stdout.splitlines():
            told = re.match(r"  (--[a-z][\w.-]*|[\w.]+ =)", line)
            assert not told or re.search(r"^ {7}" + re.escape(told.group(1)), done.stdout, re.M), (line, done.stdout)
    script = f"""source {root}/tools/completion/varved.bash
        COMP_WORDS=("$1" --conf) COMP_CWORD=1; _varved "$1"; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = call(["bash", "--norc", "-c", script, "bash", varved])
    assert done.stdout == "--config\n" and done.stderr == "", done


if __name__ == "__main__":
    run([bash_completes, in_a_terminal, other_shells_take_their_scripts, fish_completes, wrong_usage_is_told,
         man_shows_the_manual, the_server_has_manuals_and_completion_too])
