"""AdaFix: Adam that fixes its second moment once gradients fall under L x learning rate.

Source: Bae, Ryu and Shin, "Does Adam optimizer keep close to the optimal point?", arXiv 1911.00289.

    g  = gradient of f_t at x                       f_t: this minibatch, augmentation, dropout mask
    m  = b1 m + (1 - b1) g                          t = t + 1
    if max_i |g_i| / lr_i >= L:                     over all parameters of the optimizer at once
        v = b2 v + (1 - b2) g^2                     k = k + 1; else all of v stays as it is
    x' = x - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^k)) + eps)
    g' = gradient of the same f_t at x'
    L  = max(L, ||g' - g|| / ||x' - x||)            2-norms over all parameters; skipped when not finite

======================  ==============================  =========================================
state                   where                           memory
======================  ==============================  =========================================
m, v                    ``exp_avg``, ``exp_avg_sq``     2 numbers a parameter
t, k, L                 the first parameter group:      3 numbers in all
                        ``step``, ``updates``,
                        ``lipschitz``
g (while stepping)      kept where L is estimated       1 number a parameter, freed after the step
======================  ==============================  =========================================

Differs from the paper's listing: it divides by sqrt(v) and not by v, as the paper's text and
theorem do; it compares the magnitude of the gradient; a fixed v is bias-corrected by k, its own
number of updates, since with t its correction would go on shrinking it and the step would grow.
With L held at 0 it is Adam, bit for bit (fused: but for rounding).

``step(closure)`` evaluates g, calls ``advance``, and, when an estimate of L is due, evaluates g' and
calls ``observe``. An engine that has both gradients at hand calls the halves itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from adabench.optimizers.base import (
    ListOptimizer,
    Lists,
    chunks,
    require,
    require_adams,
    require_word,
    with_penalty,
)
from adabench.optimizers.fused import Number, apply
from adabench.optimizers.reductions import (
    distances,
    largest,
    largest_magnitude,
    models_in,
    norm,
    scalar_dtype,
    spread,
)

TRIGGERS = ("abs", "signed", "second_moment")
BIAS_CORRECTIONS = ("updates", "steps")


class AdaFix(ListOptimizer):
    """Adam with a second moment that is fixed near an optimum; two gradient evaluations a step.

    Args:
        params: parameters, or groups of them with their own settings.
        lr: learning rate, at least 0; a float or a 0-d tensor.
        betas: decay rates of the first and the second moment, each in [0, 1).
        eps: added to the root of the second moment, at least 0.
        weight_decay: factor of the L2 penalty, at least 0. It enters both gradients.
        trigger: what is compared with ``L * lr`` to decide whether v moves: ``"abs"`` max |g_i|;
            ``"signed"`` max g_i, the literal line of Algorithm 1; ``"second_moment"`` the root of the
            largest bias-corrected v_i that an update would give, as in Theorem 3.1.
        bias_correction: ``"updates"`` corrects v by k, its own number of updates; ``"steps"`` by t, which
            makes a fixed v shrink and the step grow, up to 1 / sqrt(1 - b2) times.
        decoupled_weight_decay: multiply the weights by ``1 - lr * weight_decay`` instead, as AdamW does.
        lipschitz_every: steps from one estimate of L to the next; 1 is the paper. Other steps
            evaluate one gradient.
        lipschitz_opening: number of first steps that estimate L whatever ``lipschitz_every`` says.
        foreach: update all parameters in one call (the default) or one at a time; the same bits.
        fused: update each large parameter in one pass over memory, by a compiled kernel; stacked ones
            stay with ``foreach``.
        capturable: keep the step count on the device, so that a CUDA graph can hold the step.
        stacked: the first dimension of every parameter counts models that train side by side: k, L,
            the trigger and all norms are each model's own, and only t is shared.

    Raises:
        ValueError: a setting outside its range, or stacked parameters of different first dimensions.

    Source: Algorithm 1 of arXiv 1911.00289.
    """

    state_names = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        trigger: str = "abs",
        bias_correction: str = "updates",
        decoupled_weight_decay: bool = False,
        lipschitz_every: int = 1,
        lipschitz_opening: int = 0,
        foreach: bool = True,
        fused: bool = False,
        capturable: bool = False,
        stacked: bool = False,
    ) -> None:
        require_adams(lr, betas, eps, weight_decay)
        require("lipschitz_every", lipschitz_every, 1)
        require("lipschitz_opening", lipschitz_opening, 0)
        require_word("trigger", trigger, TRIGGERS)
        require_word("bias_correction", bias_correction, BIAS_CORRECTIONS)
        self._steps_taken = 0
        self._awaited: _Awaited | None = None
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "trigger": trigger,
                "bias_correction": bias_correction,
                "decoupled_weight_decay": decoupled_weight_decay,
                "lipschitz_every": lipschitz_every,
                "lipschitz_opening": lipschitz_opening,
                "foreach": foreach,
                "fused": fused,
                "capturable": capturable,
                "stacked": stacked,
            },
        )
        shared = self.param_groups[0]
        device = shared["params"][0].device
        every = [p for group in self.param_groups for p in group["params"]]
        models = models_in(every) if stacked else ()
        for name, shape in {"step": (), "updates": models, "lipschitz": models}.items():
            place = "cpu" if name == "step" and not capturable else device
            shared[name] = torch.zeros(shape, dtype=scalar_dtype(device), device=place)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step and, when it is due, measure L with a second evaluation.

        Args:
            closure: zeroes the gradients, computes the loss of one fixed minibatch, calls
                ``backward`` and returns the loss. It is called twice where L is estimated, the
                second time at the new weights; gradients are left as the first call gave them.

        Returns:
            The loss of the first call.

        Raises:
            TypeError: no closure was given.
            RuntimeError: sparse gradients, or complex parameters.
        """
        if closure is None:
            raise TypeError("AdaFix needs step(closure): it evaluates the gradient again at the new weights")
        evaluate = torch.enable_grad()(closure)
        loss, due = evaluate(), self.due
        self.advance()
        if due:
            params = [p for group in self.param_groups for p in group["params"]]
            first = [p.grad for p in params]
            for p in params:
                p.grad = None  # so that the closure's zeroing and accumulating find nothing of the first
            evaluate()
            self.observe()
            for p, grad in zip(params, first, strict=True):
                p.grad = grad
        return loss

    @property
    def due(self) -> bool:
        """Whether the coming step estimates L; known on the host."""
        shared = self.param_groups[0]
        opening = self._steps_taken < shared["lipschitz_opening"]
        return bool(opening or self._steps_taken % shared["lipschitz_every"] == 0)

    def advance(self) -> None:
        """The first half of a step: on the gradients that are there, decide whether v moves, and move x.

        A step that was due keeps these gradients, not copies of them, for `observe`: the second
        evaluation must write to other tensors.

        Raises:
            RuntimeError: sparse gradients, or complex parameters.
        """
        self._advance(measured=self.due)

    @torch.no_grad()
    def observe(self) -> None:
        """The second half of a step that was due: raise L to ||g' - g|| / ||x' - x||.

        The gradients that are there, g', are those of the function that gave the first ones, at the new
        weights.

        Raises:
            RuntimeError: no `advance` of a step that was due went before.
        """
        if self._awaited is None:
            raise RuntimeError("AdaFix.observe() completes the advance() of a step that was due")
        awaited, self._awaited = self._awaited, None
        changed: list[Tensor] = []
        for group, (params, grads, *_) in zip(self.param_groups, awaited.lists, strict=True):
            again = [torch.zeros_like(p) if p.grad is None else p.grad for p in params]
            again = with_penalty((params, again), _penalty(group))[1]
            changed += apply(distances, (again, grads), {}, fused=_fused(group), stacked=group["stacked"])
        if changed:
            L, ratio = self.param_groups[0]["lipschitz"], norm(changed) / norm(awaited.moved)
            L.copy_(torch.where(ratio.isfinite(), torch.maximum(L, ratio), L))

    def replayed(self) -> None:
        """Count a step that a CUDA graph has taken; its own counts move on the device."""
        self._steps_taken += 1

    def rehearse(self, closure: Callable[[], Any]) -> None:
        """Take a step of each kind for its own sake: whatever steps will need is compiled now."""
        self.step(closure)
        self._advance(measured=True)
        self.observe()
        self._advance(measured=False)

    def diagnostics(self) -> dict[str, Tensor]:
        """L, and how many steps have moved v: 0-d on the parameters' device; (S,) for S stacked models."""
        shared = self.param_groups[0]
        return {"lipschitz": shared["lipschitz"], "second_moment_updates": shared["updates"]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a loaded state; its shared numbers move to this optimizer's device."""
        super().__setstate__(state)
        shared = self.param_groups[0]
        device = shared["params"][0].device
        shared["step"] = shared["step"].to(device if shared["capturable"] else "cpu")
        shared["updates"], shared["lipschitz"] = shared["updates"].to(device), shared["lipschitz"].to(device)
        self._steps_taken, self._awaited = int(shared["step"]), None

    @torch.no_grad()
    def _advance(self, *, measured: bool) -> None:
        lists = [with_penalty(self.lists_of(group), _penalty(group)) for group in self.param_groups]
        moves = self._second_moment_moves(lists)
        self._count(moves)
        moved: list[Tensor] = []
        for group, of_group in zip(self.param_groups, lists, strict=True):
            moved += self._update(group, of_group, moves, measured=measured)
        self._awaited = _Awaited(lists, moved) if measured else None

    def _second_moment_moves(self, lists: list[Lists]) -> Tensor:
        """Whether this step updates v: a bool on the device for each model, read by nobody on the host."""
        shared = self.param_groups[0]
        votes = [
            _magnitude(of_group, group, shared["updates"]) >= shared["lipschitz"] * group["lr"]
            for group, of_group in zip(self.param_groups, lists, strict=True)
            if of_group[0]
        ]
        if not votes:
            return torch.zeros_like(shared["updates"], dtype=torch.bool)
        return torch.stack(votes).any(dim=0)

    def _count(self, moves: Tensor) -> None:
        self._steps_taken += 1
        self.param_groups[0]["step"] += 1
        self.param_groups[0]["updates"] += moves

    def _update(self, group: dict[str, Any], lists: Lists, moves: Tensor, *, measured: bool) -> list[Tensor]:
        shared, (beta1, beta2), stacked = self.param_groups[0], group["betas"], group["stacked"]
        t = shared["step"] if group["capturable"] else self._steps_taken
        one = torch.ones_like(shared["updates"])
        age = shared["updates"] if group["bias_correction"] == "updates" else one * t
        of_models = {
            "decay": torch.where(moves, beta2, one),
            "gain": torch.where(moves, 1 - beta2, 0 * one),
            "correction": (1 - beta2**age).sqrt(),
        }
        decoupled = group["weight_decay"] if group["decoupled_weight_decay"] else 0
        shrink = {"shrink": 1 - group["lr"] * decoupled} if decoupled else {}
        moved: list[Tensor] = []
        for of_chunk in chunks(lists, group["foreach"] or _fused(group)):
            numbers = {
                "step_size": group["lr"] / (1 - beta1**t),
                **shrink,
                **{name: spread(x, of_chunk[0], stacked=stacked) for name, x in of_models.items()},
            }
            moved += apply(
                adafix_update,
                of_chunk,
                numbers,
                fused=_fused(group),
                beta1=beta1,
                eps=group["eps"],
                measured=measured,
                stacked=stacked,
            )
        return moved


@dataclass(frozen=True)
class _Awaited:
    """What `AdaFix.observe` compares with: each group's lists, and the length of each parameter's step."""

    lists: list[Lists]
    moved: list[Tensor]


def adafix_update(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    *,
    step_size: Number,
    decay: Number,
    gain: Number,
    correction: Number,
    shrink: Number | None = None,
    beta1: float,
    eps: float,
    measured: bool = False,
    stacked: bool = False,
) -> list[Tensor]:
    """One step of the rule above for lists X, G, M, V of equal shapes, in place in X, M and V.

    Args:
        params: X, floating point tensors of any shapes.
        grads: G, of X's shapes.
        exp_avgs: M, of X's shapes.
        exp_avg_sqs: V, of X's shapes.
        step_size: lr / (1 - beta1^t).
        decay: beta2 where V moves, 1 where it is fixed; 0-d, or of stacked models one (S, 1, ..., 1)
            for each tensor, as are the next two.
        gain: 1 - beta2 where V moves, 0 where it is fixed.
        correction: sqrt(1 - beta2^k).
        shrink: 1 - lr weight_decay, where the decay is decoupled.
        beta1: decay rate of M, in [0, 1).
        eps: at least 0.
        measured: return the length of the step.
        stacked: the first dimension counts models.

    Returns:
        The 2-norm of what was added to each of X, for each model, after rounding; nothing unless measured.
    """
    before = [x.clone() for x in params] if measured else []
    if shrink is not None:
        torch._foreach_mul_(params, shrink)
    # M = beta1 M + (1 - beta1) G
    torch._foreach_lerp_(exp_avgs, grads, 1 - beta1)
    # V = decay V + gain G^2
    torch._foreach_mul_(exp_avg_sqs, decay)
    torch._foreach_addcmul_(exp_avg_sqs, torch._foreach_mul(grads, gain), grads)
    # X = X - step_size M / (sqrt(V) / correction + eps)
    roots = torch._foreach_sqrt(exp_avg_sqs)
    torch._foreach_div_(roots, correction)
    torch._foreach_add_(roots, eps)
    torch._foreach_addcdiv_(params, torch._foreach_mul(exp_avgs, step_size), roots, -1)
    return distances(params, before, stacked=stacked) if measured else []


def _fused(group: dict[str, Any]) -> bool:
    return bool(group["fused"] and not group["stacked"])


def _penalty(group: dict[str, Any]) -> float:
    """The weight decay that is part of the gradients."""
    return 0.0 if group["decoupled_weight_decay"] else float(group["weight_decay"])


def _magnitude(lists: Lists, group: dict[str, Any], updates: Tensor) -> Tensor:
    """What the group's trigger compares with L x lr, one number for each model."""
    _, grads, _, exp_avg_sqs = lists
    stacked = group["stacked"]
    if group["trigger"] == "abs":
        return largest_magnitude(grads, stacked=stacked)
    if group["trigger"] == "signed":
        return largest(grads, stacked=stacked)
    beta2 = group["betas"][1]
    would_be = torch._foreach_mul(exp_avg_sqs, beta2)
    torch._foreach_addcmul_(would_be, grads, grads, 1 - beta2)
    corrected: Tensor = largest(list(would_be), stacked=stacked) / (1 - beta2 ** (updates + 1))
    return corrected.sqrt()
