"""Trials chosen by Optuna: asked for and told here, run like all others.

Its SQLite file lies among the results, so that an interrupted tuning goes on; the results stay the
truth. Each study in it is named by everything that decides which trials are comparable.
"""

import hashlib
from typing import TYPE_CHECKING, Any

from adabench.errors import RequestError
from adabench.spec import OptimizerSpec
from adabench.tuning.sampling import SEED
from adabench.tuning.search import Trial, Tried
from adabench.tuning.space import Entry
from adabench.tuning.study import Run, Study, by_label

if TYPE_CHECKING:
    import optuna

STORAGE = "tuning.sqlite3"
AT_RANDOM = 5
"""First trials of an optimizer that are not yet chosen after others."""


def by_optuna(study: Study, run: Run) -> Tried:
    """Try the default, then one setting of each optimizer a round, each chosen after those before it.

    Raises:
        RequestError: Optuna is not installed.
    """
    asked = {entry.label: _Asked(study, entry) for entry in study.entries}
    for number in range(1, study.protocol.trials + 1):
        due = {label: each.first(number) for label, each in asked.items()}
        every = [spec for specs in due.values() for spec in specs]
        results = by_label(
            run(f"{study.spec.label}, trial {number} of {study.protocol.trials}", study.trials(every))
        )
        for label, specs in due.items():
            trials = [Trial(spec=spec, results=(results[spec.label][0],)) for spec in specs]
            asked[label].tell(trials)
    return {label: each.trials for label, each in asked.items()}


class _Asked:
    """Optuna's study of one optimizer on one problem, in shares of the unit cube.

    The default is no part of it, since its settings may lie outside of the ranges.
    """

    def __init__(self, study: Study, entry: Entry) -> None:
        optuna = _optuna()
        study.folder.mkdir(parents=True, exist_ok=True)
        self._entry = entry
        self._study = optuna.create_study(
            study_name=_name(study, entry),
            storage=f"sqlite:///{study.folder / STORAGE}",
            direction="maximize",
            load_if_exists=True,
        )
        self._numbers: list[int] = []
        self.trials: list[Trial] = []

    def first(self, number: int) -> list[OptimizerSpec]:
        """The ``number`` settings that come first: those of before, and the one that is due."""
        if number == 1:
            return [self._entry.default]
        known = self._study.get_trials(deepcopy=False)
        if len(known) < number - 1:
            # Seeded by what it has seen, so that going on asks what never stopping would have asked.
            self._study.sampler = _optuna().samplers.TPESampler(
                seed=SEED + len(known), n_startup_trials=AT_RANDOM
            )
            trial = self._study.ask()
            for place, _ in enumerate(self._entry.axes):
                trial.suggest_float(str(place), 0.0, 1.0)
            known = self._study.get_trials(deepcopy=False)
        return [self._entry.default, *(self._spec(trial) for trial in known[: number - 1])]

    def tell(self, trials: list[Trial]) -> None:
        """Keep what came out; trials that are told already stay as they are."""
        self.trials = trials
        for told, trial in zip(self._study.get_trials(deepcopy=False), trials[1:], strict=False):
            if not told.state.is_finished():
                self._study.tell(told.number, trial.value)

    def _spec(self, trial: "optuna.trial.FrozenTrial") -> OptimizerSpec:
        shares = [trial.params[str(place)] for place, _ in enumerate(self._entry.axes)]
        return self._entry.at([min(share, 1 - 1e-9) for share in shares])


def _name(study: Study, entry: Entry) -> str:
    """The problem and the optimizer, and a hash of everything else that makes trials comparable."""
    ranges = {setting: list(map(repr, each)) for setting, each in entry.space.items()}
    settings = study.settings.model_copy(update={"seeds": None})
    content = repr((study.spec, entry.default, ranges, settings, study.protocol.tuning_seed))
    return f"{study.spec.label}, {entry.label}, {hashlib.sha256(content.encode()).hexdigest()[:12]}"


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise RequestError("--sampler optuna needs Optuna: pip install 'adabench[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
