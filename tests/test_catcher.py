"""The catcher over real SMTP and real HTTP."""

import asyncio
import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from deploy.catcher import KEPT, Catcher, create_catcher

NOW = datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


def _client(catcher: Catcher) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(catcher.app), base_url="http://catcher.test")


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = "Din tid är bokad"
    mail["From"] = "samtid@example.se"
    mail["To"] = "anna@example.se"
    mail["Message-ID"] = "<one@example.se>"
    mail["Samtid-Reference"] = "K7QX3MPD"
    mail.set_content("Hej!\nhttps://samtid.example/bokning/abc <script>alert(1)</script>")
    mail.add_alternative("<p>Hej!</p>", subtype="html")
    mail.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="bokning å.ics")
    return mail


async def _send(catcher: Catcher, mail: EmailMessage, *recipients: str) -> None:
    def send() -> None:
        with smtplib.SMTP("127.0.0.1", catcher.port, timeout=10) as server:
            server.send_message(mail, to_addrs=list(recipients))

    await asyncio.to_thread(send)


async def test_mail_is_listed_with_its_attachment() -> None:
    catcher = create_catcher(clock=lambda: NOW)
    await catcher.start()
    try:
        await _send(catcher, _mail(), "anna@example.se", "bo@example.se")
    finally:
        await catcher.stop()
    async with _client(catcher) as http:
        items = (await http.get("/demo/messages.json")).json()["items"]
        assert [item["to"] for item in items] == ["bo@example.se", "anna@example.se"]
        item = items[1]
        assert item["channel"] == "email"
        assert item["subject"] == "Din tid är bokad"
        assert item["text"].startswith("Hej!\nhttps://")
        assert item["reference"] == "K7QX3MPD"
        assert item["sent_at"] == "2026-03-30T07:00:00.000Z"
        assert item["key"] == "<one@example.se>"
        [attachment] = item["attachments"]
        assert (attachment["name"], attachment["content_type"]) == ("bokning å.ics", "text/calendar")
        file = await http.get(attachment["url"])
        assert file.content == b"BEGIN:VCALENDAR"
        assert file.headers["content-type"].startswith("text/calendar")
        assert "bokning%20%C3%A5.ics" in file.headers["content-disposition"]
        assert (await http.get(attachment["url"][:-1] + "7")).status_code == 404
        assert (await http.get("/demo/messages/unknown/attachments/0")).status_code == 404


async def test_page_shows_newest_first_and_runs_nothing_that_was_sent() -> None:
    catcher = create_catcher(clock=lambda: NOW)
    async with _client(catcher) as http:
        assert "Ännu är inget skickat" in (await http.get("/demo/messages")).text
        await catcher.start()
        try:
            await _send(catcher, _mail(), "anna@example.se")
        finally:
            await catcher.stop()
        form = {"from": "Samtid", "to": "+46701234567", "message": "Snart är det dags. Ref AB12CD34."}
        await http.post("/demo/sms/a1/sms", data=form, auth=("user", "secret"))
        answer = await http.get("/demo/messages")
    assert answer.text.index("+46701234567") < answer.text.index("anna@example.se")
    assert "<script" not in answer.text
    assert 'href="https://samtid.example/bokning/abc"' in answer.text
    assert "måndag 30 mars kl. 09.00" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_sms_api_answers_as_46elks() -> None:
    catcher = create_catcher(clock=lambda: NOW)
    async with _client(catcher) as http:
        form = {"from": "Samtid", "to": "+46701234567", "message": "Din tid är bokad. Ref AB12CD34."}
        answer = await http.post("/demo/sms/a1/sms", data=form, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 200
        assert answer.json()["id"].startswith("s")
        assert {key: answer.json()[key] for key in ("from", "to", "message", "status")} == {**form, "status": "created"}
        [item] = (await http.get("/demo/messages.json")).json()["items"]
        assert (item["channel"], item["reference"], item["key"]) == ("sms", "AB12CD34", "k")
        assert (await http.post("/demo/sms/a1/sms", data={"to": "+46701234567"})).status_code == 422


@pytest.mark.parametrize("torn", ["", '{"id": "half'])
async def test_restart_keeps_messages_but_no_more_than_a_thousand(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "messages.jsonl"
    catcher = create_catcher(path, clock=lambda: NOW)
    await catcher.start()
    try:
        await _send(catcher, _mail(), "first@example.se", *(f"p{n}@example.se" for n in range(5)))
    finally:
        await catcher.stop()
    assert path.stat().st_mode & 0o077 == 0, "who reads what families are told is whoever runs it"
    async with _client(catcher) as http:
        before = (await http.get("/demo/messages.json")).json()
        with path.open("a") as file:
            file.write(torn)
        async with _client(create_catcher(path)) as again:
            assert (await again.get("/demo/messages.json")).json() == before
        form = {"from": "Samtid", "to": "+46701234567", "message": "x"}
        for _ in range(KEPT - 1):
            await http.post("/demo/sms/a1/sms", data=form)
    last = create_catcher(path)
    assert len(last.messages) == KEPT
    assert len(path.read_text().splitlines()) == KEPT
    assert last.messages[0].to == "p4@example.se"
