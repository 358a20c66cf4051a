"""Every step that a CUDA graph may hold, taken on tensors without data: nothing may be read on the host."""

import importlib
import pkgutil
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from adabench.catalogue import load
from adabench.optimizers import OPTIMIZERS, optimizer_spec
from adabench.optimizers.building import build_optimizer

CAPTURABLE = [name for name, row in OPTIMIZERS.items() if row.traits.capturable]
NOT_HERE = {
    "sgd": "captured in its fused kind alone, which has no kernel for tensors without data",
    "sgdm": "as sgd",
    "adagrad": "as sgd",
    "adafactor": "counts its steps on the host and reads the root mean square of the weights there",
    "muon": "its learning rate enters as a number, and its iterations are shaped on the host",
    "lbfgs": "decides on the host when to stop",
}
"""Every other row, and why."""


@pytest.fixture(autouse=True)
def torch_lets_meta_tensors_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch asks for an accelerator wherever ``capturable`` is set; here ``meta`` counts as one."""
    check = "_get_capturable_supported_devices"
    for found in pkgutil.iter_modules(torch.optim.__path__, "torch.optim."):
        module = importlib.import_module(found.name)
        if hasattr(module, check):
            monkeypatch.setattr(module, check, lambda supports_xla=True: ["meta"])


def training(name: str, settings: dict[str, Any], **kind: Any) -> tuple[torch.optim.Optimizer, Any]:
    """An optimizer of a small network on ``meta``, and the closure of one minibatch."""
    with torch.device("meta"):
        model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
        inputs, labels = torch.empty(32, 8), torch.empty(32, dtype=torch.long)
    optimizer = build_optimizer(optimizer_spec(name, settings), model.parameters(), capturable=True, **kind)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), labels)
        loss.backward()
        return loss

    return optimizer, closure


def test_every_row_is_tried_or_excused() -> None:
    """A new row that nobody has thought about."""
    assert set(CAPTURABLE) | set(NOT_HERE) == set(OPTIMIZERS)
    assert not set(CAPTURABLE) & set(NOT_HERE)


@pytest.mark.parametrize("name", CAPTURABLE)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_no_step_reads_a_value(name: str, weight_decay: float) -> None:
    """``.item()`` or a branch on data: a graph would hold the first answer forever, or not be captured."""
    optimizer, closure = training(name, {"weight_decay": weight_decay})
    for _ in range(3):
        loss = optimizer.step(closure)
    assert loss.is_meta
    assert all(group["lr"].is_meta for group in optimizer.param_groups)


@pytest.mark.parametrize(
    "settings",
    [
        {"trigger": "signed"},
        {"trigger": "second_moment", "bias_correction": "steps"},
        {"weight_decay": 0.1, "decoupled_weight_decay": True, "lipschitz_every": 2},
    ],
)
def test_no_variant_of_adafix_reads_a_value(settings: dict[str, Any]) -> None:
    """A branch on data behind a setting."""
    optimizer, closure = training("adafix", settings)
    for _ in range(4):
        optimizer.step(closure)


def test_the_catalogue_says_which_arguments_a_class_takes() -> None:
    """A trait that promises an argument which the class refuses, or keeps silent about one."""
    for name, row in OPTIMIZERS.items():
        arguments = load(row.target).__init__.__code__.co_varnames
        assert row.traits.capturable == ("capturable" in arguments), name
        assert row.traits.fused == ("fused" in arguments), name


def test_a_value_read_on_the_host_does_raise() -> None:
    """A test that could not fail: the same step, where counts live on the host and are read there."""
    x = torch.nn.Parameter(torch.empty(3, device="meta"))
    optimizer = load(OPTIMIZERS["adabound"].target)([x], capturable=True)
    x.grad = torch.empty_like(x)
    optimizer.step()
    optimizer.param_groups[0]["capturable"] = False
    with pytest.raises((RuntimeError, NotImplementedError)):
        optimizer.step()
