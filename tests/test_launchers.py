"""Jobs side by side: real processes, real signals, and the same bits as one job after another."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from troublemakers import OPTIMIZERS_OF_OUR_OWN

from adabench.config import Request, Settings, resolve_sweep
from adabench.engine.tasks import Keeping, run_task, tasks
from adabench.events import EpochEnded, Event, JobEnded, JobStarted
from adabench.launchers.local import launch
from adabench.launchers.packing import Packing, pack
from adabench.launchers.signals import Stop, deferred, heed, stoppable
from adabench.launchers.worker import Place, serve
from adabench.optimizers import OPTIMIZERS
from adabench.spec import AnalyticSpec, Job, expand

PATIENCE_SECONDS = 120.0
HANG_AFTER_SECONDS = 3.0
PROBLEM = {
    "models": ("mlp:hidden=8",),
    "datasets": ("synthetic:size=4,channels=1,classes=3,train=60,test=30",),
}

SUITES = """\
defaults: {seeds: 4, epochs: 400, batch_size: 32}
suites:
  quick:
    about: eight jobs of a second or so
    optimizers: [adam, adafix]
    problems: [{model: "mlp:hidden=8", dataset: "synthetic:size=4,channels=1,classes=3,train=60,test=30"}]
"""


def jobs_of(
    *optimizers: str, seeds: int = 2, epochs: int = 2, threads: int = 1, problem: Any = None
) -> tuple[Job, ...]:
    request = Request(
        optimizers=optimizers, settings=Settings(seeds=seeds, epochs=epochs), **(problem or PROBLEM)
    )
    return expand(resolve_sweep(request), threads=threads)


def run(jobs: tuple[Job, ...], folder: Path, workers: int) -> list[Event]:
    return list(
        launch(jobs, devices=["cpu"], data_dir=folder, workers=workers, hang_after=HANG_AFTER_SECONDS)
    )


def told(events: list[Event], job: Job) -> list[Any]:
    """What a job said, all but its times."""
    return [
        {key: value for key, value in event.metrics.items() if key != "seconds"}
        if isinstance(event, EpochEnded)
        else (type(event), getattr(event, "status", None))
        for event in events
        if event.job == job and isinstance(event, JobStarted | EpochEnded | JobEnded)
    ]


class TestPacking:
    """The rule that shares out a CPU's threads."""

    @pytest.mark.parametrize(
        ("jobs", "budget", "wanted", "workers", "threads"),
        [
            (15, 2, None, 2, 1),  # as many one-thread jobs as cores
            (3, 8, None, 3, 2),  # fewer jobs than cores: each has more threads
            (1, 8, None, 1, 8),
            (0, 8, None, 1, 8),  # analytic jobs alone
            (15, 2, 1, 1, 2),  # as asked
            (15, 2, 4, 4, 1),  # more than there are threads: one each
            (15, None, None, 1, None),  # a GPU
            (15, None, 2, 2, None),
        ],
    )
    def test_rule(
        self, jobs: int, budget: int | None, wanted: int | None, workers: int, threads: int | None
    ) -> None:
        assert pack(jobs, budget=budget, workers=wanted) == Packing(workers=workers, threads=threads)

    def test_words(self) -> None:
        assert str(Packing(workers=2, threads=1)) == "2 workers of 1 thread"
        assert str(Packing(workers=1, threads=2)) == "1 worker of 2 threads"
        assert str(Packing(workers=1, threads=None)) == "1 worker"


def test_tasks_hold_each_job_once_and_keep_pairs_together() -> None:
    """A job lost or run twice; a sweep stopped early with seeds of one optimizer only."""
    supervised = jobs_of("adam", "sgdm", seeds=3)
    analytic = jobs_of("adam", "sgdm", seeds=3, problem={"problems": ("cosine_bowl:noise=1e-3",)})
    todo = tasks(supervised + analytic)
    assert sorted(job.key for task in todo for job in task) == sorted(
        job.key for job in supervised + analytic
    )
    assert todo[-6:] == [(job,) for job in supervised]
    assert all(isinstance(job.problem, AnalyticSpec) for task in todo[:-6] for job in task)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_job_reaches_a_worker_unchanged(name: str) -> None:
    """A setting that JSON rounds, or turns into another type: another key, another result."""
    (job,) = jobs_of(name, seeds=1)
    copy = Job.model_validate_json(job.model_dump_json())
    assert (copy, copy.key, hash(copy)) == (job, job.key, hash(job))


