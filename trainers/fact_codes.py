"""What a figure says, as one vector that no tower had to learn: the embedding that both towers warm up towards.

A contrastive loss moves two towers at once, and neither learns whose value stands where before the other has: on that
plateau a small model stays for hours. A code is fixed beforehand. Every word of a fact (its kind, a letter in its
role, a character of its value) has a random vector of signs; what belongs together is multiplied, what is said beside
each other is added. So a code is a sum over facts, a fact with one letter, word or digit changed moves it a little and
always in its own direction, and image and caption are near each other when each alone is near the code.

A fact's code adds six parts, weighted by `SHARES`: its kind; each point in its role; the same for this kind alone;
each two points in theirs; its value; its value's characters with each point. Roles are what a fact's symmetries leave
apart (`diagram.facts.KINDS`).

What a tower can learn soon decides how far it comes. Roles of two points are shared by all kinds: neighbours are
neighbours in a square and a kite, which is learned once; with vectors for each role of each kind both towers stood
still at cosines of 0.6 and 0.8. And where every letter meets every other or every digit, one of the two is a gate: a
product of signs says nothing of either factor, so a tower has nothing to begin with.

Promises: facts that mean the same have the same code whatever their order and naming; codes depend on the facts and
the size alone, never on a process or a seed.

Source: P. Kanerva, Hyperdimensional computing (Cognitive Computation 1, 2009): binding by product, bundling by sum.
"""

from collections.abc import Iterable
from functools import lru_cache
from zlib import crc32

import numpy as np
import torch

from data_scripts.diagram import Fact
from data_scripts.diagram.facts import KINDS, canonical

SHARES = {"kind": 1.3, "role": 0.85, "own role": 0.7, "pair": 2.3, "value": 1.6, "bound": 1.6}
PAIR_OF_A_VALUE = 0.7  # its points are told by what is bound to them; elsewhere pairs alone say how they follow
PULL = 3.0  # weight of one minus the cosine, beside a cross entropy
SCALE = 20.0  # of the softmax over codes: e for a cosine that is 0.05 higher
LEAST_MOVED = 0.05  # by an edit, as it is counted: nearer ones are rounding


@lru_cache(maxsize=2**15)
def _signs(size: int, *what: str | int) -> np.ndarray:
    """The vector of 1 and -1 of one thing, `[size]`."""
    return np.random.default_rng(crc32(repr(what).encode())).choice(np.float32([-1, 1]), size)


@lru_cache(maxsize=2**15)
def _gate(size: int, *what: str | int) -> np.ndarray:
    """Of one thing, where it lets another's vector pass, as loud as without a gate, `[size]`, 0 or 2."""
    return np.float32(2.0) * (np.random.default_rng(crc32(repr(what).encode())).random(size) < 0.25)


@lru_cache(maxsize=2**8)
def _roles(kind: str) -> tuple[tuple[int, ...], dict[tuple[int, int], tuple[int, int]]]:
    """The role of every place of a kind of fact and of every two places: the first that a symmetry takes them to."""
    symmetries = KINDS[kind].symmetries
    places = range(len(symmetries[0]))
    single = tuple(min(s[i] for s in symmetries) for i in places)
    return single, {(i, j): min((s[i], s[j]) for s in symmetries) for i in places for j in places if i != j}


@lru_cache(maxsize=2**15)
def _of_value(value: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A printed value, character by character from the left, so that 35 is not 53, and its characters in any order.

    A degree sign is no news.
    """
    characters = value.replace("°", "") or value
    in_order = sum(_signs(size, "character", c, i) for i, c in enumerate(characters))
    in_any = sum(_signs(size, "bound character", c) for c in characters)
    return in_order / len(characters) ** 0.5, in_any / len(characters) ** 0.5


@lru_cache(maxsize=2**15)
def _of_fact(fact: Fact, size: int) -> np.ndarray:
    single, double = _roles(fact.kind)
    named = [_signs(size, "letter", point) for point in fact.points]
    gates = [_gate(size, "letter", point) for point in fact.points]
    code = SHARES["kind"] * _signs(size, "kind", fact.kind)
    roles = sum(_signs(size, "role", role) * name for role, name in zip(single, named, strict=True))
    own = sum(_gate(size, "role", fact.kind, role) * name for role, name in zip(single, named, strict=True))
    code = code + (SHARES["role"] * roles + SHARES["own role"] * own) / len(named) ** 0.5
    if double:
        pairs = sum(_signs(size, "pair", *o) * named[i] * gates[j] for (i, j), o in double.items())
        share = PAIR_OF_A_VALUE if fact.value else SHARES["pair"]
        code = code + share / len(double) ** 0.5 * pairs
    if fact.value:
        in_order, in_any = _of_value(fact.value, size)
        code = code + SHARES["value"] * in_order + SHARES["bound"] / len(named) ** 0.5 * in_any * sum(gates)
    return code


def fact_code(facts: Iterable[Fact], size: int) -> np.ndarray:
    """The code of what is said, `[size]`, float32, of length 1.

    Raises:
        ValueError: if nothing is said.
    """
    parts = [_of_fact(canonical(fact), size) for fact in facts]
    if not parts:
        raise ValueError("a code needs at least one fact, and there is none")
    code = np.sum(parts, axis=0)
    return (code / np.linalg.norm(code)).astype(np.float32)


def code_loss(
    embeddings: torch.Tensor, codes: torch.Tensor, edited: torch.Tensor, owner: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """How far embeddings are from their codes, and from being nearest to them.

    The first part is one minus the cosine, times `PULL`; then come two cross entropies, as in CLIP's loss: that of a
    softmax over the codes of the batch and the edited codes of the row itself, which cost no tower anything, and that
    of a softmax over the embeddings of the batch for each code. How much nearer the true code is than an edited one is
    divided by the distance of the two, or small edits would hardly count.

    Args:
        embeddings: of figures or captions, `[batch, size]`, any length.
        codes: of the same, `[batch, size]`, of length 1.
        edited: codes of the same with a fact made false, one after the other, `[num_edited, size]`; may be empty.
        owner: row each edited code belongs to, `[num_edited]`.

    Returns:
        the loss, and the share of edited codes that the true one beats (nan without any).
    """
    # In full precision: an edit moves a cosine by little more than bfloat16 can tell.
    with torch.autocast(embeddings.device.type, enabled=False):
        seen = torch.nn.functional.normalize(embeddings.float(), dim=-1)
        cosine = (seen * codes).sum(-1)
        scores = SCALE * seen @ codes.T
        others = scores.logsumexp(-1)
        # Every edit counts as if it moved the code by one: an octagon's hardly moves when two letters change place.
        moved = (codes[owner] - edited).norm(dim=-1).clamp(min=LEAST_MOVED)
        false = cosine[owner] - (seen[owner] * (codes[owner] - edited)).sum(-1) / moved
        # The softmax's denominator over ragged rows: each row's own edited codes are added to those of the batch.
        weights = torch.zeros_like(others).index_add(0, owner, (SCALE * false - others[owner]).exp())
        to_codes = others + weights.log1p() - SCALE * cosine
        to_embeddings = scores.logsumexp(0) - SCALE * cosine
        loss = (PULL * (1 - cosine) + to_codes + to_embeddings).mean()
        return loss, (cosine[owner] > false).float().mean().detach()
