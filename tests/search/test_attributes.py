"""Attribute arithmetic: measured on models whose answers are known, judged, written, shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from scipy.stats import binomtest, norm
from torch import Tensor, nn

from automata.canonical import canonical_forms, from_canonical
from automata.classes import CLASSES
from automata.properties import in_classes
from automata.sampling import sample_uniform
from automata.solver.exact import reset_thresholds
from data.damage import DataError
from data.dataset import Dataset
from data.files import open_seal, write_sealed
from search.evaluation import attributes
from search.evaluation.attribute_table import (
    ATTRIBUTE_COLUMNS,
    GAINS,
    MISLED,
    NO_GAIN,
    ONLY_CHANCE,
    SHARES,
    THRESHOLD_COLUMNS,
    complete,
    in_words,
    shown,
    shown_briefly,
)
from search.evaluation.attributes import LEAST_ROWS, STEPS, measure_arithmetic
from search.evaluation.intervals import mean_interval, share_interval
from search.evaluation.measures import read_attributes, read_evaluation
from search.jobs.outcome import EvaluationOutcome
from tests import naive
from tests.pictures import unrendered
from vae.encoding import decode_tokens, encode_deltas
from vae.model import VAE, Decoded, ModelConfig, NotFiniteError, Posterior

pytestmark = pytest.mark.usefixtures("one_thread", "few_dots")

N, K = 4, 2
BOUND = 9
SINK = np.array([[0, 0, 1, 2], [0, 1, 1, 1]], np.uint8)
CERNY = np.array([[1, 2, 3, 0], [1, 1, 2, 3]], np.uint8)
Deltas = npt.NDArray[np.uint8]


class Known(nn.Module):
    """A model of two functions: automata -> points, and points -> automata."""

    def __init__(
        self,
        encode: Callable[[Deltas], npt.NDArray[np.float64]],
        decode: Callable[[npt.NDArray[np.float32]], Deltas],
        latent: int = 1,
    ) -> None:
        super().__init__()
        self.config = ModelConfig(n=N, k=K, latent=latent)
        self.weight = nn.Parameter(torch.zeros(1))
        self.encode, self.decode = encode, decode
        self.decoder = SimpleNamespace(generate=self._generate)

    def posterior(self, tokens: Tensor) -> Posterior:
        points = self.encode(decode_tokens(tokens.numpy()))
        mu = torch.from_numpy(points.astype(np.float32)).reshape(len(tokens), -1)
        return Posterior(mu, torch.zeros_like(mu))

    def predict(self, z: Tensor) -> Tensor:
        return z[:, 0]

    def _generate(self, z: Tensor, n: int | None, **_: object) -> Decoded:
        tokens = torch.from_numpy(encode_deltas(self.decode(z.numpy())))
        return Decoded(tokens, torch.zeros(*tokens.shape, N))


def one_of(first: Deltas, second: Deltas, choose: npt.NDArray[np.bool_]) -> Deltas:
    """The second automaton where a point is chosen, else the first."""
    return np.where(choose[:, None, None], second, first)


def have_sink(deltas: Deltas) -> npt.NDArray[np.bool_]:
    fixed = (deltas == np.arange(deltas.shape[2])).all(1)  # (batch, n)
    return np.asarray(fixed.any(1))


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Distinct automata with four states, a few of which do not synchronize."""
    drawn = sample_uniform(np.random.default_rng(0), 6000, N, K)
    forms = np.unique(canonical_forms(drawn), axis=0)
    forms = forms[np.random.default_rng(1).permutation(len(forms))]
    deltas = from_canonical(forms, N, K)
    return Dataset(deltas, reset_thresholds(deltas), np.full(len(deltas), "uniform"))


@pytest.fixture(scope="module")
def parts(data: Dataset) -> tuple[Dataset, Dataset]:
    return data.split(0.3)


def measured(model: object, parts: tuple[Dataset, Dataset], **options: object) -> pd.DataFrame:
    settings: dict[str, object] = {"repair": 0, "seed": 0} | options
    table = measure_arithmetic(model, *parts, **settings)  # type: ignore[arg-type]
    return table.set_index("attribute")


