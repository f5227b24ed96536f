# SPDX-License-Identifier: BSD-3-Clause
"""Exceptions keep their message when they are pickled."""

import inspect
import pickle

import pytest

from nipype_labels.model import errors

CLASSES = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, Exception) and found.__module__ == errors.__name__
]


def test_there_are_exceptions_to_check():
    assert {'LabelsError', 'SignalError', 'MissingRegionsError'} <= {found.__name__ for found in CLASSES}


@pytest.mark.parametrize('protocol', range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize('error', CLASSES)
def test_every_exception_pickles_with_its_message(error, protocol):
    message = "labels.nii.gz: ids 3, 7 have no row in 'lut.tsv' – add them"
    again = pickle.loads(pickle.dumps(error(message), protocol))
    assert type(again) is error
    assert str(again) == message
    assert again.args == (message,)


@pytest.mark.parametrize('error', CLASSES)
def test_every_exception_is_a_labels_error_and_a_value_error(error):
    assert issubclass(error, errors.LabelsError)
    assert issubclass(error, ValueError)


@pytest.mark.parametrize(
    ('path', 'message', 'expected'),
    [
        ('lut.tsv', 'no region', 'lut.tsv: no region'),
        ('lut.tsv', 'lut.tsv has no region', 'lut.tsv has no region'),
        (None, 'no region', 'no region'),
    ],
)
def test_an_error_names_its_file_once(path, message, expected):
    with pytest.raises(errors.LookupTableError) as caught, errors.errors_name(path):
        raise errors.LookupTableError(message)
    assert str(caught.value) == expected
