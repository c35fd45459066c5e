"""The pictures: whole or absent, the same bytes every time, no text over another."""

import math
import resource
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from automata import UNDEFINED
from automata.drawing.compact import compact_reach
from automata.families import FAMILIES
from automata.mutation import mutate
from automata.sampling import sample_uniform
from automata.solver.either import thresholds_of
from data import norms as norms_plot
from data import plots
from data.best_known import Scale
from data.drawn import Cell
from data.norms import plot_norms, shell
from data.plots import chi_density, plot_thresholds, style
from search.pictures import hits as hits_plot
from search.pictures import recall as recall_plot
from search.pictures import reconstructions, strip
from search.pictures import training as training_plot
from search.pictures.cells import Shapes, draw_cells
from search.pictures.hits import plot_arm_hits, wilson_interval
from search.pictures.recall import plot_recall
from search.pictures.reconstructions import plot_reconstructions
from search.pictures.strip import StripRow, plot_strip
from search.pictures.training import plot_training
from search.scoring.recall import ArmCurve, RecallPanel
from search.summary import HIT_COLUMNS
from tests.search.figures import check_picture, check_same_bytes, names_of
from vae.config import ModelConfig, ModelOptions
from vae.history import metric_columns


def _metrics(epochs):
    return [
        {
            "epoch": epoch,
            "train_reconstruction": 30 * math.exp(-epoch / 5),
            "train_kl": 28 + 100 / epoch,
            "held_out_reconstruction": 31 * math.exp(-epoch / 5),
            "held_out_kl": 29 + 100 / epoch,
            "held_out_objective": 31 * math.exp(-epoch / 5) + 6,
            "beta": min(0.2, epoch / 30),
            "learning_rate": 0.002 / epoch,
            "kept": int(epoch == max(1, epochs - 2)),
            **{f"kl_{i}": i / 10 + 1 / epoch for i in range(32)},
            "exact_from_mu": 1 - math.exp(-epoch / 6),
            "exact_from_sample": 1 - math.exp(-epoch / 8),
            "active_units": min(32, epoch),
            "samples_per_second": 21000.0,
        }
        for epoch in range(1, epochs + 1)
    ]


def _row(label, deltas):
    partial = bool((deltas == UNDEFINED).any())
    solved = thresholds_of(deltas, partial=partial)
    return StripRow(label, deltas, solved, np.arange(len(deltas)) % 4 == 0, partial)


def _path(label, n=8, k=2, points=5):
    """A family's member, further and further mutated; uniform where the family has no member."""
    rng = np.random.default_rng(n + k)
    start = FAMILIES[0].delta(n)[None] if k == 2 else sample_uniform(rng, 1, n, k)
    moved = [mutate(rng, start, min(2 * point, n)) for point in range(points)]
    return _row(label, np.concatenate(moved))


def _many_letters(stem):
    rows = [
        _row("random", sample_uniform(np.random.default_rng(0), 3, 6, 6)),
        _row("identity", np.tile(np.arange(6, dtype=np.uint8), (3, 6, 1))),
        _row("constant", np.zeros((3, 6, 6), np.uint8)),
    ]
    return plot_strip(rows, [0.5], stem)


def _full_strip(stem):
    labels = ["linear", "polar", "great-circle", "prior", "neighbourhood 0.5"]
    labels += [f"encode-decode (linear), round {rounds}" for rounds in range(1, 4)]
    return plot_strip([_path(label, points=9) for label in labels], np.linspace(1, 0, 7), stem)


def _reconstructed(stem, count=8):
    cells = _path("path", points=count).cells()
    changed = [cell._replace(caption=f"{cell.caption}, 16 changed") for cell in cells]
    return plot_reconstructions([("slowest:\noriginal", cells), ("mu", changed)], "some", stem)


ARMS = [("linear", 0), ("polar", 0), ("great-circle", 0), ("prior", 0), ("neighbourhood", 0)]
ARMS += [("encode-decode", round) for round in range(1, 10)]
ARMS += [("uniform", 0), ("mutation", 0), ("evolve", 0)]


