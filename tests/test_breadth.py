"""Problems of other kinds than classified images: text, tables, a convex one; and their targets."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from factories import make_result, store_all
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from adabench import cli
from adabench.catalogue import load, resolve
from adabench.compare import Question
from adabench.compare.targets import with_known
from adabench.config import Request, Settings, problem_spec, read_suites, resolve_sweep
from adabench.datasets.arrays import Split, cut, subset
from adabench.datasets.loading import load_dataset
from adabench.datasets.python_text import _text
from adabench.engine.seeding import Streams
from adabench.engine.train import train
from adabench.errors import BadValueError, DataError
from adabench.events import Event, JobEnded
from adabench.models import MODELS
from adabench.models.transformer import Attention
from adabench.models.vit import Patches
from adabench.optimizers import implementation_of, optimizer_spec
from adabench.problems import supervised
from adabench.problems.supervised import SupervisedProblem
from adabench.problems.targets import BASELINES, TARGETS
from adabench.spec import Job

NOWHERE, CPU = Path("/nonexistent"), torch.device("cpu")
TEXT = "python_text:length=12,train=50,test=21"
SMALL = {
    "logistic": ("logistic", "digits"),
    "tabular": ("mlp:hidden=8", "breast_cancer"),
    "vit": ("vit:width=8,depth=1,heads=2", "synthetic:size=8,channels=1,classes=4,train=50,test=20"),
    "char_transformer": ("char_transformer:width=8,depth=1,heads=2", TEXT),
    "char_gru": ("char_gru:width=8", TEXT),
}
"""One small problem of each kind: model and data set."""
OF_TEXT = ["char_transformer", "char_gru"]
EVERY = pytest.mark.parametrize("kind", SMALL)


def build(name: str, shape: tuple[int, ...], classes: int, **given: Any) -> nn.Module:
    row = MODELS[name]
    torch.manual_seed(0)
    model: nn.Module = load(row.build)(shape, classes, **resolve(name, row.options, given))
    return model


def problem(kind: str, **settings: Any) -> SupervisedProblem:
    spec = problem_spec(*SMALL[kind], Settings(**{"batch_size": 16, **settings}))
    return SupervisedProblem(spec, data_dir=NOWHERE, device=CPU, draw=Streams(0).generator)


def job(kind: str, optimizer: str = "adafix", **rest: Any) -> Job:
    spec = optimizer_spec(optimizer, {})
    fields = {"seed": 0, "implementation": implementation_of(spec, "foreach"), **rest}
    settings = Settings(batch_size=32, train_examples=50)
    return Job(optimizer=spec, problem=problem_spec(*SMALL[kind], settings), epochs=2, threads=1, **fields)


def run(*jobs: Job) -> list[JobEnded]:
    events: list[Event] = list(train(*jobs, device="cpu", data_dir=NOWHERE))
    return [event for event in events if isinstance(event, JobEnded)]


# All of them


@pytest.mark.parametrize("optimizer", ["adafix", "adafix:fused", "muon", "adabound", "adashift", "sgdm"])
@EVERY
def test_every_kind_of_optimizer_trains_it(kind: str, optimizer: str) -> None:
    """A shape that an optimizer's split, a second gradient or a fused update does not take."""
    name, _, fused = optimizer.partition(":")
    one = job(kind, name, **({"implementation": "fused"} if fused else {}))
    (end,) = run(one)
    assert end.status == "completed", end.reason
    assert end.summary.gradient_evaluations == end.summary.steps * (2 if name == "adafix" else 1)
    assert end.summary.final_test_loss is not None
    assert 0 <= (end.summary.final_test_accuracy or 0) <= 1


@pytest.mark.parametrize("kind", [kind for kind in SMALL if MODELS[SMALL[kind][0].split(":")[0]].stackable])
def test_stacked_seeds_are_single_runs(kind: str) -> None:
    """Numbers that pass from one model of a stack to another; labels of many that are averaged over all."""
    stack = [job(kind, seed=seed, stacked=True) for seed in (0, 1)]
    for one, together in zip(stack, run(*stack), strict=True):
        (alone,) = run(one.model_copy(update={"stacked": False}))
        assert together.summary.final_test_loss == pytest.approx(alone.summary.final_test_loss, rel=1e-4)
        assert together.summary.final_train_loss == pytest.approx(alone.summary.final_train_loss, rel=1e-4)
        assert together.summary.final_test_accuracy == pytest.approx(alone.summary.final_test_accuracy)


