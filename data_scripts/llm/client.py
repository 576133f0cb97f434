"""Chat completion through `huggingface_hub.InferenceClient`: cached, retried, and stopped where it leads nowhere.

Promise: `complete` returns an answer, raises `CallFailed` for this one call, or raises `LLMUnavailable` for the whole
run. It is called from many threads at once; how many is the caller's limit on concurrency. The token comes from the
environment or the Hub login, and appears in no message, no cache file and no log.

A call is tried again after a time-out, a cut connection, an unreadable reply and the statuses 408, 409, 425, 429 and
5xx, after waits that double and vary (jitter), or as long as the server's Retry-After says.
"""

import os
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2
import numpy as np
from huggingface_hub import InferenceClient, get_token
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError, OfflineModeIsEnabled

from .cache import Answer, AnswerCache

Messages = list[dict[str, str]]

RETRIED = {408, 409, 425, 429}  # and every 5xx
LONGEST_WAIT = 60.0  # seconds between two tries, unless the server asks for more
LONGEST_RETRY_AFTER = 600.0  # seconds; a server that asks for more is unavailable
PATIENCE = 3  # calls given up one after the other, by any thread, before the run is


class CallFailed(ValueError):
    """One call got no answer."""


class LLMUnavailable(ValueError):
    """No call will get an answer until the user has put something right."""


class _TryAgain(Exception):
    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class Sampling:
    """How the model draws its words; part of what an answer is kept under. None leaves a setting to the server."""

    temperature: float | None = 0.7
    top_p: float | None = None
    max_tokens: int | None = 4096
    seed: int | None = 0


@dataclass(frozen=True)
class Server:
    """Which model to ask, and where: a server by its address, or a model of the Hub through Inference Providers.

    Args:
        model: name of the model, as the server or the Hub knows it.
        base_url: address of an OpenAI-compatible server, with or without `/v1`.
        provider: an Inference Provider; None lets the Hub choose one.
        token_variable: environment variable that holds the token. Without it a provider gets the Hub's token, and a
            server at `base_url` gets none: the Hub's token is for the Hub.

    Raises:
        ValueError: if both addresses are given, the address is no plain URL, or the variable is empty.
    """

    model: str
    base_url: str | None = None
    provider: str | None = None
    token_variable: str | None = None

    def __post_init__(self) -> None:
        if self.base_url and self.provider:
            raise ValueError("--base_url and --provider exclude one another: a server of your own, or a provider")
        if self.base_url:
            parts = urlsplit(self.base_url)
            if parts.scheme not in ("http", "https") or not parts.netloc:
                raise ValueError("--base_url must begin with http:// or https:// and name a server")
            if "@" in parts.netloc or parts.query:
                raise ValueError("--base_url must not carry a user, a token or a query: use --token_variable")
        if self.token_variable and not os.environ.get(self.token_variable):
            raise ValueError(f"the environment variable {self.token_variable} is empty: put the token in it")

    def connect(self, timeout: float) -> InferenceClient:
        """A client that waits at most `timeout` seconds for the server to send anything."""
        token = os.environ[self.token_variable] if self.token_variable else None
        # a header of None is left out: without this the client would send the Hub's token to any address
        headers = {"authorization": None} if self.base_url and token is None else None
        if self.base_url:
            return InferenceClient(base_url=self.base_url, token=token, headers=headers, timeout=timeout)
        return InferenceClient(provider=self.provider, token=token, timeout=timeout)


