"""Training: it learns, goes on after kill -9 as if never killed, and refuses damage."""

import csv
import json
import math
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from data.commits import check_files
from data.files import sha256
from tests.damaging import refused
from tests.folders import contents
from tests.vae.models import CONFIG, MODEL, interrupt_at, make_data, run
from vae import train as module
from vae.checkpoint import load_model, read_config, save_checkpoint
from vae.encoding import TOKEN_KINDS, encode_deltas
from vae.history import metric_columns, read_metrics
from vae.metrics import reconstruction_metrics
from vae.model import DECODERS
from vae.train import TrainConfig, choose_device, describe_data, row_weights
from vae.trained import doubts

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[2]
FILES = ["checksums.json", "config.json", "metrics.csv", "model.safetensors", "resume.pt"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A model folder after three epochs; not to be changed."""
    folder = tmp_path_factory.mktemp("model") / "finished"
    run(folder)
    return folder


@pytest.fixture
def folder(finished, tmp_path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def load_resume(folder: Path) -> dict:
    return torch.load(folder / "resume.pt", weights_only=True)


# --- it learns --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decoder", "tokens"), [*zip((*DECODERS, "autoregressive"), TOKEN_KINDS, strict=True)]
)
def test_one_batch_is_learnt_by_heart(tmp_path, decoder, tokens):
    data = make_data(48)
    config = replace(MODEL, decoder=decoder, tokens=tokens, latent=8, hidden=48, token_dropout=0.0)
    training, _ = data.split(CONFIG.held_out)
    settings = {"beta": 0.0, "free_bits": 0.0, "learning_rate": 0.02, "weights": "uniform"}
    run(tmp_path, config, data, epochs=1, epoch_rows=150 * len(training), **settings)
    batch = torch.from_numpy(encode_deltas(training.deltas))
    # the best weights by held-out ELBO: with one epoch, the last ones
    found = reconstruction_metrics(load_model(tmp_path), batch, torch.Generator().manual_seed(0))
    assert found["exact_from_mu"] == 1
    assert found["held_out_reconstruction"] < 0.2  # at first 4 * 2 * ln 4 = 11 nats


def test_the_end_is_shown_once(tmp_path, capsys):
    run(tmp_path / "model")
    shown = [line.split(" left")[1] for line in capsys.readouterr().err.splitlines()]
    assert "exact" in shown[-1] and shown[-1] != shown[-2]


def test_the_files_of_a_model(finished):
    assert sorted(contents(finished)) == FILES
    check_files(finished)
    config = read_config(finished)
    assert config["model"] == asdict(MODEL)
    assert config["train"] == asdict(CONFIG)
    assert config["data"] == describe_data(make_data())
    assert (config["data"]["n"], config["data"]["k"], config["data"]["rows"]) == (4, 2, 200)
    assert (config["device"], config["precision"]) == ("cpu", "float32")
    with (finished / "metrics.csv").open() as file:
        rows = [*csv.DictReader(file)]
    assert [*rows[0]] == [
        *("epoch", "train_reconstruction", "train_kl", "held_out_reconstruction", "held_out_kl"),
        *("exact_from_mu", "exact_from_sample", "active_units", "samples_per_second"),
        *("beta", "learning_rate", "held_out_ratio", "held_out_objective", "kept"),
        *("kl_0", "kl_1", "kl_2", "kl_3"),
    ]
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(math.isfinite(float(value)) for row in rows for value in row.values())
    resume = load_resume(finished)
    assert [*map(str, resume["metrics"][2].values())] == [*rows[2].values()]


def test_a_model_is_what_was_trained(finished):
    model = load_model(finished)
    assert not model.training
    assert model.config == MODEL
    best = load_resume(finished)["kept"]
    assert {*best} == {*model.state_dict()}
    assert all(torch.equal(best[name], weight) for name, weight in model.state_dict().items())


OBJECTIVES = [3.0, 2.0, 2.5, 2.0, 4.0, 1.0]


@pytest.fixture
def weights(monkeypatch) -> list[dict]:
    """The weights after each epoch of a training whose held-out objectives are `OBJECTIVES`."""
    found: list[dict] = []

    def measure(model, *_):
        found.append({name: w.clone() for name, w in model.state_dict().items()})
        # the loss at beta 1 falls all the time: it must not count
        measured = dict.fromkeys(metric_columns(MODEL), 0.0) | {"active_units": 4}
        return measured | {
            "held_out_reconstruction": 10.0 - len(found),
            "held_out_objective": OBJECTIVES[len(found) - 1],
        }

    monkeypatch.setattr(module, "held_out_metrics", lambda *args: pick(measure(*args)))
    return found


def pick(measured: dict) -> dict:
    """What `held_out_metrics` returns of all metrics."""
    of_training = ("epoch", "kept", "beta", "learning_rate", "samples_per_second")
    return {
        name: value
        for name, value in measured.items()
        if name not in of_training and not name.startswith("train_")
    }


@pytest.mark.parametrize(("keep", "kept"), [("best", 2), ("last", 5)])
def test_the_objective_decides_what_is_kept_and_when_it_ends(tmp_path, weights, keep, kept):
    rows = run(tmp_path, epochs=6, patience=3, keep=keep)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]  # three without a better one
    assert [row["epoch"] for row in rows if row["kept"]] == [kept]
    found = load_model(tmp_path).state_dict()
    assert all(torch.equal(found[name], weight) for name, weight in weights[kept - 1].items())
    before = contents(tmp_path)
    assert run(tmp_path, epochs=6, patience=3, keep=keep) == rows  # it has ended
    assert contents(tmp_path) == before


def test_the_objective_is_what_training_minimises(tmp_path):
    """At the full beta, whatever beta the epoch had; and the KL is the sum of its parts."""
    rows = run(tmp_path, beta=0.3, free_bits=0.05, ratio_weight=0.7, warmup=1.0)
    for row in rows:
        parts = [row[f"kl_{i}"] for i in range(MODEL.latent)]
        assert row["held_out_kl"] == pytest.approx(sum(parts), rel=1e-5)
        expected = row["held_out_reconstruction"] + 0.7 * row["held_out_ratio"]
        expected += 0.3 * sum(max(kl, 0.05) for kl in parts)
        assert row["held_out_objective"] == pytest.approx(expected, rel=1e-5)
    assert [row["beta"] for row in rows] == sorted(row["beta"] for row in rows)
    assert 0 < rows[0]["beta"] < 0.3


def test_a_finished_training_is_extended_by_more_epochs(finished, tmp_path):
    """Schedules go on as the new number of epochs gives them; killed or not, the same bytes."""
    places = [tmp_path / "at once", tmp_path / "interrupted"]
    for place in places:
        shutil.copytree(finished, place)
    rows = run(places[0], epochs=5)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[:3] == [row | {"kept": rows[i]["kept"]} for i, row in enumerate(run(finished))]
    assert rows[3]["learning_rate"] > rows[2]["learning_rate"]
    assert read_config(places[0])["stages"] == [3]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_at(patch, 5)  # an epoch has three steps
        run(places[1], epochs=5)
    assert len(load_resume(places[1])["metrics"]) == 4
    run(places[1], epochs=5)
    weights = [(place / "model.safetensors").read_bytes() for place in places]
    assert weights[0] == weights[1]
    with refused("train.epochs=5 there, 3 here"):
        run(places[0])


def test_an_extension_gets_its_patience_anew(tmp_path, weights):
    assert len(run(tmp_path, epochs=3, patience=1)) == 3
    rows = run(tmp_path, epochs=6, patience=2)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert read_config(tmp_path)["stages"] == [3]


def test_the_same_seed_gives_the_same_bytes(finished, tmp_path):
    for seed, same in [(1, True), (2, False)]:
        run(tmp_path / str(seed), seed=seed)
        weights = (tmp_path / str(seed) / "model.safetensors").read_bytes()
        assert (weights == (finished / "model.safetensors").read_bytes()) == same


def test_training_leaves_the_global_random_numbers_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(tmp_path, epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_bfloat16(tmp_path):
    rows = run(tmp_path, precision="bfloat16", epochs=2)
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert read_config(tmp_path)["precision"] == "bfloat16"
    single = run(tmp_path / "single", epochs=2)
    assert rows[-1]["train_reconstruction"] != single[-1]["train_reconstruction"]
    nats = [metrics[-1]["held_out_reconstruction"] for metrics in (rows, single)]
    assert nats[0] == pytest.approx(nats[1], rel=0.05)


# --- which rows -------------------------------------------------------------------------------


def test_row_weights():
    thresholds = np.array([3, 9, -1, 9, 5, 3, 9], np.int32)
    config = TrainConfig(softness=0.1)
    weights = row_weights(thresholds, config)
    longer = [sum(other > own for other in thresholds) for own in thresholds]
    expected = np.array([1 / (0.1 * 7 + rank) for rank in longer])
    np.testing.assert_allclose(weights, expected / expected.sum())
    assert weights.sum() == pytest.approx(1)
    order = np.argsort(-thresholds, kind="stable")
    for first, second in zip(order, order[1:], strict=False):  # ties equal, falling with rank
        if thresholds[first] == thresholds[second]:
            assert weights[first] == weights[second]
        else:
            assert weights[first] > weights[second]
    assert row_weights(thresholds, TrainConfig(weights="uniform")) is None
    even = row_weights(thresholds, TrainConfig(softness=10**6))
    np.testing.assert_allclose(even, 1 / 7, rtol=1e-5)


@pytest.mark.parametrize("weights", ["uniform", "rank"])
@pytest.mark.parametrize("epoch_rows", [0, 50, 450])
def test_an_epoch_has_its_rows(weights, epoch_rows):
    data = make_data()
    config = replace(CONFIG, weights=weights, epoch_rows=epoch_rows)
    rows = module._Rows(data, config)
    names = {
        encode_deltas(d[None]).tobytes(): t
        for d, t in zip(data.deltas, data.reset_thresholds, strict=True)
    }
    epochs = []
    for epoch in (0, 1, 0):
        batches = [*rows.epoch(epoch)]
        assert all(len(tokens) == config.batch for tokens, _ in batches[:-1])
        drawn = torch.cat([tokens for tokens, _ in batches]).numpy()
        ratios = torch.cat([ratios for _, ratios in batches]).numpy()
        assert len(drawn) == rows.epoch_rows == (epoch_rows or len(data))
        np.testing.assert_allclose(ratios, [names[d.tobytes()] / 9 for d in drawn], rtol=1e-6)
        epochs.append([d.tobytes() for d in drawn])
    assert epochs[0] == epochs[2] != epochs[1]
    counts = Counter(epochs[0]).values()
    if weights == "uniform":  # shuffled passes
        assert max(counts) - (min(counts) if epoch_rows != 50 else 1) <= 1
    elif epoch_rows == 450:
        mean = np.mean([names[d] for d in epochs[0]])
        assert mean > data.reset_thresholds.mean() + 1


# --- resume -----------------------------------------------------------------------------------

# Children that kill themselves -9 before a certain renaming to a final name, five a checkpoint.
SCRIPT = """
import os, signal, sys
from pathlib import Path
import torch
from tests.vae.test_train import run

def killed(folder, left):
    rename = os.replace

    def replace(source, target):
        nonlocal left
        if not Path(target).name.startswith(".") and Path(target).suffix != ".tmp":
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
        rename(source, target)

    os.replace = replace
    run(folder)

torch.set_num_threads(1)
run(Path(sys.argv[1]) / "warm", epochs=1)
for left in map(int, sys.argv[2:]):
    child = os.fork()
    if child == 0:
        killed(Path(sys.argv[1]) / str(left), left)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
# Before the first checkpoint, within it, after it, within the second.
KILLED = [[3, 8], pytest.param([0, 5, 6, 10], marks=pytest.mark.exhaustive)]


@pytest.mark.parametrize("killed", KILLED)
def test_killed_at_any_renaming(finished, tmp_path, killed):
    command = [sys.executable, "-c", SCRIPT, tmp_path, *map(str, killed)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.stdout.split() == ["-9"] * len(killed), answer.stderr
    expected = run(tmp_path / "whole")
    for left in killed:
        folder = tmp_path / str(left)
        assert [*folder.glob("*.tmp")]
        epochs = (left + 4) // 5  # those whose checksums are in place
        if epochs:
            read_config(folder)
            assert len(load_resume(folder)["metrics"]) == epochs
        assert run(folder) == expected
        assert sorted(contents(folder)) == FILES
        for name in ("model.safetensors", "config.json"):
            assert (folder / name).read_bytes() == (finished / name).read_bytes()


def test_interrupted_within_an_epoch(tmp_path, finished, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_at(patch, 5)  # in the second epoch of three steps each
        run(tmp_path)
    assert sorted(contents(tmp_path)) == FILES
    assert len(load_resume(tmp_path)["metrics"]) == 1
    run(tmp_path)
    weights = [(place / "model.safetensors").read_bytes() for place in (tmp_path, finished)]
    assert weights[0] == weights[1]


def test_finished_training_is_left_as_it_is(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != ".lock"}
    (folder / "model.safetensors.tmp").write_bytes(b"stale")
    assert len(run(folder)) == 3
    assert {
        path: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != ".lock"
    } == before


# --- doubts -----------------------------------------------------------------------------------


def test_doubts(finished, tmp_path, monkeypatch):
    assert doubts(finished) == []
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_at(patch, 5)
        run(tmp_path / "half")
    assert doubts(tmp_path / "half") == [
        "its training has not ended (1 of 3 epochs): the same train command goes on"
    ]
    run(tmp_path / "half")
    assert doubts(tmp_path / "half") == []
    settings = {"beta": 100.0, "free_bits": 0.0, "warmup": 0.0, "learning_rate": 0.01}
    run(tmp_path / "collapsed", epochs=1, epoch_rows=4800, **settings)
    (doubt,) = doubts(tmp_path / "collapsed")
    assert doubt.startswith("its latent space has collapsed (0 of 4 units are active)")


def test_metrics_of_earlier_versions(folder):
    """They have nine columns; the weights kept were those of the best loss at beta 1."""
    table = [line.split(",")[:9] for line in (folder / "metrics.csv").read_text().splitlines()]
    forge(folder, "metrics.csv", "\n".join(map(",".join, table)).encode())
    rows = read_metrics(folder, MODEL)
    assert [*rows[0]] == table[0]
    assert doubts(folder) == []
    forge(folder, "metrics.csv", b"epoch,train_kl\n1,2.0\n")
    with refused("metrics.csv: not the metrics of a training"):
        read_metrics(folder, MODEL)


# --- refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beta": 0.2}, r"a model trained otherwise \(train.beta=0.1 there, 0.2 here\)"),
        ({"epochs": 2}, r"train.epochs=3 there, 2 here"),
        ({"epochs": 4, "beta": 0.2}, r"train.beta=0.1 there, 0.2 here"),
        ({"patience": 4}, r"train.patience=10 there, 4 here"),
        ({"model": replace(MODEL, latent=5)}, r"model.latent=4 there, 5 here"),
        (
            {"model": replace(MODEL, decoder="repeat"), "seed": 2},
            r"model.decoder=autoregressive there, repeat here; train.seed=1 there, 2 here",
        ),
        ({"data": make_data(199)}, r"data.rows=200 there, 199 here"),
        ({"data": make_data(seed=1)}, r"data.sha256=\w+ there, \w+ here"),
        ({"precision": "bfloat16"}, r"train.precision=auto there, bfloat16 here"),
    ],
)
def test_another_training(folder, changes, message):
    before = contents(folder)
    with refused(message):
        run(folder, **changes)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (make_data(n=5), "data with n=5, k=2 for a model of n=4, k=2"),
        (make_data(50, k=3), "data with n=4, k=3 for a model of n=4, k=2"),
        (make_data(1), "1 rows are too few"),
        (make_data(1).take(np.arange(0)), "0 rows are too few"),
    ],
)
def test_data_that_does_not_fit(tmp_path, data, message):
    with refused(message):
        run(tmp_path / "new", data=data)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        *(({name: -1}, f"^{name.replace('_', '-')}=-1 is not in ") for name in (
            "epochs", "epoch_rows", "batch", "learning_rate", "beta", "warmup", "free_bits",
            "ratio_weight", "softness", "held_out", "patience", "seed", "weight_decay", "clip",
        )),
        ({"beta": math.nan}, "^beta=nan is not a finite number"),
        ({"held_out": math.nan}, "^held-out=nan is not a finite number"),
        ({"epochs": 0}, "epochs=0 is not in"),
        ({"held_out": 0.0}, r"held-out=0\.0 is not in"),
        ({"warmup": 1.5}, r"warmup=1\.5 is not in 0\.\.1"),
        ({"seed": 2**63}, "seed=9223372036854775808 is not in"),
        ({"weights": "best"}, "unknown weights 'best': one of rank, uniform"),
        ({"precision": "float8"}, "unknown precision 'float8': one of auto, float32, bfloat16"),
    ],
)  # fmt: skip
def test_configs_out_of_range(value, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**value)


