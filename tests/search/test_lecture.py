"""The lecture: the command, its page, the notebook, and what its pictures rest on."""

import ast
import hashlib
import json
import re
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result
from nbclient import NotebookClient

import pipeline
from automata import Automaton, canonical_forms
from data.damage import DataError
from data.digits import Digits, load_digits
from data.picture import Picture
from docs.build import lecture_digest, lecture_sources
from search.lecture.attributes import ATTRIBUTES, Attribute, direction, slant, success
from search.lecture.cells import as_notebook, read_cells, run_cells
from search.lecture.config import LectureConfig
from search.lecture.formulas import formula_svg
from search.lecture.given import read_automaton
from search.lecture.ideas import draw_bound
from search.lecture.learned import (
    choose_parents,
    compare_paths,
    count_paths,
    describe_data,
    draw_automaton_paths,
    learn_automata,
)
from search.lecture.manifold import draw_manifold
from search.lecture.page import as_html
from search.lecture.paths import path_points
from tests.idx_files import write
from tests.pictures import unrendered
from vae.gaussian import GaussianConfig, GaussianVAE, train_gaussian

ROOT = Path(__file__).parents[2]
TINY = "--rows 500 --latent 3 --steps 4 --automata 150 --epochs 1"
CERNY = "1 2 3 4 5 6 0|1 1 2 3 4 5 6"


def run(folder: Path, *words: str) -> Result:
    line = ["lecture", "--out", str(folder), *TINY.split(), *words]
    return CliRunner().invoke(pipeline.cli, line)