@EVERY
def test_a_minibatch_is_the_same_wherever_its_place_is_read(kind: str) -> None:
    """A captured step that meets other examples than an eager one."""
    p = problem(kind)
    p.start_epoch(1)
    here, there = p.minibatch(1), p.minibatch_at(torch.tensor(16), 16)
    assert torch.equal(here.inputs, there.inputs)
    assert torch.equal(here.labels, there.labels)


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        ("vit", "python_text", "vit takes images or features and python_text is text; models for"),
        ("mlp", "python_text", "mlp takes images or features and python_text is text; models for"),
        ("char_gru", "digits", "char_gru takes text and digits is images or features; models for"),
        ("char_gru", "python_text:augment=crop_flip", "augment=crop_flip takes images, not features"),
        ("vit:patch=3", "digits", "vit on digits: patch=3 does not divide an image of 8x8 pixels; name "),
        ("vit:heads=5", "digits", "vit on digits: width=64 is not a multiple of heads=5; name "),
    ],
)
def test_data_of_the_wrong_kind_are_one_clear_line(model: str, data: str, message: str) -> None:
    """An error from deep inside a layer, or a perceptron that takes the codes of letters for brightness."""
    with pytest.raises(BadValueError) as caught:
        supervised.prepare(problem_spec(model, data, Settings()), NOWHERE)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


# Text


def arrays(text: str = TEXT) -> Any:
    spec = problem_spec("char_gru", text, Settings())
    return load_dataset("python_text", data_dir=NOWHERE, options=spec.dataset_options)


def spelled(tokens: Tensor) -> str:
    characters = sorted(set(_text()))
    return "".join(characters[token] for token in tokens.flatten().tolist())


def test_windows_are_the_text_and_labels_its_next_characters() -> None:
    """A window that starts in the wrong place, a label of the same character, or a scrambled vocabulary."""
    data, text = arrays(), _text()
    assert spelled(data.train.inputs) == text[: 50 * 12]
    assert spelled(data.train.labels) == text[1 : 50 * 12 + 1]
    assert spelled(data.test.inputs) == text[-21 * 12 - 1 : -1]
    assert spelled(data.test.labels) == text[-21 * 12 :]
    assert data.classes == len(set(text))


def test_the_largest_division_leaves_nothing_in_both_sets() -> None:
    """A character of the test set that was trained on, at the one size where the two sets touch."""
    length, characters = 100, len(_text())
    windows = (characters - 2) // length
    data = arrays(f"python_text:length={length},train={windows - 7},test=7")
    assert len(data.train) + len(data.test) == windows
    assert (windows - 7) * length + 1 <= characters - (7 * length + 1)
    with pytest.raises(BadValueError, match=rf"^python_text: train={windows} and test=7 windows"):
        arrays(f"python_text:length={length},train={windows},test=7")


def test_a_python_without_the_text_says_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare ImportError where the standard library was trimmed."""
    monkeypatch.setitem(__import__("sys").modules, "pydoc_data.topics", None)
    with pytest.raises(DataError, match=r"^python_text: this Python comes without pydoc_data; install"):
        arrays("python_text:length=11")


def test_parts_of_text_are_whole_windows_and_fixed() -> None:
    """Balance sought among the many labels of a window, or a window in two parts."""
    train = arrays().train
    kept, held = cut(train, 0.2)
    assert (len(kept), len(held), len(subset(train, 30))) == (40, 10, 30)
    seen = sorted(map(tuple, torch.cat([kept.inputs, held.inputs]).tolist()))
    assert seen == sorted(map(tuple, train.inputs.tolist()))
    assert torch.equal(subset(train, 30).inputs, subset(train, 30).inputs)
    for window, labels in zip(subset(train, 30).inputs, subset(train, 30).labels, strict=True):
        place = (train.inputs == window).all(dim=1).nonzero()[0, 0]
        assert torch.equal(labels, train.labels[place])


@pytest.mark.parametrize("kind", OF_TEXT)
def test_loss_and_accuracy_are_those_of_a_token(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum over tokens, windows counted as right only when whole, or unequal parts that weigh alike."""
    monkeypatch.setattr(supervised, "EVALUATION_BATCH", 8)  # 21 windows: 8, 8 and 5
    p, data = problem(kind), arrays()
    with torch.no_grad():
        scores = p.model(data.test.inputs)
    expected = cross_entropy(scores.reshape(-1, data.classes).double(), data.test.labels.reshape(-1))
    right = (scores.argmax(-1) == data.test.labels).double().mean()
    metrics = p.evaluate()
    assert float(metrics["test_loss"]) == pytest.approx(float(expected), rel=1e-5)
    assert float(metrics["test_accuracy"]) == pytest.approx(float(right))

    minibatch = p.minibatch(0)
    loss, correct, examples = p.loss(minibatch)
    hits = (p.model(minibatch.inputs).argmax(-1) == minibatch.labels).double()
    assert examples == 16
    assert float(correct) == pytest.approx(float(hits.sum()) / 12)
    assert loss.ndim == 0


