"""A running sweep on the screen: bars where there is a terminal, plain lines where there is none.

Everything here can be taken away without losing a result. All of it goes to stderr.
"""

from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from adabench.events import EpochEnded, Event, JobEnded, JobStarted, StepsDone
from adabench.spec import Job

_COLORS = {"completed": "green", "diverged": "yellow", "failed": "red", "interrupted": "yellow"}


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
    """The sweep and its running job as two bars; finished jobs scroll by above them.

    Args:
        console: where to draw.
        costs: gradient evaluations of each job to come, its weight in the time left.
    """

    def __init__(self, console: Console, costs: Mapping[Job, int]) -> None:
        self._costs, self._spent, self._done = costs, 0, 0
        self._steps_per_second, self._quality = 0.0, ""
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            speed_estimate_period=600,
        )
        self._sweep = self._bars.add_task("sweep", total=sum(costs.values()), note=f"0/{len(costs)} jobs")
        self._job = self._bars.add_task("starting", total=None, note="loading")

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.remove_task(self._job)
        self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Move the bars."""
        if isinstance(event, JobStarted):
            self._steps_per_second, self._quality = 0.0, ""
            self._total_steps = event.total_steps
            self._bars.reset(self._job, total=event.total_steps, description=event.job.title, note="")
        elif isinstance(event, StepsDone):
            self._steps_per_second = event.steps_per_second
            self._advance(event.job, event.steps)
        elif isinstance(event, EpochEnded):
            self._quality = _quality(event.metrics)
            self._advance(event.job, int(event.metrics["steps"]))
        else:
            self._end(event)

    def _advance(self, job: Job, steps: int) -> None:
        epoch = min(steps * job.epochs // self._total_steps + 1, job.epochs)
        note = f"epoch {epoch}/{job.epochs}, {self._quality}{self._steps_per_second:.3g} steps/s"
        self._bars.update(self._job, completed=steps, note=note)
        self._bars.update(self._sweep, completed=self._spent + self._costs[job] * steps // self._total_steps)

    def _end(self, event: JobEnded) -> None:
        self._done += 1
        self._spent += self._costs[event.job]
        self._bars.update(self._sweep, completed=self._spent, note=f"{self._done}/{len(self._costs)} jobs")
        self._bars.console.print(outcome(event))


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
        text.append(f" in {summary.seconds:.1f} s, {summary.steps_per_second:.3g} steps/s")
    elif summary.final_distance is not None:
        text.append(f", {summary.final_distance:.3g} from the optimum after {summary.steps:,} steps")
        if summary.left_region_step is not None:
            text.append(f", left its region at step {summary.left_region_step:,}")
    return text
