"""A whole search: what its tables say, in which order, and that every forgery is found."""

import copy
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

import pipeline
from automata.canonical import canonical_forms, from_canonical
from automata.identification import identify
from automata.sampling import sample_uniform
from automata.solver.either import thresholds_of
from automata.solver.exact import reset_thresholds
from automata.text.formats import parse_delta, parse_word
from data.best_known import Scale
from data.damage import DataError
from data.dataset import Dataset
from data.streams import stream
from search.arms.account import Arm
from search.arms.baselines import BASELINES
from search.arms.decode import Repaired
from search.arms.modes import MODES, LatentConfig
from search.candidates import CANDIDATE_COLUMNS
from search.evaluation import measures as evaluation
from search.evaluation.measures import evaluate
from search.run import SearchConfig, SearchResult, search, write_tables
from search.summary import SUMMARY_COLUMNS
from search.verified import verify_candidates
from tests import naive
from tests.search.small import SMALL, K, N
from vae.config import PATHS
from vae.model import VAE, ModelConfig, NotFiniteError

pytestmark = pytest.mark.usefixtures("one_thread")

SEED = 3
LATENT = LatentConfig(parents=60, batch=64, rounds=2, temperature=1.0)
CONFIG = SearchConfig(budget=60, keep=150, seed=SEED, latent=LATENT)
ARMS = [(mode, round) for mode in MODES for round in ((1, 2) if mode == "encode-decode" else (0,))]
ARMS += [(baseline, 0) for baseline in BASELINES]


