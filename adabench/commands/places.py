"""The flags that say where jobs run, and the launcher that they make."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from adabench.catalogue import find, load
from adabench.commands.shared import completion
from adabench.errors import RequestError
from adabench.launchers import LAUNCHERS

if TYPE_CHECKING:
    from adabench.launchers.launcher import Launcher

_PANEL = "Where jobs run"


def _flag(text: str, **settings: Any) -> Any:
    return typer.Option(help=text, rich_help_panel=_PANEL, **settings)


Where = Annotated[
    str, _flag(f"{', '.join(LAUNCHERS)}: this machine or a cluster.", autocompletion=completion(LAUNCHERS))
]
Workers = Annotated[
    int | None, _flag("Jobs side by side [default: one for each CPU thread, or for each GPU]")
]
Threads = Annotated[int | None, _flag("CPU threads of each job [default: an equal share; 1 on a cluster]")]
Shard = Annotated[str | None, _flag("I/N: only the I-th of N equal parts of the sweep, as 2/8.")]
RayAddress = Annotated[str | None, _flag("Ray: head node as HOST:PORT [default: a Ray of its own here]")]
GpusPerJob = Annotated[float | None, _flag("Ray: share of a GPU for each job, as 0.25 [default: 1]")]
Partition = Annotated[str | None, _flag("SLURM: partition.")]
Time = Annotated[int | None, _flag("SLURM: time limit of a task in minutes.")]
Gres = Annotated[str | None, _flag("SLURM: resources of a task, as gpu:1.")]
AtOnce = Annotated[int | None, _flag("SLURM: most tasks at a time.")]
Bundle = Annotated[int | None, _flag("SLURM: jobs in a task, one after another.")]


def launcher_of(where: str, **settings: Any) -> "Launcher":
    """The launcher that the flags ask for.

    Args:
        where: its name.
        settings: the flags' values by name; None where a flag was not given.

    Raises:
        RequestError: no such launcher, a flag that belongs to another one, or a count below 1.
    """
    row = find("launcher", LAUNCHERS, where)
    given = {name: value for name, value in settings.items() if value is not None}
    for name, value in given.items():
        flag = f"--{name.replace('_', '-')}"
        if name not in row.takes:
            owners = " or ".join(f"--launcher {other}" for other, it in LAUNCHERS.items() if name in it.takes)
            raise RequestError(f"{flag} {value} has no meaning with --launcher {where}; it needs {owners}")
        if isinstance(value, int) and value < 1:
            raise RequestError(f"{flag} {value} is not allowed; it takes a whole number of at least 1")
        if isinstance(value, float) and not 0 < value <= 1:
            raise RequestError(f"{flag} {value:g} is not allowed; it takes a number in (0, 1]")
    launcher: Launcher = load(row.build)(**given)
    return launcher


def shard_of(text: str | None) -> tuple[int, int]:
    """The part and the number of parts that ``I/N`` means; all in one part when None.

    Raises:
        RequestError: it is not of this form, or I is not in 1 to N.
    """
    if text is None:
        return 1, 1
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise RequestError(f"--shard {text} is not allowed; it takes I/N with I from 1 to N, such as 2/8")
    return int(part), int(parts)
