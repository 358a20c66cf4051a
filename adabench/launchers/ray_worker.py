"""The worker's side on Ray: an actor that carries out one order after another, and what it answers.

The order at hand runs in a thread. The coordinator asks for news a few times a second: the answer
brings events and is a sign of life, the question is the coordinator's own. A worker that is asked no
more finishes the order at hand, commits, and leaves, so that a coordinator's death costs no work and
holds no machine.
"""

import os
import threading
import time
import warnings
from contextlib import closing, suppress
from importlib.metadata import version
from queue import Empty, SimpleQueue
from typing import NamedTuple, TypeVar

# As in the processes of one machine: what waits does not spin, and each worker compiles for itself.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

import adabench
from adabench.errors import one_line
from adabench.launchers.remote import Order, carry_out, is_shared
from adabench.launchers.wire import encode

NEWS_SECONDS = 0.2
"""How long a worker collects news before it answers; the end of an order is told at once."""
DESERTED_SECONDS = 15.0
"""Without a question for so long, a worker takes its coordinator for dead."""
SETTLE_SECONDS = 5.0
"""How long a run may take to reach a place where its state is whole, and to write it."""
_TAKEOVER_SECONDS = 2.0
_FAREWELL_SECONDS = 0.5

KEEPALIVE = ("RAY_grpc_client_keepalive_time_ms", "RAY_grpc_client_keepalive_timeout_ms")
"""What tells Ray, on every node, how soon to notice a cut link."""

T = TypeVar("T")


class Facts(NamedTuple):
    """What a worker says of itself and of its node."""

    node: str
    """The node's address."""
    versions: dict[str, str]
    """Of what decides the numbers."""
    keepalive: bool
    """Whether Ray was told there to notice a cut link soon."""


class News(NamedTuple):
    """What has happened since the last answer."""

    lines: list[str]
    """Events, as `wire.encode` writes them."""
    remarks: list[str]
    """Warnings that jobs gave."""
    over: bool
    """Whether there is no order at hand any more."""
    failure: str
    """Why the order could not be carried out; empty where it could."""


class Worker:
    """Carries out orders in this process.

    Args:
        folder: the coordinator's working folder, which user's own files are named from; it is entered
            where this machine has it.
    """

    def __init__(self, folder: str) -> None:
        with suppress(OSError):
            os.chdir(folder)
        self._lines, self._remarks = SimpleQueue[str](), SimpleQueue[str]()
        self._over, self._failure = threading.Event(), ""
        self._stopping, self._shared = False, False
        self._over.set()
        self._heard = time.monotonic()
        warnings.showwarning = lambda message, *_, **__: self._remarks.put(str(message))
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def hello(self) -> Facts:
        """The first answer: this worker is ready. Asking this alone does not keep it."""
        import ray

        keepalive = all(name in os.environ for name in KEEPALIVE)
        address = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        return Facts(address, versions(), keepalive)

    def take(self, order: str) -> News:
        """Begin to carry out an order, an `Order` as JSON; its first news."""
        self._failure, self._stopping = "", False
        self._over.clear()
        threading.Thread(target=self._carry_out, args=(order,), daemon=True).start()
        return self.news()

    def news(self) -> News:
        """What has happened since the last answer."""
        self._heard = time.monotonic()
        over = self._over.wait(NEWS_SECONDS)  # all that it said is in the queue by then
        self._heard = time.monotonic()
        return News(_all_of(self._lines), _all_of(self._remarks), over, self._failure)

    def leave(self) -> None:
        """Have the run under way write its state, and end the process soon after this answer."""
        self._stopping = True
        self._over.wait(SETTLE_SECONDS)
        threading.Timer(_FAREWELL_SECONDS, self._go).start()

    def leave_if_deserted(self) -> bool:
        """`leave`, unless a coordinator is asking for news; whether it did."""
        before = self._heard
        time.sleep(max(0.0, before + _TAKEOVER_SECONDS - time.monotonic()))
        if self._heard > before:
            return False
        self.leave()
        return True

    def _carry_out(self, text: str) -> None:
        try:
            order = Order.model_validate_json(text)
            self._shared = is_shared(order)
            with closing(carry_out(order)) as running:  # which writes the state
                for event in running:
                    self._lines.put(encode(event))
                    if self._stopping:
                        return
        except Exception as error:  # the coordinator's to tell; this process can go on
            self._failure = one_line(error)
        finally:
            self._over.set()

    def _watch(self) -> None:
        """Leave when nobody asks any more; before the work is done only where none of it would be kept."""
        while True:
            time.sleep(1.0)
            deserted = time.monotonic() - self._heard > DESERTED_SECONDS
            if deserted and (self._over.is_set() or not self._shared):
                return self._go()

    def _go(self) -> None:
        os._exit(0)


def versions() -> dict[str, str]:
    """Of what decides the numbers, here."""
    return {"adabench": adabench.__version__, "torch": version("torch")}


def _all_of(queue: SimpleQueue[T]) -> list[T]:
    taken: list[T] = []
    with suppress(Empty):
        while True:
            taken.append(queue.get_nowait())
    return taken
