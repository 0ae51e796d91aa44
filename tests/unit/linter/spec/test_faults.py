"""What is said of a document that is no spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter import spec as language
from trainyard.linter.source import Fault, Severity, Suggestion
from trainyard.linter.spec import bundle
from trainyard.linter.spec.aliases import KEYS, VALUES
from trainyard.linter.spec.homes import homes_by_key

Made = Callable[..., dict[str, Any]]


def only(faults: tuple[Fault, ...]) -> Fault:
    (fault,) = faults
    return fault


@pytest.mark.parametrize(
    "section,written,meant",
    [
        ("optimizer", {"type": "adam", "lr": 0.1}, "learning_rate"),
        ("optimizer", {"type": "adam", "learning-rate": 0.1}, "learning_rate"),
        ("optimizer", {"type": "adam", "learningRate": 0.1}, "learning_rate"),
        ("optimizer", {"type": "adam", "learing_rate": 0.1}, "learning_rate"),
        ("optimizer", {"type": "sgd", "nesterov_momentum": True}, "nesterov"),
        ("training", {"batchsize": 3}, "batch_size"),
        ("training", {"bs": 3}, "batch_size"),
        ("training", {"num_epochs": 3}, "epochs"),
        ("model", {"type": "mlp", "hidden": [], "hidden_units": 3}, None),
        ("model", {"type": "cnn", "blocks": [{"filters": 3, "kernel_size": 3}]}, "kernel"),
        ("model", {"type": "sequential", "layers": [{"type": "conv2d", "filters": 3, "kernel_size": 3, "stride": 2}]}, "strides"),
        ("callbacks", {"early_stopping": {"restore_best_weights": True}}, "restore_best"),
        ("callbacks", {"earlystopping": {}}, "early_stopping"),
        ("dataset", {"type": "csv", "path": "a.csv", "target": "y", "split": {"val": 0.2}}, "validation"),
        ("dataset", {"type": "csv", "path": "a.csv", "target": "y", "missing": "skip"}, "bad_records"),
    ],
)
def test_a_misspelt_key_gets_the_closest_one(minimal: Made, section: str, written: dict[str, Any], meant: str | None) -> None:
    fault = only(language.check(minimal(**{section: written})))
    assert (fault.code, fault.name, fault.target) == ("SPEC001", "unknown-key", "key")
    if meant is None:
        assert "which is written already" in fault.message
        assert fault.suggestion is None
    else:
        assert f'did you mean "{meant}"?' in fault.message
        assert fault.suggestion is not None
        assert fault.suggestion.pointer == fault.pointer.rpartition("/")[0] + f"/{meant}"
        assert fault.safe


@pytest.mark.parametrize(
    "section,written",
    [
        ("model", {"type": "sequential", "layers": [{"type": "dense", "units": 3, "layers": 12}]}),
        ("training", {"training": {}}),
    ],
)
def test_a_key_is_not_sent_to_what_it_stands_in(minimal: Made, section: str, written: dict[str, Any]) -> None:
    fault = only(language.check(minimal(**{section: written})))
    assert "its place is" not in fault.message
    assert "known keys: " in fault.message


def test_a_word_of_another_tool_is_not_taken_over_with_a_key_that_has_none_such(minimal: Made) -> None:
    dataset = {"type": "csv", "path": "a.csv", "target": "y", "missing": "mean"}
    fault = only(language.check(minimal(dataset=dataset)))
    assert 'did you mean "bad_records"? It takes "fail", "skip", not "mean"' in fault.message
    assert (fault.suggestion, fault.safe) == (None, False)


@pytest.mark.parametrize(
    "written,place,suggestion",
    [
        ({"epochs": 5}, "training.epochs", Suggestion("/training", {"epochs": 5})),
        ({"batch_size": 5, "training": {}}, "training.batch_size", Suggestion("/training/batch_size", 5)),
        ({"batch_size": 5, "training": {"batch_size": 6}}, "training.batch_size", None),
        ({"seed": 5}, "experiment.seed", Suggestion("/experiment", {"seed": 5})),
        ({"val_split": 0.2}, "dataset.split.validation", Suggestion("/dataset/split", {"validation": 0.2})),
        ({"early_stopping": {"patience": 3}}, "callbacks.early_stopping", Suggestion("/callbacks", {"early_stopping": {"patience": 3}})),
        ({"class_weight": "balanced"}, "imbalance", None),
        ({"num_classes": 3}, "dataset.facts.classes", Suggestion("/dataset/facts", {"classes": 3})),
    ],
)
def test_a_key_that_belongs_elsewhere_is_told_where(
    minimal: Made, written: dict[str, Any], place: str, suggestion: Suggestion | None
) -> None:
    fault = only(language.check(minimal(**written)))
    assert fault.name == "unknown-key"
    assert place in fault.message or f'"{place}"' in fault.message
    if suggestion is not None or place != "imbalance":
        assert fault.suggestion == suggestion


def test_a_key_with_several_homes_or_types_is_not_moved(minimal: Made) -> None:
    fault = only(language.check(minimal(momentum=0.9)))
    assert fault.message == 'unknown key "momentum" in the spec; its place is optimizer.momentum (of type "sgd", "rmsprop")'
    assert fault.suggestion is None


def test_an_alias_that_names_a_path_means_that_path_alone(minimal: Made) -> None:
    fault = only(language.check(minimal(model={"type": "mlp", "hidden": [], "output_activation": "softmax"})))
    assert fault.message == 'unknown key "output_activation" in model (mlp); its place is model.output.activation'
    assert fault.suggestion == Suggestion("/model/output", {"activation": "softmax"})


def test_a_word_is_mended_by_itself_only_when_no_other_could_be_meant(minimal: Made) -> None:
    assert only(language.check(minimal(metrics=["acuracy"]))).safe
    assert not only(language.check(minimal(optimizer={"type": "adamm"}))).safe
    assert not only(language.check(minimal(metrics=["acc"]))).safe


def test_without_hidden_layers_one_rate_drops_inputs_of_the_output(minimal: Made) -> None:
    assert language.check(minimal(model={"type": "mlp", "hidden": [], "dropout": [0.5]})) == ()
    assert only(language.check(minimal(model={"type": "mlp", "hidden": [], "dropout": [0.5, 0.5]}))).code == "SPEC007"


def test_a_decay_of_the_optimizer_points_at_the_scheduler(minimal: Made) -> None:
    fault = only(language.check(minimal(optimizer={"type": "sgd", "decay": 1e-4})))
    assert (
        fault.message
        == 'unknown key "decay" in optimizer (sgd); its place is "scheduler" at the top of the spec, with "type": "inverse_time"'
    )
    assert fault.suggestion is None


def test_a_key_of_another_member_of_the_union_has_no_effect(minimal: Made) -> None:
    fault = only(language.check(minimal(optimizer={"type": "adam", "momentum": 0.9})))
    assert (fault.name, fault.severity, fault.target) == ("key-without-effect", Severity.WARNING, "key")
    assert fault.message == '"momentum" has no effect in optimizer (adam): it belongs to "sgd", "rmsprop"; remove it or change the type'


def test_a_key_that_nobody_knows_gets_the_list(minimal: Made) -> None:
    fault = only(language.check(minimal(resources={"flux_capacitors": 2})))
    assert fault.message == 'unknown key "flux_capacitors" in resources; known keys: "gpus"'
    assert fault.suggestion is None


def test_two_spellings_of_one_key_do_not_both_become_it(minimal: Made) -> None:
    faults = language.check(minimal(optimizer={"type": "adam", "lr": 1, "learning-rate": 2}))
    assert [fault.suggestion is not None for fault in faults] == [True, False]


@pytest.mark.parametrize(
    "sections,message",
    [
        ({"optimizer": {"type": "adamm"}}, '"adamm" is no value of optimizer.type; did you mean "adam"?'),
        ({"loss": {"type": "mse"}}, 'did you mean "mean_squared_error"?'),
        ({"metrics": ["acc"]}, '"acc" is no value of metrics[0]; did you mean "accuracy"?'),
        ({"task": "Classification"}, 'did you mean "classification"?'),
        ({"augmentation": "extreme"}, 'write one of "none", "light", "medium", "heavy"'),
        ({"training": {"precision": "fp16"}}, 'did you mean "mixed_float16"?'),
        ({"model": {"type": "transfer", "backbone": "ResNet50V2"}}, 'did you mean "resnet50_v2"?'),
        ({"version": "v9"}, 'version "v9" is unknown to this trainlint; it reads "v1"'),
        ({"scheduler": {"type": "CosineAnnealing"}}, 'did you mean "cosine"?'),
    ],
)
def test_a_word_outside_the_vocabulary_gets_the_closest_one(minimal: Made, sections: dict[str, Any], message: str) -> None:
    fault = only(language.check(minimal(**sections)))
    assert (fault.code, fault.target) == ("SPEC004", "value")
    assert message in fault.message


@pytest.mark.parametrize(
    "sections,message,better",
    [
        ({"training": {"epochs": "10"}}, 'training.epochs is the string "10"; a whole number is expected, write 10', 10),
        ({"training": {"epochs": 1.5}}, "training.epochs is 1.5; a whole number is expected, for example 60", None),
        ({"training": {"batch_size": True}}, "training.batch_size is the boolean true; a whole number is expected, for example 16", None),
        ({"training": {"shuffle": 1}}, "training.shuffle is 1; true or false is expected, write true", True),
        ({"training": {"shuffle": "no"}}, 'training.shuffle is the string "no"; true or false is expected, write false', False),
        (
            {"training": {"epochs": None}},
            "training.epochs is null; a whole number is expected; leave the key out for the default, 100",
            None,
        ),
        (
            {"optimizer": "sgd"},
            'optimizer is the string "sgd"; an object with a "type" is expected, write {"type": "sgd"}',
            {"type": "sgd"},
        ),
        (
            {"scheduler": "cosine"},
            'scheduler is the string "cosine"; an object with a "type" or a list is expected, write {"type": "cosine"}',
            {"type": "cosine"},
        ),
        (
            {"scheduler": {"type": "cosine", "t_max": 50}},
            'scheduler.t_max is 50; an object is expected, write {"epochs": 50}',
            {"epochs": 50},
        ),
        ({"model": {"type": "mlp", "hidden": 8}}, "model.hidden is 8; a list is expected, write [8]", [8]),
        ({"experiment": {"tags": "a"}}, 'experiment.tags is the string "a"; a list is expected, write ["a"]', ["a"]),
        ({"optimizer": {"type": "adam", "learning_rate": [0.1]}}, "optimizer.learning_rate is [0.1]; a number is expected, write 0.1", 0.1),
        ({"metrics": [5]}, 'metrics[0] is 5; a string or an object with a "type" is expected, for example "accuracy"', None),
    ],
)
def test_a_wrong_type_says_what_stands_there_and_what_is_expected(
    minimal: Made, sections: dict[str, Any], message: str, better: object
) -> None:
    fault = only(language.check(minimal(**sections)))
    assert (fault.code, fault.target, fault.message) == ("SPEC003", "value", message)
    assert fault.suggestion == (None if better is None else Suggestion(fault.pointer, better))
    if fault.suggestion is not None:
        assert type(fault.suggestion.value) is type(better)
    assert not fault.safe


@pytest.mark.parametrize(
    "sections,pointer,message",
    [
        (
            {"dataset": {"type": "csv", "path": "t.csv"}},
            "/dataset",
            'dataset (csv) lacks "target" (column to predict, or several); write "target"',
        ),
        ({"optimizer": {}}, "/optimizer", 'optimizer lacks "type"; write "type", one of "adam"'),
        ({"model": {"type": "cnn", "blocks": [{}]}}, "/model/blocks/0", 'model.blocks[0] lacks "filters"'),
    ],
)
def test_a_missing_key_is_named_with_an_example(minimal: Made, sections: dict[str, Any], pointer: str, message: str) -> None:
    fault = only(language.check(minimal(**sections)))
    assert (fault.code, fault.pointer, fault.target) == ("SPEC002", pointer, "key")
    assert message in fault.message


def test_an_empty_document_is_told_everything_it_needs() -> None:
    faults = language.check({})
    assert [fault.message.split('"')[1] for fault in faults] == ["version", "task", "dataset", "model"]
    assert faults[0].suggestion == Suggestion("/version", "v1")
    assert faults[0].safe


def test_a_partial_document_owes_nothing_but_the_tags() -> None:
    assert language.check({}, partial=True) == ()
    assert language.check({"model": {"type": "cnn", "blocks": [{}]}}, partial=True) == ()
    assert only(language.check({"optimizer": {"learning_rate": 1}}, partial=True)).code == "SPEC002"
    assert only(language.check({"optimizer": {"type": "adam", "lr": 1}}, partial=True)).code == "SPEC001"


@pytest.mark.parametrize(
    "sections,message",
    [
        ({"scheduler": {"type": "cosine", "warmup": {"epochs": 1, "steps": 2}}}, 'holds 2 keys; write exactly one of "epochs", "steps"'),
        ({"scheduler": {"type": "cosine", "warmup": {}}}, 'is empty; write exactly one of "epochs", "steps"'),
        ({"model": {"type": "cnn", "blocks": [{"filters": 1, "kernel": [3, 3, 3]}]}}, "holds 3 values; write at most 2"),
        ({"$lint": [{"rule": "LR001", "reason": ""}]}, 'is empty; write a text, for example "range test of March'),
    ],
)
def test_too_much_or_too_little_is_counted(minimal: Made, sections: dict[str, Any], message: str) -> None:
    fault = only(language.check(minimal(**sections)))
    assert fault.code == "SPEC005"
    assert message in fault.message


@pytest.mark.parametrize(
    "model,pointer",
    [
        ({"type": "mlp", "hidden": [8, 4], "dropout": [0.1]}, "/model/dropout"),
        ({"type": "cnn", "blocks": [{"filters": 1}], "dropout": {"conv": [0.1, 0.2]}}, "/model/dropout/conv"),
        ({"type": "cnn", "blocks": [], "head": {"hidden": [8]}, "dropout": {"dense": [0.1, 0.2]}}, "/model/dropout/dense"),
        ({"type": "transfer", "backbone": "vgg16", "head": {"hidden": [8], "dropout": []}}, "/model/head/dropout"),
    ],
)
def test_a_list_of_rates_must_fit_its_layers(minimal: Made, model: dict[str, Any], pointer: str) -> None:
    fault = only(language.check(minimal(model=model)))
    assert (fault.code, fault.pointer) == ("SPEC007", pointer)


def test_a_count_with_a_fraction_is_a_warning_with_a_safe_fix(minimal: Made) -> None:
    fault = only(language.check(minimal(training={"epochs": 10.0}, optimizer={"type": "adam", "learning_rate": 1.0})))
    assert (fault.code, fault.severity, fault.safe) == ("SPEC006", Severity.WARNING, True)
    assert fault.suggestion == Suggestion("/training/epochs", 10)
    assert type(fault.suggestion.value) is int


def test_of_a_union_only_the_chosen_member_complains(minimal: Made) -> None:
    for union, tag in (("optimizer", "sgd"), ("scheduler", "step"), ("loss", "huber"), ("imbalance", "focal")):
        fault = only(language.check(minimal(**{union: {"type": tag, "qqqqqq": 1}})))
        assert f"({tag})" in fault.message
    assert only(language.check(minimal(loss={"type": "?", "qqqqqq": 1}))).pointer == "/loss/type"
    assert only(language.check(minimal(loss={"qqqqqq": 1}))).pointer == "/loss"


def test_a_misspelt_type_does_not_hide_what_else_is_wrong(minimal: Made) -> None:
    faults = language.check(minimal(optimizer={"lr": 1, "type": "Adam", "momentum": 0.9}))
    assert [(fault.pointer, fault.code) for fault in faults] == [
        ("/optimizer/lr", "SPEC001"),
        ("/optimizer/type", "SPEC004"),
        ("/optimizer/momentum", "SPEC008"),
    ]
    assert len(language.check(minimal(optimizer={"type": "adamm", "lr": 1}))) == 1


def test_everything_is_said_at_once_in_the_order_of_the_document(minimal: Made) -> None:
    model = {"type": "mlp", "hidden": [1], "dropout": [1, 1]}
    spec = {"epochs": 5} | minimal(training={"shuffle": 3, "epochs": "ten"}, optimizer={"type": "adam", "lr": "0.1"}, model=model)
    assert [fault.pointer for fault in language.check(spec)] == [
        "/epochs",
        "/training/shuffle",
        "/training/epochs",
        "/optimizer/lr",
        "/model/dropout",
    ]


def test_keys_are_escaped_in_pointers_and_shortened_in_messages(minimal: Made) -> None:
    fault = only(language.check(minimal(**{"a/b~c" + "d" * 300: 1})))
    assert fault.pointer.startswith("/a~1b~0cddd")
    assert len(fault.message) < 400


@pytest.mark.parametrize(
    "junk",
    [
        [],
        "adam",
        None,
        5,
        {"model": {"type": "sequential", "layers": [{}] * 20_000}},
        {"model": {"type": "sequential", "layers": [{"type": "dense", "a": 1, "b": 2}] * 2_000}},
        {f"key{number}": number for number in range(6_000)},
        {"optimizer": {"type": "adam", **{f"momentum{number}": number for number in range(3_000)}}},
        {"metrics": ["accurac"] * 6_000},
        {"dataset": {"type": "npz", "path": "a", "facts": {"class_counts": {f"c{number}": "x" for number in range(4_000)}}}},
        {"experiment": {"tags": ["a" * 60_000, 5]}},
        {"training": {"epochs": "9" * 5_000, "batch_size": "1e999"}},
    ],
    ids=lambda junk: str(junk)[:40],
)
def test_junk_is_refused_briefly_and_soon(junk: object, cost: Callable[[Callable[[], object]], float]) -> None:
    faults = language.check(junk)
    assert 1 <= len(faults) <= 200
    assert all(len(fault.message) < 600 for fault in faults)
    assert cost(lambda: language.check(junk)) < 3


def test_broken_specs_never_raise_and_always_get_a_reason(writer: Callable[[int], Any]) -> None:
    kinds = set()
    for seed in range(1500):
        author = writer(seed)
        spec = author.broken(author.spec())
        for fault in language.check(spec):
            kinds.add(fault.code)
            assert fault.message
            assert "\n" not in fault.message
    assert kinds == {kind.code for kind in language.KINDS}


def test_every_fault_of_the_catalogue_is_explained() -> None:
    assert len({kind.code for kind in language.KINDS}) == len({kind.name for kind in language.KINDS}) == len(language.KINDS)
    for kind in language.KINDS:
        assert all(text.endswith(".") for text in (kind.what, kind.why, kind.mend))


def test_every_alias_leads_to_a_key_or_a_word_of_the_language() -> None:
    places = {home.path for homes in homes_by_key().values() for home in homes}
    keys = set(homes_by_key()) | {"$schema", "$lint"}
    for target in KEYS.values():
        place, _, becomes = target.partition(":")
        assert place in keys or place in places, target
        assert not becomes or becomes in {word for node in enums(bundle.schema()) for word in node}, target
    words = {word for node in enums(bundle.schema()) for word in node}
    for targets in VALUES.values():
        assert set(targets) <= words, targets


def enums(node: object) -> Any:
    if isinstance(node, dict):
        yield from [node["enum"]] if isinstance(node.get("enum"), list) else []
        for value in node.values():
            yield from enums(value)
    elif isinstance(node, list):
        for value in node:
            yield from enums(value)


@pytest.mark.parametrize(
    "sections,pointers",
    [
        ({"scheduler": [{"type": "cosine", "warmup": {"steps": 5.0}}]}, ["/scheduler/0/warmup/steps"]),
        ({"scheduler": {"type": "cosine", "warmup": {"epochs": 5.0}}}, []),
        ({"model": {"type": "mlp", "hidden": [8.0, 4]}}, ["/model/hidden/0"]),
        ({"model": {"type": "cnn", "blocks": [{"filters": 4, "kernel": [3.0, 3]}]}}, ["/model/blocks/0/kernel/0"]),
        ({"dataset": {"type": "npz", "path": "a", "facts": {"class_counts": {"a": 5.0}}}}, ["/dataset/facts/class_counts/a"]),
        ({"dataset": {"type": "npz", "path": "a", "facts": {"samples": 5.0}}}, ["/dataset/facts/samples"]),
        (
            {"dataset": {"type": "npz", "path": "a", "split": {"validation": 1.0, "test": {"samples": 4.0}}}},
            ["/dataset/split/test/samples"],
        ),
        ({"model": {"type": "transfer", "backbone": "vgg16", "trainable": {"last": 3.0}}}, ["/model/trainable/last"]),
        ({"imbalance": {"type": "class_weights", "weights": {"epochs": 2.0}}}, []),
        ({"optimizer": {"type": "adam", "clipnorm": 1.0, "learning_rate": 0.0}}, []),
    ],
)
def test_only_where_a_count_is_meant_is_the_fraction_pointed_out(minimal: Made, sections: dict[str, Any], pointers: list[str]) -> None:
    assert [fault.pointer for fault in language.check(minimal(**sections))] == pointers
