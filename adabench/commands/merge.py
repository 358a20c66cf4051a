"""``adabench merge``: folders of results joined into one."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adabench.commands.shared import AsJson, remark, say

if TYPE_CHECKING:
    from adabench.results.merging import Merged


def merge(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Result files, folders of them, or archives.")
    ],
    out: Annotated[Path, typer.Option(help="Folder, or FILE.zip, to join them into; what it holds stays.")],
    as_json: AsJson = False,
) -> None:
    """Join folders of results, each job once; exit code 1 when results contradict or cannot be read."""
    from adabench.results.merging import merge as merge_results

    merged = merge_results(folders, out)
    for problem in merged.left_out:
        remark(f"left out: {problem}", "yellow")
    if not as_json:
        for conflict in merged.conflicts:
            remark(str(conflict), "red")
    say(json.dumps(asdict(merged), indent=2) if as_json else _told(merged))
    raise typer.Exit(int(bool(merged.conflicts or merged.left_out)))


def _told(merged: "Merged") -> str:
    if merged.conflicts:
        count = len(merged.conflicts)
        jobs = "1 job has" if count == 1 else f"{count} jobs have"
        return f"nothing merged: {jobs} contradictory results; keep one of each"
    left_out = f", {len(merged.left_out)} left out" if merged.left_out else ""
    return f"{merged.added} results added to {merged.out}, {merged.present} there already{left_out}"