def test_devices(monkeypatch):
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="unknown device 'tpu': one of auto, cpu, cuda"):
        choose_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(ValueError, match="no CUDA device"):
        choose_device("cuda")


def test_nothing_to_load(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name, message in [("none", "no such folder"), ("file", "no such folder")]:
        with refused(f"{name}: {message}"):
            load_model(tmp_path / name)
    with refused("empty: not a model folder"):
        load_model(tmp_path / "empty")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["altered", "truncated", "empty", "missing"])
def test_damage(folder, name, damage):
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"altered": content, "truncated": content[:-3], "empty": b""}[damage])
    before = contents(folder)
    for use in (load_model, run):
        with refused("damaged|no such file|not JSON|checksums"):
            use(folder)
    assert contents(folder) == before


def forge(folder: Path, name: str, content: bytes) -> None:
    """Replace a file by another with its right checksum."""
    (folder / name).write_bytes(content)
    checksums = json.loads((folder / "checksums.json").read_text())
    checksums[name] = sha256(folder / name)
    (folder / "checksums.json").write_text(json.dumps(checksums))


@pytest.mark.parametrize(
    "content", [b"[]", b"{}", b"3", b'{"model": []}', b'{"model": {"n": 4.5}}']
)
@pytest.mark.parametrize("use", [load_model, run])
def test_another_kind_of_config(folder, content, use):
    forge(folder, "config.json", content)
    with refused("not a model folder|config.json|a model trained otherwise"):
        use(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latent": 5}, "not the weights of this model .*other tensors"),
        ({"n": 5}, "a model of n=5, k=2 for data of another size"),
        ({"decoder": "repeat"}, "not the weights of this model .*: decoder"),
        ({"tokens": "relative"}, "not the weights of this model .*other tensors"),
        ({"n": 400}, "n=400 is not in"),
        ({"depth": 3}, "depth"),
    ],
)
def test_weights_of_another_shape(folder, change, message):
    config = json.loads((folder / "config.json").read_text())
    config["model"] |= change
    forge(folder, "config.json", json.dumps(config).encode())
    with refused(message):
        load_model(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: weights | {"mine": torch.zeros(1)},
        lambda weights: {name: weights[name] for name in [*weights][1:]},
        lambda weights: {name: w.double() for name, w in weights.items()},
        lambda weights: {name: w.flatten() for name, w in weights.items()},
        None,
    ],
)
def test_other_weights(folder, change):
    path = folder / "model.safetensors"
    if change is None:
        path.write_bytes(b"no safetensors at all")
    else:
        save_file(change(load_file(path)), path)
    forge(folder, path.name, path.read_bytes())
    with refused("model.safetensors: not the weights of this model"):
        load_model(folder)


