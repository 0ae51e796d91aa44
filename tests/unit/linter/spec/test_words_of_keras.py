"""The language speaks Keras' words: classes, parameter names, defaults. Keras is asked in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from trainyard.linter.spec import bundle
from trainyard.linter.spec.direction import LOWER_IS_BETTER
from trainyard.linter.spec.grammar import record

pytestmark = pytest.mark.keras
Node = dict[str, Any]
Signatures = dict[str, dict[str, dict[str, Any]]]
REQUIRED = "required"

_ASK_KERAS = """
import inspect, json, keras

def plain(value):
    return "required" if value is inspect.Parameter.empty else list(value) if isinstance(value, tuple) else value

def signature(found):
    parameters = list(inspect.signature(found.__init__).parameters.values())[1:]
    return {each.name: plain(each.default) for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)}

def classes(module):
    return {name: signature(found) for name, found in vars(module).items() if inspect.isclass(found)}

modules = ("optimizers", "losses", "metrics", "layers", "initializers", "regularizers", "constraints")
answer = {name: classes(getattr(keras, name)) for name in modules}
answer["backbones"] = {name: {} for name in dir(keras.applications) if name[0].isupper()}
answer["activations"] = {name: {} for name in dir(keras.activations)}
samples = {"PrecisionAtRecall": 0.5, "RecallAtPrecision": 0.5, "SensitivityAtSpecificity": 0.5, "SpecificityAtSensitivity": 0.5}
answer["directions"] = {}
for name, found in vars(keras.metrics).items():
    try:
        metric = found(samples[name]) if name in samples else found()
        answer["directions"][name] = {"direction": getattr(metric, "_direction", None)}
    except Exception:
        pass
answer["reductions"] = {}
for word in ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "median"):
    try:
        keras.losses.MeanSquaredError(reduction=word)
        answer["reductions"][word] = {}
    except ValueError:
        pass
