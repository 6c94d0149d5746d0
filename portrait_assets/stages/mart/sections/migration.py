"""Who moved between segments, life-cycle stages and value tiers."""

from __future__ import annotations

from typing import Any

from portrait_assets.privacy.cells import pooled_name_in_chinese
from portrait_assets.stages.mart.charts import flows, portrait
from portrait_assets.stages.mart.charts.colours import OTHERS, segment_colours, shades_of
from portrait_assets.stages.mart.reading import short, tags
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.segments.profiles import segments
from portrait_assets.stages.mart.words import EXTRA
from portrait_assets.storage.published import Published, Section

FLOW_NAME = 19
DIMENSIONS = {
    "segment": "segment_id",
    "lifecycle_stage": "lifecycle_stage",
    "value_tier": "value_tier",
}


def _charts(published: Published) -> dict[str, str]:
    drawn, segment_rows, active_tags = {}, published.of(segments), published.of(tags)
    moves = published.newest("validation.migration", "ALL")
    for dimension, column in DIMENSIONS.items():
        own = [row for row in moves if row["dimension"] == dimension]
        if not own:
            continue
        if dimension == "segment":
            names = {str(r["segment_id"]): (r["label"], r["label_zh"]) for r in segment_rows}
            shades = {str(k): v for k, v in segment_colours(segment_rows).items()}
            label = ("Moves between segments", "客群迁移")
        else:
            tag = active_tags.get(column)
            shades = shades_of(tag) if tag else {}
            names = {value: tag.values[value] for value in shades} if tag else {}
            label = (f"Moves between {tag.en.lower()}s", f"{tag.zh}迁移") if tag else ("", "")
        # A value of the month before may be one that is no more.
        for row in own:
            for value in (row["value_before"], row["value_after"]):
                if value is not None:
                    names.setdefault(value, (value, pooled_name_in_chinese(value)))
                    shades.setdefault(value, OTHERS)
        names |= {flows.ENTRY: EXTRA[flows.ENTRY], flows.EXIT: EXTRA[flows.EXIT]}
        shades |= {flows.ENTRY: "#5b6876", flows.EXIT: "#5b6876"}
        texts = {value: short(en, FLOW_NAME) for value, (en, _) in names.items()}
        order = [v for v in names if v not in (flows.ENTRY, flows.EXIT)]
        bands, bars = flows.geometry(own, order, texts)
        words = {bar["text"]: f"{names[bar['name']][1]}  {bar['size']:,}" for bar in bars}
        drawn[f"flow_{dimension}"] = portrait.flow(bands, bars, shades, words, label)
    return drawn


def _show(published: Published) -> dict[str, Any]:
    return {"charts": lambda: _charts(published)}


MIGRATION = Section("migration", "Migration", "迁移", TEMPLATES / "migration.html", _show)