@dataclass
class ChatClient:
    """Asks one model, keeping every answer.

    Args:
        server: whom to ask.
        sampling: how.
        cache: where answers are kept.
        timeout: seconds without a byte after which a try is given up.
        max_tries: tries per call.
        first_wait: seconds before the second try; the wait doubles from there.
    """

    server: Server
    sampling: Sampling
    cache: AnswerCache
    timeout: float = 120.0
    max_tries: int = 5
    first_wait: float = 1.0
    counts: Counter[str] = field(default_factory=Counter)  # of this run: asked, from the cache, tried again

    def __post_init__(self) -> None:
        self._client = self.server.connect(self.timeout)
        self._token = self._client.token or (None if self.server.base_url else get_token())
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._stop_reason = "the run was stopped"
        self._failed_in_a_row = 0
        self.last_failure = ""  # why the latest call that got no answer got none

    def request(self, messages: Messages) -> dict[str, object]:
        """What an answer is kept under."""
        return {"model": self.server.model, "messages": messages, "sampling": asdict(self.sampling)}

    def complete(self, messages: Messages, rng: np.random.Generator) -> Answer:
        """The model's answer, from the cache if it has been given before.

        Args:
            messages: the conversation, each `{"role", "content"}`.
            rng: draws the jitter of the waits; the answer does not depend on it.

        Raises:
            CallFailed: if no try of this call got an answer, or the server refuses this request.
            LLMUnavailable: if nothing is to be hoped for: token refused, model unknown, calls failing in a row.
        """
        request = self.request(messages)
        kept = self.cache.get(request)
        if kept is not None:
            self._count("from the cache")
            return kept
        answer = self._ask_patiently(messages, rng)
        self.cache.put(request, answer)
        return answer

    def stop(self, reason: str) -> None:
        """End every wait, and let every later call fail with this reason."""
        with self._lock:
            if not self._stopped.is_set():
                self._stop_reason = reason
                self._stopped.set()

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def _ask_patiently(self, messages: Messages, rng: np.random.Generator) -> Answer:
        for attempt in range(self.max_tries):
            if self._stopped.is_set():
                raise LLMUnavailable(self._stop_reason)
            try:
                answer = self._ask(messages)
            except _TryAgain as failure:
                self._count("failed tries")
                reason, wait = str(failure), failure.wait
            except CallFailed as failure:
                self._give_up(str(failure))
            else:
                with self._lock:
                    self._failed_in_a_row = 0
                return answer
            if attempt + 1 < self.max_tries:
                if wait is None:
                    wait = rng.uniform(0.5, 1.0) * min(self.first_wait * 2**attempt, LONGEST_WAIT)
                else:  # never sooner than asked, and not everybody at once
                    wait += rng.uniform(0.0, self.first_wait)
                self._stopped.wait(wait)
        return self._give_up(f"no answer after {self.max_tries} tries, the last one: {reason}")

    def _give_up(self, reason: str) -> Answer:
        with self._lock:
            self.last_failure = reason
            self._failed_in_a_row += 1
            hopeless = self._failed_in_a_row >= PATIENCE
        if hopeless:
            self._end(f"{self._whom()} failed {PATIENCE} calls in a row: {reason}")
        raise CallFailed(reason)

    def _end(self, reason: str) -> None:
        self.stop(reason)
        raise LLMUnavailable(self._stop_reason)

    def _whom(self) -> str:
        where = self.server.base_url or f"provider {self.server.provider or 'chosen by the Hub'}"
        return f"model {self.server.model} ({where})"

    def _ask(self, messages: Messages) -> Answer:
        """One try."""
        self._count("asked")
        settings = {k: v for k, v in asdict(self.sampling).items() if v is not None}
        try:
            reply = self._client.chat_completion(messages, model=self.server.model, **settings)
            choice = reply.choices[0]
            text, usage = choice.message.content, reply.usage
            if text is not None and not isinstance(text, str):
                raise TypeError("its content is no text")
        except HfHubHTTPError as error:
            return self._judge_status(error)
        except InferenceTimeoutError:
            raise _TryAgain(f"nothing came within {self.timeout:g} s") from None
        except OfflineModeIsEnabled:
            return self._end(
                "HF_HUB_OFFLINE is set, so that no model can be asked, not even on this machine: unset it"
            )
        except httpx2.TransportError as error:
            raise _TryAgain(f"{type(error).__name__}: {self._without_token(str(error))}") from None
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            if type(error) is ValueError:  # the client's own word, on a missing token or an unknown provider
                raise CallFailed(self._without_token(str(error))) from None
            raise _TryAgain(f"the reply cannot be read ({type(error).__name__})") from None
        return Answer(text or "", choice.finish_reason or "", *_tokens(usage))

    def _judge_status(self, error: HfHubHTTPError) -> Answer:
        status = error.response.status_code
        said = f"HTTP {status}: {self._without_token(_body(error))}"
        if status in RETRIED or status >= 500:
            wait = retry_after(error.response.headers.get("Retry-After"))
            if wait is not None and wait > LONGEST_RETRY_AFTER:
                self._end(f"{self._whom()} asks to wait {wait:.0f} s: run again then ({said})")
            raise _TryAgain(said, wait)
        if status in (401, 403):
            default = "none was sent: name one by --token_variable" if self.server.base_url else "the Hub's was sent"
            self._end(f"{self._whom()} refuses the token ({self.server.token_variable or default}): {said}")
        if status in (402, 404):
            self._end(f"{self._whom()} is not to be had: {said}")
        raise CallFailed(said)

    def _without_token(self, text: str) -> str:
        text = " ".join(text.split())
        return text.replace(self._token, "***") if self._token else text


def _body(error: HfHubHTTPError) -> str:
    """The beginning of what the server said, else the name of its status."""
    try:
        text = error.response.text
    except httpx2.HTTPError:  # the body was cut off
        text = ""
    return text[:300] or error.response.reason_phrase


def _tokens(usage: object) -> tuple[int | None, int | None]:
    counts = (getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens"))
    prompt, completion = (n if isinstance(n, int) else None for n in counts)
    return prompt, completion


def retry_after(header: str | None) -> float | None:
    """Seconds to wait by a Retry-After header, given in seconds or as a date; None where there is none to be read."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
