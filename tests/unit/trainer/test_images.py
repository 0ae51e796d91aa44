from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainyard.linter.spec.model.dataset import Dataset, ImageDirectory
from trainyard.service.trainer.data import images, reading
from trainyard.service.trainer.failures import DataError


@pytest.fixture
def pictures(typed: Any) -> Any:
    def make(**changes: Any) -> ImageDirectory:
        fields = {"type": "image_directory", "path": "pictures", "input_shape": [8, 6, 1], **changes}
        dataset: Dataset = typed(dataset=fields, model={"type": "cnn", "blocks": [{"filters": 2}]}).dataset
        assert isinstance(dataset, ImageDirectory)
        return dataset

    return make


def test_classes_are_the_sorted_folder_names_and_pixels_stay_bytes(pictures: Any, image_folder: Path) -> None:
    samples = images.read(pictures(), image_folder)

    assert samples.classes == ("a", "b")
    assert samples.inputs.dtype == np.uint8
    assert samples.inputs.shape == (8, 8, 6, 1)
    assert samples.targets.tolist() == [0] * 4 + [1] * 4
    assert samples.inputs[:, 0, 0, 0].tolist() == [40, 41, 42, 43, 0, 1, 2, 3]


def test_images_are_resized_and_get_the_channels_that_the_spec_names(pictures: Any, image_folder: Path) -> None:
    assert images.read(pictures(input_shape=[4, 4, 3]), image_folder).inputs.shape == (8, 4, 4, 3)


def test_a_shape_left_open_is_that_of_the_first_image(pictures: Any, image_folder: Path) -> None:
    assert images.read(pictures(input_shape=None), image_folder).inputs.shape == (8, 8, 6, 1)


def test_sixteen_bit_grey_keeps_its_high_byte(pictures: Any, image_folder: Path) -> None:
    for file in (image_folder / "pictures" / "a").iterdir():
        Image.fromarray(np.full((8, 6), 0x8001, dtype=np.uint16)).save(file)

    assert images.read(pictures(), image_folder).inputs[0, 0, 0, 0] == 0x80


def test_a_corrupt_image_is_named_and_fails_the_run(pictures: Any, image_folder: Path) -> None:
    bad = image_folder / "pictures" / "a" / "1.png"
    bad.write_bytes(bad.read_bytes()[:40])

    with pytest.raises(DataError, match=r"1 of the images can not be used \(a/1\.png: ") as caught:
        images.read(pictures(), image_folder)
    assert str(image_folder) not in str(caught.value)


def test_a_corrupt_image_is_skipped_and_counted_when_the_spec_says_so(pictures: Any, image_folder: Path) -> None:
    (image_folder / "pictures" / "a" / "1.png").write_bytes(b"no image")

    samples = images.read(pictures(bad_records="skip", max_bad_records=1), image_folder)

    assert [(record.name, record.why) for record in samples.bad] == [("a/1.png", "is no image")]
    assert samples.inputs[:, 0, 0, 0].tolist() == [40, 42, 43, 0, 1, 2, 3]
    assert samples.targets.tolist() == [0] * 3 + [1] * 4


def test_one_bad_image_more_than_may_be_skipped_fails_the_run(pictures: Any, image_folder: Path) -> None:
    for number in range(2):
        (image_folder / "pictures" / "a" / f"{number}.png").write_bytes(b"")

    with pytest.raises(DataError, match=r"2 of the images .* only 1 may be skipped"):
        images.read(pictures(bad_records="skip", max_bad_records=1), image_folder)


def test_an_image_with_too_many_pixels_is_refused_before_it_is_unpacked(
    pictures: Any, image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_MOST_PIXELS", 40)

    with pytest.raises(DataError, match=r"8 of the images .* 6 x 8 pixels are too many"):
        images.read(pictures(), image_folder)


def test_an_empty_folder_is_said_to_be_empty(pictures: Any, tmp_path: Path) -> None:
    (tmp_path / "pictures" / "a").mkdir(parents=True)

    with pytest.raises(DataError, match='There are no images in "pictures"'):
        images.read(pictures(), tmp_path)


def test_one_class_is_nothing_to_learn(pictures: Any, image_folder: Path) -> None:
    for file in (image_folder / "pictures" / "b").iterdir():
        file.unlink()

    with pytest.raises(DataError, match='All samples are of one class, "a"'):
        reading.read(pictures(), "classification", image_folder)


@pytest.mark.parametrize("path", ["../outside", "/etc", "pictures/../../outside"])
def test_a_path_that_leaves_the_data_root_is_refused(pictures: Any, image_folder: Path, path: str) -> None:
    with pytest.raises(DataError, match="data root"):
        images.read(pictures(path=path), image_folder)


def test_a_link_that_leaves_the_data_root_is_not_followed(pictures: Any, image_folder: Path, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.png"
    Image.fromarray(np.zeros((8, 6), dtype=np.uint8)).save(outside)
    (image_folder / "pictures" / "a" / "link.png").symlink_to(outside)

    assert len(images.read(pictures(), image_folder)) == 8


def test_a_dataset_that_is_not_there_is_said_to_be_absent(pictures: Any, image_folder: Path) -> None:
    with pytest.raises(DataError, match="no 'nowhere' below the data root"):
        images.read(pictures(path="nowhere"), image_folder)
