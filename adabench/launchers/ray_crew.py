"""The coordinator's side on Ray: workers come, get tasks, fall silent, and are replaced.

Workers are detached actors, so that they outlive a coordinator that is killed: each finishes the
order at hand and leaves. They bear the name of their folder of results, by which the next coordinator
finds those that are still at it and has them hand over.
"""

import hashlib
import os
import secrets
import time
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from typing import Any

from adabench.engine.tasks import Task
from adabench.errors import ClusterLostError, RequestError
from adabench.events import Event
from adabench.launchers.hand import Assignment
from adabench.launchers.ray_cluster import NAMESPACE, Head, head_here
from adabench.launchers.ray_hand import Hand
from adabench.launchers.ray_worker import KEEPALIVE, SETTLE_SECONDS, Facts, Worker, versions
from adabench.launchers.remote import Order

LOOK_SECONDS = 0.5
"""How often silent workers are looked for."""
HEADLESS_SECONDS = 30.0
"""How long a missing head is waited for; Ray ends what is left of the cluster after 60 s."""
HELLO_SECONDS = 3.0
"""How long a worker that has a place may take to answer."""
STARTS = 3
"""How many workers in a row may fail to start."""


class Crew:
    """Workers on a cluster, as many as there is work and room for.

    Args:
        order: what all orders have in common; its ``workers`` is how many there is room for.
        options: what Ray is asked for with each worker, such as ``num_cpus``.
        limit: the largest number of workers; None takes up all room that there is, or comes to be.
        hang_after: seconds without an event after which a run is taken for hanging.
    """

    def __init__(
        self, order: Order, *, options: dict[str, Any], limit: int | None, hang_after: float
    ) -> None:
        self._order, self._options, self._limit, self._hang_after = order, options, limit, hang_after
        self._hands: list[Hand] = []
        self._failed_starts, self._last_words = 0, ""
        self._told = set[str]()

    def run(self, todo: Iterable[Task]) -> Generator[Event, None, None]:
        """Run tasks, started in their order.

        A task whose worker is lost is given to another one once, which goes on from the last
        checkpoint where that can be seen; then its jobs end as ``failed``. Closed early, workers write
        the state of their runs and leave.

        Yields:
            The events of all running tasks as they come.

        Raises:
            RequestError: workers do not start.
            ResultError: a worker cannot write a result.
            ClusterLostError: the head is gone for good.
        """
        waiting, head = deque(map(Assignment, todo)), head_here()
        try:
            _take_over(self._order.out)
            while waiting or any(hand.busy for hand in self._hands):
                self._hire(len(waiting))
                self._check(head)
                ready, passed = self._wait()
                for hand in list(self._hands):
                    events = self._attend(hand, answered=hand.call in ready, passed=passed)
                    if hand.again:
                        waiting.appendleft(hand.again)
                    if hand.free and waiting:
                        hand.give(waiting.popleft())
                    hand.ask()
                    yield from events
        finally:
            _let_go(self._hands)

    def _hire(self, waiting: int) -> None:
        """Ask for workers; where there is no limit, always for one more than there is room for."""
        wanted = waiting + sum(hand.busy for hand in self._hands)
        if self._limit is not None:
            wanted = min(wanted, self._limit)
        while len(self._hands) < wanted and self._failed_starts < STARTS:
            if len(self._hands) >= self._order.workers and any(hand.starting for hand in self._hands):
                break
            self._hands.append(Hand(self._actor(), self._order, hang_after=self._hang_after))
        if not self._hands:
            raise RequestError(f"{self._last_words}; every node needs the same adabench in Ray's Python")

    def _actor(self) -> Any:
        import ray

        name = f"{_prefix(self._order.out)}{secrets.token_hex(4)}"
        return (
            ray.remote(Worker)
            .options(
                name=name,
                namespace=NAMESPACE,
                lifetime="detached",
                max_restarts=0,
                max_task_retries=0,
                max_concurrency=3,
                **self._options,
            )
            .remote(os.getcwd())  # noqa: PTH109
        )

    def _wait(self) -> tuple[set[Any], float]:
        """Wait a moment for answers; those that are there, and for how long nothing else can have come.

        The moment is short even where this process itself was stopped, so that nobody's silence counts then.
        """
        import ray

        looked = time.monotonic()
        calls = [hand.call for hand in self._hands]
        ray.wait(calls, timeout=LOOK_SECONDS)
        ready, _ = ray.wait(calls, num_returns=len(calls), timeout=0)
        return set(ready), min(time.monotonic() - looked, LOOK_SECONDS)

    def _attend(self, hand: Hand, *, answered: bool, passed: float) -> list[Event]:
        """Hear a worker, or note its silence; one that is lost is forgotten."""
        starting = hand.starting
        events = hand.hear() if answered else hand.be_silent(passed)
        events += hand.be_eventless(passed)
        if starting and hand.facts:
            self._failed_starts = 0
            self._compare(hand.facts)
        if hand.gone:
            self._hands.remove(hand)
            self._failed_starts += starting
            self._last_words = hand.gone
        return events

    def _compare(self, facts: Facts) -> None:
        """Warn once of each node that is not as this machine, or not as it should be."""
        node, theirs, keepalive = facts
        if theirs != versions():
            told = ", ".join(f"{name} {version}" for name, version in theirs.items())
            here = ", ".join(f"{name} {version}" for name, version in versions().items())
            self._warn(f"Ray node {node} has {told}, and this machine {here}: their numbers may differ")
        if not keepalive:
            cure = " ".join(f"{name}=5000" for name in KEEPALIVE)
            self._warn(f"Ray on node {node} may take minutes to notice a cut link; start it with {cure}")

    def _warn(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            warnings.warn(text, stacklevel=2)

    def _check(self, head: Head) -> None:
        missing = head.missing_seconds()
        if missing >= HEADLESS_SECONDS:
            raise ClusterLostError(
                f"the Ray head at {head.address} has not answered for {missing:.0f} s; finished jobs are "
                f"kept in {self._order.out}; once Ray is back, the same command goes on"
            )
        if missing:
            wait = f"workers go on meanwhile; the sweep ends if it is not back in {HEADLESS_SECONDS:.0f} s"
            self._warn(f"the Ray head at {head.address} does not answer; {wait}")


def _prefix(out: str) -> str:
    """What the names of a folder's workers begin with."""
    return hashlib.sha256(out.encode()).hexdigest()[:12] + "-"


def _take_over(out: str) -> None:
    """Have the workers that a dead coordinator left on this folder write their state and leave."""
    import ray

    left: list[Any] = []
    for name in ray.util.list_named_actors():
        if name.startswith(_prefix(out)):
            with suppress(ValueError):  # gone meanwhile
                left.append(ray.get_actor(name, namespace=NAMESPACE))
    if not left:
        return
    there = {actor.hello.remote(): actor for actor in left}
    came, absent = ray.wait(list(there), num_returns=len(there), timeout=HELLO_SECONDS)
    for call in absent:  # it would take the next place that becomes free
        ray.kill(there[call])
    leaving = [there[call].leave_if_deserted.remote() for call in came]
    if leaving:
        ray.wait(leaving, num_returns=len(leaving), timeout=2 * SETTLE_SECONDS)


def _let_go(hands: Sequence[Hand]) -> None:
    """Have all write their state and leave, and end those that take too long over it."""
    import ray

    came = [hand.actor.leave.remote() for hand in hands if not hand.starting]
    try:
        if came:
            ray.wait(came, num_returns=len(came), timeout=SETTLE_SECONDS)
    finally:
        for hand in hands:
            hand.kill()