@pytest.mark.parametrize("threads", [1, 2])
def test_workers_compute_the_same_bits(tmp_path: Path, threads: int) -> None:
    """Numbers that depend on which process computed them, or on who ran before in the same one."""
    jobs = jobs_of("adam", "adafix", seeds=2, threads=threads)
    jobs += jobs_of("adam", seeds=2, threads=threads, problem={"problems": ("cosine_bowl:noise=1e-3",)})
    here, there = run(jobs, tmp_path, 1), run(jobs, tmp_path, 2)
    for job in jobs:
        assert told(here, job) == told(there, job) != []
    environments = [event.environment for event in there if isinstance(event, JobEnded)]
    assert {(place.workers, place.threads) for place in environments if place} == {(2, threads)}
    assert {place.command[0] for place in environments if place} == {Path(sys.argv[0]).name}


def test_an_events_order_within_a_job_survives_the_mixing(tmp_path: Path) -> None:
    """An epoch told before its job has started, or after it has ended."""
    jobs = jobs_of("adam", "sgdm", seeds=2, epochs=3)
    events = run(jobs, tmp_path, 3)
    for job in jobs:
        kinds = [type(event) for event in events if event.job == job]
        assert (kinds[0], kinds[-1]) == (JobStarted, JobEnded)
        assert [event.epoch for event in events if event.job == job and isinstance(event, EpochEnded)] == [
            1,
            2,
            3,
        ]


HUNG = (
    "hung: its worker process gave no sign of life for 3 s and was ended; "
    "if a step, an evaluation or compiling takes longer, give a larger --hang-after"
)


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], str]:
    """Names an optimizer of ours by its file."""
    (tmp_path / "own.py").write_text(OPTIMIZERS_OF_OUR_OWN)
    return lambda name: f"{tmp_path / 'own.py'}:{name}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Segfaults", "its worker process was ended by signal 11 (SIGSEGV), at attempt 2 of 2"),
        ("Leaves", "its worker process ended with exit code 7, at attempt 2 of 2"),
        ("Sleeps", HUNG),
        ("Freezes", HUNG),
    ],
)
@pytest.mark.filterwarnings("ignore:.*it is tried once more")
def test_a_dead_worker_fails_its_job_alone(
    tmp_path: Path, own: Callable[[str], str], name: str, reason: str
) -> None:
    """A crash in compiled code, or a step that never ends, that takes the sweep with it."""
    jobs = jobs_of(own(name), "adam", seeds=2)
    ended = {event.job: event for event in run(jobs, tmp_path, 2) if isinstance(event, JobEnded)}
    assert [ended[job].reason for job in jobs] == [reason, None] * 2
    assert [ended[job].status for job in jobs] == ["failed", "completed"] * 2
    assert workers_of(os.getpid()) == []


def test_a_job_whose_worker_dies_is_tried_once_more(tmp_path: Path, own: Callable[[str], str]) -> None:
    """A sweep that loses a job to a chance event; one that starts it anew, or hides that it did."""
    (once,) = jobs_of(own("DiesOnce"), seeds=1, epochs=20)
    (beside,) = jobs_of("adam", seeds=1)
    keeping = Keeping(tmp_path / "runs", 1e-9)
    with pytest.warns(UserWarning, match=r"signal 9 \(SIGKILL\).*; it is tried once more"):
        events = list(
            launch(
                (once, beside), devices=["cpu"], data_dir=tmp_path, workers=2, keeping=keeping, hang_after=60
            )
        )
    ended = {event.job: event for event in events if isinstance(event, JobEnded)}
    assert [ended[job].status for job in (once, beside)] == ["completed", "completed"]
    assert [ended[job].environment.attempts for job in (once, beside)] == [2, 1]
    assert ended[once].summary.resumed_at_step > 0
    whole = run(jobs_of(own("Plain"), seeds=1, epochs=20), tmp_path, 1)  # the same update, and no kill
    rows = {e.epoch: e.metrics["test_loss"] for e in events if isinstance(e, EpochEnded) and e.job == once}
    assert list(rows.values()) == [e.metrics["test_loss"] for e in whole if isinstance(e, EpochEnded)]


def test_closing_the_launcher_ends_its_workers(tmp_path: Path) -> None:
    """Processes that go on for hours after the sweep has been given up."""
    jobs = jobs_of("adam", "sgdm", seeds=2, epochs=100_000)
    with closing(launch(jobs, devices=["cpu"], data_dir=tmp_path, workers=2)) as events:
        while not isinstance(next(events), EpochEnded):
            pass
        assert len(workers_of(os.getpid())) == 2
    assert workers_of(os.getpid()) == []


