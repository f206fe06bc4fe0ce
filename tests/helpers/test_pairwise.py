"""A pairwise cover holds all pairs, and little else."""

from itertools import combinations, product

import pytest

from helpers.files import ROOT
from helpers.pairwise import pairwise, whole
from helpers.processes import python

FACTORS = {"a": range(7), "b": "uvwxy", "c": [True, False], "d": [None, 1.5, "d"]}


def pairs(cases):
    return {pair for case in cases for pair in combinations(enumerate(case), 2)}


def test_the_whole_is_the_product():
    assert whole(FACTORS) == list(product(*FACTORS.values()))


@pytest.mark.parametrize("names", ["ab", "abc", "abcd", "dcba", "cd", "a"])
@pytest.mark.parametrize(
    "where", [None, lambda a=0, b="", **_: a % 2 == 0 or b != "v"], ids=["all", "some"]
)
def test_every_pair_that_can_meet_meets(names, where):
    factors = {name: FACTORS[name] for name in names}
    cases = pairwise(factors, where)
    assert pairs(cases) == pairs(whole(factors, where))
    assert set(cases) <= set(whole(factors, where))
    assert len(set(cases)) == len(cases)


def test_of_one_factor_all_cases_are_taken_that_are_not_dear():
    assert pairwise({"a": range(5)}, dear=lambda a: a == 3) == [(0,), (1,), (2,), (4,)]


def test_dear_cases_are_left_out_and_their_pairs_are_not():
    dear = lambda a, c, **_: a > 4 and c
    cases = pairwise(FACTORS, dear=dear)
    assert not any(dear(**dict(zip(FACTORS, case, strict=True))) for case in cases)
    apart = {((0, 5), (2, True)), ((0, 6), (2, True))}
    assert pairs(cases) == pairs(whole(FACTORS)) - apart


def test_cases_are_few():
    largest = len(FACTORS["a"]) * len(FACTORS["b"])
    assert largest <= len(pairwise(FACTORS)) <= 1.1 * largest


def test_small_factors_are_spread_evenly():
    counts = [sum(case[3] == d for case in pairwise(FACTORS)) for d in FACTORS["d"]]
    assert min(counts) >= len(pairwise(FACTORS)) / 5


def test_the_choice_is_always_the_same():
    assert pairwise(FACTORS) == pairwise(FACTORS)


@pytest.mark.slow
@pytest.mark.parametrize(("mark", "count"), [("", 5 * 11), ("full", 5 * 11 * 2 * 2)])
def test_the_mark_chooses_what_is_made(mark, count):
    """Penalties and layouts, strengths and losses."""
    command = ("--collect-only", "-q", "-m", mark, "tests/test_forms.py")
    done = python("-m", "pytest", *command, folder=ROOT)
    assert done.stdout.count("test_working_sets_and_all_rows[") == count