@pytest.fixture(scope="module")
def whole(model, training) -> tuple[SearchResult, list[Arm]]:
    """The result of all modes, and the arms behind it."""
    arms: list[Arm] = []

    def open_arm(*args):
        arms.append(Arm(*args))
        return arms[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.run.Arm", open_arm)
        return search(model, training, CONFIG, labelling_calls=4000), arms


@pytest.fixture(scope="module")
def result(whole) -> SearchResult:
    return whole[0]


@pytest.fixture(scope="module")
def arms(whole) -> dict[tuple[str, int], Arm]:
    return {(arm.mode, arm.round): arm for arm in whole[1]}


def texts(result: SearchResult) -> tuple[str, str]:
    return result.candidates.to_csv(index=False), result.summary.to_csv(index=False)


# --- what was searched ------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_tables(model, training, result):
    again = search(model, training, CONFIG, labelling_calls=4000, workers=2)
    assert texts(again) == texts(result)
    other = search(model, training, replace(CONFIG, seed=SEED + 1), labelling_calls=4000)
    assert all(own != its for own, its in zip(texts(result), texts(other), strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_alone_finds_what_it_finds_among_all(model, training, result, mode):
    alone = search(model, training, replace(CONFIG, mode=mode), labelling_calls=4000)
    rows = result.summary[result.summary["mode"].isin([mode, *BASELINES])]
    pd.testing.assert_frame_equal(alone.summary, rows.reset_index(drop=True))
    assert {*alone.candidates["mode"]} == {mode}


def test_no_two_arms_are_the_same(arms):
    assert [*arms] == ARMS
    sequences = {arm.found()[1].deltas[:20].tobytes() for arm in arms.values()}
    assert len(sequences) == len(ARMS)
    alphas = [tuple(arms[mode, 0].found()[1].alpha) for mode in MODES[:3]]
    assert len({*alphas}) == 3


def test_random_numbers_are_not_those_of_the_training_set(arms):
    proposed = arms["uniform", 0].found()[1].deltas[0]
    for shard in range(32):
        rng = stream(SEED, "generate", shard)
        assert not (sample_uniform(rng, 64, N, K) == proposed).all((1, 2)).any(), shard


def test_the_evolved_training_set_stays_below_its_ceiling(training):
    assert training.reset_thresholds.max() == 9  # 0.6 of 16


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (2, 2), (3, 2)])
def test_a_space_without_anything_new(n, k):
    deltas = np.array([*naive.all_automata(n, k)], np.uint8)
    forms = np.unique(canonical_forms(deltas), axis=0)
    deltas = from_canonical(forms, n, k)
    training = Dataset(deltas, reset_thresholds(deltas), np.full(len(forms), "uniform"))
    model = VAE(ModelConfig(n=n, k=k, decoder="repeat", **SMALL)).eval()
    found = search(model, training, replace(CONFIG, budget=5, latent=replace(LATENT, parents=9)))
    assert not found.summary[["novel", "calls"]].any(axis=None)
    assert (found.summary["best_threshold"] == -1).all()
    assert len(found.found) == 0
    assert not found.candidates["novel"].any()


# --- the tables -------------------------------------------------------------------------------


def form_of(delta) -> tuple[int, ...]:
    return tuple(canonical_forms(delta[None])[0].tolist())


def test_candidates(result, training, arms):
    table = result.candidates
    assert [*table.columns] == CANDIDATE_COLUMNS
    assert table["rank"].tolist() == [*range(1, len(table) + 1)]
    known = {*map(tuple, training.forms.tolist())}
    first = {}  # the first mode that found it, its first proposal
    for (mode, step), arm in arms.items():
        if mode not in BASELINES:
            for delta, _, repaired, parents, alpha in zip(*arm.found()[1], strict=True):
                origin = (mode, step, int(repaired), *parents.tolist(), alpha)
                first.setdefault(form_of(delta), origin)
    lengths = {form: naive.reset_threshold([form[a::K] for a in range(K)]) for form in first}
    order = sorted(first, key=lambda form: (-lengths[form], form in known, form))
    forms = [tuple(map(int, text.split(" "))) for text in table["canonical"]]
    assert forms == order[: CONFIG.keep]
    novel = [length for form, length in lengths.items() if form not in known]
    assert sorted(result.found.tolist()) == sorted(novel)

    for row, form in zip(table.itertuples(), forms, strict=True):
        delta, word = parse_delta(row.delta), parse_word(row.word)
        assert (row.n, row.k) == (N, K)
        assert delta.T.ravel().tolist() == [*form] == [*form_of(delta)]
        assert len(naive.apply(delta, range(N), word)) == 1
        assert word == naive.shortest_reset_word(delta)
        assert row.reset_threshold == len(word) == lengths[form]
        assert (row.cerny_bound, row.gap) == (16, 16 - len(word))
        assert row.ratio == round(len(word) / 16, 4)
        assert row.novel == (form not in known)
        assert row.family == identify(delta[None])[0]
        mode, step, repaired, a, b, alpha = first[form]
        assert (row.mode, row.round, row.repaired) == (mode, step, repaired)
        for text, parent in [(row.parent_a, a), (row.parent_b, b)]:
            if parent < 0:
                assert text == ""
            else:
                assert np.array_equal(parse_delta(text), training.deltas[parent])
                assert training.reset_thresholds[parent] >= 8
        assert (mode not in (*PATHS, "encode-decode")) == math.isnan(row.alpha) == math.isnan(alpha)
        assert math.isnan(alpha) or row.alpha == round(alpha, 4)


def test_summary(result, training, arms):
    table = result.summary
    assert [*table.columns] == SUMMARY_COLUMNS
    assert [*zip(table["mode"], table["round"], strict=True)] == ARMS
    known = {*map(tuple, training.forms.tolist())}
    for row in table.itertuples():
        arm = arms[row.mode, row.round]
        assert (row.decoded, row.valid_as_decoded) == (arm.decoded, arm.as_decoded)
        assert row.valid_as_decoded <= row.valid_after_repair == arm.valid <= row.decoded
        deltas = arm.found()[1].deltas
        forms = [*map(tuple, canonical_forms(deltas).tolist())]
        assert row.distinct == len({*forms}) == len(forms)
        novel = [d for d, form in zip(deltas, forms, strict=True) if form not in known]
        assert row.novel == len(novel) == row.calls <= CONFIG.budget
        assert row.labelling_calls == (0 if row.mode == "uniform" else 4000)
        lengths = [naive.reset_threshold(delta) for delta in novel]
        assert row.best_threshold == max(lengths)
        assert row.mean_threshold == pytest.approx(np.mean(lengths), abs=1e-3)
        hits = [sum(t >= least for t in lengths) for least in (11, 9.6, 11.2, 12.8)]
        shown = [table.loc[row.Index, name] for name in SUMMARY_COLUMNS[-4:]]
        assert shown == pytest.approx([1000 * hit / row.calls for hit in hits], abs=1e-3)
    assert (table["calls"].tail(len(BASELINES)) == CONFIG.budget).all()


# --- verification -----------------------------------------------------------------------------


@pytest.fixture
def written(result, tmp_path) -> Path:
    write_tables(tmp_path, result)
    return tmp_path / "candidates.csv"


def test_verification_accepts_what_was_written(written, result):
    assert sorted(p.name for p in written.parent.iterdir()) == [
        *("candidates.csv", "checksums.json", "summary.csv")
    ]
    assert verify_candidates(written) == len(result.candidates)
    alone = Path(shutil.copy(written, written.parent / "copy.csv"))
    assert verify_candidates(alone) == len(result.candidates)


def change_first(text: str) -> str:
    """Another first entry, still a state."""
    return f"{(int(text[0]) + 1) % N}{text[1:]}"


def swap_letters(word: str) -> str:
    return word.translate(str.maketrans("ab", "ba"))


def claim_more(row: dict[str, str]) -> dict[str, str]:
    """A longer word that resets too, with all that follows from it."""
    threshold = int(row["reset_threshold"]) + 1
    return {
        "reset_threshold": str(threshold),
        "word": row["word"] + "a",
        "gap": str(16 - threshold),
        "ratio": str(round(threshold / 16, 4)),
    }


LARGE = "|".join([" ".join(map(str, range(40)))] * K)
FORGERIES = {
    "word": (lambda row: {"word": row["word"][:-1] + "c"}, "the word does not send"),
    "another word": (lambda row: {"word": "a" * len(row["word"])}, "the word does not send"),
    "shorter word": (lambda row: {"word": row["word"][1:]}, r"a word of \d+ letters"),
    "no word": (lambda row: {"word": ""}, "a word of 0 letters"),
    "not a word": (lambda row: {"word": "ab-ba"}, "-"),
    "threshold": (lambda row: {"reset_threshold": "7"}, "gap"),
    "no threshold": (lambda row: {"reset_threshold": ""}, ""),
    "a threshold in words": (lambda row: {"reset_threshold": "nine"}, "nine"),
    "longer": (claim_more, r"threshold \d+, but \d+ is proved"),
    "delta": (lambda row: {"delta": change_first(row["delta"])}, "canonical"),
    "delta out of range": (lambda row: {"delta": "5" + row["delta"][1:]}, r"'5' is outside 0\.\.4"),
    "negative delta": (lambda row: {"delta": "-1" + row["delta"][1:]}, "'-1' is outside"),
    "float delta": (lambda row: {"delta": "1.0" + row["delta"][1:]}, "'1.0' is not an integer"),
    "ragged delta": (lambda row: {"delta": row["delta"][:-2]}, "letter 1 has 4 entries"),
    "delta without a letter": (lambda row: {"delta": row["delta"].split("|")[0] + "|"}, "letter 1"),
    "no delta": (lambda row: {"delta": ""}, "letter 0"),
    "canonical": (lambda row: {"canonical": change_first(row["canonical"])}, "canonical"),
    "letters exchanged": (
        lambda row: {"delta": "|".join(row["delta"].split("|")[::-1])},
        "the word does not send|proved",
    ),
    "family": (lambda row: {"family": row["family"] + "X"}, "family"),
    "ratio": (lambda row: {"ratio": "0.9999"}, "ratio"),
    "no ratio": (lambda row: {"ratio": ""}, ""),
    "nan": (lambda row: {"ratio": "nan"}, "ratio"),
    "n": (lambda row: {"n": "6"}, "n is 6, but should be 5"),
    "k": (lambda row: {"k": "1"}, "k is 1, but should be 2"),
    "bound": (lambda row: {"cerny_bound": "25"}, "cerny_bound is 25, but should be 16"),
    "gap": (lambda row: {"gap": "0"}, "gap is 0, but should be"),
    "rank": (lambda row: {"rank": "70"}, "rank is 70, but should be"),
    "novel": (lambda row: {"novel": "yes"}, "novel is yes, but should be True or False"),
    "mode": (lambda row: {"mode": "best"}, "mode best"),
    "round": (lambda row: {"round": "-1"}, "round -1"),
    "alpha": (lambda row: {"alpha": "1.5"}, r"alpha is 1\.5"),
    "parent": (lambda row: {"parent_b": "0 1|1 0|0 0"}, "a parent of more states or other letters"),
    "large parent": (lambda row: {"parent_a": LARGE}, "a parent of more states or other letters"),
    "ragged parent": (lambda row: {"parent_a": "0 1|1"}, "letter 1 has 1 entries"),
}


def forge(path: Path, index: int, changes) -> None:
    """Change a row of a candidates file, and remove the checksums that would show it."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name, value in changes(table.loc[index].to_dict()).items():
        table.loc[index, name] = value
    table.to_csv(path, index=False)
    (path.parent / "checksums.json").unlink()


@pytest.mark.parametrize("index", [0, 6])
@pytest.mark.parametrize("name", FORGERIES)
def test_forged_rows(written, name, index):
    changes, message = FORGERIES[name]
    forge(written, index, changes)
    # two rows forged: the first one is named
    table = pd.read_csv(written, dtype=str, keep_default_na=False)
    table.loc[index + 3, "gap"] = "-3"
    table.to_csv(written, index=False)
    with pytest.raises(DataError, match=rf"^.*candidates\.csv: row {index + 1}: .*(?:{message})"):
        verify_candidates(written)


def test_rows_out_of_order(written):
    lines = written.read_text().splitlines(keepends=True)
    for other in (lines[5].replace("5,", "6,", 1), lines[4].replace("4,", "6,", 1)):
        (written.parent / "other.csv").write_text("".join([*lines[:6], other, *lines[7:]]))
        with pytest.raises(DataError, match="row 6: out of order"):
            verify_candidates(written.parent / "other.csv")


@pytest.mark.parametrize(
    ("name", "value"), [("parent_a", "0 0 0 0 0|0 0 0 0 0"), ("alpha", "0.5"), ("repaired", "9")]
)
def test_altered_columns_that_prove_nothing(written, name, value):
    table = pd.read_csv(written, dtype=str, keep_default_na=False)
    table.loc[2, name] = value
    table.to_csv(written, index=False)
    with pytest.raises(DataError, match="damaged"):
        verify_candidates(written)


def test_altered_checksums(written):
    checksums = json.loads((written.parent / "checksums.json").read_text())
    checksums["candidates.csv"] = checksums["summary.csv"]
    (written.parent / "checksums.json").write_text(json.dumps(checksums))
    with pytest.raises(DataError, match="damaged"):
        verify_candidates(written)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("fields", [1, 5, 9, 11, 12, 17])
def test_a_truncated_row(written, result, fields, alone):
    *rows, last = written.read_text().splitlines()
    written.write_text("\n".join([*rows, ",".join(last.split(",")[:fields])]))
    if alone:
        (written.parent / "checksums.json").unlink()
    with pytest.raises(DataError, match=f"row {len(result.candidates)}" if alone else ".") as error:
        verify_candidates(written)
    assert "\n" not in str(error.value)


def test_whole_rows_gone(written):
    lines = written.read_text().splitlines(keepends=True)
    written.write_text("".join(lines[:-1]))
    with pytest.raises(DataError, match="damaged"):
        verify_candidates(written)


@pytest.mark.parametrize("column", CANDIDATE_COLUMNS)
def test_a_missing_column(written, column):
    pd.read_csv(written, dtype=str).drop(columns=column).to_csv(written, index=False)
    with pytest.raises(DataError, match=f"not a candidates file, no column '{column}'; verify"):
        verify_candidates(written)


def test_a_page_of_prose_is_no_candidates_file() -> None:
    with pytest.raises(DataError) as error:
        verify_candidates(Path(__file__).parents[2] / "README.md")
    assert str(error.value).endswith(
        "README.md: not a candidates file, no column 'rank'; verify takes the candidates.csv of a "
        "run and the files of archive export"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines[:3], f"{lines[3]},more", *lines[4:]], "line 4 has 19 cells, not 18"),
        (lambda lines: [lines[0], f"{lines[1]},more", *lines[2:]], "a row has more cells than the"),
        (lambda lines: [*lines, 'a,"b'], "a quote is not closed"),
    ],
)
def test_rows_that_cannot_be_split(written, change, message) -> None:
    written.write_text("\n".join(change(written.read_text().splitlines())) + "\n")
    with pytest.raises(DataError, match=rf"candidates\.csv: not a CSV file \({message}"):
        verify_candidates(written)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a CSV file"),
        (b"\n", "not a CSV file"),
        (b"\xff\xfe\x00", "not a CSV file"),
        (",".join(CANDIDATE_COLUMNS).encode() + b"\n", "no rows"),
        (b"a,b\n1,2,3\n", "not a CSV file|not a candidates file"),
        (b'"a', "not a CSV file|not a candidates file"),
        (None, "no such file"),
    ],
)
def test_no_candidates_file(tmp_path, content, message):
    path = tmp_path / "candidates.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        verify_candidates(path)
    assert "\n" not in str(error.value)


# --- above the bound --------------------------------------------------------------------------


def test_a_threshold_above_the_bound_is_kept_and_announced(runs, result, tmp_path, monkeypatch):
    # what Scale reads; the ceiling of the dataset stays
    monkeypatch.setattr("data.best_known.best_known_length", lambda *size, **kind: 5)
    # what baselines find is the subject of another test
    no_limit = Scale(5, 2, recorded=99)
    monkeypatch.setattr("search.run.oracle_scale", lambda oracle: no_limit)
    monkeypatch.setattr("search.jobs.models.draw_search", lambda *_, **__: [])
    command = f"search --model {runs}/model --data {runs}/data --out {tmp_path}/out --workers 1"
    command += f" --budget 60 --keep 150 --seed {SEED} --parents 60 --batch 64 --rounds 2"
    command += " --temperature 1 --json"
    answer = CliRunner().invoke(pipeline.cli, command, catch_exceptions=False)
    assert answer.exit_code == 0
    table = pd.read_csv(tmp_path / "out" / "candidates.csv", keep_default_na=False)
    columns = ["rank", "reset_threshold", "word", "delta", "canonical", "novel", "mode"]
    pd.testing.assert_frame_equal(table[columns], result.candidates[columns], check_dtype=False)
    above = table["reset_threshold"] > 5
    assert table["gap"].tolist() == (5 - table["reset_threshold"]).tolist()
    assert above[: above.sum()].all()
    loud = [line for line in answer.stderr.splitlines() if "ABOVE THE ČERNÝ BOUND" in line]
    assert len(loud) == 1
    assert str(table["reset_threshold"].max()) in loud[0]
    json.loads(answer.stdout)


# --- evaluation and refusals ------------------------------------------------------------------


def test_evaluate(model, training, monkeypatch):
    monkeypatch.setattr(evaluation, "PRIOR_SAMPLES", 700)
    found = {
        repair: evaluate(model, training, held_out=0.2, repair=repair, seed=1) for repair in (0, 3)
    }
    for results in found.values():
        shares = [name for name in results if name.startswith(("exact", "valid", "synchron"))]
        for name in [*shares, "uniqueness", "novelty"]:
            assert 0 <= results[name] <= 1, name
        assert len(shares) == 5
        assert results["valid_as_decoded"] <= results["synchronizing_before_repair"]
        assert results["synchronizing_before_repair"] <= results["valid_after_repair"]
        assert results["held_out_rows"] == len(training.split(0.2)[1])
        assert 0 <= results["active_units"] <= results["latent"] == 4
        top = results["top_thresholds"]
        assert top == sorted(top, reverse=True)
        assert 0 < results["mean_threshold"] <= top[0]
        assert (len(top), results["prior_samples"]) == (5, 700)
    assert found[0]["valid_after_repair"] == found[0]["synchronizing_before_repair"]
    assert found[0]["valid_as_decoded"] == found[3]["valid_as_decoded"]
    assert found[3] == evaluate(model, training, held_out=0.2, repair=3, seed=1)
    assert found[3] != evaluate(model, training, held_out=0.2, repair=3, seed=2)


def test_uniqueness_and_novelty(model, training, monkeypatch):
    deltas = sample_uniform(np.random.default_rng(0), 300, N, K)
    deltas = np.concatenate([deltas, deltas[:, ::-1], training.deltas[:100]])  # letters exchanged
    decoded = Repaired(deltas, reset_thresholds(deltas) >= 0, np.zeros(len(deltas)))
    monkeypatch.setattr(evaluation, "decode_and_repair", lambda *_, **__: decoded)
    found = evaluate(model, training, held_out=0.2, repair=0, seed=0)
    forms = [form_of(delta) for delta in deltas if naive.is_synchronizing(delta)]
    known = {*map(tuple, training.forms.tolist())}
    assert found["uniqueness"] == pytest.approx(len({*forms}) / len(forms))
    assert found["novelty"] == pytest.approx(len({*forms} - known) / len({*forms}))
    assert found["valid_after_repair"] == pytest.approx(len(forms) / len(deltas))


@pytest.mark.parametrize("part", ["encoder.mu", "encoder.log_sigma", "decoder.output"])
def test_a_model_that_overflows(model, training, part):
    """Weights may be finite and yet so large that the outputs are not."""
    broken = copy.deepcopy(model)
    with torch.no_grad():
        for name, weight in broken.named_parameters():
            if name.startswith(part):
                weight.fill_(3e38)
    with pytest.raises(NotFiniteError, match="NaN|nan|inf|not finite"):
        evaluate(broken, training, held_out=0.2, repair=0, seed=0)
    warm = LatentConfig(parents=30, batch=64, temperature=1.0)
    with pytest.raises(NotFiniteError, match="not finite"):
        search(broken, training, SearchConfig(mode="prior", budget=10, latent=warm))


@pytest.mark.parametrize(("n", "k"), [(4, 2), (5, 1), (6, 2)])
def test_data_of_another_size(model, n, k):
    deltas = np.zeros((3, k, n), np.uint8)
    other = Dataset(deltas, np.ones(3, np.int32), np.full(3, "uniform"))
    message = f"data with n={n}, k={k} for a model of n=5, k=2"
    with pytest.raises(DataError, match=message):
        search(model, other, CONFIG)
    with pytest.raises(DataError, match=message):
        evaluate(model, other, held_out=0.2, repair=0, seed=0)


@pytest.mark.parametrize(
    ("config", "value", "message"),
    [
        (SearchConfig, {"mode": "best"}, "unknown mode 'best': one of linear, .*, all"),
        (SearchConfig, {"budget": 0}, r"budget=0 is not in 1\.\."),
        (SearchConfig, {"budget": -1}, "budget=-1"),
        (SearchConfig, {"keep": 0}, "keep=0"),
        (SearchConfig, {"seed": -1}, "seed=-1"),
        (SearchConfig, {"classes": ("best",)}, "unknown class 'best': one of synchronizing, "),
        (LatentConfig, {"path": "curly"}, "unknown path 'curly': one of linear"),
        (LatentConfig, {"reencode": "z"}, "unknown reencode 'z': one of sample, mu"),
        (LatentConfig, {"parents": 1}, "parents=1 is not in 2"),
        (LatentConfig, {"rounds": 0}, "rounds=0"),
        (LatentConfig, {"spread": -0.5}, "spread=-0.5"),
        (LatentConfig, {"temperature": math.nan}, "temperature=nan"),
        (LatentConfig, {"repair": -1}, "repair=-1"),
        (LatentConfig, {"batch": 0}, "batch=0"),
    ],
)
def test_configs_out_of_range(config, value, message):
    with pytest.raises(ValueError, match=message):
        config(**value)


@pytest.mark.parametrize(
    "changes", [{"reencode": "mu"}, {"path": "linear"}, {"temperature": 0.0}, {"repair": 0}]
)
def test_every_way_to_search(model, training, result, changes):
    config = replace(CONFIG, mode="encode-decode", latent=replace(LATENT, **changes))
    found = search(model, training, config)
    rows = result.summary[result.summary["mode"] == "encode-decode"].reset_index(drop=True)
    assert not found.summary[:2].equals(rows)
    if changes == {"repair": 0}:
        assert not found.candidates["repaired"].any()
        assert (found.summary["valid_as_decoded"] == found.summary["valid_after_repair"]).all()


def test_what_a_baseline_finds_above_the_bound_is_kept_too(
    model, training, result, tmp_path, monkeypatch
):
    monkeypatch.setattr("data.best_known.Scale.limit", 5)
    again = search(model, training, replace(CONFIG, keep=10_000), workers=1)
    assert not {*result.candidates["mode"]} & {*BASELINES}
    assert {*again.candidates["mode"]} & {*BASELINES}
    best = again.summary["best_threshold"].max()
    assert again.candidates["reset_threshold"].max() == best
    write_tables(tmp_path, again)
    assert verify_candidates(tmp_path / "candidates.csv") == len(again.candidates)


# --- within classes ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sinks(model, training) -> tuple[SearchResult, list[np.ndarray]]:
    """A search among automata with a sink, and what it had solved."""
    solved = []

    def solve(deltas, **options):
        solved.append(deltas)
        return thresholds_of(deltas, **options)

    config = replace(CONFIG, classes=("sink", "not-permutation-letter"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.arms.oracle.thresholds_of", solve)
        return search(model, training, config, labelling_calls=4000), solved


def has_sink(delta) -> bool:
    return any(all(row[q] == q for row in delta.tolist()) for q in range(delta.shape[1]))


def test_nothing_outside_the_classes_is_solved_found_or_bred_from(sinks, training):
    found, solved = sinks
    assert all(has_sink(delta) for deltas in solved for delta in deltas)
    parents = 0
    for row in found.candidates.itertuples():
        assert has_sink(parse_delta(row.delta))
        for text in filter(None, (row.parent_a, row.parent_b)):
            parents += 1
            assert has_sink(parse_delta(text))
    assert parents > 0
    for trace in found.traces:
        assert all(has_sink(delta) for delta in from_canonical(trace.forms, N, K))
    # what is new is measured against the whole training set
    known = {*map(tuple, training.forms.tolist())}
    forms = [tuple(map(int, text.split(" "))) for text in found.candidates["canonical"]]
    assert found.candidates["novel"].tolist() == [form not in known for form in forms]


def test_the_summary_of_a_class(sinks):
    table = sinks[0].summary
    assert [*zip(table["mode"], table["round"], strict=True)] == ARMS
    assert (table["valid_as_decoded"] <= table["valid_after_repair"]).all()
    assert (table["calls"] <= CONFIG.budget).all() and (table["calls"] == table["novel"]).all()
    uniform = table[table["mode"] == "uniform"].iloc[0]
    assert uniform["valid_after_repair"] < uniform["decoded"] / 2


@pytest.mark.parametrize("kept", [0, 1])
def test_too_few_parents_of_a_class(model, training, kept):
    inside = np.flatnonzero([has_sink(delta) for delta in training.deltas])
    few = training.take(np.delete(np.arange(len(training)), inside[kept:]))
    config = replace(CONFIG, classes=("sink",))
    message = f"{kept} of {len(few)} training automata are of class sink"
    with pytest.raises(DataError, match=message):
        search(model, few, config)


def test_evaluation_of_a_class(model, training, monkeypatch):
    monkeypatch.setattr(evaluation, "PRIOR_SAMPLES", 700)
    every = evaluate(model, training, held_out=0.2, repair=2, seed=1)
    sinks = evaluate(model, training, held_out=0.2, repair=2, seed=1, classes=("sink",))
    apart = training.split(0.2)[1].deltas
    assert sinks["held_out_rows"] == sum(map(has_sink, apart)) < every["held_out_rows"]
    assert sinks["valid_as_decoded"] <= sinks["valid_after_repair"] < every["valid_after_repair"]
    with pytest.raises(DataError, match="no held-out automaton is of class sink, eulerian"):
        evaluate(model, training, held_out=0.2, repair=2, seed=1, classes=("sink", "eulerian"))
