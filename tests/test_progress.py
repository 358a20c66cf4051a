"""The display of a sweep with several jobs running: who is shown, how far, and what is left."""

import io
from collections.abc import Iterator
from contextlib import suppress

import pytest
from factories import make_job
from rich.console import Console

from adabench.events import EpochEnded, JobEnded, JobStarted, Status, StepsDone, Summary
from adabench.progress import Bars, Lines, Silent
from adabench.spec import Job

JOBS = [make_job(optimizer=name, seed=seed, epochs=10) for seed in (0, 1) for name in ("adam", "adafix")]
COSTS = {job: 200 if job.optimizer.name == "adafix" else 100 for job in JOBS}


class Screen:
    """A terminal whose bars can be read."""

    def __init__(self, costs: dict[Job, int], width: int = 200) -> None:
        self.out = io.StringIO()
        self.bars = Bars(Console(file=self.out, force_terminal=True, width=width), costs)

    def lines(self) -> dict[str, str]:
        """What stands beside each bar now."""
        return {task.description: task.fields["note"] for task in self.bars._bars.tasks}

    def share(self) -> float:
        """The part of the whole sweep that is shown as done."""
        sweep = self.bars._bars.tasks[0]
        assert sweep.total is not None
        return sweep.completed / sweep.total


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen(COSTS)
    with screen.bars:
        yield screen


def started(job: Job) -> JobStarted:
    return JobStarted(job=job, device="cpu", total_steps=100)


def ended(job: Job, status: Status = "completed", reason: str | None = None) -> JobEnded:
    return JobEnded(job=job, status=status, reason=reason, summary=Summary(), environment=None)


def epoch(job: Job, number: int) -> EpochEnded:
    metrics = {"train_loss": 0.5, "test_accuracy": 0.9, "steps": 10.0 * number}
    return EpochEnded(job=job, epoch=number, metrics=metrics)


def test_each_running_job_has_its_line(screen: Screen) -> None:
    """One job's steps shown as another's; a line for a job that is over."""
    show = screen.bars
    assert screen.lines() == {"sweep": "0/4 jobs", "starting": "loading"}
    show(started(JOBS[0]))
    show(started(JOBS[1]))
    show(StepsDone(job=JOBS[1], steps=25, steps_per_second=50.0))
    show(epoch(JOBS[0], 5))
    assert screen.lines() == {
        "sweep": "0/4 jobs",
        JOBS[0].title: "epoch 6/10, loss 0.5000, test 90.00%, 0 steps/s",
        JOBS[1].title: "epoch 3/10, 50 steps/s",
    }
    show(ended(JOBS[0]))
    assert list(screen.lines()) == ["sweep", "starting", JOBS[1].title]
    show(started(JOBS[2]))
    assert list(screen.lines()) == ["sweep", JOBS[2].title, JOBS[1].title]
    assert screen.lines()[JOBS[2].title] == ""


def test_a_line_goes_when_nothing_is_left_to_start(screen: Screen) -> None:
    """A bar that says "loading" until the last job is over."""
    for job in JOBS[:3]:
        screen.bars(started(job))
        screen.bars(ended(job))
    screen.bars(ended(JOBS[3], "failed", "no such file"))
    assert screen.lines() == {"sweep": "4/4 jobs", "starting": "loading"}
    two = Screen(dict.fromkeys(JOBS[:2], 1))
    for job in JOBS[:2]:
        two.bars(started(job))
    two.bars(ended(JOBS[0]))
    assert list(two.lines()) == ["sweep", JOBS[1].title]


def test_the_sweep_counts_what_each_running_job_has_done(screen: Screen) -> None:
    """A time left that jumps back when one of several jobs ends, or counts a dear job as a cheap one."""
    show = screen.bars
    shares = [screen.share()]
    for event in (
        started(JOBS[0]),
        started(JOBS[1]),
        epoch(JOBS[0], 5),  # 50 of 600
        epoch(JOBS[1], 5),  # 100 more
        ended(JOBS[0]),  # 50 more
        ended(JOBS[1], "failed", "half way"),  # it costs no more
        ended(JOBS[2], "failed", "before it started"),
    ):
        show(event)
        shares.append(screen.share())
    assert shares == pytest.approx([0, 0, 0, 50 / 600, 150 / 600, 200 / 600, 300 / 600, 400 / 600])


def test_names_and_reasons_are_shown_not_obeyed() -> None:
    """A label in square brackets that colours the screen, or vanishes from it."""
    job = make_job(label="[red]own[/red]", seed=0)
    screen = Screen({job: 1})
    with screen.bars:
        screen.bars(started(job))
        screen.bars._bars.refresh()
        screen.bars(ended(job, "failed", "[blink]bang[/blink]"))
    assert "[red]own[/red] on mlp-mnist, seed 0" in screen.out.getvalue()
    assert "[blink]bang[/blink]" in screen.out.getvalue()


def test_a_narrow_terminal_keeps_bars_and_times() -> None:
    """Long names that push out everything else."""
    job = make_job(label="adafix:" + "x" * 80, epochs=10)
    screen = Screen({job: 1}, width=80)
    with screen.bars:
        screen.bars(started(job))
        screen.bars(epoch(job, 5))
        screen.bars._bars.refresh()
        line = screen.out.getvalue().split("\n")[-1]
    assert "adafix:xxx" in line
    assert "epoch 6/10" in line
    assert "━" in line
    assert "0:00:0" in line


def test_the_cursor_comes_back_after_an_interruption() -> None:
    """A terminal left without a cursor."""
    screen = Screen(COSTS)
    with suppress(KeyboardInterrupt), screen.bars:
        screen.bars(started(JOBS[0]))
        raise KeyboardInterrupt
    assert screen.out.getvalue().rindex("\x1b[?25h") > screen.out.getvalue().rindex("\x1b[?25l")


def test_lines_count_jobs_that_end() -> None:
    """Progress in a log that cannot be read line by line."""
    out = io.StringIO()
    with Lines(Console(file=out, width=20), 2) as show:
        for job in JOBS[:2]:
            show(started(job))
        show(ended(JOBS[1]))
        show(ended(JOBS[0], "diverged", "the loss was not finite at step 3 (epoch 1)"))
    assert out.getvalue() == (
        "[1/2] adafix on mlp-mnist, seed 0: completed\n"
        "[2/2] adam on mlp-mnist, seed 0: diverged: the loss was not finite at step 3 (epoch 1)\n"
    )


def test_silence() -> None:
    with Silent() as show:
        show(started(JOBS[0]))
