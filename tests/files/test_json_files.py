# SPDX-License-Identifier: BSD-3-Clause
"""JSON files of the user: what can be used is returned, the rest is refused with the name of the file."""

import json

import pytest

from nipype_labels.files.json_files import read_json
from nipype_labels.model.errors import LabelsError


def nest(depth, kind):
    """Return an object that contains lists or objects, one in the other, ``depth`` deep."""
    value = 1
    for _ in range(depth - 1):
        value = [value, 2] if kind is list else {'inner': value, 'other': 2}
    return {'outer': value}


@pytest.mark.parametrize('kind', [list, dict])
def test_values_are_nested_at_most_fifty_times(tmp_path, kind):
    path = tmp_path / 'bold.json'
    path.write_text(json.dumps(nest(49, kind)))
    assert read_json(path) == nest(49, kind)
    path.write_text(json.dumps(nest(51, kind)))
    with pytest.raises(LabelsError, match=r'bold\.json has values that are nested more than 50 times'):
        read_json(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('[1]', r'must hold a JSON object, not \[1\]'),
        ('{"a": ', 'cannot be read as JSON'),
        ('{"a": "\\ud800"}', 'cannot be read as JSON'),
        ('[' * 100_000, 'cannot be read as JSON'),
    ],
)
def test_content_that_is_no_object_or_cannot_be_written_is_refused(tmp_path, content, message):
    path = tmp_path / 'bold.json'
    path.write_text(content)
    with pytest.raises(LabelsError, match=message) as error:
        read_json(path)
    assert str(path) in str(error.value)
