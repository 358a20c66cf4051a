"""References of the optimizers whose rule depends on which numbers belong to one parameter, and LBFGS's.

They keep the conventions of `references`, in numpy's float64.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adabench.check.vectors import (
    Gradient,
    Outcome,
    Rate,
    Settings,
    Shapes,
    Vector,
    elementwise,
    ema,
    penalized,
    squares,
)

Array = NDArray[np.float64]


def adashift(
    x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate, shapes: Shapes = ()
) -> Outcome:
    """Algorithm 3 of arXiv 1810.00143 with the window written out and a block for each parameter."""
    (b1, b2), n, size = s["betas"], s["keep_num"], len(x)
    blocks = list(_blocks(x, shapes))
    window = [[0.0] * size] * (n + 1)
    v, m = [0.0] * size, [0.0] * size
    phi: Callable[[Vector], Vector] = {
        "max": lambda block: [max(block)] * len(block),
        "mean": lambda block: [sum(block) / len(block)] * len(block),
        "none": lambda block: block,
    }[s["spatial"]]
    gradient = penalized(gradient, s["weight_decay"])
    for t in range(1, steps + 1):
        window = [*window[1:], gradient(t, x)]
        weights = [b1 ** (n - 1 - i) for i in range(n)]
        recent = zip(*window[1:], strict=True)
        m = [sum(w * g for w, g in zip(weights, each, strict=True)) / sum(weights) for each in recent]
        old = squares(window[0])
        v = ema(v, [value for block in blocks for value in phi(old[block])], b2)
        if t <= n:
            continue
        sizes = [math.sqrt(vi / (1 - b2 ** (t - n))) + s["eps"] for vi in v]
        x = [xi - s["lr"] * rate(t) * mi / di for xi, mi, di in zip(x, m, sizes, strict=True)]
    kept = v if s["spatial"] == "none" else [v[block.start] for block in blocks]
    return x, {"exp_avg": m, "exp_avg_sq": kept, "step": steps}


def adafactor(
    x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate, shapes: Shapes = ()
) -> Outcome:
    """Algorithms 4 and 5 of arXiv 1804.04235 with means for sums, where torch puts its eps."""
    tiny, eps = float(np.finfo(np.float64).eps), 1e-3
    parts = _arrays(x, shapes)
    state: list[dict[str, Any]] = [{"row_var": 0.0, "col_var": 0.0, "variance": 0.0} for _ in parts]
    for t in range(1, steps + 1):
        lr, gain = s["lr"] * rate(t), t ** s["beta2_decay"]
        grads = _arrays(gradient(t, _flat(parts)), shapes)
        for i, (p, g) in enumerate(zip(parts, grads, strict=True)):
            length = max(eps, _rms(p)) * min(lr, 1 / math.sqrt(t))
            estimate = _second_moment(state[i], g**2, gain, tiny)
            update = g / np.sqrt(np.maximum(estimate, tiny**2))
            parts[i] = p * (1 - lr * s["weight_decay"]) - length * update / max(1.0, _rms(update) / s["d"])
    names = ("row_var", "col_var", "variance")
    kept = {name: [each[name] for each in state if np.ndim(each[name])] for name in names}
    return _flat(parts), {name: _flat(arrays) for name, arrays in kept.items() if arrays} | {"step": steps}


def _second_moment(state: dict[str, Any], squared: Array, gain: float, tiny: float) -> Array:
    """Move the running means of one parameter's squares; return the estimate that they stand for."""
    if squared.ndim < 2:
        state["variance"] = (1 - gain) * state["variance"] + gain * squared
        return np.asarray(state["variance"])
    for name, axis in (("row_var", -1), ("col_var", -2)):
        state[name] = (1 - gain) * state[name] + gain * squared.mean(axis=axis, keepdims=True)
    rows, columns = state["row_var"], state["col_var"]
    return np.asarray(rows @ columns / np.maximum(rows.mean(axis=-2, keepdims=True), tiny))


