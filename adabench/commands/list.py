"""``adabench list``: what the catalogues hold."""

import json
from typing import Annotated

import typer

from adabench import listing
from adabench.commands.shared import AsJson, SuiteFile, say
from adabench.config import read_suites


def list_(
    kind: Annotated[listing.Kind | None, typer.Argument(help="What to list [default: everything]")] = None,
    suites: SuiteFile = None,
    as_json: AsJson = False,
) -> None:
    """List optimizers, models, data sets, analytic problems and suites."""
    kinds = [kind] if kind else list(listing.Kind)
    catalogues = {k.value: listing.rows(k, read_suites(suites)) for k in kinds}
    say(json.dumps(catalogues, indent=2) if as_json else listing.tables(catalogues))