def _recall(stem, *panels, arms=ARMS, calls=10**5):
    """Arms of which each finds more than the one before, some of them nothing."""
    rng = np.random.default_rng(0)

    def curves(classes):
        for place, (mode, round) in enumerate(arms):
            count = classes * place // (2 * len(arms))
            found_at = np.sort(rng.integers(1, calls, count))
            yield ArmCurve(mode, round, calls, found_at)

    drawn = [RecallPanel(t, classes, [*curves(classes)]) for t, classes in panels]
    return plot_recall(drawn, 8, stem)


LENGTHS = np.repeat(np.arange(2, 32), np.arange(30, 0, -1) ** 2)
CLOUDS = {
    name: np.linalg.norm(np.random.default_rng(0).normal(0, scale, (2000, 32)), axis=1)
    for name, scale in [("prior samples", 1), ("encoded data, z ~ q", 0.9), ("linear paths", 0.7)]
}
PATHS = {
    name: np.linalg.norm(np.random.default_rng(0).normal(0, scale, (50, 9, 32)), axis=2)
    for name, scale in [("linear", 0.7), ("polar", 0.9), ("great-circle", 1)]
}


def _summary(arms: int) -> pd.DataFrame:
    modes = ["linear", "encode-decode", "uniform", "encode-decode-and-a-long-name", "evolve"]
    rows = range(arms)
    hits = {name: [0.05 * row for row in rows] for name in HIT_COLUMNS}
    calls = [0 if row == 3 else 20_000 for row in rows]
    modes = [modes[row % len(modes)] for row in rows]
    return pd.DataFrame({"mode": modes, "round": [row // 2 for row in rows], "calls": calls} | hits)


PICTURES = {
    "thresholds": lambda stem: plot_thresholds(LENGTHS, Scale(8, 2), stem),
    "ceiling": lambda stem: plot_thresholds(
        np.append(LENGTHS, [-1] * 99999), Scale(8, 2), stem, ceiling=29
    ),
    "ceiling near": lambda stem: plot_thresholds(LENGTHS, Scale(8, 2), stem, ceiling=48),
    "no thresholds": lambda stem: plot_thresholds(np.empty(0, np.int32), Scale(8, 2), stem),
    "none synchronizes": lambda stem: plot_thresholds(np.full(9, -1), Scale(3, 2), stem, ceiling=4),
    "thresholds of n = 1": lambda stem: plot_thresholds(np.zeros(3, np.int32), Scale(1, 2), stem),
    "thresholds of n = 24": lambda stem: plot_thresholds(
        LENGTHS * 15, Scale(24, 2), stem, ceiling=317
    ),
    "training": lambda stem: plot_training(_metrics(30), stem),
    "one epoch": lambda stem: plot_training(_metrics(1), stem),
    "no epoch": lambda stem: plot_training([], stem),
    "gaps": lambda stem: plot_training([{"epoch": 1, "train_kl": math.nan}, {"epoch": 2}], stem),
    "norms": lambda stem: plot_norms(CLOUDS, 32, stem),
    "no norms": lambda stem: plot_norms({}, 1, stem),
    "few norms": lambda stem: plot_norms({"a": np.array([3.0]), "none": np.empty(0)}, 2, stem),
    "norms along paths": lambda stem: plot_norms(CLOUDS, 32, stem, paths=PATHS),
    "norms of a sphere": lambda stem: plot_norms(
        {"prior samples": np.ones(99)}, 2, stem, paths={"polar": np.ones((9, 3))}, prior=np.ones(99)
    ),
    "one cloud and a path": lambda stem: plot_norms(
        {"a": np.ones(9)}, 2, stem, paths={"linear": np.ones((1, 2))}
    ),
    "reconstructions": _reconstructed,
    "one reconstruction": lambda stem: _reconstructed(stem, 1),
    "recall": lambda stem: _recall(stem, (1, 10**6), (30, 1234), (36, 203), (49, 1)),
    "recall of three": lambda stem: _recall(stem, (30, 1234), (36, 203), (49, 1), arms=ARMS[-2:]),
    "recall of one": lambda stem: _recall(stem, (9, 5), arms=ARMS[-1:], calls=3),
    "no recall": _recall,
    "arm hits": lambda stem: plot_arm_hits(_summary(11), Scale(8, 2), stem),
    "hits of one arm": lambda stem: plot_arm_hits(_summary(1), Scale(8, 2), stem),
    "no hits": lambda stem: plot_arm_hits(_summary(0), Scale(8, 2), stem),
    "strip": _full_strip,
    "strip of n = 1": lambda stem: plot_strip(
        [_row("one", np.zeros((2, 3, 1), np.uint8))], [], stem
    ),
    "strip of n = 2": lambda stem: plot_strip([_path("two", n=2)], np.arange(3), stem),
    "strip of n = 24": lambda stem: plot_strip([_path("many", n=24, points=2)], [], stem),
    "strip of k = 6": _many_letters,
    "empty strip": lambda stem: plot_strip([], [0, 0.5, 1], stem),
}


RELATIVES = {
    *("ceiling near", "none synchronizes", "thresholds of n = 24", "gaps", "few norms"),
    *("recall of three", "hits of one arm", "strip of n = 24", "one reconstruction"),
}


@pytest.mark.parametrize("name", names_of(PICTURES, RELATIVES))
def test_both_files_are_whole_and_no_text_is_over_another(name, tmp_path, monkeypatch):
    modules = plots, strip, recall_plot, hits_plot, training_plot, norms_plot, reconstructions
    pixels = check_picture(PICTURES[name], tmp_path, monkeypatch, *modules)
    assert min(pixels.shape[:2]) > 150


@pytest.mark.parametrize("name", ["ceiling", "strip of n = 2"])
def test_same_input_same_bytes_whatever_the_configuration(name, tmp_path):
    first = PICTURES[name](tmp_path / "first")
    settings = {"font.size": 20, "svg.hashsalt": "other", "savefig.bbox": "tight"}
    with mpl.rc_context(settings):
        second = PICTURES[name](tmp_path / "second")
        assert {name: mpl.rcParams[name] for name in settings} == settings
    check_same_bytes(first, second)


@pytest.mark.parametrize(("failing", "name"), [("png", "ceiling"), ("svg", "norms")])
def test_full_disk_leaves_nothing(failing, name, tmp_path):
    """The larger file of the two meets the limit; the PNG is made first."""
    stem = tmp_path / "picture"
    png, svg = PICTURES[name](stem)
    sizes = {"png": png.stat().st_size, "svg": svg.stat().st_size}
    assert max(sizes, key=sizes.__getitem__) == failing
    png.unlink()
    svg.unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (sizes[failing] - 1, before[1]))
    try:
        with pytest.raises(OSError):
            PICTURES[name](stem)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{}, {"adversarial": 1.0}, {"guide": True, "prior": "flow"}])
