"""Tuning: the same budget for every optimizer, chosen on validation, judged on seeds that chose nothing."""

from adabench.tuning.outcome import Outcome, judge
from adabench.tuning.search import search
from adabench.tuning.study import Run, Study

__all__ = ["Outcome", "Run", "Study", "tune"]


def tune(study: Study, run: Run) -> Outcome:
    """Try settings of every optimizer, then judge the best of them.

    Args:
        study: the optimizers, the problem and the protocol.
        run: the means to run jobs.

    Raises:
        RequestError: the study cannot be carried out as it was asked for.
    """
    return judge(study, search(study, run), run)
