"""Ray hosts on one machine: network namespaces on a bridge, a head without CPUs and workers with one each.

Needs root, iproute2 and Ray. Everything that runs in a host is ended with it.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from adabench.launchers.ray_cluster import SETTINGS

RAY = Path(sys.executable).parent / "ray"
PORT = 6379
START_SECONDS = 120.0


def possible() -> bool:
    """Whether hosts can be made here."""
    if not (shutil.which("ip") and RAY.exists()):
        return False
    name = f"r{secrets.token_hex(4)}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except subprocess.CalledProcessError:  # not root, or root of a box that may not
        return False
    return True


class Hosts:
    """A head, host 0, and workers, hosts 1 and up; for as long as a ``with`` block lasts.

    Args:
        workers: how many.
    """

    def __init__(self, workers: int = 2) -> None:
        self._name, self.workers = f"r{secrets.token_hex(2)}", workers
        self._home = Path(tempfile.mkdtemp(prefix="ray-home-"))  # its own: Ray keeps a token there
        (self._home / ".ray").mkdir()
        (self._home / ".ray" / "auth_token").write_text(secrets.token_hex(32))
        mine = {"RAY_AUTH_MODE": "token", "OMP_NUM_THREADS": "1"}
        self._environment = os.environ | SETTINGS | mine | {"HOME": str(self._home)}
        self._subnet = f"10.{64 + secrets.randbelow(64)}.{secrets.randbelow(256)}"
        self.address = f"{self._subnet}.1:{PORT}"

    def __enter__(self) -> "Hosts":
        try:
            _ip("link", "add", f"{self._name}br", "type", "bridge")
            _ip("link", "set", f"{self._name}br", "up")
            for host in range(1 + self.workers):
                self._make(host)
            self.restart()
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self._clear()

    def start(self, host: int, command: list[str], log: Path) -> "subprocess.Popen[bytes]":
        """Start a program on a host; what it writes goes to a file."""
        with log.open("ab") as file:
            return subprocess.Popen(
                ["ip", "netns", "exec", self._host(host), *command],
                env=self._environment | {"RAY_ADDRESS": self.address},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def restart(self) -> None:
        """Start Ray on all hosts, once nothing runs on them."""
        self._ray(0, "--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false")
        for host in range(1, 1 + self.workers):  # by turns: they share a folder, and starting at once fails
            self._ray(host, f"--address={self.address}", "--num-cpus=1")

    def cut(self, host: int) -> None:
        """Take a host's link down."""
        _ip("link", "set", f"{self._name}v{host}", "down")

    def heal(self, host: int) -> None:
        """Bring a host's link up again."""
        _ip("link", "set", f"{self._name}v{host}", "up")

    def kill(self, host: int, program: str = "") -> None:
        """Kill every process of a host, or those with a word in their command line."""
        for pid in self.processes(host, program):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def processes(self, host: int, program: str = "") -> list[int]:
        """The processes of a host, or those with a word in their command line."""
        done = subprocess.run(
            ["ip", "netns", "pids", self._host(host)], capture_output=True, text=True, check=False
        )
        return [pid for pid in map(int, done.stdout.split()) if program in _command_line(pid)]

    def _host(self, number: int) -> str:
        return f"{self._name}h{number}"

    def _make(self, host: int) -> None:
        name, cable = self._host(host), f"{self._name}v{host}"
        _ip("netns", "add", name)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", cable, "master", f"{self._name}br", "up")
        _ip("-n", name, "addr", "add", f"{self._subnet}.{host + 1}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        _ip("-n", name, "link", "set", "lo", "up")

    def _ray(self, host: int, *words: str) -> None:
        place = [f"--node-ip-address={self._subnet}.{host + 1}", "--object-store-memory=80000000"]
        if host == 0:
            place.append(f"--temp-dir=/tmp/{self._name}")
        log = self._home / f"ray-{host}.txt"
        process = self.start(host, [str(RAY), "start", *words, *place], log)
        if process.wait(START_SECONDS):
            raise RuntimeError(f"ray start failed on host {host}: {log.read_text()}")

    def _clear(self) -> None:
        for _ in range(3):  # what is killed may just have started another one
            for host in range(1 + self.workers):
                self.kill(host)
            time.sleep(0.1)
        for host in range(1 + self.workers):
            _ip("netns", "del", self._host(host), check=False)
            _ip("link", "del", f"{self._name}v{host}", check=False)
        _ip("link", "del", f"{self._name}br", check=False)
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.rmtree(f"/tmp/{self._name}", ignore_errors=True)


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)


def _command_line(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
