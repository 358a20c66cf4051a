"""The house: arrows never run upward, and heavy furniture stays in its rooms."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import adabench

PACKAGE = Path(adabench.__file__).parent

FLOORS: list[set[str]] = [
    {"errors", "catalogue", "spec", "events", "durable"},
    {"optimizers", "models", "datasets"},
    {"problems"},
    {"engine"},
    {"check"},
    {"results"},
    {"compare", "baselines"},
    {"report"},
    {"launchers", "trackers"},
    {"strict_yaml", "config", "pipeline", "estimate", "progress", "listing", "doctor"},
    {"tuning"},
    {"commands"},
    {"cli", "__main__"},
]
TORCH_FREE = {"errors", "catalogue", "spec", "events", "durable", "results", "compare", "baselines", "report"}
TORCHS_OWN = ("adabench.engine", "adabench.problems.analytic", "adabench.problems.supervised")
LEVEL = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Every module a file names in an import, wherever in the file it stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_never_run_upward(path: Path) -> None:
    """A leaf that reaches for the roof; a torch-free room that reaches for torch."""
    room = room_of(path)
    assert room in LEVEL, f"{room} stands on no floor; give it one"
    for name in imports_of(path):
        top, _, rest = name.partition(".")
        inner = rest.split(".")[0]
        if top == "adabench" and inner in LEVEL:
            assert LEVEL[inner] <= LEVEL[room], f"{room} imports {name}"
            if room in TORCH_FREE:
                assert not name.startswith(TORCHS_OWN), f"{room} imports {name}"
        if room in TORCH_FREE:
            assert top not in {"torch", "torchvision"}, f"{room} imports {name}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["run", "--opt", "adafx"],
        ["run", "--epochs", "0"],
        ["run", "nosuchsuite"],
        ["tune", "--help"],
        ["tune", "--opt", "adafx"],
        ["tune", "--opt", "adam", "--sampler", "haltn"],
        ["list"],
        ["check", "adafx"],
        ["compare", "nosuchfolder"],
        ["report", "nosuchfolder"],
        ["doctor", "nosuchfolder"],
        ["merge", "nosuchfolder", "--out", "joined"],
    ],
    ids=" ".join,
)
def test_answers_without_torch(arguments: list[str], tmp_path: Path) -> None:
    """Seconds of import before a help text, a usage error or a comparison."""
    code = (
        "import sys; from adabench.cli import main\n"
        f"sys.argv = ['adabench', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'torchvision', 'sklearn', 'matplotlib', 'scipy.stats'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_files_stay_readable() -> None:
    """A file that has grown past what a reader can hold."""
    long = {str(path): n for path in FILES if (n := len(path.read_text().splitlines())) > 400}
    assert not long
