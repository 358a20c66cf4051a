"""Ray: workers that come, are lost, and go on without a coordinator; the same bits as on this machine.

Most of it runs on a Ray of its own on this machine. The tests marked ``cluster`` make hosts of network
namespaces and break them.
"""

import importlib.util
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from troublemakers import OPTIMIZERS_OF_OUR_OWN

sys.path.insert(0, str(Path(__file__).parent / "cluster"))
sys.path.insert(0, str(Path(__file__).parent / "faults"))

import ray_faults
import ray_hosts
from small_sweep import outcomes

from adabench import pipeline
from adabench.config import Request, Settings, resolve_sweep
from adabench.errors import RequestError
from adabench.events import EpochEnded, Event, JobEnded, JobStarted
from adabench.launchers import ray_cluster, ray_crew, ray_worker
from adabench.launchers.launcher import Terms
from adabench.launchers.local import Local
from adabench.launchers.ray import Ray
from adabench.launchers.ray_worker import News, Worker
from adabench.launchers.remote import Order
from adabench.launchers.wire import decode
from adabench.spec import Job, expand

needs_ray = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="Ray is not installed")
PATIENCE_SECONDS = 120.0
DATA = "synthetic:size=4,channels=1,classes=3,train=600,test=30"


def jobs_of(*optimizers: str, seeds: int = 1, epochs: int = 2, **problem: Any) -> tuple[Job, ...]:
    what = problem or {"models": ("mlp:hidden=8",), "datasets": (DATA,)}
    request = Request(optimizers=optimizers, settings=Settings(seeds=seeds, epochs=epochs), **what)
    return expand(resolve_sweep(request), threads=1)


def order_of(jobs: tuple[Job, ...], out: Path, *, shared: bool = True, every: float = 60.0) -> str:
    out.mkdir(exist_ok=True)
    if shared:
        (out / "mark").touch()
    places = {"data_dir": str(out), "out": str(out), "mark": "mark"}
    return Order(jobs=jobs, device="cpu", checkpoint_every=every, **places).model_dump_json()


