"""Many seeds at once: jobs that differ only in their seed, as one batch of models.

The weights of S models lie beside each other as tensors (S, ...), each model meets its own
minibatches, and one forward and one backward pass serve them all. No number passes from one model to
another: one that diverges leaves the others as they are. Sums are taken in another order than for
one model by itself, so the results are those of single runs to rounding, not to the bit.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)

from adabench.datasets.arrays import Arrays
from adabench.problems.interface import Draw
from adabench.problems.supervised import SupervisedProblem, build_model
from adabench.spec import SupervisedSpec


class Ensemble(nn.Module):
    """Models of one architecture as one module whose parameters are stacked.

    Args:
        models: at least one; without buffers, and without random numbers of their own.
        input_ndim: dimensions of one input.
    """

    def __init__(self, models: Sequence[nn.Module], input_ndim: int) -> None:
        super().__init__()
        self._own_ndim = input_ndim + 2
        stacked, buffers = stack_module_state(list(models))
        assert not buffers, "models that keep statistics cannot be stacked"
        self._names = tuple(stacked)
        for i, tensor in enumerate(stacked.values()):
            self.register_parameter(f"stacked_{i}", nn.Parameter(tensor.detach()))
        self._blueprint = [models[0].to("meta")]  # in a list, so that its parameters are not this module's

    def forward(self, inputs: Tensor) -> Tensor:
        """Every model's outputs.

        Args:
            inputs: (S, B, ...), each model's own; or (B, ...), the same for all.

        Returns:
            (S, B, classes), or (S, B, T, classes) for T tokens.
        """
        params: dict[str, Tensor] = dict(zip(self._names, self.parameters(), strict=True))
        every = vmap(self._one, in_dims=(0, 0 if inputs.ndim == self._own_ndim else None))
        outputs: Tensor = every(params, inputs)
        return outputs

    def _one(self, params: dict[str, Tensor], inputs: Tensor) -> Any:
        return functional_call(self._blueprint[0], params, (inputs,))


class StackedProblem(SupervisedProblem):
    """One supervised problem met by several seeds side by side.

    Args:
        spec: the problem they share; its model is stackable.
        data_dir: where data sets lie.
        device: where everything lives.
        draws: each seed's random generators by name.
        autocast: run forward passes in bfloat16 where torch holds that to be safe.

    Raises:
        RequestError: data that is missing or does not fit the model.
    """

    def __init__(
        self,
        spec: SupervisedSpec,
        *,
        data_dir: Path,
        device: torch.device,
        draws: Sequence[Draw],
        autocast: bool = False,
    ) -> None:
        self._all_draws, self.shape = draws, (len(draws),)
        super().__init__(spec, data_dir=data_dir, device=device, draw=draws[0], autocast=autocast)

    def _model(self, spec: SupervisedSpec, arrays: Arrays) -> nn.Module:
        models = [build_model(spec, arrays, draw("weights").initial_seed()) for draw in self._all_draws]
        return Ensemble(models, len(arrays.input_shape))

    def _draws(self, epoch: int) -> tuple[Tensor, Tensor]:
        orders, changes = zip(*(self._drawn(epoch, draw) for draw in self._all_draws), strict=True)
        return torch.stack(orders), torch.stack(changes)

    def _mean_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        labels = labels.expand(logits.shape[:-1])
        each = F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
        return each.view(len(logits), -1).mean(dim=-1)