class Pickled:
    """What `weights_only` must refuse: a class of our own."""


@pytest.mark.parametrize("change", ["junk", "empty", "a list", "a class", "a field less", "shapes"])
def test_another_kind_of_resume(folder, change):
    path = folder / "resume.pt"
    resume = torch.load(path, weights_only=True)
    if change == "junk":
        path.write_bytes(b"junk")
    elif change == "empty":
        path.write_bytes(b"")
    else:
        other = {
            "a list": [1, 2],
            "a class": resume | {"metrics": Pickled()},
            "a field less": {name: resume[name] for name in resume if name != "optimizer"},
            "shapes": resume | {"model": {n: w[:1] for n, w in resume["model"].items()}},
        }
        torch.save(other[change], path)
    forge(folder, path.name, path.read_bytes())
    with refused("resume.pt|copy"):
        run(folder, epochs=3)


def test_weights_that_are_not_finite(folder):
    path = folder / "model.safetensors"
    weights = load_file(path)
    for value in (math.nan, math.inf, -math.inf):
        name = "decoder.output.bias"
        save_file(weights | {name: weights[name].clone().fill_(value)}, path)
        forge(folder, path.name, path.read_bytes())
        with refused(f"model.safetensors: .*{name} holds numbers that are not finite"):
            load_model(folder)


