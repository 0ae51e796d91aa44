"""Backbones of Keras Applications: built as the linter's table says, filled from files, frozen and unfrozen in stages."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from trainyard.linter.shapes import infer
from trainyard.linter.spec import schema_text
from trainyard.linter.spec.model.architecture import Transfer
from trainyard.service import wire
from trainyard.service.trainer.architecture import backbones, preprocessing

NAMES: list[str] = json.loads(schema_text())["$defs"]["Transfer"]["properties"]["backbone"]["enum"]
# Small enough for a test, one of each way to prepare the input.
SMALL = "mobilenet_v3_small"
SHAPE = [32, 32, 3]
MODULES = {"densenet121": "densenet", "mobilenet": "mobilenet", "vgg16": "vgg16"}


def model(**changes: Any) -> dict[str, Any]:
    return {"type": "transfer", "backbone": SMALL, "weights": None, "head": {"hidden": [4]}, **changes}


def changed(**changes: Any) -> dict[str, Any]:
    return {"model": model(**changes), "dataset": {"input_shape": SHAPE, "scaling": "preprocess_input", "facts": {"classes": 3}}}


@pytest.mark.parametrize("name", NAMES)
def test_keras_offers_every_backbone_of_the_language(name: str) -> None:
    assert callable(getattr(keras.applications, backbones.keras_name(name)))
    assert preprocessing.mode(name) in {None, "caffe", "torch", "tf"}


@pytest.mark.parametrize(
    "trainable, freeze_batch_norm", [("none", True), ("all", False), ({"last": 20}, True), ({"from": "expanded_conv_9_project"}, False)]
)
def test_layers_and_learning_weights_are_those_that_the_linter_predicts(prepare: Any, trainable: Any, freeze_batch_norm: bool) -> None:
    prepared = prepare("images", **changed(trainable=trainable, freeze_batch_norm=freeze_batch_norm))

    predicted = infer(prepared.spec)

    assert predicted is not None
    kept = prepared.built.kept
    built = [(type(layer).__name__, tuple(layer.output.shape[1:])) for layer in kept.layers if layer.name != "sample"]
    assert built == [(layer.kind, layer.output_shape) for layer in predicted.layers]
    assert prepared.built.parameters == predicted.parameters
    assert sum(int(np.prod(weight.shape)) for weight in kept.trainable_weights) == predicted.trainable


@pytest.mark.parametrize(
    "name, first", [("efficientnet_v2_b0", ["Rescaling", "Normalization"]), ("efficientnet_v2_s", ["Rescaling", "Conv2D"])]
)
def test_a_backbone_prepares_its_input_as_keras_means_it_to(name: str, first: list[str]) -> None:
    """Keras reads from the model's name which of two ways it is."""
    spec = Transfer("transfer", name, None, "none", freeze_batch_norm=True, head=None, activation="relu", output=None, initial=None)  # type: ignore[arg-type] # the head is not asked

    built = backbones.build(spec, (32, 32, 3))

    assert [type(layer).__name__ for layer in built.layers[1:3]] == first


@pytest.mark.parametrize("name", ["convnext_tiny", "efficientnet_v2_b0", "mobilenet"])
def test_grey_pictures_are_learnt_from_as_the_linter_predicts(prepare: Any, name: str) -> None:
    changes = changed(backbone=name, trainable={"last": 3})
    changes["dataset"]["input_shape"] = [32, 32, 1]

    prepared = prepare("images", **changes)

    predicted = infer(prepared.spec)
    assert predicted is not None
    assert prepared.built.parameters == predicted.parameters
    trained = sum(int(np.prod(weight.shape)) for weight in prepared.built.kept.trainable_weights)
    assert trained == predicted.trainable


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("high", [255.0, 1.0])
def test_the_layer_in_front_is_what_keras_preprocesses_with(name: str, high: float) -> None:
    raw = np.random.default_rng(4).integers(0, 256, (2, 5, 4, 3)).astype(np.float32)
    wanted = getattr(keras.applications, MODULES[name]).preprocess_input(raw.copy())

    layer, low, top = preprocessing.layer(preprocessing.mode(name), 3, high, "scaling")
    found = np.asarray(layer(raw / 255.0 * high))

    np.testing.assert_allclose(found, wanted, atol=2e-4)
    assert low <= found.min()
    assert found.max() <= top + 1e-5


