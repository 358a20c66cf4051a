"""Trackers: other people's dashboards, fed with a running sweep's events. A catalogue, one file each.

A tracker is told every event, as the display is, and decides nothing. It may fail at any time: it
is then named once on stderr and left alone, and the sweep goes on.
"""

import importlib.util
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from adabench.catalogue import find
from adabench.errors import RequestError
from adabench.events import Event
from adabench.trackers.guarded import Guarded

__all__ = ["TRACKERS", "Row", "Trackers"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One tracker.

    Args:
        target: its class, as ``package.module:attribute``; made with the folder that it may write to.
        package: the package that it needs, which is also the name of the extra that installs it.
        about: one line for people.
    """

    target: str
    package: str
    about: str


TRACKERS: dict[str, Row] = {
    "tensorboard": Row(
        target="adabench.trackers.tensorboard:TensorBoard",
        package="tensorboard",
        about="event files in the folder of logs; look at them with: tensorboard --logdir results-logs",
    ),
    "mlflow": Row(
        target="adabench.trackers.mlflow:Mlflow",
        package="mlflow",
        about="an experiment for each problem, at MLFLOW_TRACKING_URI or in mlflow.db in the folder of logs",
    ),
    "wandb": Row(
        target="adabench.trackers.wandb:Wandb",
        package="wandb",
        about="offline unless WANDB_MODE says otherwise; upload later with: wandb sync",
    ),
}


class Trackers:
    """Several trackers as one listener and context manager.

    Args:
        names: of `TRACKERS`, each once.
        out: the folder of results; logs go to the folder beside it with ``-logs`` after its name.
        warn: told in one line when a tracker fails; it is silent from then on.

    Raises:
        RequestError: an unknown name, or a package that is not installed.
    """

    def __init__(self, names: Iterable[str], *, out: Path, warn: Callable[[str], None]) -> None:
        folder = out.absolute().with_name(f"{out.absolute().name}-logs")
        rows = {name: find("tracker", TRACKERS, name) for name in names}
        for name, row in rows.items():
            if importlib.util.find_spec(row.package) is None:
                cure = f"pip install 'adabench[{row.package}]'"
                raise RequestError(
                    f"--log {name} needs the package {row.package}, which is not installed: {cure}"
                )
        self._sinks = [Guarded(name, row.target, folder, warn) for name, row in rows.items()]
        self._open = ExitStack()

    def __enter__(self) -> "Trackers":
        for sink in self._sinks:
            self._open.enter_context(sink)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def __call__(self, event: Event) -> None:
        """Tell every tracker that still works."""
        for sink in self._sinks:
            sink(event)
