"""SLURM: tasks that are warned, ended and begun again; a coordinator that comes and goes.

Most of it runs on a pretended SLURM. The tests marked ``cluster`` run on a real one of two nodes, which
they bring up on this machine where they may.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "cluster"))
sys.path.insert(0, str(Path(__file__).parent / "faults"))

import slurm_pretend
from factories import make_result
from small_sweep import outcomes

from adabench import pipeline
from adabench.config import Request, Settings
from adabench.errors import RequestError
from adabench.events import EpochEnded, Event, JobEnded, JobStarted
from adabench.launchers import remote, slurm_queue, slurm_task, slurm_watch
from adabench.launchers import slurm as slurm_module
from adabench.launchers.local import Local
from adabench.launchers.remote import Order
from adabench.launchers.slurm import Slurm
from adabench.launchers.slurm_submission import RECORD, Submission, living
from adabench.launchers.slurm_tail import Tail
from adabench.launchers.slurm_watch import follow
from adabench.launchers.wire import encode
from adabench.results.record import retold
from adabench.spec import Job

pytest.importorskip("submitit")

DATASET = "synthetic:size=4,channels=1,classes=3,train=60,test=30"
LONG = 1500
"""Epochs of a job that takes some seconds."""

CLUSTER = Path(__file__).parent / "cluster"


def request(*optimizers: str, epochs: int = 3) -> Request:
    return Request(
        optimizers=optimizers,
        models=("mlp:hidden=8",),
        datasets=(DATASET,),
        settings=Settings(seeds=1, epochs=epochs, batch_size=20),
    )


def plan(out: Path, launcher: Any, *optimizers: str, **settings: Any) -> pipeline.Plan:
    words = {"device": "cpu", "data_dir": out, "checkpoint_every": 0.2, **settings}
    epochs = words.pop("epochs", 3)
    return pipeline.plan(request(*optimizers, epochs=epochs), out=out, launcher=launcher, **words)


def numbers_here(folder: Path, *optimizers: str, **settings: Any) -> dict[str, Any]:
    """What the same jobs come to on this machine."""
    there = plan(folder, Local(workers=1, threads=1), *optimizers, **settings)
    pipeline.execute(there, lambda _: None)
    return outcomes(folder)


# ---------------------------------------------------------------------------------------------- a task


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["ATask"]:
    """A task of two jobs in this process, whose requeueing is only noted."""
    handlers = {number: signal.getsignal(number) for number in slurm_task.WARNINGS}
    yield ATask(tmp_path, monkeypatch)
    for number, handler in handlers.items():
        signal.signal(number, handler)


class ATask:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.out, self.requeued = folder / "out", list[str]()
        self.events = self.out / ".slurm" / "adabench-1" / "0.events"
        self.events.parent.mkdir(parents=True)
        (self.events.parent / RECORD).touch()
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setattr(slurm_queue, "requeue", self.requeued.append)
        monkeypatch.setattr(slurm_task, "SIGN_SECONDS", 0.0)
        local = plan(self.out, Local(workers=1, threads=1), "adam", "sgdm")
        self.jobs = local.jobs
        self.orders = [
            Order(
                jobs=(job,),
                device="cpu",
                data_dir=str(folder),
                out=str(self.out),
                mark=f".slurm/adabench-1/{RECORD}",
                checkpoint_every=1e-9,
            ).model_dump_json()
            for job in self.jobs
        ]

    def work(self) -> list[Event]:
        """Carry the orders out; what the file then says."""
        slurm_task.work(self.orders, str(self.events))
        return self.told()

    def told(self) -> list[Event]:
        return list(Tail(self.events).events())


def test_a_task_carries_out_its_bundle_and_commits(task: "ATask", tmp_path: Path) -> None:
    """A bundle that stops after its first job, or whose results only the coordinator has."""
    told = task.work()
    assert [event.job for event in told if isinstance(event, JobEnded)] == list(task.jobs)
    assert outcomes(task.out) == numbers_here(tmp_path / "here", "adam", "sgdm")
    assert not task.requeued


def test_a_task_begun_again_passes_over_what_has_ended(task: "ATask") -> None:
    """Jobs done twice after a requeue, above all under --rerun, where results count for nothing."""
    task.orders = [
        Order.model_validate_json(order).model_copy(update={"rerun": True}).model_dump_json()
        for order in task.orders
    ]
    before = task.work()
    assert task.work() == before


@pytest.mark.parametrize("number", slurm_task.WARNINGS, ids=lambda number: number.name)
def test_a_warned_task_keeps_its_state_and_is_put_back(
    task: "ATask", number: signal.Signals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A warning that ends the process, loses the steps done, or leaves the task out of the queue."""
    whole = remote.carry_out

    def warned(order: Order) -> Generator[Event, None, None]:
        with closing(whole(order)) as running:
            for event in running:
                if isinstance(event, EpochEnded) and event.epoch == 2:
                    signal.raise_signal(number)
                yield event

    monkeypatch.setattr(remote, "carry_out", warned)
    told = task.work()
    assert task.requeued == ["7"]
    assert not any(isinstance(event, JobEnded) for event in told)
    monkeypatch.setattr(remote, "carry_out", whole)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    ends = [event for event in task.work() if isinstance(event, JobEnded)]
    assert ends[0].summary.resumed_at_step == 6
    assert [end.environment.attempts for end in ends if end.environment] == [2, 1]
    assert outcomes(task.out) == numbers_here(tmp_path / "here", "adam", "sgdm")


