"""Assets of the mart: the published file, and the report written from it."""

import dagster as dg

from portrait_assets.privacy.cells import smallest_cell
from portrait_assets.privacy.egress import Door, Outlet
from portrait_assets.privacy.keys import KeyName, key_place
from portrait_assets.schema.describe import asset_key
from portrait_assets.stages.cleaned.rows.conversion import stated_currency
from portrait_assets.stages.mart.leaving import departures, record
from portrait_assets.stages.mart.pseudonyms import pseudonyms_of
from portrait_assets.stages.mart.report import REPORT_FILE, write_report
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.dagster.asset import OWNER
from portrait_assets.storage.dagster.io_manager import RESOURCE_KEY
from portrait_assets.storage.dagster.room import Context
from portrait_assets.storage.publishing.content import Extract
from portrait_assets.storage.publishing.file import publish


def mart_assets(of: Context) -> list[dg.AssetsDefinition]:
    """The steps that publish: once per run, after all other assets of its months."""
    settings, source = of.settings, of.folder.read(load_source)
    upstream = [table for table in of.tables if table.published]
    published, views = [*upstream, CHECK_RESULTS], of.views
    extracted = [table for each in views if isinstance(each, Extract) for table in each.reads]
    extracts = [each.table for each in views if isinstance(each, Extract)]
    door, leaving = Door(settings), departures(published, extracts)

    @dg.asset(
        key=["mart", "portrait_file"],
        group_name="mart",
        description="portrait.duckdb, the file that analysts open / 供分析使用的画像库文件",
        owners=[OWNER],
        kinds={"duckdb", "file"},
        deps=[asset_key(table) for table in (*upstream, *extracted)],
        partitions_def=of.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={RESOURCE_KEY},
    )
    def portrait_file(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        door.open(leaving[Outlet.PUBLICATION])
        warehouse = context.resources.warehouse.warehouse
        under = pseudonyms_of(settings, source, warehouse, published, context.log.info)
        rows = publish(
            warehouse,
            published,
            views,
            settings.portrait_file,
            source.name,
            pseudonyms=under,
            before=lambda whole: record(door, leaving[Outlet.PUBLICATION], whole, whole),
        )
        return dg.MaterializeResult(
            metadata={
                "tables": len(rows),
                "rows": sum(rows.values()),
                "size_bytes": settings.portrait_file.stat().st_size,
                "rows_by_table": dg.MetadataValue.json(rows),
                **({"pseudonym_key": key_place(settings, KeyName.PSEUDONYMS)} if under else {}),
            }
        )

    @dg.asset(
        key=["mart", "report"],
        group_name="mart",
        description="The validation report as one HTML file / 验证报告网页",
        owners=[OWNER],
        kinds={"html", "file"},
        deps=[portrait_file],
        partitions_def=of.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={RESOURCE_KEY},
    )
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        path = settings.warehouse_dir / REPORT_FILE
        title, currency = source.definition.title, source.definition.currency
        currency = currency or stated_currency(context.resources.warehouse.warehouse)
        door.open(leaving[Outlet.REPORT])
        smallest = smallest_cell(settings, source.definition.public)
        counts = write_report(
            settings.portrait_file,
            title,
            path,
            currency,
            of.sections,
            smallest,
            lambda whole: record(door, leaving[Outlet.REPORT], settings.portrait_file, whole),
        )
        return dg.MaterializeResult(
            metadata={
                "size_bytes": path.stat().st_size,
                "file": dg.MetadataValue.path(path),
                **counts,
            }
        )

    return [portrait_file, report]