def test_a_model_that_says_it_is_huge(folder):
    """It is refused by the weights that there are, before there is room for those of the config."""
    config = json.loads((folder / "config.json").read_text())
    config["model"] |= {"hidden": 4096, "layers": 64, "channels": 4096, "convolutions": 64}
    forge(folder, "config.json", json.dumps(config).encode())
    with refused("model.safetensors: not the weights of this model"):
        load_model(folder)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *[("threads", value) for value in (0, -1, True, 3.0, "1", 10**6, 10**30)],
        *[("device", value) for value in ("tpu", 1, "cuda:99")],
        *[("precision", value) for value in ("auto", 32)],
        *[("versions", value) for value in ([], {"torch": 2})],
        *[("data.n", value) for value in (5, True, 4.0)],
        *[("data.rows", value) for value in (0, -1, 1.5)],
        *[("data.sha256", value) for value in ("", 7)],
        *[("model.latent", value) for value in (True, 4.0, "4", 10**9, 0, [])],
        *[("model.token_dropout", value) for value in ("0.3", True, 1.0, 10**400)],
        *[("model.any_size", value) for value in (0, "no")],
        *[("train.held_out", value) for value in ("0.2", 0, 2, True)],
        *[("train.epochs", value) for value in (3.0, True, 0, 10**9)],
        *[("train.weights", value) for value in ("best", 1)],
        ("more", 1),
        ("model.more", 1),
        ("train.more", 1),
        *[(name, None) for name in ("threads", "device", "data.n", "model", "train", "versions")],
    ],
)
def test_a_config_that_cannot_be(folder, place, value):
    config = json.loads((folder / "config.json").read_text())
    *path, last = place.split(".")
    inner = config[path[0]] if path else config
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    forge(folder, "config.json", json.dumps(config).encode())
    for use in (load_model, read_config):
        with refused(r"config\.json: not the config of a model"):
            use(folder)


