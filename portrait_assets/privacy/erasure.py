"""The plan of an erasure, written before anything is removed, so that one that is stopped goes on.

While rows are being removed the plan names the people, as the warehouse still does; only its owner
may read it, and it goes when the certificate is there. What goes for its age goes by a plan, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.files import replace_files, written_beside
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.storage.duckdb.lock import warehouse_lock

PLAN_FILE = "erasure.json"
ERASURE_LOCK = "erasure.lock"


class ErasureError(PortraitError):
    """An erasure cannot be carried out as it is asked for."""


class Phase(StrEnum):
    """How far an erasure has come."""

    REMOVING = "removing"  # rows are being removed; nothing may be run
    PUBLISHING = "publishing"  # the warehouse is rewritten; what is published and the proof follow


class Rows(BaseModel):
    """Rows of a table, or of a file, before and after."""

    model_config = ConfigDict(frozen=True)
    name: str
    before: int
    after: int
    what: str = "rows removed"

    @property
    def is_changed(self) -> bool:
        """Whether there are fewer, or more, than before."""
        return self.before != self.after


class Plan(BaseModel):
    """What is erased, under which number, and how far it has come.

    `inputs` are the digests that runs noted of the source, before decisions on the people went;
    `found_before` is by file what the scan of so many files and bytes found before. `kept_from` is
    by canonical table the first month whose rows stay, where rows go for their age and nobody is
    erased.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    number: str
    began_at: datetime
    phase: Phase = Phase.REMOVING
    asked_by: str
    persons: int
    customers: tuple[str, ...]
    prospects: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    found_before: dict[str, int] = {}
    files_before: int = 0
    size_before: int = 0
    rows: tuple[Rows, ...] = ()
    kept_from: dict[str, str] = {}

    @property
    def is_of_people(self) -> bool:
        """Whether people are erased, and not rows for their age."""
        return not self.kept_from

    @property
    def name(self) -> str:
        """What is done, in a sentence."""
        if self.is_of_people:
            return f"The erasure {self.number}"
        return f"The removal {self.number} of rows that are too old"

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids, of customers and of prospects."""
        return (*self.customers, *self.prospects)

    def with_rows(self, rows: Iterable[Rows]) -> Plan:
        """The plan with what is about to be removed.

        What ends at the count that is noted of it already is the same removal, which a process that
        was killed had begun: the count before it is the one that was noted first.
        """
        noted = {(each.name, each.what, each.after) for each in self.rows}
        more = [each for each in rows if (each.name, each.what, each.after) not in noted]
        return self.model_copy(update={"rows": (*self.rows, *more)})


def plan_file(settings: Settings) -> Path:
    """Where the plan of an erasure stands until it has ended."""
    return settings.warehouse_dir / PLAN_FILE


def write_plan(settings: Settings, plan: Plan) -> None:
    """Write the plan in the place of the one before, for its owner alone.

    Raises:
        OSError: when it cannot be written; the one before stands.
    """
    path = plan_file(settings)
    replace_files({path: plan.model_dump_json().encode()}, private=[path])


def remove_plan(settings: Settings) -> None:
    """Remove the plan of an erasure that has ended, and one that a kill left half-written.

    Raises:
        OSError: when it cannot be removed.
    """
    path = plan_file(settings)
    for each in (written_beside(path), path):
        each.unlink(missing_ok=True)


def note_rows(settings: Settings, *rows: Rows) -> None:
    """Write into the plan what is about to be removed, before it is: see `Plan.with_rows`.

    Raises:
        ErasureError: when there is no plan that can be read.
        OSError: when it cannot be written.
    """
    plan = read_unfinished(settings)
    if plan is None:
        raise ErasureError(f"{plan_file(settings)} is gone while people are erased.")
    write_plan(settings, plan.with_rows(rows))


def read_unfinished(settings: Settings) -> Plan | None:
    """The erasure that was stopped, if any.

    Raises:
        ErasureError: when its plan cannot be read.
    """
    path = plan_file(settings)
    if not path.is_file():
        return None
    try:
        return Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ErasureError(
            f"{path} is the plan of an erasure and cannot be read ({error.strerror}); go on as "
            "its owner."
        ) from None
    except ValidationError:
        raise ErasureError(
            f"{path} is the plan of an erasure and cannot be read; restore it, or remove it and "
            "erase again."
        ) from None


def require_none_half_done(settings: Settings) -> None:
    """Check that no rows are half removed.

    Raises:
        ErasureError: when an erasure was stopped while it removed rows.
    """
    plan = read_unfinished(settings)
    if plan is not None and plan.phase is Phase.REMOVING:
        raise ErasureError(unfinished(plan))


def unfinished(plan: Plan) -> str:
    """The sentence that an erasure was stopped, and how it goes on."""
    return (
        f"{plan.name} was stopped before it had ended; finish it with "
        f"`{command('erase', '--resume')}`."
    )


@contextmanager
def one_erasure(settings: Settings, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the source's plan for the length of the block: two processes would mix their plans.

    Raises:
        WarehouseBusyError: when another process holds it for longer than the wait.
    """
    lock = settings.warehouse_dir / ERASURE_LOCK
    with warehouse_lock(lock, "portrait erase", settings.lock_wait_seconds, on_wait):
        yield
