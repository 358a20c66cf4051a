"""``adabench doctor``: what is wrong with this machine or with these results, and what helps."""

from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from adabench.commands.shared import AsJson, say


def doctor(
    results: Annotated[
        list[Path] | None,
        typer.Argument(help="Results to examine, as files or folders [default: examine this machine]"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that results will go to.")] = Path("results"),
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of data sets.", envvar="ADABENCH_DATA_DIR")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Examine this machine, or results; exit code 1 when something is wrong."""
    from adabench.doctor import finding

    if results:
        from adabench.doctor.stored import examine

        findings = examine(results)
    else:
        from adabench.doctor.machine import examine_machine

        findings = examine_machine(out, data_dir or Path(platformdirs.user_cache_dir("adabench")))
    say((finding.to_json if as_json else finding.render)(findings))
    raise typer.Exit(int(finding.anything_wrong(findings)))
