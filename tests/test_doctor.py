"""``adabench doctor``: what is wrong with results and with the machine, with a cure for each."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from factories import make_result, store_all
from typer.testing import CliRunner

from adabench.cli import app
from adabench.doctor import devices, limits, machine
from adabench.doctor.finding import Finding, render, to_json
from adabench.doctor.stored import examine
from adabench.doctor.stored_data import examine_data
from adabench.errors import RequestError
from adabench.results import ResultStore
from adabench.results.merging import merge


def command(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["doctor", *map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def states(findings: list[Finding]) -> dict[str, str]:
    return {finding.name: finding.state for finding in findings}


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return store_all(tmp_path / "results", [make_result(seed=seed) for seed in range(3)])


# Results


def test_sound_results_are_called_sound(stored: Path) -> None:
    code, out = command(stored)
    assert code == 0
    assert "3 readable: 3 completed" in out
    assert "nothing is wrong" in out


def test_a_silent_change_is_found(stored: Path) -> None:
    """The reason for doctor to be: a digit that became another."""
    place = ResultStore(stored).path_of(make_result(seed=1).job)
    place.write_bytes(place.read_bytes().replace(b"0.98", b"0.99"))
    code, out = command(stored)
    assert code == 1
    assert "was changed after it was written" in out.replace("\n", " ")
    assert "2 readable" in out


def test_each_kind_of_trouble_has_its_name_and_its_cure(stored: Path) -> None:
    store = ResultStore(stored)
    places = [store.path_of(make_result(seed=seed).job) for seed in range(3)]
    (stored / "copy").mkdir()
    (stored / "copy" / "0.json").write_bytes(places[0].read_bytes())
    places[1].rename(places[1].with_name("1-0123456789abcdef.json"))
    places[2].write_bytes(b"")
    (stored / "report.md").write_text("mine")
    (stored / "mlp-mnist" / "adam").joinpath("old.json").write_text(make_result(seed=9).model_dump_json())
    places[0].with_name(".0-abc.1234.tmp").write_text("half")
    found = examine([stored])
    assert states(found) == {
        "results": "ok",
        "doubled": "wrong",
        "misplaced": "wrong",
        "unreadable": "wrong",
        "unsealed": "note",
        "left over": "note",
        "foreign": "note",
    }
    assert all(finding.cure for finding in found if finding.state == "wrong")
    assert sum(finding.name == "misplaced" for finding in found) == 3


def test_merging_cures_what_is_misplaced_or_doubled(stored: Path, tmp_path: Path) -> None:
    """A cure that does not help."""
    store = ResultStore(stored)
    place = store.path_of(make_result(seed=1).job)
    (stored / "elsewhere.json").write_bytes(place.read_bytes())
    place.rename(stored / "1.json")
    assert "wrong" in states(examine([stored])).values()
    merge([stored], tmp_path / "cured")
    assert states(examine([tmp_path / "cured"])) == {"results": "ok"}


@pytest.mark.skipif(os.name != "posix", reason="forks to give up root's rights")
def test_a_folder_that_may_not_be_read_is_not_passed_over(
    stored: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Would catch results that compare misses without a word."""
    code = (
        "import os, sys; from pathlib import Path; from adabench.doctor.stored import examine\n"
        "import adabench.results.reading, adabench.results.store\n"
        f"os.chmod({str(stored / 'mlp-mnist')!r}, 0); os.getuid() or os.seteuid(65534)\n"
        f"print([f.name for f in examine([Path({str(stored)!r})])])"
    )
    base = tmp_path_factory.getbasetemp()
    for place in (stored, *stored.parents):
        if place.is_relative_to(base) or place.name.startswith("pytest-"):
            place.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (stored / "mlp-mnist").chmod(0o755)
    assert "closed" in done.stdout


def test_a_newer_format_says_upgrade(stored: Path) -> None:
    (stored / "new.json").write_text('{"format": 99}')
    code, out = command(stored)
    assert code == 1
    assert "upgrade adabench" in out


def test_a_path_that_is_not_there_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="does not exist"):
        examine([tmp_path / "none"])


