# SPDX-License-Identifier: BSD-3-Clause
"""Repetition times in sidecars, and which one is used of argument, sidecar and header."""

import json

import pytest

from nipype_labels.files.paths import find_sidecar
from nipype_labels.files.timing import choose_repetition_time, read_timing, resolve_repetition_time
from nipype_labels.model.errors import SignalError


def sidecar(folder, content):
    path = folder / 'bold.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding='utf-8')
    return path


@pytest.mark.parametrize(
    ('series', 'expected'),
    [
        ('sub-1_bold.nii.gz', 'sub-1_bold.json'),
        ('sub-1_bold.nii', 'sub-1_bold.json'),
        ('sub-1_v2.1_bold.nii.gz', 'sub-1_v2.1_bold.json'),
        ('sub-1_v2.1_bold.nii', 'sub-1_v2.1_bold.json'),
        ('bold.img', 'bold.json'),
        ('bold.mgz', 'bold.json'),
    ],
)
@pytest.mark.parametrize('as_path', [True, False])
def test_the_sidecar_is_next_to_the_series_under_its_name(tmp_path, series, expected, as_path):
    where = tmp_path / series if as_path else str(tmp_path / series)
    assert find_sidecar(where) is None
    (tmp_path / 'other.json').write_text('{}')
    (tmp_path / expected).mkdir()
    assert find_sidecar(where) is None
    (tmp_path / expected).rmdir()
    (tmp_path / expected).write_text('{}')
    assert find_sidecar(where) == tmp_path / expected


@pytest.mark.parametrize(
    ('content', 'seconds'),
    [
        ({'RepetitionTime': 0.72}, 0.72),
        ({'RepetitionTime': 2}, 2.0),
        ({'EchoTime': 0.03, 'RepetitionTime': 0.8, 'TaskName': 'rést'}, 0.8),
        ({'EchoTime': 0.03}, None),
        ({'RepetitionTime': None}, None),
        ({}, None),
    ],
)
def test_the_repetition_time_is_read_exact_or_missing(tmp_path, content, seconds):
    assert read_timing(sidecar(tmp_path, content)) == (seconds, '')


@pytest.mark.parametrize(
    'content',
    [
        '{"VolumeTiming": 2.0}',
        '{"VolumeTiming": "0, 2, 4"}',
        '{"VolumeTiming": [0, 2, null]}',
        '{"VolumeTiming": [0, 2, true]}',
        '{"VolumeTiming": [0, 2, 2]}',
        '{"VolumeTiming": [0, 2, 1]}',
        '{"VolumeTiming": [0, 2, NaN]}',
        '{"RepetitionTime": 3, "VolumeTiming": [0, 2, 4]}',
    ],
)
def test_an_invalid_repetition_time_is_refused_by_file_name(tmp_path, content):
    # Others are refused in hostile/test_times.py.
    with pytest.raises(SignalError, match=r'bold\.json') as caught:
        read_timing(sidecar(tmp_path, content))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('content', 'timing'),
    [
        ({'VolumeTiming': [0, 2, 4, 6]}, (2.0, '')),
        ({'VolumeTiming': [1.5, 3.505, 5.5]}, (2.0, '')),
        ({'RepetitionTime': 2, 'VolumeTiming': [0, 2.001, 4]}, (2.0, '')),
        ({'RepetitionTime': 2, 'VolumeTiming': [0]}, (2.0, '')),
        ({'VolumeTiming': [0]}, (None, '')),
        ({'VolumeTiming': []}, (None, '')),
        ({'VolumeTiming': None}, (None, '')),
        ({'VolumeTiming': [0, 2, 10]}, (None, '2 to 8 s')),
        ({'RepetitionTime': 2, 'VolumeTiming': [0, 2, 10]}, (2.0, '2 to 8 s')),
        ({'VolumeTiming': [0, 1, 2, 3.5]}, (None, '1 to 1.5 s')),
    ],
)
def test_the_distance_of_volumes_is_a_repetition_time_only_if_it_is_even(tmp_path, content, timing):
    assert read_timing(sidecar(tmp_path, content)) == timing


