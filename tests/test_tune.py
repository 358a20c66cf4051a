"""Tuning: an equal budget for all, chosen on validation alone, and told with its cost and its doubts."""

import itertools
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from factories import make_environment
from hypothesis import given
from hypothesis import strategies as st

from adabench.catalogue import parse
from adabench.cli import main
from adabench.compare.budget_curve import best_of, budget_curve
from adabench.compare.trials import trials as trials_in
from adabench.compare.trials import tuned
from adabench.config import Request, Settings, TuneText, read_suites, resolve_sweep
from adabench.errors import RequestError
from adabench.events import Summary
from adabench.optimizers import OPTIMIZERS, optimizer_spec, search_space
from adabench.optimizers.ranges import Range
from adabench.results.format import Result
from adabench.spec import Job, expand
from adabench.tuning import Outcome, tune, words
from adabench.tuning.asked import studies_of
from adabench.tuning.outcome import finalists
from adabench.tuning.sampling import SAMPLERS, chosen_beforehand
from adabench.tuning.search import rungs, search
from adabench.tuning.space import ByHand, entries
from adabench.tuning.study import Study

PROBLEM = Request(optimizers=("adam", "sgdm"), models=("mlp:hidden=8",), datasets=("digits",))
BEFOREHAND = [name for name, sampler in SAMPLERS.items() if sampler.points]


def study(request: Request = PROBLEM, *, out: Path = Path("results"), **said: Any) -> Study:
    """One study of the request's problem; ``said`` are fields of a `TuneText`."""
    return studies_of(request, TuneText(**said), out)[0]


def quality(job: Job) -> float:
    """A validation accuracy that is best where the learning rate is ten times its default."""
    rate, default = job.optimizer.hyperparameters["lr"], OPTIMIZERS[job.optimizer.name].options["lr"].default
    assert isinstance(rate, float)
    assert isinstance(default, float)
    return 0.9 - 0.1 * abs(math.log10(rate / default) - 1) + 0.001 * (job.seed % 7)


def made(job: Job, validation: float, test: float, status: Any = "completed") -> Result:
    """A run with these accuracies after its last epoch."""
    curve = {
        "validation_accuracy": [validation],
        "validation_loss": [1 - validation],
        "test_accuracy": [test],
    }
    return Result(
        job=job,
        status=status,
        reason=None if status == "completed" else "loss is not finite at step 3",
        summary=Summary(final_test_accuracy=test, gradient_evaluations=10 * job.epochs, seconds=1.0),
        curve=curve if status == "completed" else {},
        environment=make_environment(),
    )


class Runs:
    """Runs requests by a formula, and remembers all that it ran."""

    def __init__(
        self, result: Callable[[Job], Result] = lambda job: made(job, quality(job), quality(job))
    ) -> None:
        self.jobs: list[Job] = []
        self.results: dict[str, Result] = {}
        self._result = result

    def __call__(self, title: str, request: Request) -> Sequence[Result]:
        jobs = expand(resolve_sweep(request), threads=1)
        for job in jobs:
            if job.key not in self.results:
                self.jobs.append(job)
                self.results[job.key] = self._result(job)
        return [self.results[job.key] for job in jobs]


# What is searched


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_can_be_tuned(name: str) -> None:
    """A new row without a learning rate's range, or a range whose default lies outside it."""
    spec = optimizer_spec(name, {})
    space = search_space(spec)
    assert {key for key, ranges in space.items() if ranges[0].searched} == {"lr", "schedule"}
    default = spec.hyperparameters["lr"]
    assert isinstance(default, float)
    assert space["lr"][0].share_of(default) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", OPTIMIZERS)
@given(data=st.data())
def test_every_point_of_a_space_is_a_setting_that_can_be_typed(name: str, data: st.DataObject) -> None:
    """A range beyond what the optimizer takes, or a printed setting that is another one when typed again."""
    every = list(search_space(optimizer_spec(name, {})))
    (entry,) = entries([name], every, [])
    shares = data.draw(
        st.lists(st.floats(0, 1, exclude_max=True), min_size=len(entry.axes), max_size=len(entry.axes))
    )
    spec = entry.at(shares)
    assert optimizer_spec(*parse(spec.label)) == spec


