"""Each failure is reported once, to a command or a webhook, in a sentence without personal data."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from uuid import uuid4

import dagster as dg
import duckdb
import polars as pl
import pytest
from pydantic import SecretStr

from portrait_assets.core.errors import PortraitError, RunFailedError
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration import notifier
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.orchestration.definitions import build_defs
from portrait_assets.orchestration.instance import open_records
from portrait_assets.orchestration.notifier import Failure, reported, send
from portrait_assets.orchestration.run_failures import NOTIFIED_TAG, notify_failed_run
from portrait_assets.storage.dagster.runs import PROCESS_TAG, fail_abandoned_runs
from portrait_assets.storage.duckdb.connection import first_line, scratch_database
from portrait_assets.testing.worlds.shop import run, run_of, short_shop
from portrait_assets_tests.faults.command import fails_in_a_sentence, portrait

MONTHS = ["2024-01", "2024-02"]
FAILURE = Failure("shop", "features.customer_month of 2024-01: disk full; free room.", "r1", MONTHS)
SECRET = "services/T0/B0/token"


class Receiver(HTTPServer):
    """A webhook on this machine; `answer` is the status that it gives."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.messages: list[dict[str, object]] = []
        self.answer = 200

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{SECRET}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))
        self.send_response(self.server.answer)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def command_that(folder: Path, does: str) -> SecretStr:
    """A command that runs this Python."""
    script = folder / "notify.py"
    script.write_text(does)
    return SecretStr(f"{sys.executable} '{script}' {SECRET}")


# -- sending -------------------------------------------------------------------------------


def test_a_webhook_gets_the_sentence_as_text_and_the_parts(webhook: Receiver):
    settings = Settings(notify_webhook=SecretStr(webhook.address))
    assert send(settings, FAILURE) == []
    assert webhook.messages == [
        {
            "text": f"portrait, source shop: {FAILURE.sentence}",
            "source": "shop",
            "sentence": FAILURE.sentence,
            "run_id": "r1",
            "months": MONTHS,
            "step": "",
            "occurred_at": FAILURE.occurred_at,
        }
    ]


def test_a_command_gets_the_same_on_stdin_and_in_its_environment(tmp_path: Path):
    received = tmp_path / "received.json"
    command = command_that(
        tmp_path,
        "import json, os, sys\n"
        "env = {k: v for k, v in os.environ.items() if k.startswith('PORTRAIT_FAILURE_')}\n"
        f"json.dump([json.load(sys.stdin), env, sys.argv[1:]], open({str(received)!r}, 'w'))\n",
    )
    assert send(Settings(notify_command=command), FAILURE) == []
    message, environment, arguments = json.loads(received.read_text())
    assert message["sentence"] == FAILURE.sentence
    assert environment["PORTRAIT_FAILURE_SENTENCE"] == FAILURE.sentence
    assert environment["PORTRAIT_FAILURE_MONTHS"] == "2024-01,2024-02"
    assert arguments == [SECRET]