def test_many_alike_are_cut_short_in_the_table_and_whole_in_json() -> None:
    many = [Finding(name="unreadable", state="wrong", detail=f"{n}.json", cure="restore") for n in range(30)]
    text = render(many)
    assert "and 25 more; --json lists all" in text
    assert text.count("-> restore") == 1
    assert "30 wrong" in text
    assert len(json.loads(to_json(many))["findings"]) == 30


def test_results_are_examined_without_torch(stored: Path) -> None:
    """Seconds of import before a folder is looked at."""
    code = (
        "import sys; from adabench.cli import main\n"
        f"sys.argv = ['adabench', 'doctor', {str(stored)!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'torchvision', 'sklearn', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# The machine


def test_the_machine_that_runs_these_tests_can_run_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out = command("--json", "--data-dir", tmp_path)
    told = json.loads(out)
    found = {finding["name"]: finding["state"] for finding in told["findings"]}
    assert (code, told["healthy"]) == (0, True), out
    assert {"versions", "packages", "torch", "cpu", "threads", "memory", "writing", "mnist"} <= set(found)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    found = machine.examine_machine(tmp_path / "results", tmp_path)
    (finding,) = [finding for finding in found if finding.name == "writing"]
    assert finding.state == "wrong"
    assert finding.detail.endswith("is a file; name another folder with --out")


def test_a_broken_suite_file_in_the_working_folder_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmarks.yaml").write_text("suites: [")
    assert states(machine.examine_machine(tmp_path / "out", tmp_path))["suites"] == "wrong"


def test_a_torch_that_cannot_be_loaded_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A traceback from the one command that should explain it."""

    def broken() -> None:
        raise OSError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr(devices, "examine_torch", broken)
    found = machine.examine_machine(tmp_path, tmp_path)
    (finding,) = [finding for finding in found if finding.name == "torch"]
    assert (finding.state, "libcudart" in finding.detail, bool(finding.cure)) == ("wrong", True, True)


@pytest.mark.parametrize(
    ("quota", "allowed"), [("100000 100000", 1), ("max 100000", None), ("50000 100000", 1)]
)
def test_a_containers_limit_of_cpus_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, allowed: int | None
) -> None:
    """Threads for every CPU of a large machine of which the container may use one."""
    (tmp_path / "cpu.max").write_text(quota)
    without = limits.cpus_allowed()
    monkeypatch.setattr(limits, "CGROUP", tmp_path)
    assert limits.cpus_allowed() == (allowed or without)


def test_more_threads_than_cpus_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cpus_allowed", lambda: 0)
    finding = devices._threads()
    assert (finding.state, finding.cure) == ("note", "export OMP_NUM_THREADS=0")


def test_little_room_is_noted_and_none_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, state in ((2**40, "ok"), (2**29, "note"), (2**20, "wrong")):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda _, usage=usage: usage)
        (finding,) = limits.examine_disk({"results": tmp_path / "not" / "there"})
        assert (finding.state, finding.cure is None) == (state, state == "ok")


def test_a_data_set_of_the_wrong_size_is_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / "train-labels-idx1-ubyte").write_bytes(b"short")
    found = {finding.name: finding for finding in examine_data(tmp_path)}
    assert found["mnist"].state == "wrong"
    assert "5 bytes instead of 60,008" in found["mnist"].detail
    assert found["cifar10"].state == "note"


def test_real_data_are_found(data_dir: Path) -> None:
    assert {finding.name: finding.state for finding in examine_data(data_dir)}["mnist"] == "ok"


def test_a_gpu_that_torch_cannot_use_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours on a CPU beside an idle GPU."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    for built, words in ((None, "built for the CPU"), ("13.0", "torch cannot use it")):
        monkeypatch.setattr("torch.version.cuda", built)
        finding = devices._no_gpu()
        assert finding.state == "wrong"
        assert words in finding.detail


@pytest.mark.gpu
def test_a_gpu_is_tried() -> None:
    import torch

    finding = devices._gpu(torch.device("cuda", 0))
    assert finding.state == "ok"
    assert "GiB are free" in finding.detail