def test_no_panel_of_a_training_is_empty(options, tmp_path, monkeypatch):
    shape = ModelConfig(latent=3, options=ModelOptions(**options))
    row = {name: 0.5 for name in metric_columns(shape)} | {"epoch": 1, "kept": 1}
    drawn = []
    monkeypatch.setattr(training_plot, "save", lambda figure, stem: drawn.append(figure) or [])
    plot_training([row], tmp_path / "training")
    [figure] = drawn
    for axes in figure.axes:
        assert axes.lines or not axes.axison
    titles = {axes.get_title("left") for axes in figure.axes}
    assert ("Discriminator" in titles) == ("adversarial" in options)
    assert ("Guide, held out" in titles) == ("guide" in options)
    assert ("KL of each dimension" in titles) == (shape.kl_parts == 3)


def test_no_pyplot():
    modules = "data.plots, search.pictures.strip, search.pictures.scores"
    code = f"import sys, {modules}; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_row_must_fit_the_alphas(tmp_path):
    with pytest.raises(ValueError, match="'linear'.*4 alphas"):
        plot_strip([_path("linear")], [0, 0.5, 0.7, 1], tmp_path / "strip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n,k", [(1, 3), (2, 2), (3, 6), (8, 2), (8, 6), (16, 2), (24, 2), (64, 1)])
