from pathlib import Path

import pytest

from portrait_assets.methods.clustering.errors import ClusterError
from portrait_assets.stages.clusters.names.given_names import GIVEN_NAMES_FILE, given_names


def folder_with(tmp_path: Path, text: str) -> Path:
    (tmp_path / GIVEN_NAMES_FILE).write_text(text, encoding="utf-8")
    return tmp_path


def test_names_are_given_per_segment_and_language(tmp_path: Path) -> None:
    text = "1: {en: Weekend families, zh: 周末家庭}\n4: {zh: 高净值}\n"
    assert given_names(folder_with(tmp_path, text)) == {
        1: {"en": "Weekend families", "zh": "周末家庭"},
        4: {"zh": "高净值"},
    }


def test_no_file_or_an_empty_one_gives_no_name(tmp_path: Path) -> None:
    assert given_names(tmp_path) == {}
    assert given_names(folder_with(tmp_path, "# none yet\n")) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1: [", "not readable as YAML in line"),
        ("- 1\n", "must map segment ids"),
        ("first: {en: A}\n", "'first' is not a segment id"),
        ("0: {en: A}\n", "'0' is not a segment id"),
        ("1: Weekend\n", "segment 1 needs `en`, `zh` or both"),
        ("1: {fr: Famille}\n", "segment 1 needs `en`, `zh` or both"),
        ("1: {en: 7}\n", "the en name of segment 1 is not a text"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ClusterError, match=told) as error:
        given_names(folder_with(tmp_path, text))
    assert "\n" not in str(error.value)
