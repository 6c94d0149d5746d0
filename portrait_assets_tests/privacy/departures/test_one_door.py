"""Every place where something leaves is known, and passes the door or has a reason not to.

A module that begins to write files, or a command that begins to read the warehouse or the published
file, fails here until it is entered, with where it passes the door or why it need not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import portrait_assets

PACKAGE = Path(portrait_assets.__file__).parent
NOT_THE_APPLICATION = ("testing", "synthetic")
WRITES = frozenset(
    {
        *("write_csv", "write_parquet", "write_json", "write_ndjson", "write_excel"),
        *("sink_csv", "sink_parquet", "sink_ipc", "write_ipc", "write_database"),
        *("build_opener", "HTTPConnection", "HTTPSConnection", "SMTP"),
        *("write_text", "write_bytes", "to_csv", "to_parquet", "savefig"),
        *(
            "replace_files",
            "write_files",
            "write_table",
            "copyfile",
            "copyfileobj",
            "copytree",
            "urlopen",
            "writestr",
        ),
    }
)
COPIES = re.compile(r"\b(COPY|EXPORT DATABASE|ATTACH)\b.*")
MAY_WRITE = re.compile(rf"\b(COPY|EXPORT DATABASE|ATTACH|open|fdopen|{'|'.join(WRITES)})\b")
MODE = re.compile(r"[rwax+bt]*[wax+][bt+]*")
READS = frozenset(
    {
        *("portrait_file", "warehouse_file", "open_published", "open_database"),
        *("find_audience", "read_card", "diff_drafts", "read_published", "read_status"),
        *("merges_to_backdate", "examine", "run_portrait", "pseudonyms_of", "owners_of"),
        *("give_account", "find_lookalike"),
    }
)

# What writes files, and the module in which it passes the door.
THROUGH_THE_DOOR = {
    "app/lookalike/finding.py": "app/lookalike/finding.py",
    "app/subject/page.py": "app/subject/leaving.py",
    "stages/mart/report.py": "stages/mart/assets.py",
    "stages/mart/shared/file.py": "app/publish.py",
    "storage/publishing/file.py": "stages/mart/assets.py",
    "storage/publishing/updating.py": "stages/mart/assets.py",
    "stages/tags/audiences/export.py": "stages/tags/audiences/finding.py",
}
WITHOUT_CUSTOMERS = {
    "app/erasure/rows/removal.py": "the warehouse written anew, without some people",
    "app/erasure/traces.py": "files that are here already, without some people",
    "privacy/certificate.py": "what was erased, which names nobody",
    "privacy/erasure.py": "the plan of an erasure, beside the warehouse and for its owner alone",
    "privacy/tombstones.py": "hashes of ids",
    "app/backup.py": "what people decided, and the register itself, for the operator",
    "app/any_table/lifetime.py": "values of the caller's own transactions",
    "app/any_table/predict.py": "predictions of a table of the caller's own",
    "app/any_table/scorecard.py": "scores of a table of the caller's own",
    "core/approvals.py": "approvals of tags and of predictive models",
    "core/files.py": "is given what it writes",
    "methods/prediction/rows.py": "the rows of a model as bytes, for their hash",
    "orchestration/instance.py": "Dagster's configuration",
    "orchestration/notifier.py": "sentences on failures, which quote no values of rows",
    "orchestration/run_failures.py": "a lock",
    "privacy/egress.py": "a lock",
    "privacy/keys.py": "secret keys, which only their owner may read",
    "privacy/departures/register.py": "the register of what left",
    "stages/clusters/cluster_file.py": "segments in a table of the caller's own",
    "stages/identity/commands.py": "pairs in a table of the caller's own",
    "stages/identity/resolving/review.py": "decisions of reviewers, in the source's own folder",
    "stages/raw/amendments.py": "what customers had corrected or object to, for the operator",
    "stages/raw/reading/text_files.py": "a source's file in another encoding, for a run",
    "stages/predictions/credit/card.py": "the rows of a card as bytes, for their hash",
    "storage/anew/writing.py": "a database that another process writes, of rows sent to it",
    "storage/duckdb/connection.py": "attaches databases in memory, which are gone with the process",
    "storage/duckdb/lock.py": "a lock",
    "storage/files/writing.py": "is given what it writes",
    "storage/publishing/pseudonymizing.py": "a database in memory, which is soon detached",
}

# Commands that read what is stored of customers, and the module in which they pass the door.
COMMANDS = {
    "privacy/pseudonyms.py": "app/pseudonyms.py",
    "privacy/rights.py": "app/subject/leaving.py",
    "rooms/audience.py": "stages/tags/audiences/finding.py",
    "rooms/lookalike.py": "app/lookalike/finding.py",
    "rooms/card.py": "stages/tags/cards/card.py",
    "rooms/identity.py": "stages/identity/commands.py",
    "rooms/publish.py": "app/publish.py",
    "rooms/tags.py": "stages/tags/services.py",
}
COMMANDS_WITHOUT_CUSTOMERS = {
    "data.py": "bookkeeping: rows of tables, months, checks that failed",
    "printing.py": "the same, and the sizes of segments, after a run",
    "rooms/predictions.py": "models and their proof, which name nobody",
    "run.py": "the same",
}


@cache
def sources() -> dict[str, str]:
    """The application's modules by their path within the package."""
    paths = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    return {
        name: path.read_text("utf-8")
        for name, path in paths.items()
        if not name.startswith(NOT_THE_APPLICATION)
    }


