"""A server on 127.0.0.1 that speaks the OpenAI chat-completions protocol and answers as a test wants.

`Loopback(answer)` calls `answer(text, number)` with the prompt and the number of the request and sends the `Reply`.
`Author` is such an answer: a perfect author of figures, whose scripts, captions and negatives are our own engine's.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Self

import numpy as np

from data_scripts.diagram.caption import caption
from data_scripts.diagram.drawing import Style, lay_out
from data_scripts.diagram.script import to_script
from data_scripts.negatives.image import Counter, image_negatives

from ..samples import programs


@dataclass(frozen=True)
class Reply:
    """What the server sends: an answer's text, or whatever goes wrong."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None  # in place of a completion
    wait: float = 0.0  # seconds before anything is sent
    cut: bool = False  # the connection ends in the middle


@dataclass
class Loopback:
    """The server; a context manager. `prompts` and `authorizations` list what came in, in order."""

    answer: Callable[[str, int], Reply]
    prompts: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    bodies: list[dict] = field(default_factory=list)

    def __enter__(self) -> Self:
        outer, lock, self._closing = self, threading.Lock(), threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    number = len(outer.prompts)
                    outer.prompts.append(body["messages"][-1]["content"])
                    outer.authorizations.append(self.headers.get("Authorization"))
                    outer.bodies.append(body)
                assert self.path == "/v1/chat/completions"
                self.send(outer.answer(outer.prompts[number], number))

            def send(self, reply: Reply) -> None:
                outer._closing.wait(reply.wait)
                content = (completion(reply.text) if reply.body is None else reply.body).encode()
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content[: len(content) // 2] if reply.cut else content)
                except OSError:  # the client has given up
                    self.close_connection = True
                self.close_connection = self.close_connection or reply.cut

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


def completion(text: str) -> str:
    """A chat completion with about as many tokens as words."""
    return json.dumps(
        {
            "id": "chatcmpl-0",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": "scripted",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": len(text.split()), "total_tokens": 0},
        }
    )


def step_of(text: str) -> str:
    """Which step a prompt belongs to, by words of its template."""
    found = [
        step
        for step, words in {
            "script_from_question": "the figure that is printed beside this question",
            "caption_from_script": "Say in one paragraph what the figure shows",
            "negative_captions": "captions that look like it and are false",
            "edited_script": "draws the figure of this other caption",
            "repair": "It failed:",
        }.items()
        if words in " ".join(text.split())
    ]
    assert len(found) == 1, found
    return found[0]


@dataclass(frozen=True)
class Work:
    """What a perfect author writes for one question."""

    script: str
    caption: str
    negatives: dict[str, str]  # caption -> script


@cache
def work(index: int, negatives: int = 4) -> Work:
    """The work on question "Figure number `index`"."""
    program, rng = programs(index + 1)[index], np.random.default_rng(index)
    style = Style.draw(rng, 336)
    found = {}
    for negative in islice(image_negatives(program, 6 * negatives, rng, index, Counter()), negatives):
        with contextlib.suppress(ValueError):  # there is no room for a letter
            found[negative.caption] = to_script(lay_out(negative.diagram, style))
    return Work(to_script(lay_out(program.diagram, style)), caption(program.diagram.facts, index), found)


def question(index: int) -> dict:
    return {"id": f"q{index}", "question": f"Figure number {index}.", "answer": "It is drawn."}


@dataclass(frozen=True)
class Author:
    """Answers every step of `count` questions with our own engine's work."""

    count: int
    negatives: int = 4

    def __call__(self, text: str, number: int = 0) -> Reply:
        works = [work(i, self.negatives) for i in range(self.count)]
        step = step_of(text)
        if step == "script_from_question":
            done = works[int(text.split("Figure number ")[1].split(".")[0])]
            return Reply(f"Here is the script.\n\n```python\n{done.script}\n```\nIt draws the figure.")
        done = next(w for w in works if w.script.strip() in text or f"\n{w.caption}\n" in text)
        if step == "caption_from_script":
            return Reply(f"**Caption:** {done.caption}")
        if step == "negative_captions":
            listed = json.dumps([{"caption": c, "edits": ["relation"]} for c in done.negatives], ensure_ascii=False)
            return Reply(f"Here they are:\n{listed}\nEach differs visibly.")
        wanted = text.split("other caption:\n\n")[1].split("\n\n")[0]
        return Reply(f"```\n{done.negatives[wanted]}\n```")
