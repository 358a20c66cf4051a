"""A SLURM of a few lines for tests without a cluster: it starts each task at once, as a process of its own.

`install` makes the commands, which are this file under other names. A job is a folder of the state, named
by its number, with a file for each fact of it: its name, its place in the array, its state, its process.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

STATE = "PRETEND_SLURM"
"""The variable that names the folder of the state."""

REFUSAL = "PRETEND_SLURM_REFUSES"
"""The variable that says why nothing is taken."""

Words = list[str]


def install(folder: Path) -> dict[str, str]:
    """Make the commands in a folder; the variables with which they are found."""
    state, commands = folder / "state", folder / "bin"
    state.mkdir(parents=True)
    commands.mkdir()
    for name in COMMANDS:
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -S {Path(__file__).resolve()} {name} "$@"\n')
        command.chmod(0o755)
    return {STATE: str(state), "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}


def end(folder: Path) -> None:
    """End what still runs."""
    for process in folder.glob("state/*/process"):
        with suppress(ProcessLookupError):
            os.killpg(int(process.read_text()), signal.SIGKILL)


def sbatch(words: Words) -> None:
    if refusal := os.environ.get(REFUSAL):
        sys.exit(f"sbatch: error: {refusal}")
    script = Path(words[-1])
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", script.read_text(), re.MULTILINE))
    last = re.match(r"0-(\d+)", options.get("array", ""))
    numbers = range(int(last[1]) + 1) if last else [None]
    first = 1 + len(list(_state().iterdir()))
    for number, place in enumerate(numbers, start=first):
        job = _state() / str(number)
        job.mkdir()
        facts = {"name": options["job-name"], "place": "N/A" if place is None else str(place)}
        for fact, value in {**facts, "state": "PENDING", "restarts": "0"}.items():
            (job / fact).write_text(value)
        variables = {"SLURM_JOB_ID": str(number)}
        if place is not None:
            variables |= {"SLURM_ARRAY_JOB_ID": str(first), "SLURM_ARRAY_TASK_ID": str(place)}
        subprocess.Popen(
            [sys.executable, "-S", __file__, "daemon", str(job), str(script)],
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    sys.stdout.write(f"Submitted batch job {first}\n")


def daemon(words: Words) -> None:
    """Run a job's script, again where it asked for that."""
    job, script = Path(words[0]), words[1]
    again = True
    while again:
        (job / "state").write_text("RUNNING")
        restarts = (job / "restarts").read_text()
        task = subprocess.Popen(
            ["bash", script], env=os.environ | {"SLURM_RESTART_COUNT": restarts}, start_new_session=True
        )
        (job / "process").write_text(str(task.pid))
        code = task.wait()
        again = (job / "requeue").exists()
        (job / "requeue").unlink(missing_ok=True)
        (job / "restarts").write_text(str(int(restarts) + 1))
    if (job / "state").read_text() == "RUNNING":
        (job / "state").write_text("FAILED" if code else "COMPLETED")


def srun(words: Words) -> None:
    job, array, place = (
        os.environ.get(f"SLURM_{name}", "") for name in ("JOB_ID", "ARRAY_JOB_ID", "ARRAY_TASK_ID")
    )
    for number, flag in ((1, "--output"), (2, "--error")):
        path = words[words.index(flag) + 1]
        for sign, value in {"%j": job, "%A": array, "%a": place, "%t": "0"}.items():
            path = path.replace(sign, value)
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    command = words[next(i for i, word in enumerate(words) if word.endswith("-u")) - 1 :]
    os.execv(command[0], command)


def squeue(words: Words) -> None:
    wanted = dict(word.removeprefix("--").split("=", 1) for word in words if "=" in word)
    for job in sorted(_state().iterdir(), key=lambda path: int(path.name)):
        facts = {fact: (job / fact).read_text() for fact in ("name", "place", "state")}
        if wanted.get("name", facts["name"]) == facts["name"] and wanted.get("jobs", job.name) == job.name:
            line = wanted["format"].replace("%K", facts["place"]).replace("%T", facts["state"])
            sys.stdout.write(line + "\n")


def scontrol(words: Words) -> None:
    if words[0] == "requeue":
        (_state() / words[1] / "requeue").touch()
        os.killpg(int((_state() / words[1] / "process").read_text()), signal.SIGKILL)
    else:
        sys.stdout.write("ClusterName             = pretended\n")


def scancel(words: Words) -> None:
    name = words[0].removeprefix("--name=")
    for job in _state().iterdir():
        if (job / "name").read_text() == name and (job / "state").read_text() == "RUNNING":
            (job / "state").write_text("CANCELLED")
            os.killpg(int((job / "process").read_text()), signal.SIGKILL)


def sinfo(_: Words) -> None:
    sys.stdout.write("low\nhigh\n")


def _state() -> Path:
    return Path(os.environ[STATE])


COMMANDS: dict[str, Callable[[Words], None]] = {
    each.__name__: each for each in (sbatch, daemon, srun, squeue, scontrol, scancel, sinfo)
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](sys.argv[2:])