def names(tree: ast.AST) -> Iterator[str]:
    """What the code calls or reads by name, imports among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.name


def opened_to_write(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("open", "fdopen")
        and any(
            isinstance(given, ast.Constant)
            and re.fullmatch(r"[rwax+bt]*[wax+][bt+]*", str(given.value))
            for given in (*node.args[1:], *(word.value for word in node.keywords))
        )
        for node in ast.walk(tree)
    )


def texts(tree: ast.AST) -> Iterator[str]:
    seen = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in seen:
            yield node.value


def writes(source: str) -> bool:
    """Whether the module may write what others read."""
    if not MAY_WRITE.search(source):
        return False
    tree = ast.parse(source)
    return (
        not WRITES.isdisjoint(names(tree))
        or opened_to_write(tree)
        or any(COPIES.match(text) for text in texts(tree))
    )


def passes(source: str) -> bool:
    """Whether the module opens the door, and enters in the register what left."""
    tree = ast.parse(source)
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    of_doors = {
        func.attr
        for func in called
        if isinstance(func, ast.Attribute) and getattr(func.value, "id", "") == "door"
    }
    recorded = {func.id for func in called if isinstance(func, ast.Name)} & {"record"}
    return "open" in of_doors and bool({"record"} & of_doors or recorded)


def test_every_module_that_writes_files_is_known():
    found = {name for name, source in sources().items() if writes(source)}
    assert found == THROUGH_THE_DOOR.keys() | WITHOUT_CUSTOMERS.keys()


def test_every_command_that_reads_what_is_stored_is_known():
    found = {
        name.removeprefix("app/cli/")
        for name, source in sources().items()
        if name.startswith("app/cli/") and not READS.isdisjoint(names(ast.parse(source)))
    }
    assert found == COMMANDS.keys() | COMMANDS_WITHOUT_CUSTOMERS.keys()


@pytest.mark.parametrize("name", sorted({*THROUGH_THE_DOOR.values(), *COMMANDS.values()}))
def test_what_leaves_passes_the_door_and_is_entered(name: str):
    assert passes(sources()[name])


PLANTED = """
def leave(con, frame, path):
    {}
"""


@pytest.mark.parametrize(
    "line",
    [
        "frame.write_csv(path)",
        "con.execute(f'COPY (SELECT 1) TO {path}')",
        "open(path, 'wb').write(frame)",
        "path.open(mode='a').write(frame)",
        "shutil.copyfile(frame, path)",
    ],
)
def test_a_new_way_out_is_seen(line: str):
    assert writes(PLANTED.format(line))


@pytest.mark.parametrize("line", ["open(path)", "open(path, 'rb')", "con.execute('SELECT 1')"])
def test_reading_is_no_way_out(line: str):
    assert not writes(PLANTED.format(line))


def test_opening_the_door_without_an_entry_is_seen():
    assert not passes("door.open(departure)")
    assert not passes("door.record(departure, 1, digest)")
    assert passes("door.open(departure); door.record(departure, 1, digest)")
