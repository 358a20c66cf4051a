"""From words to studies: a suite's section ``tune``, with the command line's flags in place of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adabench.config import (
    DEFAULT_SUITE,
    ProblemText,
    Request,
    Settings,
    TuneText,
    problem_texts,
    read_suites,
    seed_list,
    settings_of,
)
from adabench.errors import RequestError
from adabench.spec import SupervisedSpec
from adabench.tuning.space import ByHand, entries
from adabench.tuning.study import Protocol, Study

VALIDATION_FRACTION = 0.1
SEEDS = 3


def studies_of(request: Request, given: TuneText, out: Path) -> list[Study]:
    """One study for each problem: a suite's words, and the command line's in place of them.

    Args:
        request: optimizers, problems and settings; what it does not name is the suite's.
        given: how to tune, as far as the command line says.
        out: folder of results.

    Raises:
        RequestError: an unknown name, a bad value, or a problem without a training set.
    """
    suites = read_suites(request.suites_file)
    settings = settings_of(request, suites)
    fraction = settings.validation_fraction or VALIDATION_FRACTION
    settings = settings.model_copy(update={"validation_fraction": fraction})
    suite = suites.find(request.suite or DEFAULT_SUITE)
    said = _said(suite.tune) | _said(given)
    by_hand = [ByHand.read(text) for text in said.pop("space", ())]
    searched = said.pop("search", ())
    tuned = entries(request.optimizers or suite.optimizers, searched, by_hand)
    _check_different([entry.label for entry in tuned])
    protocol = Protocol(**said, seeds=seed_list(settings.seeds if settings.seeds is not None else SEEDS))
    studies = []
    for text in problem_texts(request, suites):
        spec = _supervised(text, settings)
        own = settings.model_copy(update={"train_examples": spec.train_examples})
        studies.append(
            Study(
                problem=text,
                spec=spec,
                settings=own,
                entries=tuned,
                protocol=protocol,
                folder=out,
                suites_file=request.suites_file,
            )
        )
    return studies


def _said(text: TuneText | None) -> dict[str, Any]:
    return {} if text is None else {key: value for key, value in text if value is not None}


def _supervised(text: ProblemText, settings: Settings) -> SupervisedSpec:
    spec = text.resolve(settings)
    if not isinstance(spec, SupervisedSpec):
        raise RequestError(f"{spec.label} has no validation set to choose by; tune on a model and a data set")
    return spec


def _check_different(labels: Sequence[str]) -> None:
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise RequestError(f"optimizer {twice!r} is named twice; name it once")
