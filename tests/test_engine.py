"""The engine: what it promises of data order, second evaluations, costs, failures and seeds."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from adabench.config import Settings, problem_spec
from adabench.engine.device import configured, select_device
from adabench.engine.seeding import Streams
from adabench.engine.step import EagerStep, EpochTotals, held_statistics
from adabench.engine.train import train
from adabench.errors import RequestError
from adabench.events import EpochEnded, Event, JobEnded, JobStarted
from adabench.optimizers import optimizer_spec
from adabench.problems.supervised import SupervisedProblem
from adabench.spec import Job

CPU = torch.device("cpu")
NOWHERE = Path("/nonexistent")
TINY = "synthetic:size=8,channels=1,classes=4,train=100,test=40"


def job(
    optimizer: str = "adam",
    *,
    settings: dict[str, Any] | None = None,
    model: str = "mlp:hidden=16",
    dataset: str = TINY,
    seed: int = 0,
    epochs: int = 2,
    **rest: Any,
) -> Job:
    return Job(
        optimizer=optimizer_spec(optimizer, settings or {}),
        problem=problem_spec_of(model, dataset, **rest),
        seed=seed,
        epochs=epochs,
        threads=1,
    )


def problem_spec_of(model: str, dataset: str, **settings: Any) -> Any:
    return problem_spec(model, dataset, Settings(batch_size=32, **settings))


def run(job: Job) -> list[Event]:
    return list(train(job, device="cpu", data_dir=NOWHERE))


def ending(events: list[Event]) -> JobEnded:
    assert isinstance(events[-1], JobEnded)
    return events[-1]


def curve(events: list[Event], name: str) -> list[float]:
    return [event.metrics[name] for event in events if isinstance(event, EpochEnded)]


def problem(
    model: str = "mlp:hidden=16", dataset: str = TINY, seed: int = 0, **settings: Any
) -> SupervisedProblem:
    spec = problem_spec_of(model, dataset, **settings)
    return SupervisedProblem(spec, data_dir=NOWHERE, device=CPU, draw=Streams(seed).generator)


def test_a_job_tells_its_whole_story() -> None:
    """Epochs unannounced, or costs that do not add up on the four axes; 100 examples in batches of 32."""
    events = run(job("adafix", epochs=3))
    assert isinstance(events[0], JobStarted)
    assert events[0].total_steps == 12
    assert curve(events, "steps") == [4, 8, 12]
    assert curve(events, "samples") == [100, 200, 300]
    assert curve(events, "gradient_evaluations") == [8, 16, 24]
    summary = ending(events).summary
    assert (summary.steps, summary.samples, summary.gradient_evaluations) == (12, 300, 24)
    assert summary.final_test_accuracy == curve(events, "test_accuracy")[-1]
    assert summary.best_test_accuracy == max(curve(events, "test_accuracy"))
    assert summary.seconds > 0
    assert ending(events).status == "completed"


@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_the_same_job_gives_the_same_bits(augment: str) -> None:
    """A random draw that no seed governs."""
    first, second = (run(job(dataset=f"{TINY},augment={augment}")) for _ in range(2))
    for name in ("train_loss", "test_loss", "test_accuracy"):
        assert curve(first, name) == curve(second, name)


def test_seeds_differ_and_optimizers_of_a_seed_start_alike() -> None:
    """Pairs that are not pairs: weights and order must depend on the seed alone."""
    one, other = problem(seed=0), problem(seed=1)
    again = problem(seed=0)
    weights = [torch.cat([p.flatten() for p in p_.model.parameters()]) for p_ in (one, other, again)]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])
    for p_ in (one, other, again):
        p_.start_epoch(5)
    assert torch.equal(one.minibatch(0).labels, again.minibatch(0).labels)
    assert not torch.equal(one.minibatch(0).inputs, other.minibatch(0).inputs)


def test_every_example_is_seen_once_an_epoch_and_the_last_batch_is_short() -> None:
    """Examples dropped at the end, or drawn with replacement; order must also change by epoch."""
    p = problem()
    orders = []
    for epoch in (0, 1):
        p.start_epoch(epoch)
        batches = [p.minibatch(step) for step in range(p.steps_per_epoch)]
        assert [len(batch.labels) for batch in batches] == [32, 32, 32, 4]
        orders.append(torch.cat([batch.inputs for batch in batches]).flatten(1))
    assert not torch.equal(orders[0], orders[1])
    sums = [order.double().sum(dim=1).sort().values for order in orders]
    torch.testing.assert_close(sums[0], sums[1], rtol=0, atol=0)


def test_metrics_weigh_examples_not_batches() -> None:
    """An epoch's mean that counts the short batch as a whole one."""
    totals = EpochTotals(CPU)
    totals.add(torch.tensor(1.0), torch.tensor(3), 3)
    totals.add(torch.tensor(5.0), torch.tensor(0), 1)
    means, finite_steps = totals.read(4)
    assert {name: float(value) for name, value in means.items()} == {
        "train_loss": 2.0,
        "train_accuracy": 0.75,
    }
    assert int(finite_steps) == 2


