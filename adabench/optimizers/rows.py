"""The rows of the catalogue: the paper's family first, then what torch ships beside it.

Defaults are the papers'; where torch's are others, the option says so.
"""

from dataclasses import replace

from adabench.catalogue import Option
from adabench.optimizers.ranges import (
    DECOUPLED,
    EPS,
    MOMENTUM,
    PENALTY,
    SWITCH,
    adam_space,
    around,
    decay,
    lr,
)
from adabench.optimizers.row import OptimizerRow, Settings, Shapes, State, Traits, per_parameter, size

_LIST_TRAITS = Traits(elementwise=True, foreach=True, fused=True, capturable=True)
_TORCH_TRAITS = Traits(elementwise=True, foreach=True, capturable=True, complex=True)
_ADAM_TRAITS = replace(_TORCH_TRAITS, fused=True)
_SGD_TRAITS = Traits(
    elementwise=True, foreach=True, fused=True, capturable_if_fused=True, sparse=True, complex=True
)


def _lr(default: float, about: str = "learning rate") -> Option:
    return Option(default, about, low=0.0)


def _decay(default: float, about: str) -> Option:
    return Option(default, about, low=0.0, high=1.0, open_high=True)


def _penalty(default: float = 0.0) -> Option:
    return Option(default, "L2 penalty added to the gradient", low=0.0)


def _decoupled(default: float) -> Option:
    return Option(default, "share of the weights, times the learning rate, taken off each step", low=0.0)


def _eps(default: float = 1e-8, about: str = "added to the root of the second moment") -> Option:
    return Option(default, about, low=0.0)


def _adam_options(lr: float = 1e-3) -> dict[str, Option]:
    betas = Option((0.9, 0.999), "decay rates of both moments", low=0.0, high=1.0, open_high=True)
    return {"lr": _lr(lr), "betas": betas, "eps": _eps(), "weight_decay": _penalty()}


