"""What the Hub and the network throw, said in one line without a token: what was going on, what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import get_token
from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

REPEAT = "Run the same command again: what has arrived is not sent twice"
ADVICE = {
    401: "the Hub does not accept the token. Log in with `hf auth login`, or set HF_TOKEN to a token that may write",
    403: "the token may not write there. Use a token with write access to this repository, or another --repo_id",
    404: "the Hub has no such repository or branch for this token. Check --repo_id and --revision, and that the token "
    "may see and write the repository",
    409: f"the Hub is busy with another change of this repository. {REPEAT} in a minute",
    412: f"somebody else has just changed this repository. {REPEAT}",
    429: f"the Hub asks to slow down. {REPEAT} in a few minutes",
}
SERVER_TROUBLE = f"the Hub has trouble of its own. {REPEAT} in a few minutes"
CUT_OFF = f"the connection broke off. {REPEAT}"


@contextmanager
def explained(what: str, token: str | None = None) -> Iterator[None]:
    """Turn what the network and the Hub throw into a ValueError: what was going on, what happened, what to do.

    Args:
        what: was going on.
        token: that was used, if it is not the one that huggingface_hub finds by itself.

    Raises:
        ValueError: with a message that never contains a token, even where a server sent it back.
    """
    try:
        yield
    except (OSError, RuntimeError, HTTPError) as error:  # hf_xet raises plain RuntimeErrors
        message = f"{what} failed: {explanation(error)}. The folder on this machine is unchanged"
        raise ValueError(without_tokens(message, token)) from None


def without_tokens(text: str, *tokens: str | None) -> str:
    """The text with these tokens, and the one that huggingface_hub finds by itself, blanked out."""
    for token in (*tokens, get_token()):
        text = text.replace(token, "***") if token else text
    return text


def explanation(error: BaseException) -> str:
    """What happened and what to do, from an error and those that caused it."""
    chain = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    for one in chain:
        if isinstance(one, OfflineModeIsEnabled):
            return "HF_HUB_OFFLINE is set. Unset it to push"
        if isinstance(one, HfHubHTTPError):
            status = one.response.status_code
            advice = ADVICE.get(status, SERVER_TROUBLE if status >= 500 else "the Hub refuses this. See its message")
            file = next((f" ({outer})" for outer in chain if isinstance(outer, RuntimeError)), "")
            says = f", and says: {one.server_message}" if one.server_message else ""
            return f"status {status}{file}{says}: {advice}"
    root = chain[-1]
    if isinstance(root, OSError) and root.filename:
        return f"{root.filename} cannot be read ({root.strerror}). Put that right and run the same command again"
    if isinstance(root, PermissionError):  # hf_xet's word for 401
        return ADVICE[401]
    told = "; ".join(dict.fromkeys(str(one) for one in chain if str(one)))
    return f"{type(root).__name__}{f' ({told})' if told else ''}: {CUT_OFF}"
