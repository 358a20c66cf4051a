"""The facts that stand above a table: what was trained on what, for how long."""

from collections.abc import Mapping

from adabench.catalogue import Value, spell
from adabench.compare.model import ProblemComparison
from adabench.compare.notes import seed_words
from adabench.datasets import dataset_label
from adabench.errors import RequestError
from adabench.report.text import plain

LEGEND = (
    "± is the sample standard deviation over seeds; intervals are 95 % Student's t intervals of the mean. "
    "Differences are in percentage points of final test accuracy, paired by seed. "
    "Best test % is each run's best epoch, read off the test set: an upper bound, not a selection. "
    "Numbers are over completed runs; optimizers with a diverged run stand below those without."
)


def facts(compared: ProblemComparison) -> str:
    """One line of facts: model, data, augmentation, length, batch, examples, precision, seeds."""
    problem = compared.problem
    examples = "all" if problem.train_examples is None else str(problem.train_examples)
    held_out = problem.validation_fraction
    return ", ".join(
        [
            f"{_with_options(problem.model, problem.model_options)} on "
            f"{_with_options(dataset_name(problem.dataset), problem.dataset_options)}",
            f"augmentation {plain(problem.augment)}",
            f"{compared.epochs} {'epoch' if compared.epochs == 1 else 'epochs'}",
            f"batch {problem.batch_size}",
            f"{examples} training examples"
            + (f", {held_out:.0%} of them for validation" if held_out else ""),
            compared.precision,
            seed_words(compared.seeds),
        ]
    )


def dataset_name(name: str) -> str:
    """What people call a data set, for any name that a result may hold."""
    try:
        return dataset_label(name)
    except RequestError:
        return name


def settings(values: Mapping[str, Value]) -> str:
    """Settings as one would type them: ``lr=0.001, betas=0.9/0.999``."""
    return ", ".join(f"{plain(name)}={plain(spell(value))}" for name, value in values.items())


def _with_options(name: str, options: Mapping[str, Value]) -> str:
    return f"{plain(name)} ({settings(options)})" if options else plain(name)
