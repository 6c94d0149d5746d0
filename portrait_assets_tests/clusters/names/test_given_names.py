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
    ("text", "message"),
    [
        ("1: [", "line 2: this is not valid YAML"),
        ("- 1\n", "must be a mapping of names to values, such as 1: {en: New"),
        ("first: {en: A}\n", "'first' is not a segment id"),
        ("0: {en: A}\n", "'0' is not a segment id"),
        ("1: Weekend\n", "segment 1 must be a mapping with the keys en, zh, such as"),
        ("1: {fr: Famille}\n", "segment 1 has no key 'fr'; it takes en, zh"),
        ("1: {}\n", "segment 1: give it a name as `en`, `zh` or both"),
        ("1: {en: Rich}\n2: {en: rich}\n", "calls the segments 1 and 2 both 'rich'; give each"),
        ("1: {en: 7}\n", "en of segment 1: unquoted 7 is a number in YAML"),
    ],
)
def test_a_mistake_raises_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ClusterError, match=message) as error:
        given_names(folder_with(tmp_path, text))
    assert "\n" not in str(error.value)