def test_a_worker_ends_when_nobody_listens(tmp_path: Path) -> None:
    """A worker that trains on for a coordinator that is gone."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, Place(device="cpu", data_dir=tmp_path)))
    process.start()
    theirs.close()
    (job,) = jobs_of("adam", seeds=1, epochs=100_000)
    ours.send([job.model_dump_json()])
    while not isinstance(ours.recv(), EpochEnded):
        pass
    ours.close()
    process.join(PATIENCE_SECONDS)
    assert process.exitcode == 0


def test_run_task_tells_failures_as_results(tmp_path: Path) -> None:
    """A task that raises ends the worker, and with it everything else that the worker would do."""
    (job,) = jobs_of("adam", seeds=1)
    broken = job.model_copy(update={"problem": job.problem.model_copy(update={"dataset": "npz:none.npz"})})
    (end,) = run_task((broken,), device="cpu", data_dir=tmp_path)
    assert isinstance(end, JobEnded)
    assert end.status == "failed"


# From here on: the command itself, as a process of its own.


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command in a session of its own, which must be empty when the test is over."""
    (tmp_path / "benchmarks.yaml").write_text(SUITES)
    begun: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "adabench", "run", "--workers", "2", *words],
            cwd=tmp_path,
            env=os.environ | {"OMP_NUM_THREADS": "2", "ADABENCH_DATA_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        wait_until(lambda process=process: session(process.pid) == [])
        process.communicate()


def stat(pid: int) -> list[str]:
    """A process's state, parent, group and session, as /proc tells them; empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(") ")[2].split()[:4]


def processes() -> dict[int, list[str]]:
    found = {int(path.name): stat(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()}
    return {pid: fields for pid, fields in found.items() if fields and fields[0] != "Z"}


def session(pid: int) -> list[int]:
    """The living processes of a session."""
    return [other for other, fields in processes().items() if fields[3] == str(pid)]


def workers_of(pid: int) -> list[int]:
    """The workers of a coordinator: children of its children."""
    parents = {other: int(fields[1]) for other, fields in processes().items()}
    children = {other for other, parent in parents.items() if parent == pid}
    return [other for other, parent in parents.items() if parent in children]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def stored(folder: Path) -> dict[Path, Any]:
    return {path: json.loads(path.read_text()) for path in (folder / "results").rglob("*.json")}


def read_until(process: subprocess.Popen[str], text: str) -> str:
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"{text!r} is missing in: {''.join(lines)}")


KEPT = (
    r"interrupted: finished jobs are kept in results(, \d runs? under way in results/\.runs)?; "
    "the same command goes on\n"
)


@pytest.mark.parametrize(
    ("number", "code", "last_words"),
    [(signal.SIGINT, 130, KEPT), (signal.SIGTERM, 143, KEPT), (signal.SIGKILL, -9, "")],
    ids=["SIGINT", "SIGTERM", "SIGKILL"],
)
def test_a_stopped_sweep_leaves_results_and_no_process(
    start: Callable[..., "subprocess.Popen[str]"],
    tmp_path: Path,
    number: signal.Signals,
    code: int,
    last_words: str,
) -> None:
    """Orphans that go on computing; a torn or lost result; a traceback for a Ctrl-C."""
    process = start()
    read_until(process, "[2/8]")
    # Ctrl-C reaches all of a terminal's processes
    (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
    assert process.wait(PATIENCE_SECONDS) == code
    wait_until(lambda: session(process.pid) == [])
    out, err = process.communicate()
    assert out == ""
    shown = err.splitlines(keepends=True)
    assert re.fullmatch(last_words, "".join(line for line in shown if not line.startswith("[")))
    results = stored(tmp_path)
    assert 2 + sum(line.startswith("[") for line in shown) <= len(results) < 8
    assert {result["status"] for result in results.values()} == {"completed"}


@pytest.mark.parametrize("sight", ["loading", "epoch 2"])
def test_a_terminal_is_left_as_it_was(tmp_path: Path, sight: str) -> None:
    """Ctrl-C typed into a real terminal: a hidden cursor, a traceback, or a worker that lives on."""
    (tmp_path / "benchmarks.yaml").write_text(SUITES)
    words = ["-m", "adabench", "run", "--workers", "2", "--epochs", "100000", "--data-dir", str(tmp_path)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [sys.executable, *words], os.environ | {"OMP_NUM_THREADS": "2"})
    shown = read_terminal(terminal, sight)
    os.write(terminal, b"\x03")
    shown += read_terminal(terminal, None)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130, shown
    wait_until(lambda: session(pid) == [])
    assert shown.rfind("\x1b[?25h") >= shown.rfind("\x1b[?25l")
    assert "Traceback" not in shown
    assert re.search(KEPT.strip(), shown)
    kept = list((tmp_path / "results" / ".runs").rglob("*.manifest"))
    assert bool(kept) == ("under way" in shown) == (sight != "loading")


def read_terminal(terminal: int, text: str | None) -> str:
    """What a terminal shows until ``text`` does, or until its last program has left."""
    shown = b""
    with suppress(OSError):  # what Linux answers when the last program has left
        while text is None or text.encode() not in shown:
            shown += os.read(terminal, 65536)
    return shown.decode()


def test_a_second_signal_ends_a_process_that_does_not_stop(tmp_path: Path) -> None:
    """A sweep that hangs while it is being stopped, and that only kill -9 ends."""
    code = """
import time
from adabench.launchers.signals import Stop, stoppable
try:
    with stoppable():
        print("ready", flush=True)
        time.sleep(1000)
except Stop as stop:
    print(stop, stop.exit_code, flush=True)
    time.sleep(1000)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "SIGTERM 143\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_SECONDS) == 130
    process.communicate()


def test_signals_mean_what_they_did_before() -> None:
    """A Ctrl-C after a finished sweep that raises what nobody catches."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stoppable():
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] != before
    with pytest.raises(ValueError, match="other"), stoppable():
        raise ValueError("other")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


class TestDeferred:
    """A signal that waits for a good moment."""

    @pytest.fixture(autouse=True)
    def handlers(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
        before = {number: signal.getsignal(number) for number in numbers}
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    @staticmethod
    def send(number: signal.Signals, *then: Callable[[], object]) -> None:
        with stoppable(), deferred():
            with deferred():
                os.kill(os.getpid(), number)
            for act in then:
                act()

    def test_it_waits_for_the_end_of_the_outer_block(self) -> None:
        """A result written by half, because Ctrl-C came in between."""
        done: list[str] = []
        with pytest.raises(Stop, match="SIGINT"):
            self.send(signal.SIGINT, lambda: done.append("all of it"))
        assert done == ["all of it"]

    def test_it_is_taken_when_asked_for(self) -> None:
        """A long run that goes on after Ctrl-C until it is over."""
        with pytest.raises(Stop, match="SIGTERM"):
            self.send(signal.SIGTERM, heed, lambda: pytest.fail("it went on"))

    def test_it_does_not_wait_for_long(self) -> None:
        """A step that never ends, and with it a sweep that only kill -9 stops."""
        with pytest.raises(Stop):
            self.send(signal.SIGINT, lambda: time.sleep(PATIENCE_SECONDS), lambda: pytest.fail("it went on"))

    def test_nothing_waits_afterwards(self) -> None:
        """A signal that stops the next sweep of the same process."""
        with pytest.raises(ZeroDivisionError):
            self.send(signal.SIGINT, lambda: 1 / 0)
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        with deferred():
            heed()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stopped_sweep_goes_on_where_it_was(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path, workers: str
) -> None:
    """Ctrl-C that throws away what the runs under way had done since their last checkpoint."""
    (tmp_path / "own.py").write_text(OPTIMIZERS_OF_OUR_OWN)
    words = ("--workers", workers, "--opt", "own.py:Marks", "--seeds", "2", "--epochs", "1000")
    first = start(*words)
    wait_until((tmp_path / "training").exists)
    first.send_signal(signal.SIGINT)
    assert first.wait(PATIENCE_SECONDS) == 130
    _, err = first.communicate()
    assert re.search(KEPT, err)
    assert "under way" in err
    again = start(*words)
    _, err = again.communicate(timeout=PATIENCE_SECONDS)
    assert again.returncode == 0, err
    assert any(result["summary"]["resumed_at_step"] for result in stored(tmp_path).values())
    assert not (tmp_path / "results" / ".runs").exists()


def test_a_killed_sweep_goes_on(start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    """Work done twice, or never: after kill -9 the same command does what is missing, no more."""
    first = start()
    read_until(first, "[1/8]")
    first.kill()
    first.wait(PATIENCE_SECONDS)
    wait_until(lambda: session(first.pid) == [])
    kept = {path: path.stat().st_mtime_ns for path in stored(tmp_path)}
    again = start("--json")
    out, err = again.communicate(timeout=PATIENCE_SECONDS)
    assert again.returncode == 0, err
    assert f"8 jobs, {len(kept)} of them finished before" in err
    assert [entry["status"] for entry in json.loads(out)["results"]] == ["completed"] * 8
    assert len(stored(tmp_path)) == 8
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_killed_worker_is_replaced(start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    """Out of memory: the kernel kills a worker, and the sweep hangs or loses a job."""
    process = start()
    read_until(process, "[1/8]")
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    assert "as happens when memory runs out (fewer --workers need less); it is tried once more" in err
    results = stored(tmp_path).values()
    assert [result["status"] for result in results] == ["completed"] * 8
    assert sorted(result["environment"]["attempts"] for result in results) == [1] * 7 + [2]


def test_workers_speak_through_the_coordinator(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    """JSON on stdout with an optimizer's chatter in it; one warning shown by every worker."""
    (tmp_path / "own.py").write_text(OPTIMIZERS_OF_OUR_OWN)
    process = start("--opt", "own.py:Talks", "--epochs", "1", "--json")
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    assert len(json.loads(out)["results"]) == 4
    assert "hello" in err
    assert err.count("mind the gap") == 1
    assert "adabench: warning: mind the gap" in err
