"""Theorem 3.1 of the AdaFix paper, measured: how often each bound predicts that a step recedes.

    python bench/theorem.py            prints the tables of docs/theory.md, draws docs/images/theorem.png

Adam, AMSGrad and AdaFix run on problems whose optimum is known. At each step the script notes what
divides the step, the bounds, and whether the distance to the optimum grew: for the step the
optimizer took, which has momentum, and for the theorem's, which has none, from the same point with
the same second moment.

Source: Bae, Ryu and Shin, "Does Adam optimizer keep close to the optimal point?", arXiv 1911.00289.
"""

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tabulate import tabulate
from torch import Tensor
from torch.optim import Adam, Optimizer

from adabench.optimizers import AdaFix
from adabench.problems.analytic import AnalyticProblem
from adabench.problems.analytic_smooth import CosineBowl, Quadratic, Rosenbrock

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
FIGURE = Path(__file__).parent.parent / "docs" / "images" / "theorem.png"
NEAREST = 1e-9  # a run ends at this distance from the optimum, where rounding decides which way a step goes


class Turned(Quadratic):
    """The quadratic in axes turned at random.

    In its own axes and from (1, ..., 1) all coordinates of Adam move alike, whatever their curvatures.
    """

    def __init__(self, condition: float, dimension: int) -> None:
        super().__init__(condition, dimension)
        generator = torch.Generator().manual_seed(0)
        shape = (dimension, dimension)
        self._axes, _ = torch.linalg.qr(torch.randn(shape, generator=generator, dtype=torch.float64))

    def gradient(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """Q'AQx, where A is the quadratic's matrix and Q the turn."""
        turned: Tensor = super().gradient(x @ self._axes, weight) @ self._axes.T
        return turned


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A function with a known optimum, and how it is descended.

    Args:
        name: for the tables.
        function: its gradient, its start and its optimum.
        steps: the most that a run takes.
        learning_rate: of every optimizer.
        convexity: delta, the largest constant of one-point strong convexity around the optimum.
        noise: standard deviation of what is added to each coordinate of each gradient.
    """

    name: str
    function: AnalyticProblem
    steps: int = 3_000
    learning_rate: float = 0.5
    convexity: float = 0.0
    noise: float = 0.0


DRAWN = Problem(name="cosine bowl, noise 1e-4", function=CosineBowl(), steps=20_000, noise=1e-4)
PROBLEMS = (
    Problem(name="cosine bowl", function=CosineBowl(), steps=10_000),
    DRAWN,
    Problem(name="quadratic, condition 10", function=Quadratic(10, 10), convexity=1 / 10),
    Problem(name="quadratic, condition 100", function=Quadratic(100, 10), convexity=1 / 100),
    Problem(name="turned, condition 10", function=Turned(10, 10), convexity=1 / 10),
    Problem(name="turned, condition 100", function=Turned(100, 10), convexity=1 / 100),
    Problem(name="Rosenbrock", function=Rosenbrock(), learning_rate=0.1),
)


Build = Callable[..., Optimizer]
CONTENDERS: Mapping[str, Build] = {"Adam": Adam, "AMSGrad": partial(Adam, amsgrad=True), "AdaFix": AdaFix}


def divisor_of(optimizer: Optimizer, p: Tensor) -> Tensor:
    """sqrt(v-hat) + eps of the latest step, (dimensions,); AdaFix corrects v by its own count of updates."""
    group, state = optimizer.param_groups[0], optimizer.state[p]
    squares: Tensor = state.get("max_exp_avg_sq", state["exp_avg_sq"])
    updates = float(group.get("updates", state.get("step")))
    return torch.sqrt(squares / (1 - group["betas"][1] ** updates)) + float(group["eps"])


@dataclass(frozen=True, kw_only=True)
class Run:
    """One optimizer's run on one problem, a row a step from x to x'.

    Args:
        problem: what was descended.
        error: x - x*, (steps, dimensions).
        gradient: g, as the optimizer saw it, (steps, dimensions).
        direction: m-hat, the bias-corrected mean of the gradients, (steps, dimensions).
        divisor: sqrt(v-hat) + eps, (steps, dimensions).
        reached: x' - x*, (steps, dimensions).
        lipschitz: L, the largest ||grad f(x') - grad f(x)|| / ||x' - x|| so far, (steps,).
    """

    problem: Problem
    error: Floats
    gradient: Floats
    direction: Floats
    divisor: Floats
    reached: Floats
    lipschitz: Floats

    @property
    def distance(self) -> Floats:
        """||x - x*||, (steps,)."""
        return norms(self.error)

    @property
    def receded(self) -> Flags:
        """Whether the step taken ended no nearer to x*, (steps,)."""
        return norms(self.reached) >= self.distance

    @property
    def receded_without_momentum(self) -> Flags:
        """The same of the theorem's step, x - lr g / divisor."""
        step = self.problem.learning_rate * self.gradient / self.divisor
        return norms(self.error - step) >= self.distance

    def bounds(self) -> dict[str, Floats]:
        """By name, what the largest divisor must not exceed for the step to be said to recede."""
        lr, delta, distance = self.problem.learning_rate, self.problem.convexity, self.distance
        ratio = norms(self.gradient) / distance
        convexity = (self.gradient * self.error).sum(1) / distance**2
        outside = np.where(convexity > delta, 0.0, np.nan)  # where the theorem is silent
        return {
            "main text": np.hypot(delta, ratio) / distance - delta + outside,
            "supplement": lr * (np.hypot(delta, ratio) - delta) + outside,
            "mended": lr * (np.hypot(convexity, ratio) - convexity),
            "triangle": lr * ratio / 2,
            "triangle, m": lr * norms(self.direction) / distance / 2,
            "lr L": lr * self.lipschitz,
            "lr L / 2": lr * self.lipschitz / 2,
        }


def norms(rows: Floats) -> Floats:
    """The 2-norm of each row."""
    lengths: Floats = np.linalg.norm(rows, axis=1)
    return lengths


def run(problem: Problem, build: Build, seed: int) -> Run:
    """Descend a problem until its steps are spent or the optimum is as near as `NEAREST`."""
    function, optimum = problem.function, problem.function.optimum
    assert optimum is not None
    p = function.start.clone().requires_grad_()
    optimizer = build([p], lr=problem.learning_rate)
    beta = optimizer.param_groups[0]["betas"][0]
    draws = np.random.default_rng(seed).normal(scale=problem.noise, size=(problem.steps, p.numel()))
    rows: list[tuple[Any, ...]] = []
    lipschitz = 0.0
    for count, draw in enumerate(torch.from_numpy(draws), start=1):
        x = p.detach().clone()
        if (x - optimum).norm() < NEAREST:
            break
        optimizer.step(_closure(function, p, draw))
        reached, slope = p.detach().clone(), function.gradient(x, None)
        change = (function.gradient(reached, None) - slope).norm() / (reached - x).norm()
        lipschitz = max(lipschitz, float(change))
        mean = optimizer.state[p]["exp_avg"] / (1 - beta**count)
        divisor = divisor_of(optimizer, p)
        rows.append((x - optimum, slope + draw, mean, divisor, reached - optimum, lipschitz))
    columns = ("error", "gradient", "direction", "divisor", "reached", "lipschitz")
    return Run(problem=problem, **dict(zip(columns, map(np.array, zip(*rows, strict=True)), strict=True)))


def _closure(function: AnalyticProblem, p: Tensor, draw: Tensor) -> Callable[[], float]:
    """Puts the gradient of this step's function, its noise too, where an optimizer looks for it."""

    def evaluate() -> float:
        p.grad = function.gradient(p.detach(), None) + draw
        return 0.0

    return evaluate


def judged(held: Flags, receded: Flags) -> str:
    """Per cent of the steps at which the bound held / per cent of those that receded."""
    return " / ".join([percent(held.mean()), percent(receded[held].mean()) if held.any() else "-"])


def percent(share: float) -> str:
    """A share in per cent, rounded down, so that 100.0 means all; and 0.0 means none."""
    return "<0.1" if 0 < share < 0.001 else f"{math.floor(1000 * share) / 10:.1f}"


def table(runs: Mapping[tuple[str, str], Run], receded: Callable[[Run], Flags], names: list[str]) -> str:
    """How the named bounds judged each run's steps, as Markdown."""
    rows = []
    for (problem, optimizer), of_run in runs.items():
        truth, largest, bounds = receded(of_run), of_run.divisor.max(1), of_run.bounds()
        judgements = [judged(largest <= bounds[name], truth) for name in names]
        facts = [problem, optimizer, len(truth), f"{of_run.distance[-1]:.0e}", percent(truth.mean())]
        rows.append([*facts, *judgements])
    heads = ["problem", "optimizer", "steps", "last distance", "receded", *names]
    return tabulate(rows, heads, "github", disable_numparse=True)


BIN = 100  # steps that one point of the figure sums up
LINES: Mapping[str, tuple[str, Any, str]] = {  # name: (colour of Okabe and Ito, dashes, label)
    "main text": ("#CC79A7", ":", "printed bound, main text"),
    "supplement": ("#D55E00", "--", "printed bound, supplement"),
    "triangle": ("#009E73", "-.", r"bound that holds, $\eta\|g\|/2\|x-x^*\|$"),
    "lr L / 2": ("#E69F00", (0, (6, 2)), r"$\eta L/2$"),
}


def draw(runs: Mapping[str, Run], path: Path) -> None:
    """Draw the distance over the divisor and its bounds, a column an optimizer, to a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shape: dict[str, Any] = {"figsize": (10, 6.4), "sharex": True, "sharey": "row", "layout": "constrained"}
    figure, axes = plt.subplots(2, len(runs), **shape)
    for (name, of_run), (above, below) in zip(runs.items(), axes.T, strict=True):
        above.set(title=name, yscale="log")
        below.set(xlabel="step", yscale="log", ylim=(2e-4, 4))
        draw_distance(of_run, above)
        draw_bounds(of_run, below)
    axes[0, 0].set_ylabel("distance to the optimum\n(units of x)")
    axes[1, 0].set_ylabel("divisor and bounds on it\n(units of the gradient)")
    handles = [handle for row in axes for handle in row[0].get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=9)
    figure.savefig(path, dpi=90)


def draw_distance(of_run: Run, panel: Any) -> None:
    """The distance of one run, as the median and the range of each `BIN` steps."""
    binned, middle = bins(of_run.distance)
    label = f"distance, range of {BIN} steps"
    panel.fill_between(middle, binned.min(1), binned.max(1), color="0.75", label=label)
    panel.plot(middle, np.median(binned, axis=1), color="black", label=f"distance, median of {BIN} steps")
    panel.axhline(
        math.sqrt(math.pi), color="black", linestyle=":", label="edge of the one-point convex region"
    )


def draw_bounds(of_run: Run, panel: Any) -> None:
    """What divides each step of one run, and the bounds on it, as medians."""
    bounds = of_run.bounds()
    for name, (color, dashes, label) in LINES.items():
        binned, middle = bins(bounds[name])
        median = np.nanmedian(binned, axis=1)
        panel.plot(middle, median, color=color, linestyle=dashes, linewidth=1.2, label=label)
    root = r"$\sqrt{\max\, \hat v}$, which divides the step"
    panel.plot(of_run.divisor.max(1), color="#0072B2", linewidth=2.2, label=root)


def bins(values: Floats) -> tuple[Floats, Floats]:
    """The values in rows of `BIN` steps, and the middle step of each row."""
    count = len(values) // BIN
    return values[: count * BIN].reshape(count, BIN), np.linspace(BIN / 2, (count - 0.5) * BIN, count)


def main() -> None:
    """Run everything, print both tables and draw the figure."""
    parser = argparse.ArgumentParser(description="Theorem 3.1 of the AdaFix paper, measured.")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default 0)")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where the PNG goes")
    given = parser.parse_args()
    torch.set_num_threads(1)
    runs = {
        (problem.name, name): run(problem, build, given.seed)
        for problem in PROBLEMS
        for name, build in CONTENDERS.items()
    }
    print("The theorem's step, without momentum. Cells: bound held / of those receded, per cent of steps.\n")
    names = ["main text", "supplement", "mended", "triangle"]
    print(table(runs, lambda r: r.receded_without_momentum, names))
    print("\nThe step taken, with momentum.\n")
    print(table(runs, lambda r: r.receded, ["supplement", "triangle", "triangle, m", "lr L", "lr L / 2"]))
    late = runs[DRAWN.name, "Adam"].distance[1_000:]
    print(f"\nAdam, {DRAWN.name}: farthest at step {1_000 + late.argmax():,}, {late.max():.2f} away")
    draw({name: runs[DRAWN.name, name] for name in CONTENDERS}, given.figure)


if __name__ == "__main__":
    main()
