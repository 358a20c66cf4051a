"""One row buys every contract test: a toy optimizer is added to the catalogue, and the suite finds it."""

import subprocess
import sys
from pathlib import Path

TOY = """
import torch

from adabench.catalogue import Option
from adabench.check.references import REFERENCES, elementwise
from adabench.optimizers import OPTIMIZERS, OptimizerRow, Traits
from adabench.optimizers.base import ListOptimizer, chunks
from adabench.optimizers.row import per_parameter


class Toy(ListOptimizer):
    state_names = ()

    def __init__(self, params, lr=0.1, *, foreach=True, capturable=False):
        super().__init__(params, {"lr": lr, "foreach": foreach, "capturable": capturable})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for params, grads in chunks(self.lists_of(group), group["foreach"]):
                torch._foreach_add_(params, torch._foreach_mul(grads, SIGN * group["lr"]))
        return loss


@elementwise
def toy(x, gradient, steps, settings, rate):
    for t in range(1, steps + 1):
        x = [xi - settings["lr"] * rate(t) * gi for xi, gi in zip(x, gradient(t, x), strict=True)]
    return x, {}


REFERENCES["toy"] = toy
OPTIMIZERS["toy"] = OptimizerRow(
    target="toy_plugin:Toy",
    summary="plain gradient descent",
    paper="Cauchy 1847",
    options={"lr": Option(0.1, "learning rate", low=0.0)},
    state=per_parameter(0),
    traits=Traits(elementwise=True, foreach=True, capturable=True),
)
"""


def run_contract(folder: Path, sign: str) -> subprocess.CompletedProcess[str]:
    """The contract tests of the toy alone, in a process whose catalogue holds it."""
    (folder / "toy_plugin.py").write_text(TOY.replace("SIGN", sign))
    tests = Path(__file__).with_name("test_optimizers.py")
    command = [sys.executable, "-m", "pytest", "-p", "toy_plugin", "-k", "toy", "-q", str(tests)]
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=tests.parent.parent, env=environment, capture_output=True, text=True, check=False
    )


def test_a_new_row_is_tested_by_every_contract(tmp_path: Path) -> None:
    """A contract test that works from a list of names of its own, which a new row is not on."""
    done = run_contract(tmp_path, "-1")
    assert done.returncode == 0, done.stdout
    contracts = (
        Path(__file__).with_name("test_optimizers.py").read_text().count('parametrize("name", OPTIMIZERS)')
    )
    passed = int(done.stdout.split(" passed")[0].split()[-1])
    assert passed > contracts > 5


def test_a_wrong_row_is_caught(tmp_path: Path) -> None:
    """Contract tests that cannot fail: the toy climbs instead of descending."""
    done = run_contract(tmp_path, "+1")
    assert done.returncode == 1
    for name in ("test_follows_the_reference", "test_descends"):
        assert f"{name}[" in done.stdout.split("short test summary")[1]
