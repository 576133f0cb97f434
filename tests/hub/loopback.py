"""A Hub on 127.0.0.1 for tests: repositories with branches, uploads, downloads with ranges, and faults on demand.

    with LoopbackHub(folder) as hub:
        hub.fail("PUT", "/lfs/", status=500, times=1)
        subprocess.run(command, env=os.environ | hub.environment(home))

It answers what huggingface_hub 2.4 and datasets 5.2 ask for when they push and load; anything else is a 404, so that a
new need shows. The client reads its address and token once, at import: only a fresh process can use it. What is
uploaded lies in `folder` under its sha256; a commit becomes visible as a whole or not at all, as on the Hub.
"""

import base64
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub.repositories import DATE, Blobs, Repository, StoredFile, file_entry, folder_entry

TOKEN = "hf_loopbackTokenThatMustNeverBeShown"
LFS_SUFFIXES = (".safetensors", ".parquet", ".png", ".bin", ".pt")
REPOSITORY = r"/api/(?P<kind>model|dataset|space)s/(?P<name>[^/]+/[^/]+)"
PREFIX = r"/(?P<prefix>datasets/|spaces/)?"
ROUTES: list[tuple[str, re.Pattern[str], str]] = []  # HTTP methods, path, name of the handler's method


@dataclass
class Fault:
    """Requests that do not get their answer. Status 0 cuts the connection in the middle of the request's body."""

    method: str
    path: re.Pattern[str]
    status: int
    times: int | None
    after: int  # so many such requests are still served
    headers: dict[str, str]
    message: str

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request meets the fault; counts it if so."""
        if method != self.method or not self.path.search(path) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times = None if self.times is None else self.times - 1
        return True


class LoopbackHub:
    """The server, in threads of this process, from entering the context to leaving it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.blobs = Blobs(folder)
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[str] = []  # "METHOD path" of each, in the order of arrival
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "LoopbackHub":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self, home: Path) -> dict[str, str]:
        """Variables under which a fresh process takes this for the Hub; `home` holds its caches."""
        switches = ("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS")
        return {
            **dict.fromkeys(switches, "1"),
            **dict.fromkeys(("HF_HUB_OFFLINE", "HF_UPDATE_DOWNLOAD_COUNTS"), "0"),
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_TOKEN": TOKEN,
            "NO_PROXY": "127.0.0.1",
        }

    def fail(
        self,
        method: str,
        path: str,
        status: int = 0,
        times: int | None = None,
        after: int = 0,
        headers: dict[str, str] | None = None,
        message: str = "scripted fault",
    ) -> None:
        """From now on answer requests whose path matches with `status`, or cut them off where it is 0."""
        self.faults.append(Fault(method, re.compile(path), status, times, after, headers or {}, message))

    def heal(self) -> None:
        """Forget all faults and the list of requests."""
        with self.lock:
            self.faults.clear()
            self.requests.clear()

    def files(self, kind: str, name: str, revision: str = "main") -> dict[str, bytes]:
        """Path and content of every file of a revision."""
        repository = self.repositories[kind, name]
        tree = repository.commits[repository.sha(revision)]
        return {path: self.blobs.path(stored.sha256).read_bytes() for path, stored in tree.items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: LoopbackHub


class _Refused(Exception):
    """An answer other than the one asked for; `code` is the Hub's own name for the reason."""

    def __init__(self, status: int, code: str = "", message: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message or code)
        self.status = status
        self.headers = {"X-Error-Code": code, "X-Error-Message": message or code} if code else {}
        self.headers |= headers or {}


def _route(methods: str, path: str) -> Callable[[Callable], Callable]:
    def register(function: Callable) -> Callable:
        ROUTES.append((methods, re.compile(path), function.__name__))
        return function

    return register


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def handle_any(self) -> None:
        """Answer one request by its route, under the hub's lock, unless a fault strikes."""
        hub, url = self.server.hub, urlsplit(self.path)
        self.query = parse_qs(url.query)
        with hub.lock:
            hub.requests.append(f"{self.command} {url.path}")
            fault = next((fault for fault in hub.faults if fault.strikes(self.command, url.path)), None)
        if fault is not None and fault.status == 0:
            self.cut_off()
            return
        self.content = self.body()
        try:
            if fault is not None:
                raise _Refused(fault.status, "", fault.message, fault.headers)
            with hub.lock:
                for methods, pattern, name in ROUTES:
                    if self.command in methods.split("|") and (match := pattern.fullmatch(url.path)):
                        getattr(self, name)(**{key: unquote(value or "") for key, value in match.groupdict().items()})
                        return
            raise _Refused(404, message=f"the loopback Hub has no {self.command} {url.path}")
        except _Refused as refused:
            self.reply(refused.status, {"error": str(refused)}, refused.headers)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

    def cut_off(self) -> None:
        """Take half of what was sent, then hang up."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0) // 2)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def reply(
        self, status: int, body: object = b"", headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        """Send an answer: bytes as they are, anything else as JSON. `length` is that of a body HEAD leaves out."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def require_token(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise _Refused(401, message="Invalid username or password.")

    def repository(self, kind: str, name: str) -> Repository:
        """The repository, if it is there and the caller may see it."""
        found = self.server.hub.repositories.get((kind, name))
        if found is None:
            raise _Refused(404, "RepoNotFound", "Repository not found")
        if found.private:
            self.require_token()
        return found

    def tree(self, kind: str, name: str, revision: str) -> tuple[str, dict[str, StoredFile]]:
        """The commit a revision means and its files."""
        repository = self.repository(kind, name)
        sha = repository.sha(revision or "main")
        if sha is None:
            raise _Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return sha, repository.commits[sha]

    def page(self, kind: str, name: str) -> str:
        return f"{self.server.hub.url}/{'' if kind == 'model' else kind + 's/'}{name}"

    # --- Repositories ---

    @_route("GET", "/api/whoami-v2")
    def whoami(self) -> None:
        self.require_token()
        access = {"type": "access_token", "accessToken": {"displayName": "test", "role": "write"}}
        self.reply(200, {"type": "user", "id": "0", "name": "tester", "orgs": [{"name": "org"}], "auth": access})

    @_route("POST", "/api/validate-yaml")
    def validate_yaml(self) -> None:
        self.reply(200, {"errors": [], "warnings": []})

    @_route("POST", "/api/repos/create")
    def create(self) -> None:
        self.require_token()
        asked = json.loads(self.content)
        kind, name = asked.get("type") or "model", f"{asked.get('organization') or 'tester'}/{asked['name']}"
        answer = {"url": self.page(kind, name), "name": name}
        repositories = self.server.hub.repositories
        if (kind, name) in repositories:
            return self.reply(409, answer | {"error": "You already created this repository"})
        repositories[kind, name] = Repository(private=asked.get("visibility") == "private")
        attributes = self.server.hub.blobs.store(b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
        repositories[kind, name].commit({".gitattributes": attributes}, "initial commit", "main")
        return self.reply(200, answer)

    @_route("GET", rf"{REPOSITORY}(/revision/(?P<revision>[^/]+))?")
    def info(self, kind: str, name: str, revision: str) -> None:
        sha, tree = self.tree(kind, name, revision)
        files = [{"rfilename": path} for path in sorted(tree)]
        state = {"private": self.repository(kind, name).private, "gated": False, "disabled": False}
        times = {"lastModified": DATE, "createdAt": DATE}
        self.reply(200, {"id": name, "sha": sha, "siblings": files, "tags": [], "downloads": 0} | state | times)

    @_route("POST", rf"{REPOSITORY}/branch/(?P<revision>[^/]+)")
    def create_branch(self, kind: str, name: str, revision: str) -> None:
        self.require_token()
        repository = self.repository(kind, name)
        if revision in repository.branches:
            raise _Refused(409, message="Reference already exists")
        repository.branches[revision] = repository.branches["main"]
        self.reply(200, {})

    @_route("GET", rf"{REPOSITORY}/tree/(?P<revision>[^/]+)(/(?P<path>.+))?")
    def listing(self, kind: str, name: str, revision: str, path: str) -> None:
        _, tree = self.tree(kind, name, revision)
        prefix = f"{path}/" if path else ""
        below = [file for file in tree if file.startswith(prefix)]
        if path and not below:
            raise _Refused(404, "EntryNotFound", f"{path} does not exist on {revision}")
        deep = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        entries = {}
        for file in sorted(below):
            first, *rest = file.removeprefix(prefix).split("/")
            if rest:
                entries[prefix + first] = folder_entry(prefix + first)
            if deep or not rest:
                entries[file] = file_entry(file, tree[file])
        self.reply(200, list(entries.values()))

    @_route("POST", rf"{REPOSITORY}/paths-info/(?P<revision>[^/]+)")
    def paths_info(self, kind: str, name: str, revision: str) -> None:
        _, tree = self.tree(kind, name, revision)
        if "json" in self.headers.get("Content-Type", ""):
            paths = json.loads(self.content)["paths"]
        else:
            paths = parse_qs(self.content.decode())["paths"]
        found = [file_entry(path, tree[path]) for path in paths if path in tree]
        found += [folder_entry(path) for path in paths if any(file.startswith(f"{path}/") for file in tree)]
        self.reply(200, found)

    # --- Uploads ---

    @_route("POST", rf"{REPOSITORY}/preupload/(?P<revision>[^/]+)")
    def preupload(self, kind: str, name: str, revision: str) -> None:
        self.require_token()
        _, tree = self.tree(kind, name, revision)
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LFS_SUFFIXES) else "regular",
                "shouldIgnore": False,
                "oid": tree[file["path"]].etag if file["path"] in tree else None,
            }
            for file in json.loads(self.content)["files"]
        ]
        self.reply(200, {"files": files})

    @_route("POST", rf"{PREFIX}(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch")
    def lfs_batch(self, prefix: str, name: str) -> None:
        self.require_token()
        kind = prefix.removesuffix("s/") or "model"
        received, objects = self.repository(kind, name).received, json.loads(self.content)["objects"]
        for wanted in objects:
            if wanted["oid"] not in received:
                href = f"{self.server.hub.url}/lfs/{kind}/{name}/{wanted['oid']}"
                wanted["actions"] = {"upload": {"href": href}}
        self.reply(200, {"transfer": "basic", "objects": objects})

    @_route("PUT", r"/lfs/(?P<kind>\w+)/(?P<name>[^/]+/[^/]+)/(?P<sha256>\w{64})")
    def lfs_upload(self, kind: str, name: str, sha256: str) -> None:
        if self.server.hub.blobs.store(self.content).sha256 != sha256:
            raise _Refused(400, message="the content is not what was announced")
        self.server.hub.repositories[kind, name].received.add(sha256)  # the address itself is the permission
        self.reply(200)

    @_route("POST", rf"{REPOSITORY}/commit/(?P<revision>[^/]+)")
    def commit(self, kind: str, name: str, revision: str) -> None:
        self.require_token()
        hub = self.server.hub
        parent, tree = self.tree(kind, name, revision)
        tree, message = dict(tree), ""
        for line in self.content.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "header":
                message = value["summary"]
                self.repository(kind, name).expected_parents.append(value.get("parentCommit"))
                if value.get("parentCommit") not in (None, parent):
                    raise _Refused(412, message="A commit has happened since. Please refresh and try again.")
            elif operation["key"] == "file":
                tree[value["path"]] = hub.blobs.store(base64.b64decode(value["content"]))
            elif operation["key"] == "lfsFile":
                tree[value["path"]] = hub.blobs.stored_lfs(value["oid"])
            elif operation["key"] == "deletedFile":
                del tree[value["path"]]
            else:
                raise _Refused(400, message=f"the loopback Hub knows no {operation['key']}")
        sha = self.repository(kind, name).commit(tree, message, revision)
        self.reply(200, {"success": True, "commitOid": sha, "commitUrl": f"{self.page(kind, name)}/commit/{sha}"})

    # --- Downloads ---

    @_route("GET|HEAD", rf"{PREFIX}(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
    def resolve(self, prefix: str, name: str, revision: str, path: str) -> None:
        sha, tree = self.tree(prefix.removesuffix("s/") or "model", name, revision)
        headers = {"X-Repo-Commit": sha}
        if path not in tree:
            raise _Refused(404, "EntryNotFound", "Entry not found", headers)
        stored = tree[path]
        etag = f'"{stored.etag}"'
        headers |= {"ETag": etag, "Accept-Ranges": "bytes"}
        if stored.lfs:
            headers |= {"X-Linked-Size": str(stored.size), "X-Linked-Etag": etag}
        if self.command == "HEAD":
            return self.reply(200, b"", headers, length=stored.size)
        content = self.server.hub.blobs.path(stored.sha256).read_bytes()
        if wanted := re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            first, last = int(wanted[1]), min(int(wanted[2] or stored.size), stored.size - 1)
            headers |= {"Content-Range": f"bytes {first}-{last}/{stored.size}"}
            return self.reply(206, content[first : last + 1], headers)
        return self.reply(200, content, headers)