def test_every_transition_is_drawn_inside_its_cell(n, k):
    rng = np.random.default_rng(0)
    half = compact_reach(n)
    tables = [np.zeros((k, n)), np.tile(np.arange(n), (k, 1)), *sample_uniform(rng, 20, n, k)]
    tables += [np.full((k, n), UNDEFINED), *sample_uniform(rng, 5, n, k, undefined=0.4)]
    for delta in tables:
        shapes = Shapes()
        shapes.add(np.asarray(delta, np.uint8), np.zeros(2), 1.0, np.ones((k, n), bool))
        curves = [curve for letter in range(k) for curve in shapes.curves[letter]]
        stubs = [line for letter in range(k) for line in shapes.stubs[letter]]
        bars = [bar for letter in range(k) for bar in shapes.bars[letter]]
        missing = int(np.sum(delta == UNDEFINED))
        assert (len(curves), len(stubs), len(bars)) == (k * n - missing, missing, missing)
        assert len(shapes.marks) == k * n and len(shapes.states) == n
        outlines = [curve.to_polygons(closed_only=False)[0] for curve in curves]
        outlines += [head for heads in shapes.heads.values() for head in heads] + stubs + bars
        assert max(np.abs(outline).max() for outline in outlines) < half


def test_a_strip_marks_what_differs_from_the_column_before():
    deltas = np.array([[[1, 0], [0, 0]], [[1, 0], [0, 0]], [[1, 1], [0, 0]], [[0, 1], [0, 1]]])
    row = _row("row", deltas.astype(np.uint8))
    cells = row.cells()
    assert [cell.changed.tolist() for cell in cells] == [
        [[False, False], [False, False]],
        [[False, False], [False, False]],
        [[False, True], [False, False]],
        [[True, False], [False, True]],
    ]
    assert [cell.given for cell in cells] == [True, False, False, True]
    assert [cell.caption for cell in cells] == ["1", "1", "1", "no reset word"]
    assert [cell.wrong for cell in cells] == [False, False, False, True]


def test_the_legend_names_only_what_occurs():
    plain = Cell(np.zeros((2, 3), np.uint8), "0")
    changed = np.zeros((2, 3), bool)
    cases = [
        (plain, []),
        (plain._replace(changed=changed), []),
        (plain._replace(changed=~changed, given=True), ["changed", "given, not decoded"]),
        (plain._replace(known=True, wrong=True), ["in the training set", "no reset word"]),
        (plain._replace(delta=np.full((2, 3), UNDEFINED, np.uint8)), ["undefined"]),
    ]
    for cell, names in cases:
        with style():
            legend = draw_cells([("row", [cell])]).axes[0].get_legend()
        texts = [text.get_text() for text in legend.get_texts()]
        assert texts == ["letter a", "letter b", *names]


def test_an_undefined_transition_is_a_stub_in_the_picture(tmp_path):
    deltas = np.array([[[1, UNDEFINED, 0], [0, 0, UNDEFINED]]] * 4, np.uint8)
    counts = []
    for own in (deltas, np.where(deltas == UNDEFINED, 0, deltas)):
        plot_strip([_row("row", own)], [1, 0], tmp_path / "strip")
        counts.append((tmp_path / "strip.svg").read_text().count('id="LineCollection'))
    assert counts == [4, 0]  # lines and bars of two letters


