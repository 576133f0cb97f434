"""Answers on disk: what a language model was paid for once is never asked again.

One JSON file per answer, named by a digest of the request (messages, model, sampling). A file appears whole or not at
all, so several processes may share a folder and a killed run loses only the calls that were under way.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """What the model said. Token counts are the server's own, None where it gives none."""

    text: str
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class AnswerCache:
    """A folder of answers, in subfolders by the first two digits so that no folder grows too long."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def path(self, request: Mapping[str, object]) -> Path:
        """Where the answer to a request lies: the same request, the same file, in every process."""
        digest = hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
        return self.folder / digest[:2] / f"{digest[2:32]}.json"

    def get(self, request: Mapping[str, object]) -> Answer | None:
        """The answer kept for this request, or None. A file that cannot be read counts as none and is asked anew."""
        try:
            kept = json.loads(self.path(request).read_text(encoding="utf-8"))
            return Answer(**kept["answer"]) if kept["request"] == request else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, request: Mapping[str, object], answer: Answer) -> None:
        """Keep an answer together with its request, so that the folder can be read by a person.

        Raises:
            ValueError: if it cannot be written, a full disk for instance.
        """
        path = self.path(request)
        text = json.dumps({"request": request, "answer": asdict(answer)}, ensure_ascii=False, indent=1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                os.replace(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise ValueError(f"an answer cannot be kept in {self.folder}: {error.strerror or error}") from error