def test_a_command_is_not_given_to_a_shell(tmp_path: Path):
    command = SecretStr(f"{sys.executable} -c pass ; touch {tmp_path / 'made'}")
    send(Settings(notify_command=command), FAILURE)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("raise SystemExit(1)", "ended with exit code 1"),
        ("import time; time.sleep(60)", "did not end within 0 s"),
    ],
)
def test_a_command_that_fails_is_reported_without_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, problem: str
):
    if "sleep" in does:
        monkeypatch.setattr(notifier, "TIME_LIMIT_SECONDS", 0.3)
    problems = send(Settings(notify_command=command_that(tmp_path, does)), FAILURE)
    assert problems == [f"The failure could not be reported: PORTRAIT_NOTIFY_COMMAND {problem}."]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("no-such-program token", "does not work (No such file or directory)"),
        ("echo 'token", "does not work (ValueError)"),
    ],
)
def test_a_command_that_cannot_run_is_reported_in_a_sentence(command: str, problem: str):
    problems = send(Settings(notify_command=SecretStr(command)), FAILURE)
    assert problems == [f"The failure could not be reported: PORTRAIT_NOTIFY_COMMAND {problem}."]


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        (f"file:///{SECRET}", "is not an http or https address"),
        (f"http://127.0.0.1:1/{SECRET}", "could not be reached (Connection refused)"),
        (f"http://127.0.0.1:{SECRET}", "could not be reached (InvalidURL)"),
        (f"http://[{SECRET}", "does not work (ValueError)"),
    ],
)
def test_an_address_that_does_not_work_is_reported_and_not_shown(address: str, problem: str):
    settings = Settings(notify_webhook=SecretStr(address))
    problems = send(settings, FAILURE)
    assert problems == [f"The failure could not be reported: PORTRAIT_NOTIFY_WEBHOOK {problem}."]
    assert "token" not in repr(settings)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_no_success_is_reported_and_no_redirect_is_followed(
    webhook: Receiver, status: int
):
    webhook.answer = status
    problems = send(Settings(notify_webhook=SecretStr(webhook.address)), FAILURE)
    assert problems == [
        f"The failure could not be reported: PORTRAIT_NOTIFY_WEBHOOK answered with status {status}."
    ]
    assert len(webhook.messages) == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PortraitError("The file is empty; fill it."), "The file is empty; fill it."),
        (OSError(28, "No space left on device", "/d/x"), "No space left on device (/d/x); see to"),
        (KeyError("Alice"), "The program stopped at an error of its own (KeyError)"),
    ],
)
def test_what_ends_a_command_before_there_is_a_run_is_reported(
    webhook: Receiver, error: Exception, sentence: str
):
    settings = Settings(source="shop", notify_webhook=SecretStr(webhook.address))
    with pytest.raises(type(error)), reported(settings, print):
        raise error
    assert [str(message["sentence"])[: len(sentence)] for message in webhook.messages] == [sentence]
    assert "Alice" not in str(webhook.messages)
    with pytest.raises(RunFailedError), reported(settings, print):
        raise RunFailedError("reported with its run")
    assert len(webhook.messages) == 1


# -- what a sentence may hold --------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'Alice'::INT",
        "SELECT strptime('Alice', '%Y')",
        "SELECT '{Alice'::JSON",
        "SELECT json_extract('{Alice', '$.a')",
        "INSERT INTO t VALUES ('Alice')",
        "SELECT 'Alice'::ENUM('a')",
        "SELECT 4711::TINYINT",
        "SELECT 4711::DECIMAL(3, 1)",
        "SELECT 922337203685477_4711 + 922337203685477_4711",
        "SELECT DATE '4711-13-13'",
    ],
)
def test_a_sentence_holds_no_value_of_a_row(sql: str):
    with scratch_database() as con:
        con.execute("CREATE TABLE t AS SELECT 'Alice' AS x; CREATE UNIQUE INDEX i ON t (x)")
        with pytest.raises(duckdb.Error) as raised:
            con.execute(sql).fetchall()
    assert "Alice" in str(raised.value) or "4711" in str(raised.value)
    assert "Error: " in first_line(raised.value)
    assert "Alice" not in first_line(raised.value)
    assert "4711" not in first_line(raised.value)


def test_names_and_places_stay_in_a_sentence():
    with scratch_database() as con, pytest.raises(duckdb.Error) as raised:
        con.execute("SELECT paid FROM (SELECT 1 AS x)")
    assert first_line(raised.value) == (
        'Binder Error: Referenced column "paid" not found in FROM clause!'
    )
    csv = Exception("Invalid Input Error: CSV Error on Line: 17")
    assert first_line(csv) == "Invalid Input Error: CSV Error on Line: 17"
    with pytest.raises(pl.exceptions.PolarsError) as cast:
        pl.Series("x", ["Alice"]).cast(pl.Int64)
    assert "Alice" not in first_line(cast.value)


# -- each run once -------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path, webhook: Receiver) -> Settings:
    """The shop of two months, whose failures go to the webhook."""
    settings = short_shop(tmp_path / "data")
    return settings.model_copy(update={"notify_webhook": SecretStr(webhook.address)})


def lose_rows(settings: Settings) -> None:
    """Make the source lose rows, which a blocking check finds."""
    sql = settings.source_dir / "transactions.sql"
    sql.write_text(sql.read_text() + "WHERE paid <> '0.0' AND category <> 'tea'\n")


