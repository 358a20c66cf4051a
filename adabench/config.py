"""From text to a sweep: suite files and the command line's words, checked against the catalogues."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adabench.catalogue import Option, Value, find, label, parse, resolve
from adabench.datasets import AUGMENTATIONS, dataset_label, find_dataset
from adabench.errors import RequestError, suggestion
from adabench.models import MODELS
from adabench.optimizers import optimizer_spec
from adabench.problems import analytic_spec
from adabench.spec import AnalyticSpec, OptimizerSpec, Precision, ProblemSpec, SupervisedSpec, Sweep
from adabench.strict_yaml import Document, Place, read_yaml

SUITE_FILE = "benchmarks.yaml"
DEFAULT_SUITE = "quick"


class _Text(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Settings(_Text):
    """How long, how often and how finely: what a suite, the file's defaults or a flag may say."""

    seeds: int | list[int] | None = None
    epochs: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    train_examples: int | None = Field(default=None, ge=1)
    validation_fraction: float | None = Field(default=None, ge=0, lt=1)
    precision: Precision | None = None


class ProblemText(_Text):
    """A model and a data set, or an analytic problem, as they are written on the command line."""

    model: str | None = None
    dataset: str | None = None
    problem: str | None = None
    train_examples: int | None = Field(default=None, ge=1)
    """In place of the suite's, on this problem."""

    def resolve(self, settings: Settings) -> ProblemSpec:
        """The problem that this means, or `RequestError`."""
        if self.problem is None and (self.model is not None or self.dataset is not None):
            own = {"train_examples": self.train_examples} if self.train_examples else {}
            return problem_spec(self.model, self.dataset, settings.model_copy(update=own))
        if self.problem is None or self.model is not None or self.dataset is not None:
            raise RequestError("a problem is either a model, a dataset or both, or a problem")
        return formula_spec(self.problem, settings)


class TuneText(_Text):
    """How the optimizers of a suite are tuned; what is not said is `adabench tune`'s own default."""

    trials: int | None = Field(default=None, ge=2)
    sampler: str | None = None
    pruner: str | None = None
    search: list[str] | None = None
    space: list[str] | None = None
    finalists: int | None = Field(default=None, ge=1)
    tuning_seed: int | None = Field(default=None, ge=0)


class Suite(Settings):
    """A named set of jobs; with ``tune`` it is for `adabench tune`."""

    about: str
    optimizers: list[str] = Field(min_length=1)
    problems: list[ProblemText] = Field(min_length=1)
    tune: TuneText | None = None


class SuiteFile(_Text):
    """What a suite file holds."""

    defaults: Settings
    suites: dict[str, Suite] = Field(min_length=1)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command line asked for; an empty field means that it did not say."""

    suite: str | None = None
    optimizers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    suites_file: Path | None = None


@dataclass(frozen=True)
class Suites:
    """A suite file that has been read, with the place of everything in it."""

    document: Document
    content: SuiteFile

    def find(self, name: str) -> Suite:
        """The suite called ``name``, or `UnknownNameError`."""
        return find("suite", self.content.suites, name)

    @contextmanager
    def located(self, *place: str | int) -> Iterator[None]:
        """Prefix errors of the block with the file, line and key at ``place``."""
        try:
            yield
        except RequestError as error:
            raise self.document.error(place, str(error)) from error


def suites_path(given: Path | None) -> Path:
    """The suite file: the given one, else the working folder's, else the one that ships here."""
    if given is not None:
        return given
    package = Path(__file__).parent
    candidates = (Path(SUITE_FILE), package / SUITE_FILE, package.parent / SUITE_FILE)
    return next((path for path in candidates if path.is_file()), candidates[-1])


def read_suites(given: Path | None = None) -> Suites:
    """Read and check a suite file.

    Raises:
        ConfigError: in one line, with the file, the line and the key.
    """
    document = read_yaml(suites_path(given))
    if not isinstance(document.data, dict):
        raise document.error((), "not a suite file; it holds the keys 'defaults' and 'suites'")
    try:
        return Suites(document, SuiteFile.model_validate(document.data))
    except ValidationError as error:
        raise _explained(document, error) from None


def resolve_sweep(request: Request) -> Sweep:
    """The sweep a request means: a suite with the command line's words in place of its own.

    Naming a model or a data set replaces the suite's problems by every combination named, and naming
    an analytic problem by that one; all of them may be named.

    Raises:
        RequestError: in one line; nothing has been touched.
    """
    suites = read_suites(request.suites_file)
    ad_hoc = _names_problems(request) and request.suite is None
    name = request.suite or DEFAULT_SUITE
    if suites.find(name).tune is not None:
        raise RequestError(f"the suite {name} is for tuning; run it with: adabench tune {name}")
    settings = settings_of(request, suites)
    return Sweep(
        name="command line" if ad_hoc else name,
        optimizers=_unique("optimizer", tuple(_optimizers(request, suites, name))),
        problems=_unique("problem", tuple(_problems(request, suites, name, settings))),
        seeds=seed_list(settings.seeds if settings.seeds is not None else 1),
        epochs=settings.epochs or 1,
        precision=settings.precision or "fp32",
    )


def settings_of(request: Request, suites: Suites) -> Settings:
    """The file's defaults, over them the suite's settings, and over these the command line's."""
    ad_hoc = _names_problems(request) and request.suite is None
    suite = [] if ad_hoc else [suites.find(request.suite or DEFAULT_SUITE)]
    layers = [suites.content.defaults, *suite, request.settings]
    return Settings(**{key: value for layer in layers for key, value in _said(layer).items()})


