"""What a tuning is: optimizers, one problem, a budget that is the same for each, and who judges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adabench.catalogue import find
from adabench.config import ProblemText, Request, Settings
from adabench.errors import BadValueError
from adabench.results import Result
from adabench.spec import OptimizerSpec, SupervisedSpec
from adabench.tuning.sampling import SAMPLERS, Sampler
from adabench.tuning.space import Entry

TUNING_SEED = 1000
"""The seed of all trials; far from the 0, 1, 2, ... that judge the finalists."""

PRUNERS = {"halving": "successive halving: short runs for all, longer ones for the best third"}

Run = Callable[[str, Request], Sequence[Result]]
"""Runs what a request asks for, or finds it finished; the words, with the problem, say what it is for."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How optimizers are tuned: the same for each of them, on every problem.

    Args:
        trials: settings tried of each optimizer, its untuned default among them; at least 2.
        sampler: a name in `SAMPLERS`.
        pruner: a name in `PRUNERS`; None runs every trial to its end.
        finalists: how many of the best settings are judged on ``seeds``, beside the default; at least 1.
        tuning_seed: the seed of all trials.
        seeds: those of the finalists.

    Raises:
        UnknownNameError: a sampler or a pruner that there is not.
        BadValueError: a finalist's seed is that of the trials.
    """

    trials: int = 16
    sampler: str = "halton"
    pruner: str | None = None
    finalists: int = 2
    tuning_seed: int = TUNING_SEED
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        find("sampler", SAMPLERS, self.sampler)
        if self.pruner is not None:
            find("pruner", PRUNERS, self.pruner)
        if self.tuning_seed in self.seeds:
            raise BadValueError(
                f"seed {self.tuning_seed} is that of the trials, so it cannot judge them; change --seeds, "
                "--seed-list or --tuning-seed"
            )
        if self.pruner and self.how.points is None:
            raise BadValueError(
                f"--pruner {self.pruner} takes trials that were chosen beforehand: --sampler halton"
            )

    @property
    def how(self) -> Sampler:
        """The sampler's row."""
        return SAMPLERS[self.sampler]


@dataclass(frozen=True, kw_only=True)
class Study:
    """The tuning of several optimizers on one problem.

    Args:
        problem: as it is written.
        spec: as it is resolved.
        settings: epochs, minibatch and the rest; with a share of the training set for validation.
        entries: the optimizers.
        protocol: how they are tuned.
        suites_file: where names of suites are looked up; None takes the usual file.
        folder: where results lie, for what a sampler keeps beside them.
    """

    problem: ProblemText
    spec: SupervisedSpec
    settings: Settings
    entries: tuple[Entry, ...]
    protocol: Protocol
    folder: Path
    suites_file: Path | None = None

    @property
    def epochs(self) -> int:
        """The length of a whole run."""
        return self.settings.epochs or 1

    def trials(self, specs: Sequence[OptimizerSpec], epochs: int | None = None) -> Request:
        """Run these settings with the seed of the trials, for the whole length or fewer epochs."""
        return self._request(specs, [self.protocol.tuning_seed], epochs or self.epochs)

    def finals(self, specs: Sequence[OptimizerSpec]) -> Request:
        """Run these settings with every seed that judges them."""
        return self._request(specs, list(self.protocol.seeds), self.epochs)

    def _request(self, specs: Sequence[OptimizerSpec], seeds: list[int], epochs: int) -> Request:
        settings = self.settings.model_copy(update={"seeds": seeds, "epochs": epochs})
        return Request(
            optimizers=tuple(dict.fromkeys(spec.label for spec in specs)),
            models=(self.problem.model,) if self.problem.model else (),
            datasets=(self.problem.dataset,) if self.problem.dataset else (),
            settings=settings,
            suites_file=self.suites_file,
        )


def by_label(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results by what their optimizer is called, in the results' order."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.job.optimizer.label, []).append(result)
    return found