def _one_more_for_each_estimate(settings: Settings, steps: int) -> int:
    opening, every = min(int(settings["lipschitz_opening"]), steps), int(settings["lipschitz_every"])
    return steps + opening + len(range(-(-opening // every) * every, steps, every))


def _rows_and_columns(settings: Settings, shapes: Shapes) -> int:
    matrices = [shape for shape in shapes if len(shape) > 1]
    sums = [size([(*shape[:-1],), (*shape[:-2], shape[-1])]) for shape in matrices]
    return sum(sums) + size([shape for shape in shapes if len(shape) <= 1])


def _queue(settings: Settings, shapes: Shapes) -> int:
    second_moments = size(shapes) if settings["spatial"] == "none" else len(shapes)
    return (int(settings["keep_num"]) + 1) * size(shapes) + second_moments


def _two_and_one_a_tensor(settings: Settings, shapes: Shapes) -> int:
    return 2 * size(shapes) + len(shapes)


def _one_or_two(settings: Settings, shapes: Shapes) -> int:
    return sum(size([shape]) * (1 if len(shape) == 2 else 2) for shape in shapes)


def _pairs(settings: Settings, shapes: Shapes) -> int:
    history = int(settings["history_size"])
    return (2 * history + 2) * size(shapes) + 2 * history + 1


_BOUNDS = {
    "final_lr": Option(0.1, "learning rate that the bounds close in on", low=0.0, open_low=True),
    "gamma": Option(1e-3, "speed at which the bounds close", low=0.0, open_low=True),
}

_BOUND_RANGES = {"final_lr": around(0.1), "gamma": around(1e-3, factor=10)}

OPTIMIZERS: dict[str, OptimizerRow] = {
    "adafix": OptimizerRow(
        target="adabench.optimizers.adafix:AdaFix",
        summary="Adam whose second moment is fixed once gradients fall under L x learning rate",
        paper="Bae, Ryu and Shin 2019, arXiv 1911.00289",
        options=_adam_options()
        | {
            "trigger": Option(
                "abs", "what is compared with L x learning rate", choices=("abs", "signed", "second_moment")
            ),
            "bias_correction": Option(
                "updates",
                "what corrects v's bias: its updates, or all steps",
                choices=("updates", "steps"),
            ),
            "decoupled_weight_decay": Option(False, "shrink the weights as AdamW does"),
            "lipschitz_every": Option(1, "steps between two estimates of L", low=1),
            "lipschitz_opening": Option(0, "first steps, each of which estimates L", low=0),
        },
        gradient_evaluations=_one_more_for_each_estimate,
        state=per_parameter(2),
        traits=Traits(needs_closure=True, stacked=True, foreach=True, fused=True, capturable=True),
        space=adam_space(),
    ),
    "adam": OptimizerRow(
        target="torch.optim:Adam",
        summary="momentum divided by the root of a running mean of squared gradients",
        paper="Kingma and Ba 2015, arXiv 1412.6980",
        options=_adam_options(),
        state=per_parameter(2),
        traits=_ADAM_TRAITS,
        space=adam_space(),
    ),
    "amsgrad": OptimizerRow(
        target="torch.optim:Adam",
        summary="Adam with the largest second moment so far",
        paper="Reddi, Kale and Kumar 2018, arXiv 1904.09237",
        options=_adam_options(),
        fixed={"amsgrad": True},
        state=per_parameter(3),
        traits=_ADAM_TRAITS,
        space=adam_space(),
    ),
    "adashift": OptimizerRow(
        target="adabench.optimizers.adashift:AdaShift",
        summary="momentum divided by the size of gradients so old that they know nothing of it",
        paper="Zhou et al. 2019, arXiv 1810.00143",
        options={
            "lr": _lr(1e-2, "learning rate; the authors' for max, and 0.001 for none"),
            "betas": Option((0.9, 0.999), "decay rates of both moments", low=0.0, high=1.0, open_high=True),
            "eps": _eps(1e-10),
            "weight_decay": _penalty(),
            "keep_num": Option(10, "gradients kept: the delay of the second moment", low=1),
            "spatial": Option("max", "what one tensor's squares become", choices=("max", "mean", "none")),
        },
        state=State("keep_num + 1 numbers a parameter, and 1 a tensor", _queue),
        traits=Traits(foreach=True, fused=True, capturable=True),
        space=adam_space(1e-2),
    ),
    "adabound": OptimizerRow(
        target="adabench.optimizers.adabound:AdaBound",
        summary="Adam with learning rates clipped between bounds that close in on a final one",
        paper="Luo, Xiong, Liu and Sun 2019, arXiv 1902.09843",
        options=_adam_options() | _BOUNDS,
        state=per_parameter(2),
        traits=_LIST_TRAITS,
        space=adam_space() | _BOUND_RANGES,
    ),
    "amsbound": OptimizerRow(
        target="adabench.optimizers.adabound:AdaBound",
        summary="AdaBound with the largest second moment so far",
        paper="Luo, Xiong, Liu and Sun 2019, arXiv 1902.09843",
        options=_adam_options() | _BOUNDS,
        fixed={"amsbound": True},
        state=per_parameter(3),
        traits=_LIST_TRAITS,
        space=adam_space() | _BOUND_RANGES,
    ),
    "sgd": OptimizerRow(
        target="torch.optim:SGD",
        summary="stochastic gradient descent, dropping its rate tenfold twice",
        paper="Robbins and Monro 1951",
        options={"lr": _lr(0.1, "learning rate; torch's is 0.001"), "weight_decay": _penalty()},
        schedule="step",
        state=per_parameter(0),
        traits=_SGD_TRAITS,
        space={"lr": lr(0.1), "weight_decay": PENALTY},
    ),
    "sgdm": OptimizerRow(
        target="torch.optim:SGD",
        summary="stochastic gradient descent with momentum, dropping its rate tenfold twice",
        paper="Polyak 1964; Sutskever et al. 2013",
        options={
            "lr": _lr(0.1, "learning rate; torch's is 0.001"),
            "momentum": _decay(0.9, "decay rate of the velocity"),
            "weight_decay": _penalty(),
            "nesterov": Option(False, "look ahead along the velocity"),
        },
        schedule="step",
        state=per_parameter(1),
        traits=_SGD_TRAITS,
        space={"lr": lr(0.1), "momentum": MOMENTUM, "weight_decay": PENALTY, "nesterov": SWITCH},
    ),
    "adagrad": OptimizerRow(
        target="torch.optim:Adagrad",
        summary="gradients divided by the root of the sum of their squares",
        paper="Duchi, Hazan and Singer 2011",
        options={
            "lr": _lr(1e-2),
            "lr_decay": Option(0.0, "slows the learning rate as 1 / (1 + lr_decay t)", low=0.0),
            "eps": _eps(1e-10, "added to the root of the sum"),
            "weight_decay": _penalty(),
        },
        state=per_parameter(1),
        traits=_SGD_TRAITS,
        space={"lr": lr(1e-2), "eps": EPS, "weight_decay": PENALTY},
    ),
    "rmsprop": OptimizerRow(
        target="torch.optim:RMSprop",
        summary="gradients divided by the root of a running mean of their squares",
        paper="Hinton 2012, lecture 6e",
        options={
            "lr": _lr(1e-2),
            "alpha": _decay(0.99, "decay rate of the second moment"),
            "eps": _eps(),
            "weight_decay": _penalty(),
        },
        state=per_parameter(1),
        traits=_TORCH_TRAITS,
        space={"lr": lr(1e-2), "alpha": (decay(0.9, 0.999),), "eps": EPS, "weight_decay": PENALTY},
    ),
    "adadelta": OptimizerRow(
        target="torch.optim:Adadelta",
        summary="steps as large as steps have lately been, over gradients as large as they have",
        paper="Zeiler 2012, arXiv 1212.5701",
        options={
            "lr": _lr(1.0),
            "rho": _decay(0.95, "decay rate of both running means; torch's is 0.9"),
            "eps": _eps(1e-6, "added within both roots"),
            "weight_decay": _penalty(),
        },
        state=per_parameter(2),
        traits=_TORCH_TRAITS,
        space={"lr": lr(1.0), "rho": (decay(0.8, 0.99),), "eps": EPS, "weight_decay": PENALTY},
    ),
    "adamw": OptimizerRow(
        target="torch.optim:AdamW",
        summary="Adam with weights that shrink beside the gradient instead of within it",
        paper="Loshchilov and Hutter 2019, arXiv 1711.05101",
        options=_adam_options() | {"weight_decay": _decoupled(0.01)},
        state=per_parameter(2),
        traits=_ADAM_TRAITS,
        space=adam_space() | {"weight_decay": DECOUPLED},
    ),
    "nadam": OptimizerRow(
        target="torch.optim:NAdam",
        summary="Adam that looks ahead along its momentum",
        paper="Dozat 2016",
        options=_adam_options(2e-3)
        | {"momentum_decay": Option(4e-3, "speed at which the momentum warms up", low=0.0)},
        state=State("2 numbers a parameter, and 1 a tensor", _two_and_one_a_tensor),
        traits=_TORCH_TRAITS,
        space=adam_space(2e-3),
    ),
    "radam": OptimizerRow(
        target="torch.optim:RAdam",
        summary="Adam that waits for its second moment to be worth dividing by",
        paper="Liu et al. 2020, arXiv 1908.03265",
        options=_adam_options(),
        state=per_parameter(2),
        traits=_TORCH_TRAITS,
        space=adam_space(),
    ),
    "adafactor": OptimizerRow(
        target="torch.optim:Adafactor",
        summary="Adam without momentum whose second moment is kept as row and column sums",
        paper="Shazeer and Stern 2018, arXiv 1804.04235",
        options={
            "lr": _lr(1e-2, "upper end of the relative learning rate min(lr, 1 / sqrt(t))"),
            "beta2_decay": Option(
                -0.8, "exponent of t in one minus the second moment's decay rate", high=0.0
            ),
            "d": Option(1.0, "root mean square at which updates are clipped", low=1.0),
            "weight_decay": _decoupled(0.0),
        },
        state=State("1 number for each row and column; 1 a parameter of vectors", _rows_and_columns),
        traits=Traits(foreach=True),
        space={"lr": lr(1e-2), "weight_decay": DECOUPLED},
    ),
    "muon": OptimizerRow(
        target="torch.optim:Muon",
        summary="momentum of matrices made orthogonal; AdamW for all that is not a matrix",
        paper="Jordan et al. 2024, kellerjordan.github.io/posts/muon",
        options={
            "lr": _lr(0.02, "learning rate of the matrices; torch's is 0.001"),
            "momentum": _decay(0.95, "decay rate of the momentum"),
            "weight_decay": _decoupled(0.0),
            "nesterov": Option(True, "look ahead along the momentum"),
            "ns_steps": Option(5, "Newton-Schulz iterations", low=1, high=99),
            "adjust_lr_fn": Option(
                "original", "how shape scales the rate", choices=("original", "match_rms_adamw")
            ),
            "fallback_lr": _lr(3e-4, "learning rate of AdamW, for what is not a matrix"),
        },
        state=State("1 number a parameter of matrices, 2 of others", _one_or_two),
        traits=Traits(matrices_only=True, rounds_to_bfloat16=True),
        space={"lr": lr(0.02), "momentum": MOMENTUM, "weight_decay": DECOUPLED, "fallback_lr": around(3e-4)},
    ),
    "lbfgs": OptimizerRow(
        target="torch.optim:LBFGS",
        summary="quasi-Newton steps, many on each minibatch, without a line search",
        paper="Liu and Nocedal 1989",
        options={
            "lr": _lr(1.0, "length of a step"),
            "max_iter": Option(20, "most steps on one minibatch", low=1),
            "tolerance_change": Option(1e-9, "move of weights or loss too small to go on from", low=0.0),
            "history_size": Option(100, "pairs of steps and changes of gradient kept", low=1),
        },
        gradient_evaluations=lambda settings, steps: steps * int(settings["max_iter"]),
        evaluations_at_most=True,
        state=State("2 history_size + 2 numbers a parameter", _pairs),
        traits=Traits(needs_closure=True, parameter_groups=False, sparse=True, complex=True),
        space={"lr": lr(1.0)},
    ),
}
