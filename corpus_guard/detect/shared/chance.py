"""p-values and q-values from likelihood ratios.

Under the hypothesis that it is taken against, a likelihood ratio is 1 on average, so it reaches x in at
most the share 1/x of data sets: no null need be simulated, and dependence between n-grams does not
matter. An answer that was chosen because the rows have it costs one over its share, as if the first row
had only named it.
Source: Ville's inequality; Grünwald, de Heide and Koolen, Safe Testing (JRSS B 2024); Vovk and Wang,
E-values (Annals of Statistics 2021).
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def p_of_ratio(log_ratios: Floats) -> Floats:
    """Return an upper bound of the p-value of each log likelihood ratio in nats, (f,) in (0, 1]."""
    found: Floats = np.exp(-np.clip(log_ratios, 0.0, 700.0))
    return found