print("ANSWER" + json.dumps(answer, default=str))
"""

OPTIMIZERS = {
    "adam": "Adam",
    "adamw": "AdamW",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
    "adamax": "Adamax",
    "nadam": "Nadam",
    "lion": "Lion",
}
# Said elsewhere in a spec (training), or what a server does by itself.
NOT_OF_OPTIMIZERS = {
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
    "name",
}
NOT_OF_LAYERS = {
    "data_format",
    "seed",
    "name",
    "dtype",
    "noise_shape",
    "lora_rank",
    "lora_alpha",
    "quantization_config",
    "weights",
    "renorm",
    "renorm_clipping",
    "renorm_momentum",
    "synchronized",
    "return_state",
    "stateful",
    "unroll",
    "use_cudnn",
    "invert",
    "value_range",
    "pad_to_aspect_ratio",
}
# Defaults that are ours on purpose: the page that Trainyard grew from, or what a spec needs.
OWN_DEFAULTS = {
    ("sgd", "momentum"),
    ("sgd", "nesterov"),
    ("f1", "average"),
    ("fbeta", "average"),
    ("auc", "curve"),
    ("average_pooling1d", "pool_size"),
    ("average_pooling2d", "pool_size"),
    ("random_flip", "mode"),
    ("random_grayscale", "factor"),
}
RENAMED = {"threshold": "thresholds"}
IRREGULAR = {
    "kl_divergence": "KLDivergence",
    "ctc": "CTC",
    "log_cosh": "LogCosh",
    "lstm": "LSTM",
    "gru": "GRU",
    "auc": "AUC",
    "f1": "F1Score",
    "fbeta": "FBetaScore",
    "top_k_accuracy": "TopKCategoricalAccuracy",
    "r2_score": "R2Score",
    "l1_l2": "L1L2",
    "orthogonal_regularizer": "OrthogonalRegularizer",
    "categorical_generalized_cross_entropy": "CategoricalGeneralizedCrossEntropy",
}


@pytest.fixture(scope="module")
def keras() -> Signatures:
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", _ASK_KERAS], capture_output=True, text=True, check=True, env=environment, timeout=240)
    answer: Signatures = json.loads(done.stdout.partition("ANSWER")[2])
    return answer


def members(union: str) -> dict[str, Node]:
    branches = bundle.definition(union)["allOf"]
    return {branch["if"]["properties"]["type"]["const"]: bundle.merged(branch["then"]) for branch in branches}


def camel(tag: str) -> str:
    if tag in IRREGULAR:
        return IRREGULAR[tag]
    return (
        "".join(word.capitalize() for word in tag.replace("1d", "1D").replace("2d", "2D").split("_"))
        .replace("1d", "1D")
        .replace("2d", "2D")
    )


def differences(tag: str, node: Node, signature: dict[str, Any], left_out: set[str]) -> list[str]:
    """Return every parameter that one side has alone, and every default that differs."""
    ours = {RENAMED.get(key, key) if RENAMED.get(key) in signature else key: key for key in node["properties"] if key != "type"}
    found = [f"{tag}.{key} is not in Keras" for key in ours if key not in signature]
    found += [f"{tag}.{key} is not in the language" for key in signature if key not in ours and key not in left_out]
    required = set(node.get("required", ()))
    for theirs, key in ours.items():
        default = REQUIRED if key in required else bundle.merged(node["properties"][key]).get("default")
        if theirs in signature and (tag, key) not in OWN_DEFAULTS and not same(default, signature[theirs]):
            found.append(f"{tag}.{key} is {default!r}, in Keras {signature[theirs]!r}")
    return found


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, list) and not isinstance(ours, list):
        return all(same(ours, each) for each in theirs)
    words = {None: "linear", "uniform": {"type": "random_uniform"}, "orthogonal": {"type": "orthogonal"}}
    return bool(ours == theirs or (isinstance(theirs, (str, type(None))) and words.get(theirs) == ours))


@pytest.mark.parametrize("tag", OPTIMIZERS)
def test_an_optimizer_has_the_parameters_of_keras(keras: Signatures, tag: str) -> None:
    assert differences(tag, members("Optimizer")[tag], keras["optimizers"][OPTIMIZERS[tag]], NOT_OF_OPTIMIZERS) == []
    assert OPTIMIZERS.keys() == members("Optimizer").keys()


def test_a_loss_has_the_parameters_of_keras(keras: Signatures) -> None:
    for tag, node in members("Loss").items():
        assert differences(tag, node, keras["losses"][camel(tag)], {"name", "dtype"}) == []


def test_every_loss_of_keras_is_in_the_language(keras: Signatures) -> None:
    assert {camel(tag) for tag in members("Loss")} == keras["losses"].keys() - {"Loss"}


def test_a_reduction_is_one_that_keras_takes(keras: Signatures) -> None:
    assert set(bundle.definition("reduction")["enum"]) == keras["reductions"].keys()


# Keras takes labels and class numbers in separate classes; a spec says what is measured, and the trainer picks the form.
METRICS_BY_FORM = {"SparseTopKCategoricalAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy"}
# Need an image per label, or are building blocks.
METRICS_LEFT_OUT = {"BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "Mean", "MeanMetricWrapper", "Metric", "Sum"}


def test_a_metric_has_the_parameters_of_keras(keras: Signatures) -> None:
    left_out = {
        "dtype",
        "name",
        "summation_method",
        "thresholds",
        "num_labels",
        "label_weights",
        "num_regressors",
        "axis",
        "from_sorted_ids",
    }
    for tag, node in members("Metric").items():
        fields = {key: field for key, field in node["properties"].items() if key != "name"}
        found = differences(tag, node | {"properties": fields}, keras["metrics"][metric_of_keras(tag)], left_out)
        assert found == []


def test_every_metric_of_keras_is_in_the_language(keras: Signatures) -> None:
    known = {metric_of_keras(tag) for tag in members("Metric")}
    assert known == keras["metrics"].keys() - METRICS_BY_FORM - METRICS_LEFT_OUT


def test_the_direction_of_a_metric_is_the_one_keras_knows(keras: Signatures) -> None:
    known = 0
    for tag in members("Metric"):
        direction = keras["directions"].get(metric_of_keras(tag), {}).get("direction")
        if direction is not None:
            assert (direction == "down") == (tag in LOWER_IS_BETTER), tag
            known += 1
    assert known >= 25


def metric_of_keras(tag: str) -> str:
    return {"log_cosh": "LogCoshError"}.get(tag, camel(tag))


# Ours: they are made of Keras' layers, or wrap one.
OWN_LAYERS = {"residual_block", "dense_block"}


def test_a_layer_has_the_parameters_of_keras(keras: Signatures) -> None:
    for tag, node in members("Layer").items():
        if tag not in OWN_LAYERS:
            fields = {key: field for key, field in node["properties"].items() if key not in {"bidirectional", "merge_mode"}}
            left_out = NOT_OF_LAYERS | ({"fill_mode", "fill_value", "antialias"} if tag == "resizing" else set())
            assert differences(tag, node | {"properties": fields}, keras["layers"][camel(tag)], left_out) == []


def test_a_transform_has_the_parameters_of_keras(keras: Signatures) -> None:
    for tag, node in members("Transform").items():
        assert differences(tag, node, keras["layers"][camel(tag)], NOT_OF_LAYERS) == []


@pytest.mark.parametrize("union,module", [("Initializer", "initializers"), ("Regularizer", "regularizers"), ("Constraint", "constraints")])
def test_what_weights_carry_has_the_parameters_of_keras(keras: Signatures, union: str, module: str) -> None:
    for tag, node in members(union).items():
        name = "OrthogonalRegularizer" if (union, tag) == ("Regularizer", "orthogonal") else camel(tag)
        assert differences(tag, node, keras[module][name], {"seed", "input_axes", "output_axes"}) == []


def test_an_initializer_that_is_a_word_is_one_of_keras(keras: Signatures) -> None:
    words = bundle.definition("initializer")["x-plain"]
    assert {camel(word) for word in words} <= keras["initializers"].keys()
    known = {camel(word) for word in [*words, *members("Initializer")]}
    assert {name for name in keras["initializers"] if name[0].isupper()} - known <= {
        "Initializer",
        "IdentityInitializer",
        "OrthogonalInitializer",
        "STFT",
        "STFTInitializer",
    }


def test_the_backbones_are_all_of_keras_applications(keras: Signatures) -> None:
    ours = bundle.definition("Transfer")["properties"]["backbone"]["enum"]
    assert {word.replace("_", "") for word in ours} == {name.lower() for name in keras["backbones"]}
    assert len(set(ours)) == len(ours)


@pytest.mark.parametrize("name", ["activation", "any_activation"])
def test_activations_are_functions_of_keras(keras: Signatures, name: str) -> None:
    assert set(bundle.definition(name)["enum"]) <= keras["activations"].keys()


def test_a_filled_layer_could_be_handed_to_keras(keras: Signatures) -> None:
    dense = record("Layer").fill({"type": "dense", "units": 3})
    assert dense.keys() - {"type"} == keras["layers"]["Dense"].keys() - NOT_OF_LAYERS
