"""The report in Chromium: what a person does with it, and what every page must be free of.

Screenshots are kept in build/screenshots.
"""

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

import pipeline
from automata import apply_word, reset_thresholds
from automata.families import FAMILIES
from automata.text.formats import (
    format_delta,
    format_dot,
    format_gap,
    format_synchrowords,
    parse_delta,
)
from search.archive.series import find_series
from search.report.atlas import render_atlas
from search.report.content import Content, known_automata
from search.report.job import report_run
from search.report.page import render
from search.report.series import render_series
from tests.search.hostile import HOSTILE, hostile_content
from tests.search.partials import partial_content

pytestmark = pytest.mark.browser

SCREENSHOTS = Path(__file__).parents[1] / "build" / "screenshots"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no Chromium on the path (Debian: apt-get install chromium)"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


def series_page() -> str:
    """Two series: Černý's, and one of three letters."""
    automata = [f.delta(5) for f in FAMILIES if f.name in ("C", "T3")]
    rows = pd.concat([known_automata(own[None], reset_thresholds([own])) for own in automata])
    numbers = dict.fromkeys(["n", "k", "reset_threshold"], np.int64)
    return render_series(find_series(rows.astype(numbers)).series, proved=False)


@pytest.fixture(scope="module")
def pages(run_folders: Path, tmp_path_factory) -> Path:
    """Pages of some runs, one of large automata, one that is hostile, one that is empty."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("search", "evolve", "discover", "compare", "model"):
        report_run(run_folders / name, folder / f"{name}.html", 60)
    families = [f.delta(20) for f in FAMILIES if f.k == 2 and f.exists(20)]
    thresholds = [f.reset_threshold(20) for f in FAMILIES if f.k == 2 and f.exists(20)]
    large = known_automata(np.stack(families), np.array(thresholds))
    (folder / "large.html").write_text(render(Content("Large", "n = 20", large)))
    letters = np.random.default_rng(0).integers(0, 8, (1, 6, 8)).astype(np.uint8)
    six = known_automata(letters, reset_thresholds(letters))
    (folder / "letters.html").write_text(render(Content("Letters", "k = 6", six)))
    sizes = "--rows 500 --latent 3 --steps 50 --automata 200 --epochs 1".split()
    pipeline.cli.main(["lecture", "--out", str(folder / "lecture"), *sizes], standalone_mode=False)
    shutil.copy(folder / "lecture" / "lecture.html", folder)
    small = "--start-budget 300 --budget 60 --first-look 40 --first-steps 3 --steps 2 --latent 4"
    leaps = f"discover --arms vae --from 3 --start-to 4 --to 6 {small} --workers 1 --out"
    pipeline.cli.main([*leaps.split(), str(folder / "leaps")], standalone_mode=False)
    report_run(folder / "leaps", folder / "leaps.html", 60)
    (folder / "hostile.html").write_text(render(hostile_content()))
    (folder / "partial.html").write_text(render(partial_content()))
    (folder / "atlas.html").write_text(render_atlas())
    (folder / "series.html").write_text(series_page())
    (folder / "empty.html").write_text(render(Content("Empty", "Nothing.", large[:0])))
    return folder


@pytest.fixture
def visit(browser: Browser, pages: Path) -> Iterator[Callable[..., Page]]:
    """Open a page; at the end see that no script failed and nothing was asked for."""
    problems: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)

    def asked(url: str) -> None:
        if not url.startswith(("file:", "blob:", "data:")):
            problems.append(f"asked for {url}")

    def visited(name: str, **media: str) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"error {error}"))
        page.on("console", lambda message: problems.append(f"console {message.text}"))
        page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: asked(request.url))
        page.emulate_media(**media)
        page.goto(f"file://{pages / name}")
        return page

    yield visited
    context.close()
    assert problems == []


def keep(page: Page, name: str, **options: bool) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", **options)


def column(page: Page, name: str) -> list[str]:
    """The cells of a column, in the rows that are shown."""
    names = page.locator("#table thead th").all_inner_texts()
    cells = page.locator(f"#table tbody tr:visible td:nth-of-type({names.index(name)})")
    return [text.strip() for text in cells.all_inner_texts()]


def occupied(page: Page) -> int:
    return page.locator("#drawing .state.on").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name",
    [
        "search",
        "evolve",
        "discover",
        "compare",
        "model",
        "partial",
        "empty",
        "lecture",
        "atlas",
        "series",
    ],
)
def test_every_page_is_accessible(visit, name: str, scheme: str) -> None:
    page = visit(f"{name}.html", color_scheme=scheme)
    keep(page, f"{name}-{scheme}", full_page=True)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    if name in ("search", "discover", "partial"):
        page.locator(".open").first.click()
        page.keyboard.press("ArrowRight")
        keep(page, f"{name}-{scheme}-automaton")
        results = Axe().run(page, context="#automaton")
        assert results.violations_count == 0, results.generate_report()


def test_sorting(visit) -> None:
    page = visit("search.html")
    before = column(page, "rank")
    page.locator(".sort", has_text="reset_threshold").click()  # the slowest first
    falling = column(page, "reset_threshold")
    assert falling == sorted(falling, key=int, reverse=True)
    for name, key in [("reset_threshold", int), ("word", str), ("gap", int)]:
        page.locator(".sort", has_text=name).click()
        rising = column(page, name)
        assert rising == sorted(rising, key=key)
        page.locator(".sort", has_text=name).click()
        assert column(page, name) == sorted(rising, key=key, reverse=True)
        head = page.locator("#table thead th", has_text=name)
        expect(head).to_have_attribute("aria-sort", "descending")
        expect(page.locator("#table [aria-sort=descending]")).to_have_count(1)
    page.locator(".sort", has_text="rank").click()
    assert column(page, "rank") == before


def test_filtering_and_download(visit, run_folders: Path) -> None:
    page = visit("discover.html")
    names = [text.strip() for text in page.locator("#table thead th").all_inner_texts()][1:]
    rows = column(page, "rank")
    page.locator("#filters label", has_text="n any").locator("select").select_option("=4")
    assert {*column(page, "n")} == {"4"}
    page.locator("#gap").fill("3")
    assert {*map(int, column(page, "gap"))} <= {0, 1, 2, 3}
    page.locator("#search").fill("C  evolve")
    shown = column(page, "rank")
    assert 0 < len(shown) < len(rows)
    expect(page.locator("#shown")).to_have_text(f"{len(shown)} of {len(rows)} automata")
    with page.expect_download() as download:
        page.locator("#download").click()
    assert download.value.suggested_filename == "automata.csv"
    head, *lines = csv.reader(io.StringIO(Path(download.value.path()).read_text()))
    assert head == names
    assert [line[names.index("rank")] for line in lines] == shown
    with (run_folders / "discover" / "candidates.csv").open() as file:
        known = {row["canonical"]: row for row in csv.DictReader(file)}
    for line in lines:
        row = dict(zip(names, line, strict=True))
        same = ("n", "k", "reset_threshold", "gap", "word", "delta", "family", "mode")
        assert all(row[name] == known[row["canonical"]][name] for name in same)
    page.locator("#filters [type=reset]").click()
    expect(page.locator("#shown")).to_have_text(f"{len(rows)} of {len(rows)} automata")
    assert column(page, "rank") == rows
    delta = column(page, "delta")[2]
    page.locator("#search").fill(delta)  # one automaton, as it stands
    assert column(page, "delta") == [delta]
    page.locator("#search").fill("no such thing")
    expect(page.locator("#shown")).to_have_text(f"0 of {len(rows)} automata")


def test_the_whole_table_is_downloaded_as_it_was(visit, run_folders: Path) -> None:
    page = visit("search.html")
    with page.expect_download() as download:
        page.locator("#download").click()
    lines = Path(download.value.path()).read_text().splitlines()
    candidates = (run_folders / "search" / "candidates.csv").read_text().splitlines()
    assert lines == candidates[: len(lines)] and len(lines) == 61


def test_a_cerny_automaton_is_reset_letter_by_letter(visit) -> None:
    page = visit("evolve.html")
    page.locator(".open").first.click()
    expect(page.locator("#name")).to_have_text("Automaton 1: threshold 9, C")
    assert occupied(page) == 4
    for letter in range(1, 10):
        assert occupied(page) > 1
        page.keyboard.press("ArrowRight")
        expect(page.locator("#progress")).to_contain_text(f"Letter {letter} of 9")
    assert occupied(page) == 1
    expect(page.locator("#progress")).to_contain_text("1 state is occupied")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#progress")).to_contain_text("Letter 9 of 9")
    page.keyboard.press("ArrowLeft")
    assert occupied(page) == 2
    page.keyboard.press("Home")
    assert occupied(page) == 4
    expect(page.locator("#progress")).to_have_attribute("aria-live", "polite")


def test_twenty_states_play_to_the_end(visit) -> None:
    page = visit("large.html")
    page.locator(".open").first.click()
    keep(page, "large-circle")
    expect(page.locator("#drawing .arrow")).to_have_count(40)
    page.keyboard.press("End")
    expect(page.locator("#progress")).to_contain_text("Letter 361 of 361")
    assert occupied(page) == 1
    page.keyboard.press("ArrowLeft")
    assert occupied(page) == 2
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("+")
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_text("Pause")
    expect(page.locator("#progress")).to_contain_text("Letter 361 of 361", timeout=60_000)
    expect(page.locator("#play")).to_have_text("Play")
    assert occupied(page) == 1
    # and to a place in the chart
    box = page.locator("#course").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    assert 1 < occupied(page) < 20
    page.locator("[value=neato]").check()
    expect(page.locator("#drawing .arrow")).to_have_count(40)
    keep(page, "large-neato")
    for row in range(2, 8):
        page.keyboard.press("n")
        expect(page.locator("#name")).to_contain_text(f"Automaton {row}:")
        keep(page, f"large-neato-{row}")


def barred(page: Page) -> list[str]:
    """The letters that cannot be read on the states that are occupied."""
    return page.locator("#tries [aria-disabled=true]").all_inner_texts()


def test_undefined_letters_cannot_be_read(visit) -> None:
    page = visit("partial.html")
    rows = partial_content().rows
    for number in range(3):
        page.locator(".open").nth(number).click()
        expect(page.locator("#work")).to_have_text("The careful word at work")
        text, word = rows["delta"][number], rows["word"][number]
        letters = "abc"[: text.count("|") + 1]
        for layout in ("neato", "circle"):
            page.locator(f"[value={layout}]").check()
            expect(page.locator("#drawing .stub")).to_have_count(text.count("-"))
            entries = len(text.replace("|", " ").split())
            expect(page.locator("#drawing .arrow")).to_have_count(entries - text.count("-"))
        for place in range(len(word) + 1):
            states = {*apply_word(text, word[:place])}
            undefined = [a for a in letters if None in apply_word(text, a, states)]
            assert barred(page) == undefined
            said = page.locator("#progress").inner_text()
            assert ("Undefined:" in said) == bool(undefined)
            for letter in undefined:
                lost = [q for q in sorted(states) if None in apply_word(text, letter, [q])]
                assert f"{letter} on {', '.join(map(str, lost))}" in said
                page.locator("#tries button", has_text=letter).click(force=True)
                assert page.locator("#progress").inner_text() == said
            page.keyboard.press("ArrowRight")
        assert occupied(page) == 1
        page.keyboard.press("Escape")


def test_letters_of_ones_own(visit) -> None:
    for name, word in (("partial", "bbbabbabbb"), ("evolve", "abbbabbba")):
        page = visit(f"{name}.html")
        page.locator(".open").first.click()
        word = page.locator("#word").inner_text()
        own = "b" if name == "partial" else word[0]
        for place in range(1, 4):
            page.locator("#tries button", has_text=own).click()
            length = len(word) if word.startswith(place * own) else place
            expect(page.locator("#progress")).to_contain_text(f"Letter {place} of {length}: {own}")
            expect(page.locator("#again")).to_be_visible(visible=length == place)
        other = "b" if word[3] == "a" and name == "partial" else word[0]
        page.locator("#tries button", has_text=other).click()
        expect(page.locator("#progress")).to_contain_text(f"Letter 4 of 4: {other}")
        expect(page.locator("#word")).to_have_text(3 * own + other)
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#progress")).to_contain_text("Letter 3 of 4")
        page.locator("#again").click()
        expect(page.locator("#word")).to_have_text(word)
        expect(page.locator("#progress")).to_contain_text(f"Start, {len(word)} letters")
        expect(page.locator("#again")).not_to_be_visible()
        page.keyboard.press("End")
        assert occupied(page) == 1
        assert name == "partial" or barred(page) == []


def test_what_a_page_says_of_partial_automata(visit) -> None:
    page = visit("partial.html")
    keep(page, "partial")
    for delta in partial_content().rows["delta"]:
        page.locator("#search").fill(delta)  # one automaton, as it stands
        assert column(page, "delta") == [delta]
    page.locator("#filters [type=reset]").click()
    page.locator(".open").first.click()
    keep(page, "partial-automaton")
    expect(page.locator("#about")).to_contain_text("careful threshold")
    expect(page.locator("#about")).not_to_contain_text("Černý bound")
    expect(page.locator("#letters")).to_contain_text("undefined")
    table = page.locator("#transitions tbody tr").all_inner_texts()
    assert [row.split()[1:] for row in table] == [[*"123––"], [*"11240"]]
    assert page.locator("#texts b").all_inner_texts() == ["ours", "word", "DOT"]
    dot = page.locator("#texts pre").last.text_content() or ""
    assert dot.count("->") == 7 and '3 -> 4 [label="b"]' in dot
    ground = page.locator("#drawing").evaluate("e => getComputedStyle(e).backgroundColor")
    for mark in (".stub", ".bar"):
        line = page.locator(f"#drawing {mark}").first
        assert contrast(line.evaluate("e => getComputedStyle(e).stroke"), ground) >= 3
    for number, told in ((3, "This is not careful: baa"), (4, "It has no careful word.")):
        page.keyboard.press("Escape")
        page.locator(".open").nth(number).click()
        expect(page.locator("#unreplayed")).to_have_text(told)
        expect(page.locator("#player")).not_to_be_visible()


def test_by_keyboard_alone(visit) -> None:
    page = visit("search.html")
    page.locator("#download").focus()
    while page.evaluate("document.activeElement.className") != "open":
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_contain_text("Automaton 2:")
    page.keyboard.press("n")
    expect(page.locator("#name")).to_contain_text("Automaton 3:")
    assert page.url.endswith("#automaton-3")
    page.keyboard.press("Escape")
    expect(page.locator("#automaton")).not_to_be_visible()
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "Open automaton 3"
    page.keyboard.press("Control+a")  # selected text is no obstacle
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+P")
    expect(page.locator("#name")).to_contain_text("Automaton 2:")
    page.keyboard.press("Escape")
    page.locator("#plane").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#named")).to_contain_text("automaton 2: threshold")
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_contain_text("Automaton 2:")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "plane"
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#named")).to_contain_text("training automaton: threshold")
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_contain_text("Training automaton:")


@pytest.mark.parametrize("name", ["search", "leaps"])
def test_the_latent_map(visit, name: str) -> None:
    page = visit(f"{name}.html")
    expect(page.locator("#map")).to_contain_text("% of the")
    assert page.locator("#plane .paths circle").count() > 0
    keep(page.locator("#map"), f"{name}-map")
    on_top = """(point) => {
        const box = point.getBoundingClientRect();
        return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === point;
    }"""
    page.locator("#plane").scroll_into_view_if_needed()
    for kind, title in [(".candidate", "Automaton "), ("circle.point", "Training automaton")]:
        points = page.locator(f"#plane {kind}").all()
        point = next(point for point in points if point.evaluate(on_top))
        point.hover()
        expect(page.locator("#named")).to_contain_text(f"{title.lower()}")
        point.click()
        expect(page.locator("#name")).to_contain_text(title)
        page.keyboard.press("End")
        assert occupied(page) == 1
        page.keyboard.press("Escape")


def test_the_best_and_the_cells_of_a_strip_open(visit) -> None:
    page = visit("search.html")
    expect(page.locator(".found")).to_contain_text("has a reset threshold of")
    expect(page.locator(".best .cell")).to_have_count(5)
    second = page.locator(".best .cell").nth(1)
    number = int(second.get_attribute("data-number") or "")
    second.click()
    expect(page.locator("#name")).to_contain_text(f"Automaton {number + 1}:")
    page.keyboard.press("Escape")
    for cell in page.locator(".strip .cell").all()[::7]:
        threshold = cell.locator("span").inner_text().split(",")[0]
        cell.click()
        resets = threshold != "no reset word"
        shown = f"threshold {threshold}" if resets else threshold
        expect(page.locator("#name")).to_contain_text(shown)
        expect(page.locator("#player")).to_be_visible(visible=resets)
        page.keyboard.press("Escape")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("Open the automaton: ")


def test_colours_and_thumbnail_of_the_map(visit) -> None:
    page = visit("search.html")
    fill = "element => getComputedStyle(element).fill"
    first = page.locator("#plane .candidate").last
    before = first.evaluate(fill)
    options = page.locator("#coloring option").all_inner_texts()
    assert options[:3] == ["threshold", "family", "found by"]
    assert options[3:] and all(text.startswith("class ") for text in options[3:])
    for option in options[1:]:
        page.locator("#coloring").select_option(label=option)
        counts = re.findall(r"\((\d+)\)", page.locator("#groups").inner_text())
        assert counts and sum(map(int, counts)) <= page.locator("#plane .point").count()
        expect(page.locator("#ramp")).not_to_be_visible()
    page.locator("#coloring").select_option("found")
    expect(page.locator("#groups")).to_contain_text("training set (")
    assert first.evaluate(fill) != before
    page.locator("#coloring").select_option("threshold")
    assert first.evaluate(fill) == before
    page.locator("#plane").focus()
    expect(page.locator("#thumb")).not_to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#thumb")).to_be_visible()
    expect(page.locator("#thumb .state")).to_have_count(int(column(page, "n")[0]))
    keep(page.locator("#map"), "search-thumbnail")
    page.keyboard.press("Escape")
    expect(page.locator("#thumb")).not_to_be_visible()


def test_charts_follow_the_theme(visit) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page = visit("search.html", color_scheme=scheme)
        chart = page.locator(".chart > svg").first
        ink = chart.evaluate("element => getComputedStyle(element).fill")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert contrast(ink, ground) > 10
        grounds.append(ground)
        paths = page.locator(".chart path").evaluate_all("all => all.map((e) => e.style.fill)")
        assert "var(--ground)" in paths and "rgb(255, 255, 255)" not in paths
        figure = page.locator("figure:has(.chart)").first.bounding_box()
        assert chart.bounding_box()["width"] == pytest.approx(figure["width"], abs=2)
    assert grounds[0] != grounds[1]


def test_on_a_phone(visit) -> None:
    for name in ("search", "discover", "large", "partial", "empty", "atlas", "series"):
        page = visit(f"{name}.html")
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        keep(page, f"{name}-phone", full_page=True)
        frame = page.locator(".best").first
        if frame.count():  # it says that it scrolls, until its end
            expect(frame).to_have_class(re.compile(r"\bmore\b"))
            frame.evaluate("element => { element.scrollLeft = element.scrollWidth; }")
            expect(frame).not_to_have_class(re.compile(r"\bmore\b"))
        if page.locator(".open").count():
            page.locator(".open").first.click()
            dialog = page.locator("#automaton")
            assert dialog.evaluate("element => element.scrollWidth <= element.clientWidth")
            keep(page, f"{name}-phone-automaton")


def test_relatives_and_texts(visit) -> None:
    page = visit("search.html")
    parents = column(page, "parent_a")
    page.locator(".open").nth(next(row for row, text in enumerate(parents) if text)).click()
    expect(page.locator("#relatives h3").first).to_have_text("Parents")
    before = page.locator("#name").inner_text()
    page.locator("#relatives button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#name")).not_to_have_text(before)
    page.keyboard.press("ArrowRight")  # the keys go on
    expect(page.locator("#progress")).to_contain_text("Letter 1 of")
    page.keyboard.press("Escape")
    page.locator(".open").first.click()
    names = page.locator("#texts b").all_inner_texts()
    assert names == ["ours", "word", "synchrowords", "GAP", "DOT"]
    for copy in page.locator("#texts button").all():
        copy.click()
        expect(copy).to_have_text("Copied")


def test_texts_are_those_of_the_library(visit) -> None:
    for name in ("search", "discover", "large"):
        page = visit(f"{name}.html")
        for number, text in enumerate(column(page, "delta")[:12]):
            page.evaluate("number => document.querySelectorAll('.open')[number].click()", number)
            delta = parse_delta(text)
            texts = [element.text_content() for element in page.locator("#texts pre").all()]
            forms = [format_delta(delta), column(page, "word")[number]]
            forms += [format_synchrowords([delta]), format_gap(delta), format_dot(delta)]
            assert texts == forms
            table = page.locator("#transitions tbody tr").all_inner_texts()
            assert [[int(q) for q in row.split()[1:]] for row in table] == delta.tolist()
            page.keyboard.press("Escape")


def test_an_address_names_an_automaton(visit) -> None:
    page = visit("search.html#automaton-4")
    expect(page.locator("#name")).to_contain_text("Automaton 4:")
    page.locator("#close").click()
    assert "#" not in page.url
    page.evaluate("location.hash = '#automaton-5'")
    expect(page.locator("#name")).to_contain_text("Automaton 5:")
    page.mouse.click(5, 450)  # beside it
    expect(page.locator("#automaton")).not_to_be_visible()


def test_what_is_filtered_out_is_not_on_the_map(visit) -> None:
    page = visit("search.html")
    before = page.locator("#plane .candidate:visible").count()
    page.locator("#gap").fill(column(page, "gap")[0])
    expect(page.locator("#plane .candidate:visible")).to_have_count(len(column(page, "rank")))
    assert 0 < len(column(page, "rank")) < before
    page.locator(".open").first.click()
    expect(page.locator("#previous")).to_be_disabled()
    expect(page.locator("#plane .candidate.opened")).to_have_count(1)


def test_a_hostile_page(visit) -> None:
    page = visit("hostile.html")
    keep(page, "hostile")
    assert page.title() == HOSTILE
    expect(page.locator("h1")).to_have_text(HOSTILE)
    page.locator(".open").first.click()
    expect(page.locator("#name")).to_contain_text(HOSTILE)
    expect(page.locator("#unreplayed")).to_contain_text(HOSTILE)
    expect(page.locator("#player")).not_to_be_visible()
    keep(page, "hostile-automaton")
    page.keyboard.press("n")
    expect(page.locator("#unreplayed")).to_contain_text("This does not reset the automaton")
    page.keyboard.press(" ")
    page.keyboard.press("End")
    assert page.locator("script").count() == 2 and page.locator("img").count() == 0


def test_print(visit) -> None:
    page = visit("search.html", media="print")
    expect(page.locator("#filters")).not_to_be_visible()
    expect(page.locator("#table")).to_be_visible()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.pdf(path=SCREENSHOTS / "search.pdf", landscape=True)
    page.emulate_media(media="screen")
    page.locator(".open").first.click()
    page.emulate_media(media="print")
    expect(page.locator("#table")).not_to_be_visible()
    expect(page.locator("#drawing")).to_be_visible()
    whole = "element => element.scrollHeight <= element.clientHeight + 2"
    assert page.locator("#automaton").evaluate(whole)
    assert page.locator("#automaton").bounding_box()["y"] == 0
    page.pdf(path=SCREENSHOTS / "automaton.pdf")


def luminance(color: str) -> float:
    """Of a colour as a browser computes it: "rgb(1, 2, 3)" or "color(srgb 0.1 0.2 0.3)"."""
    scale = 255 if color.startswith("rgb") else 1
    channels = [float(number) / scale for number in re.findall(r"[\d.]+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colours."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drawings_have_contrast(visit, scheme: str) -> None:
    """WCAG AA, where axe does not look: 4.5 for texts, 3 for shapes."""
    page = visit("letters.html", color_scheme=scheme)
    page.locator(".open").first.click()
    keep(page, f"letters-{scheme}")
    style = "(element, name) => getComputedStyle(element)[name]"

    def color(selector: str, name: str) -> str:
        return page.locator(selector).first.evaluate(style, name)

    ground = color("#drawing", "backgroundColor")
    for letter in range(6):
        own = f"#drawing .letter-{letter}"
        assert contrast(color(f"{own} .arrow", "stroke"), ground) >= 3, letter
        assert contrast(color(f"{own} .head", "fill"), ground) >= 3, letter
        assert contrast(color(f"#drawing .label.letter-{letter}", "fill"), ground) >= 4.5, letter
    gauge = color(".gauge", "backgroundColor")
    assert contrast(color("#occupied", "backgroundColor"), gauge) >= 3
    assert contrast(color(".state.on text", "fill"), color(".state.on circle", "fill")) >= 4.5
    page = visit("search.html", color_scheme=scheme)
    plane = page.locator("#plane").evaluate(style, "backgroundColor")
    assert contrast(page.locator(".point").first.evaluate(style, "stroke"), plane) >= 3


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_lecture_fits_every_width(visit, width: int) -> None:
    """The page itself never scrolls sideways; pictures do, in their frames, and all are loaded."""
    page = visit("lecture.html")
    page.set_viewport_size({"width": width, "height": 800})
    across = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    whole, seen = page.evaluate(across)
    assert whole <= seen == width
    sizes = page.locator(".picture img").evaluate_all("all => all.map(i => i.naturalWidth)")
    assert len(sizes) > 15 and min(sizes) > 0
    frames = page.locator(".picture").evaluate_all("all => all.map(f => f.clientWidth)")
    assert max(frames) <= width
    keep(page, f"lecture-{width}", full_page=True)
    if width == 390:  # what is cut says that it scrolls
        for kind in (".formula", ".code", ".picture"):
            frame = page.locator(f"{kind}.more").first
            hint = frame.locator("xpath=preceding-sibling::*[1]")
            expect(hint).to_have_text("scroll sideways ⟷")
            expect(hint).to_be_visible()