def knows_sinks() -> Known:
    """Its only dimension is 1 for automata with a sink, 0 for others."""
    return Known(have_sink, lambda z: one_of(CERNY, SINK, z[:, 0] >= 0.75))


# --- measured ---------------------------------------------------------------------------------


def test_a_model_that_knows_the_attribute(parts: tuple[Dataset, Dataset]) -> None:
    table = measured(knows_sinks(), parts)
    row = table.loc["sink"]
    assert row["training_share"] == pytest.approx(have_sink(parts[0].deltas).mean())
    lacking = ~have_sink(parts[1].deltas) & (parts[1].reset_thresholds >= 0)
    assert row["parents"] == min(1000, lacking.sum()) - min(1000, lacking.sum()) // 2
    assert row["step"] == 1.0  # the shortest that suffices
    assert row["gained"] == row["gained_at_1"] == 1.0
    assert row["unmoved"] == 0.0
    assert row["chance"] == pytest.approx(0.5, abs=0.15)  # one dimension: there or back
    assert row["verdict"] == GAINS
    assert table.loc["sink", THRESHOLD_COLUMNS].isna().all()


def test_mutation_is_that_of_the_search(parts: tuple[Dataset, Dataset]) -> None:
    """The share by one redrawn transition is close to that over all such mutants."""
    lacking = ~have_sink(parts[1].deltas) & (parts[1].reset_thresholds >= 0)
    mutants = []
    for delta in parts[1].deltas[lacking][:150]:
        for place in np.ndindex(K, N):
            for shift in range(1, N):
                mutant = delta.copy()
                mutant[place] = (mutant[place] + shift) % N
                mutants.append(mutant)
    true = np.mean([have_sink(m[None])[0] and naive.is_synchronizing(m) for m in mutants])
    row = measured(knows_sinks(), parts).loc["sink"]
    assert row["mutation_1"] == pytest.approx(true, abs=0.06)


@pytest.mark.parametrize("partial", [False, True])
def test_as_many_transitions_are_redrawn(partial: bool) -> None:
    share = 0.3 if partial else 0.0
    deltas = sample_uniform(np.random.default_rng(0), 200, N, K, undefined=share)
    wanted = np.random.default_rng(1).integers(0, N * K + 1, 200)
    redrawn = attributes._redraw(np.random.default_rng(2), deltas, wanted, partial)
    assert ((redrawn != deltas).sum((1, 2)) == wanted).all()


def test_random_steps_have_one_length() -> None:
    rng = np.random.default_rng(0)
    means = torch.from_numpy(rng.normal(size=(500, 8)) * [1, 1, 1, 1, 0, 0, 0, 0])
    steps = attributes._random_steps(means, torch.tensor(2.5), 2000, rng)
    assert torch.allclose(steps.norm(dim=1), torch.tensor(2.5).double())
    assert (steps[:, 4:] == 0).all()  # no step in dimensions that no automaton uses
    assert (steps.mean(0).abs() < 0.15).all()
    assert torch.unique(steps, dim=0).shape == (2000, 8)


@pytest.mark.parametrize("always", [SINK, CERNY], ids=["always", "never"])
def test_a_model_that_ignores_its_latent_space(
    parts: tuple[Dataset, Dataset], always: Deltas
) -> None:
    model = Known(
        lambda deltas: np.zeros(len(deltas)), lambda z: np.repeat(always[None], len(z), 0)
    )
    row = measured(model, parts).loc["sink"]
    assert row["gained"] == row["unmoved"] == row["chance"] == (always is SINK)
    assert row["step"] == STEPS[0]
    assert row["changed"] == row["changed_unmoved"]
    assert row["verdict"] == NO_GAIN


