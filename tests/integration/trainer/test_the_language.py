"""Everything that the language can say is trained, or named beforehand as what can not be trained: nothing in between."""

from typing import Any

import pytest

from trainyard.service import wire
from trainyard.service.capability import untrainable

BLOCK: dict[str, Any] = {"filters": 3}
DEEP = {"filters": 3, "convolutions": 2, "strides": 2, "batch_norm": True, "pooling": "average", "dropout": 0.1, "padding": "same"}
TRANSFORMS: list[dict[str, Any]] = [
    {"type": "random_flip", "mode": "vertical"},
    {"type": "random_rotation", "factor": 0.05},
    {"type": "random_zoom", "height_factor": [-0.1, 0.1]},
    {"type": "random_translation", "height_factor": 0.1, "width_factor": 0.1},
    {"type": "random_shear", "x_factor": 0.1},
    {"type": "random_brightness", "factor": 0.1},
    {"type": "random_contrast", "factor": 0.1},
    {"type": "random_saturation", "factor": 0.6},
    {"type": "random_hue", "factor": 0.1},
    {"type": "random_sharpness", "factor": 0.6},
    {"type": "random_grayscale", "factor": 0.2},
    {"type": "random_gaussian_blur"},
    {"type": "gaussian_noise", "stddev": 0.05},
    {"type": "random_erasing", "factor": 0.5},
    {"type": "rand_augment"},
]
PROBABILITIES = [
    "accuracy",
    {"type": "top_k_accuracy", "k": 2},
    "f1",
    {"type": "fbeta", "beta": 2.0, "average": "weighted"},
    "precision",
    {"type": "recall", "class_id": 1},
    {"type": "auc", "curve": "pr"},
    {"type": "precision_at_recall", "recall": 0.5},
    {"type": "recall_at_precision", "precision": 0.5},
    {"type": "sensitivity_at_specificity", "specificity": 0.5},
    {"type": "specificity_at_sensitivity", "sensitivity": 0.5},
    "true_positives",
    "true_negatives",
    "false_positives",
    "false_negatives",
    "sparse_categorical_crossentropy",
    "kl_divergence",
    "categorical_hinge",
]
NUMBERS = [
    "mean_squared_error",
    "root_mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "log_cosh",
    "r2_score",
    "pearson_correlation",
    "concordance_correlation",
    "cosine_similarity",
]
EPOCH, STEP = {"epochs": 1}, {"steps": 3}

