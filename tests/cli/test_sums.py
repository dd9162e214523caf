"""What the command prints in a sum adds up."""

from __future__ import annotations

import re

import numpy as np

from tests.sums import NUMBER, exactly, in_words
from vae_core.cli.analysis import kl_in_words
from vae_core.cli.printing import terms
from vae_core.config.events import Finished, Terms


def test_the_result_of_a_training_adds_up() -> None:
    rng = np.random.default_rng(5)
    for reconstruction, kl in zip(rng.uniform(-900, 200, 300), rng.uniform(0, 80, 300), strict=True):
        finished = Finished(1, 1.0, 1.0, 1.0, Terms(float(reconstruction), float(kl), [float(kl)]), True)
        ((missing, _),) = in_words(terms(finished))
        assert missing == 0


def test_the_parts_of_the_kl_add_up() -> None:
    rng = np.random.default_rng(6)
    moved = 0
    for _ in range(300):
        information, correlation, *by_dimension = rng.exponential(2, 6)
        facts = {
            "mutual_information": information,
            "mutual_information_ceiling": 9.21,
            "total_correlation": correlation,
            "dimension_wise_kl": by_dimension,
        }
        said = kl_in_words(facts)
        whole, first, _, second, third = map(exactly, re.findall(NUMBER, said))
        assert whole == first + second + third, said
        moved += f"{information:.2f}" not in said or f"{correlation:.2f}" not in said
    assert moved, "nothing had to give way"