def all_news(worker: Worker, first: News) -> list[News]:
    """What a worker says until its order is over."""
    said = [first]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not said[-1].over:
        assert time.monotonic() < deadline
        said.append(worker.news())
    return said


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class TestWorker:
    """The actor's own code, in this process."""

    @pytest.fixture(autouse=True)
    def _warnings_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    @pytest.fixture
    def worker(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
        monkeypatch.chdir(tmp_path)
        self.went: list[Worker] = []

        def go(worker: Worker) -> None:
            self.went.append(worker)

        monkeypatch.setattr(Worker, "_go", go)
        worker = Worker(str(tmp_path))
        yield worker
        monkeypatch.undo()
        monkeypatch.setattr(Worker, "_go", go)
        monkeypatch.setattr(ray_worker, "DESERTED_SECONDS", -1.0)
        worker.leave()
        wait_until(lambda: worker in self.went)
        worker._watcher.join()  # which would end this very process later on
        time.sleep(2 * ray_worker._FAREWELL_SECONDS)

    def test_tells_every_event_once_and_commits(self, worker: Worker, tmp_path: Path) -> None:
        """An event lost between two answers; a result that only the coordinator could have kept."""
        jobs = jobs_of("adam", epochs=30)
        said = all_news(worker, worker.take(order_of(jobs, tmp_path / "out")))
        events = [decode(line) for news in said for line in news.lines]
        assert [event.epoch for event in events if isinstance(event, EpochEnded)] == list(range(1, 31))
        assert isinstance(events[-1], JobEnded)
        assert [news.failure for news in said] == [""] * len(said)
        assert len(outcomes(tmp_path / "out")) == 1

    def test_leaves_with_its_state_written(self, worker: Worker, tmp_path: Path) -> None:
        """Ctrl-C that throws away what the cluster has done."""
        worker.take(order_of(jobs_of("adam", epochs=100_000), tmp_path / "out"))
        wait_until(lambda: any("EpochEnded" in line for line in worker.news().lines))
        worker.leave()
        assert list((tmp_path / "out").glob(".runs/*/*.manifest"))
        wait_until(lambda: worker in self.went)

    def test_hands_over_only_when_nobody_asks(
        self, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two coordinators that take each other's workers away, or one that waits for a dead one's."""
        monkeypatch.setattr(time, "sleep", lambda seconds: worker.news())
        assert not worker.leave_if_deserted()
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        assert worker.leave_if_deserted()

    @pytest.mark.parametrize("shared", [True, False])
    def test_deserted_finishes_what_will_be_kept(
        self, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool
    ) -> None:
        """A coordinator's death that ends its jobs; a worker that holds its place for nothing."""
        monkeypatch.setattr(ray_worker, "DESERTED_SECONDS", 0.0)
        epochs = 100 if shared else 1_000_000
        worker.take(order_of(jobs_of("adam", epochs=epochs), tmp_path / "out", shared=shared))
        wait_until(lambda: worker in self.went)
        assert len(outcomes(tmp_path / "out")) == shared
        worker.leave()

    def test_an_order_that_it_does_not_understand(self, worker: Worker) -> None:
        """A newer coordinator, whose order would be half obeyed or hang the sweep."""
        (news, *_) = all_news(worker, worker.take('{"jobs": [], "speed": "high"}'))[-1:]
        assert "ValidationError" in news.failure

    def test_passes_warnings_on(self, worker: Worker, tmp_path: Path) -> None:
        """A warning that ends in a log on another machine."""
        (tmp_path / "own.py").write_text(OPTIMIZERS_OF_OUR_OWN)
        said = all_news(worker, worker.take(order_of(jobs_of("own.py:Talks"), tmp_path / "out")))
        assert any("mind the gap" in remark for news in said for remark in news.remarks)


@pytest.fixture(scope="module")
def own_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Ray of our own on this machine, with a place for its token and two slots."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("RAY_ADDRESS", raising=False)
        for name, value in ray_cluster.SETTINGS.items():
            patch.setenv(name, value)
        ray.init(
            address="local",
            num_cpus=2,
            namespace=ray_cluster.NAMESPACE,
            log_to_driver=False,
            logging_level=40,
        )
        ray_cluster.connect(None)
        yield
        ray.shutdown()


def launch(jobs: tuple[Job, ...], out: Path, *, ray: Ray | None = None, **terms: Any) -> Iterator[Event]:
    launcher = ray or Ray()
    site = launcher.survey("cpu", "fp32", jobs=len(jobs))
    return launcher.launch(jobs, site, Terms(data_dir=out, out=out, **terms))


def ends(events: Iterator[Event]) -> dict[Job, JobEnded]:
    return {event.job: event for event in events if isinstance(event, JobEnded)}


def workers_left() -> list[str]:
    import ray

    return [name["name"] for name in ray.util.list_named_actors(all_namespaces=True)]


def run_sweep(launcher: Ray | Local, out: Path) -> None:
    request = Request(
        optimizers=("adam", "adafix"),
        models=("mlp:hidden=8",),
        datasets=(DATA,),
        problems=("cosine_bowl:noise=1e-3",),
        settings=Settings(seeds=2, epochs=3),
    )
    plan = pipeline.plan(resolve_sweep(request), out=out, data_dir=out, launcher=launcher)
    assert {result.status for result in pipeline.execute(plan, lambda event: None)} == {"completed"}


@needs_ray
@pytest.mark.cluster
@pytest.mark.usefixtures("own_ray")
class TestOwnRay:
    """The whole launcher on one machine."""

    def test_the_same_bits_as_without(self, tmp_path: Path) -> None:
        """Numbers that depend on where a job ran; a job lost, doubled, or of another identity."""
        run_sweep(Local(workers=1, threads=1), tmp_path / "here")
        run_sweep(Ray(), tmp_path / "there")
        assert outcomes(tmp_path / "there") == outcomes(tmp_path / "here") != {}
        assert [path.name for path in (tmp_path / "there").glob(".*")] == []
        wait_until(lambda: workers_left() == [])

    def test_results_come_back_where_storage_is_not_shared(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A sweep that needs a shared disk; a worker that leaves files on a machine of its own."""
        (job,) = jobs_of("adam", epochs=5)
        unseen = Order.model_copy
        monkeypatch.setattr(
            Order, "model_copy", lambda order, update: unseen(order, update={**update, "mark": "unseen"})
        )
        events = list(launch((job,), tmp_path, checkpoint_every=1e-9))
        assert ends(iter(events))[job].status == "completed"
        assert len([event for event in events if isinstance(event, EpochEnded)]) == 5
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.filterwarnings("ignore:.*it is tried once more")
    def test_a_lost_worker_is_replaced_and_its_job_goes_on(self, tmp_path: Path) -> None:
        """A sweep that loses a job with a worker; one that begins it anew, or hides that it was lost."""
        (tmp_path / "own.py").write_text(OPTIMIZERS_OF_OUR_OWN)
        own = str(tmp_path / "own.py")
        once, frozen, plain = (
            jobs_of(f"{own}:{name}", epochs=20)[0] for name in ("DiesOnce", "FreezesOnce", "Plain")
        )
        ended = ends(launch((once, frozen, plain), tmp_path / "out", checkpoint_every=1e-9))
        assert [ended[job].status for job in (once, frozen, plain)] == ["completed"] * 3
        environments = [ended[job].environment for job in (once, frozen, plain)]
        assert [each.attempts for each in environments if each] == [2, 2, 1]
        assert ended[once].summary.resumed_at_step
        losses = {ended[job].summary.final_test_loss for job in (once, frozen, plain)}
        assert len(losses) == 1  # the same update, lost worker or not
        assert len(outcomes(tmp_path / "out")) == 3

    @pytest.mark.filterwarnings("ignore:.*it is tried once more")
    def test_a_job_that_kills_its_workers_fails_alone(self, tmp_path: Path) -> None:
        """Workers that die of one job for ever, or a sweep that ends with it."""
        (tmp_path / "own.py").write_text(OPTIMIZERS_OF_OUR_OWN)
        jobs = jobs_of(f"{tmp_path / 'own.py'}:Leaves", "adam")
        ended = ends(launch(jobs, tmp_path / "out"))
        assert [ended[job].status for job in jobs] == ["failed", "completed"]
        assert "died, or its node did, at attempt 2 of 2" in str(ended[jobs[0]].reason)

    def test_a_hung_job_is_ended(self, tmp_path: Path) -> None:
        """A step that never returns in a process that answers."""
        (tmp_path / "own.py").write_text(OPTIMIZERS_OF_OUR_OWN)
        jobs = jobs_of(f"{tmp_path / 'own.py'}:Sleeps", "adam")
        ended = ends(launch(jobs, tmp_path / "out", hang_after=20.0))
        assert [ended[job].status for job in jobs] == ["failed", "completed"]
        assert "no event for 20 s; if a step" in str(ended[jobs[0]].reason)

    def test_closing_stops_workers_with_their_state_written(self, tmp_path: Path) -> None:
        """Jobs that train on in the cluster after Ctrl-C, or whose work is thrown away."""
        jobs = jobs_of("adam", "sgdm", epochs=100_000)
        with closing(launch(jobs, tmp_path)) as events:  # type: ignore[type-var]
            started = set()
            while len(started) < 2:
                event = next(events)
                started |= {event.job} if isinstance(event, EpochEnded) else set()
        wait_until(lambda: workers_left() == [])
        assert len({path.parent for path in tmp_path.glob(".runs/*/*.manifest")}) == 2
        assert outcomes(tmp_path) == {}

    def test_one_worker_takes_jobs_in_their_order(self, tmp_path: Path) -> None:
        """A limit that does not limit; seeds that come in no order."""
        jobs = jobs_of("adam", "sgdm", seeds=2)
        events = list(launch(jobs, tmp_path, ray=Ray(workers=1)))
        kinds = [(type(event), event.job) for event in events if isinstance(event, JobStarted | JobEnded)]
        assert kinds == [(kind, job) for job in jobs for kind in (JobStarted, JobEnded)]

    def test_warnings_are_told_and_stdout_stays_clean(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """An optimizer's chatter in the middle of a JSON answer."""
        (tmp_path / "own.py").write_text(OPTIMIZERS_OF_OUR_OWN)
        with pytest.warns(UserWarning, match="mind the gap"):
            ends(launch(jobs_of(f"{tmp_path / 'own.py'}:Talks"), tmp_path / "out"))
        assert capfd.readouterr().out == ""

    def test_workers_do_not_give_way(self) -> None:
        """A worker that gets a hundredth of a core beside any other work: Ray's own default."""
        import ray

        assert ray.get(ray.remote(lambda: os.nice(0)).remote()) == os.nice(0)

    def test_another_version_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Results of two versions in one table, and nobody knows."""
        monkeypatch.setattr(ray_crew, "versions", lambda: {"adabench": "9.9", "torch": "1.0"})
        with pytest.warns(UserWarning, match=r"has adabench .*, and this machine adabench 9.9, torch 1.0"):
            ends(launch(jobs_of("adam"), tmp_path))

    def test_workers_that_do_not_start(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A cluster without adabench: a sweep that waits for ever."""
        monkeypatch.setattr(ray_crew, "Worker", type("Worker", (Broken,), {"__module__": "nowhere"}))
        with pytest.raises(RequestError, match=r"did not start: .*every node needs the same adabench"):
            ends(launch(jobs_of("adam"), tmp_path))

    def test_survey(self) -> None:
        """More slots than the cluster has; threads that make another job than --threads 1 does."""
        assert str(Ray().survey("auto", "fp32", jobs=8)) == (
            "Ray cluster of 1 node (cpu), 2 workers of 1 thread"
        )
        assert Ray(threads=2).survey("cpu", "fp32", jobs=8).packing.workers == 1
        assert Ray(workers=5).survey("cpu", "fp32", jobs=8).packing.workers == 5
        assert Ray().survey("cpu", "fp32", jobs=1).packing.workers == 1

    @pytest.mark.parametrize(
        ("device", "precision", "words"),
        [
            ("cuda", "fp32", "the Ray cluster has no GPU; use --device cpu"),
            ("cuda:1", "fp32", "device 'cuda:1' is not allowed on Ray, which deals out GPUs itself"),
            ("cpu", "tf32", "precision tf32 needs a CUDA device"),
            ("gpu", "fp32", "unknown device 'gpu'"),
        ],
    )
    def test_what_is_not_there(self, device: str, precision: Any, words: str) -> None:
        """A sweep that fails job by job on what could be told before."""
        with pytest.raises(RequestError, match=words):
            Ray().survey(device, precision, jobs=1)

    def test_sigterm_stays_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ray's own handler, under which a terminated sweep would not write its state."""
        import ray

        monkeypatch.setattr(ray, "is_initialized", lambda: False)
        monkeypatch.setattr(ray, "init", lambda **_: signal.signal(signal.SIGTERM, signal.SIG_IGN))
        before = signal.getsignal(signal.SIGTERM)
        ray_cluster.connect(None)
        assert signal.getsignal(signal.SIGTERM) is before


class Broken:
    """Stands for a worker's class on a machine that cannot import it."""

    def __init__(self, folder: str) -> None:
        raise ImportError("No module named 'adabench'")

    def hello(self) -> None: ...


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1 within 5 s; start one there with: ray start"),
        ("ray://head:10001", "--ray-address ray://head:10001 is not allowed; give the head's HOST:PORT"),
    ],
)
@needs_ray
def test_an_address_without_a_cluster(address: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two minutes of waiting, and then a stack of C++."""
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(RequestError, match=words):
        ray_cluster.connect(address)


def test_without_ray_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback for a missing extra."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RequestError, match=r"pip install 'adabench\[ray\]'"):
        Ray().survey("cpu", "fp32", jobs=1)


def test_a_head_that_is_gone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coordinator that Ray ends with a stack of C++, before it has said what is kept."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(ray_cluster, "_LOOK_SECONDS", 0.0)
    head = ray_cluster.Head(f"127.0.0.1:{listener.getsockname()[1]}")
    assert head.missing_seconds() == 0
    listener.close()
    assert head.missing_seconds() > 0


@pytest.mark.cluster
@pytest.mark.parametrize("fault", ray_faults.FAULTS)
def test_a_cluster_under_fire(fault: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A job lost or committed twice, numbers that differ, a worker left behind in the cluster."""
    if not ray_hosts.possible():
        pytest.skip("needs root, iproute2 and Ray")
    reference = tmp_path_factory.getbasetemp() / "ray-reference"
    row = ray_faults.strike(fault, 0, tmp_path, reference)
    assert (row.jobs, row.files, row.differing, row.left) == (ray_faults.JOBS, ray_faults.JOBS, 0, 0), row
    assert row.exit_codes[-1] == 0, row
