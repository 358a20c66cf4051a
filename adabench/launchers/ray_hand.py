"""One worker on a Ray cluster, seen from the coordinator: what it does, what it says, how it is lost."""

import warnings
from collections.abc import Iterator
from typing import Any

from adabench.errors import ResultError
from adabench.events import Event
from adabench.launchers.hand import ATTEMPTS, Assignment
from adabench.launchers.ray_worker import Facts, News
from adabench.launchers.remote import Order
from adabench.launchers.wire import decode

SILENT_SECONDS = 10.0
"""A worker that does not answer for so long is lost, whatever Ray thinks of it."""


class Hand:
    """An actor; it does one assignment at a time, and is asked one thing at a time.

    Args:
        actor: a `ray_worker.Worker`; it may be waiting for a place in the cluster yet.
        order: an order but for its jobs.
        hang_after: seconds without an event after which a run is taken for hanging.
    """

    def __init__(self, actor: Any, order: Order, *, hang_after: float) -> None:
        self.actor, self._order, self._hang_after = actor, order, hang_after
        self.call: Any = actor.hello.remote()
        """What it has been asked and not answered; None where it has."""
        self.facts: Facts | None = None
        self.gone = ""
        """Why it is lost, or never came; empty while neither is so."""
        self.again: Assignment | None = None
        """What it leaves behind when it is lost, for another one to do."""
        self._assignment: Assignment | None = None
        self._unanswered_seconds = self._eventless_seconds = 0.0

    @property
    def busy(self) -> bool:
        """Whether it has an assignment."""
        return self._assignment is not None

    @property
    def starting(self) -> bool:
        """Whether it is waiting for its place, or for its process."""
        return self.facts is None and not self.gone

    @property
    def free(self) -> bool:
        """Whether it can be given an assignment: it has none, and has just answered."""
        return not (self.busy or self.gone or self.call)

    def give(self, assignment: Assignment) -> None:
        """Let it run a task, once it is free."""
        self._assignment, self._eventless_seconds = assignment, 0.0
        order = self._order.model_copy(update={"jobs": assignment.task, "attempt": assignment.attempt})
        self.call = self.actor.take.remote(order.model_dump_json())

    def ask(self) -> None:
        """Ask for news, unless an answer is awaited."""
        if not (self.call or self.gone):
            self.call = self.actor.news.remote()

    def hear(self) -> list[Event]:
        """Take in the answer that has come; the events that this makes.

        Raises:
            ResultError: an order could not be carried out, for a reason that is not its jobs' own.
        """
        import ray

        self._unanswered_seconds = 0.0
        call, self.call = self.call, None
        try:
            answer = ray.get(call)
        except ray.exceptions.RayError as error:
            return self._lost(_cause_of(error, self.starting))
        if isinstance(answer, Facts):
            self.facts = answer
            return []
        for remark in answer.remarks:
            warnings.warn(remark, stacklevel=2)
        return list(self._taken_in(answer))

    def be_silent(self, seconds: float) -> list[Event]:
        """Note that it has not answered for so long; what follows from it."""
        if self.starting:  # the cluster's to decide how soon there is a place
            return []
        self._unanswered_seconds += seconds
        if self._unanswered_seconds >= SILENT_SECONDS:
            return self._lost(f"gave no sign of life for {SILENT_SECONDS:.0f} s")
        return []

    def be_eventless(self, seconds: float) -> list[Event]:
        """Note that its run has shown nothing for so long, whether or not its process answers."""
        self._eventless_seconds += seconds
        if self.busy and self._eventless_seconds >= self._hang_after:
            cure = "if a step, an evaluation or compiling takes longer, give a larger --hang-after"
            return self._lost(f"hung: no event for {self._hang_after:,.0f} s; {cure}", final=True)
        return []

    def kill(self) -> None:
        """End its process at once, or the wait for one, wherever Ray still reaches it."""
        import ray

        ray.kill(self.actor)

    def _taken_in(self, news: News) -> Iterator[Event]:
        done = self._assignment
        if done is None:
            return
        if news.lines:
            self._eventless_seconds = 0.0
        yield from filter(done.is_news, map(decode, news.lines))
        if news.over:
            self._assignment = None
            if news.failure:
                raise ResultError(f"Ray worker on {self._place}: {news.failure}")

    def _lost(self, what: str, *, final: bool = False) -> list[Event]:
        """Give it up. Its jobs are to be tried again, or end; ``final`` where trying would not help."""
        self.gone = f"its Ray worker on {self._place} {what}"
        self.kill()
        done, self._assignment = self._assignment, None
        if done is None or not done.left:
            return []
        if not final and done.attempt < ATTEMPTS:
            self.again = done.again()
            warnings.warn(f"{done.left[0].title}: {self.gone}; it is tried once more", stacklevel=2)
            return []
        return done.failures(self.gone if final else f"{self.gone}, at attempt {done.attempt} of {ATTEMPTS}")

    @property
    def _place(self) -> str:
        return self.facts.node if self.facts else "some node"


def _cause_of(error: Exception, starting: bool) -> str:
    """Ray's account in a few words."""
    text = str(error)
    if "low on memory" in text:
        return "was ended by Ray because memory ran low there (fewer --workers need less)"
    return f"did not start: {text.strip().splitlines()[-1]}" if starting else "died, or its node did"