def test_a_frozen_backbone_stays_as_it_was_and_its_statistics_too(train: Any, tmp_path: Path, data_root: Path) -> None:
    keras.utils.set_random_seed(1)
    network = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=tuple(SHAPE))
    (data_root / "weights").mkdir(exist_ok=True)
    network.save_weights(data_root / "weights" / f"{SMALL}.weights.h5")

    result = train("images", **changed(weights="imagenet"), training={"epochs": 1})

    assert result.verdict.outcome == wire.SUCCEEDED, result.verdict
    kept = keras.saving.load_model(result.folder.artifacts / "best.keras")
    after = next(layer for layer in kept.layers if layer.name == backbones.BACKBONE).get_weights()
    for one, other in zip(network.get_weights(), after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_of_another_network_are_refused_with_a_sentence(train: Any, data_root: Path) -> None:
    keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=tuple(SHAPE), alpha=0.35).save_weights(
        data_root / "other.weights.h5"
    )

    result = train("images", **changed(weights="other.weights.h5"))

    assert (result.verdict.outcome, result.verdict.reason) == (wire.FAILED, "data")
    assert '"other.weights.h5" holds no weights of this backbone' in result.verdict.message


def test_weights_that_nobody_put_there_are_never_downloaded(train: Any) -> None:
    result = train("images", **changed(backbone="vgg16", weights="imagenet"))

    assert (result.verdict.outcome, result.verdict.reason) == (wire.FAILED, "data")
    assert "TRAINYARD_WEIGHTS" in result.verdict.message
    assert "vgg16.weights.h5" in result.verdict.message


def test_published_files_are_known_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainyard.service import weights

    names = {
        "resnet50": "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "resnet50_v2": "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "efficientnet_b0": "efficientnetb0_notop.h5",
        "efficientnet_v2_s": "efficientnetv2-s_notop.h5",
        "mobilenet": "mobilenet_1_0_224_tf_no_top.h5",
        "mobilenet_v2": "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        "mobilenet_v3_small": "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        "convnext_tiny": "convnext_tiny_notop.h5",
        "nasnet_mobile": "nasnet_mobile_no_top.h5",
        "densenet121": "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "xception": "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
    }
    for file in names.values():
        (tmp_path / file).touch()
    (tmp_path / "resnet50_weights_tf_dim_ordering_tf_kernels.h5").touch()
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))

    assert {name: found.name for name in names if (found := weights.published(tmp_path, name))} == names


def test_a_model_starts_from_the_weights_of_another_run(train: Any, prepare: Any, data_root: Path) -> None:
    first = train("images", training={"epochs": 1})
    (data_root / "earlier").mkdir()
    (data_root / "earlier" / "best.keras").write_bytes((first.folder.artifacts / "best.keras").read_bytes())
    saved = keras.saving.load_model(first.folder.artifacts / "best.keras").get_weights()

    for place in ("earlier", "earlier/best.keras"):
        started = prepare("images", model={"initial": place}).built.kept.get_weights()
        for one, other in zip(saved, started, strict=True):
            np.testing.assert_array_equal(one, other)

    wrong = train("images", model={"initial": "earlier", "blocks": [{"filters": 7}]})
    assert (wrong.verdict.outcome, wrong.verdict.reason) == (wire.FAILED, "data")
    assert "no weights of this model" in wrong.verdict.message
    assert re.search(r'of the layer ".+" has the shape \[.*7\], and the file has \[.*4\]', wrong.verdict.message)

    deeper = train("images", model={"initial": "earlier", "head": {"pooling": "flatten", "hidden": [8, 8]}})
    assert (deeper.verdict.outcome, deeper.verdict.reason) == (wire.FAILED, "data")
    assert "no weights of this model" in deeper.verdict.message


