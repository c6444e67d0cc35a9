"""The threshold must keep its promise on customers that it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from agelane_trainer.certificate import (
    NotCertifiableError,
    certifiable_errors,
    certify,
    under_age_probability,
)


def distributions(under_age: np.ndarray) -> np.ndarray:
    """Return age distributions [N, 101] with the given P(age < 18) [N]."""
    probabilities = np.zeros((len(under_age), 101))
    probabilities[:, 17], probabilities[:, 30] = under_age, 1 - under_age
    return probabilities


def test_the_promise_is_kept_in_at_least_95_of_100_worlds() -> None:
    """Scores uniform on 0 to 1: the true false-clear rate of a threshold is the threshold."""
    random = np.random.default_rng(1)
    broken = 0
    for _ in range(1000):
        scores = random.uniform(size=500)
        broken += certify(distributions(scores), np.full(500, 15), 18).threshold > 0.01
    # 1,000 draws of an event with probability 5 % lie below 67 in 99 of 100 cases.
    assert 0 < broken <= 67


@pytest.mark.parametrize(
    ("minors", "errors"), [(298, -1), (299, 0), (472, 0), (473, 1), (628, 2), (1049, 5)]
)
def test_the_number_of_errors_is_that_of_the_exact_binomial_test(minors: int, errors: int) -> None:
    """Published sample sizes for 1 % at 95 %."""
    assert certifiable_errors(minors, 0.01, 0.95) == errors


@given(st.integers(1, 2000), st.floats(0.001, 0.5), st.floats(0.5, 0.999))
def test_one_more_error_would_break_the_promise(minors: int, rate: float, sure: float) -> None:
    """The largest number that passes is chosen, no other."""
    errors = certifiable_errors(minors, rate, sure)
    assert binom.cdf(errors, minors, rate) <= 1 - sure
    assert binom.cdf(errors + 1, minors, rate) > 1 - sure


def test_the_certificate_counts_what_its_threshold_lets_through() -> None:
    """Adults don't matter to it."""
    scores = np.linspace(0.001, 0.9, 480)
    ages = np.r_[np.full(480, 12), np.full(50, 40)]
    certificate = certify(distributions(np.r_[scores, np.zeros(50)]), ages, 18)
    assert (certificate.minors, certificate.false_clears) == (480, 1)
    assert scores[0] <= certificate.threshold < scores[1]


def test_too_few_minors_are_refused_with_the_number_needed() -> None:
    """Without a certificate nothing is ever allowed."""
    with pytest.raises(NotCertifiableError, match=r"298 photos .* at least 299 are needed"):
        certify(distributions(np.full(298, 0.9)), np.full(298, 10), 18)


def test_equal_scores_are_never_let_through_together() -> None:
    """A network that says the same of every minor gets a threshold below that."""
    certificate = certify(distributions(np.full(600, 0.4)), np.full(600, 10), 18)
    assert certificate.false_clears == 0
    assert certificate.threshold < 0.4


def test_minors_taken_for_adults_beyond_doubt_prevent_a_certificate() -> None:
    """No threshold is below a score of zero."""
    with pytest.raises(NotCertifiableError, match="no threshold is strict enough"):
        certify(distributions(np.zeros(600)), np.full(600, 10), 18)


def test_under_age_means_before_the_birthday() -> None:
    """Age 17 counts as under 18, age 18 does not."""
    probabilities = np.zeros((1, 101))
    probabilities[0, 17], probabilities[0, 18] = 0.25, 0.75
    assert under_age_probability(probabilities, 18)[0] == 0.25
