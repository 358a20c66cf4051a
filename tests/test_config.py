# ruff: noqa: E501  (messages are quoted whole)
"""Suite files and the command line's words: what they mean, and what is said of those that mean nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adabench.catalogue import parse, read_value, spell
from adabench.config import Request, Settings, read_suites, resolve_sweep
from adabench.errors import AdabenchError, ConfigError, RequestError
from adabench.spec import FORMAT, expand
from adabench.strict_yaml import read_yaml

SUITE = """\
defaults: {seeds: 2, epochs: 3}
suites:
  quick:
    about: a test
    optimizers: [adam, "sgdm:lr=0.05"]
    problems:
      - {model: mlp, dataset: digits}
      - {model: "mlp:hidden=32", dataset: "digits:augment=crop_flip"}
    epochs: 7
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "suites.yaml"
    path.write_text(text)
    return path


def request(folder: Path, text: str = SUITE, **fields: object) -> Request:
    return Request(suites_file=write(folder, text), **fields)


def complaint(folder: Path, text: str) -> str:
    """What is said of a suite file, with its path cut away."""
    with pytest.raises(ConfigError) as error:
        resolve_sweep(request(folder, text))
    message = str(error.value)
    assert "\n" not in message
    return message.replace(str(folder / "suites.yaml"), "FILE")


def test_every_shipped_suite_resolves() -> None:
    """A suite with a misspelt name, found only when someone runs it."""
    suites = read_suites()
    assert {"quick", "smoke", "table1", "table2", "table1-short", "table2-short"} <= set(
        suites.content.suites
    )
    for name, suite in suites.content.suites.items():
        if suite.tune is None:  # those for tuning are resolved in test_tune.py
            assert expand(resolve_sweep(Request(suite=name)), threads=1)


def test_the_papers_protocol_is_in_full() -> None:
    """A table suite shortened by a slip: 300 epochs, 5 seeds, minibatches of 128, 5 methods."""
    for name, problems in (("table1", 1), ("table2", 5)):
        sweep = resolve_sweep(Request(suite=name))
        assert (sweep.epochs, sweep.seeds, len(sweep.optimizers)) == (300, (0, 1, 2, 3, 4), 5)
        assert [problem.batch_size for problem in sweep.problems] == [128] * problems
        assert all(problem.validation_fraction == 0 for problem in sweep.problems)


def test_a_suite_says_more_than_the_defaults_and_a_flag_more_than_both(tmp_path: Path) -> None:
    sweep = resolve_sweep(request(tmp_path))
    assert (sweep.seeds, sweep.epochs) == ((0, 1), 7)
    sweep = resolve_sweep(request(tmp_path, settings=Settings(epochs=1, seeds=[4, 9])))
    assert (sweep.seeds, sweep.epochs) == ((4, 9), 1)


def test_naming_an_optimizer_keeps_the_suites_problems(tmp_path: Path) -> None:
    sweep = resolve_sweep(request(tmp_path, optimizers=("adafix",)))
    assert [spec.label for spec in sweep.optimizers] == ["adafix"]
    assert [spec.label for spec in sweep.problems] == ["mlp-digits", "mlp:hidden=32-digits:augment=crop_flip"]


def test_naming_a_model_alone_takes_its_data_set_and_the_files_defaults(tmp_path: Path) -> None:
    sweep = resolve_sweep(request(tmp_path, models=("vgg11",), optimizers=("adafix",)))
    assert [(p.model, p.dataset) for p in sweep.problems] == [("vgg11", "cifar10")]
    assert sweep.epochs == 3


def test_naming_a_data_set_alone_takes_its_model(tmp_path: Path) -> None:
    sweep = resolve_sweep(request(tmp_path, datasets=("mnist", "cifar10")))
    assert [(p.model, p.dataset) for p in sweep.problems] == [("mlp", "mnist"), ("resnet34", "cifar10")]


def test_a_job_is_what_decides_its_outcome(tmp_path: Path) -> None:
    """Stale results: a setting that does not change the key; or needless runs: a name that does."""
    jobs = expand(resolve_sweep(request(tmp_path)), threads=1)
    assert len(jobs) == len({job.key for job in jobs}) == 2 * 2 * 2
    base = jobs[0]
    renamed = base.model_copy(
        update={"optimizer": base.optimizer.model_copy(update={"label": "another name"})}
    )
    assert renamed.key == base.key
    for change in ({"epochs": 8}, {"precision": "bf16"}, {"threads": 2}, {"seed": 7}):
        assert base.model_copy(update=change).key != base.key