def test_a_model_starts_from_a_run_folder_a_weights_file_or_a_bundle(train: Any, prepare: Any, data_root: Path) -> None:
    folder = train("images", training={"epochs": 1}).folder.path
    kept = keras.saving.load_model(folder / "artifacts" / "best.keras")
    place = data_root / "former"
    shutil.copytree(folder, place / "run")
    kept.save_weights(place / "alone.weights.h5")
    (place / "weights").mkdir()
    kept.save_weights(place / "weights" / "model.weights.h5")
    (place / "interrupted").mkdir()
    shutil.copytree(folder / "bundle", place / "interrupted" / "bundle")
    for named in ("former/run", "former/alone.weights.h5", "former/weights", "former/interrupted", "former/run/bundle"):
        started = prepare("images", model={"initial": named}).built.kept.get_weights()
        for one, other in zip(kept.get_weights(), started, strict=True):
            np.testing.assert_array_equal(one, other)

    wrong = train("images", model={"initial": "former/run/bundle", "blocks": [{"filters": 7}]})
    assert (wrong.verdict.outcome, wrong.verdict.reason) == (wire.FAILED, "data")
    assert re.search(r'of the layer ".+" has the shape \[.*7\], and the file has \[.*4\]', wrong.verdict.message)
    (place / "interrupted" / "bundle" / "manifest.json").write_text("{")
    torn = train("images", model={"initial": "former/interrupted"})
    assert (torn.verdict.outcome, torn.verdict.reason) == (wire.FAILED, "data")
    assert "former/interrupted" in torn.verdict.message


@pytest.mark.parametrize("named", ["../outside", "led-out", "within"])
def test_a_model_starts_from_nothing_that_lies_outside_the_data_root(train: Any, data_root: Path, tmp_path: Path, named: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    shutil.copytree(data_root / "pictures", root / "pictures")
    outside.mkdir()
    (outside / "best.keras").write_bytes(b"secret")
    (root / "led-out").symlink_to(outside)
    (root / "within").mkdir()
    (root / "within" / "best.keras").symlink_to(outside / "best.keras")

    result = train("images", root=root, model={"initial": named})
    assert (result.verdict.outcome, result.verdict.reason) == (wire.FAILED, "data")
    assert "no weights of this model" not in result.verdict.message
    assert str(tmp_path) not in result.verdict.message


def test_a_file_that_is_no_model_is_no_start(train: Any, data_root: Path) -> None:
    (data_root / "nothing.keras").write_bytes(b"no archive")
    for named, words in (
        ("nothing.keras", "no weights of this model"),
        ("pictures", "a folder without a model"),
        ("gone.keras", "gone.keras"),
    ):
        result = train("images", model={"initial": named})
        assert (result.verdict.outcome, result.verdict.reason) == (wire.FAILED, "data")
        assert words in result.verdict.message


def test_stages_unfreeze_one_after_another_each_at_its_own_rate(train: Any, prepare: Any) -> None:
    stages = [{"trainable": {"last": 5}, "epochs": 1, "learning_rate": 0.01}, {"trainable": "all", "epochs": 1}]
    changes = {**changed(), "optimizer": {"type": "sgd", "learning_rate": 0.002}, "scheduler": {"type": "step", "size": {"epochs": 1}}}

    prepared = prepare("images", **changes, training={"stages": stages, "epochs": 2})
    learning = []
    for epoch in range(4):
        prepared.stages.enter(epoch)
        learning.append(len(prepared.built.kept.trainable_weights))
    assert learning[1] > learning[0] > learning[2] == learning[3] == 4

    result = train("images", **changes, training={"stages": stages, "epochs": 2})
    epochs = result.of(wire.EpochFinished)
    assert result.verdict.outcome == wire.SUCCEEDED, result.verdict
    assert [epoch.epochs_planned for epoch in epochs] == [4] * 4
    assert [epoch.learning_rate for epoch in epochs] == pytest.approx([0.01, 0.002, 0.002, 0.0002])


def test_every_layer_learns_in_the_stage_that_lets_it(prepare: Any) -> None:
    prepared = prepare(
        "images",
        **changed(freeze_batch_norm=False),
        training={"stages": [{"trainable": "all", "epochs": 1}], "epochs": 1, "batch_size": 16},
    )
    learner = prepared.built.learner
    learner.run_eagerly = True
    before = prepared.built.backbone.get_weights()

    for epoch, moves in ((0, True), (1, False)):
        prepared.stages.enter(epoch)
        prepared.rates.begin(epoch)
        learner.run_eagerly = True
        learner.train_on_batch(*prepared.train[0])
        after = prepared.built.backbone.get_weights()
        assert any(not np.array_equal(one, other) for one, other in zip(before, after, strict=True)) is moves
        before = after