def test_a_task_that_was_begun_too_often_stays_until_slurm_ends_it(
    task: "ATask", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job longer than its time limit by far, which goes round for ever."""
    monkeypatch.setenv("SLURM_RESTART_COUNT", str(slurm_task.MOST_RESTARTS))
    monkeypatch.setattr(slurm_task._Warned, "asked", True, raising=False)
    monkeypatch.setattr(slurm_task._Warned, "__init__", lambda self: None)
    assert sum(isinstance(event, JobEnded) for event in task.work()) == len(task.jobs)
    assert not task.requeued


# ------------------------------------------------------------------------------------ the file of events


def test_a_line_is_told_when_it_is_whole_and_once(tmp_path: Path) -> None:
    """Half an event taken for damage, or an event lost because it was read while it was written."""
    path, job = tmp_path / "0.events", make_result().job
    line = encode(JobStarted(job=job, device="cpu", total_steps=3)) + "\n"
    tail = Tail(path)
    assert not list(tail.events())
    path.write_text(line[:50])
    assert not list(tail.events())
    path.write_text(line)
    assert len(list(tail.events())) == 1
    assert not list(tail.events())


def test_a_torn_line_costs_that_event_only(tmp_path: Path) -> None:
    """A node that died while it wrote, after which the file is never read again."""
    path, job = tmp_path / "0.events", make_result().job
    line = encode(JobStarted(job=job, device="cpu", total_steps=3)) + "\n"
    path.write_bytes(line[:60].encode() + b"\n" + b"\0\xff\n" + line.encode())
    assert [type(event) for event in Tail(path).events()] == [JobStarted]


# ------------------------------------------------------------------------------------- the coordinator


class Queue:
    """What SLURM says of submissions, look by look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gone: dict[str, dict[int, str]] = {}
        monkeypatch.setattr(slurm_queue, "gone", self._gone)
        monkeypatch.setattr(slurm_watch, "LOOK_SECONDS", 0.0)
        monkeypatch.setattr(slurm_watch, "POLL_SECONDS", 0.0)

    def _gone(self, name: str, tasks: Collection[int]) -> dict[int, str]:
        return {task: state for task, state in self.gone.get(name, {}).items() if task in tasks}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    return Queue(monkeypatch)


def submission(folder: Path, name: str, *jobs: Job, attempt: int = 1) -> Submission:
    """A submission with one task for each job, none of which has begun."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    keys = {task: (job.key,) for task, job in enumerate(jobs)}
    return Submission(folder=folder / name, tasks=keys, attempt=attempt)


def followed(submissions: list[Submission], jobs: list[Job], **ways: Any) -> list[JobEnded]:
    """The ends of jobs; none is found finished, and none may be submitted, unless told otherwise."""
    ways = {"finished": lambda job: [], "submit": None, **ways}
    return [event for event in follow(submissions, jobs, **ways) if isinstance(event, JobEnded)]


def test_a_cancelled_task_ends_its_jobs_as_interrupted(queue: Queue, tmp_path: Path) -> None:
    """A sweep that waits for ever for what somebody has cancelled, or submits it again."""
    job = make_result().job
    queue.gone["a"] = {0: "CANCELLED"}
    (end,) = followed([submission(tmp_path, "a", job)], [job])
    assert (end.status, end.reason) == ("interrupted", "cancelled in SLURM")


@pytest.mark.parametrize("state", ["TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "COMPLETED", ""])
def test_a_lost_job_is_submitted_once_more_and_then_fails(queue: Queue, tmp_path: Path, state: str) -> None:
    """A job that is given up at its first accident, or tried without end."""
    job, asked = make_result().job, []

    def submit(jobs: Any, attempt: int) -> Submission:
        asked.append((list(jobs), attempt))
        return submission(tmp_path, "b", *jobs, attempt=attempt)

    queue.gone = {"a": {0: state}, "b": {0: state}}
    with pytest.warns(UserWarning, match="it is tried once more"):
        (end,) = followed([submission(tmp_path, "a", job)], [job], submit=submit)
    assert asked == [([job], 2)]
    assert end.status == "failed"
    assert (f"ended as {state}" if state else "left the queue") in str(end.reason)
    assert "attempt 2 of 2" in str(end.reason)
    assert "--out" in str(end.reason)  # it never wrote a word: perhaps the folder is not shared


def test_a_lost_task_whose_job_has_a_result_ends_by_it(queue: Queue, tmp_path: Path) -> None:
    """A job that was committed by a task whose last words were lost, and is then called failed."""
    result = make_result()
    queue.gone["a"] = {0: "NODE_FAIL"}
    (end,) = followed(
        [submission(tmp_path, "a", result.job)], [result.job], finished=lambda _: list(retold(result))
    )
    assert (end.status, end.summary) == ("completed", result.summary)


def test_last_words_are_heard_before_a_task_counts_as_lost(queue: Queue, tmp_path: Path) -> None:
    """A task that ended well between two looks, and whose job is run again."""
    result = make_result()
    ending = submission(tmp_path, "a", result.job)

    def finished(job: Job) -> list[Event]:
        raise AssertionError("asked for a result before the events were read")

    def says_goodbye(name: str, tasks: Any) -> dict[int, str]:
        ending.events(0).write_text("".join(encode(event) + "\n" for event in retold(result)))
        return {0: "COMPLETED"}

    slurm_queue.gone = says_goodbye  # type: ignore[assignment]  # the fixture puts it back
    (end,) = followed([ending], [result.job], finished=finished)
    assert end.status == "completed"


def test_a_job_told_twice_ends_once_and_others_are_not_told(queue: Queue, tmp_path: Path) -> None:
    """A result counted twice where a lost node's copy goes on beside the new one."""
    mine, other = make_result(seed=0), make_result(seed=1)
    both = submission(tmp_path, "a", mine.job, other.job)
    told = "".join(encode(event) + "\n" for event in (*retold(mine), *retold(other), *retold(mine)))
    both.events(0).write_text(told)
    ends = followed([both], [mine.job])
    assert [end.job for end in ends] == [mine.job]


# --------------------------------------------------------------------------------- a pretended cluster


@pytest.fixture
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands of a SLURM that starts everything at once on this machine."""
    for name, value in slurm_pretend.install(tmp_path / "slurm").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(slurm_watch, "LOOK_SECONDS", 0.5)
    yield
    slurm_pretend.end(tmp_path / "slurm")


def submitted(tmp_path: Path) -> int:
    """How many tasks SLURM was given so far."""
    return len(list((tmp_path / "slurm" / "state").iterdir()))


def run(there: pipeline.Plan, listen: Callable[[Event], None] = lambda _: None) -> list[str]:
    return [result.status for result in pipeline.execute(there, listen)]


def test_a_sweep_equals_the_same_sweep_here(pretended: None, tmp_path: Path) -> None:
    """Numbers that depend on where a job ran; tasks that are not bundled as asked."""
    names = ("adam", "sgdm", "adafix")
    told: list[Event] = []
    there = plan(tmp_path / "out", Slurm(bundle=2, partition="low"), *names)
    assert str(there.site) == "SLURM cluster pretended, partition low (cpu), 2 workers of 1 thread"
    assert run(there, told.append) == ["completed"] * 3
    assert submitted(tmp_path) == 2
    assert outcomes(tmp_path / "out") == numbers_here(tmp_path / "here", *names)
    assert {event.job for event in told if isinstance(event, EpochEnded)} == set(there.jobs)


def test_leaving_and_coming_back_submits_nothing_twice(pretended: None, tmp_path: Path) -> None:
    """Jobs that end with the command, or run a second time when it is given again."""
    there = plan(tmp_path / "out", Slurm(bundle=2), "adam", "sgdm", epochs=LONG)
    with (
        pytest.warns(UserWarning, match="SLURM goes on.*scancel --name=adabench-"),
        closing(there.launcher.launch(there.jobs, there.site, there.terms)) as running,
    ):
        next(running)
    again = plan(tmp_path / "out", Slurm(bundle=2), "adam", "sgdm", epochs=LONG)
    assert len(again.pending) == 2
    assert run(again) == ["completed"] * 2
    assert submitted(tmp_path) == 1


def test_a_cancelled_job_goes_on_by_the_same_command(pretended: None, tmp_path: Path) -> None:
    """A checkpoint that is thrown away with the task, or a cancelled job that no command takes up again."""

    def cancel(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 2:
            (name,) = (path.name for path in (tmp_path / "out" / ".slurm").iterdir())
            subprocess.run(["scancel", f"--name={name}"], check=True)

    assert run(plan(tmp_path / "out", Slurm(), "adam", epochs=LONG), cancel) == ["interrupted"]
    again = plan(tmp_path / "out", Slurm(), "adam", epochs=LONG)
    (result,) = pipeline.execute(again, lambda _: None)
    assert result.status == "completed"
    assert result.summary.resumed_at_step
    assert submitted(tmp_path) == 2


def test_what_is_left_of_old_submissions_is_removed(pretended: None, tmp_path: Path) -> None:
    """Logs of a hundred sweeps in a folder that nobody looks into."""
    out = tmp_path / "out"
    assert run(plan(out, Slurm(), "adam")) == ["completed"]
    deadline = time.monotonic() + 60
    while living(out) and time.monotonic() < deadline:
        time.sleep(0.2)
    run(plan(out, Slurm(), "adam"))
    assert not (out / ".slurm").exists()


# ------------------------------------------------------------------------------------- what is refused


def test_refusals_are_one_clear_line(pretended: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback, or an error that does not say what to do."""
    with pytest.raises(RequestError, match="unknown partition 'lo'; did you mean 'low'"):
        Slurm(partition="lo").survey("auto", "fp32", jobs=1)
    with pytest.raises(RequestError, match=r"device 'cuda:1' is not allowed.*use auto, cpu or cuda"):
        Slurm().survey("cuda:1", "fp32", jobs=1)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(RequestError, match="finds no sbatch here"):
        Slurm().survey("auto", "fp32", jobs=1)
    monkeypatch.setattr(slurm_module, "find_spec", lambda _: None)
    with pytest.raises(RequestError, match=r"pip install 'adabench\[slurm\]'"):
        Slurm().survey("auto", "fp32", jobs=1)


def test_a_submission_that_slurm_refuses_leaves_nothing(
    pretended: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in .slurm that the next command takes for jobs under way."""
    monkeypatch.setenv("PRETEND_SLURM_REFUSES", "Invalid qos specification")
    with pytest.raises(RequestError, match=r"SLURM does not take the jobs: .*Invalid qos specification"):
        run(plan(tmp_path / "out", Slurm(), "adam"))
    assert not (tmp_path / "out" / ".slurm").exists()


@pytest.mark.parametrize(
    ("gres", "device", "threads"), [("gpu:1", "cuda", None), ("gpu:a100:2", "cuda", None), (None, "cpu", 1)]
)
def test_a_task_with_a_gpu_computes_on_it(
    pretended: None, gres: str | None, device: str, threads: int | None
) -> None:
    """A sweep on the CPUs of nodes whose GPUs it has taken; a thread count in a GPU job's identity."""
    site = Slurm(gres=gres).survey("auto", "fp32", jobs=8)
    assert (site.device, site.packing.threads, site.packing.workers) == (device, threads, 8)


def test_arrays_stay_within_what_slurm_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A sweep of thousands of jobs that sbatch refuses as a whole."""
    seen: dict[str, Any] = {}
    monkeypatch.setattr(
        slurm_module, "submit", lambda *words: seen.update(bundles=words[1], settings=words[2])
    )
    jobs = [make_result(seed=seed).job for seed in range(2500)]
    there = plan(tmp_path, Local(workers=1, threads=1), "adam")
    Slurm(at_once=5, time=1)._submit(jobs, there.site, there.terms, 1)
    assert max(map(len, seen["bundles"])) == 3
    assert sum(map(len, seen["bundles"])) == 2500
    assert (seen["settings"]["array_parallelism"], seen["settings"]["signal_delay_s"]) == (5, 15)


# -------------------------------------------------------------------------------------- a real cluster

NO_CLUSTER = 77


@pytest.fixture(scope="module")
def survived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What came of each fault, done one after another at one cluster."""
    folder = tmp_path_factory.mktemp("slurm")
    done = subprocess.run(
        [CLUSTER / "slurm_box.sh", sys.executable, CLUSTER / "slurm_faults.py", folder],
        env=os.environ | {"KEEP": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == NO_CLUSTER:
        pytest.skip(f"no SLURM of our own: {done.stderr}")
    sys.stderr.write(done.stderr)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["fault"]: row for row in rows}


@pytest.mark.cluster
@pytest.mark.timeout(1800)  # the first of them waits for all
@pytest.mark.parametrize("fault", ["preemption", "node", "cancel", "limit", "detach", "coordinator"])
def test_a_sweep_survives(fault: str, survived: dict[str, dict[str, Any]]) -> None:
    """Work lost, done twice or begun anew where SLURM or the coordinator ends something."""
    assert fault in survived, "it went wrong; stderr says how"
    row = survived[fault]
    assert row["jobs_stored"] == 2
    assert row["numbers_equal"]
    assert row["exit_codes"][-1] == 0
    if fault not in ("detach", "coordinator"):  # there, nothing is interrupted
        assert row["resumed_at_step"]
        assert row["recovery_seconds"] < 60
