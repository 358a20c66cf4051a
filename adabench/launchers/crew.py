"""The coordinator's side: worker processes, their tasks, and what to make of one that dies or falls silent.

Workers are forked from a `server` process that has imported the engine and done nothing else, so a
further worker costs milliseconds. Where there is no fork, each imports the engine for itself.
"""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait

from adabench.engine.tasks import Task
from adabench.events import Event
from adabench.launchers.hand import Assignment, Hand
from adabench.launchers.signals import GRACE_SECONDS
from adabench.launchers.worker import Place

LOOK_SECONDS = 0.5
"""How often silent workers are looked for."""

_FORKS = "forkserver" in multiprocessing.get_all_start_methods()


def run_side_by_side(
    todo: Iterable[Task], *, places: Sequence[Place], hang_after: float
) -> Generator[Event, None, None]:
    """Run tasks in worker processes, started in their order; none of the processes outlives this.

    A task whose worker dies is given to another one once, which goes on from the last checkpoint; then
    its jobs end as ``failed``. So do those of a worker that is silent for too long, which is killed.
    Closed early, it gives workers a short time to write the state of their runs.

    Args:
        todo: the tasks.
        places: where each worker computes, and what it reads and writes; one worker each.
        hang_after: seconds of silence after which a worker is taken for hanging.

    Yields:
        The events of all running tasks as they come.
    """
    warm_up()
    waiting, crew, free = deque(map(Assignment, todo)), dict[Connection, Hand](), list(reversed(places))
    try:
        while waiting or crew:
            while waiting and free:
                hand = Hand(_context(), free.pop(), workers=len(places))
                crew[hand.pipe] = hand
                hand.give(waiting.popleft())
            for hand in _with_news(crew, hang_after):
                events = hand.hear()
                if hand.free and waiting:  # before anyone looks at the events, which may take a while
                    hand.give(waiting.popleft())
                yield from events
                if hand.again:
                    waiting.appendleft(hand.again)
                if hand.free or hand.dead:
                    del crew[hand.pipe]
                    free.append(hand.place)
                    hand.dismiss()
    finally:
        _let_go(crew.values())


def warm_up() -> None:
    """Start the server that workers are forked from; it imports the engine while this process goes on."""
    if _FORKS:
        from multiprocessing import forkserver, resource_tracker

        forkserver.set_forkserver_preload(["adabench.launchers.server"])
        resource_tracker.ensure_running()  # the forkserver's first step, which would let the signal through
        with _unheard(signal.SIGINT):
            forkserver.ensure_running()


def _context() -> "multiprocessing.context.BaseContext":
    return multiprocessing.get_context("forkserver" if _FORKS else "spawn")


def _with_news(crew: dict[Connection, Hand], hang_after: float) -> Iterator[Hand]:
    """The workers that have said something or died; those silent for too long are killed.

    Silence counts look by look, so that none counts while this process itself was stopped.
    """
    looked = time.monotonic()
    ready = wait(list(crew), LOOK_SECONDS)
    passed = min(time.monotonic() - looked, LOOK_SECONDS)
    for pipe, hand in list(crew.items()):
        if pipe in ready:
            yield hand
        else:
            hand.be_silent(passed, hang_after)


def _let_go(hands: Collection[Hand]) -> None:
    """Ask all to stop, and kill those that take too long over it."""
    try:
        for hand in hands:
            hand.ask_to_stop()
        deadline = time.monotonic() + GRACE_SECONDS
        busy = list(hands)
        while busy and (left := deadline - time.monotonic()) > 0:
            ready = wait([hand.pipe for hand in busy], left)
            busy = [hand for hand in busy if hand.pipe not in ready or not hand.has_left()]
    finally:
        for hand in hands:
            hand.kill()
        for hand in hands:
            hand.dismiss()


@contextmanager
def _unheard(number: signal.Signals) -> Iterator[None]:
    """Start processes that never hear a signal; one that comes meanwhile waits for the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
