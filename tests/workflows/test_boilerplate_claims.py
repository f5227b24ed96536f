# SPDX-License-Identifier: BSD-3-Clause
"""Each clause of the methods boilerplate is true: its words and figures predict what is computed, by other means.

A claim is a pattern of the text. Its check computes what the matched words say, without the package, and compares that
with time series of the masker, whose bytes are those of the graph. The last tests fail if a clause has no check.
"""

import ast
import itertools
import re
from pathlib import Path

import claims_denoising  # noqa: F401 (registers its claims)
import claims_maps  # noqa: F401
import claims_regions  # noqa: F401
import numpy as np
import pytest
from claims import CLAIMS, FILTERED, RNG, SEED

from nipype_labels.workflows import boilerplate, init_labels_wf


@pytest.fixture(autouse=True)
def _same_numbers_in_any_order():
    """Restart the generator, so that the data of a check do not depend on the checks before it in this process."""
    RNG.bit_generator.state = np.random.default_rng(SEED).bit_generator.state


@pytest.mark.parametrize(
    ('words', 'check', 'parameters'), CLAIMS, ids=[f'{check.__name__}-{i}' for i, (_, check, _) in enumerate(CLAIMS)]
)
def test_each_claim_of_the_boilerplate_is_true(words, check, parameters, tmp_path):
    found = re.search(words, describe(parameters))
    assert found is not None, describe(parameters)
    needs_folder = 'tmp_path' in check.__code__.co_varnames[: check.__code__.co_argcount]
    check(found, **parameters, **({'tmp_path': tmp_path} if needs_folder else {}))


def describe(parameters):
    """Text of a graph with these parameters; announcing confounds if they are chosen."""
    chosen = {'confounds_strategy', 'confounds_columns'} & set(parameters)
    return init_labels_wf(**({'use_confounds': True} if chosen else {}) | parameters).__desc__


#: Words between clauses, which claim nothing by themselves.
GLUE = (
    r'Time series( and confounds)? were|Confounds were (then )?regressed out by least squares( \[@lindquist_2019\])?:|'
    r', then|[;:.]'
)


def sweep():
    """Texts of all clauses, alone and each with one of the others in turn."""
    cases = {repr(case): case for _, _, case in CLAIMS}.values()
    longer = [{'detrend': True}, FILTERED, {'use_sample_mask': True}, {'use_confounds': True}, {'use_mask': True}]
    for case, more in zip(cases, itertools.cycle(longer), strict=False):
        yield describe(case)
        if case.get('filter') != 'cosine' or more is not FILTERED:
            yield describe(more | case)


@pytest.fixture(scope='module')
def texts():
    return list(sweep())


@pytest.mark.slow
def test_no_clause_is_without_a_check(texts):
    for text in set(texts):
        left = text
        for words, _, _ in CLAIMS:
            left = re.sub(words, '', left) if 'Time series and confounds' not in words else left
        assert re.sub(GLUE, '', left).split() == [], text


@pytest.mark.slow
def test_the_texts_that_are_checked_have_all_words_of_the_module(texts):
    """A clause that is added to the module must be added here."""
    tree, everything = ast.parse(Path(boilerplate.__file__).read_text(encoding='utf-8')), ' '.join(texts)
    documented = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            for part in re.split(r'\{\w+\}', node.value):
                if ' ' in part.strip():
                    assert part.strip() in everything, part