@pytest.mark.parametrize('steps', [{'filtered': True}, {'filtered': False, 'detrended': True}])
def test_unevenly_spaced_volumes_are_neither_filtered_nor_detrended(tmp_path, steps):
    path = sidecar(tmp_path, {'VolumeTiming': [0, 2, 4, 12], 'AcquisitionDuration': 2})
    with pytest.raises(SignalError, match=r'bold\.json: volumes are unevenly spaced \(2 to 8 s.* Pass --tr'):
        resolve_repetition_time(None, path, 2.0, name='--tr', **steps)
    assert resolve_repetition_time(None, path, 2.0, filtered=False) == (None, '')
    t_r, warning = resolve_repetition_time(2.0, path, 2.0, **steps)
    assert t_r == 2.0
    assert warning == f'{path}: volumes are unevenly spaced (2 to 8 s by VolumeTiming), but t_r is 2 s; t_r is used'


@pytest.mark.parametrize(
    ('t_r', 'of_sidecar', 'of_header', 'expected'),
    [
        (None, None, None, None),
        (0.72, None, None, 0.72),
        (None, 0.8, None, 0.8),
        (None, None, 2.0, 2.0),
        (2.0, 2.001, 1.999, 2.0),
        (None, 0.72, 0.7200000286, 0.72),
        (0.8, None, 0.8049, 0.8),
        (0.8, 0.7951, None, 0.8),
        (1.0, 1.009, 0.991, 1.0),
    ],
)
@pytest.mark.parametrize('used', [True, False])
def test_the_parameter_counts_before_the_sidecar_before_the_header(t_r, of_sidecar, of_header, expected, used):
    assert choose_repetition_time(t_r, of_sidecar, of_header, used) == (expected, '')


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        ((2.0, 2.5, None), 't_r is 2 s, but the sidecar says 2.5 s; t_r is used'),
        ((2.0, None, 1.97), 't_r is 2 s, but the header says 1.97 s; t_r is used'),
        ((2.0, 2.0, 1.0), 't_r is 2 s, but the header says 1 s; t_r is used'),
        ((2.0, 3.0, 1.0), 't_r is 2 s, but the sidecar says 3 s and the header says 1 s; t_r is used'),
    ],
)
@pytest.mark.parametrize('used', [True, False])
def test_an_explicit_repetition_time_wins_with_a_warning(given, said, used):
    assert choose_repetition_time(*given, used) == (given[0], said)
    assert choose_repetition_time(*given, used, '--tr')[1] == said.replace('t_r', '--tr')


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        ((0.8, 0.72), 'the sidecar says 0.8 s, the header says 0.72 s. Pass the right one as t_r'),
        ((0.72, 720.0), 'the sidecar says 0.72 s, the header says 720 s. Pass the right one as t_r'),
    ],
)
def test_sidecar_and_header_that_contradict_each_other_are_an_error_where_a_filter_needs_them(given, said):
    with pytest.raises(SignalError) as caught:
        choose_repetition_time(None, *given)
    assert said in str(caught.value)
    t_r, warning = choose_repetition_time(None, *given, used=False)
    assert t_r is None
    assert said in warning


@pytest.mark.parametrize(('given', 'fine'), [(1.009, True), (0.991, True), (1.011, False), (0.989, False)])
@pytest.mark.parametrize('places', [(0, 1), (0, 2), (1, 2)])
def test_one_percent_is_the_border_between_any_two(given, fine, places):
    times = [None, None, None]
    times[places[0]], times[places[1]] = 1.0, given
    t_r, warning = choose_repetition_time(*times, used=False)
    assert (warning == '') is fine
    assert t_r == (1.0 if fine or places[0] == 0 else None)


@pytest.mark.parametrize('place', [0, 1, 2])
@pytest.mark.parametrize('wrong', [0.0, -1.0, float('nan'), float('inf')])
def test_an_invalid_repetition_time_is_refused_by_its_source(place, wrong):
    given = [2.0, 2.0, 2.0]
    given[place] = wrong
    with pytest.raises(SignalError, match=['t_r', 'the sidecar', 'the header'][place]):
        choose_repetition_time(*given)
