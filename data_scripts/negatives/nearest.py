"""The nearest neighbours of every vector, exactly, in bounded memory.

Promise: the result is what sorting all inner products would give, equal ones by index, whatever the sizes of the
blocks and the number of threads. Memory holds one block of scores, never vectors x vectors.

How both hold: float32 matrix products differ in their last bits from block to block, so they only choose candidates,
some more than are wanted. These are scored again in float64, pair by pair in a fixed order. Where a vector left out
could still be among the nearest, by the error bound of a float32 inner product, all that could be are scored again.
"""

from collections.abc import Iterator

import numpy as np

QUERY_BLOCK = 512  # vectors ranked at a time
POOL_BLOCK = 4096  # vectors they are compared with at a time: 8 MB of scores
EXACT_BLOCK = 2048  # candidates scored in float64 at a time
SPARE = 28  # candidates beyond top_k, so that near ties at the end seldom need the whole row


def nearest(
    vectors: np.ndarray, top_k: int, queries: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For one query after the other the `top_k` other vectors of largest inner product, largest first.

    Args:
        vectors: `[vectors, dim]` float32, in memory or mapped; of length 1 for cosine similarity.
        top_k: neighbours per query; fewer come back where there are fewer vectors.
        queries: `[queries]`, numbers of the vectors to ask for; all of them in order if None.

    Yields:
        The neighbours' numbers `[k]` int64 and their inner products `[k]` float32. A vector is not its own neighbour.

    Raises:
        ValueError: if `top_k` is below 1 or the vectors are not a matrix.
    """
    if vectors.ndim != 2 or top_k < 1:
        raise ValueError(f"nearest neighbours need a matrix and top_k of at least 1, not {vectors.shape} and {top_k}")
    queries = np.arange(len(vectors)) if queries is None else np.asarray(queries, dtype=np.int64)
    return _nearest(vectors, min(top_k, len(vectors) - 1), queries)


def _nearest(vectors: np.ndarray, top_k: int, queries: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if top_k < 1:
        yield from ((np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries)
        return
    error = _error_bound(vectors)
    for start in range(0, len(queries), QUERY_BLOCK):
        block = queries[start : start + QUERY_BLOCK]
        scores, ids = _candidates(vectors, block, min(top_k + SPARE, len(vectors) - 1))
        # No vector left out has scored above the last candidate: is that surely below the k-th nearest?
        sure = (scores[:, -1] < scores[:, top_k - 1] - 2 * error) | (scores.shape[1] == len(vectors) - 1)
        for query, found, enough in zip(block.tolist(), ids, sure.tolist(), strict=True):
            if enough:
                yield _ranked(vectors, query, found, top_k)
            else:
                yield _ranked_of_all(vectors, query, top_k, error)


def _error_bound(vectors: np.ndarray) -> float:
    """How far a float32 inner product can be off, in whatever order it is summed (Higham 2002, section 3.1)."""
    blocks = (vectors[start : start + POOL_BLOCK] for start in range(0, len(vectors), POOL_BLOCK))
    longest = max(float(np.einsum("vd,vd->v", block, block).max()) for block in blocks)
    roundoff = float(np.finfo(np.float32).eps) / 2
    return 1.01 * vectors.shape[1] * roundoff * longest


def _candidates(vectors: np.ndarray, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` vectors of largest float32 score per query: scores, numbers `[queries, count]`, largest first."""
    import torch  # its topk takes a fifth of the time of numpy's argpartition

    best = torch.full((len(queries), count), -torch.inf)
    ids = torch.full((len(queries), count), -1)
    asked = torch.from_numpy(vectors[queries])
    for start in range(0, len(vectors), POOL_BLOCK):
        pool = vectors[start : start + POOL_BLOCK]
        pool = pool if pool.flags.writeable else pool.copy()  # torch warns of what it must not write to
        scores = asked @ torch.from_numpy(pool).T  # by torch as well: two libraries' threads get in each other's way
        own = np.flatnonzero((queries >= start) & (queries < start + len(pool)))
        scores[own, queries[own] - start] = -torch.inf
        if start == 0:
            better, columns = scores.topk(min(count, len(pool)), sorted=False)
        else:
            better, columns = (torch.from_numpy(x) for x in _above(scores.numpy(), best[:, -1:].numpy()))
        best, order = torch.cat([best, better], dim=1).topk(count)
        ids = torch.cat([ids, columns + start], dim=1).gather(1, order)
    return best.numpy(), ids.numpy()


def _above(scores: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scores above their row's threshold and their columns, `[rows, as many as a row has]`, filled up with -inf.

    After the first block few are: to find them takes a tenth of the time of a topk of every block.
    """
    rows, columns = np.divmod(np.flatnonzero(scores > threshold), scores.shape[1])
    counts = np.bincount(rows, minlength=len(scores))
    place = np.arange(len(rows)) - (np.cumsum(counts) - counts)[rows]
    better = np.full((len(scores), counts.max()), -np.inf, dtype=np.float32)
    where = np.zeros(better.shape, dtype=np.int64)
    better[rows, place] = scores[rows, columns]
    where[rows, place] = columns
    return better, where


def _ranked(vectors: np.ndarray, query: int, ids: np.ndarray, top_k: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest among some candidates, by float64 scores, summed in the same order wherever they are made."""
    asked = vectors[query].astype(np.float64)
    steps = range(0, len(ids), EXACT_BLOCK)
    scores = np.concatenate([(vectors[ids[s : s + EXACT_BLOCK]] * asked).sum(axis=1) for s in steps])
    order = np.lexsort((ids, -scores))[:top_k]
    return ids[order], scores[order].astype(np.float32)


def _ranked_of_all(vectors: np.ndarray, query: int, top_k: int, error: float) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of all, where more candidates are nearly equal than `_candidates` keeps."""
    steps = range(0, len(vectors), POOL_BLOCK)
    scores = np.concatenate([vectors[s : s + POOL_BLOCK] @ vectors[query] for s in steps])
    scores[query] = -np.inf
    last = np.partition(scores, -top_k)[-top_k]
    return _ranked(vectors, query, np.flatnonzero(scores >= last - 2 * error), top_k)