@given(share=st.floats(0, 1, exclude_max=True))
@pytest.mark.parametrize(
    "one",
    [
        Range(low=1e-5, high=0.1),
        Range(low=-1, high=3, scale="linear"),
        Range(low=0.9, high=0.9999, scale="log of one minus"),
    ],
    ids=lambda one: one.scale,
)
def test_a_range_is_its_own_inverse(one: Range, share: float) -> None:
    """A warning about an edge where there is none, since values are placed by another rule than made."""
    value = one.at(share)
    assert one.low <= float(value) <= one.high
    assert one.share_of(float(value)) == pytest.approx(share, abs=0.01)


def test_what_the_user_gave_stays_fixed() -> None:
    """A search that moves what `--opt adam:betas=...` fixed, or a default that forgets it."""
    (entry,) = entries(["adam:betas=0.8/0.99,schedule=cosine"], ["lr", "betas", "schedule"], [])
    assert set(entry.space) == {"lr"}
    tried = chosen_beforehand(entry, SAMPLERS["halton"], 8)
    assert {(spec.hyperparameters["betas"], spec.schedule) for spec in tried} == {((0.8, 0.99), "cosine")}


def test_ranges_by_hand() -> None:
    """A hand-made range that is not searched, reaches other optimizers, or loses the catalogue's scale."""
    by_hand = [
        ByHand.read(text) for text in ("sgdm:lr=0.01..0.1", "betas=0.8..0.95/0.99..0.999", "eps=1e-9/1e-6")
    ]
    adam, sgdm = entries(["adam", "sgdm"], [], by_hand)
    assert str(sgdm.space["lr"][0]) == "0.01..0.1"
    assert set(sgdm.space) == {"lr", "schedule"}
    assert str(adam.space["lr"][0]) == "3.33e-05..0.03"
    assert [each.scale for each in adam.space["betas"]] == ["log of one minus"] * 2
    assert adam.space["eps"][0].choices == (1e-9, 1e-6)