def test_what_images_are_judged_by_stays_to_the_bit() -> None:
    """Sums in another order, because text came in."""
    p = problem("vit")
    minibatch = p.minibatch(0)
    scores = p.model(minibatch.inputs)
    loss, correct, _ = p.loss(minibatch)
    assert torch.equal(loss, cross_entropy(scores, minibatch.labels))
    assert torch.equal(correct, (scores.argmax(-1) == minibatch.labels).sum())
    assert not correct.is_floating_point()


@pytest.mark.parametrize("name", OF_TEXT)
def test_no_token_sees_a_later_one(name: str) -> None:
    """A mask that is off by one: the character to predict is among those that are read."""
    model, tokens = build(name, (10,), 7), torch.randint(7, (3, 10))
    changed = tokens.clone()
    changed[:, 6] = (changed[:, 6] + 1) % 7
    with torch.no_grad():
        before, after = model(tokens), model(changed)
    differs = (before - after).abs().amax(dim=(0, 2)) > 0
    assert differs.tolist() == [False] * 6 + [True] * 4


def test_only_recurrent_networks_with_dropout_draw_numbers() -> None:
    """A network taken for a random one, which is then never captured; or a random one for a fixed one."""
    assert not problem("char_gru").stochastic
    assert not supervised._draws_numbers(nn.MultiheadAttention(4, 2))
    assert supervised._draws_numbers(nn.LSTM(4, 4, num_layers=2, dropout=0.1))
    assert supervised._draws_numbers(nn.MultiheadAttention(4, 2, dropout=0.1))
    assert supervised._draws_numbers(nn.Dropout2d())


# Attention


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_torchs_own(causal: bool) -> None:
    """A wrong scale, heads that are mixed up, or a mask on the wrong side."""
    torch.manual_seed(0)
    ours, theirs = Attention(12, 3, causal=causal), nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.into.weight,
            "in_proj_bias": ours.into.bias,
            "out_proj.weight": ours.out.weight,
            "out_proj.bias": ours.out.bias,
        }
    )
    x = torch.randn(2, 5, 12)
    mask = nn.Transformer.generate_square_subsequent_mask(5) if causal else None
    expected, _ = theirs(x, x, x, attn_mask=mask, need_weights=False)
    torch.testing.assert_close(ours(x), expected)


def test_gradients_of_attention_can_be_differentiated_again() -> None:
    """A fast kernel of attention, which has no second derivative, under optimizers that ask for one."""
    model, x = build("char_transformer", (6,), 5, width=8, heads=2), torch.randint(5, (2, 6))
    loss = cross_entropy(model(x).flatten(0, 1), x.flatten())
    params = list(model.parameters())
    grads = torch.autograd.grad(loss, params, create_graph=True)
    again = torch.autograd.grad(sum(g.square().sum() for g in grads), params)
    assert all(g.isfinite().all() for g in again)
    assert any(g.abs().max() > 0 for g in again)


def test_patches_are_read_row_by_row() -> None:
    """Patches that overlap, or are transposed, so that positions mean other places."""
    torch.manual_seed(0)
    patches, image = Patches(2, 5, 3), torch.randn(1, 2, 6, 9)
    place = torch.zeros(1, 2, 6, 9)
    place[..., 3:6, 6:9] = image[..., 3:6, 6:9]  # the last of two rows of three
    tokens = patches(image)
    assert tokens.shape == (1, 6, 5)
    torch.testing.assert_close(patches(place)[0, 5], tokens[0, 5])
    torch.testing.assert_close(patches(place)[0, :5], patches.project.bias.expand(5, 5))


def test_a_vision_transformer_knows_where_its_patches_are() -> None:
    """Positions that are never added: a shuffled image would be the same image."""
    model, image = build("vit", (1, 8, 8), 3), torch.randn(1, 1, 8, 8)
    with torch.no_grad():
        moved = model(image.roll(4, dims=3))
        assert (model(image) - moved).abs().max() > 1e-6


# Tables and the convex problem


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("breast_cancer", "2f046a8cd8564f79a5cfb6b0d49eebfa4b7e8f5fae79854cb3a3b1886659b2f6"),
        ("wine", "41be68cbfdb3572c6a41a0a1ba7a42015b5041ab48438ec883c0b1d1666c11c5"),
    ],
)
def test_tables_are_the_same_everywhere(name: str, digest: str) -> None:
    """A split or an order that moved with a library's version, or a class missing from a part."""
    data = load_dataset(name, data_dir=NOWHERE, options={})
    assert data.fingerprint() == digest
    shares = [split.labels.bincount() / len(split) for split in (data.train, data.test)]
    torch.testing.assert_close(*shares, rtol=0, atol=0.03)


