"""The model is the one that the linter predicted, and learns at the rates that it drew."""

from typing import Any

import numpy as np
import pytest
import sklearn.metrics

from trainyard.linter.estimate.schedule import Curve
from trainyard.linter.shapes import infer
from trainyard.service.trainer.metrics import Form, make

BLOCKS = [
    {"filters": 3, "kernel": [3, 1], "convolutions": 2, "strides": 2, "batch_norm": True, "pooling": None},
    {"filters": 5, "kernel": 2, "padding": "valid", "pooling": "average", "dropout": 0.2},
]
MODELS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "cnn, flattened": (("images",), {"model": {"blocks": BLOCKS, "head": {"pooling": "flatten", "hidden": [7, 5], "batch_norm": True}}}),
    "cnn, pooled": (("images",), {"model": {"blocks": BLOCKS, "head": {"pooling": "global_max", "hidden": [], "dropout": 0.3}}}),
    "mlp on images": (
        ("images", "mlp"),
        {"model": {"hidden": [9, 4], "batch_norm": True, "dropout": 0.5}, "dataset": {"scaling": "standardize"}},
    ),
    "linear model": (("arrays", "mlp"), {"model": {"hidden": [], "output": {"bias": False}}, "dataset": {"input_shape": [8, 8, 1]}}),
}


@pytest.mark.parametrize("name", MODELS)
def test_parameters_and_shapes_are_those_that_the_linter_predicts(prepare: Any, name: str) -> None:
    ingredients, changes = MODELS[name]

    dataset = {**changes.get("dataset", {}), "facts": {"classes": 3}}
    prepared = prepare(*ingredients, **{**changes, "dataset": dataset})

    predicted = infer(prepared.spec)
    assert predicted is not None
    assert prepared.built.parameters == predicted.parameters
    layers = [layer for layer in prepared.built.kept.layers if layer.name not in {"sample", "scaling"}]
    built = [(type(layer).__name__, tuple(layer.output.shape[1:])) for layer in layers]
    assert built == [(layer.kind, layer.output_shape) for layer in predicted.layers]


def test_every_step_takes_the_rate_of_the_shared_curve(prepare: Any) -> None:
    """Plain SGD on a loss with gradient 1: each step moves the bias by exactly the rate."""
    schedule = [{"type": "cosine", "t_max": {"steps": 9}, "warmup": {"steps": 3}}, {"type": "step", "size": {"steps": 4}, "gamma": 0.5}]
    prepared = prepare(scheduler=schedule, optimizer={"type": "sgd", "learning_rate": 0.3, "momentum": 0.0})
    rates, optimizer = prepared.rates, prepared.built.learner.optimizer
    steps = len(prepared.train)
    curve = Curve(0.3, prepared.spec.scheduler, steps, 2)

    seen = []
    for epoch in range(2):
        rates.begin(epoch)
        for _ in range(steps):
            seen.append(float(optimizer.learning_rate))
            optimizer.iterations.assign_add(1)

    assert seen == pytest.approx([curve.at(step) for step in range(2 * steps)], rel=1e-6)
    assert rates.last_of(1) == pytest.approx(seen[-1])


def test_a_plateau_scales_the_whole_curve(prepare: Any) -> None:
    prepared = prepare(optimizer={"type": "sgd", "learning_rate": 0.3})
    prepared.rates.scale = 0.5
    prepared.rates.begin(0)

    assert float(prepared.built.learner.optimizer.learning_rate) == pytest.approx(0.15)


def test_scaling_uses_the_training_part_alone(prepare: Any) -> None:
    prepared = prepare("arrays", dataset={"scaling": "standardize"})
    part = prepared.division.train
    inputs = part.inputs[part.indices]

    scaled = np.asarray(prepared.built.kept.get_layer("scaling")(inputs))

    assert scaled.mean() == pytest.approx(0.0, abs=1e-5)
    assert scaled.std() == pytest.approx(1.0, abs=1e-5)