class Twice(torch.optim.SGD):
    """An optimizer that evaluates its closure twice without moving in between."""

    def step(self, closure: Any) -> Any:
        with torch.enable_grad():
            self.losses = [float(closure().detach()), float(closure().detach())]
        return self.losses[0]


class Noisy(nn.Module):
    """Dropout and BatchNorm: what makes two evaluations differ unless someone takes care."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(0.5))
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def test_both_evaluations_of_a_step_see_one_function() -> None:
    """A second gradient under another dropout mask, or statistics of BatchNorm that move twice."""
    p = problem(dataset=f"{TINY},augment=crop_flip")
    p.model, p.stochastic = Noisy(), True
    optimizer = Twice(p.model.parameters(), lr=0.0)
    p.start_epoch(0)
    EagerStep(p, optimizer, Streams(0), EpochTotals(CPU))(0, 0)
    assert optimizer.losses[0] == optimizer.losses[1]
    norm = p.model.body[2]
    assert int(norm.num_batches_tracked) == 1
    with torch.no_grad():
        hidden = p.model.body[:2](p.minibatch(0).inputs)
    torch.testing.assert_close(norm.running_mean, 0.1 * hidden.mean(dim=0))


def test_held_statistics_normalise_as_in_training() -> None:
    """L taken between a training-mode and an evaluation-mode function."""
    norm = nn.BatchNorm1d(3)
    x = torch.randn(8, 3)
    with held_statistics(norm):
        held = norm(x)
    assert torch.equal(norm.running_mean, torch.zeros(3))
    assert torch.equal(held, norm(x))
    assert norm.track_running_stats


def test_adafix_is_adam_until_v_is_first_fixed() -> None:
    """Anything but the fixing of v that sets the two apart, over real data in the engine."""
    arguments: dict[str, Any] = {"model": "mlp:hidden=64", "dataset": "digits", "epochs": 60}
    fix, adam = run(job("adafix", **arguments)), run(job("adam", **arguments))
    frozen = [event.probes["frozen_fraction"] for event in fix if isinstance(event, EpochEnded)]
    first = next(i for i, share in enumerate(frozen) if share > 0)
    assert first > 0
    assert curve(fix, "train_loss")[:first] == curve(adam, "train_loss")[:first]
    assert curve(fix, "train_loss") != curve(adam, "train_loss")


def test_lipschitz_never_falls() -> None:
    """L is a running maximum; a fall would mean it was overwritten."""
    events = run(job("adafix", epochs=5))
    values = [event.probes["lipschitz"] for event in events if isinstance(event, EpochEnded)]
    assert values == sorted(values)
    assert values[0] > 0


def test_schedule_drops_at_half_and_five_sixths_of_the_run() -> None:
    """Drops at fixed epochs instead of fractions, or one step late."""
    events = run(job("sgdm", epochs=6))
    assert curve(events, "learning_rate") == pytest.approx([0.1, 0.1, 0.1, 0.01, 0.01, 0.001])


def test_divergence_is_recorded_with_its_step() -> None:
    """A run of NaNs that ends as completed, or that ends the sweep."""
    end = ending(run(job("sgdm", settings={"lr": 1e20, "schedule": "constant"}, epochs=5)))
    assert end.status == "diverged"
    assert end.reason is not None
    assert end.reason.startswith("the loss was not finite at step ")
    assert end.summary.steps == 4


def test_an_error_in_a_job_is_its_result() -> None:
    """An exception that takes the sweep with it."""
    end = ending(run(job(dataset="npz:/nonexistent.npz")))
    assert end.status == "failed"
    assert "/nonexistent.npz" in str(end.reason)
    assert end.environment is not None


def test_validation_is_cut_from_training_and_selects() -> None:
    """A best epoch chosen on the test set."""
    events = run(job(validation_fraction=0.2, epochs=4))
    assert curve(events, "samples")[0] == 80
    accuracies = curve(events, "validation_accuracy")
    best = accuracies.index(max(accuracies))
    summary = ending(events).summary
    assert summary.best_validation_accuracy == max(accuracies)
    assert summary.test_accuracy_at_best_validation == curve(events, "test_accuracy")[best]


def test_train_examples_takes_a_balanced_subset_for_every_seed() -> None:
    events = run(job(train_examples=40))
    assert curve(events, "samples") == [40, 80]


@pytest.mark.parametrize("model", ["vgg11", "resnet34", "densenet53"])
def test_small_grey_images_reach_every_convolutional_model(model: str) -> None:
    """Digits of 8x8 pixels are resized to what a model needs."""
    end = ending(run(job("sgdm", model=model, dataset="digits", epochs=1, train_examples=40)))
    assert (end.status, end.reason) == ("completed", None)


def test_bf16_trains_close_to_fp32() -> None:
    """Autocast left off, or losses computed wrongly under it."""
    plain = job(dataset="digits", epochs=2)
    half = plain.model_copy(update={"precision": "bf16"})
    exact, rounded = curve(run(plain), "train_loss"), curve(run(half), "train_loss")
    assert rounded == pytest.approx(exact, rel=0.05)
    assert rounded != exact


def test_configuration_is_put_back() -> None:
    """One job's thread count leaking into the next."""
    before = torch.get_num_threads()
    with configured(threads=before + 1, precision="fp32"):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_devices_that_are_not_here_are_refused() -> None:
    assert select_device("cpu", "fp32") == CPU
    with pytest.raises(RequestError, match=r"^unknown device 'gpu'; it is one of auto, cpu, cuda, cuda:N$"):
        select_device("gpu", "fp32")
    with pytest.raises(RequestError, match=r"^device 'cuda:99' is not here: torch .* sees \d+ CUDA devices"):
        select_device("cuda:99", "fp32")
    with pytest.raises(RequestError, match=r"^precision tf32 needs a CUDA device"):
        select_device("cpu", "tf32")


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", ["adafix", "adabound", "sgdm"])
def test_a_gpu_trains_as_the_cpu_does(optimizer: str) -> None:
    """Tensors left behind on the CPU, or another order of data on the GPU."""
    here = curve(run(job(optimizer, dataset="digits")), "train_loss")
    there = list(train(job(optimizer, dataset="digits"), device="cuda", data_dir=NOWHERE))
    assert ending(there).reason is None
    assert curve(there, "train_loss") == pytest.approx(here, rel=1e-3)


@pytest.mark.realdata
def test_adafix_trains_on_real_mnist(data_dir: Path) -> None:
    """The whole path on real data: two epochs over a balanced subset reach a sensible accuracy."""
    spec = job("adafix", model="mlp", dataset="mnist", train_examples=5000, epochs=2)
    end = ending(list(train(spec, device="cpu", data_dir=data_dir)))
    assert end.status == "completed"
    assert end.summary.final_test_accuracy > 0.85
