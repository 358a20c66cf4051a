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
g, x (while stepping)   temporaries                     2 numbers a parameter, freed after the step
======================  ==============================  =========================================

Differs from the paper's listing: it divides by sqrt(v) and not by v, as the paper's text and
theorem do; it compares the magnitude of the gradient; a fixed v is bias-corrected by k, its own
number of updates, since with t its correction would go on shrinking it and the step would grow.
With L held at 0 it is Adam, bit for bit.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from adabench.optimizers.base import ListOptimizer, Lists, chunks, require, require_adams, require_word
from adabench.optimizers.reductions import largest, largest_magnitude, models_in, norm, scalar_dtype, spread

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
        capturable: bool = False,
        stacked: bool = False,
    ) -> None:
        require_adams(lr, betas, eps, weight_decay)
        require("lipschitz_every", lipschitz_every, 1)
        require("lipschitz_opening", lipschitz_opening, 0)
        require_word("trigger", trigger, TRIGGERS)
        require_word("bias_correction", bias_correction, BIAS_CORRECTIONS)
        self._steps_taken = 0
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
        loss = evaluate()
        lists = [self._with_penalty(self.lists_of(group), group) for group in self.param_groups]
        moves = self._second_moment_moves(lists)
        due = self._estimate_is_due()
        before = [[p.clone() for p in params] for params, *_ in lists] if due else []
        self._count(moves)
        for group, of_group in zip(self.param_groups, lists, strict=True):
            self._update(group, of_group, moves)
        if due:
            self._estimate_lipschitz(evaluate, lists, before)
        return loss

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
        self._steps_taken = int(shared["step"])

    def _with_penalty(self, lists: Lists, group: dict[str, Any]) -> Lists:
        """The lists with the L2 penalty's gradient added to the loss's own, in new tensors."""
        if group["weight_decay"] == 0 or group["decoupled_weight_decay"] or not lists[0]:
            return lists
        params, grads, *states = lists
        return params, list(torch._foreach_add(grads, params, alpha=group["weight_decay"])), *states

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

    def _estimate_is_due(self) -> bool:
        shared = self.param_groups[0]
        opening = self._steps_taken < shared["lipschitz_opening"]
        return bool(opening or self._steps_taken % shared["lipschitz_every"] == 0)

    def _count(self, moves: Tensor) -> None:
        self._steps_taken += 1
        self.param_groups[0]["step"] += 1
        self.param_groups[0]["updates"] += moves

    def _update(self, group: dict[str, Any], lists: Lists, moves: Tensor) -> None:
        shared, (beta1, beta2) = self.param_groups[0], group["betas"]
        t = shared["step"] if group["capturable"] else self._steps_taken
        one, stacked = torch.ones_like(shared["updates"]), shared["stacked"]
        decay = torch.where(moves, one * beta2, one)
        gain = torch.where(moves, one * (1 - beta2), 0 * one)
        age = shared["updates"] if group["bias_correction"] == "updates" else one * t
        correction = (1 - beta2**age).sqrt()
        if group["weight_decay"] != 0 and group["decoupled_weight_decay"] and lists[0]:
            torch._foreach_mul_(lists[0], 1 - group["lr"] * group["weight_decay"])
        for of_chunk in chunks(lists, group["foreach"]):
            adafix_update(
                *of_chunk,
                step_size=group["lr"] / (1 - beta1**t),
                beta1=beta1,
                decay=spread(decay, of_chunk[0], stacked=stacked),
                gain=spread(gain, of_chunk[0], stacked=stacked),
                correction=spread(correction, of_chunk[0], stacked=stacked),
                eps=group["eps"],
            )

    def _estimate_lipschitz(
        self, evaluate: Callable[[], Any], lists: list[Lists], before: list[list[Tensor]]
    ) -> None:
        """Raise L to this step's ||g' - g|| / ||x' - x||."""
        again = _second_gradients(evaluate, [params for params, *_ in lists])
        moved: list[Tensor] = []
        changed: list[Tensor] = []
        for group, (params, grads, *_), old, new in zip(self.param_groups, lists, before, again, strict=True):
            if params:
                moved += torch._foreach_sub(params, old)
                changed += torch._foreach_sub(self._with_penalty((params, new), group)[1], grads)
        if moved:
            L, stacked = self.param_groups[0]["lipschitz"], self.param_groups[0]["stacked"]
            ratio = norm(changed, stacked=stacked) / norm(moved, stacked=stacked)
            L.copy_(torch.where(ratio.isfinite(), torch.maximum(L, ratio), L))


def adafix_update(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    *,
    step_size: float | Tensor,
    beta1: float,
    decay: Tensor | list[Tensor],
    gain: Tensor | list[Tensor],
    correction: Tensor | list[Tensor],
    eps: float,
) -> None:
    """One step of the rule above for lists X, G, M, V of equal shapes, in place in X, M and V.

    Args:
        params: X, floating point tensors of any shapes.
        grads: G, of X's shapes.
        exp_avgs: M, of X's shapes.
        exp_avg_sqs: V, of X's shapes.
        step_size: lr / (1 - beta1^t).
        beta1: decay rate of M, in [0, 1).
        decay: beta2 where V moves, 1 where it is fixed; 0-d, or of stacked models one (S, 1, ..., 1)
            for each tensor, as are the next two.
        gain: 1 - beta2 where V moves, 0 where it is fixed.
        correction: sqrt(1 - beta2^k).
        eps: at least 0.
    """
    # M = beta1 M + (1 - beta1) G
    torch._foreach_lerp_(exp_avgs, grads, 1 - beta1)
    # V = decay V + gain G^2
    torch._foreach_mul_(exp_avg_sqs, decay)
    torch._foreach_addcmul_(exp_avg_sqs, torch._foreach_mul(grads, gain), grads)
    # X = X - step_size M / (sqrt(V) / correction + eps)
    roots = torch._foreach_sqrt(exp_avg_sqs)
    torch._foreach_div_(roots, correction)
    torch._foreach_add_(roots, eps)
    torch._foreach_addcdiv_(params, torch._foreach_mul(exp_avgs, -step_size), roots)


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


def _second_gradients(evaluate: Callable[[], Any], groups: list[list[Tensor]]) -> list[list[Tensor]]:
    """The gradients of another evaluation, leaving in place those that the first one wrote."""
    originals = [[p.grad for p in params] for params in groups]
    for params in groups:
        for p in params:
            p.grad = None  # so that the closure's zeroing and accumulating find nothing of the first
    evaluate()
    again = [[torch.zeros_like(p) if p.grad is None else p.grad for p in params] for params in groups]
    for params, grads in zip(groups, originals, strict=True):
        for p, grad in zip(params, grads, strict=True):
            p.grad = grad
    return again