class Daemon:
    """What Dagster's daemon does with the sensor of failed runs."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.sensor = build_defs(settings).resolve_sensor_def("failed_runs")
        self.instance = instance
        self.cursor: str | None = None
        self.tick()

    def tick(self) -> None:
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        self.cursor = self.sensor.evaluate_tick(context).cursor


def test_the_sensor_is_on_where_somebody_asked_for_reports_and_else_not_there(shop: Settings):
    sensor = build_defs(shop).resolve_sensor_def("failed_runs")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    silent = build_defs(shop.model_copy(update={"notify_webhook": None}))
    names = [each.name for each in silent.get_repository_def().sensor_defs]
    assert names == ["source_files"]


@pytest.mark.slow
def test_the_daemon_reports_a_failed_run_once(shop: Settings, webhook: Receiver):
    lose_rows(shop)
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = Daemon(shop, instance)
        failed = run(shop, MONTHS, instance)
        daemon.tick()
        daemon.tick()
        notify_failed_run(shop, instance, failed.run_id, pytest.fail)
        assert NOTIFIED_TAG in run_of(instance, failed.run_id).tags
    (message,) = webhook.messages
    assert message["run_id"] == failed.run_id
    assert message["months"] == MONTHS
    assert message["step"] == "raw.receipts"
    assert str(message["sentence"]).startswith(
        "2024-01: raw.receipts failed the check 'all_received': "
    )
    assert "portrait run --months 2024-01..2024-02" in str(message["sentence"])


def test_a_run_whose_process_was_killed_is_reported_once(shop: Settings, webhook: Receiver):
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = Daemon(shop, instance)
        run_id = str(uuid4())
        killed = dg.DagsterRun(
            job_name=JOB,
            run_id=run_id,
            status=dg.DagsterRunStatus.STARTED,
            tags={**range_tags(MONTHS), PROCESS_TAG: f"{run_id}:{socket.gethostname()}:1:long ago"},
        )
        instance.add_run(killed)
        for run_id in fail_abandoned_runs(instance):
            notify_failed_run(shop, instance, run_id, pytest.fail)
        daemon.tick()
    (message,) = webhook.messages
    assert message["run_id"] == killed.run_id
    assert message["sentence"] == (
        "run of 2024-01 to 2024-02: its process ended before the run did; "
        f"run it again with `{command('run', '--months', '2024-01..2024-02', settings=shop)}`."
    )


def test_a_run_of_another_job_is_not_reported(shop: Settings, webhook: Receiver):
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = Daemon(shop, instance)
        other = dg.DagsterRun(job_name="other", run_id=str(uuid4()))
        instance.add_run(other)
        instance.report_run_failed(other)
        daemon.tick()
    assert webhook.messages == []


@pytest.mark.slow
def test_the_command_line_and_the_daemon_report_a_failed_run_once(
    shop: Settings, webhook: Receiver
):
    lose_rows(shop)
    with open_records(shop) as instance:
        daemon = Daemon(shop, instance)
        ran = portrait("run", data=shop.data_dir, PORTRAIT_NOTIFY_WEBHOOK=webhook.address)
        assert ran.returncode == 1
        assert "raw.receipts failed the check" in ran.stdout
        assert len(webhook.messages) == 1
        seen_before = daemon.cursor
        daemon.tick()
        assert daemon.cursor != seen_before
    assert len(webhook.messages) == 1
    assert SECRET not in ran.stdout + ran.stderr


@pytest.mark.slow
def test_a_mistake_before_any_run_is_reported_and_a_notifier_that_fails_hides_nothing(
    shop: Settings, webhook: Receiver
):
    asked = ["run", "--months", "2025-01"]
    ran = portrait(*asked, data=shop.data_dir, PORTRAIT_NOTIFY_WEBHOOK=webhook.address)
    fails_in_a_sentence(ran, "2025-01 is outside the source")
    assert [message["sentence"] for message in webhook.messages] == [ran.stderr.strip()]
    webhook.answer = 500
    ran = portrait(*asked, data=shop.data_dir, PORTRAIT_NOTIFY_WEBHOOK=webhook.address)
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "The failure could not be reported: PORTRAIT_NOTIFY_WEBHOOK answered with status 500.",
        str(webhook.messages[0]["sentence"]),
    ]
