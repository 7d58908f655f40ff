"""The report in a real browser: it draws, sorts, filters, slides, prints, and a screen reader can read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.browser import browser, faults, needs_browser, page
from support.builds import LAYERS, make_build

from recipebuild.report.page.built import read
from recipebuild.report.page.compare import comparison
from recipebuild.report.page.written import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = needs_browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build") / "tiny"
    write_report(make_build(folder), folder)
    return folder / "report.html"


@pytest.fixture
def opened(chromium: Browser, report: Path) -> Iterator[Page]:
    with page(chromium, offline=True) as tab:
        tab.goto(report.as_uri())
        yield tab


def column(table: Locator, index: int) -> list[str]:
    cells = table.locator("tbody tr:not([hidden])").all()
    return [row.locator("th, td").nth(index).inner_text() for row in cells]


SCHEMES = pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])


@SCHEMES
def test_axe_finds_nothing_serious(chromium: Browser, report: Path, scheme: Any) -> None:
    with page(chromium, offline=True, color_scheme=scheme) as tab:
        tab.goto(report.as_uri())
        tab.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        assert faults(tab) == []


def test_dark_is_dark(chromium: Browser, report: Path) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        with page(chromium, color_scheme=scheme) as tab:
            tab.goto(report.as_uri())
            color = tab.evaluate("getComputedStyle(document.body).backgroundColor")
            ink = tab.evaluate("getComputedStyle(document.querySelector('svg.chart text')).fill")
            shades[scheme] = [int(re.findall(r"\d+", colour)[0]) for colour in (color, ink)]
    assert shades["light"][0] > 200 > 100 > shades["light"][1]
    assert shades["dark"][0] < 60 < 150 < shades["dark"][1]


def test_charts_are_drawn_in_the_colours_of_the_page(opened: Page) -> None:
    charts = opened.locator("svg.chart")
    assert charts.count() == 3  # accuracy by class, layers, operators
    bars = opened.locator("#accuracy svg.chart [aria-roledescription=bar]")
    assert bars.count() == 6
    widths = [box["width"] for bar in bars.all() if (box := bar.bounding_box())]
    assert widths[0] > widths[-1] > 100
    fills = {bar.evaluate("(it) => getComputedStyle(it).fill") for bar in bars.all()}
    assert len(fills) == 2 and all(fill.startswith("rgb") for fill in fills)


def test_a_mark_says_what_it_is(opened: Page) -> None:
    bar = opened.locator("#accuracy svg.chart [aria-roledescription=bar]").first
    bar.hover()
    assert opened.locator("#tip").inner_text() == "road, float: 90.00 %"
    opened.mouse.move(2, 2)
    assert not opened.locator("#tip").is_visible()


def test_tables_sort_by_value_from_the_keyboard(opened: Page) -> None:
    table = opened.locator("#steps table")
    head = table.locator("thead th", has_text="time")
    head.locator("button").focus()
    opened.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(table, 0)[0] == "export"
    opened.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(table, 0)[-1] == "export"


def test_the_chart_of_layers_follows_sort_and_filter_of_their_table(opened: Page) -> None:
    table, chart = opened.locator("#layers table"), opened.locator("#layers svg.chart")
    marks = chart.locator("[role=graphics-symbol][aria-label*='. /']")
    assert marks.count() == 2 * len(LAYERS) - 1  # one layer loses nothing by itself

    def across(rank: int) -> float:
        box = chart.locator(f"[aria-label^='{rank}. ']").last.bounding_box()
        assert box
        return box["x"]

    assert across(1) < across(2) < across(5)
    table.locator("thead button", has_text="end to end").click()  # the quietest first
    assert column(table, 4) == ["25.0", "22.0", "20.0", "19.5", "16.0"]
    assert across(5) < across(3) < across(4) < across(2) < across(1)
    assert chart.locator(".faded").count() == 0


def test_a_filter_hides_rows_and_says_how_many_are_left(chromium: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    write_report(make_build(folder), folder)
    with page(chromium) as tab:
        tab.goto((folder / "report.html").as_uri())
        tab.locator("#provenance details summary").last.click()
        tab.get_by_label("Filter: Files").fill("panels 1/")
        assert column(tab.locator("#provenance details table").last, 0)[0].startswith("steps/preview/panels/1/")
        assert tab.locator("#provenance .filter output").last.inner_text() == "5 of 15"


def test_the_slider_lays_one_picture_over_the_other(opened: Page) -> None:
    slider, over = opened.locator("[data-slide]"), opened.locator("[data-over]")
    assert over.get_attribute("alt") == "Image 1: quantized"
    slider.focus()
    opened.keyboard.press("Home")
    assert over.evaluate("(it) => getComputedStyle(it).clipPath") in ("inset(0px 0px 0px 0%)", "inset(0px)")
    opened.keyboard.press("End")
    assert over.evaluate("(it) => getComputedStyle(it).clipPath") == "inset(0px 0px 0px 100%)"
    opened.locator("[data-row]").select_option(index=1)
    opened.locator("[data-left]").select_option("difference")
    assert opened.locator("[data-under]").get_attribute("alt") == "Image 2: difference"
    assert opened.locator("[data-under]").evaluate("(it) => it.naturalWidth") == 64


def test_the_image_that_changes_most_comes_first(chromium: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    manifest = make_build(folder)
    panels = folder / "steps/preview/panels"
    (panels / "0/quantized.png").write_bytes((panels / "0/float.png").read_bytes())
    write_report(manifest, folder)
    with page(chromium) as tab:
        tab.goto((folder / "report.html").as_uri())
        assert tab.locator("table.strip tbody th").all_inner_texts() == ["1\n100.0 % changed", "2\n0.0 % changed"]


def test_a_picture_is_enlarged_and_closed_from_the_keyboard(opened: Page) -> None:
    opened.locator("table.strip button").nth(3).focus()
    opened.keyboard.press("Enter")
    large = opened.locator("#zoom img")
    assert large.is_visible() and large.get_attribute("alt") == "Image 1: quantized"
    small = large.bounding_box()
    opened.locator("#zoom [data-size]").click()
    near = large.bounding_box()
    assert small and near and near["width"] > 2 * small["width"]
    assert faults(opened) == []
    opened.keyboard.press("Escape")
    assert not large.is_visible()


def test_files_and_logs_are_linked(opened: Page, report: Path) -> None:
    opened.locator("#provenance details summary").last.click()
    link = opened.locator("#provenance a", has_text="quantized.onnx")
    assert link.evaluate("(it) => it.href") == (report.parent / "quantized.onnx").as_uri()
    assert opened.locator("#steps a").first.get_attribute("href") == "logs/fetch.log"


NARROW: Any = {"width": 420, "height": 800}


def is_cut(opened: Page) -> bool:
    opened.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    return bool(opened.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_on_a_telephone_nothing_is_wider_than_the_page(chromium: Browser, report: Path, tmp_path: Path) -> None:
    make_build(tmp_path / "a_recipe_with_quite_a_long_name", name="a_recipe_with_quite_a_long_name")
    builds = [*read(report.parent), *read(tmp_path / "a_recipe_with_quite_a_long_name")]
    (tmp_path / "comparison.html").write_text(comparison(builds), encoding="utf-8")
    with page(chromium) as tab:
        tab.set_viewport_size(NARROW)
        for file in (report, tmp_path / "comparison.html"):
            tab.goto(file.as_uri())
            assert not is_cut(tab)


def test_on_paper_everything_is_there_and_nothing_to_click(opened: Page) -> None:
    opened.emulate_media(media="print", color_scheme="dark")
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not opened.locator(".contents").is_visible()
    assert not opened.locator("[data-slide]").is_visible()
    assert opened.locator("table.strip img").first.is_visible()
    assert opened.pdf()[:5] == b"%PDF-"


def test_without_scripts_all_is_there(chromium: Browser, report: Path) -> None:
    with page(chromium, java_script_enabled=False) as tab:
        tab.goto(report.as_uri())
        assert tab.locator("svg.chart").count() == 3
        assert tab.locator("table.strip img").count() == 10
        assert not tab.locator("[data-slide]").is_visible()


@SCHEMES
def test_the_comparison_is_as_good_a_page(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    make_build(tmp_path / "one", name="one")
    manifest = make_build(tmp_path / "two", name="two", drop=0.03, method="MSE")
    next(step for step in manifest["steps"] if step["name"] == "compile")["metrics"]["bytes"] = 900_000
    (tmp_path / "two/manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    builds = [built for name in ("one", "two") for built in read(tmp_path / name)]
    (tmp_path / "comparison.html").write_text(comparison(builds), encoding="utf-8")
    with page(chromium, offline=True, color_scheme=scheme) as tab:
        tab.goto((tmp_path / "comparison.html").as_uri())
        assert faults(tab) == []
        assert tab.locator("#figures svg.chart").count() >= 3
        assert "quant.calibration_method" in tab.locator("#config table").inner_text()
        assert "(-2.60 points)" in tab.locator("#classes table").inner_text()
        trades = tab.locator("#trades svg.chart")  # against size; the latency is the same
        assert trades.count() == 1
        assert trades.locator("[aria-label='two: 79.00 %, 900.0 kB']").count() == 1
