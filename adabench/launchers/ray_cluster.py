"""A Ray cluster as a whole: how to reach it, what it has, and whether its head is still there."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adabench.errors import RequestError, one_line
from adabench.launchers.ray_worker import KEEPALIVE

NAMESPACE = "adabench"
"""Where in a cluster our workers have their names."""

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # of a Ray of our own; at its usual 15, workers starve beside any other work
    **dict.fromkeys(KEEPALIVE, "5000"),
}
"""What this process tells Ray by its environment, unless the user has."""
_REACH_SECONDS = 5.0
_LOOK_SECONDS = 2.0


def connect(address: str | None, *, cpus: int | None = None) -> None:
    """Join the cluster at an address, or start one on this machine; once in a process.

    Args:
        address: ``HOST:PORT`` of its head; None takes ``$RAY_ADDRESS``, or else starts one here.
        cpus: that one started here gives away; as many as there are when None.

    Raises:
        RequestError: Ray is not installed, or there is no such cluster.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    with _signals_kept():
        try:
            import ray
        except ImportError:
            raise RequestError("--launcher ray needs Ray: pip install 'adabench[ray]'") from None
        _be_quiet()
        if ray.is_initialized():
            return
        address = address or os.environ.get("RAY_ADDRESS") or "local"
        own: dict[str, Any] = {}
        if address == "local":
            own = {"include_dashboard": False, "num_cpus": cpus}
        else:
            _check(address)
        try:
            ray.init(
                address=address,
                namespace=NAMESPACE,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **own,
            )
        except Exception as error:  # Ray has many ways to say no
            raise RequestError(f"cannot use the Ray cluster at {address}: {one_line(error)}") from error


@dataclass(frozen=True, kw_only=True)
class Node:
    """One machine of a cluster, and what Ray may give away of it."""

    cpus: float
    gpus: float


def nodes() -> list[Node]:
    """The cluster's machines that are alive."""
    import ray

    have = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return [Node(cpus=each.get("CPU", 0.0), gpus=each.get("GPU", 0.0)) for each in have]


def head_here() -> "Head":
    """The head of the cluster that this process has joined."""
    import ray

    return Head(ray.get_runtime_context().gcs_address)


class Head:
    """The cluster's head, which everything but running workers depends on.

    Args:
        address: its ``HOST:PORT``.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._seen = self._looked = time.monotonic()

    def missing_seconds(self) -> float:
        """For how long it has not answered; 0 while it does."""
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            there = _answers(self.address, 1.0)
            self._looked = time.monotonic()
            if there:
                self._seen = self._looked
        return self._looked - self._seen


def _check(address: str) -> None:
    """Find out soon whether anything listens; Ray would take minutes."""
    if "://" in address:
        raise RequestError(
            f"--ray-address {address} is not allowed; give the head's HOST:PORT, as 10.0.0.1:6379"
        )
    if address != "auto" and not _answers(address, _REACH_SECONDS):
        cure = "start one there with: ray start --head"
        raise RequestError(f"no Ray cluster answers at {address} within {_REACH_SECONDS:.0f} s; {cure}")


def _answers(address: str, seconds: float) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=seconds):
            return True
    except (OSError, ValueError):
        return False


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Put SIGINT and SIGTERM back as they were: Ray takes the second for itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _be_quiet() -> None:
    """Keep what Ray tells of dead workers off stdout, which is for the sweep's answer; there is no option."""
    from ray._private import worker

    worker._worker_logs_enabled = False
