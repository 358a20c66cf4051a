"""Every optimizer once more, slowly and readably: float64, one rule a function, nothing shared with torch.

A reference takes a starting point, the gradient of step t at x as a function of both, a number of
steps, the catalogue's settings, the learning rate's factor at each step and, where its rule depends
on them, the shapes of the parameters that the point is made of (one vector unless given). It returns
the last point and the state by its name in ``state_dict``, each as one flat list.
"""

import math

from adabench.check.block_references import adafactor, adashift, lbfgs, muon
from adabench.check.vectors import (
    Gradient,
    Outcome,
    Rate,
    Reference,
    Settings,
    Vector,
    elementwise,
    ema,
    norm,
    penalized,
    shrunk,
    squares,
)


@elementwise
def adafix(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Algorithm 1 of arXiv 1911.00289, in the reading that the optimizer's docstring gives."""
    (b1, b2), n = s["betas"], len(x)
    decoupled = s["weight_decay"] if s["decoupled_weight_decay"] else 0.0
    gradient = penalized(gradient, s["weight_decay"] - decoupled)
    m, v, k, L = [0.0] * n, [0.0] * n, 0, 0.0
    for t in range(1, steps + 1):
        lr = s["lr"] * rate(t)
        g = gradient(t, x)
        m = ema(m, g, b1)
        moved_v = ema(v, squares(g), b2)
        magnitude = {
            "abs": max(abs(value) for value in g),
            "signed": max(g),
            "second_moment": math.sqrt(max(moved_v) / (1 - b2 ** (k + 1))),
        }[s["trigger"]]
        if magnitude >= L * lr:
            v, k = moved_v, k + 1
        age = k if s["bias_correction"] == "updates" else t
        after = [
            xi - lr * (mi / (1 - b1**t)) / (math.sqrt(vi / (1 - b2**age)) + s["eps"])
            for xi, mi, vi in zip(shrunk(x, lr * decoupled), m, v, strict=True)
        ]
        if t <= s["lipschitz_opening"] or (t - 1) % s["lipschitz_every"] == 0:
            change = norm([a - b for a, b in zip(gradient(t, after), g, strict=True)])
            distance = norm([a - b for a, b in zip(after, x, strict=True)])
            L = max(L, change / distance) if distance else L
        x = after
    return x, {"exp_avg": m, "exp_avg_sq": v, "step": steps, "updates": k, "lipschitz": L}


@elementwise
def adam(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Algorithm 1 of arXiv 1412.6980."""
    return _adam(x, penalized(gradient, s["weight_decay"]), steps, s, rate)


@elementwise
def adamw(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Algorithm 2 of arXiv 1711.05101."""
    return _adam(x, gradient, steps, s, rate, decoupled=s["weight_decay"])


@elementwise
def amsgrad(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Adam over the largest second moment, as in arXiv 1904.09237 with Adam's bias correction."""
    return _adam(x, penalized(gradient, s["weight_decay"]), steps, s, rate, amsgrad=True)


def _adam(
    x: Vector,
    gradient: Gradient,
    steps: int,
    s: Settings,
    rate: Rate,
    *,
    amsgrad: bool = False,
    decoupled: float = 0.0,
) -> Outcome:
    (b1, b2), n = s["betas"], len(x)
    m, v, largest = [0.0] * n, [0.0] * n, [0.0] * n
    for t in range(1, steps + 1):
        lr, g = s["lr"] * rate(t), gradient(t, x)
        m, v = ema(m, g, b1), ema(v, squares(g), b2)
        largest = [max(a, b) for a, b in zip(largest, v, strict=True)]
        x = [
            xi - lr * (mi / (1 - b1**t)) / (math.sqrt(vi / (1 - b2**t)) + s["eps"])
            for xi, mi, vi in zip(shrunk(x, lr * decoupled), m, largest if amsgrad else v, strict=True)
        ]
    state = {"exp_avg": m, "exp_avg_sq": v, "step": steps}
    return x, state | ({"max_exp_avg_sq": largest} if amsgrad else {})


@elementwise
def adabound(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """The authors' code of arXiv 1902.09843."""
    return _adabound(x, gradient, steps, s, rate, amsbound=False)


@elementwise
def amsbound(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """The authors' code of arXiv 1902.09843 with ``amsbound``."""
    return _adabound(x, gradient, steps, s, rate, amsbound=True)


def _adabound(
    x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate, *, amsbound: bool
) -> Outcome:
    (b1, b2), n = s["betas"], len(x)
    m, v, largest = [0.0] * n, [0.0] * n, [0.0] * n
    gradient = penalized(gradient, s["weight_decay"])
    for t in range(1, steps + 1):
        g = gradient(t, x)
        m, v = ema(m, g, b1), ema(v, squares(g), b2)
        largest = [max(a, b) for a, b in zip(largest, v, strict=True)]
        final = s["final_lr"] * rate(t)
        low, high = final * (1 - 1 / (s["gamma"] * t + 1)), final * (1 + 1 / (s["gamma"] * t))
        length = s["lr"] * rate(t) * math.sqrt(1 - b2**t) / (1 - b1**t)
        sizes = largest if amsbound else v
        rates = [min(max(length / (math.sqrt(vi) + s["eps"]), low), high) for vi in sizes]
        x = [xi - ri * mi for xi, ri, mi in zip(x, rates, m, strict=True)]
    state = {"exp_avg": m, "exp_avg_sq": v, "step": steps}
    return x, state | ({"max_exp_avg_sq": largest} if amsbound else {})


@elementwise
def sgd(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Down the gradient."""
    gradient = penalized(gradient, s["weight_decay"])
    for t in range(1, steps + 1):
        x = [xi - s["lr"] * rate(t) * g for xi, g in zip(x, gradient(t, x), strict=True)]
    return x, {}


@elementwise
def sgdm(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Momentum as Sutskever et al. 2013 in torch's form: the velocity is not scaled by the rate."""
    velocity: Vector = []
    gradient = penalized(gradient, s["weight_decay"])
    for t in range(1, steps + 1):
        g = gradient(t, x)
        velocity = [s["momentum"] * ui + gi for ui, gi in zip(velocity, g, strict=True)] if velocity else g
        ahead = [gi + s["momentum"] * ui for gi, ui in zip(g, velocity, strict=True)]
        step = ahead if s["nesterov"] else velocity
        x = [xi - s["lr"] * rate(t) * di for xi, di in zip(x, step, strict=True)]
    return x, {"momentum_buffer": velocity}


@elementwise
def adagrad(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Duchi et al. 2011, the diagonal form."""
    total = [0.0] * len(x)
    gradient = penalized(gradient, s["weight_decay"])
    for t in range(1, steps + 1):
        lr, g = s["lr"] * rate(t) / (1 + (t - 1) * s["lr_decay"]), gradient(t, x)
        total = [a + gi * gi for a, gi in zip(total, g, strict=True)]
        x = [xi - lr * gi / (math.sqrt(a) + s["eps"]) for xi, gi, a in zip(x, g, total, strict=True)]
    return x, {"sum": total, "step": steps}


@elementwise
def rmsprop(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Hinton 2012, lecture 6e."""
    v = [0.0] * len(x)
    gradient = penalized(gradient, s["weight_decay"])
    for t in range(1, steps + 1):
        lr, g = s["lr"] * rate(t), gradient(t, x)
        v = ema(v, squares(g), s["alpha"])
        x = [xi - lr * gi / (math.sqrt(vi) + s["eps"]) for xi, gi, vi in zip(x, g, v, strict=True)]
    return x, {"square_avg": v, "step": steps}


@elementwise
def adadelta(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Algorithm 1 of arXiv 1212.5701, times a learning rate."""
    v, u, eps = [0.0] * len(x), [0.0] * len(x), s["eps"]
    gradient = penalized(gradient, s["weight_decay"])
    for t in range(1, steps + 1):
        g = gradient(t, x)
        v = ema(v, squares(g), s["rho"])
        step = [math.sqrt(ui + eps) / math.sqrt(vi + eps) * gi for ui, vi, gi in zip(u, v, g, strict=True)]
        u = ema(u, squares(step), s["rho"])
        x = [xi - s["lr"] * rate(t) * di for xi, di in zip(x, step, strict=True)]
    return x, {"square_avg": v, "acc_delta": u, "step": steps}


@elementwise
def nadam(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Dozat 2016, with the momentum's schedule mu_t = b1 (1 - 0.96^(t momentum_decay) / 2)."""
    (b1, b2), n = s["betas"], len(x)
    m, v, product = [0.0] * n, [0.0] * n, 1.0
    gradient = penalized(gradient, s["weight_decay"])
    for t in range(1, steps + 1):
        lr, g = s["lr"] * rate(t), gradient(t, x)
        mu, after = (b1 * (1 - 0.5 * 0.96 ** (i * s["momentum_decay"])) for i in (t, t + 1))
        product *= mu
        m, v = ema(m, g, b1), ema(v, squares(g), b2)
        ahead = [
            (1 - mu) * gi / (1 - product) + after * mi / (1 - product * after)
            for gi, mi in zip(g, m, strict=True)
        ]
        sizes = [math.sqrt(vi / (1 - b2**t)) + s["eps"] for vi in v]
        x = [xi - lr * ai / di for xi, ai, di in zip(x, ahead, sizes, strict=True)]
    return x, {"exp_avg": m, "exp_avg_sq": v, "step": steps}


@elementwise
def radam(x: Vector, gradient: Gradient, steps: int, s: Settings, rate: Rate) -> Outcome:
    """Algorithm 2 of arXiv 1908.03265; like torch it waits until rho exceeds 5, not 4."""
    (b1, b2), n = s["betas"], len(x)
    m, v, limit = [0.0] * n, [0.0] * n, 2 / (1 - b2) - 1
    gradient = penalized(gradient, s["weight_decay"])
    for t in range(1, steps + 1):
        lr, g = s["lr"] * rate(t), gradient(t, x)
        m, v = ema(m, g, b1), ema(v, squares(g), b2)
        rho = limit - 2 * t * b2**t / (1 - b2**t)
        sizes = [1.0] * n
        if rho > 5:
            over, under = (rho - 4) * (rho - 2) * limit, (limit - 4) * (limit - 2) * rho
            sizes = [(math.sqrt(vi) + s["eps"]) / math.sqrt((1 - b2**t) * over / under) for vi in v]
        x = [xi - lr * mi / (1 - b1**t) / di for xi, mi, di in zip(x, m, sizes, strict=True)]
    return x, {"exp_avg": m, "exp_avg_sq": v, "step": steps}


REFERENCES: dict[str, Reference] = {
    "adafix": adafix,
    "adam": adam,
    "amsgrad": amsgrad,
    "adashift": adashift,
    "adabound": adabound,
    "amsbound": amsbound,
    "sgd": sgd,
    "sgdm": sgdm,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adamw": adamw,
    "nadam": nadam,
    "radam": radam,
    "adafactor": adafactor,
    "muon": muon,
    "lbfgs": lbfgs,
}