GIVEN = [
    "--between",
    "1 2 3 0|1 1 2 3",
    "1 2 3 0|0 2 1 0",
    *"--digits digits --model model".split(),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a tiny lecture with digits, a model and two automata that are given."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "digits").mkdir()
    digits = load_digits(most=600)
    write(folder / "digits", (digits.images * 255).round(), digits.labels)
    shape = "--latent 3 --embedding 4 --channels 8 --convolutions 1 --hidden 16 --held-out 0.2"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in (
            "generate -n 4 --count 100 --out data --workers 1",
            f"train --data data --out model --epochs 1 {shape} --workers 1",
        ):
            with unrendered():
                pipeline.cli.main(line.split(), standalone_mode=False)
        answer = run(Path("lecture"), *GIVEN, "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["page"] == "lecture/lecture.html"
    return folder / "lecture" / "lecture.html"


# --- the page ---------------------------------------------------------------------------------


def test_every_cell_is_on_the_page_with_what_it_gives(page: Path) -> None:
    text = page.read_text("utf-8")
    codes = [cell for cell in read_cells() if cell.is_code]
    assert text.count('<pre class="code scroll"') == len(codes)
    assert text.count("<figure>") == len(codes) - 4  # the setup, two paragraphs, and a table
    assert text.count("<table>") == 1
    assert {"linear", "polar", "encode-decode, round 1"} <= {*re.findall("<td>([^<]*)</td>", text)}
    assert not re.search("[$\ue000\ue001]", re.sub("<pre.*?</pre>", "", text, flags=re.DOTALL))


def test_the_pictures_are_svg_without_anything_from_elsewhere(page: Path) -> None:
    images = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page.read_text("utf-8"))
    assert len(images) > 15
    for image in images:
        root = ElementTree.fromstring(b64decode(image))
        assert {part.tag.rpartition("}")[2] for part in root.iter()}.isdisjoint(
            {"script", "foreignObject", "a", "iframe"}
        )
        for part in root.iter():
            for name, value in part.attrib.items():
                if name.endswith("href"):
                    assert value.startswith(("#", "data:image/png;base64,")), value
    rest = re.sub(r"base64,[^\"]+", "", page.read_text("utf-8"))
    assert "default-src 'none'" in rest
    (script,) = re.findall("<script>(.*?)</script>", rest, re.DOTALL)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.read_text("utf-8")
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", rest)


def test_the_same_command_gives_the_same_page(page: Path, monkeypatch) -> None:
    before = page.read_bytes()
    page.unlink()
    monkeypatch.chdir(page.parents[1])
    assert run(Path("lecture"), *GIVEN).exit_code == 0
    assert page.read_bytes() == before
    assert {path.name for path in page.parent.iterdir()} == {"lecture.html", "run.json", ".lock"}
    record = json.loads((page.parent / "run.json").read_text())
    assert record["command"] == "lecture" and record["config"]["between"] == GIVEN[1:3]
    assert record["config"]["seed"] == 0 and record["config"]["automata"] == 150
    assert {*record["inputs"]} == {"digits", "model"} and {*record["inputs_sha256"]} == {"model"}
    answer = run(page.parent)
    assert isinstance(answer.exception, DataError) and "holds another run" in str(answer.exception)


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--between", CERNY, "1 0|0 0"], "'1 0|0 0': n=2, k=2, but the model has n=7, k=2"),
        (["--between", CERNY, "1 2 9|0 0 0"], "'1 2 9|0 0 0': line 1: .*outside 0..2"),
        (["--between", CERNY, "none.txt"], "none.txt: no such file"),
        (["--between", CERNY, ""], "'': an empty text, not an automaton or a file"),
        (["--digits", "none"], "none: no IDX files"),
        (["--model", "none"], "none"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_made(tmp_path, words, message) -> None:
    answer = run(tmp_path / "run", *words)
    assert isinstance(answer.exception, DataError)
    assert re.search(message, str(answer.exception)) and "\n" not in str(answer.exception)
    assert not (tmp_path / "run").exists()


def test_isomorphic_ends_are_a_warning(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("search.jobs.lecture.read_cells", list)
    other = "1 2 3 4 5 6 0|0 1 2 3 4 5 0"
    answer = run(tmp_path / "run", "--between", CERNY, other)
    assert answer.exit_code == 0 and "the two automata are isomorphic" in answer.stderr
    answer = run(tmp_path / "other", "--between", CERNY, "1 2 3 4 5 6 0|0 1 2 3 4 5 5")
    assert answer.exit_code == 0 and "isomorphic" not in answer.stderr


def test_too_few_digits(tmp_path: Path) -> None:
    digits = load_digits(most=300)
    write(tmp_path, (digits.images * 255).round(), digits.labels)
    answer = run(tmp_path / "run", "--digits", str(tmp_path))
    assert "31 images of the digit 0, fewer than 40" in str(answer.exception)


def test_automata_of_any_text_and_of_files(tmp_path: Path) -> None:
    path = tmp_path / "automata.txt"
    path.write_text("# the first counts\n1 2 0|0 1 0\n0 0 0|1 1 1\n")
    texts = ["1 2 0|0 1 0", "[[1, 2, 0], [0, 1, 0]]", "2 3\n1 0 2 1 0 0", str(path)]
    assert {read_automaton(text).tobytes() for text in texts} == {bytes([1, 2, 0, 0, 1, 0])}
    with pytest.raises(DataError, match=f"^{path.parent}: a folder"):
        read_automaton(str(path.parent))


# --- the notebook -----------------------------------------------------------------------------


def test_the_notebook_is_made_of_the_same_source() -> None:
    notebook = json.loads((ROOT / "docs" / "lecture.ipynb").read_text("utf-8"))
    made = as_notebook(read_cells())
    assert [(cell["cell_type"], cell["source"]) for cell in notebook["cells"]] == [
        (cell["cell_type"], cell["source"]) for cell in made["cells"]
    ], "run `make docs`: the lecture has changed"


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="code is written out differently")
def test_the_notebook_was_run_with_the_code_of_today() -> None:
    notebook = json.loads((ROOT / "docs" / "lecture.ipynb").read_text("utf-8"))
    names = {str(path.relative_to(ROOT)) for path in lecture_sources(ROOT)}
    assert {"search/lecture/guides.py", "vae/train.py", "search/arms/retrain.py"} <= names
    assert notebook["metadata"]["code_sha256"] == lecture_digest(ROOT), (
        "run `make docs`: code that the lecture runs has changed, and with it perhaps its numbers"
    )


@pytest.mark.exhaustive
def test_the_notebook_runs() -> None:
    notebook = nbformat.reads(json.dumps(as_notebook(read_cells())), as_version=4)
    sizes = "rows=500, latent=3, steps=4, automata=150, epochs=1"
    setup = notebook.cells[1]
    assert "LectureConfig()" in setup.source
    setup.source = setup.source.replace("LectureConfig()", f"LectureConfig({sizes})")
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}})
    client.execute()
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [[*output["data"]] for cell in codes for output in cell.outputs if "data" in output]
    assert len(shown) == len(codes) - 1  # all but the setup
    assert sum("image/svg+xml" in kinds for kinds in shown) == len(codes) - 4
    assert sum("text/markdown" in kinds for kinds in shown) == 2


