"""From a resolved specification to a live optimizer."""

from collections.abc import Iterable

from torch import Tensor
from torch.optim import Optimizer

from adabench.catalogue import find, load
from adabench.errors import BadValueError, one_line
from adabench.optimizers import OPTIMIZERS
from adabench.spec import OptimizerSpec


def build_optimizer(spec: OptimizerSpec, params: Iterable[Tensor]) -> Optimizer:
    """The optimizer that ``spec`` names over ``params``, updating all of them in one call.

    Raises:
        BadValueError: the optimizer refused its settings.
    """
    row = find("optimizer", OPTIMIZERS, spec.name)
    try:
        optimizer: Optimizer = load(row.target)(params, **spec.hyperparameters, **row.fixed, foreach=True)
    except (TypeError, ValueError) as error:
        raise BadValueError(f"{spec.label}: {one_line(error)}") from error
    return optimizer
