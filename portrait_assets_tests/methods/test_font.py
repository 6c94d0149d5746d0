"""The bundled font draws every character that reports and charts may print."""

import struct

import altair as alt
import vl_convert

from portrait_assets.methods.drawing.font import FONT_FILE
from portrait_assets.methods.drawing.font.make_subset import gb2312_level_1, wanted_characters
from portrait_assets.methods.drawing.svg import FONT_FAMILY
from portrait_assets.stages.clusters.names.values import PRODUCTS_IN_CHINESE, VALUE_WORDS
from portrait_assets.stages.clusters.names.vocabulary import WORDS


def characters_of(font: bytes) -> set[int]:
    """Code points in the font's cmap (formats 4 and 12), read by hand."""
    tables = {
        font[12 + 16 * i : 16 + 16 * i]: struct.unpack(">II", font[20 + 16 * i : 28 + 16 * i])
        for i in range(struct.unpack(">H", font[4:6])[0])
    }
    start, _ = tables[b"cmap"]
    found: set[int] = set()
    for i in range(struct.unpack(">H", font[start + 2 : start + 4])[0]):
        (offset,) = struct.unpack(">I", font[start + 8 + 8 * i : start + 12 + 8 * i])
        at = start + offset
        kind = struct.unpack(">H", font[at : at + 2])[0]
        if kind == 12:
            groups = struct.unpack(">I", font[at + 12 : at + 16])[0]
            for g in range(groups):
                first, last, _ = struct.unpack(">III", font[at + 16 + 12 * g : at + 28 + 12 * g])
                found |= set(range(first, last + 1))
        elif kind == 4:
            half = struct.unpack(">H", font[at + 6 : at + 8])[0]
            ends = struct.unpack(f">{half // 2}H", font[at + 14 : at + 14 + half])
            begins = struct.unpack(f">{half // 2}H", font[at + 16 + half : at + 16 + 2 * half])
            for first, last in zip(begins, ends, strict=True):
                found |= set(range(first, last + 1))
    return found


def test_no_glyph_is_missing() -> None:
    drawn = characters_of(FONT_FILE.read_bytes())
    assert {c for c in wanted_characters() if ord(c) not in drawn} == set()


def test_the_subset_has_the_level_one_characters_and_is_small() -> None:
    assert len(gb2312_level_1()) == 3755
    assert FONT_FILE.stat().st_size < 1_200_000
    assert "SIL OPEN FONT LICENSE" in (FONT_FILE.parent / "OFL.txt").read_text()


def test_every_word_of_the_vocabulary_can_be_drawn() -> None:
    drawn = characters_of(FONT_FILE.read_bytes())
    terms = [term for words in WORDS for term in (words.high, words.low) if term is not None]
    chinese = [
        *(term.zh for term in terms),
        *(term.otherwise[1] for term in terms if term.otherwise is not None),
        *(words.zh for words in VALUE_WORDS.values()),
        *PRODUCTS_IN_CHINESE.values(),
        "“以上以下天”",
    ]
    assert {c for c in "".join(chinese) if ord(c) not in drawn} == set()


def test_chinese_is_drawn_not_boxed() -> None:
    """A missing glyph is the same box for every character; two characters must differ."""
    vl_convert.register_font_directory(str(FONT_FILE.parent))

    def picture(text: str) -> bytes:
        chart = alt.Chart(alt.InlineData(values=[{}])).mark_text(text=text, size=30)
        png: bytes = vl_convert.vegalite_to_png(chart.configure(font=FONT_FAMILY).to_json())
        return png

    assert picture("高") != picture("额")