# Each row crosses several sections; together they hold every value of each.
SPECS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "adam, constant, relu": (
        ("table",),
        {"optimizer": {"type": "adam", "amsgrad": True}, "scheduler": {"type": "constant", "warmup": STEP}},
    ),
    "adamw, cosine, mish": (
        ("images",),
        {
            "optimizer": {"type": "adamw", "weight_decay": 0.01},
            "scheduler": {"type": "cosine", "t_max": EPOCH, "restarts": True},
            "model": {"activation": "mish", "blocks": [DEEP, BLOCK]},
            "imbalance": {"type": "class_weights"},
        },
    ),
    "sgd, step, swish": (
        ("arrays",),
        {
            "optimizer": {"type": "sgd", "nesterov": True, "clipnorm": 1.0},
            "scheduler": {"type": "step", "size": EPOCH},
            "model": {"type": "mlp", "hidden": [6, 4], "activation": "swish", "batch_norm": True, "dropout": [0.1, 0.2]},
            "imbalance": {"type": "class_weights", "method": "effective_number"},
        },
    ),
    "rmsprop, milestones, gelu": (
        ("parquet",),
        {
            "optimizer": {"type": "rmsprop", "centered": True, "clipvalue": 0.5},
            "scheduler": {"type": "step", "milestones": [STEP, EPOCH]},
            "model": {"activation": "gelu"},
            "imbalance": {"type": "oversample"},
        },
    ),
    "adagrad, exponential, elu": (
        ("images", "mlp"),
        {
            "optimizer": {"type": "adagrad", "global_clipnorm": 1.0},
            "scheduler": {"type": "exponential", "every": STEP, "staircase": True},
            "model": {"activation": "elu"},
            "imbalance": {"type": "focal"},
            "dataset": {"scaling": "standardize"},
            "augmentation": TRANSFORMS[5:7],
        },
    ),
    "adadelta, inverse time, selu": (
        ("table",),
        {
            "optimizer": {"type": "adadelta"},
            "scheduler": {"type": "inverse_time", "every": EPOCH},
            "model": {"activation": "selu"},
            "training": {"shuffle": False, "drop_remainder": True, "precision": "bfloat16"},
        },
    ),
    "adamax, polynomial, leaky relu": (
        ("colours", "images"),
        {
            "dataset": {"input_shape": None, "scaling": "none"},
            "optimizer": {"type": "adamax"},
            "scheduler": {"type": "polynomial", "length": EPOCH},
            "model": {"activation": "leaky_relu", "head": {"pooling": "global_max"}},
            "augmentation": "medium",
        },
    ),
    "nadam, one cycle, tanh": (
        ("images",),
        {
            "optimizer": {"type": "nadam"},
            "scheduler": {"type": "one_cycle"},
            "model": {"activation": "tanh", "head": {"pooling": "global_average", "dropout": 0.1, "hidden": []}},
            "dataset": {"interpolation": "nearest", "input_shape": [6, 7, 1]},
        },
    ),
    "lion, product of two, sigmoid": (
        ("table",),
        {
            "optimizer": {"type": "lion"},
            "scheduler": [{"type": "cosine", "t_max": EPOCH}, {"type": "reduce_on_plateau", "patience": 1}],
            "model": {"activation": "sigmoid", "hidden": []},
            "regularization": {"l1": 0.01, "l2": 0.01, "max_norm": 1.0},
        },
    ),
    "softplus, all metrics": (("table",), {"model": {"activation": "softplus"}, "metrics": PROBABILITIES}),
    "linear, all metrics of regression": (("regression",), {"model": {"activation": "linear"}, "metrics": NUMBERS}),
    "several targets": (
        ("regression",),
        {"dataset": {"target": ["price", "size"], "features": ["weight"], "categorical": []}, "loss": {"type": "huber"}},
    ),
    "multilabel": (
        ("multilabel",),
        {"metrics": ["accuracy", "f1", {"type": "auc", "multi_label": True}, {"type": "binary_accuracy", "threshold": 0.3}]},
    ),
    "one output for two classes": (
        ("binary",),
        {"metrics": ["accuracy", "f1", "precision", "recall", "auc"], "imbalance": {"type": "focal", "alpha": 0.4}},
    ),
    "logits of one output": (
        ("binary",),
        {
            "model": {"output": {"activation": "linear"}},
            "loss": {"type": "binary_crossentropy", "from_logits": True, "label_smoothing": 0.1},
            "metrics": ["accuracy", "f1", {"type": "auc", "from_logits": True}],
        },
    ),
    "logits of several": (
        ("table",),
        {
            "model": {"output": {"activation": "linear", "bias": False}},
            "loss": {"type": "sparse_categorical_crossentropy", "from_logits": True},
            "metrics": ["accuracy", "f1", "precision"],
        },
    ),
    "mixed_float16": (("images",), {"training": {"precision": "mixed_float16"}}),
    "mixed_bfloat16": (("images",), {"training": {"precision": "mixed_bfloat16"}, "augmentation": "heavy"}),
    "float16": (
        ("table",),
        {"training": {"precision": "float16", "loss_scale": "dynamic"}, "optimizer": {"type": "sgd", "learning_rate": 0.01}},
    ),
    "every transform": (("images", "colours"), {"augmentation": TRANSFORMS}),
}


@pytest.mark.parametrize("name", SPECS)
def test_what_is_not_named_as_untrainable_is_trained(train: Any, typed: Any, name: str) -> None:
    ingredients, changes = SPECS[name]

    assert untrainable(typed(*ingredients, **changes)) == ()
    result = train(*ingredients, **changes)

    assert result.verdict.outcome == wire.SUCCEEDED, result.verdict
    assert len(result.of(wire.EpochFinished)) == 2
    assert result.json("evaluation.json")["samples"] == 11


ONE_HOT = [
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "hinge",
    "squared_hinge",
    "cosine_similarity",
    "kl_divergence",
    "poisson",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "dice",
    "tversky",
    "mean_squared_error",
]
REGRESSION = [
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "log_cosh",
    "huber",
    "poisson",
]


@pytest.mark.parametrize("loss", ONE_HOT)
def test_every_loss_of_classes_is_compiled_and_falls(step: Any, loss: str) -> None:
    first, last = step(loss={"type": loss}, model={"output": {"units": 3}})
    assert last < first


@pytest.mark.parametrize("loss", REGRESSION)
def test_every_loss_of_numbers_is_compiled_and_falls(step: Any, loss: str) -> None:
    first, last = step("regression", loss={"type": loss}, model={"output": {"activation": "softplus"}})
    assert last < first


def test_a_spec_that_is_named_is_refused_before_keras_is_asked(train: Any) -> None:
    result = train(loss={"type": "ctc"}, dataset={"scaling": "preprocess_input"})

    assert (result.verdict.outcome, result.verdict.reason) == (wire.FAILED, "spec")
    assert "/loss/type" in result.verdict.message
    assert "/dataset/scaling" in result.verdict.message


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_outputs_for_classes_to_come_are_trained_and_no_mean_over_classes_counts_them(train: Any, loss: str) -> None:
    imbalance = {"type": "class_weights"}
    model = {"type": "mlp", "hidden": [8], "output": {"units": 5}}

    result = train("arrays", model=model, loss={"type": loss}, imbalance=imbalance, training={"epochs": 8})

    assert result.verdict.outcome == wire.SUCCEEDED, result.verdict
    judged = result.json("evaluation.json")
    assert judged["classes"] == ["0", "1", "2"]
    assert judged["macro_f1"] > 0.1
    assert judged["metrics"]["f1"] == pytest.approx(judged["macro_f1"], abs=1e-6)