def test_a_prediction_that_misleads(parts: tuple[Dataset, Dataset]) -> None:
    """The only dimension is the predicted ratio; the further up, the shorter the true threshold."""
    model = Known(
        lambda deltas: reset_thresholds(deltas) / BOUND,
        lambda z: one_of(CERNY, SINK, z[:, 0] >= 0.7),
    )
    row = measured(model, parts).loc["threshold"]
    assert row["verdict"] == MISLED
    assert row["predicted_before"] == pytest.approx(row["true_parents"], rel=1e-5)
    assert row["predicted_after"] > row["predicted_before"]
    own = [naive.reset_threshold(delta) for delta in (SINK, CERNY)]
    assert own[0] < row["true_after"] < row["true_before"] <= own[1]
    assert row["true_change"] == pytest.approx(row["true_after"] - row["true_before"])
    assert row["true_change_low"] < row["true_change"] < row["true_change_high"] < 0
    low, high = np.quantile(parts[0].reset_thresholds, [0.25, 0.75])
    assert row["training_share"] == (parts[0].reset_thresholds >= high).mean()
    assert low < high


def test_a_prediction_that_is_right(parts: tuple[Dataset, Dataset]) -> None:
    model = Known(
        lambda deltas: reset_thresholds(deltas) / BOUND,
        lambda z: one_of(SINK, CERNY, z[:, 0] >= 0.9),
    )
    row = measured(model, parts).loc["threshold"]
    assert row["true_after"] > row["true_before"]
    assert row["gained"] > row["unmoved"]
    assert row["verdict"] == GAINS


def test_offspring_that_does_not_synchronize_gains_nothing(parts: tuple[Dataset, Dataset]) -> None:
    broken = np.array([[0, 1, 2, 3], [0, 2, 1, 3]], np.uint8)  # two sinks
    model = Known(have_sink, lambda z: one_of(CERNY, broken, z[:, 0] >= 0.75))
    table = measured(model, parts)
    assert table.loc["sink", "gained"] == 0
    assert np.isnan(table.loc["threshold", "true_change_low"]) or (table["gained"] <= 1).all()


def test_the_same_seed_gives_the_same_table(parts: tuple[Dataset, Dataset]) -> None:
    first = measured(knows_sinks(), parts)
    pd.testing.assert_frame_equal(first, measured(knows_sinks(), parts, workers=2))
    assert not first.equals(measured(knows_sinks(), parts, seed=1))