def test_min_max_brings_the_training_part_between_zero_and_one(prepare: Any) -> None:
    prepared = prepare("table", dataset={"scaling": "min_max"})
    part = prepared.division.train

    scaled = np.asarray(prepared.built.kept.get_layer("scaling")(part.inputs[part.indices]))

    np.testing.assert_allclose(scaled.min(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(scaled.max(axis=0), 1.0, atol=1e-6)


@pytest.mark.parametrize("sparse", [True, False])
def test_scores_of_several_classes_are_those_of_scikit_learn(typed: Any, sparse: bool) -> None:
    draw = np.random.default_rng(2)
    truth, outputs = draw.integers(0, 3, 60), draw.dirichlet([1, 1, 1], 60).astype(np.float32)
    predicted = outputs.argmax(axis=1)
    form = Form(sparse=sparse, units=3, exclusive=True, logits=False, threshold=0.5)
    targets = truth if sparse else np.eye(3, dtype=np.float32)[truth]
    metrics = typed(
        metrics=["accuracy", "f1", {"type": "fbeta", "beta": 2.0, "average": "weighted"}, {"type": "top_k_accuracy", "k": 2}]
    ).metrics

    values = [_value(make(metric, form), targets, outputs) for metric in metrics]

    assert values == pytest.approx(
        [
            sklearn.metrics.accuracy_score(truth, predicted),
            sklearn.metrics.f1_score(truth, predicted, average="macro"),
            sklearn.metrics.fbeta_score(truth, predicted, beta=2.0, average="weighted"),
            sklearn.metrics.top_k_accuracy_score(truth, outputs, k=2),
        ],
        abs=1e-6,
    )


@pytest.mark.parametrize("logits", [True, False])
def test_scores_of_one_output_are_those_of_two_classes(typed: Any, logits: bool) -> None:
    draw = np.random.default_rng(3)
    truth, outputs = draw.integers(0, 2, (60, 1)), draw.uniform(0.01, 0.99, (60, 1)).astype(np.float32)
    predicted = (outputs > 0.4).astype(int)
    form = Form(sparse=False, units=1, exclusive=True, logits=logits, threshold=0.4)
    shown = np.log(outputs / (1 - outputs)) if logits else outputs
    metrics = typed(metrics=["accuracy", "f1", {"type": "recall", "threshold": 0.4}, "auc"]).metrics

    values = [_value(make(metric, form), truth.astype(np.float32), shown) for metric in metrics]

    assert values[:3] == pytest.approx(
        [
            sklearn.metrics.accuracy_score(truth, predicted),
            sklearn.metrics.f1_score(truth, predicted, average="macro"),
            sklearn.metrics.recall_score(truth, predicted),
        ],
        abs=1e-6,
    )
    assert values[3] == pytest.approx(sklearn.metrics.roc_auc_score(truth, outputs), abs=0.02)


def test_sample_weights_do_not_reach_a_metric(typed: Any) -> None:
    form = Form(sparse=True, units=2, exclusive=True, logits=False, threshold=0.5)
    metric = make(typed(metrics=["f1"]).metrics[0], form)
    metric.update_state(np.array([0, 1]), np.array([[0.9, 0.1], [0.9, 0.1]]), sample_weight=np.array([1.0, 0.0]))

    assert float(metric.result()) == pytest.approx(1 / 3, abs=1e-6)


def _value(metric: Any, targets: Any, outputs: Any) -> float:
    half = len(targets) // 2
    metric.update_state(targets[:half], outputs[:half])
    metric.update_state(targets[half:], outputs[half:])
    return float(metric.result())


def test_the_compiled_step_obeys_the_rates(train: Any) -> None:
    """With no rate left in the second epoch, nothing is learnt in it: the compiled step reads what was laid out."""
    result = train(training={"epochs": 3}, scheduler={"type": "step", "milestones": [{"epochs": 1}], "gamma": 1e-30})

    losses = [epoch["val_loss"] for epoch in result.json("history.json")["epochs"]]
    assert losses[0] == losses[1] == losses[2]
