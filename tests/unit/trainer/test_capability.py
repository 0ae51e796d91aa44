from typing import Any

import pytest

from trainyard.service.capability import untrainable

IMAGES = {"type": "image_directory", "path": "pictures", "input_shape": [8, 8, 1], "facts": {"classes": ["a", "b"]}}
CNN = {"type": "cnn", "blocks": [{"filters": 2}]}
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("/task", {"task": "regression", "dataset": IMAGES, "model": CNN}),
    ("/dataset/scaling", {"dataset": {"scaling": "preprocess_input"}}),
    ("/dataset/split/group", {"dataset": {**IMAGES, "split": {"method": "group", "group": "who"}}, "model": CNN}),
    ("/augmentation/0", {"augmentation": [{"type": "random_flip"}]}),
    ("/augmentation/1", {"augmentation": [{"type": "mix_up"}, {"type": "cut_mix"}]}),
    ("/augmentation/0", {"dataset": IMAGES, "model": CNN, "augmentation": [{"type": "random_hue", "factor": 0.1}]}),
    ("/model/type", {"model": {"type": "declared", "parameters": 7}}),
    ("/loss/type", {"loss": {"type": "ctc"}}),
    ("/training/precision", {"training": {"precision": "bfloat16"}}),
    ("/augmentation/0", {"loss": {"type": "circle"}, "metrics": [], "augmentation": [{"type": "mix_up"}]}),
    ("/metrics", {"loss": {"type": "circle"}, "model": {"output": {"units": 8}}}),
    ("/loss/type", {"loss": {"type": "sparse_categorical_crossentropy"}, "model": {"output": {"units": 1}}}),
    ("/model/output/units", {"task": "multilabel", "dataset": {"target": ["a", "b"]}, "model": {"output": {"units": 5}}}),
    ("/model/output/units", {"task": "regression", "model": {"output": {"units": 2}}, "dataset": {"facts": {"classes": None}}}),
    ("/metrics/0/class_id", {"metrics": [{"type": "recall", "class_id": 2}]}),
    ("/metrics/1/name", {"metrics": ["accuracy", {"type": "f1", "name": "accuracy"}]}),
    ("/metrics/0/name", {"metrics": [{"type": "f1", "name": "val_loss"}]}),
    ("/metrics/0/class_id", {"metrics": [{"type": "recall", "class_id": 1}], "model": {"output": {"units": 1}}}),
    ("/metrics", {"metrics": [{"type": "auc", "name": f"auc_{number}"} for number in range(31)]}),
    ("/optimizer/clipvalue", {"optimizer": {"type": "adam", "clipnorm": 1.0, "clipvalue": 1.0}}),
    ("/imbalance", {"imbalance": {"type": "focal"}, "loss": {"type": "categorical_hinge"}}),
    ("/imbalance", {"task": "regression", "imbalance": {"type": "oversample"}}),
    ("/callbacks/early_stopping/monitor", {"callbacks": {"early_stopping": {"monitor": "val_auc"}}}),
    ("/scheduler/0/monitor", {"scheduler": {"type": "reduce_on_plateau", "monitor": "val_auc"}}),
    ("/training/batch_size", {"resources": {"gpus": 5}}),
]


@pytest.mark.parametrize("pointer, changes", CHANGES, ids=[f"{pointer}-{place}" for place, (pointer, _) in enumerate(CHANGES)])
def test_what_can_not_be_trained_is_named_by_its_pointer(typed: Any, pointer: str, changes: dict[str, Any]) -> None:
    gaps = untrainable(typed(**changes))

    assert [found for found, _ in gaps] == [pointer]
    assert all(message.endswith(".") for _, message in gaps)


def test_a_small_classification_has_no_gap(typed: Any) -> None:
    assert untrainable(typed()) == ()


def test_a_beta_that_bfloat16_can_tell_from_one_is_trained(typed: Any) -> None:
    assert untrainable(typed(training={"precision": "bfloat16"}, optimizer={"type": "nadam", "beta_2": 0.99})) == ()


def test_every_gap_of_a_spec_is_named_at_once(typed: Any) -> None:
    gaps = untrainable(typed(resources={"gpus": 5}, loss={"type": "ctc"}))

    assert [pointer for pointer, _ in gaps] == ["/loss/type", "/training/batch_size"]