def filled(tensor: torch.Tensor, value: float) -> torch.Tensor:
    return tensor.clone().fill_(value)


def with_moment(name: str, change) -> object:
    """Change a moment of the first parameter."""

    def changed(resume: dict) -> dict:
        resume["optimizer"]["state"][0][name] = change(resume["optimizer"]["state"][0][name])
        return resume

    return changed


def with_metric(name: str, value: object) -> object:
    """Change a value of the last epoch; None removes it."""

    def changed(resume: dict) -> dict:
        row = resume["metrics"][-1]
        row.pop(name, None)
        return resume if value is None or row.update({name: value}) else resume

    return changed


RESUMES = {
    "of an earlier version": lambda resume: resume | {"progress": [3, 0, 1.0]},
    "nan weights": lambda resume: resume
    | {"model": {name: filled(w, math.nan) for name, w in resume["model"].items()}},
    "nan kept": lambda resume: resume
    | {"kept": {name: filled(w, math.nan) for name, w in resume["kept"].items()}},
    "no kept weights": lambda resume: resume | {"kept": {}},
    "double": lambda resume: resume
    | {"model": {n: w.double() for n, w in resume["model"].items()}},
    "sparse": lambda resume: resume
    | {"model": {n: w.to_sparse() for n, w in resume["model"].items()}},
    "numbers": lambda resume: resume | {"model": dict.fromkeys(resume["model"], 1.0)},
    "other names": lambda resume: resume | {"model": {1: torch.zeros(1)}},
    "wide": lambda resume: resume
    | {"model": {n: torch.zeros(1).expand(w.shape) for n, w in resume["model"].items()}},
    "more": lambda resume: resume | {"more": 1},
    "nan moments": with_moment("exp_avg", lambda moment: filled(moment, math.nan)),
    "negative moments": with_moment("exp_avg_sq", lambda moment: filled(moment, -1.0)),
    "other moments": with_moment("exp_avg", lambda moment: moment[:1]),
    "half steps": with_moment("step", lambda step: step + 0.5),
    "other steps": with_moment("step", lambda step: step + 1),
    "no steps": with_moment("step", lambda step: 5),
    "no parameters": lambda resume: resume | {"optimizer": {"state": {}, "param_groups": []}},
    "no optimizer": lambda resume: resume | {"optimizer": 3},
    "metrics of another epoch": with_metric("epoch", 7),
    "nan metrics": with_metric("held_out_kl", math.nan),
    "metrics as text": with_metric("held_out_kl", "1.0"),
    "true metrics": with_metric("active_units", True),
    "a metric less": with_metric("train_kl", None),
    "a metric more": with_metric("mine", 1.0),
    "another epoch kept": lambda resume: resume
    | {"metrics": [row | {"kept": 1 - row["kept"]} for row in resume["metrics"]]},
    "no metrics": lambda resume: resume | {"metrics": []},
    "metrics of more epochs": lambda resume: resume | {"metrics": resume["metrics"] * 2},
    "lists in lists": lambda resume: resume | {"metrics": nested(150)},
}  # fmt: skip


def nested(depth: int) -> list:
    whole: list = []
    for _ in range(depth):
        whole = [whole]
    return whole


@pytest.mark.parametrize("name", RESUMES)
def test_a_resume_that_cannot_be(folder, name):
    path = folder / "resume.pt"
    torch.save(RESUMES[name](load_resume(folder)), path)
    forge(folder, path.name, path.read_bytes())
    before = contents(folder)
    with refused(r"resume\.pt: not a checkpoint of this model"):
        run(folder)
    assert contents(folder) == before


def test_a_resume_that_is_packed(folder):
    """Whatever a file may unpack to, no more is in memory than it has bytes."""
    path = folder / "resume.pt"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    forge(folder, path.name, path.read_bytes())
    with refused(r"resume\.pt: .* holds more than its length says"):
        run(folder)


def test_checksums_leave_nothing_out(folder):
    (folder / "checksums.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(
        (folder / "model.safetensors").read_bytes()[:-4] + bytes(4)
    )
    for use in (load_model, run):
        with refused("checksum"):
            use(folder)


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(folder, monkeypatch):
    before = contents(folder)

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", full)
    state = load_model(folder).state_dict()
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(folder, state, read_config(folder), load_resume(folder)["metrics"], {})
    assert contents(folder) == before
