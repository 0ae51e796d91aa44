"""Single faults that are put into healthy specs: what is changed, and the fields one of which has to be named for it.

Each is decidable from the spec as it stands, and wrong whatever the data: nothing here is a matter of taste.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Spec = dict[str, Any]
# Changes the spec in place and returns the fields whose change repairs it; ``None`` where this fault has no place in it.
Fault = Callable[[Spec, random.Random], list[str] | None]
RATE, BATCH, EPOCHS, STOPPING = "/optimizer/learning_rate", "/training/batch_size", "/training/epochs", "/callbacks/early_stopping"


def _has_hidden(spec: Spec) -> bool:
    return not (spec["model"]["type"] == "mlp" and not spec["model"]["hidden"])


def _from_scratch(spec: Spec) -> bool:
    return spec["model"]["type"] != "transfer" and _has_hidden(spec)


def _layers(spec: Spec) -> list[Spec]:
    layers: list[Spec] = spec["model"].get("layers", []) if spec["model"]["type"] == "sequential" else []
    return layers


def _rate(spec: Spec, rate: float, kind: str = "adam") -> list[str]:
    spec["optimizer"] = {"type": kind, "learning_rate": rate}
    spec.pop("scheduler", None)
    return [RATE]


def rate_of_five(spec: Spec, _: random.Random) -> list[str] | None:
    return _rate(spec, 5.0) if _has_hidden(spec) else None


def rate_of_a_fifth(spec: Spec, _: random.Random) -> list[str] | None:
    return _rate(spec, 0.2) if _from_scratch(spec) else None


def rate_tiny(spec: Spec, _: random.Random) -> list[str] | None:
    return _rate(spec, 1e-8) if _from_scratch(spec) else None


def rate_negative(spec: Spec, _: random.Random) -> list[str] | None:
    return _rate(spec, -0.001)


def sgd_of_a_hundred(spec: Spec, _: random.Random) -> list[str] | None:
    return _rate(spec, 1000.0, "sgd") if _from_scratch(spec) else None


def momentum_of_one(spec: Spec, _: random.Random) -> list[str] | None:
    spec["optimizer"] = {"type": "sgd", "learning_rate": 0.001, "momentum": 1.0}
    return ["/optimizer/momentum"]


def beta_of_one(spec: Spec, _: random.Random) -> list[str] | None:
    spec["optimizer"] = {"type": "adam", "learning_rate": 0.001, "beta_1": 1.0}
    return ["/optimizer/beta_1"]


def decay_strong(spec: Spec, _: random.Random) -> list[str] | None:
    spec["optimizer"] = {"type": "adamw", "learning_rate": 0.001, "weight_decay": 5.0}
    return ["/optimizer/weight_decay"]


def penalty_strong(spec: Spec, _: random.Random) -> list[str] | None:
    spec["regularization"] = {"l2": 1.0}
    return ["/regularization/l2"]


def batch_beyond_data(spec: Spec, _: random.Random) -> list[str] | None:
    spec["training"]["batch_size"] = 10_000_000
    return [BATCH]


def one_epoch_of_large_batches(spec: Spec, _: random.Random) -> list[str] | None:
    if not _from_scratch(spec) or "scheduler" in spec:
        return None
    facts = spec["dataset"]["facts"]
    samples = facts.get("samples") or sum(facts["class_counts"])
    spec["training"] |= {"epochs": 1, "batch_size": max(1, samples // 20)}
    return [EPOCHS, BATCH]


def no_epochs(spec: Spec, _: random.Random) -> list[str] | None:
    spec["training"]["epochs"] = 0
    return [EPOCHS]


def patience_zero(spec: Spec, _: random.Random) -> list[str] | None:
    spec.setdefault("callbacks", {})["early_stopping"] = {"patience": 0}
    return [f"{STOPPING}/patience", "/scheduler/patience"]


def monitor_unknown(spec: Spec, _: random.Random) -> list[str] | None:
    spec.setdefault("callbacks", {})["checkpoint"] = {"monitor": "val_acc", "mode": "max"}
    return ["/callbacks/checkpoint/monitor"]


def monitor_reversed(spec: Spec, _: random.Random) -> list[str] | None:
    spec.setdefault("callbacks", {})["checkpoint"] = {"monitor": "loss", "mode": "max"}
    return ["/callbacks/checkpoint/mode"]


def plateau_too_patient(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["training"]["epochs"] < 20:
        return None
    spec["scheduler"] = {"type": "reduce_on_plateau", "patience": 8, "min_lr": 1e-9}
    spec.setdefault("callbacks", {})["early_stopping"] = {"patience": 6}
    return [f"{STOPPING}/patience", "/scheduler/patience"]


def plateau_grows(spec: Spec, _: random.Random) -> list[str] | None:
    spec["scheduler"] = {"type": "reduce_on_plateau", "factor": 1.5, "min_lr": 1e-9}
    return ["/scheduler/factor"]


def step_in_steps(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["training"]["epochs"] < 10:
        return None
    spec["scheduler"] = {"type": "step", "size": {"steps": 2}, "gamma": 0.1}
    return ["/scheduler"]


def milestones_beyond(spec: Spec, _: random.Random) -> list[str] | None:
    epochs = spec["training"]["epochs"]
    spec["scheduler"] = {"type": "step", "milestones": [{"epochs": 2 * epochs}, {"epochs": 3 * epochs}]}
    return ["/scheduler"]


def cosine_ends_early(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["training"]["epochs"] < 20:
        return None
    spec["scheduler"] = {"type": "cosine", "t_max": {"epochs": spec["training"]["epochs"] // 5}}
    return ["/scheduler"]


def cosine_never_ends(spec: Spec, _: random.Random) -> list[str] | None:
    spec["scheduler"] = {"type": "cosine", "t_max": {"epochs": 20 * spec["training"]["epochs"]}}
    return ["/scheduler"]


def warmup_beyond(spec: Spec, _: random.Random) -> list[str] | None:
    spec["scheduler"] = {"type": "constant", "warmup": {"epochs": 2 * spec["training"]["epochs"]}}
    return ["/scheduler/warmup", "/callbacks"]


def output_without_probabilities(spec: Spec, draw: random.Random) -> list[str] | None:
    if spec["task"] == "regression" or (spec.get("loss") or {}).get("from_logits"):
        return None
    return _output(spec, draw.choice(["relu", "tanh", "linear"]), "loss" in spec)


def _output(spec: Spec, activation: str, written: bool) -> list[str] | None:
    model = spec["model"]
    if "layers" not in model:
        units = (model.get("output") or {}).get("units")
        model["output"] = {"activation": activation} | ({} if units is None else {"units": units})
        pointer = "/model/output/activation"
    else:
        last = model["layers"][-1]
        last.get("layer", last)["activation"] = activation
        at = len(model["layers"]) - 1
        pointer = f"/model/layers/{at}/activation" if model["type"] == "sequential" else f"/model/layers/{at}/layer/activation"
    if not written and activation == "linear":
        return None  # then the loss follows from the output, and takes logits
    return [pointer, "/loss", pointer.rpartition("/")[0]]


def softmax_for_labels(spec: Spec, _: random.Random) -> list[str] | None:
    return _output(spec, "softmax", written=True) if spec["task"] == "multilabel" else None


def classes_left_out(spec: Spec, _: random.Random) -> list[str] | None:
    facts = spec["dataset"]["facts"]
    classes = facts.get("classes") or len(facts.get("class_counts", ()))
    if spec["task"] != "classification" or classes < 4 or "layers" in spec["model"]:
        return None
    spec["model"]["output"] = {"units": classes - 2}
    return ["/model/output/units"]


def regression_by_classes(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "regression":
        return None
    spec["loss"] = {"type": "sparse_categorical_crossentropy"}
    return ["/loss"]


def absolute_error_for_classes(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "classification":
        return None
    spec["loss"] = {"type": "mean_absolute_error"}
    return ["/loss"]


def all_linear(spec: Spec, _: random.Random) -> list[str] | None:
    model = spec["model"]
    if model["type"] != "mlp" or len(model["hidden"]) < 2:
        return None
    model["activation"] = "linear"
    return ["/model/activation"]


def hidden_softmax(spec: Spec, _: random.Random) -> list[str] | None:
    places = [at for at, layer in enumerate(_layers(spec)[:-1]) if layer["type"] == "dense"]
    if not places:
        return None
    _layers(spec)[places[0]]["activation"] = "softmax"
    return [f"/model/layers/{places[0]}"]


def zero_start(spec: Spec, _: random.Random) -> list[str] | None:
    places = [at for at, layer in enumerate(_layers(spec)[:-1]) if layer["type"] in {"dense", "conv2d", "conv1d"}]
    if not places or _layers(spec)[places[0]].get("activation") != "relu":
        return None
    _layers(spec)[places[0]]["kernel_initializer"] = "zeros"
    return [f"/model/layers/{places[0]}"]


def dropout_of_nine_tenths(spec: Spec, _: random.Random) -> list[str] | None:
    model = spec["model"]
    if model["type"] == "mlp" and model["hidden"]:
        model["dropout"] = 0.9
        return ["/model/dropout"]
    for at, layer in enumerate(_layers(spec)):
        if layer["type"] == "dropout":
            layer["rate"] = 0.95
            return [f"/model/layers/{at}"]
    return None


def dropout_of_one(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["model"]["type"] != "transfer":
        return None
    spec["model"]["head"] = {"dropout": 1.0}
    return ["/model/head"]


def unflattened(spec: Spec, _: random.Random) -> list[str] | None:
    layers = _layers(spec)
    at = next((at for at, layer in enumerate(layers) if layer["type"].startswith(("flatten", "global_"))), None)
    if at is None or spec["task"] == "regression":
        return None
    del layers[at]
    return ["/model/layers", "/model"]


def too_many_poolings(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["model"]["type"] != "cnn":
        return None
    spec["model"]["blocks"] = [{"filters": 16}] * 9
    return ["/model/blocks"]


def flips_on_digits(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["dataset"]["facts"].get("content") not in {"digits", "bytes"}:
        return None
    spec["augmentation"] = "heavy"
    return ["/augmentation"]


def unscaled_pictures(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["dataset"]["type"] != "image_directory" or "'batch_norm" in str(spec["model"]) or "normalization" in str(spec["model"]):
        return None
    if any(layer["type"] == "rescaling" for layer in _layers(spec)):
        return None
    if spec["model"]["type"] == "transfer" and spec["model"]["backbone"].startswith("efficientnet"):
        return None
    spec["dataset"]["scaling"] = "none"
    return ["/dataset/scaling"]


def one_channel_for_imagenet(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["model"]["type"] != "transfer":
        return None
    spec["dataset"]["input_shape"] = [160, 160, 1]
    spec["augmentation"] = "none"
    return ["/dataset/input_shape", "/model/weights"]


def base_at_full_rate(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["model"]["type"] != "transfer":
        return None
    spec["model"]["trainable"] = "all"
    spec["training"].pop("stages", None)
    return _rate(spec, 0.01)


def split_takes_all(spec: Spec, _: random.Random) -> list[str] | None:
    spec["dataset"].setdefault("split", {}).update({"validation": 0.7, "test": 0.3})
    return ["/dataset/split"]


def split_in_class_order(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "classification":
        return None
    spec["dataset"]["facts"]["order"] = "by_class"
    spec["dataset"].setdefault("split", {})["method"] = "tail"
    return ["/dataset/split/method"]


def fed_in_class_order(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "classification":
        return None
    spec["dataset"]["facts"]["order"] = "by_class"
    spec["training"]["shuffle"] = False
    return ["/training/shuffle"]


def time_at_random(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "regression" or spec["dataset"]["facts"].get("order") != "by_time":
        return None
    spec["dataset"]["split"] = {"method": "random"}
    return ["/dataset/split/method"]


def rare_class_ignored(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "classification" or "class_counts" not in spec["dataset"]["facts"]:
        return None
    counts = spec["dataset"]["facts"]["class_counts"]
    counts[0] = 60 * max(counts[1:])
    spec["metrics"] = ["accuracy"]
    return ["/imbalance", "/metrics"]


def weights_reversed(spec: Spec, _: random.Random) -> list[str] | None:
    facts = spec["dataset"]["facts"]
    if spec["task"] != "classification" or len(facts.get("class_counts", ())) != 2:
        return None
    facts["class_counts"] = [4000, 500]
    spec["imbalance"] = {"type": "class_weights", "weights": {"0": 5.0, "1": 0.6}}
    return ["/imbalance/weights"]


def one_hot_under_a_sparse_loss(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "classification" or (spec.get("loss") or {}).get("type") != "sparse_categorical_crossentropy":
        return None
    spec["dataset"]["facts"]["labels"] = {"encoding": "one_hot"}
    return ["/loss", "/dataset/facts/labels"]


def vocabulary_beyond(spec: Spec, _: random.Random) -> list[str] | None:
    if not _layers(spec) or _layers(spec)[0]["type"] != "embedding":
        return None
    spec["dataset"]["facts"]["sequence"]["vocabulary"] = 50_000
    return ["/model/layers/0/input_dim"]


def half_without_scale(spec: Spec, _: random.Random) -> list[str] | None:
    spec["training"] |= {"precision": "mixed_float16", "loss_scale": None}
    return ["/training/loss_scale", "/training/precision"]


def smoothing_of_all(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "classification" or "layers" in spec["model"] or (spec["model"].get("output") or {}).get("units") == 1:
        return None
    spec["loss"] = {"type": "categorical_crossentropy", "label_smoothing": 1.0}
    return ["/loss/label_smoothing"]


def accuracy_of_numbers(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "regression" or spec["loss"]["type"] == "binary_crossentropy":
        return None
    spec["metrics"] = ["accuracy"]
    return ["/metrics"]


def normalized_batch_of_two(spec: Spec, _: random.Random) -> list[str] | None:
    text = str(spec["model"])
    if ("'batch_norm': True" not in text and "batch_normalization" not in text) or not _has_hidden(spec):
        return None
    spec["training"]["batch_size"] = 2
    return [BATCH]


def scaled_twice(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["dataset"]["type"] != "image_directory" or not _layers(spec) or _layers(spec)[0]["type"] == "rescaling":
        return None
    _layers(spec).insert(0, {"type": "rescaling", "scale": 1 / 255})
    return ["/model/layers/0", "/dataset/scaling"]


def tokens_scaled(spec: Spec, _: random.Random) -> list[str] | None:
    if not _layers(spec) or _layers(spec)[0]["type"] != "embedding":
        return None
    spec["dataset"]["scaling"] = "standardize"
    return ["/dataset/scaling"]


def target_among_features(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["dataset"]["type"] != "csv":
        return None
    spec["dataset"] |= {"features": ["a", "b", spec["dataset"]["target"]], "input_shape": [3]}
    return ["/dataset/features"]


def features_of_another_number(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["dataset"]["type"] != "csv":
        return None
    spec["dataset"] |= {"features": ["a", "b"], "input_shape": [5]}
    return ["/dataset/input_shape", "/dataset/features"]


def samples_miscounted(spec: Spec, _: random.Random) -> list[str] | None:
    if "class_counts" not in spec["dataset"]["facts"]:
        return None
    spec["dataset"]["facts"]["samples"] = 17
    return ["/dataset/facts"]


def drowned_in_noise(spec: Spec, _: random.Random) -> list[str] | None:
    spec["augmentation"] = [{"type": "gaussian_noise", "stddev": 20.0}]
    return ["/augmentation"] if spec["dataset"]["type"] in {"image_directory", "csv"} and "rescaling" not in str(spec["model"]) else None


def flips_of_a_table(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["dataset"]["type"] not in {"csv", "parquet"}:
        return None
    spec["augmentation"] = [{"type": "random_flip"}]
    return ["/augmentation"]


def two_clippings(spec: Spec, _: random.Random) -> list[str] | None:
    spec["optimizer"] = {"type": "adam", "learning_rate": 0.0005, "clipnorm": 1.0, "clipvalue": 0.5}
    return ["/optimizer/clipvalue", "/optimizer/clipnorm"]


def threshold_of_two(spec: Spec, _: random.Random) -> list[str] | None:
    if (spec.get("loss") or {}).get("from_logits"):
        return None
    spec["evaluation"] = {"threshold": 2.0}
    return ["/evaluation/threshold"]


def one_name_twice(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "classification":
        return None
    spec["metrics"] = ["accuracy", {"type": "precision", "name": "accuracy"}]
    return ["/metrics"]


def statistics_frozen(spec: Spec, _: random.Random) -> list[str] | None:
    at = next((at for at, layer in enumerate(_layers(spec)) if layer["type"] == "batch_normalization"), None)
    if at is None:
        return None
    _layers(spec)[at]["momentum"] = 1.0
    return [f"/model/layers/{at}"]


def gain_below_zero(spec: Spec, _: random.Random) -> list[str] | None:
    spec.setdefault("callbacks", {})["early_stopping"] = {"min_delta": -0.5}
    return [f"{STOPPING}/min_delta"]


def cycle_that_only_rises(spec: Spec, _: random.Random) -> list[str] | None:
    spec["scheduler"] = {"type": "one_cycle", "rise": 2.0}
    return ["/scheduler/rise"]


def huber_of_zero(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "regression":
        return None
    spec["loss"] = {"type": "huber", "delta": 0.0}
    return ["/loss/delta"]


def poisson_of_any_sign(spec: Spec, _: random.Random) -> list[str] | None:
    if spec["task"] != "regression" or spec["model"]["type"] != "mlp":
        return None
    spec["loss"] = {"type": "poisson"}
    return ["/loss", "/model"]


def binary_loss_for_classes(spec: Spec, _: random.Random) -> list[str] | None:
    facts = spec["dataset"]["facts"]
    classes = facts.get("classes") or len(facts.get("class_counts", ()))
    if spec["task"] != "classification" or classes < 3 or "layers" in spec["model"]:
        return None
    spec["loss"] = {"type": "binary_crossentropy"}
    return ["/loss"]


def targets_of_thousands(spec: Spec, _: random.Random) -> list[str] | None:
    model = spec["model"]
    if spec["task"] != "regression" or model["type"] != "mlp" or model.get("activation") == "tanh":
        return None
    spec["dataset"]["facts"]["target"] = {"range": {"min": 0, "max": 500_000}}
    spec["loss"] = {"type": "mean_squared_error"}
    spec["optimizer"] = {"type": "sgd", "learning_rate": 0.01}
    return [RATE, "/dataset/facts/target"]


def relu_in_the_loop(spec: Spec, _: random.Random) -> list[str] | None:
    at = next((at for at, layer in enumerate(_layers(spec)) if layer["type"] in {"lstm", "gru"}), None)
    if at is None or (spec.get("optimizer") or {}).get("clipnorm"):
        return None
    _layers(spec)[at]["activation"] = "relu"
    return [f"/model/layers/{at}", "/optimizer"]


def strong_penalty_in_a_layer(spec: Spec, _: random.Random) -> list[str] | None:
    at = next((at for at, layer in enumerate(_layers(spec)) if layer["type"] in {"dense", "conv1d", "conv2d"}), None)
    if at is None:
        return None
    _layers(spec)[at]["kernel_regularizer"] = {"type": "l2", "l2": 0.5}
    return [f"/model/layers/{at}"]


FAULTS: tuple[Fault, ...] = (
    *(scaled_twice, tokens_scaled, target_among_features, features_of_another_number, samples_miscounted, drowned_in_noise),
    *(flips_of_a_table, two_clippings, threshold_of_two, one_name_twice, statistics_frozen, gain_below_zero, cycle_that_only_rises),
    *(huber_of_zero, poisson_of_any_sign, binary_loss_for_classes, targets_of_thousands, relu_in_the_loop, strong_penalty_in_a_layer),
    *(rate_of_five, rate_of_a_fifth, rate_tiny, rate_negative, sgd_of_a_hundred, momentum_of_one, beta_of_one, decay_strong),
    *(penalty_strong, batch_beyond_data, one_epoch_of_large_batches, no_epochs, patience_zero, monitor_unknown, monitor_reversed),
    *(plateau_too_patient, plateau_grows, step_in_steps, milestones_beyond, cosine_ends_early, cosine_never_ends, warmup_beyond),
    *(output_without_probabilities, softmax_for_labels, classes_left_out, regression_by_classes, absolute_error_for_classes, all_linear),
    *(hidden_softmax, zero_start, dropout_of_nine_tenths, dropout_of_one, unflattened, too_many_poolings, flips_on_digits),
    *(unscaled_pictures, one_channel_for_imagenet, base_at_full_rate, split_takes_all, split_in_class_order, fed_in_class_order),
    *(time_at_random, rare_class_ignored, weights_reversed, one_hot_under_a_sparse_loss, vocabulary_beyond, half_without_scale),
    *(smoothing_of_all, accuracy_of_numbers, normalized_batch_of_two),
)
