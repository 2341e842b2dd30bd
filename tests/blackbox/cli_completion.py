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
PATH = os.path.dirname(VARVE) + ":" + os.environ["PATH"]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def call(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL, **more)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


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
    done = call(["bash", "--norc", "-c", script, "bash", line], cwd=directory, env=dict(os.environ, PATH=PATH))
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


class Terminal:
    """An interactive shell in one, in which a TAB is real. A context manager: gone with it."""

    def __init__(self, directory, command, **environment):
        os.makedirs(directory)
        self.seen = b""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.environ.update(PATH=PATH, PS1="> ", TERM="dumb", HOME=directory, **environment)
            os.execvp(command[0], command)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)
        os.close(self.terminal)

    def type(self, text):
        os.write(self.terminal, text)

    def wait_for(self, text):
        until = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            assert time.monotonic() < until, self.seen
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 65536)


def bash_completes_in_a_terminal(directory):
    with Terminal(directory, ["bash", "--norc", "--noprofile", "-i"], INPUTRC="/dev/null") as terminal:
        terminal.type(b"source <(varve completion bash) && echo read''y\n")
        terminal.wait_for(b"ready")
        terminal.type(b"varve stream tom\t")
        terminal.wait_for(b"varve stream tombstone")
        terminal.type(b"order-1 --hel\t")
        terminal.wait_for(b"--help")
        terminal.type(b"\n")
        terminal.wait_for(b"Usage: varve stream tombstone")


def zsh_completes_in_a_terminal(directory):
    if not shutil.which("zsh"):
        print("note: no zsh here")
        return
    with Terminal(directory, ["zsh", "-f", "-i"]) as terminal:
        terminal.type(b"autoload -Uz compinit && compinit -u -D && source <(varve completion zsh) && echo read''y\n")
        terminal.wait_for(b"ready")
        terminal.type(b"varve stream tom\torder-1 --hel\t\n")
        terminal.wait_for(b"Usage: varve stream tombstone")


def other_shells_take_their_scripts(directory):
    for shell in ("zsh", "fish"):
        code, script, _ = varve("completion", shell)
        assert code == 0 and "completion next" in script
        if not shutil.which(shell):
            print(f"note: no {shell} here, its scripts are not parsed")
            continue
        for text in (script, read(os.path.join(ROOT, "tools", "completion", f"varved.{shell}"))):
            done = subprocess.run([shell, "-n", "/dev/stdin"], input=text, capture_output=True, text=True,
                                  timeout=PATIENCE_S, check=False)
            assert done.returncode == 0, done


def in_fish(directory, script, line):
    """What it would offer at the end of this line, without the descriptions behind it."""
    done = call(["fish", "--no-config", "-c", f"{script}; complete -C '{line}'"],
                env=dict(os.environ, PATH=PATH, HOME=directory))
    assert done.returncode == 0 and done.stderr == "", done
    return sorted(offer.split("\t")[0] for offer in done.stdout.splitlines())


def fish_completes(directory):
    if not shutil.which("fish"):
        print("note: no fish here")
        return
    os.makedirs(directory)
    script = "varve completion fish | source"
    assert in_fish(directory, script, "varve stream t") == ["tombstone", "truncate"]
    assert in_fish(directory, script, "varve append order-42 t --expected ") == ["any", "no_stream", "stream_exists"]
    script = f"source {ROOT}/tools/completion/varved.fish"
    assert in_fish(directory, script, "varved --conf") == ["--config"]


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
    varved = os.path.join(os.path.dirname(VARVE), "varved")
    for name, section, option in (("varved", 8, "--help"), ("varved.ini", 5, "--help-config")):
        made = call([os.path.join(ROOT, "tools", "manual"), name, varved])
        assert made.returncode == 0, made
        page = os.path.join(directory, f"{name}.{section}")
        with open(page, "w") as file:
            file.write(made.stdout)
        done = call(["man", "--warnings", "-l", page], env=dict(os.environ, MANWIDTH="100", LC_ALL="C.UTF-8"))
        assert done.returncode == 0 and done.stderr == "", done.stderr
        for line in call([varved, option]).stdout.splitlines():
            told = re.match(r"  (--[a-z][\w.-]*|[\w.]+ =)", line)
            assert not told or re.search(r"^ {7}" + re.escape(told.group(1)), done.stdout, re.M), (line, done.stdout)
    script = f"""source {ROOT}/tools/completion/varved.bash
        COMP_WORDS=("$1" --conf) COMP_CWORD=1; _varved "$1"; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = call(["bash", "--norc", "-c", script, "bash", varved])
    assert done.stdout == "--config\n" and done.stderr == "", done


if __name__ == "__main__":
    run([bash_completes, bash_completes_in_a_terminal, zsh_completes_in_a_terminal, other_shells_take_their_scripts,
         fish_completes, wrong_usage_is_told, man_shows_the_manual, the_server_has_manuals_and_completion_too])
