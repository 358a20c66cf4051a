"""Processes seen from outside, as /proc tells of them, and commands started to be stopped."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

NO_ORPHAN_AFTER_SECONDS = 5.0
PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.02


def start(words: list[str], folder: Path, **environment: str) -> "subprocess.Popen[str]":
    """Start the command in ``folder``, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "adabench", *words],
        cwd=folder,
        env=os.environ | environment | {"ADABENCH_DATA_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "stderr").open("a"),
        text=True,
        start_new_session=True,
    )


def family(session: int) -> dict[int, int]:
    """The living processes of a session, each with its parent."""
    found = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            state, parent, _, its_session = _stat(path)
            if state not in ("Z", "") and its_session == str(session):
                found[int(path.name)] = int(parent)
    return found


def orphans(session: int) -> list[int]:
    """What is left of a session when its processes have had their time to end."""
    holds(lambda: not family(session), NO_ORPHAN_AFTER_SECONDS)
    return list(family(session))


def holds(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> bool:
    """Wait until something holds; whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _stat(path: Path) -> list[str]:
    try:
        return (path / "stat").read_text().rpartition(") ")[2].split()[:4]
    except (FileNotFoundError, ProcessLookupError):
        return ["", "", "", ""]
