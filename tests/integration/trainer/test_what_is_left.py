"""A model that leaves the house: loaded by plain Keras, exported, described on a card."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx.reference
import pytest

from trainyard.linter.cli import exits
from trainyard.service.trainer.data import division
from trainyard.service.trainer.export.command import export_model
from trainyard.service.trainer.export.names import FORMATS

# Nothing of ours: this is what somebody does who got the files and knows Keras.
STRANGER = """
import json, sys
import keras, numpy
folder, samples = sys.argv[1:]
model = keras.saving.load_model(f"{folder}/best.keras")
labels = json.load(open(f"{folder}/labels.json"))
outputs = model.predict(numpy.load(samples), verbose=0)
print(json.dumps([labels["classes"][place] for place in outputs.argmax(axis=1)]))
assert not [name for name in sys.modules if name.startswith("trainyard")]
"""


@pytest.fixture(scope="session")
def table_run(run_once: Any) -> Any:
    return run_once("table", "table", training={"epochs": 3}, dataset={"split": {"test": 0.3}})


@pytest.fixture(scope="session")
def tokens_run(run_once: Any, data_root: Path) -> Any:
    draw = np.random.default_rng(4)
    np.savez(data_root / "words.npz", x=draw.integers(0, 12, (60, 6)), y=np.arange(60) % 3)
    layers = [{"type": "embedding", "input_dim": 12, "output_dim": 4}, {"type": "global_average_pooling1d"}]
    model = {"type": "sequential", "layers": layers, "output": {}}
    return run_once("tokens", "tokens", dataset={"path": "words.npz"}, model=model, training={"epochs": 1})


@pytest.mark.parametrize("kind", ["images", "table"])
def test_a_stranger_with_plain_keras_gets_the_classes_of_the_evaluation(
    kind: str, request: pytest.FixtureRequest, typed: Any, data_root: Path, tmp_path: Path
) -> None:
    result = request.getfixturevalue(f"{kind}_run")
    changes = {"dataset": {"split": {"test": 0.3}}} if kind == "table" else {}
    parts = division.read(typed(kind, **changes).dataset, "classification", data_root)
    assert parts.test is not None
    np.save(tmp_path / "raw.npy", parts.test.inputs[parts.test.indices])

    command = [sys.executable, "-c", STRANGER, str(result.folder.artifacts), str(tmp_path / "raw.npy")]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": ""}
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)

    judged = result.json("evaluation.json")
    matrix = np.zeros((3, 3), dtype=int)
    for truth, name in zip(parts.test.targets[parts.test.indices], said, strict=True):
        matrix[truth, judged["classes"].index(name)] += 1
    assert matrix.tolist() == judged["confusion_matrix"]


def run(*arguments: str) -> int:
    return exits.run(export_model, arguments, program="trainyard")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_exported_model_answers_as_the_model_does(
    images_run: Any, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / {"keras": "m.keras", "saved-model": "m", "onnx": "m.onnx"}[form]

    asked = tmp_path / "m"  # the ending comes by itself

    assert run(str(images_run.folder.path), "--format", form, "--output", str(asked)) == exits.OK

    assert capsys.readouterr().out.strip() == str(target)
    assert [place.name for place in tmp_path.iterdir()] == [target.name]
    samples = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 1)).astype(np.float32)
    import keras

    wanted = np.asarray(keras.saving.load_model(images_run.folder.artifacts / "best.keras")(samples))
    np.testing.assert_allclose(ANSWERS[form](target, samples), wanted, atol=1e-4)


def _keras(path: Path, samples: Any) -> Any:
    import keras

    return np.asarray(keras.saving.load_model(path)(samples))


def _saved_model(path: Path, samples: Any) -> Any:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    return np.asarray(loaded.serve(tf.constant(samples)))


def _onnx(path: Path, samples: Any) -> Any:
    runtime: Any = onnx.reference.ReferenceEvaluator(str(path))
    return runtime.run(None, {runtime.input_names[0]: samples})[0]


ANSWERS = {"keras": _keras, "saved-model": _saved_model, "onnx": _onnx}


@pytest.mark.parametrize("form", FORMATS)
def test_a_model_that_looks_tokens_up_is_exported_and_tried_with_tokens(form: str, tokens_run: Any, tmp_path: Path) -> None:
    assert run(str(tokens_run.folder.path), "--format", form, "--output", str(tmp_path / "m")) == exits.OK


def test_a_file_that_is_there_is_replaced_only_by_force(images_run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "m.keras"
    target.write_text("mine", encoding="utf-8")
    arguments = (str(images_run.folder.artifacts / "best.keras"), "--format", "keras", "--output", str(target))

    assert run(*arguments) == exits.USAGE
    assert "--force" in capsys.readouterr().err
    assert target.read_text(encoding="utf-8") == "mine"
    assert run(*arguments, "--force") == exits.OK
    assert target.read_bytes().startswith(b"PK")


def test_what_is_no_run_and_what_is_no_model_are_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path), "--format", "onnx") == exits.USAGE
    assert "holds no trained model" in capsys.readouterr().err
    (tmp_path / "best.keras").write_bytes(b"junk")
    assert run(str(tmp_path), "--format", "saved-model") == exits.USAGE
    said = capsys.readouterr().err
    assert "no Keras model" in said
    assert said.count("\n") == 1


def test_the_card_holds_what_was_measured(images_run: Any) -> None:
    card = (images_run.folder.artifacts / "model_card.md").read_text(encoding="utf-8")
    judged = images_run.json("evaluation.json")

    assert f"| accuracy | {judged['accuracy']:.4f} |" in card
    assert "| circle |" in card
    assert "3: circle (" in card
    assert "4 of 4" in card
    assert 'keras.saving.load_model("best.keras")' in card
    assert images_run.json("environment.json")["spec_digest"] in card


def test_names_in_a_card_stay_text() -> None:
    from trainyard.service.trainer.outcome import card

    facts = {
        "name": "<script>|x",
        "description": "a\n# b",
        "input": "x",
        "model": {},
        "data": {"classes": "a|b"},
        "training": {},
        "evaluation": None,
        "environment": {},
    }
    text = card.write(facts)

    assert "<script>" not in text
    assert "\n# b" not in text
    assert "| classes | a\\|b |" in text


def test_predictions_stand_beside_what_was_so(images_run: Any) -> None:
    told = images_run.json("prediction.json")

    assert told["parameters"]["predicted"] == told["parameters"]["actual"]
    assert 0 < told["memory"]["predicted"]["low"] <= told["memory"]["predicted"]["high"]
    assert told["memory"]["actual"] > 0
    assert told["memory"]["comparable"] is False
    assert told["epoch_seconds"]["actual"] > 0
    assert told["profile"] is None


def test_with_a_hardware_profile_the_time_is_predicted_too(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_HARDWARE", "t4")

    told = train().json("prediction.json")

    assert told["profile"] == {"name": "t4", "calibrated": False}
    assert 0 < told["epoch_seconds"]["predicted"]["low"] < told["epoch_seconds"]["predicted"]["high"]


def test_a_fault_in_the_card_does_not_fail_a_run_that_has_succeeded(
    train: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trainyard.service.trainer.outcome.card.write", lambda _facts: 1 // 0)

    result = train()

    assert result.verdict.outcome == "succeeded", result.verdict
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert not (result.folder.artifacts / "model_card.md").exists()
    assert (result.folder.artifacts / "prediction.json").exists()