def muon(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate, shapes: Shapes = ()) -> Outcome:
    """Jordan et al. 2024 for matrices, in float64 throughout; AdamW for all else."""
    parts, buffers = _arrays(x, shapes), [np.zeros_like(p) for p in _arrays(x, shapes)]
    m, v = ([np.zeros_like(p) for p in parts] for _ in range(2))
    for t in range(1, steps + 1):
        grads = _arrays(gradient(t, _flat(parts)), shapes)
        for i, (p, g) in enumerate(zip(parts, grads, strict=True)):
            lr = (s["lr"] if p.ndim == 2 else s["fallback_lr"]) * rate(t)
            if p.ndim == 2:
                buffers[i] = s["momentum"] * buffers[i] + (1 - s["momentum"]) * g
                ahead = s["momentum"] * buffers[i] + (1 - s["momentum"]) * g
                tall, wide = p.shape
                factors = {
                    "original": math.sqrt(max(1, tall / wide)),
                    "match_rms_adamw": 0.2 * math.sqrt(max(tall, wide)),
                }
                direction = _orthogonal(ahead if s["nesterov"] else buffers[i], s["ns_steps"])
                update = factors[s["adjust_lr_fn"]] * direction
            else:
                m[i], v[i] = 0.9 * m[i] + 0.1 * g, 0.999 * v[i] + 0.001 * g**2
                update = m[i] / (1 - 0.9**t) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-8)
            parts[i] = p * (1 - lr * s["weight_decay"]) - lr * update
    matrices = [buffer for buffer in buffers if buffer.ndim == 2]
    others = [i for i, p in enumerate(parts) if p.ndim != 2]
    return _flat(parts), {
        "momentum_buffer": _flat(matrices),
        "exp_avg": _flat([m[i] for i in others]),
        "exp_avg_sq": _flat([v[i] for i in others]),
    }


def _orthogonal(matrix: Array, iterations: int) -> Array:
    """Newton-Schulz: singular values go to about 1, singular vectors stay."""
    turned = matrix.shape[0] > matrix.shape[1]
    y = matrix.T if turned else matrix
    y = y / max(float(np.linalg.norm(y)), 1e-7)
    for _ in range(iterations):
        gram = y @ y.T
        y = 3.4445 * y + (-4.7750 * gram + 2.0315 * gram @ gram) @ y
    return y.T if turned else y


@elementwise
def lbfgs(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Liu and Nocedal 1989 with steps of fixed length; the two-loop recursion of Nocedal 1980.

    Torch also leaves a minibatch when its loss moves by less than ``tolerance_change``; this one sees
    no losses.
    """
    point, scale = np.array(x), 1.0
    pairs: list[tuple[Array, Array]] = []
    direction, length, before = np.zeros_like(point), 0.0, np.zeros_like(point)
    iterations = 0
    for t in range(1, steps + 1):
        g = np.array(gradient(t, point.tolist()))
        for inner in range(s["max_iter"]):
            if inner == 0 and abs(g).max() <= 1e-7:
                break
            iterations += 1
            moved, changed = direction * length, g - before
            if iterations > 1 and changed @ moved > 1e-10:
                pairs = [*pairs, (moved, changed)][-s["history_size"] :]
                scale = (changed @ moved) / (changed @ changed)
            direction, before = -_two_loops(g, pairs, scale), g
            opening = min(1.0, 1 / abs(g).sum()) if iterations == 1 else 1.0
            length = opening * s["lr"] * rate(t)
            if g @ direction > -s["tolerance_change"]:
                break
            point = point + length * direction
            if inner + 1 == s["max_iter"]:
                break
            g = np.array(gradient(t, point.tolist()))
            if abs(g).max() <= 1e-7 or abs(length * direction).max() <= s["tolerance_change"]:
                break
    return point.tolist(), {}


def _two_loops(gradient: Array, pairs: list[tuple[Array, Array]], scale: float) -> Array:
    """The inverse Hessian that the pairs of steps and changes stand for, times the gradient."""
    q, weights = gradient, []
    for moved, changed in reversed(pairs):
        weights.append((moved @ q) / (changed @ moved))
        q = q - weights[-1] * changed
    q = scale * q
    for (moved, changed), weight in zip(pairs, reversed(weights), strict=True):
        q = q + (weight - (changed @ q) / (changed @ moved)) * moved
    return q


def _blocks(x: Vector, shapes: Shapes) -> Iterator[slice]:
    """Where each parameter lies in the point."""
    start = 0
    for shape in shapes or [(len(x),)]:
        yield slice(start, start + math.prod(shape))
        start += math.prod(shape)


def _arrays(x: Vector, shapes: Shapes) -> list[Array]:
    cuts = zip(_blocks(x, shapes), shapes or [(len(x),)], strict=True)
    return [np.array(x[block]).reshape(shape) for block, shape in cuts]


def _flat(arrays: list[Array]) -> Vector:
    return [float(value) for array in arrays for value in array.ravel()]


def _rms(array: Array) -> float:
    return float(np.sqrt(np.mean(array**2)))