def test_directions_are_learned_on_the_training_set_alone(
    parts: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[Dataset] = []

    def spied(mu: object, data: Dataset, *args: object, **options: object) -> object:
        learned.append(data)
        return direction(mu, data, *args, **options)  # type: ignore[arg-type]

    direction = attributes.attribute_direction
    monkeypatch.setattr(attributes, "attribute_direction", spied)
    table = measured(knows_sinks(), parts)
    assert len(learned) == len(table)
    for own in learned:
        assert (own.forms == parts[0].forms).all()
    monkeypatch.setattr(attributes, "_MOST_TRAINING", 300)
    measured(knows_sinks(), parts)
    assert len(learned[-1]) == 300
    inside = {*map(bytes, parts[0].forms)}
    assert {*map(bytes, learned[-1].forms)} <= inside


# --- which attributes ---------------------------------------------------------------------------


def test_classes_that_enough_automata_have_and_lack(parts: tuple[Dataset, Dataset]) -> None:
    table = measured(knows_sinks(), parts)
    for name in CLASSES:
        has = in_classes(parts[0].deltas, [name])
        may = ~in_classes(parts[1].deltas, [name])
        if name != "synchronizing":
            may &= parts[1].reset_thresholds >= 0
        enough = min(has.sum(), (~has).sum(), may.sum()) >= LEAST_ROWS
        assert (name in table.index) == enough, name
    assert {"sink", "threshold", "synchronizing"} <= {*table.index} < {*CLASSES, "threshold"}
    assert [*table.index] == [name for name in (*CLASSES, "threshold") if name in table.index]
    assert [*measure_arithmetic(knows_sinks(), *parts, repair=0, seed=0)] == ATTRIBUTE_COLUMNS  # type: ignore[arg-type]


def test_the_least_number_of_automata(parts: tuple[Dataset, Dataset]) -> None:
    training, held_out = parts
    inside = np.flatnonzero(have_sink(training.deltas))
    for left in (LEAST_ROWS - 1, LEAST_ROWS):
        few = training.take(np.delete(np.arange(len(training)), inside[left:]))
        assert ("sink" in measured(knows_sinks(), (few, held_out)).index) == (left == LEAST_ROWS)
        parents = np.flatnonzero(~have_sink(held_out.deltas) & (held_out.reset_thresholds >= 0))
        found = measured(knows_sinks(), (training, held_out.take(parents[:left])))
        assert ("sink" in found.index) == (left == LEAST_ROWS)


def test_within_classes(parts: tuple[Dataset, Dataset]) -> None:
    table = measured(knows_sinks(), parts, classes=("not-eulerian", "sink"))
    assert len(table) and "sink" not in table.index and "eulerian" not in table.index
    outside = measured(knows_sinks(), parts, classes=("not-sink",))
    assert "sink" not in outside.index
    lacks = measured(knows_sinks(), parts, classes=("not-permutation-letter",)).loc["sink"]
    assert lacks["gained"] == 1 and not in_classes(SINK[None], ["permutation-letter"])[0]
    assert len(measured(knows_sinks(), parts, classes=("sink", "eulerian"))) == 0


def test_no_latent_space(parts: tuple[Dataset, Dataset]) -> None:
    small = {"embedding": 4, "channels": 8, "convolutions": 1, "hidden": 16}
    model = VAE(ModelConfig(n=N, k=K, latent=0, any_size=True, **small)).eval()
    table = measure_arithmetic(model, *parts, repair=0, seed=0)
    assert (len(table), [*table]) == (0, ATTRIBUTE_COLUMNS)


def test_few_automata(data: Dataset) -> None:
    tiny = data.take(np.arange(40)).split(0.3)
    assert len(measured(knows_sinks(), tiny)) == 0
    assert len(measured(knows_sinks(), (data, data.take(np.arange(0))))) == 0
    assert len(measured(knows_sinks(), (data.take(np.arange(0)), data))) == 0


def test_slow_classes_are_left_out(
    parts: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {*measured(knows_sinks(), parts).index}
    monkeypatch.setattr(attributes, "_MOST_STATES", N - 1)
    slow = before & {"aperiodic", "completely-reachable"}
    assert slow
    assert {*measured(knows_sinks(), parts).index} == before - slow


def test_a_model_of_any_size(parts: tuple[Dataset, Dataset]) -> None:
    small = {"latent": 3, "embedding": 4, "channels": 8, "convolutions": 1, "hidden": 16}
    model = VAE(ModelConfig(n=N, k=K, any_size=True, **small)).eval()
    table = measured(model, parts, repair=1)
    assert {*table["verdict"]} <= {GAINS, ONLY_CHANCE, NO_GAIN, MISLED}
    assert (table["parents"] >= LEAST_ROWS // 2).all()


def test_points_that_are_not_finite(parts: tuple[Dataset, Dataset]) -> None:
    model = Known(lambda deltas: np.full(len(deltas), np.nan), lambda z: np.empty((0, K, N)))
    with pytest.raises(NotFiniteError, match="mu that is not finite"):
        measured(model, parts)


def test_data_of_another_size(parts: tuple[Dataset, Dataset]) -> None:
    deltas = np.zeros((3, K, N + 1), np.uint8)
    other = Dataset(deltas, np.ones(3, np.int32), np.full(3, "uniform"))
    for pair in ((other, parts[1]), (parts[0], other)):
        with pytest.raises(DataError, match="n=5, k=2 for a model of n=4, k=2"):
            measured(knows_sinks(), pair)


# --- intervals and verdicts -------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 100, 500])
def test_share_intervals(count: int) -> None:
    hits = np.unique(np.linspace(0, count, 8).astype(int))
    low, high = share_interval(hits / count, np.full(len(hits), count))
    for place, own in enumerate(hits.tolist()):
        wanted = binomtest(own, count).proportion_ci(method="wilson")
        assert low[place] == pytest.approx(wanted.low, abs=1e-6)
        assert high[place] == pytest.approx(wanted.high, abs=1e-6)


def test_mean_intervals() -> None:
    values = np.random.default_rng(0).normal(3, 2, 50)
    mean, low, high = mean_interval(values)
    wanted = norm.interval(0.95, values.mean(), values.std(ddof=1) / 50**0.5)
    assert (mean, low, high) == pytest.approx((values.mean(), *wanted), abs=1e-5)
    assert np.isnan(mean_interval([])).all()
    assert mean_interval([2])[0] == 2 and np.isnan(mean_interval([2])[1:]).all()


def row_of(attribute: str = "sink", **numbers: float) -> dict[str, object]:
    """A row in which every share is a tenth, but for those given."""
    shares = dict.fromkeys(SHARES, 0.1) | {"changed": 3.0, "changed_unmoved": 1.0, "step": 1.0}
    return {"attribute": attribute, "parents": 500, "training_share": 0.2, **shares, **numbers}


FALLS = {"true_change": -1, "true_change_low": -2, "true_change_high": -0.1}
UNSURE = FALLS | {"true_change_high": 0.1}
RISES = {"predicted_before": 20, "predicted_after": 25, "true_before": 19, "true_after": 18}


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        ({}, NO_GAIN),
        ({"gained": 0.5}, GAINS),
        ({"gained": 0.12}, NO_GAIN),  # the intervals overlap
        ({"gained": 0.5, "chance": 0.45}, NO_GAIN),
        ({"gained": 0.5, "unmoved": 0.45}, NO_GAIN),
        ({"gained": 0.5, "mutation_1": 0.45}, ONLY_CHANCE),
        ({"gained": 0.5, "mutation_2": 0.6}, ONLY_CHANCE),
        ({"gained": 0.5, "mutation_alike": 0.9}, ONLY_CHANCE),
        ({"gained": 0.5, "chance": 0.6, "mutation_1": 0.6}, NO_GAIN),
        ({"gained": 0.5, "gained_at_1": 0.9}, GAINS),  # another length says nothing of this one
        (RISES | FALLS, MISLED),
        (RISES | FALLS | {"gained": 0.5}, MISLED),
        (RISES | UNSURE, NO_GAIN),
        (RISES | UNSURE | {"gained": 0.5}, GAINS),
        (RISES | FALLS | {"predicted_after": 20}, NO_GAIN),
        (RISES | FALLS | {"predicted_after": 19, "gained": 0.5}, GAINS),
    ],
)
def test_verdicts_follow_from_the_numbers(numbers: dict[str, float], verdict: str) -> None:
    assert complete([row_of(**numbers)])["verdict"].tolist() == [verdict]


def test_in_words() -> None:
    rows = [
        row_of("strongly-connected", gained=0.5),
        row_of("sink", gained=0.6),
        row_of("one-cluster", gained=0.5, mutation_1=0.5),
        row_of("aperiodic", changed=7.25),
        row_of("threshold", **RISES, **FALLS),
    ]
    assert in_words(complete(rows)) == [
        "It works for strongly-connected and sink: more automata gain it than by chance or by "
        "mutation.",
        "For one-cluster it is better than chance, but no better than mutation.",
        "It fails for aperiodic: no more automata gain it than by chance.",
        "It misleads for the threshold: the step raises the predicted mean from 20.0 to 25.0, but "
        "the true one falls from 19.0 to 18.0; 10.0% of the automata have a longer one than their "
        "parents, after a random step 10.0%.",
        "A step changes 3.0 to 7.2 transitions of a parent on average; decoding without a step "
        "changes 1.0 to 1.0.",
    ]
    assert in_words(complete([])) == []


def test_tables_for_people() -> None:
    table = complete([row_of(gained=0.5, chance=0.25, mutation_2=0.125)])
    (cells,) = shown(table).to_dict("records")
    assert cells["gain it"] == "50.0 [45.6, 54.4]"
    assert (cells["random step"], cells["no step"]) == ("25.0 [21.4, 29.0]", "10.0 [7.7, 12.9]")
    assert shown_briefly(table).splitlines()[1].split() == [
        *("sink", "1", "50.0", "[45.6,", "54.4]", "25.0", "12.5", *GAINS.split())
    ]


def test_the_line_where_nothing_is_measured() -> None:
    nothing = complete([])
    for latent, reason in ((0, "the model has no latent space"), (4, "too few automata have")):
        text = EvaluationOutcome({"latent": latent}, nothing).text()
        (line,) = [line for line in text.splitlines() if line.startswith("attribute")]
        assert reason in line
    assert EvaluationOutcome({"latent": 0}, nothing).as_json()["attributes"] == []


# --- written and read -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that was evaluated from the command line."""
    place = tmp_path_factory.mktemp("evaluated")
    make_evaluated(place, "--count 400", "--epochs 2 --held-out 0.3")
    return place


def make_evaluated(place: Path, rows: str, training: str) -> None:
    """Make a dataset and a model of it, evaluated."""
    import pipeline

    small = "--latent 4 --embedding 4 --channels 8 --convolutions 1 --hidden 16"
    for line in (
        f"generate -n 5 {rows} --out {place}/data --workers 1",
        f"train --data {place}/data --out {place}/model {training} {small}",
        f"evaluate --model {place}/model --device cpu --workers 1",
    ):
        with unrendered():
            pipeline.cli.main(line.split(), standalone_mode=False)


@pytest.fixture
def place(evaluated: Path, tmp_path: Path) -> Path:
    """A copy of it, to damage."""
    return Path(shutil.copytree(evaluated / "model", tmp_path / "model"))


def test_what_was_written_is_read(evaluated: Path) -> None:
    table = read_attributes(evaluated / "model")
    assert table is not None
    assert "threshold" in table["attribute"].tolist() and len(table) > 2
    assert (table["parents"] >= LEAST_ROWS // 2).all()
    for share in SHARES:
        inside = table[f"{share}_low"].le(table[share]) & table[share].le(table[f"{share}_high"])
        assert inside.all(), share
    assert table[table["attribute"] != "threshold"][THRESHOLD_COLUMNS].isna().all(axis=None)
    assert "attributes" not in (read_evaluation(evaluated / "model") or {})


def test_the_command_line(evaluated: Path, call: Callable) -> None:
    line = ["evaluate", "--model", evaluated / "model", "--device", "cpu", "--workers", 1]
    before = (evaluated / "model" / "attributes.csv").read_bytes()
    answer = call(line)
    table = read_attributes(evaluated / "model")
    assert table is not None
    assert (evaluated / "model" / "attributes.csv").read_bytes() == before
    assert "\n\nAttribute arithmetic: " in answer.out
    for row in table.itertuples():
        assert f"{row.attribute} " in answer.out and row.verdict in answer.out
    printed = json.loads(call([*line, "--json"]).out)
    assert [row["attribute"] for row in printed["attributes"]] == table["attribute"].tolist()
    assert printed["attributes"][0]["predicted_before"] is None
    assert printed["attributes"][-1]["verdict"] == table["verdict"].iloc[-1]
    missing = call([*line, "--class", "completely-reachable", "--class", "aperiodic"])
    assert missing.code == 3 and len(missing.complaints()) == 1


def test_the_page_of_a_model(evaluated: Path, call: Callable) -> None:
    table = read_attributes(evaluated / "model")
    assert table is not None
    assert call(["report", evaluated / "model", "--limit", 5]).code == 0
    page = (evaluated / "model" / "report.html").read_text()
    assert "<h3>Attribute arithmetic</h3>" in page
    for sentence in in_words(table):
        assert sentence in page
    for name in table["attribute"]:
        assert f"<td>{name}</td>" in page


def test_a_page_without_attributes(tmp_path: Path, call: Callable) -> None:
    make_evaluated(tmp_path, "--count 100", "--epochs 1 --held-out 0.15")
    table = read_attributes(tmp_path / "model")  # 15 held-out automata: too few
    assert table is not None and len(table) == 0
    out = tmp_path / "page.html"
    assert call(["report", tmp_path / "model", "--limit", 5, "--out", out]).code == 0
    assert "<h3>Evaluation</h3>" in out.read_text()
    assert "Attribute arithmetic" not in out.read_text()


def sealed(place: Path, content: str) -> None:
    """Write a table and put the SHA-256 of it and of the evaluation right."""
    (place / "attributes.csv").write_text(content)
    record = json.loads((place / "evaluation.json").read_text())
    open_seal(record)
    write_sealed(
        place / "evaluation.json",
        record | {"attributes_sha256": sha256(content.encode()).hexdigest()},
    )


def test_damage(place: Path, call: Callable) -> None:
    path = place / "attributes.csv"
    whole = path.read_bytes()
    for damaged in (whole[:-9], whole.replace(b"0.", b"1.", 1), b"", whole + b"\n"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"attributes\.csv: damaged, or of another evaluation"):
            read_attributes(place)
    answer = call(["report", place, "--limit", 5])
    assert answer.code == 3 and "attributes.csv: damaged" in answer.complaints()[0]
    path.unlink()
    with pytest.raises(DataError, match=r"attributes\.csv: no such file"):
        read_attributes(place)
    path.symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"attributes\.csv: not a regular file"):
        read_attributes(place)


def forged(table: pd.DataFrame, column: str, value: object) -> str:
    table = table.astype(object)
    table.loc[table.index[-1], column] = value
    return str(table.to_csv(index=False))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("verdict", "works wonders", "does not follow from the shares"),
        ("gained_low", 0.99, "does not follow from the shares"),
        ("gained", 0.987654321, "does not follow from the shares"),
        ("gained", 1.5, "gained '1.5' is not a number in 0..1"),
        ("chance", "nan", "chance 'nan' is not a number"),
        ("parents", 0, "parents '0' is not a whole number in 1.."),
        ("attribute", "<script>alert(1)</script>", "attributes .*<script>"),
        ("attribute", "sink\x1b[2J", "is no text that is shown"),
        ("attribute", "=1+1", "attributes "),
        ("changed", "inf", "changed 'inf' is not a number"),
        ("predicted_after", "inf", "predicted_after 'inf' is not a number"),
    ],
)
def test_forgeries_with_the_checksums_put_right(
    place: Path, column: str, value: object, message: str
) -> None:
    table = read_attributes(place)
    assert table is not None
    sealed(place, forged(table, column, value))
    with pytest.raises(DataError, match=message) as raised:
        read_attributes(place)
    assert "attributes.csv" in str(raised.value) and "\n" not in str(raised.value)