def test_a_cell_shows_the_value_of_its_last_line() -> None:
    for cell in read_cells():
        if cell.is_code and not cell.is_setup:
            assert isinstance(ast.parse(cell.text).body[-1], ast.Expr)
            assert len(cell.text.splitlines()) <= 12
    names: dict[str, object] = {}
    code = [cell for cell in read_cells() if cell.is_setup]
    assert [*run_cells(code, names)] == [(code[0], None)] and not names


def test_formulas_stand_on_the_line_of_their_text() -> None:
    plain, deep = formula_svg("x"), formula_svg(r"\frac{x}{y}")
    sinks = [float(re.search(r"vertical-align:(-?[\d.]+)em", svg)[1]) for svg in (plain, deep)]
    assert sinks[1] < -0.2 < sinks[0] <= 0
    ElementTree.fromstring(formula_svg("a < b"))
    html = as_html("## 3. On $z$\n\n$$\\int p(x|z)\\,dz$$\n\n<script>")
    assert html.startswith('<h2 id="part-3">3. On <svg role="img" aria-label="z"')
    assert '\n<div class="formula scroll" tabindex="0" role="group" aria-label="\\int p' in html
    assert html.count("<svg") == 2 and "<script>" not in html
    with pytest.raises(ValueError):
        formula_svg(r"\frac{x")


# --- digits -----------------------------------------------------------------------------------


def test_fourteen_points_from_end_to_end() -> None:
    first, second = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    for path in ("linear", "polar"):
        points = path_points(path, first, second)
        assert points.shape == (3, 14, 5)
        torch.testing.assert_close(points[:, 0], first)
        torch.testing.assert_close(points[:, -1], second)
    many = torch.randn(2, 4000, 50, generator=torch.Generator().manual_seed(1))
    middles = {p: path_points(p, *many, 3)[:, 1].norm(dim=1).mean() for p in ("linear", "polar")}
    assert middles["polar"] / middles["linear"] == pytest.approx(2**0.5, rel=0.01)


