"""Whether pictures can be drawn: what draws them is the extra `pictures`."""

from __future__ import annotations

from importlib.util import find_spec

from portrait_assets.core.invocation import pip_command


def can_draw() -> bool:
    """Whether Altair and vl-convert are installed."""
    return all(find_spec(package) for package in ("altair", "vl_convert"))


def left_out() -> tuple[str, str]:
    """The sentence, English and Chinese, that stands in place of pictures that are not drawn."""
    remedy = f"`{pip_command('install', 'portrait-assets[pictures]')}`"
    return (
        f"Pictures are left out; {remedy} installs what draws them, for the next run.",
        f"未绘制图表；执行{remedy}后，下次运行即可生成。",
    )