def test_every_feature_is_standardised_by_itself() -> None:
    """One mean over all features: areas of cells would drown their smoothness."""
    p = problem("tabular", batch_size=455)
    features = p.minibatch(0).inputs.flatten(1)
    torch.testing.assert_close(features.mean(0), torch.zeros(30), rtol=0, atol=1e-4)
    torch.testing.assert_close(features.std(0, correction=0), torch.ones(30), rtol=0, atol=1e-4)


def test_naming_a_table_alone_takes_its_own_model() -> None:
    """Settings of the default model that are lost on the way from the catalogue."""
    spec = problem_spec(None, "breast_cancer", Settings())
    assert (spec.model, spec.model_options) == ("mlp", {"hidden": (128, 128)})


def test_logistic_regression_is_convex_and_starts_at_chance() -> None:
    """A hidden layer or random first weights: the loss along a line would rise above its chord."""
    p = problem("logistic", batch_size=512)
    minibatch = p.minibatch(0)
    params = list(p.model.parameters())
    assert p.loss(minibatch)[0].item() == pytest.approx(math.log(10))
    torch.manual_seed(0)
    ends = [[torch.randn_like(w) for w in params] for _ in range(2)]

    def loss_at(share: float) -> float:
        with torch.no_grad():
            for w, a, b in zip(params, *ends, strict=True):
                w.copy_(a + share * (b - a))
            return float(p.loss(minibatch)[0])

    first, last = loss_at(0), loss_at(1)
    assert all(loss_at(i / 8) <= first + i / 8 * (last - first) + 1e-5 for i in range(9))


# The suite and its targets


def breadth() -> list[str]:
    return [each.label for each in resolve_sweep(Request(suite="breadth")).problems]


def test_every_problem_of_the_suite_has_a_target_and_no_other_has() -> None:
    """A problem added or renamed whose target was forgotten, as labels are what targets go by."""
    assert list(TARGETS) == breadth()
    assert set(BASELINES) < set(read_suites().find("breadth").optimizers)
    for target in TARGETS.values():
        assert 0 < target.value < 1
        assert (target.value * 200) == pytest.approx(round(target.value * 200))
        assert target.column == "test_accuracy"


def results(*labels: str) -> list[Any]:
    return [make_result(problem={"label": label}) for label in labels]


def test_known_targets_go_to_their_problems() -> None:
    """A target given to another problem, or one of one's own that is overruled."""
    first, second, *_ = TARGETS
    question, lacking = with_known(Question(targets={second: 0.5}), results(first, second, "mlp-mine"))
    assert question.targets == {first: TARGETS[first].value, second: 0.5}
    assert lacking == ("mlp-mine",)


def test_a_target_of_all_leaves_no_problem_without() -> None:
    """A complaint about problems that have a target."""
    first = next(iter(TARGETS))
    for asked in (Question(target=0.9), Question(target_of_baseline=True)):
        question, lacking = with_known(asked, results(first, "mlp-mine"))
        assert (dict(question.targets), lacking) == ({first: TARGETS[first].value}, ())


def test_a_target_of_accuracy_is_no_target_of_loss() -> None:
    """A loss that counts as reached because it is below an accuracy; a metric that has no curve."""
    labels = tuple(TARGETS)
    question, lacking = with_known(Question(metric="loss"), results(*labels))
    assert (dict(question.targets), lacking) == ({}, tuple(sorted(labels)))
    with pytest.raises(BadValueError, match=r"^metric memory has no curve that could reach a target$"):
        with_known(Question(metric="memory"), results(*labels))


def test_the_command_names_what_has_no_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A problem that vanishes from the answer without a word; or a JSON document with words in it."""
    folder = store_all(tmp_path, results("mlp-digits", "mlp-mine"))
    words = ["adabench", "compare", str(folder), "--target", "known", "--json"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert ended.value.code == 0
    assert err.strip() == "left out, without a known target: mlp-mine"
    targets = {each["problem"]["label"]: each["target"] for each in json.loads(out)["problems"]}
    assert targets == {"mlp-digits": TARGETS["mlp-digits"].value, "mlp-mine": None}


def test_one_stratum_for_all_where_labels_are_many() -> None:
    """Classes sought in a table of labels."""
    inputs = torch.zeros(4, 3, dtype=torch.int64)
    assert Split(inputs, inputs).strata.tolist() == [0, 0, 0, 0]
    assert Split(inputs, torch.tensor([2, 1, 2, 0])).strata.tolist() == [2, 1, 2, 0]