def test_slant_follows_a_shear() -> None:
    upright = np.zeros((1, 16, 16), np.float32)
    upright[:, 2:14, 7:9] = 1
    sheared = np.stack([np.roll(row, 7 - y // 2) for y, row in enumerate(upright[0])])[None]
    assert slant(upright)[0] == pytest.approx(0)
    assert slant(sheared)[0] == pytest.approx(0.5, abs=0.05)


class Identity(GaussianVAE):
    """A "model" whose latent space is the image: what a direction does can be told exactly."""

    def encode(self, x):
        return super().encode(x)._replace(mu=x, log_sigma=torch.full_like(x, -3.0))

    def decode(self, z):
        return super().decode(z)._replace(mu=z)


def test_the_success_of_an_attribute_against_chance() -> None:
    """Half the images have ink in a corner; the direction adds it, chance does not."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 2, (400, 4, 4)).astype(np.float32)
    digits = Digits(images, np.arange(400) // 2 % 10)
    corner = Attribute("corner", lambda shown: np.asarray(shown[:, 0, 0], np.float64))
    model = Identity(16, GaussianConfig(latent=16, hidden=4))
    along = direction(model, digits, corner)
    assert along.norm().item() == pytest.approx(1) and along[0] > 0.9
    rates = success(model, digits, digits, corner, rng)
    assert rates.gained == 1 and rates.by_chance < 0.5 and rates.unmoved_digit == 1 > rates[2]
    only = Attribute("corner of 3", corner.measure, label=3)
    assert (digits.labels[only.rows(digits)] == 3).all() and len(only.rows(digits)) == 40
    with pytest.raises(DataError, match="no held-out image of the digit 3"):
        success(model, digits, digits.take(np.arange(4)), only, rng)


def test_attributes_rise_along_their_directions() -> None:
    digits = load_digits(most=700)
    config = GaussianConfig(latent=8, hidden=64, steps=400, batch=64, beta=0.3, learning_rate=5e-3)
    trained = train_gaussian(digits.images, config)
    training, held_out = digits.take(trained.training), digits.take(trained.held_out)
    tilted = ATTRIBUTES[1]
    rates = success(trained.model, training, held_out, tilted, np.random.default_rng(0))
    assert tilted.name == "tilted" and rates.gained > rates.by_chance + 0.3


def test_a_manifold_has_two_dimensions() -> None:
    with pytest.raises(ValueError, match="latent=3 is not 2"):
        draw_manifold(GaussianVAE(64, GaussianConfig(latent=3)), load_digits(most=20))


def test_the_gap_of_the_bound_is_small_but_never_negative() -> None:
    for x in (0.0, 1.0, 1.9):
        (gap,) = re.findall(r"here (-?[\d.]+) nats at best", draw_bound(x).svg)
        assert 0 <= float(gap) < 0.3


# --- automata ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory):
    config = LectureConfig(automata=200, epochs=1, steps=1)
    return learn_automata(config, tmp_path_factory.mktemp("learned"))


def test_the_outer_columns_are_the_true_parents(learned) -> None:
    other = "1 2 3 4 5 6 0|0 1 2 3 4 5 5"
    parents = choose_parents(learned, (CERNY, other))
    for parent, text in zip(parents, (CERNY, other), strict=True):
        assert Automaton(parent).is_isomorphic(text)
    picture = draw_automaton_paths(learned, parents, torch.Generator().manual_seed(0))
    assert isinstance(picture, Picture)
    root = ElementTree.fromstring(picture.svg)
    captions = [e.text for e in root.iter() if e.get("font-size") == "13"]
    lines = [captions[start : start + 16] for start in range(0, len(captions), 16)]
    first, last = (Automaton(text).reset_threshold() for text in (CERNY, other))
    assert len(lines) == 4
    for line in lines:
        assert [line[0], line[-1]] == [f"A: {first}", f"B: {last}"]
        places = [caption.partition(":")[0] for caption in line[1:-1]]
        assert places == [f"α {alpha:.2f}" for alpha in np.linspace(1, 0, 14)]
    assert "isomorphic" not in picture.text
    same = choose_parents(learned, (CERNY, "1 2 3 4 5 6 0|0 1 2 3 4 5 0"))
    again = draw_automaton_paths(learned, same, torch.Generator().manual_seed(0))
    assert again.text.endswith(
        "A and B are isomorphic, so that all paths between them are one point."
    )
    slowest = choose_parents(learned)
    assert len({row.tobytes() for row in canonical_forms(slowest)}) == 2


def test_the_text_has_the_numbers_of_the_model_in_use(page: Path, learned) -> None:
    text = re.sub("<[^>]+>", "", page.read_text("utf-8"))
    assert "The dataset has 100 automata with 4 states and 2 letters, drawn at random." in text
    for number in ("seven states", "bound of 36", "stops at 21"):
        assert number not in text
    longest = learned.data.reset_thresholds.max()
    assert f"in it is {longest}; the Černý bound is 36." in describe_data(learned)
    table = pd.DataFrame({"longest threshold": [longest - 1, longest]})
    assert compare_paths(table, learned).endswith("No path has led to a longer one.")
    assert f"thresholds up to {longest + 3}." in compare_paths(table + 3, learned)


def test_counts_of_paths_add_up(learned) -> None:
    table = count_paths(learned, np.random.default_rng(0), pairs=20)
    assert table["path"].tolist()[:2] == ["linear", "polar"]
    assert (table["decoded"] == 280).all()
    for before, after in (("decoded", "valid"), ("valid", "new"), ("new", "not in the dataset")):
        assert (table[before] >= table[after]).all()
    assert table["longest threshold"].max() <= 36
