"""Results as they come into being: events go in, and each result is stored the moment it exists."""

from collections import defaultdict

from adabench.events import Event
from adabench.results.format import Result
from adabench.results.record import Recorder
from adabench.results.store import ResultStore
from adabench.spec import Job


class Ledger:
    """Writes down what jobs tell.

    Args:
        store: where results go.
        replace: a result takes the place of a finished one.
    """

    def __init__(self, store: ResultStore, *, replace: bool = False) -> None:
        self._store, self._replace = store, replace
        self._recorders: dict[Job, Recorder] = defaultdict(Recorder)

    def add(self, event: Event) -> Result | None:
        """Take in one event.

        Returns:
            The result that it completes, stored unless a finished one was there; else None.

        Raises:
            ResultError: the file system refuses.
        """
        result = self._recorders[event.job].add(event)
        if result is not None:
            self._store.write(result, replace=self._replace)
            if result.status != "interrupted":
                self._store.forget_run(result.job)
            del self._recorders[result.job]
        return result
