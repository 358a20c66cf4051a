"""What it keeps: whether a saved run goes on as if never stopped, how much there is, and repeatability."""

import io
import pickle
from collections import deque
from collections.abc import Iterator
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from adabench.check.finding import Outcome, failed, passed
from adabench.check.subject import Subject
from adabench.check.surfaces import network
from adabench.check.trial import Trial, distance

STEPS = 12
"""Before the checkpoint, and again after it."""


def round_trip(subject: Subject) -> Outcome:
    """``state_dict`` comes out as it went in, through a file."""
    first = Trial(subject.spec, network()).run(STEPS)
    loaded, plain = _through_file(first.optimizer.state_dict())
    second = Trial(subject.spec, network())
    second.optimizer.load_state_dict(loaded)
    changed = _difference(first.optimizer.state_dict(), second.optimizer.state_dict(), "state_dict")
    if changed:
        return failed(changed)
    how = "equal through a file" if plain else "equal, but its file needs torch.load(weights_only=False)"
    return passed(how)


def resumes(subject: Subject) -> Outcome:
    """A run that was stopped and loaded ends on the same bits as one that was not."""
    whole = Trial(subject.spec, network()).run(2 * STEPS)
    first = Trial(subject.spec, network()).run(STEPS)
    second = Trial(subject.spec, network())
    with torch.no_grad():
        for p, q in zip(second.params, first.params, strict=True):
            p.copy_(q)
    second.optimizer.load_state_dict(_through_file(first.optimizer.state_dict())[0])
    second.steps = STEPS
    off = distance(second.run(STEPS).points(), whole.points())
    if off == 0:
        return passed(f"{STEPS} steps after loading, same bits")
    detail = f"{STEPS} steps after loading, parameters differ by {off:.3g}"
    return failed(detail)


def deterministic(subject: Subject) -> Outcome:
    """Two runs with one seed end on the same bits."""
    one, same, other = (Trial(subject.spec, network(), seed=s).run(STEPS).points() for s in (0, 0, 1))
    if (off := distance(one, same)) != 0:
        detail = f"two runs with one seed differ by {off:.3g}"
        return failed(detail)
    draws = "" if distance(one, other) == 0 else "; draws from torch's random numbers"
    return passed(f"two runs, same bits{draws}")


def state_bytes(optimizer: Optimizer) -> int:
    """Bytes of all tensors that an optimizer keeps: for each parameter, and shared in its groups."""
    groups = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    tensors = {id(tensor): tensor for tensor in _tensors([list(optimizer.state.values()), groups])}
    return sum(tensor.nbytes for tensor in tensors.values())


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    else:
        for part in _parts(value).values():
            yield from _tensors(part)


def _parts(value: Any) -> dict[Any, Any]:
    """What a container holds by key, a sequence by position, and an object by attribute; else nothing."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple, deque)):
        return dict(enumerate(value))
    return {} if isinstance(value, Enum) or callable(value) else getattr(value, "__dict__", {})


def _through_file(state: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """``state`` saved and loaded, and whether loading it could do without unpickling arbitrary objects."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    try:
        return torch.load(file, weights_only=True), True
    except pickle.UnpicklingError:
        file.seek(0)
        return torch.load(file, weights_only=False), False


def _difference(before: Any, after: Any, where: str) -> str:
    """Where two nested states differ, in words; empty when they are equal."""
    if _kind(before) != _kind(after):
        return f"{where} was {_kind(before)} and is {_kind(after)}"
    if isinstance(before, Tensor):
        return "" if torch.equal(before, after) else f"{where} has other values after loading"
    old, new = _parts(before), _parts(after)
    if lost := [key for key in (*old, *new) if (key in old) != (key in new)]:
        return f"{where} has {lost[0]!r} on one side only"
    return next(filter(None, (_difference(old[key], new[key], f"{where}[{key!r}]") for key in old)), "")


def _kind(value: Any) -> str:
    """What must agree before anything inside is compared: a tensor's form, a plain value, or a type."""
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if value is None or isinstance(value, (bool, int, float, str, Enum)):
        return repr(value)
    return type(value).__name__