def test_an_optimizer_from_outside_is_searched_around_its_own_rate() -> None:
    """Somebody's own optimizer that cannot be tuned at all."""
    (entry,) = entries(["torch.optim:RMSprop"], [], [])
    assert str(entry.space["lr"][0]) == "0.000333..0.3"
    assert len({spec.label for spec in chosen_beforehand(entry, SAMPLERS["halton"], 8)}) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sampler": "haltn"}, "unknown sampler 'haltn'; did you mean 'halton'?"),
        ({"pruner": "halve"}, "unknown pruner 'halve'; did you mean 'halving'?"),
        ({"search": ["wd"]}, "unknown setting to search 'wd'"),
        ({"space": ["lr"]}, "--space 'lr' is not allowed; it takes SETTING=LOW..HIGH"),
        ({"space": ["lr=1..0.1"]}, "--space lr=1..0.1 is not allowed; it takes LOW..HIGH, two numbers"),
        ({"space": ["adamw:lr=0.1..1"]}, "unknown optimizer of --space 'adamw'"),
        ({"space": ["rho=0.1..1"]}, "unknown setting of --space 'rho'"),
        ({"tuning_seed": 2}, "seed 2 is that of the trials, so it cannot judge them"),
        (
            {"sampler": "optuna", "pruner": "halving"},
            "--pruner halving takes trials that were chosen beforehand",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_tuned_is_said_in_one_line(arguments: dict[str, Any], message: str) -> None:
    """A slip that is found after hours of trials, or never."""
    with pytest.raises(RequestError) as caught:
        study(**arguments)
    assert str(caught.value).startswith(message)


def test_nothing_left_to_search_is_an_error() -> None:
    """Sixteen trials of one and the same setting."""
    fixed = replace(PROBLEM, optimizers=("adam:lr=0.01,schedule=constant",))
    with pytest.raises(RequestError, match="nothing is left to search"):
        study(fixed)


def test_a_formula_has_no_validation_set() -> None:
    """A learning rate chosen by the very number that is then reported."""
    with pytest.raises(RequestError, match="cosine_bowl has no validation set to choose by"):
        study(Request(optimizers=("adam",), problems=("cosine_bowl",)))


# Which points


@pytest.mark.parametrize("sampler", BEFOREHAND)
def test_more_trials_extend_fewer(sampler: str) -> None:
    """Doubling the budget that throws away what has run; a command that makes other points each time."""
    (entry,) = entries(["adamw"], ["lr", "betas", "weight_decay", "schedule"], [])
    short, long, again = (chosen_beforehand(entry, SAMPLERS[sampler], n) for n in (8, 16, 16))
    assert long == again
    assert long[:8] == short
    assert long[0] == optimizer_spec("adamw", {})
    assert len({spec.label for spec in long}) == 16


@pytest.mark.parametrize("sampler", BEFOREHAND)
def test_schedules_are_tried_equally_often(sampler: str) -> None:
    """A winner among schedules that had more learning rates tried than the others."""
    (entry,) = entries(["adam"], [], [])
    tried = [spec.schedule for spec in chosen_beforehand(entry, SAMPLERS[sampler], 17)[1:]]
    counts = [tried.count(schedule) for schedule in set(tried)]
    assert len(counts) == 4
    assert max(counts) - min(counts) <= 1


def test_a_small_space_is_tried_whole_and_once() -> None:
    """The same setting run again and again where there are few, and counted as so many trials."""
    (entry,) = entries(["sgdm"], ["schedule", "nesterov"], [])
    tried = chosen_beforehand(entry, SAMPLERS["halton"], 50)
    assert len(tried) == len({spec.label for spec in tried}) == 8


# Who is chosen


def test_every_optimizer_has_the_same_budget() -> None:
    """An unequal fight: more trials, other seeds or other data for one optimizer than for another."""
    runs = Runs()
    outcome = tune(study(trials=8), runs)
    trials = [job for job in runs.jobs if job.seed == 1000]
    counts = {name: sum(job.optimizer.name == name for job in trials) for name in ("adam", "sgdm")}
    assert counts == {"adam": 8, "sgdm": 8}
    assert {job.seed for job in runs.jobs} == {1000, 0, 1, 2}
    assert {job.problem.validation_fraction for job in runs.jobs} == {0.1}  # type: ignore[union-attr]
    assert [each.trials for each in outcome.optimizers] == [8, 8]


def test_the_best_setting_wins_and_its_gain_is_paired() -> None:
    """A winner that is not the best by validation, or a gain that is not against the default."""
    adam, _ = tune(study(trials=16), Runs()).optimizers
    assert 0.005 < float(parse(adam.best.optimizer)[1]["lr"]) < 0.02  # type: ignore[arg-type]
    assert adam.default.optimizer == "adam"
    assert adam.gain is not None
    assert adam.gain.n == 3
    assert adam.best.test is not None
    assert adam.default.test is not None
    assert adam.gain.mean == pytest.approx(adam.best.test.mean - adam.default.test.mean)


def _choice(runs: Runs) -> list[str]:
    return [each.best.optimizer for each in tune(study(trials=16), runs).optimizers]


def test_the_test_set_decides_nothing() -> None:
    """A setting chosen by what it is then judged on."""
    honest = _choice(Runs())
    assert _choice(Runs(lambda job: made(job, quality(job), 1 - quality(job)))) == honest


def test_validation_loss_breaks_ties() -> None:
    """A tie in accuracy that is decided by the order of the trials."""

    def flat(job: Job) -> Result:
        result = made(job, quality(job), 0.9)
        return result.model_copy(update={"curve": result.curve | {"validation_accuracy": [0.9]}})

    assert _choice(Runs(flat)) == _choice(Runs())


def test_a_trial_that_diverges_is_the_worst_and_is_counted() -> None:
    """A divergence that wins, is left out of the curve over budget, or is not told."""

    def fragile(job: Job) -> Result:
        high = float(job.optimizer.hyperparameters["lr"]) > 0.003  # type: ignore[arg-type]
        return made(job, quality(job), 0.9, "diverged" if high else "completed")

    adam, sgdm = tune(study(trials=16), Runs(fragile)).optimizers
    assert 0 < adam.unfinished < 16
    assert adam.best.completed == 3
    assert adam.budget[0].low == 0
    assert adam.budget[0].mean < 0.95 * adam.budget[-1].mean
    assert sgdm.unfinished == sgdm.trials == 16
    assert sgdm.best.optimizer == "sgdm"
    assert sgdm.best.test is None
    assert words.render([tune(study(trials=16), Runs(fragile))])


def test_the_default_stays_where_nothing_is_better() -> None:
    """A setting preferred to the default without being better on the seeds that judge."""
    runs = Runs(lambda job: made(job, 0.9, 0.9))
    assert _choice(runs) == ["adam", "sgdm"]
    outcome = tune(study(trials=8), runs)
    assert [each.gain for each in outcome.optimizers] == [None, None]
    assert "the default is best" in words.render([outcome])


def test_the_default_is_always_a_finalist() -> None:
    """A gain against a default that was never judged."""
    tried = search(study(trials=16), Runs())
    for label, trials in tried.items():
        chosen = [spec.label for spec in finalists(trials, 2)]
        assert chosen[0] == label
        assert len(chosen) == 3


def test_a_winner_at_the_edge_is_doubted() -> None:
    """A range that ends before the optimum, and nobody is told."""
    doubted = tune(study(trials=16, space=["adam:lr=1e-6..1e-4"]), Runs()).optimizers[0].edges
    assert len(doubted) == 1
    assert (
        "lies at the upper edge of its range 1e-06..0.0001; widen it: --space adam:lr=1e-06..0.001"
        in doubted[0]
    )
    assert tune(study(trials=16), Runs()).optimizers[0].edges == ()


# Fewer epochs for the worse


def test_rungs_end_with_whole_runs() -> None:
    """Winners of short runs that never ran for the whole length, or rungs that keep too few of them."""
    assert [(rung.settings, rung.epochs) for rung in rungs(27, 30, 2)] == [(27, 3), (9, 10), (3, 30)]
    assert [(rung.settings, rung.epochs) for rung in rungs(4, 2, 2)] == [(4, 2)]


def test_halving_keeps_the_best_and_the_default() -> None:
    """A pruner that drops the winner or the default, or that lets long runs begin before short ones end."""
    runs = Runs()
    plain = study(replace(PROBLEM, settings=Settings(epochs=9)), trials=9)
    pruned = study(replace(PROBLEM, settings=Settings(epochs=9)), trials=9, pruner="halving")
    whole, outcome = tune(plain, Runs()), tune(pruned, runs)
    assert [each.best.optimizer for each in outcome.optimizers] == [
        each.best.optimizer for each in whole.optimizers
    ]
    assert [each.trials for each in outcome.optimizers] == [9, 9]
    lengths = [job.epochs for job in runs.jobs]
    assert lengths == sorted(lengths)
    spent = (each.optimizers[0].gradient_evaluations for each in (outcome, whole))
    assert next(spent) < next(spent)
    assert all(each.budget == () for each in outcome.optimizers)
    assert "No curve over budget" in words.render([outcome])


# Optuna


def test_optuna_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    """An interrupted study that tries other settings after it goes on, or tries a setting twice."""
    pytest.importorskip("optuna")

    def tuned_in(folder: Path, runs: Callable[[str, Request], Sequence[Result]]) -> Outcome:
        return tune(study(out=folder, trials=9, sampler="optuna"), runs)

    whole = Runs()
    outcome = tuned_in(tmp_path / "whole", whole)
    assert [each.trials for each in outcome.optimizers] == [9, 9]
    assert len(outcome.optimizers[0].so_far) == 9
    assert outcome.optimizers[0].so_far[0] <= outcome.optimizers[0].so_far[-1]
    parted = Runs()

    def broken(title: str, request: Request) -> Sequence[Result]:
        if "trial 7" in title:
            raise KeyboardInterrupt
        return parted(title, request)

    with pytest.raises(KeyboardInterrupt):
        tuned_in(tmp_path / "parted", broken)
    assert tuned_in(tmp_path / "parted", parted) == outcome
    assert {job.key for job in parted.jobs} == {job.key for job in whole.jobs}


def test_without_optuna_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback where an extra is not installed."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(RequestError, match=r"--sampler optuna needs Optuna: pip install 'adabench\[tune\]'"):
        tune(study(out=tmp_path, sampler="optuna"), Runs())


# Performance as a function of budget


@given(
    values=st.lists(st.floats(0, 1).map(lambda v: round(v, 3)), min_size=1, max_size=5),
    trials=st.integers(1, 4),
)
def test_the_best_of_k_is_what_drawing_all_of_them_gives(values: list[float], trials: int) -> None:
    """A slip in the closed form, found by listing every way to draw k of n with replacement."""
    bests = [max(drawn) for drawn in itertools.product(values, repeat=trials)]
    found = best_of(values, trials)
    assert found.mean == pytest.approx(sum(bests) / len(bests))
    assert sum(best <= found.low for best in bests) / len(bests) >= 0.025 - 1e-9
    assert sum(best < found.low for best in bests) / len(bests) < 0.025 + 1e-9
    assert sum(best <= found.high for best in bests) / len(bests) >= 0.975 - 1e-9


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_more_budget_is_never_worse(values: list[float]) -> None:
    """An expectation that falls with more trials, depends on their order, or exceeds the best one found."""
    curve = budget_curve(values)
    means = [point.mean for point in curve]
    assert all(later >= earlier - 1e-12 for earlier, later in itertools.pairwise(means))
    assert max(means) <= max(values) + 1e-12
    assert all(point.low <= point.high for point in curve)
    assert curve == budget_curve(values[::-1])
    assert [point.trials for point in curve][-1] == len(values)


def test_a_change_of_leader_is_told() -> None:
    """Optimizers that would be ordered otherwise with more budget, and nobody sees it."""

    def other(job: Job) -> Result:
        adam = 0.2 + 0.79 * (float(job.optimizer.hyperparameters["lr"]) > 0.005)  # type: ignore[arg-type]
        value = adam if job.optimizer.name == "adam" else 0.8
        return made(job, value, value)

    text = words.render([tune(study(trials=16, space=["adam:lr=3e-4..0.03"]), Runs(other))])
    assert "Who is in front depends on the budget: sgdm from k = 1, adam from k = " in " ".join(text.split())


# What others make of the results


def test_only_what_validation_chose_is_compared() -> None:
    """Dozens of settings in a comparison, or the seed of the trials among those that judge."""
    runs = Runs()
    outcome = tune(study(trials=16), runs)
    results, lines = tuned(runs.results.values())
    chosen = {each.best.optimizer for each in outcome.optimizers}
    assert {result.job.optimizer.label for result in results} == chosen | {"adam", "sgdm"}
    assert {result.job.seed for result in results} == {0, 1, 2}
    assert len(lines) == 2
    assert "among 16 settings of adam (seed 1000)" in lines[0]


def test_rungs_are_not_compared() -> None:
    """Short runs of a pruned tuning shown as a problem of their own."""
    runs = Runs()
    tune(study(replace(PROBLEM, settings=Settings(epochs=9)), trials=9, pruner="halving"), runs)
    results, _ = tuned(runs.results.values())
    assert {result.job.epochs for result in results} == {9}


def test_ordinary_results_are_no_tuning() -> None:
    """A sweep over a few settings, or one without a validation set, of which only one is then shown."""
    runs = Runs()
    tune(study(trials=3), runs)
    assert tuned(runs.results.values()) == (tuned(runs.results.values())[0], [])
    assert len(tuned(runs.results.values())[0]) == len(runs.results)
    blind = [
        result.model_copy(update={"job": result.job.model_copy(update={"problem": _blind(result.job)})})
        for result in runs.results.values()
    ]
    assert trials_in([blind]) == [[]]


def _blind(job: Job) -> Any:
    return job.problem.model_copy(update={"validation_fraction": 0.0})


# Suites


def test_suites_that_are_tuned() -> None:
    """A tuned suite that does not resolve, or that tunes its optimizers unequally."""
    for name in ("fair", "fair-short"):
        found = studies_of(Request(suite=name), TuneText(), Path("results"))
        assert len(found) == 2
        for each in found:
            assert [entry.label for entry in each.entries] == [
                "adafix",
                "adam",
                "adamw",
                "amsgrad",
                "adabound",
                "sgdm",
            ]
            assert all(set(entry.space) == {"lr", "schedule"} for entry in each.entries)
            assert each.spec.validation_fraction == 0.1
            assert resolve_sweep(each.trials([each.entries[0].default])).problems == (each.spec,)
    mnist, digits = studies_of(Request(suite="fair-short"), TuneText(), Path("results"))
    assert (mnist.spec.train_examples, digits.spec.train_examples) == (5_000, None)


def test_flags_come_before_the_suite() -> None:
    """A budget on the command line that a suite overrules."""
    request = Request(suite="fair-short", settings=Settings(epochs=2, seeds=[7], train_examples=100))
    one = studies_of(request, TuneText(trials=5, finalists=1), Path("results"))[0]
    assert (one.protocol.trials, one.protocol.finalists, one.protocol.sampler) == (5, 1, "halton")
    assert (one.epochs, one.protocol.seeds, one.spec.train_examples) == (2, (7,), 100)


def test_a_tuned_suite_is_not_run() -> None:
    """Untuned defaults run in the name of a fair comparison."""
    with pytest.raises(RequestError, match="the suite fair is for tuning; run it with: adabench tune fair"):
        resolve_sweep(Request(suite="fair"))


def test_a_slip_in_a_suites_tuning_is_located(tmp_path: Path) -> None:
    """An error about a suite file that names no line."""
    path = tmp_path / "suites.yaml"
    path.write_text(
        "defaults: {epochs: 1}\nsuites:\n  mine:\n    about: a test\n    optimizers: [adam]\n"
        "    problems: [{model: mlp, dataset: digits}]\n    tune:\n      trails: 8\n"
    )
    with pytest.raises(RequestError) as caught:
        read_suites(path)
    assert "line 8: suites.mine.tune.trails: unknown key 'trails'; did you mean 'trials'?" in str(
        caught.value
    )


def test_the_answer_is_json() -> None:
    """An outcome that holds what JSON cannot."""
    outcome = tune(study(trials=4), Runs())
    assert Outcome.model_validate_json(json.dumps(outcome.model_dump(), allow_nan=False)) == outcome


# The command


def _adabench(*arguments: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Exit code, stdout and stderr of a command."""
    monkeypatch.setattr(sys, "argv", ["adabench", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    streams = capsys.readouterr()
    return ended.value.code, streams.out, streams.err


def test_the_command_from_trials_to_a_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials run twice, a larger budget that begins anew, or results that the other commands cannot use."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Any:
        return _adabench(*arguments, capsys=capsys, monkeypatch=monkeypatch)

    common = (
        "--opt",
        "adam",
        "--opt",
        "sgdm:schedule=constant",
        "--model",
        "mlp:hidden=8",
        "--dataset",
        "digits",
    )
    asked = (
        "tune",
        *common,
        "--epochs",
        "1",
        "--seeds",
        "2",
        "--device",
        "cpu",
        "--workers",
        "1",
        "--trials",
    )
    code, plan, _ = call(*asked, "4", "--dry-run")
    assert code == 0
    assert "in all at most 20 jobs" in plan
    assert list(tmp_path.iterdir()) == []
    code, first, progress = call(*asked, "4")
    assert code == 0
    assert progress.count(": completed") > 8
    assert "4 trials of each optimizer, its untuned default among them" in first
    assert first.endswith("results in results/, next: adabench compare --tuned\n")
    code, again, progress = call(*asked, "4")
    assert (code, again) == (0, first)
    assert ": completed" not in progress
    _, _, progress = call(*asked, "6", "--finalists", "1")
    assert "12 trials: 12 jobs, 8 of them finished before" in progress
    code, text, told = call("compare", "--tuned")
    assert code == 0
    assert "seeds 0, 1" in text
    assert "sgdm:schedule=constant" in text.replace("\n", "")
    assert "chosen on validation among 6 settings of adam (seed 1000)" in told
    code, _, _ = call("report", "--tuned", "--output", "report.md")
    assert code == 0
    assert "Best of k trials" in Path("report.md").read_text()


def test_json_tells_the_test_accuracy_of_none_but_the_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document from which somebody could choose a setting by its test accuracy."""
    code, text, _ = _adabench(
        *("tune", "--opt", "adam", "--model", "mlp:hidden=8", "--dataset", "digits", "--epochs", "1"),
        *("--trials", "4", "--seeds", "1", "--workers", "1", "--device", "cpu", "--json", "--quiet"),
        *("--out", str(tmp_path)),
        capsys=capsys,
        monkeypatch=monkeypatch,
    )
    assert code == 0
    (problem,) = json.loads(text)["problems"]
    assert text.count('"test"') == 2
    assert problem["optimizers"][0]["trials"] == 4
