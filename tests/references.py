"""Every optimizer once more, slowly and readably: scalar float64 arithmetic in plain Python.

A reference takes a starting point, the gradient of step t at x as a function of both, a number of
steps, the catalogue's settings and the learning rate's factor at each step. It returns the last
point and the state by its name in ``state_dict``.
"""

import math
from collections.abc import Callable
from typing import Any

Vector = list[float]
Gradient = Callable[[int, Vector], Vector]
Settings = dict[str, Any]
Rate = Callable[[int], float]
Outcome = tuple[Vector, dict[str, Any]]


def norm(x: Vector) -> float:
    return math.sqrt(sum(value * value for value in x))


def ema(old: Vector, new: Vector, beta: float) -> Vector:
    return [beta * a + (1 - beta) * b for a, b in zip(old, new, strict=True)]


def adafix(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    (b1, b2), n = s["betas"], len(x)
    penalty = 0.0 if s["decoupled_weight_decay"] else s["weight_decay"]
    m, v, k, L = [0.0] * n, [0.0] * n, 0, 0.0

    def penalized(t: int, at: Vector) -> Vector:
        return [g + penalty * value for g, value in zip(gradient(t, at), at, strict=True)]

    for t in range(1, steps + 1):
        lr = s["lr"] * rate(t)
        g = penalized(t, x)
        m = ema(m, g, b1)
        moved_v = ema(v, [value * value for value in g], b2)
        magnitude = {
            "abs": max(abs(value) for value in g),
            "signed": max(g),
            "second_moment": math.sqrt(max(moved_v) / (1 - b2 ** (k + 1))),
        }[s["trigger"]]
        if magnitude >= L * lr:
            v, k = moved_v, k + 1
        shrunk = [value * (1 - lr * s["weight_decay"]) for value in x] if s["decoupled_weight_decay"] else x
        after = [
            xi - lr * (mi / (1 - b1**t)) / (math.sqrt(vi / (1 - b2**k)) + s["eps"])
            for xi, mi, vi in zip(shrunk, m, v, strict=True)
        ]
        if t <= s["lipschitz_opening"] or (t - 1) % s["lipschitz_every"] == 0:
            change = norm([a - b for a, b in zip(penalized(t, after), g, strict=True)])
            distance = norm([a - b for a, b in zip(after, x, strict=True)])
            L = max(L, change / distance) if distance else L
        x = after
    return x, {"exp_avg": m, "exp_avg_sq": v, "step": steps, "updates": k, "lipschitz": L}


def adam(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    return _adam(x, gradient, steps, s, rate, amsgrad=False)


def amsgrad(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    return _adam(x, gradient, steps, s, rate, amsgrad=True)


def _adam(
    x: Vector,
    gradient: Gradient,
    steps: int,
    s: dict[str, Any],
    rate: Callable[[int], float],
    *,
    amsgrad: bool,
) -> Outcome:
    (b1, b2), n = s["betas"], len(x)
    m, v, largest = [0.0] * n, [0.0] * n, [0.0] * n
    for t in range(1, steps + 1):
        g = [gi + s["weight_decay"] * xi for gi, xi in zip(gradient(t, x), x, strict=True)]
        m, v = ema(m, g, b1), ema(v, [gi * gi for gi in g], b2)
        largest = [max(a, b) for a, b in zip(largest, v, strict=True)]
        x = [
            xi - s["lr"] * rate(t) * (mi / (1 - b1**t)) / (math.sqrt(vi / (1 - b2**t)) + s["eps"])
            for xi, mi, vi in zip(x, m, largest if amsgrad else v, strict=True)
        ]
    state = {"exp_avg": m, "exp_avg_sq": v, "step": steps}
    return x, state | ({"max_exp_avg_sq": largest} if amsgrad else {})


def adabound(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    (b1, b2), n = s["betas"], len(x)
    m, v = [0.0] * n, [0.0] * n
    for t in range(1, steps + 1):
        g = [gi + s["weight_decay"] * xi for gi, xi in zip(gradient(t, x), x, strict=True)]
        m, v = ema(m, g, b1), ema(v, [gi * gi for gi in g], b2)
        final = s["final_lr"] * rate(t)
        low, high = final * (1 - 1 / (s["gamma"] * t + 1)), final * (1 + 1 / (s["gamma"] * t))
        size = s["lr"] * rate(t) * math.sqrt(1 - b2**t) / (1 - b1**t)
        rates = [min(max(size / (math.sqrt(vi) + s["eps"]), low), high) for vi in v]
        x = [xi - ri * mi for xi, ri, mi in zip(x, rates, m, strict=True)]
    return x, {"exp_avg": m, "exp_avg_sq": v, "step": steps}


def sgdm(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    velocity: Vector = []
    for t in range(1, steps + 1):
        g = [gi + s["weight_decay"] * xi for gi, xi in zip(gradient(t, x), x, strict=True)]
        velocity = [s["momentum"] * ui + gi for ui, gi in zip(velocity, g, strict=True)] if velocity else g
        step = (
            [gi + s["momentum"] * ui for gi, ui in zip(g, velocity, strict=True)]
            if s["nesterov"]
            else velocity
        )
        x = [xi - s["lr"] * rate(t) * di for xi, di in zip(x, step, strict=True)]
    return x, {"momentum_buffer": velocity}


REFERENCES: dict[str, Callable[..., Outcome]] = {
    "adafix": adafix,
    "adam": adam,
    "amsgrad": amsgrad,
    "adabound": adabound,
    "sgdm": sgdm,
}
