"""A running sweep on the screen: bars where there is a terminal, plain lines where there is none.

Everything here can be taken away without losing a result. All of it goes to stderr.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from adabench.events import EpochEnded, Event, JobEnded, JobStarted, StepsDone
from adabench.spec import Job

_COLORS = {"completed": "green", "diverged": "yellow", "failed": "red", "interrupted": "yellow"}

_WIDTH_OF_BAR_AND_TIMES = 36
_LINES_OF_SWEEP_AND_MARGIN = 3


class Silent:
    """Shows nothing; a context manager like the other displays."""

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, event: Event) -> None:
        """Show what happened."""


class Lines(Silent):
    """One plain line for each job that ends: for pipes, logs and CI."""

    def __init__(self, console: Console, jobs: int) -> None:
        self._console, self._jobs, self._done = console, jobs, 0

    def __call__(self, event: Event) -> None:
        """Write a line when a job ends."""
        if isinstance(event, JobEnded):
            self._done += 1
            self._console.print(Text(f"[{self._done}/{self._jobs}] ") + outcome(event), soft_wrap=True)


class Bars(Silent):
    """The sweep as one bar and each running job as another; finished jobs scroll by above them.

    Of more running jobs than the terminal has lines, the rest is in the sweep's bar alone.

    Args:
        console: where to draw.
        costs: gradient evaluations of each job to come, its weight in the time left.
    """

    def __init__(self, console: Console, costs: Mapping[Job, int]) -> None:
        self._costs, self._to_start, self._done = costs, len(costs), 0
        self._spent = 0.0
        """In the unit of ``costs``: what ended jobs have cost, and running ones so far."""
        self._lines = max(1, console.height - _LINES_OF_SWEEP_AND_MARGIN)
        """Bars of jobs that may still be added."""
        room = max(10, (console.width - _WIDTH_OF_BAR_AND_TIMES) // 2)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=_words(room)),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[note]}", markup=False, table_column=_words(room)),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            speed_estimate_period=600,
        )
        self._sweep = self._bars.add_task("sweep", total=sum(costs.values()), note=f"0/{len(costs)} jobs")
        self._running: dict[Job, _Running] = {}
        self._free = [self._new_line()]

    def __enter__(self) -> "Bars":
        try:
            self._bars.start()
        except KeyboardInterrupt:  # within the start, and then nobody calls __exit__
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for line in [*self._free, *(running.line for running in self._running.values())]:
            if line is not None:
                self._bars.remove_task(line)
        self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Move the bars."""
        if isinstance(event, JobStarted):
            self._start(event)
        elif isinstance(event, JobEnded):
            self._end(event)
        else:
            self._move(self._running[event.job], event)

    def _move(self, running: "_Running", event: StepsDone | EpochEnded) -> None:
        before = running.share
        if isinstance(event, StepsDone):
            running.steps, running.steps_per_second = event.steps, event.steps_per_second
        else:
            running.steps, running.quality = int(event.metrics["steps"]), _quality(event.metrics)
        if running.line is None and self._free:  # one that had no room
            running.line = self._line_of(event.job, running.total_steps)
        if running.line is not None:
            self._bars.update(running.line, completed=running.steps, note=running.note(event.job))
        self._spend(self._costs[event.job] * (running.share - before))

    def _start(self, event: JobStarted) -> None:
        before = self._running.get(event.job)  # of a worker that died
        if before:
            self._spend(-self._costs[event.job] * before.share)
            if before.line is not None:
                self._free.append(before.line)
        else:
            self._to_start -= 1
        if not self._free and self._lines:
            self._free.append(self._new_line())
        line = self._line_of(event.job, event.total_steps) if self._free else None
        self._running[event.job] = _Running(line, event.total_steps)

    def _end(self, event: JobEnded) -> None:
        running = self._running.pop(event.job, None)
        if running is None:  # it failed before it had started
            self._to_start -= 1
        elif running.line is not None:
            self._leave(running.line)
        self._done += 1
        self._spend(self._costs[event.job] * (1 - (running.share if running else 0)))
        self._bars.console.print(outcome(event))

    def _leave(self, line: TaskID) -> None:
        """Let a bar wait for the next job, while there is one."""
        if self._to_start > 0 or any(running.line is None for running in self._running.values()):
            self._bars.reset(line, total=None, description="starting", note="loading")
            self._free.append(line)
        else:
            self._bars.remove_task(line)

    def _new_line(self) -> TaskID:
        self._lines -= 1
        return self._bars.add_task("starting", total=None, note="loading")

    def _line_of(self, job: Job, total_steps: int) -> TaskID:
        line = self._free.pop()
        self._bars.reset(line, total=total_steps, description=job.title, note="")
        return line

    def _spend(self, cost: float) -> None:
        self._spent += cost
        self._bars.update(self._sweep, completed=self._spent, note=f"{self._done}/{len(self._costs)} jobs")


def _words(width: int) -> Column:
    return Column(no_wrap=True, overflow="ellipsis", max_width=width)


@dataclass
class _Running:
    """How far a job is."""

    line: TaskID | None
    total_steps: int
    steps: int = 0
    steps_per_second: float = 0.0
    quality: str = ""

    @property
    def share(self) -> float:
        """The part of the job that is done, from 0 to 1."""
        return self.steps / self.total_steps

    def note(self, job: Job) -> str:
        """What stands beside the job's bar."""
        epoch = min(self.steps * job.epochs // self.total_steps + 1, job.epochs)
        return f"epoch {epoch}/{job.epochs}, {self.quality}{self.steps_per_second:.3g} steps/s"


def _quality(metrics: Mapping[str, float]) -> str:
    """How good the last epoch was; analytic problems have no accuracy."""
    if "test_accuracy" in metrics:
        return f"loss {metrics['train_loss']:.4f}, test {metrics['test_accuracy']:.2%}, "
    return f"loss {metrics['loss']:.3g}, "


def outcome(event: JobEnded) -> Text:
    """How a job ended, in one line."""
    summary = event.summary
    text = Text(f"{event.job.title}: ").append(event.status, style=_COLORS[event.status])
    if event.reason:
        text.append(f": {event.reason}")
    elif summary.final_test_accuracy is not None and summary.seconds is not None:
        text.append(f", test {summary.final_test_accuracy:.2%} (best {summary.best_test_accuracy:.2%})")
        text.append(f" in {summary.seconds:.1f} s")
        if summary.steps_per_second is not None:
            text.append(f", {summary.steps_per_second:.3g} steps/s")
    elif summary.final_distance is not None:
        text.append(f", {summary.final_distance:.3g} from the optimum after {summary.steps:,} steps")
        if summary.left_region_step is not None:
            text.append(f", left its region at step {summary.left_region_step:,}")
    return text
