"""Are 95 % intervals 95 % intervals, and is a test at 5 % wrong in 5 % of cases? By simulation.

    python bench/calibration.py
    python bench/calibration.py --repeats 20000

Every figure is a share of simulated experiments in which there is no difference to find, or whose
true value is known. Random numbers have a fixed seed. Where seeds differ by normal noise, the t
interval covers exactly; the other rows show how far from that a handful of odd accuracies leads.
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from tabulate import tabulate

from adabench.compare import Question, Versus
from adabench.compare.aggregates import interquartile_mean
from adabench.compare.shares import share_interval
from adabench.compare.statistics import Interval, estimate
from adabench.compare.versus import against_best, judged, unpaired, versus

SIZES = (3, 5, 10)
SEED = 20_191_101
Draw = Callable[[np.random.Generator, int], np.ndarray]

SHAPES: dict[str, Draw] = {
    "normal": lambda draw, n: draw.normal(size=n),
    "skewed": lambda draw, n: 1 - draw.exponential(size=n),
    "heavy tails": lambda draw, n: draw.standard_t(3, size=n),
    "1,000 test images": lambda draw, n: draw.binomial(1000, 0.98, size=n) / 1000 - 0.98,
}
"""Accuracies around a true mean of 0, one a seed."""


def covers(interval: Interval | None, truth: float) -> bool:
    """Whether an interval holds the truth; one that is not given claims nothing."""
    return interval is None or interval[0] <= truth <= interval[1]


def experiments(shape: Draw, n: int, repeats: int, optimizers: int = 1) -> np.ndarray:
    """Accuracies of every experiment, optimizer and seed; the first optimizer is the baseline."""
    draw = np.random.default_rng([SEED, n, optimizers])
    return np.array([[shape(draw, n) for _ in range(optimizers + 1)] for _ in range(repeats)])


def row(shape: Draw, n: int, repeats: int) -> list[str]:
    """How often intervals cover and tests err, with ``n`` seeds."""
    data = experiments(shape, n, repeats)
    single = [covers(found.interval, 0) for mine, _ in data if (found := estimate(mine.tolist()))]
    pairs = [_pair(mine, base) for mine, base in data]
    apart = [_apart(mine, base) for mine, base in data]
    return [
        str(n),
        _percent(single),
        _percent([covers(each.interval, 0) for each in pairs]),
        _percent([(each.p_t or 1) < 0.05 for each in pairs]),
        _percent([(each.p_sign_flip or 1) < 0.05 for each in pairs]),
        _percent([covers(each.interval, 0) for each in apart]),
        _percent(family_errors(shape, n, repeats // 4)),
        *map(_percent, zip(*best_errors(shape, n, repeats // 4), strict=True)),
    ]


def _pair(mine: np.ndarray, base: np.ndarray) -> Versus:
    found = versus("a", "b", dict(enumerate(mine.tolist())), dict(enumerate(base.tolist())))
    assert found is not None
    return found


def _apart(mine: np.ndarray, base: np.ndarray) -> Versus:
    one, other = estimate(mine.tolist()), estimate((3 * base).tolist())
    assert one is not None
    assert other is not None
    return unpaired("a", "b", one, other)


def family_errors(shape: Draw, n: int, repeats: int, optimizers: int = 4) -> list[bool]:
    """Whether any of four optimizers that are as good as the baseline was called better or worse."""
    return [
        any(
            each.verdict in ("better", "worse")
            for each in judged([_pair(mine, base) for mine in others], Question())
        )
        for base, *others in experiments(shape, n, repeats, optimizers)
    ]


def best_errors(shape: Draw, n: int, repeats: int, optimizers: int = 5) -> list[tuple[bool, bool]]:
    """Whether any of five equal optimizers was called worse than the best of them: as is, and as is not done.

    The second is what Holm's correction over the best's own pairs alone would claim.
    """
    found = []
    for drawn in experiments(shape, n, repeats, optimizers - 1):
        ranked = sorted(drawn, key=lambda values: -values.mean())
        ordered = [(str(place), dict(enumerate(values.tolist()))) for place, values in enumerate(ranked)]
        alone = judged([_pair(values, ranked[0]) for values in ranked[1:]], Question())
        found.append(
            (
                any(each.verdict == "worse" for each in against_best(ordered)),
                any(each.verdict == "worse" for each in alone),
            )
        )
    return found


def bootstrap_row(n: int, repeats: int) -> list[str]:
    """How often the bootstrap interval of the interquartile mean covers, over six problems."""
    draw = np.random.default_rng([SEED, n])
    truth = 0.0
    found = [covers(interquartile_mean(draw.normal(size=(6, n)).tolist())[1], truth) for _ in range(repeats)]
    shares = [covers(share_interval(int(draw.binomial(n, 0.3)), n), 0.3) for _ in range(repeats)]
    return [str(n), _percent(found), _percent(shares)]


def _percent(hits: Sequence[bool]) -> str:
    return f"{100 * float(np.mean(hits)):.1f}"


def main() -> None:
    """Print both tables, in per cent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    columns = [
        "seeds",
        "mean",
        "paired\ndifference",
        "paired t\nerrs",
        "sign flip\nerrs",
        "Welch",
        "any of 4\nafter Holm",
        "worse than\nbest of 5",
        "by the best's\npairs alone",
    ]
    for name, shape in SHAPES.items():
        print(f"{name}: coverage of 95 % intervals, errors of tests at 5 %, in %")
        print(tabulate([row(shape, n, repeats) for n in SIZES], headers=columns, disable_numparse=True), "\n")
    print("normal, six problems: coverage of 95 % intervals, in %")
    words = ["seeds", "interquartile mean,\nbootstrap", "share of runs,\nexact"]
    print(tabulate([bootstrap_row(n, repeats // 10) for n in SIZES], headers=words, disable_numparse=True))


if __name__ == "__main__":
    main()
