"""``adabench check``: is this optimizer sound, and what does it cost?"""

from typing import Annotated

import typer

from adabench.catalogue import parse
from adabench.commands.shared import AsJson, completion, say
from adabench.optimizers import OPTIMIZERS, optimizer_spec


def check(
    optimizer: Annotated[
        str,
        typer.Argument(
            help="NAME, MODULE:CLASS or FILE.py:CLASS, with :key=value,... for its settings.",
            autocompletion=completion(OPTIMIZERS),
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Check how an optimizer behaves, what it keeps and what it costs; exit code 1 when a check fails."""
    title = optimizer_spec(*parse(optimizer)).label  # a wrong request is answered before torch is loaded
    from adabench.check import finding
    from adabench.check.conformance import check as run_checks

    findings = run_checks(*parse(optimizer))
    say((finding.to_json if as_json else finding.render)(title, findings))
    raise typer.Exit(int(finding.any_failed(findings)))
