"""Where, when and with what a job ran."""

import functools
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

import adabench
from adabench.engine.device import device_name
from adabench.events import Environment


def utc_now() -> str:
    """The time in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def describe(device: torch.device, *, started: str, fingerprint: str | None) -> Environment:
    """The record of this process, this machine and this device."""
    return Environment(
        adabench=adabench.__version__,
        python=platform.python_version(),
        torch=torch.__version__,
        torchvision=_version("torchvision"),
        platform=platform.platform(),
        device=device_name(device),
        device_type=device.type,
        driver=torch.version.cuda if device.type == "cuda" else None,
        threads=torch.get_num_threads(),
        cudnn_autotuned=torch.backends.cudnn.benchmark if device.type == "cuda" else None,
        git_revision=_git_revision(),
        command=[Path(sys.argv[0]).name, *sys.argv[1:]],
        started=started,
        ended=utc_now(),
        dataset_fingerprint=fingerprint,
    )


@functools.cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@functools.cache
def _git_revision() -> str | None:
    """The revision of the working folder's repository, if it is one: that of the user's own code."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