def test_keys_stay_what_they_are(tmp_path: Path) -> None:
    """A change of defaults or fields that silently makes every stored result stale: raise FORMAT then."""
    assert FORMAT == 1
    assert expand(resolve_sweep(Request(suite="smoke")), threads=1)[0].key == "dac3554986db0bb6"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SUITE.replace("epochs: 7", "epoch: 7"),
            "FILE, line 9: suites.quick.epoch: unknown key 'epoch'; did you mean 'epochs'?",
        ),
        (
            SUITE.replace("epochs: 7", "epochs: 0"),
            "FILE, line 9: suites.quick.epochs: 0 is not allowed: input should be greater than or equal to 1",
        ),
        (
            SUITE.replace("epochs: 7", "epochs: yes"),
            "FILE, line 9: suites.quick.epochs: 'yes' is not allowed: input should be a valid integer",
        ),
        (
            SUITE.replace("adam,", "adma,"),
            "FILE, line 5: suites.quick.optimizers.0: unknown optimizer 'adma'; did you mean 'adam'?",
        ),
        (
            SUITE.replace("lr=0.05", "lr=fast"),
            "FILE, line 5: suites.quick.optimizers.1: sgdm: lr=fast is not allowed; it takes a number in [0, inf)",
        ),
        (
            SUITE.replace("dataset: digits}", "dataset: digit}"),
            "FILE, line 7: suites.quick.problems.0: unknown data set 'digit'; did you mean 'digits'?",
        ),
        (SUITE.replace("    about: a test\n", ""), "FILE, line 3: suites.quick: the key 'about' is missing"),
        (
            SUITE + "    epochs: 8\n",
            "FILE, line 10: suites.quick.epochs: given twice; the first is on line 9",
        ),
        ("suites: [", "FILE, line 1: not YAML: expected the node content, but found '<stream end>'"),
        (
            "",
            "FILE, line 1: not a suite file; it holds the keys 'defaults' and 'suites'",
        ),
        (
            "a: !!python/object/apply:os.system [ls]",
            "FILE, line 1: a: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed; write plain values",
        ),
    ],
)
def test_a_bad_suite_file_is_explained_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    assert complaint(tmp_path, text) == message


def test_a_missing_suite_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^cannot read .*none\.yaml: No such file or directory$"):
        read_suites(tmp_path / "none.yaml")


def test_yaml_scalars_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    """1e-3 read as text, no as false, 10:30 as 630."""
    path = write(tmp_path, "{a: 1e-3, b: no, c: 10:30, d: 0.5, e: true, f: null, g: 010}")
    expected = {"a": 1e-3, "b": "no", "c": "10:30", "d": 0.5, "e": True, "f": None, "g": 10}
    assert read_yaml(path).data == expected


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    """Nine levels of ten aliases are a billion values."""
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(ConfigError, match="too large or too deep"):
        read_yaml(write(tmp_path, "\n".join(lines)))
    with pytest.raises(ConfigError):
        read_yaml(write(tmp_path, "[" * 5000))


@given(st.text(max_size=200))
def test_any_text_is_a_suite_file_or_a_clean_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """A traceback for a file that someone really has."""
    path = tmp_path_factory.mktemp("fuzz") / "suites.yaml"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    with pytest.raises(AdabenchError, match=r"^[^\n]+$"):
        read_suites(path)


@pytest.mark.parametrize("seeds", [0, -1, [], [1, 1], [-1]])
def test_seeds_that_are_none_are_refused(tmp_path: Path, seeds: int | list[int]) -> None:
    with pytest.raises(RequestError, match=r"^seeds.*not allowed"):
        resolve_sweep(request(tmp_path, settings=Settings(seeds=seeds)))


def test_the_same_optimizer_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^optimizer 'adam' is named twice; name it once$"):
        resolve_sweep(request(tmp_path, optimizers=("adam", "adam:lr=0.001")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("adam", ("adam", {})),
        ("adam:lr=3e-4,betas=0.9/0.99", ("adam", {"lr": 3e-4, "betas": (0.9, 0.99)})),
        ("mlp:hidden=2048/2048", ("mlp", {"hidden": (2048, 2048)})),
        ("folder:/data/pets,augment=crop_flip", ("folder:/data/pets", {"augment": "crop_flip"})),
        ("pkg.mod:Class:lr=1,nesterov=true", ("pkg.mod:Class", {"lr": 1, "nesterov": True})),
    ],
)
def test_names_with_options_are_read(text: str, expected: tuple[str, dict[str, object]]) -> None:
    assert parse(text) == expected


@given(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False, width=32)))
def test_spelling_a_value_can_be_read_back(value: object) -> None:
    """A label that names another setting than the one it stands for."""
    assert read_value(spell(value)) == pytest.approx(value, rel=1e-11)