def problem_texts(request: Request, suites: Suites) -> list[ProblemText]:
    """The problems that a request means, as they are written; the command line's examples come first."""
    if _names_problems(request):
        pairs = [(m, d) for m in request.models or (None,) for d in request.datasets or (None,)]
        named = [ProblemText(model=model, dataset=dataset) for model, dataset in pairs if model or dataset]
        return [*named, *(ProblemText(problem=text) for text in request.problems)]
    texts = suites.find(request.suite or DEFAULT_SUITE).problems
    overruled = {"train_examples": None} if request.settings.train_examples else {}
    return [text.model_copy(update=overruled) for text in texts]


def seed_list(seeds: int | list[int]) -> tuple[int, ...]:
    """The seeds 0 to N-1, or the listed ones.

    Raises:
        RequestError: none, a negative one, or one given twice.
    """
    if isinstance(seeds, int):
        if seeds < 1:
            raise RequestError(f"seeds={seeds} is not allowed; it takes a whole number of at least 1")
        return tuple(range(seeds))
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise RequestError(f"seeds {seeds} are not allowed; list different whole numbers of at least 0")
    return tuple(seeds)


def problem_spec(model: str | None, dataset: str | None, settings: Settings) -> SupervisedSpec:
    """Resolve a model and a data set, either of which may be left to the other's default.

    Raises:
        RequestError: an unknown name or option, or a value outside its range.
    """
    if model is None:
        model = find_dataset(parse(dataset or "")[0])[0].model
    model_name, model_given = parse(model)
    row = find("model", MODELS, model_name)
    dataset_name, dataset_given = parse(dataset if dataset is not None else row.dataset)
    data_row, _ = find_dataset(dataset_name)
    augment = Option("none", "changes drawn anew for each epoch", choices=tuple(AUGMENTATIONS))
    data_options = {**data_row.options, "augment": augment}
    data_values = resolve(dataset_name, data_options, dataset_given)
    model_values = resolve(model_name, row.options, model_given)
    return SupervisedSpec(
        model=model_name,
        model_options=model_values,
        dataset=dataset_name,
        dataset_options={key: value for key, value in data_values.items() if key != "augment"},
        label=_problem_label(
            label(model_name, row.options, model_values), dataset_name, data_options, data_values
        ),
        augment=str(data_values["augment"]),
        batch_size=settings.batch_size or 128,
        train_examples=settings.train_examples,
        validation_fraction=settings.validation_fraction or 0.0,
    )


def formula_spec(text: str, settings: Settings) -> AnalyticSpec:
    """Resolve an analytic problem such as ``cosine_bowl:noise=1e-3``.

    Raises:
        RequestError: an unknown name or option, a value outside its range, or reduced precision.
    """
    spec = analytic_spec(*parse(text))
    if settings.precision not in (None, "fp32"):
        raise RequestError(f"{spec.label}: precision {settings.precision} is not allowed; it takes float64")
    return spec


def _problem_label(
    model: str, dataset: str, options: Mapping[str, Option], values: Mapping[str, Value]
) -> str:
    return f"{model}-{label(dataset_label(dataset), options, values)}"


def _optimizers(request: Request, suites: Suites, name: str) -> Iterator[OptimizerSpec]:
    if request.optimizers:
        yield from (optimizer_spec(*parse(text)) for text in request.optimizers)
        return
    for i, text in enumerate(suites.find(name).optimizers):
        with suites.located("suites", name, "optimizers", i):
            yield optimizer_spec(*parse(text))


def _problems(request: Request, suites: Suites, name: str, settings: Settings) -> Iterator[ProblemSpec]:
    named = _names_problems(request)
    for i, text in enumerate(problem_texts(request, suites)):
        with nullcontext() if named else suites.located("suites", name, "problems", i):
            yield text.resolve(settings)


def _names_problems(request: Request) -> bool:
    return bool(request.models or request.datasets or request.problems)


def _unique(kind: str, specs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The specs, or `RequestError` when two of them are the same."""
    labels = [spec.label for spec in specs]
    twice = next((text for text in labels if labels.count(text) > 1), None)
    if twice is not None:
        raise RequestError(f"{kind} {twice!r} is named twice; name it once")
    return specs


def _said(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(include=set(Settings.model_fields), exclude_none=True)


def _explained(document: Document, error: ValidationError) -> RequestError:
    """The first complaint of a validation as one line with file, line and key."""
    first = error.errors()[0]
    place: Place = tuple(part for part in first["loc"] if part in _parts(document.lines))
    if first["type"] == "extra_forbidden":
        known = _fields_at(place[:-1])
        return document.error(place, f"unknown key {place[-1]!r}; {suggestion(str(place[-1]), known)}")
    if first["type"] == "missing":
        return document.error(place, f"the key {first['loc'][-1]!r} is missing")
    return document.error(place, f"{first['input']!r} is not allowed: {first['msg'].lower()}")


def _parts(lines: Mapping[Place, int]) -> set[str | int]:
    return {part for place in lines for part in place}


def _fields_at(place: Place) -> list[str]:
    """The keys that a mapping at ``place`` of a suite file takes."""
    models: dict[int, type[BaseModel]] = {0: SuiteFile, 1: Settings, 2: Suite, 3: TuneText, 4: ProblemText}
    return list(models[len(place)].model_fields)
