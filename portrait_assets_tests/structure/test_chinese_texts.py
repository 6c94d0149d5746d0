"""Chinese texts are written as a bank's staff writes: with full-width punctuation."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

import portrait_assets

PACKAGE = Path(portrait_assets.__file__).parent
HAN = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
HALF_WIDTH = re.compile(rf"{HAN}[,;:!?()]|[,;:!?()]{HAN}")
# What customers of the generated bank write is as people type, and a pattern is no sentence.
NOT_OURS = ("synthetic", "testing")
PATTERN = re.compile(r"\(\?|\\")


def python_texts(file: Path) -> Iterator[str]:
    """The texts of a module but for its docstrings; of one that is formatted its parts in one."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    left_out: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            left_out.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            left_out.update(node.values)
            parts = (each.value for each in node.values if isinstance(each, ast.Constant))
            yield "…".join(map(str, parts))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in left_out and isinstance(node.value, str):
            yield node.value


def template_texts(file: Path) -> Iterator[str]:
    """The texts of a template, which stand in quotation marks."""
    yield from re.findall(r'"([^"\n]*)"', file.read_text(encoding="utf-8"))


def yaml_texts(file: Path) -> Iterator[str]:
    """The texts of a YAML file, quoted or not."""
    for event in yaml.parse(file.read_text(encoding="utf-8")):
        if isinstance(event, yaml.ScalarEvent):
            yield event.value


def of_package(ending: str) -> list[Path]:
    """The files of the package that people read, by the ending of their names."""
    files = PACKAGE.rglob(f"*{ending}")
    return sorted(each for each in files if each.relative_to(PACKAGE).parts[0] not in NOT_OURS)


def wrong(texts: Iterator[str]) -> list[str]:
    """Those with punctuation of half width beside a Chinese character."""
    return [text for text in texts if HALF_WIDTH.search(text) and not PATTERN.search(text)]


@pytest.mark.parametrize(
    ("ending", "texts"),
    [(".py", python_texts), (".html", template_texts), (".yaml", yaml_texts)],
)
def test_no_chinese_text_has_half_width_punctuation(
    ending: str, texts: Callable[[Path], Iterator[str]]
):
    files = of_package(ending)
    found = {str(each.relative_to(PACKAGE)): wrong(texts(each)) for each in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("text", ["稳定:两次", "客户;AUC", "直降(TGI", "）,上月", "结果!", ":两次"])
def test_half_width_punctuation_beside_a_chinese_character_is_found(text: str, tmp_path: Path):
    (tmp_path / "one.py").write_text(f'"""{text}"""\nX = f"{{1}}{text}{{2}}"\n', encoding="utf-8")
    assert wrong(python_texts(tmp_path / "one.py")) == [text]
    (tmp_path / "two.html").write_text(f'{{{{ bi("x", "{text}") }}}}', encoding="utf-8")
    assert wrong(template_texts(tmp_path / "two.html")) == [text]
    flow, block = f'a: {{en: "x", zh: "{text}"}}\n', f"b:\n  zh: 一{text}\n"
    (tmp_path / "three.yaml").write_text(flow + block, encoding="utf-8")
    assert wrong(yaml_texts(tmp_path / "three.yaml")) == [text, f"一{text}"]


def test_full_width_punctuation_and_numbers_are_not_found():
    texts = ["稳定：两次（2.5）", "1,234位客户", "每天 08:15", "{en: New, zh: 新客}"]
    assert wrong(iter(texts)) == []
