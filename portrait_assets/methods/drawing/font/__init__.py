"""The font of pictures and reports: a subset of Noto Sans SC, under its open licence."""

from pathlib import Path

FONT_FILE = Path(__file__).with_name("NotoSansSC-subset.otf")
