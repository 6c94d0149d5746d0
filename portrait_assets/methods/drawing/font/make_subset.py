"""Rebuild the bundled font: Noto Sans CJK SC, cut down to what reports and charts print.

    python make_subset.py /path/to/NotoSansCJK-Regular.ttc

Kept are ASCII, Latin punctuation and symbols of charts, Chinese punctuation, full-width forms and
the 3,755 characters of GB 2312 level 1. The source file is in Debian's package ``fonts-noto-cjk``;
the tool is ``fonttools`` (not needed to use the result).
"""

from __future__ import annotations

import argparse
from pathlib import Path

FACE = "Noto Sans CJK SC"
SYMBOLS = "\u00a0¥£€°±²³µ·×÷–—‘’“”•…‰′″←↑→↓−≈≠≤≥√∑∞■□▲△▼●○◆★☆✓①②③④⑤⑥⑦⑧⑨⑩"


def gb2312_level_1() -> str:
    """The 3,755 most common simplified characters: rows 16 to 55 of GB 2312."""
    characters = []
    for row in range(16, 56):
        for cell in range(1, 95):
            try:
                characters.append(bytes([row + 0xA0, cell + 0xA0]).decode("gb2312"))
            except UnicodeDecodeError:
                continue
    return "".join(characters)


def wanted_characters() -> str:
    """Every character that the subset must be able to draw."""
    ascii_ = "".join(map(chr, range(0x20, 0x7F)))
    punctuation = "".join(map(chr, range(0x3000, 0x3018)))
    full_width = "".join(map(chr, range(0xFF01, 0xFF5F)))
    return "".join(dict.fromkeys(ascii_ + SYMBOLS + punctuation + full_width + gb2312_level_1()))


def main() -> None:
    """Write NotoSansSC-subset.otf next to this script."""
    from fontTools import subset
    from fontTools.ttLib import TTCollection

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path)
    arguments = parser.parse_args()
    fonts = TTCollection(str(arguments.collection), lazy=True).fonts
    font = next(f for f in fonts if f["name"].getDebugName(1) == FACE)
    options = subset.Options(
        layout_features=["kern"], hinting=False, desubroutinize=False, notdef_outline=True
    )
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.name_languages = [0x409]
    cutter = subset.Subsetter(options)
    cutter.populate(text=wanted_characters())
    cutter.subset(font)
    font.save(Path(__file__).with_name("NotoSansSC-subset.otf"))


if __name__ == "__main__":
    main()
