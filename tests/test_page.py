"""The page in a real browser: it opens alone, answers first, and obeys nothing that a result holds."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from factories import make_result, make_runs
from payloads import PAYLOADS
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sweeps import curve, sweep

from adabench.compare import compare
from adabench.compare.question import Question
from adabench.report import render
from adabench.report.page import live
from adabench.report.page.data import page_data, script_json
from adabench.report.page.pictures import BUDGET_BYTES
from adabench.report.page.policy import digest, policy
from adabench.report.text import plain
from adabench.results import Result

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium")

WATCH = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (event) => window.broken.push(event.violatedDirective));
"""


class Visit:
    """One opened page and everything about it that must not happen.

    Args:
        context: a browser's context; requests are recorded and only the file itself is let through.
        path: the page.
    """

    def __init__(self, context: BrowserContext, path: Path) -> None:
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._refuse)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.add_init_script(WATCH)
        self.page.goto(path.as_uri())

    def _refuse(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def scroll(self) -> None:
        """Bring every chart near the screen once."""
        for figure in self.page.locator("figure[data-chart]").all():
            figure.scroll_into_view_if_needed()
        for plot in self.page.locator("figure[data-chart] .plot").all():
            plot.locator(".main-svg").first.wait_for(state="attached")

    def calm(self) -> None:
        """Nothing was said, broken or asked for."""
        assert self.said == []
        assert self.page.evaluate("window.broken") == []
        assert [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a page of results, once for each name."""
    folder, known = tmp_path_factory.mktemp("pages"), dict[str, Path]()

    def write(name: str, results: list[Result], *, paper: bool = False, seconds: int | None = None) -> Path:
        if name not in known:
            compared = compare(results, question=Question(target_of_baseline=True))
            text = render(compared, results, "html", paper)
            known[name] = folder / f"{name}.html"
            known[name].write_text(text if seconds is None else live(text, seconds), encoding="utf-8")
        return known[name]

    return write


@pytest.fixture
def usual(written: Callable[..., Path]) -> Path:
    return written("usual", sweep(["one", "two"]))


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens a page without a network; the arguments are a browser context's."""
    contexts: list[BrowserContext] = []

    def open_page(path: Path, **arguments: Any) -> Visit:
        context = browser.new_context(offline=True, **arguments)
        contexts.append(context)
        return Visit(context, path)

    yield open_page
    for context in contexts:
        context.close()


def shown(page: Page, table: str, column: int) -> list[str]:
    cells = page.locator(f"{table} tbody tr:visible > :nth-child({column})")
    return [text.strip() for text in cells.all_inner_texts()]


def test_it_opens_from_the_disk_with_nothing_but_itself(usual: Path, visit: Callable[..., Visit]) -> None:
    """A page that is empty on a train, or that tells somebody that it was opened."""
    seen = visit(usual)
    seen.scroll()
    seen.calm()
    assert seen.asked == [usual.as_uri()]


def test_the_first_screen_answers_which_one_and_how_sure(usual: Path, visit: Callable[..., Visit]) -> None:
    """A reader who must scroll through tables to learn what to use."""
    page = visit(usual, viewport={"width": 1280, "height": 800}).page
    card = page.locator(".card").nth(1)
    box = card.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 800
    assert "Over all 2 problems" in page.locator(".card").first.inner_text()
    words = card.inner_text()
    assert "one" in words
    assert "adafix" in words
    assert "% final test accuracy" in words
    assert "3 seeds" in words
    assert "muon" in words


def test_a_click_or_a_key_on_a_columns_name_sorts_by_numbers(
    usual: Path, visit: Callable[..., Visit]
) -> None:
    """98.5 sorted below 9.1, or missing numbers on top."""
    page = visit(usual).page
    table = "#part-1 table.sortable >> nth=0"
    header = page.locator(table).locator("thead th", has_text="seconds")
    header.locator("button").click()
    column = page.locator(table).locator("thead th").all_inner_texts().index("seconds") + 1
    cells = page.locator(table).locator(f"tbody tr > :nth-child({column})").all_inner_texts()
    assert [cell.strip() for cell in cells] == ["16.0", "8.0", "8.0", "10.0"] or cells[0].strip() == "16.0"
    assert header.get_attribute("aria-sort") == "descending"
    header.locator("button").press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    assert page.locator(table).locator(f"tbody tr > :nth-child({column})").first.inner_text() == "8.0"


def test_words_filter_rows_and_runs(usual: Path, visit: Callable[..., Visit]) -> None:
    page = visit(usual).page
    page.locator("#part-1 .tools input").first.fill("sgd")
    rows = page.locator("#part-1 table.sortable >> nth=0").locator("tbody tr:visible")
    assert [row.inner_text().split("\t")[0] for row in rows.all()] == ["sgdm"]
    page.get_by_label("Filter runs").fill("two adafix")
    assert shown(page, "#runs-table", 2) == ["adafix"] * 3
    page.get_by_label("Filter runs").fill("")
    page.get_by_label("Status").select_option("diverged")
    assert shown(page, "#runs-table", 2) == ["muon", "muon"]
    assert "loss is not finite at step 301" in page.locator("#runs-table").inner_text()


def test_a_box_hides_an_optimizer_in_every_chart_of_its_section(
    usual: Path, visit: Callable[..., Visit]
) -> None:
    """A crowded figure in which one line cannot be seen alone."""
    seen = visit(usual)
    seen.scroll()
    count = "() => document.querySelectorAll('#part-1 .plot .trace').length"
    before = seen.page.evaluate(count)
    seen.page.locator("#part-1 .legend").get_by_label("adafix").uncheck()
    after = seen.page.evaluate(count)
    assert after < before
    seen.page.locator("#part-1 .legend").get_by_label("adafix").check()
    assert seen.page.evaluate(count) == before
    seen.calm()


def test_a_chart_changes_its_axis_with_the_mouse_and_the_keyboard(
    usual: Path, visit: Callable[..., Visit]
) -> None:
    """AdaFix at equal steps alone, where it looks as cheap as the others."""
    seen = visit(usual)
    seen.scroll()
    chart = seen.page.locator("#part-1 figure", has_text="Learning curves").first
    chart.evaluate("figure => figure.scrollIntoView({ block: 'center', behavior: 'instant' })")
    title = chart.locator(".xtitle")
    assert title.text_content() == "steps"
    chart.get_by_role("radio", name="gradient evaluations").check()
    assert title.text_content() == "gradient evaluations"
    chart.get_by_role("radio", name="gradient evaluations").press("ArrowRight")
    assert title.text_content() == "seconds"
    chart.get_by_role("radio", name="training loss").check()
    assert chart.locator(".ytitle").text_content() == "training loss"
    seen.calm()


def test_nothing_of_a_chart_reaches_over_what_follows_it(
    written: Callable[..., Path], visit: Callable[..., Visit]
) -> None:
    """A chart of many optimizers that lies over the table below it and takes its clicks."""
    results = [result for i in range(30) for result in make_runs(f"optimizer{i}", [0.9, 0.91])]
    seen = visit(written("tall", results))
    seen.scroll()
    for plot in seen.page.locator(".plot").all():
        outer, inner = plot.bounding_box(), plot.locator(".main-svg").first.bounding_box()
        assert outer is not None
        assert inner is not None
        assert inner["height"] <= outer["height"] + 1


def test_hovering_names_the_optimizer_and_its_numbers(usual: Path, visit: Callable[..., Visit]) -> None:
    seen = visit(usual)
    seen.scroll()
    plot = seen.page.locator("#part-1 figure", has_text="Accuracy against cost").first.locator(".plot")
    plot.scroll_into_view_if_needed()
    point = plot.locator(".points path").first.bounding_box()
    assert point is not None
    seen.page.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    seen.page.wait_for_selector(".hoverlayer .hovertext")
    words = plot.locator(".hoverlayer").text_content() or ""
    assert re.search(r"adam|adafix|sgdm", words)
    assert "final test accuracy" in words


def test_a_run_opens_in_full_by_its_address_and_closes_by_a_key(
    usual: Path, visit: Callable[..., Visit]
) -> None:
    """A number that nobody can trace to the job and the machine that made it."""
    seen = visit(usual)
    seen.page.locator("#runs-table a").first.click()
    dialog = seen.page.locator("#details")
    assert dialog.is_visible()
    words = dialog.inner_text()
    for fact in ("hyperparameters lr", "0.001", "Test CPU", "2.14.1", "2026-01-01T00:00:00Z", "batch_size"):
        assert fact in words
    address = seen.page.url
    assert "#run-" in address
    seen.page.keyboard.press("Escape")
    assert not dialog.is_visible()
    seen.page.goto(address)
    assert dialog.is_visible()
    seen.calm()


def test_a_job_that_ran_twice_has_two_addresses(
    written: Callable[..., Path], visit: Callable[..., Visit]
) -> None:
    """A link that opens another run than the one it stands beside."""
    twice = [make_result(environment={"ended": f"2026-01-0{day}T00:00:00Z"}) for day in (1, 2)]
    seen = visit(written("twice", twice))
    for place, day in enumerate((1, 2)):
        seen.page.locator("#runs-table a").nth(place).click()
        assert f"2026-01-0{day}T00:00:00Z" in seen.page.locator("#details").inner_text()
        seen.page.keyboard.press("Escape")


def test_no_button_of_a_chart_leads_elsewhere(usual: Path, visit: Callable[..., Visit]) -> None:
    """plotly's own offer to upload a chart to its makers."""
    seen = visit(usual)
    seen.scroll()
    titles = {b.get_attribute("data-title") for b in seen.page.locator(".modebar-btn").all()}
    assert titles == {"Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"}


def test_without_javascript_tables_answer_and_figures_are_there(
    usual: Path, visit: Callable[..., Visit]
) -> None:
    """A page that is blank in a mail reader or under a strict policy."""
    page = visit(usual, java_script_enabled=False).page
    assert "adafix" in page.locator(".card").first.inner_text()
    assert page.locator("#part-1 table tbody tr").count() > 4
    assert page.locator("#runs-table tbody tr").count() == 20
    pictures = page.locator(".picture svg")
    assert pictures.count() == page.locator("figure").count()
    box = pictures.first.bounding_box()
    assert box is not None
    assert box["width"] > 600
    assert page.locator(".plot:visible").count() == 0


@pytest.mark.parametrize("width", [320, 390, 768])
def test_on_a_phone_nothing_is_wider_than_the_screen(
    usual: Path, visit: Callable[..., Visit], width: int
) -> None:
    """Text that runs off the side: only tables may scroll, within themselves."""
    seen = visit(usual, viewport={"width": width, "height": 800}, is_mobile=True, has_touch=True)
    seen.scroll()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    seen.calm()


def test_in_the_dark_text_and_charts_follow(usual: Path, visit: Callable[..., Visit]) -> None:
    """Black letters on a black ground."""
    seen = visit(usual, color_scheme="dark")
    seen.scroll()

    def light(colour: str) -> float:
        return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3

    ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    letters = seen.page.evaluate("getComputedStyle(document.body).color")
    axis = seen.page.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill")
    assert light(ground) < 60
    assert min(light(letters), light(axis)) > 180


def test_the_keyboard_reaches_every_control(usual: Path, visit: Callable[..., Visit]) -> None:
    """A control that only a mouse can use."""
    page = visit(usual).page
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("(e => e.tagName + (e.type ? ':' + e.type : ''))(document.activeElement)"))
    assert {
        "A",
        "BUTTON:button",
        "INPUT:search",
        "INPUT:checkbox",
        "INPUT:radio",
        "DIV",
        "SUMMARY",
    } <= reached


def payload_runs() -> list[Result]:
    """Every payload as an optimizer that completed, and as the reason of one that failed."""
    results = make_runs("adam", [0.97, 0.98])
    for place, payload in enumerate(PAYLOADS):
        named = make_result(optimizer=f"o{place}", label=payload, accuracy=0.9 + place / 1000)
        results.append(named.model_copy(update={"curve": curve(0.9)}))
        results.append(make_result(optimizer=f"f{place}", status="failed", reason=payload, accuracy=None))
    return results


def payload_problems() -> list[Result]:
    """Every payload as a problem, its model, data set and settings, and as the machine and command."""
    lost = {"seconds": None, "steps": 0, "gradient_evaluations": 0}
    return [
        make_result(
            optimizer=optimizer,
            accuracy=0.9,
            summary=lost,
            problem={
                "label": payload,
                "model": payload,
                "dataset": payload,
                "augment": payload,
                "model_options": {payload: payload},
            },
            environment={"device": payload, "platform": payload, "command": [payload]},
        )
        for payload in PAYLOADS
        for optimizer in ("adam", "sgdm")
    ]


@pytest.mark.parametrize("make", [payload_runs, payload_problems])
def test_payloads_are_text_in_tables_charts_and_details(
    make: Callable[[], list[Result]], written: Callable[..., Path], visit: Callable[..., Visit]
) -> None:
    """A name in somebody's result file that runs in the browser of whoever reads the report."""
    seen = visit(written(make.__name__, make()))
    seen.scroll()
    page = seen.page
    everything = page.locator("main").text_content() or ""
    for payload in PAYLOADS:
        assert plain(payload) in everything
    for tag in ("iframe", "link", "object", "h1 ~ h1", "main img", "main a[href^='javascript']", "[onload]"):
        assert page.locator(tag).count() == 0, tag
    assert page.locator("script").count() == 3
    for place in (0, 3, 6, 20):
        page.get_by_label("Filter runs").fill("")
        page.locator("#runs-table a").nth(place).click()
        page.keyboard.press("Escape")
    page.locator(".legend").first.locator("input").first.uncheck() if make is payload_runs else None
    seen.calm()


def test_payloads_are_text_without_javascript(
    written: Callable[..., Path], visit: Callable[..., Visit]
) -> None:
    """Markup in a static figure's legend that closes its place and goes on as the page's own."""
    page = visit(written("payload_runs", payload_runs()), java_script_enabled=False).page
    assert page.locator("h1").count() == 1
    assert page.locator("main img, main iframe, main script, link").count() == 0
    assert "<img src=x onerror=alert(1)>" in (page.locator(".picture svg").first.text_content() or "")


def test_a_script_that_the_page_did_not_come_with_does_not_run(
    usual: Path, visit: Callable[..., Visit], tmp_path: Path
) -> None:
    """A policy that would let through what autoescape once missed."""
    hurt = tmp_path / "hurt.html"
    evil = "<script>window.evil = 1</script><img src=x onerror='window.evil = 2'><main>"
    hurt.write_text(usual.read_text(encoding="utf-8").replace("<main>", evil, 1), encoding="utf-8")
    seen = visit(hurt)
    assert seen.page.evaluate("window.evil") is None
    assert "script-src-elem" in seen.page.evaluate("window.broken")


def test_the_policy_allows_nothing_from_elsewhere() -> None:
    words = policy(["a()"], ["b {}"]).split("; ")
    assert words[0] == "default-src 'none'"
    assert f"script-src {digest('a()')}" in words
    assert f"style-src-elem {digest('b {}')}" in words
    assert not re.search(r"unsafe-eval|https?:|\*", "; ".join(words))
    assert [word for word in words if "unsafe-inline" in word] == ["style-src-attr 'unsafe-inline'"]


def test_a_live_page_loads_itself_again_and_a_finished_one_does_not(
    usual: Path, written: Callable[..., Path], visit: Callable[..., Visit]
) -> None:
    """A page that stands still beside a running sweep, or one in an archive that never rests."""
    seen = visit(written("live", sweep(), seconds=1))
    with seen.page.expect_navigation():
        pass
    seen.calm()
    text = written("live", sweep()).read_text(encoding="utf-8")
    assert '<noscript><meta http-equiv="refresh" content="1"></noscript>' in text
    assert 'http-equiv="refresh"' not in usual.read_text(encoding="utf-8")


def test_the_papers_tables_stand_on_the_page_when_asked_for(
    written: Callable[..., Path], visit: Callable[..., Visit]
) -> None:
    results = make_runs("adam", [0.98, 0.97, 0.98], epochs=300)
    seen = visit(written("paper", results, paper=True))
    words = seen.page.locator("#paper").inner_text()
    assert "98.70 ± 0.03" in words
    assert "verdict" in words
    seen.calm()


def test_nothing_in_the_data_can_end_their_script_element() -> None:
    for payload in PAYLOADS:
        text = script_json({"name": payload})
        assert not set("<>&") & set(text)
        assert json.loads(text) == {"name": payload}


def test_equal_columns_and_jobs_are_kept_once() -> None:
    """A page that grows with every seed by what all seeds share."""
    found = page_data([], sweep(seeds=3))
    assert len(found["runs"]["columns"]["key"]) == 10
    assert len(found["runs"]["jobs"]) == 4
    assert len(found["runs"]["places"]) == 1


def ten_thousand() -> list[Result]:
    """Ten optimizers on ten problems with a hundred seeds; the seeds of one share their curve."""
    names = ("adam", "adafix", "amsgrad", "adabound", "sgdm", "adamw", "nadam", "radam", "rmsprop", "muon")
    results = []
    for problem in range(10):
        for place, name in enumerate(names):
            for seed in range(100):
                accuracy = 0.9 + 0.003 * place + 0.0001 * (seed * 37 % 101)
                where = {"label": f"mlp-set{problem}", "train_examples": 1000 + problem}
                made = make_result(optimizer=name, seed=seed, accuracy=accuracy, problem=where, epochs=100)
                results.append(made.model_copy(update={"curve": curve(accuracy, epochs=100)}))
    return results


def test_ten_thousand_runs_stay_under_ten_megabytes_and_are_listed_in_pages(
    written: Callable[..., Path], visit: Callable[..., Visit]
) -> None:
    """A big sweep's page that no browser opens, or that lists only some of its runs."""
    path = written("many", ten_thousand())
    assert path.stat().st_size < 10_000_000
    seen = visit(path)
    page = seen.page
    assert page.locator("#runs .count").inner_text() == "1 to 100 of 10,000"
    page.get_by_role("button", name="Next").press("Enter")  # charts that are still coming move it about
    assert page.locator("#runs .count").inner_text() == "101 to 200 of 10,000"
    page.get_by_label("Filter runs").fill("mlp-set7 muon")
    assert page.locator("#runs .count").inner_text() == "1 to 100 of 100"
    assert shown(page, "#runs-table", 3)[42] == "42"
    seen.calm()


def test_a_papers_suite_stays_under_six_megabytes(written: Callable[..., Path]) -> None:
    path = written("suite", sweep([f"problem{i}" for i in range(6)], seeds=5))
    assert path.stat().st_size < 6_000_000
    assert BUDGET_BYTES < 1_000_000