def test_other_forgeries(place: Path) -> None:
    table = read_attributes(place)
    assert table is not None
    whole = (place / "attributes.csv").read_text()
    for content, message in [
        (whole + whole.splitlines()[-1] + "\n", "attributes "),  # a row twice
        (whole.replace("attribute,", "name,", 1), "its columns are not"),
        ("", "its columns are not"),
    ]:
        sealed(place, content)
        with pytest.raises(DataError, match=message):
            read_attributes(place)
    sealed(place, whole)
    assert read_attributes(place) is not None


def test_a_table_of_another_evaluation(place: Path, call: Callable) -> None:
    before = (place / "attributes.csv").read_bytes()
    line = ["evaluate", "--model", place, "--device", "cpu", "--workers", 1, "--seed", 1]
    assert call(line).code == 0
    assert (place / "attributes.csv").read_bytes() != before
    (place / "attributes.csv").write_bytes(before)
    with pytest.raises(DataError, match="of another evaluation: evaluate again"):
        read_attributes(place)


def test_evaluations_of_earlier_versions(place: Path, call: Callable) -> None:
    record = json.loads((place / "evaluation.json").read_text())
    open_seal(record)
    del record["attributes_sha256"]
    write_sealed(place / "evaluation.json", record)
    assert read_attributes(place) is None
    assert call(["report", place, "--limit", 5]).code == 0
    assert "Attribute arithmetic" not in (place / "report.html").read_text()
    (place / "evaluation.json").unlink()
    assert read_attributes(place) is None


def test_weights_of_another_training(place: Path) -> None:
    record = json.loads((place / "evaluation.json").read_text())
    open_seal(record)
    write_sealed(place / "evaluation.json", record | {"model_sha256": "0" * 64})
    with pytest.raises(DataError, match="trained further since"):
        read_attributes(place)


def test_a_table_is_not_overwritten_by_other_commands(place: Path, call: Callable) -> None:
    answer = call(["report", place, "--limit", 5, "--out", place / "attributes.csv"])
    assert answer.code != 0 and "is a file of a run" in answer.complaints()[0]