def test_the_density_of_the_prior_has_one_scale(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(norms_plot, "save", lambda figure, stem: figures.append(figure) or [])
    clouds = {"wide": CLOUDS["prior samples"], "narrow": np.full(50, 3.0), "none": np.empty(0)}
    plot_norms(clouds, 32, tmp_path / "norms", paths=PATHS)
    *rows, beside = figures[0].axes
    assert len(rows) == 2  # a cloud without points has no panel
    assert len({axes.get_ylim() for axes in rows}) == 1
    drawn = {line.get_label(): line.get_xydata() for line in beside.get_lines()}
    for name, own in PATHS.items():
        assert np.allclose(drawn[name][:, 0], np.linspace(1, 0, 9))
        assert np.allclose(drawn[name][:, 1], own.mean(axis=0))


def norms_figure(tmp_path, monkeypatch, *args, **kwargs):
    figures = []
    monkeypatch.setattr(norms_plot, "save", lambda figure, stem: figures.append(figure) or [])
    plot_norms(*args, tmp_path / "norms", **kwargs)
    return figures[0]


@pytest.mark.parametrize("spread", [0.0, 0.8])  # a sphere, and a shell elsewhere
def test_the_reference_is_the_prior_of_the_model(tmp_path, monkeypatch, spread):
    prior = 1 + spread * np.abs(np.random.default_rng(0).normal(size=4000))
    clouds = {"prior samples": prior, "linear paths": np.linspace(0.5, 1, 500)}
    paths = {"linear": 0.8 * np.ones((5, 9)), "polar": np.ones((5, 9))}
    figure = norms_figure(tmp_path, monkeypatch, clouds, 16, paths=paths, prior=prior)
    *rows, beside = figure.axes
    title = figure.get_suptitle()
    assert "the model's prior" in title and f"{prior.mean():.2f}" in title
    assert "chi" not in title and "sqrt" not in title
    for axes in rows:
        assert axes.get_xlim()[1] < 5  # sqrt(16) = 4 is of no interest
        marks = [line.get_xdata()[0] for line in axes.get_lines()]
        assert marks == [pytest.approx(prior.mean())]
        highest = max(patch.get_data().values.max() for patch in axes.patches)
        assert highest <= axes.get_ylim()[1] <= 1.1 * highest  # no peak is cut off
    assert [text.get_text() for text in beside.texts] == ["95 % of the model's prior"]


def test_the_reference_is_chi_without_a_prior(tmp_path, monkeypatch):
    figure = norms_figure(tmp_path, monkeypatch, CLOUDS, 32, paths=PATHS)
    assert "chi density of 32 dimensions" in figure.get_suptitle()
    assert [text.get_text() for text in figure.axes[-1].texts] == ["95 % of N(0, I)"]


def test_hits_that_no_arm_has_are_no_panel(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(hits_plot, "save", lambda figure, stem: figures.append(figure) or [])
    plot_arm_hits(_summary(5).assign(hits_top=0.0), Scale(8, 2), tmp_path / "hits")
    assert [axes.get_title(loc="left") for axes in figures[0].axes] == [
        *("≥ 0.6 (n - 1)²", "≥ 0.7 (n - 1)²", "≥ 0.8 (n - 1)²")
    ]
    assert "No arm found any with ≥ n² - 4n + 6" in figures[0].get_suptitle()
    values = [text.get_text() for text in figures[0].axes[0].texts]
    assert values == ["0", "0.05", "0.1", "-", "0.2"]
    # n² - 4n + 6 = 18 is the least above 0.7 * 25
    plot_arm_hits(_summary(5), Scale(6, 2), tmp_path / "hits")
    assert len(figures[1].axes) == 3
    labels = [label.get_text() for label in figures[1].axes[0].get_yticklabels()]
    calls = _summary(5)["calls"]
    assert [label.endswith("calls)") for label in labels] == [*(calls < calls.max())]


@pytest.mark.parametrize("latent", [1, 2, 32, 200])
def test_the_shell_holds_95_percent_of_the_prior(latent):
    low, high = shell(latent)
    norms = np.linalg.norm(np.random.default_rng(0).normal(size=(40_000, latent)), axis=1)
    assert (norms < low).mean() == pytest.approx(0.025, abs=0.004)
    assert (norms > high).mean() == pytest.approx(0.025, abs=0.004)


def test_wilson_intervals():
    low, high = wilson_interval([0, 500, 1000, 500, np.nan], [20, 20, 20, 2000, 0])
    assert np.allclose(low[:4], [0, 299.3, 838.9, 478.1], atol=0.1)  # R: prop.test, no correction
    assert np.allclose(high[:4], [161.1, 700.7, 1000, 521.9], atol=0.1)
    assert np.isnan([low[4], high[4]]).all()


@pytest.mark.parametrize("degrees", [1, 2, 32, 512])
def test_chi_density(degrees):
    x = np.linspace(0, math.sqrt(degrees) + 8, 20001)
    density = chi_density(x, degrees)
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-3)
    # E[x^2] is the number of degrees of freedom.
    assert np.trapezoid(density * x**2, x) == pytest.approx(degrees, rel=1e-3)
