"""Image folders: counted without a library, looked at in a sample, and never left through a link."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

import pytest
from PIL import Image

from trainyard.linter.facts import Trouble, read
from trainyard.linter.facts.images import spread
from trainyard.linter.spec.model.dataset import Facts as Declared
from trainyard.linter.spec.model.dataset import ImageDirectory, Part, Split

PLAIN = Split(None, None, "stratified", None, 0)
UNKNOWN = Declared(*[None] * len(Declared._fields))


def dataset(path: str = "set", split: Split = PLAIN) -> ImageDirectory:
    return ImageDirectory("image_directory", path, None, "unit", split, UNKNOWN, "bilinear", "fail", 100)


def picture(path: Path, size: tuple[int, int] = (6, 4), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, amount in {"cat": 3, "ant": 2, "dog": 1}.items():
        for index in range(amount):
            picture(tmp_path / "set" / name / f"{index}.png")
    return tmp_path


def test_classes_are_the_folders_in_order_of_their_names(root: Path) -> None:
    facts = read(dataset(), root, 5)
    assert facts.class_names == ("ant", "cat", "dog")
    assert facts.class_counts == (2, 3, 1)
    assert facts.samples == 6
    assert facts.complete
    assert facts.usable


def test_sizes_are_height_and_width_and_channels_follow_the_mode(root: Path) -> None:
    picture(root / "set" / "dog" / "wide.png", (20, 2), "RGB")
    seen = read(dataset(), root, 5).images
    assert seen is not None
    assert (seen.smallest, seen.largest, seen.channels) == ((2, 6), (4, 20), (1, 3))


def test_deeper_folders_count_for_the_class_above_and_hidden_or_foreign_files_do_not(root: Path) -> None:
    picture(root / "set" / "ant" / "deeper" / "still" / "x.PNG".lower())
    picture(root / "set" / "ant" / ".thumbnail.png")
    (root / "set" / "ant" / "notes.txt").write_text("no image")
    (root / "set" / ".git").mkdir()
    facts = read(dataset(), root, 5)
    assert facts.class_counts == (3, 3, 1)


def test_counting_needs_no_pillow(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    facts = read(dataset(), root, 5)
    assert facts.class_counts == (2, 3, 1)
    assert facts.images is None
    assert [problem.trouble for problem in facts.problems] == [Trouble.LIBRARY]


def test_a_truncated_image_is_named_without_the_place_of_the_root(root: Path) -> None:
    bad = root / "set" / "cat" / "bad.png"
    picture(bad, (300, 300))
    bad.write_bytes(bad.read_bytes()[:60])
    (root / "set" / "cat" / "text.png").write_text("hello")
    facts = read(dataset(), root, 5)
    assert sorted(problem.path for problem in facts.problems) == ["set/cat/bad.png", "set/cat/text.png"]
    assert all(str(root) not in problem.message for problem in facts.problems)
    assert facts.usable


def test_an_image_bomb_is_a_problem_and_is_not_unpacked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    facts = read(dataset(), root, 5)
    assert {problem.trouble for problem in facts.problems} == {Trouble.UNREADABLE}


def test_links_out_of_the_root_and_loops_are_not_followed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere")
    picture(secret / "a" / "1.png")
    (root / "set" / "fox").symlink_to(secret / "a")
    (root / "set" / "cat" / "out.png").symlink_to(secret / "a" / "1.png")
    (root / "set" / "cat" / "loop").symlink_to(root / "set")
    facts = read(dataset(), root, 5)
    assert facts.class_names == ("ant", "cat", "dog")
    assert facts.class_counts == (2, 3, 1)


def test_a_link_inside_the_root_is_followed(root: Path) -> None:
    (root / "set" / "emu").symlink_to(root / "set" / "ant")
    assert read(dataset(), root, 5).class_counts == (2, 3, 1, 2)


@pytest.mark.parametrize("path", ["../set", "/etc", "a/../../b", "C:/data", "C:data", "\\\\host\\share", "set\0x", "", "..\\x"])
def test_a_path_that_could_leave_the_root_is_refused(root: Path, path: str) -> None:
    facts = read(dataset(path), root, 5)
    assert [problem.trouble for problem in facts.problems] == [Trouble.OUTSIDE]
    assert not facts.usable


def test_a_link_as_dataset_that_leads_out_is_refused(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (root / "door").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    assert [problem.trouble for problem in read(dataset("door"), root, 5).problems] == [Trouble.OUTSIDE]


def test_a_path_that_begins_with_the_roots_own_name_is_told_without_it(root: Path) -> None:
    (problem,) = read(dataset(f"{root.name}/set"), root, 5).problems
    assert problem.message == f"There is no '{root.name}/set' below the data root, which is '{root.name}' itself: write 'set'."


def test_what_lies_outside_of_the_root_is_not_told_by_such_a_path(root: Path) -> None:
    (root.parent / "secret").mkdir()
    (root / "out").symlink_to(root.parent / "secret")
    for path in (f"{root.name}/nothing", f"{root.name}/out", f"{root.parent.name}/{root.name}/set"):
        (problem,) = read(dataset(path), root, 5).problems
        assert problem.message == f"There is no '{path}' below the data root."


@pytest.mark.parametrize("path, trouble", [("absent", Trouble.ABSENT), ("file", Trouble.WRONG_KIND), ("empty", Trouble.EMPTY)])
def test_what_cannot_be_a_dataset_says_so(root: Path, path: str, trouble: Trouble) -> None:
    (root / "file").write_text("x")
    (root / "empty" / "class").mkdir(parents=True)
    facts = read(dataset(path), root, 5)
    assert [problem.trouble for problem in facts.problems] == [trouble]
    assert path in facts.problems[0].message


def test_without_a_root_nothing_is_read() -> None:
    facts = read(dataset(), None, 5)
    assert [problem.trouble for problem in facts.problems] == [Trouble.NO_ROOT]
    assert facts.usable


def test_when_the_time_is_up_nothing_half_counted_is_told(root: Path) -> None:
    for index in range(600):
        (root / "set" / "ant" / f"x{index}.png").touch()
    clock = count().__next__
    facts = read(dataset(), root, 1, clock=lambda: float(clock()))
    assert not facts.complete
    assert facts.samples is None
    assert facts.class_counts == ()


def test_a_part_with_its_own_path_is_read_too(root: Path) -> None:
    picture(root / "val" / "ant" / "1.png")
    facts = read(dataset(split=Split(Part(None, None, "val"), Part(None, None, "gone"), "stratified", None, 0)), root, 5)
    assert facts.parts["validation"].class_counts == (1,)
    assert not facts.parts["test"].usable


def test_a_sample_is_spread_over_all_files() -> None:
    assert spread([str(index) for index in range(10)], 3) == ["0", "3", "6"]
    assert spread(["a"], 3) == ["a"]
