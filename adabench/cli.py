"""The command line: words in, exit code out. Heavy imports wait until a command needs them.

Exit codes: 0 done; 1 a job ended badly or a gate failed; 2 the request was wrong; 130 interrupted, 143
terminated.
"""

import os
import sys
import warnings
from typing import Annotated

import typer

from adabench import __version__
from adabench.commands.check import check
from adabench.commands.compare import compare
from adabench.commands.doctor import doctor
from adabench.commands.list import list_
from adabench.commands.merge import merge
from adabench.commands.report import report
from adabench.commands.run import run
from adabench.commands.shared import remark, say
from adabench.commands.tune import tune
from adabench.errors import AdabenchError

app = typer.Typer(
    name="adabench",
    help="Which optimizer should I use here, and how sure can I be?",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; every error becomes one red line on stderr."""
    # Idle OpenMP threads spin by default; where another program wants their core, small jobs then crawl.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.formatwarning = lambda message, *_, **__: f"adabench: warning: {message}\n"
    try:
        code = app(standalone_mode=False)
    except AdabenchError as error:
        code = _complain(str(error))
    except (KeyboardInterrupt, typer.Abort):  # before a command has begun to listen for it
        code = 130
    except BrokenPipeError:  # whoever read our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if not hasattr(error, "format_message"):  # not one of the parser's own usage errors
            raise
        code = _complain(error.format_message())
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> int:
    line = " ".join(message.split())
    remark(f"adabench: {line}", "red")
    return 2


Version = Annotated[bool, typer.Option("--version", help="Show the version and exit.")]


@app.callback(invoke_without_command=True)
def _adabench(version: Version = False) -> None:
    if version:
        say(f"adabench {__version__}")
        raise typer.Exit


app.command()(run)
app.command()(tune)
app.command()(compare)
app.command()(report)
app.command()(check)
app.command("list")(list_)
app.command()(merge)
app.command()(doctor)
