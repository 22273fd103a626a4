"""The statistics that detectors share: association beyond what content explains, and q-values."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

Z_CLIP = 0.005
ROOT_CLIP = 0.02
LARGEST_TILT = 12.0


class Association(NamedTuple):
    """How far a pattern's rows exceed what content predicts.

    `statistic` = min(`z`, `signed_root`); `tilt` is the log odds ratio that fits best; `precision`
    the estimated share of the hits that content alone would not have produced.
    """

    statistic: float
    z: float
    signed_root: float
    tilt: float
    precision: float


def associate(hits: Floats, expected: Floats, weights: Floats | None = None) -> Association:
    """Return the association of a pattern with an outcome over its rows.

    `hits` (n,) is 1.0 where the row has the outcome, `expected` (n,) the probability that the row's
    content gives to it, `weights` (n,) the share of a vote that the row has. Source: ours; the signed
    root is that of the likelihood ratio of an exponential tilt (Barndorff-Nielsen and Cox, Inference
    and Asymptotics, section 3.2).
    """
    w = np.ones(len(hits)) if weights is None else weights
    k, n = float(w @ hits), float(w.sum())
    p = np.clip(expected, Z_CLIP, 1 - Z_CLIP)
    z = (k - float(w @ p)) / np.sqrt(float(w @ (p * (1 - p))) + 0.25)
    tilt, root = _signed_root(k, np.clip(expected, ROOT_CLIP, 1 - ROOT_CLIP), w)
    precision = precision_of(k, n, float(w @ p) / max(n, 1e-9))
    return Association(min(z, root), z, root, tilt, precision)


def beyond(hits: Floats, expected: Floats, weights: Floats, tilt: float) -> float:
    """Return the signed root against an effect of `tilt` log odds in place of none; 0 if it is less."""
    raised = tilted(np.clip(expected, ROOT_CLIP, 1 - ROOT_CLIP), tilt)
    return _signed_root(float(weights @ hits), raised, weights)[1]


def _signed_root(total: float, p: Floats, weights: Floats) -> tuple[float, float]:
    """Return the best tilt >= 0 and the root of twice its log likelihood ratio."""
    tilt = _best_tilt(total, p, weights)
    ratio = tilt * total - float(weights @ np.log1p(p * np.expm1(tilt)))
    return tilt, float(np.sqrt(max(0.0, 2.0 * ratio)))


def _best_tilt(total: float, p: Floats, weights: Floats) -> float:
    """Return the tilt >= 0 under which the expected number of hits equals `total` (bisection)."""
    low, high = 0.0, LARGEST_TILT
    for _ in range(40):
        middle = (low + high) / 2
        if float(weights @ tilted(p, middle)) < total:
            low = middle
        else:
            high = middle
    return low


def tilted(p: Floats, tilt: float) -> Floats:
    """Return probabilities whose log odds are raised by `tilt`."""
    raised = p * np.exp(tilt)
    result: Floats = raised / (1 - p + raised)
    return result


def precision_of(hits: float, rows: float, mean_probability: float) -> float:
    """Return the share of the hits that the misses do not imply to be natural, in [0, 1]."""
    if hits <= 0:
        return 0.0
    odds = mean_probability / max(1e-9, 1 - mean_probability)
    return float(1 - min(hits, (rows - hits + 0.5) * odds) / hits)


def upper_tail(z: Floats) -> Floats:
    """Return P(Z > z) for a standard normal Z."""
    from scipy.special import ndtr

    tail: Floats = ndtr(-z)
    return tail


def q_values(p_values: Floats, tests: int) -> Floats:
    """Return Benjamini-Hochberg q-values of the smallest p-values among `tests` tests.

    Source: Benjamini and Hochberg (JRSS B 1995).
    """
    order = np.argsort(p_values)
    ranked = p_values[order] * tests / np.arange(1, len(p_values) + 1)
    smallest = np.minimum.accumulate(ranked[::-1])[::-1]
    found = np.empty(len(p_values))
    found[order] = np.minimum(1.0, smallest)
    return found


def mean_pairwise_cosine(vectors: Floats) -> float:
    """Return the mean cosine over all pairs of unit rows (n, d), n >= 2."""
    n = len(vectors)
    total = vectors.sum(axis=0)
    return float((total @ total - n) / (n * (n - 1)))
