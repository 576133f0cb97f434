"""The client: answers kept, tries counted, waits as asked for, and the token nowhere but in its header."""

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from data_scripts.llm.cache import Answer, AnswerCache
from data_scripts.llm.client import CallFailed, ChatClient, LLMUnavailable, Sampling, Server, retry_after

from .server import Loopback, Reply

SECRET = "sk-never-to-be-seen-4711"


@pytest.fixture(autouse=True)
def online(monkeypatch, tmp_path):
    """Tests run with HF_HUB_OFFLINE, under which the client refuses even this machine."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)


def client(url: str, folder, **options: object) -> ChatClient:
    settings = {"timeout": 5.0, "max_tries": 3, "first_wait": 0.01, **options}
    server = settings.pop("server", None) or Server("scripted", base_url=url)
    return ChatClient(server, settings.pop("sampling", Sampling()), AnswerCache(folder), **settings)


def ask(chat: ChatClient, text: str = "hello") -> Answer:
    return chat.complete([{"role": "user", "content": text}], np.random.default_rng(0))


def replies(*scripted: Reply):
    """One after the other; the last one for ever."""
    return lambda text, number: scripted[min(number, len(scripted) - 1)]


def test_an_answer_with_its_tokens_is_asked_for_once(tmp_path):
    with Loopback(replies(Reply("two words"))) as server:
        first = ask(client(server.url, tmp_path))
        chat = client(server.url, tmp_path)
        assert ask(chat) == first == Answer("two words", "stop", 100, 2)
        assert len(server.prompts) == 1 and chat.counts == {"from the cache": 1}
        sent = server.bodies[0]
    assert {k: sent[k] for k in ("model", "temperature", "max_tokens", "seed")} == {
        "model": "scripted", "temperature": 0.7, "max_tokens": 4096, "seed": 0,
    }  # fmt: skip
    assert "top_p" not in sent


def test_other_settings_other_answers(tmp_path):
    with Loopback(lambda text, number: Reply(f"answer {number}")) as server:
        texts = [ask(client(server.url, tmp_path, sampling=Sampling(seed=seed))).text for seed in (0, 1, 0)]
        other = client("", tmp_path, server=Server("another", base_url=server.url))
        assert texts == ["answer 0", "answer 1", "answer 0"] and ask(other).text == "answer 2"


@pytest.mark.parametrize(
    "bad",
    [
        Reply(status=500),
        Reply(status=503, body="overloaded"),
        Reply(status=429, headers={"Retry-After": "0"}),
        Reply("half of it", cut=True),
        Reply(body="{not JSON"),
        Reply(body='{"choices": []}'),
        Reply(body='{"choices": [{"message": {"content": ["parts"]}}]}'),
        Reply("too late", wait=30),
    ],
    ids=["500", "503", "429", "cut", "no-json", "no-choice", "no-text", "hang"],
)
def test_what_passes_is_tried_again(bad, tmp_path):
    with Loopback(replies(bad, bad, Reply("good"))) as server:
        chat = client(server.url, tmp_path, timeout=0.3)
        assert ask(chat).text == "good"
        assert len(server.prompts) == 3 and chat.counts == {"asked": 3, "failed tries": 2}


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        (Reply(status=500, body="boom"), "no answer after 3 tries, the last one: HTTP 500: boom"),
        (Reply(body="{not JSON"), "no answer after 3 tries, the last one: the reply cannot be read"),
        (Reply(wait=30), r"no answer after 3 tries, the last one: nothing came within 0\.2 s"),
        (Reply(status=400, body="prompt too long"), "HTTP 400: prompt too long"),
    ],
)
def test_a_call_given_up_says_why_and_keeps_nothing(bad, line, tmp_path):
    with Loopback(replies(bad)) as server, pytest.raises(CallFailed, match=line):
        ask(client(server.url, tmp_path, timeout=0.2))
    assert not list(tmp_path.rglob("*.json"))


def test_an_empty_answer_is_an_answer(tmp_path):
    with Loopback(replies(Reply(""), Reply("no"))) as server:
        assert ask(client(server.url, tmp_path)).text == ask(client(server.url, tmp_path)).text == ""


def test_calls_failing_in_a_row_end_the_run(tmp_path):
    with Loopback(replies(Reply(status=502))) as server:
        chat = client(server.url, tmp_path, max_tries=1)
        for i in range(2):
            with pytest.raises(CallFailed):
                ask(chat, f"question {i}")
        with pytest.raises(LLMUnavailable, match="model scripted .* failed 3 calls in a row: no answer after 1 tries"):
            ask(chat, "question 2")
        with pytest.raises(LLMUnavailable, match="in a row"):
            ask(chat, "question 3")
        assert len(server.prompts) == 3


def test_an_answer_in_between_starts_the_count_anew(tmp_path):
    with Loopback(lambda text, number: Reply("ok") if number % 3 == 2 else Reply(status=502)) as server:
        chat, failed = client(server.url, tmp_path, max_tries=1), 0
        for i in range(9):
            try:
                ask(chat, f"question {i}")
            except CallFailed:
                failed += 1
        assert failed == 6


@pytest.mark.parametrize(
    ("status", "line"),
    [(401, "refuses the token"), (403, "refuses the token"), (404, "is not to be had"), (402, "is not to be had")],
)
def test_hopeless_statuses_end_the_run_at_once(status, line, tmp_path):
    with Loopback(replies(Reply(status=status, body="no"))) as server:
        with pytest.raises(LLMUnavailable, match=line):
            ask(client(server.url, tmp_path))
        assert len(server.prompts) == 1


def test_nobody_there(tmp_path):
    with Loopback(replies(Reply())) as server:
        url = server.url
    with pytest.raises(CallFailed, match="no answer after 2 tries, the last one: ConnectError"):
        ask(client(url, tmp_path, max_tries=2))


def test_retry_after_is_honoured(tmp_path):
    with Loopback(replies(Reply(status=429, headers={"Retry-After": "0.4"}), Reply("good"))) as server:
        start = time.monotonic()
        assert ask(client(server.url, tmp_path)).text == "good"
        assert time.monotonic() - start >= 0.4
    late = Reply(status=503, headers={"Retry-After": "86400"})
    with Loopback(replies(late)) as server, pytest.raises(LLMUnavailable, match="asks to wait 86400 s"):
        ask(client(server.url, tmp_path / "other"))


def test_retry_after_in_its_forms():
    assert retry_after("7") == 7 and retry_after("-3") == 0
    assert retry_after(None) is None and retry_after("soon") is None
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < retry_after(then) <= 90
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_waits_double_and_vary_by_the_generator_given(tmp_path, monkeypatch):
    waits: list[float] = []
    with Loopback(replies(Reply(status=500))) as server:
        for seed in (1, 1, 2):
            chat = client(server.url, tmp_path, max_tries=5, first_wait=8.0)
            monkeypatch.setattr(chat._stopped, "wait", lambda seconds: waits.append(seconds))
            with pytest.raises(CallFailed):
                chat.complete([{"role": "user", "content": "x"}], np.random.default_rng(seed))
    assert waits[:4] == waits[4:8] != waits[8:]
    assert all(0.5 * full <= wait <= full for wait, full in zip(waits, [8, 16, 32, 60] * 3, strict=True))


def test_stop_ends_every_wait(tmp_path):
    with Loopback(replies(Reply(status=500))) as server:
        chat = client(server.url, tmp_path, first_wait=60.0)
        threading.Timer(0.2, chat.stop, ["enough"]).start()
        start = time.monotonic()
        with pytest.raises(LLMUnavailable, match="enough"):
            ask(chat)
        assert time.monotonic() - start < 5


def test_many_threads_get_their_own_answers(tmp_path):
    with Loopback(lambda text, number: Reply(f"re: {text}", wait=0.01)) as server:
        chat = client(server.url, tmp_path)
        with ThreadPoolExecutor(8) as pool:
            texts = list(pool.map(lambda i: ask(chat, f"q{i}").text, range(40)))
    assert texts == [f"re: q{i}" for i in range(40)] and chat.counts["asked"] == 40


# --- the token ------------------------------------------------------------------------------------------------------


def test_the_token_goes_into_its_header_and_nowhere_else(tmp_path, monkeypatch, caplog, capfd):
    monkeypatch.setenv("MY_TOKEN", SECRET)
    caplog.set_level(logging.DEBUG)
    echo = Reply(status=500, body=f"your key {SECRET} is overworked")
    with Loopback(replies(Reply("fine"), echo)) as server:
        chat = client("", tmp_path, server=Server("m", base_url=server.url, token_variable="MY_TOKEN"), max_tries=1)
        ask(chat, "one")
        with pytest.raises(CallFailed, match=r"your key \*\*\* is overworked") as failed:
            ask(chat, "two")
        assert server.authorizations == [f"Bearer {SECRET}"] * 2
    said = capfd.readouterr()
    kept = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    for text in (str(failed.value), repr(chat), caplog.text, said.out, said.err, kept):
        assert SECRET not in text


def test_the_hub_token_is_not_sent_to_a_server_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_" + SECRET)
    with Loopback(replies(Reply("fine"))) as server:
        ask(client(server.url, tmp_path))
        assert server.authorizations == [None]
        named = Server("m", base_url=server.url, token_variable="HF_TOKEN")
        ask(client("", tmp_path, server=named))
        assert server.authorizations[1] == f"Bearer hf_{SECRET}"


def test_a_provider_without_a_login_is_told(tmp_path):
    with pytest.raises(CallFailed, match="log in"):
        ask(client("", tmp_path, server=Server("org/model", provider="together")))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"base_url": "http://a", "provider": "together"}, "exclude one another"),
        ({"base_url": "127.0.0.1:8000"}, "must begin with http"),
        ({"base_url": f"http://me:{SECRET}@host"}, "must not carry"),
        ({"base_url": f"http://host/v1?key={SECRET}"}, "must not carry"),
        ({"token_variable": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE is empty"),
    ],
)
def test_addresses_that_are_refused(options, line):
    with pytest.raises(ValueError, match=line) as refused:
        Server("m", **options)
    assert SECRET not in str(refused.value)


def test_offline_mode_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with Loopback(replies(Reply("fine"))) as server, pytest.raises(LLMUnavailable, match="HF_HUB_OFFLINE is set"):
        ask(client(server.url, tmp_path))


# --- the cache ------------------------------------------------------------------------------------------------------

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "△"}], "sampling": {}}


def test_a_damaged_file_counts_as_none(tmp_path):
    cache = AnswerCache(tmp_path)
    cache.put(REQUEST, Answer("a △", "stop", 1, 2))
    assert cache.get(REQUEST) == Answer("a △", "stop", 1, 2)
    path = cache.path(REQUEST)
    assert json.loads(path.read_text(encoding="utf-8"))["request"] == REQUEST
    for damage in ("", path.read_text(encoding="utf-8")[:40], "[]", '{"request": {}, "answer": {}}'):
        path.write_text(damage, encoding="utf-8")
        assert cache.get(REQUEST) is None


def test_many_writers_leave_whole_files_only(tmp_path):
    caches = [AnswerCache(tmp_path) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: caches[i % 8].put(REQUEST, Answer("same")), range(200)))
    assert [p.suffix for p in tmp_path.rglob("*") if p.is_file()] == [".json"]
    assert caches[0].get(REQUEST) == Answer("same")


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ValueError, match="cannot be kept .*: No space left on device"):
        AnswerCache(tmp_path).put(REQUEST, Answer("a"))
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
