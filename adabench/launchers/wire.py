"""Events as lines of JSON, to travel between machines; NaN and infinities travel with them."""

import json
from typing import Any

from pydantic import TypeAdapter

from adabench.events import EpochEnded, Event, JobEnded, JobStarted, StepsDone

_KINDS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in (JobStarted, StepsDone, EpochEnded, JobEnded)
}


def encode(event: Event) -> str:
    """The event on one line."""
    kind = type(event).__name__
    return json.dumps({"kind": kind, "event": _KINDS[kind].dump_python(event, mode="json")})


def decode(line: str) -> Event:
    """The event that `encode` wrote.

    Raises:
        ValueError: the line is none, such as one that was cut off.
    """
    content = json.loads(line)
    if not isinstance(content, dict) or content.get("kind") not in _KINDS:
        raise ValueError(f"not an event: {line[:80]!r}")
    event: Event = _KINDS[content["kind"]].validate_python(content["event"])
    return event
