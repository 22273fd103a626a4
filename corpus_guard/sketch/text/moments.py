"""A linear discriminant from moments: sums that add up, and from which rows are left out by subtraction.

Vectors are int8 codes, so all sums are whole numbers and exact in double precision: no order changes
them.
Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning (2009), sections 4.3 and
18.3.1.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RIDGE = 0.1
"""The share of the mean variance that is added to each: .1 is as good as logistic regression on seven
labelled sets, and shrinks what few rows say about a direction."""


class Discriminant(NamedTuple):
    """Scores of a vector x of codes: x @ `coefficients` (d, k) + `intercepts` (k,)."""

    coefficients: Floats
    intercepts: Floats

    def scores(self, codes: npt.NDArray[np.int8]) -> Floats:
        """Return the log odds of the classes but for a constant a row, (n, k)."""
        # In double precision, so that which rows are judged together changes no rounded result.
        found: Floats = codes.astype(np.float64) @ self.coefficients + self.intercepts
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """`counts` (k,), `sums` (k, d) and the sum of outer products `squares` (d, d) of some rows."""

    counts: Floats
    sums: Floats
    squares: Floats

    @classmethod
    def of(cls, codes: npt.NDArray[np.int8], classes: npt.NDArray[np.int64], count: int) -> Self:
        """Return the moments of vectors (n, d) of classes (n,) in [0, count)."""
        vectors = codes.astype(np.float64)
        sums = np.zeros((count, vectors.shape[1]))
        for label in np.unique(classes):
            sums[label] = vectors[classes == label].sum(axis=0)
        counts = np.bincount(classes, minlength=count).astype(np.float64)
        return cls(counts=counts, sums=sums, squares=vectors.T @ vectors)

    def __add__(self, other: Self) -> Self:
        """Return the moments of both."""
        return self._joined(other, 1.0)

    def __sub__(self, other: Self) -> Self:
        """Return the moments without some of the rows."""
        return self._joined(other, -1.0)

    def _joined(self, other: Self, sign: float) -> Self:
        return type(self)(
            counts=self.counts + sign * other.counts,
            sums=self.sums + sign * other.sums,
            squares=self.squares + sign * other.squares,
        )

    def discriminant(self) -> Discriminant:
        """Return the linear discriminant; a class without rows is as good as impossible."""
        rows, dimensions = max(1.0, float(self.counts.sum())), len(self.squares)
        means = self.sums / np.maximum(self.counts, 1.0)[:, None]
        within = (self.squares - means.T @ self.sums) / rows
        level = RIDGE * float(np.trace(within)) / max(1, dimensions) + 1e-6
        level_up = within + level * np.eye(dimensions)
        coefficients = np.asarray(np.linalg.solve(level_up, means.T), np.float64)
        priors = np.log(np.maximum(self.counts, 0.01) / rows)
        intercepts = priors - np.einsum("kd,dk->k", means, coefficients) / 2
        return Discriminant(coefficients, intercepts)
