"""Search that learns from its finds: budgets, what is learned from, sources, turns, and tables."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import pipeline
from automata.canonical import canonical_forms
from automata.properties import in_classes
from automata.solver.exact import reset_thresholds
from automata.text.formats import format_delta
from data.damage import DataError
from data.dataset import Dataset
from search.arms import retrain
from search.arms.account import Arm
from search.arms.decode import NotFiniteError
from search.arms.oracle import Oracle
from search.arms.proposals import plain_proposals
from search.arms.ranked import Ranked
from search.arms.retrain import Learning, run_retraining
from search.configs import EVOLVING, LEARNING, LatentConfig, RetrainConfig
from search.run import SearchConfig, SearchResult, search
from search.summary import SOURCE_COLUMNS
from search.verified import verify_candidates
from tests import naive
from tests.search.small import SMALL, K, N
from vae import numbered
from vae.encoding import decode_tokens
from vae.model import VAE, ModelConfig

pytestmark = pytest.mark.usefixtures("one_thread", "unrendered", "few_dots")

SEED, BUDGET, ROUNDS = 3, 90, 3
LEARN = RetrainConfig(
    retrain=ROUNDS, retrain_steps=4, retrain_batch=16, retrain_parents=20, screen=1, evolution=0.4
)
SCREENED = replace(LEARN, screen=4)
CONFIG = SearchConfig(
    mode="prior",
    budget=BUDGET,
    keep=400,
    seed=SEED,
    latent=LatentConfig(parents=60, batch=64, temperature=1.0),
    learning=LEARN,
)
LATENT = ["posterior", "interpolation", "encode-decode"]


@pytest.fixture(scope="module")
def result(model, training) -> SearchResult:
    return search(model, training, CONFIG)


def texts(result: SearchResult) -> list[str]:
    tables = (result.candidates, result.summary, result.sources)
    return [table.to_csv(index=False) for table in tables]


def run_arm(model, training, mode, *, config=CONFIG, seed=0) -> Arm:
    """Run one arm that learns on an oracle of its own."""
    oracle = Oracle(training.n, training.k, training, classes=config.classes)
    arm = Arm(oracle, mode, 0, config.budget)
    rng = np.random.default_rng(seed)
    allowed = training.of_classes(config.classes)
    run_retraining(rng, arm, model, allowed, config, lambda calls: None, {})
    return arm


def forms_of(deltas) -> set[tuple[int, ...]]:
    return {*map(tuple, canonical_forms(deltas).tolist())}


# --- what is known ----------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(0, 299), max_size=30), max_size=5), st.integers(1, 50))
def test_what_is_known_is_sorted_and_the_newest_come_first(training, batches, best):
    oracle = Oracle(N, K, training)
    ranked, told, seen = Ranked(oracle, np.empty(0, np.int64)), [], set()
    for batch in batches:
        fresh = [number for number in dict.fromkeys(batch) if number not in seen]
        seen |= {*fresh}
        told += fresh
        ranked.add(np.array(fresh, np.int64))
    labels = training.reset_thresholds
    wanted = sorted(reversed(told), key=lambda number: -labels[number])
    wanted = [number for number in wanted if labels[number] >= 0]
    assert ranked.numbers.tolist() == wanted
    assert ranked.thresholds.tolist() == [labels[number] for number in wanted]
    rows = np.arange(len(wanted))[:best]
    assert np.array_equal(ranked.deltas(rows), training.deltas[wanted[:best]])
    if wanted:
        drawn = ranked.draw(np.random.default_rng(0), 200, best, 0.5)
        assert {*drawn.tolist()} <= {*range(min(best, len(wanted)))}


def test_automata_that_do_not_synchronize_are_not_known():
    deltas = np.array([[[0, 1]], [[0, 0]]], np.uint8)
    deltas = np.sort(deltas, axis=0)
    training = Dataset(deltas, reset_thresholds(deltas), np.full(2, "uniform"))
    ranked = Ranked(Oracle(2, 1, training), np.arange(2))
    assert ranked.thresholds.tolist() == [1]


# --- budgets and counts -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", LEARNING)
@pytest.mark.parametrize("learning", [LEARN, SCREENED])
@pytest.mark.parametrize(("budget", "rounds"), [(90, 3), (7, 20), (100, 1), (1, 1)])
def test_the_budget_is_spent_and_never_exceeded(model, training, mode, learning, budget, rounds):
    config = replace(CONFIG, budget=budget, learning=replace(learning, retrain=rounds))
    arm = run_arm(model, training, mode, config=config)
    assert arm.calls == arm.oracle.calls == budget
    new = forms_of(arm.found()[1].deltas) - forms_of(training.deltas)
    assert len(new) == budget


@pytest.mark.parametrize("mode", LEARNING)
def test_each_source_has_its_share_of_each_round(model, training, mode, monkeypatch):
    spent = []
    submit = Arm.submit

    def watched(arm, proposals, *, source=None, limit=None):
        answer = submit(arm, proposals, source=source, limit=limit)
        spent.append((source, answer.calls))
        return answer

    monkeypatch.setattr(Arm, "submit", watched)
    arm = run_arm(model, training, mode)
    turns = LATENT + (["evolution"] if mode == EVOLVING else [])
    assert [*arm.tallies] == turns
    order = [source for source, _ in spent]
    changes = [own for own, before in zip(order, [None, *order], strict=False) if own != before]
    assert changes == turns * ROUNDS
    shares = {"posterior": 0.4, "interpolation": 0.2, "encode-decode": 0.4}
    for source, tally in arm.tallies.items():
        assert tally.calls == sum(calls for name, calls in spent if name == source)
        share = 0.4 if source == "evolution" else shares[source]
        if mode == EVOLVING and source != "evolution":
            share *= 0.6
        assert abs(tally.calls - BUDGET * share) <= ROUNDS
        assert tally.calls <= tally.valid <= tally.proposed


def test_a_source_that_finds_nothing_new_gives_way(model, training, monkeypatch):
    def nothing(learning, count):
        return retrain.posterior(learning, count).take(np.empty(0, np.int64))

    monkeypatch.setitem(retrain.SOURCES, "interpolation", nothing)
    arm = run_arm(model, training, "retrain")
    assert arm.tallies["interpolation"].calls == 0
    assert arm.calls == BUDGET


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (2, 2), (3, 2)])
def test_a_space_without_anything_new(n, k):
    deltas = np.array([*naive.all_automata(n, k)], np.uint8)
    _, first = np.unique(canonical_forms(deltas), axis=0, return_index=True)
    forms = canonical_forms(deltas)[first]
    deltas = forms.reshape(-1, n, k).transpose(0, 2, 1)
    training = Dataset(deltas, reset_thresholds(deltas), np.full(len(forms), "uniform"))
    own = VAE(ModelConfig(n=n, k=k, decoder="repeat", **SMALL)).eval()
    for mode in LEARNING:
        assert run_arm(own, training, mode).calls == 0


# --- what is learned from ---------------------------------------------------------------------


@pytest.fixture
def lessons(monkeypatch) -> list[tuple]:
    """Every batch that is learned from: the model, automata and thresholds."""
    seen = []
    step = retrain.step_on_numberings

    def watched(model, deltas, thresholds, training):
        step(model, deltas, thresholds, training)
        seen.append((model, deltas, thresholds))

    monkeypatch.setattr(retrain, "step_on_numberings", watched)
    return seen


@pytest.mark.parametrize("mode", LEARNING)
def test_finds_join_what_is_learned_from(model, training, mode, lessons):
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    even = replace(LEARN, retrain_batch=200, retrain_softness=10)
    config = replace(CONFIG, learning=even)
    arm = run_arm(model, training, mode, config=config)
    assert len(lessons) == ROUNDS * LEARN.retrain_steps
    known = forms_of(training.deltas)
    numbers, proposals = arm.found()
    found_at = arm.trace().found_at
    for place, (_, deltas, thresholds) in enumerate(lessons):
        past = place // LEARN.retrain_steps * BUDGET // ROUNDS  # calls of the rounds before
        finds = forms_of(proposals.deltas[(found_at <= past) & (numbers >= len(training))])
        learned = forms_of(deltas)
        assert learned <= known | finds
        assert bool(learned - known) == (past > 0)
        assert thresholds.tolist() == [*map(naive.reset_threshold, deltas)]
    learner = lessons[-1][0]
    assert learner is not model
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, before[name])
    changed = [not torch.equal(w, before[name]) for name, w in learner.state_dict().items()]
    assert any(changed)


def test_the_longest_thresholds_are_learned_from_most(model, training, lessons):
    run_arm(model, training, "retrain", config=replace(CONFIG, budget=3))
    drawn = np.concatenate([thresholds for _, _, thresholds in lessons])
    assert drawn.mean() > training.reset_thresholds.mean() + 1


def test_automata_are_learned_from_in_other_numberings(model, training, monkeypatch):
    seen = []
    take = numbered.take_step

    def watched(model, optimizer, tokens, ratios, generator, config):
        seen.append((tokens, ratios))
        return take(model, optimizer, tokens, ratios, generator, config)

    monkeypatch.setattr(numbered, "take_step", watched)
    run_arm(model, training, "retrain", config=replace(CONFIG, budget=3))
    tokens = torch.cat([tokens for tokens, _ in seen])
    ratios = torch.cat([ratios for _, ratios in seen])
    deltas = decode_tokens(tokens.numpy())
    assert forms_of(deltas) <= forms_of(training.deltas)
    assert ratios.numpy() == pytest.approx(reset_thresholds(deltas) / 16)
    flat = deltas.transpose(0, 2, 1).reshape(len(deltas), -1)
    assert 0.2 < (flat != canonical_forms(deltas)).any(1).mean() < 1


# --- turns ------------------------------------------------------------------------------------


def test_the_turns_share_one_archive(model, training):
    """Children of evolution descend from finds of the model, and the other way round."""
    config = replace(CONFIG, budget=600, learning=replace(LEARN, retrain=6))
    arm = run_arm(model, training, EVOLVING, config=config)
    numbers, proposals = arm.found()
    names = np.array([*arm.tallies])[arm.found_by()]
    finder = dict(zip(numbers.tolist(), names.tolist(), strict=True))
    descents = {
        (finder[parent] == "evolution", name == "evolution")
        for parent, name in zip(proposals.parents[:, 0].tolist(), names.tolist(), strict=True)
        if parent >= len(training)
    }
    assert descents == {(False, True), (True, False), (True, True), (False, False)}
    places = {number: place for place, number in enumerate(numbers.tolist())}
    for place, parents in enumerate(proposals.parents.tolist()):
        assert all(places[parent] < place for parent in parents if parent >= len(training))


def test_children_differ_from_their_parents_by_one_change(model, training):
    arm = run_arm(model, training, EVOLVING, config=replace(CONFIG, budget=60))
    numbers, proposals = arm.found()
    own = np.array([*arm.tallies])[arm.found_by()] == "evolution"
    own &= numbers >= len(training)
    assert own.sum() >= 20
    parents = arm.oracle.forms(proposals.parents[own, 0]).reshape(-1, N, K).transpose(0, 2, 1)
    changed = (parents != proposals.deltas[own]).sum((1, 2))
    assert {*changed.tolist()} == {1, 2}
    assert np.isnan(proposals.alpha[own]).all() and not proposals.repaired[own].any()


def test_without_a_share_there_are_no_turns(model, training):
    without = replace(CONFIG, budget=5, learning=replace(LEARN, evolution=0))
    assert search(model, training, without).summary["mode"].tolist()[:2] == ["prior", "retrain"]


def test_only_the_share_of_evolution_tells_the_arms_apart(model, training):
    without = replace(CONFIG, learning=replace(LEARN, evolution=0))
    alone, turns = (run_arm(model, training, mode, config=without) for mode in LEARNING)
    assert np.array_equal(alone.found()[0], turns.found()[0])
    whole = replace(CONFIG, learning=replace(LEARN, evolution=1))
    tallies = run_arm(model, training, EVOLVING, config=whole).tallies
    assert [*tallies] == ["evolution"] and tallies["evolution"].calls == BUDGET


# --- screening ---------------------------------------------------------------------------------


def test_those_with_the_longest_predicted_thresholds_are_solved(model, training, monkeypatch):
    seen = []
    predict, submit = Learning.predict, Arm.submit

    def predicted(learning, proposals):
        seen.append((proposals, predict(learning, proposals)))
        return seen[-1][1]

    def submitted(arm, proposals, *, source=None, limit=None):
        drawn, values = seen[-1]
        order = np.argsort(-values, kind="stable")
        assert np.array_equal(proposals.deltas, drawn.deltas[order])
        before = arm.calls
        answer = submit(arm, proposals, source=source, limit=limit)
        assert arm.calls - before <= -(-len(order) // 4)
        return answer

    monkeypatch.setattr(Learning, "predict", predicted)
    monkeypatch.setattr(Arm, "submit", submitted)
    arm = run_arm(model, training, EVOLVING, config=replace(CONFIG, learning=SCREENED))
    assert arm.calls == BUDGET
    assert len(seen) >= 4 * ROUNDS


def test_prediction_is_a_mean_over_numberings(model, training):
    """It does not depend on how states and letters are numbered, but for the numberings drawn."""
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    ranked = Ranked(Oracle(N, K, training), np.arange(len(training)))
    learning = Learning(model, ranked, LEARN, CONFIG.latent, rng, generator)
    few = training.deltas[:5]
    predictions = [learning.predict(plain_proposals(few)) for _ in range(200)]
    renamed = [learning.predict(plain_proposals(few[:, ::-1])) for _ in range(200)]
    assert np.std(predictions, axis=0).max() > 0
    assert np.mean(predictions, axis=0) == pytest.approx(np.mean(renamed, axis=0), abs=0.02)


def test_without_screening_nothing_is_predicted(model, training, monkeypatch):
    monkeypatch.setattr(Learning, "predict", None)
    assert run_arm(model, training, "retrain").calls == BUDGET


# --- within classes ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", LEARNING)
def test_nothing_outside_the_classes_is_found_or_learned_from(model, training, mode, lessons):
    classes = ("sink", "not-permutation-letter")
    arm = run_arm(model, training, mode, config=replace(CONFIG, budget=40, classes=classes))
    assert arm.calls > 0
    seen = [arm.found()[1].deltas, *(deltas for _, deltas, _ in lessons)]
    assert in_classes(np.concatenate(seen), ("synchronizing", *classes)).all()


def test_no_row_of_the_training_set_in_the_classes(model, training):
    kept = ~in_classes(training.deltas, ("sink",))
    few = training.take(kept)
    with pytest.raises(DataError, match="^0 of .* training automata are of class sink, but"):
        search(model, few, replace(CONFIG, classes=("sink",)))


def test_no_row_of_the_training_set_synchronizes(model):
    deltas = np.array([[[0, 1, 2, 3, 4]] * K], np.uint8)
    broken = Dataset(deltas, np.array([-1], np.int32), np.array(["uniform"]))
    with pytest.raises(DataError, match="^no training automaton synchronizes: nothing to learn"):
        run_arm(model, broken, "retrain")


def test_training_that_diverges(model, training):
    config = replace(CONFIG, learning=replace(LEARN, retrain_rate=10, retrain_steps=60))
    wild = VAE(model.config)
    with torch.no_grad():
        for weight in wild.parameters():
            weight.fill_(1e38)
    with pytest.raises(NotFiniteError):
        run_arm(wild, training, "retrain", config=config)


# --- tables -----------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_tables(model, training, result):
    assert texts(search(model, training, CONFIG, workers=2)) == texts(result)
    other = search(model, training, replace(CONFIG, seed=SEED + 1))
    learned = [table[table["mode"].isin(LEARNING)] for table in (result.summary, other.summary)]
    assert not learned[0].equals(learned[1])


def test_other_arms_do_not_depend_on_those_that_learn(model, training, result):
    without = search(model, training, replace(CONFIG, learning=RetrainConfig()))
    assert not without.summary["mode"].isin(LEARNING).any() and len(without.sources) == 0
    rows = result.summary[~result.summary["mode"].isin(LEARNING)].reset_index(drop=True)
    pd.testing.assert_frame_equal(without.summary, rows)
    assert result.summary["mode"].tolist() == ["prior", *LEARNING, "uniform", "mutation", "evolve"]


def test_sources_add_up(result, training):
    table = result.sources
    assert [*table.columns] == SOURCE_COLUMNS
    assert table["source"].tolist() == [*LATENT, *LATENT, "evolution"]
    arms = result.summary.set_index("mode")
    for mode, rows in table.groupby("mode"):
        assert rows["calls"].sum() == arms.loc[mode, "calls"] == BUDGET
        assert rows["proposed"].sum() == arms.loc[mode, "decoded"]
        assert rows["valid"].sum() == arms.loc[mode, "valid_after_repair"]
        assert rows["best_threshold"].max() == arms.loc[mode, "best_threshold"]
        hits = (rows["hits_0.6"] * rows["calls"]).sum() / 1000
        assert hits == pytest.approx(arms.loc[mode, "hits_0.6"] * BUDGET / 1000, abs=0.1)


def test_parents_are_finds_too(result, training):
    own = result.candidates[result.candidates["mode"].isin(LEARNING)]
    known = {format_delta(delta) for delta in training.deltas}
    parents = {*own["parent_a"], *own["parent_b"]} - {""}
    assert parents & known and parents - known
    assert not (own["parent_a"] == "").any()


def test_seconds_count_training(result):
    assert {*result.seconds} == {*result.summary["mode"]}
    for mode, spent in result.seconds.items():
        assert ("train" in spent) == (mode in LEARNING)
        assert 0 <= spent.get("train", 0) <= spent["all"]


# --- the command ------------------------------------------------------------------------------


def words(runs: Path, out: Path, *more: str) -> list[str]:
    fixed = ["--model", str(runs / "model"), "--data", str(runs / "data"), "--out", str(out)]
    small = "--mode prior --budget 40 --batch 64 --parents 40 --workers 1 --device cpu".split()
    return ["search", *fixed, *small, *more]


RETRAIN = "--retrain 2 --retrain-steps 3 --retrain-batch 16".split()


@pytest.fixture(scope="module")
def folder(runs, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("search") / "run"
    answer = CliRunner().invoke(pipeline.cli, words(runs, out, *RETRAIN), catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    for title in ("Sources of the arms that learn", "Wall time, and hits per second"):
        assert title in answer.stdout
    return out


def test_the_command_writes_the_tables(runs, folder):
    assert verify_candidates(folder / "candidates.csv") > 0
    sources = pd.read_csv(folder / "sources.csv")
    assert {*sources["mode"]} == {*LEARNING}
    seconds = json.loads((folder / "seconds.json").read_text())
    assert {*seconds} == {"prior", *LEARNING, "uniform", "mutation", "evolve"}
    record = json.loads((folder / "run.json").read_text())["config"]
    assert record["learning"]["retrain"] == 2


def test_the_same_command_gives_the_same_bytes(runs, folder):
    names = ("candidates.csv", "summary.csv", "sources.csv", "checksums.json")
    before = {name: (folder / name).read_bytes() for name in names}
    answer = CliRunner().invoke(pipeline.cli, [*words(runs, folder, *RETRAIN), "--json"])
    assert answer.exit_code == 0, answer.output
    assert {name: (folder / name).read_bytes() for name in names} == before
    found = json.loads(answer.stdout)
    modes = [row["mode"] for row in found["times"]]
    assert modes == [row["mode"] for row in found["summary"]] and {*LEARNING} < {*modes}
    assert len(found["sources"]) == 7


def test_without_rounds_nothing_is_new(runs, tmp_path):
    answer = CliRunner().invoke(
        pipeline.cli, [*words(runs, tmp_path / "run", "--retrain", "0"), "--json"]
    )
    assert answer.exit_code == 0, answer.output
    assert not {"sources.csv", "seconds.json"} & {
        path.name for path in (tmp_path / "run").iterdir()
    }
    assert "learning" not in json.loads((tmp_path / "run" / "run.json").read_text())["config"]
    assert not {"sources", "times"} & {*json.loads(answer.stdout)}


def test_the_page_shows_sources_and_seconds(folder, tmp_path):
    out = tmp_path / "report.html"
    answer = CliRunner().invoke(
        pipeline.cli, ["report", str(folder), "--out", str(out), "--limit", "3"]
    )
    assert answer.exit_code == 0, answer.output
    page = out.read_text()
    for text in (*LEARNING, "Where the finds of the arms that learn come from", "hits per second"):
        assert text in page


@pytest.mark.parametrize("content", ["[]", '{"retrain": 3}', '{"retrain": {"train": 1}}', "{"])
def test_a_page_with_damaged_seconds(folder, tmp_path, content):
    kept = (folder / "seconds.json").read_text()
    (folder / "seconds.json").write_text(content)
    try:
        command = ["report", str(folder), "--out", str(tmp_path / "report.html")]
        answer = CliRunner().invoke(pipeline.cli, command)
    finally:
        (folder / "seconds.json").write_text(kept)
    assert isinstance(answer.exception, DataError) and "seconds.json" in str(answer.exception)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"retrain": -1}, r"retrain=-1 is not in 0\.\."),
        ({"retrain_steps": 0}, r"retrain-steps=0 is not in 1\.\."),
        ({"retrain_rate": 0.0}, "retrain-rate=0"),
        ({"retrain_softness": 0.0}, "retrain-softness=0"),
        ({"retrain_parents": 0}, "retrain-parents=0"),
        ({"screen": 0}, r"screen=0 is not in 1\.\."),
        ({"evolution": 1.5}, r"evolution=1\.5"),
    ],
)
def test_settings_out_of_range(value, message):
    with pytest.raises(ValueError, match=message):
        RetrainConfig(**value)
