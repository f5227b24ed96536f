# SPDX-License-Identifier: BSD-3-Clause
"""Repetition times, sidecars, cut-offs and short series: contradictory and invalid ones are refused."""

import gzip
import json

import numpy as np
import pytest
from hostile_cases import Case, ask, both, cases, fields, folder, image, lines, nothing, remove, text

from nipype_labels.files.tables import read_signals

SIDECAR, BOLD, LOW = 'sidecar.json', 'bold.nii.gz', '--low-pass 0.1'
SECONDS, MILLISECONDS, MICROSECONDS, HERTZ, NO_UNIT = 8, 16, 24, 32, 0
NO_JSON = f'{SIDECAR} cannot be read as JSON'
NO_OBJECT = f'{SIDECAR} must hold a JSON object'
NO_TIME = f'{SIDECAR} has no valid RepetitionTime or VolumeTiming in s'
NEEDED = f'{BOLD} | a filter needs the repetition time: set --tr'
NAN, INF = float('nan'), float('inf')


def header(t_r, unit=SECONDS):
    """A header with this repetition time."""
    return fields(BOLD, pixdim={4: t_r}, xyzt_units=2 | unit)


def alone(t_r, unit=SECONDS):
    """Give this repetition time in the header only."""
    return both(ask(sidecar=None), header(t_r, unit))


def sidecar(content):
    return text(SIDECAR, content)


def t_r(value):
    return sidecar(f'{{"RepetitionTime": {value}}}')


def short(n_volumes):
    """Only the first volumes with their confounds, all of them retained."""
    return both(
        image(BOLD, lambda data: data[..., :n_volumes]),
        lines('confounds.tsv', lambda rows: rows[: n_volumes + 1]),
        ask(sample_mask=None),
    )


#: Volumes that were acquired in two blocks.
UNEVEN = sidecar(json.dumps({'VolumeTiming': [*range(0, 40, 2), *range(46, 86, 2)]}))


@cases(
    ('none in the header', alone(0.0), NEEDED, LOW),
    ('a header of NaN', alone(NAN), NEEDED, LOW),
    ('a header in Hertz', alone(2.0, HERTZ), NEEDED, LOW),
    ('a header in a unit that does not exist', alone(2.0, 56), NEEDED, LOW),
    ('milliseconds called seconds', alone(2000.0), f'{BOLD} | --low-pass 0.1 Hz | 0.00025 Hz for --tr 2000 s', LOW),
    ('seconds called milliseconds', header(2.0, MILLISECONDS), f'{SIDECAR} | contradict | 2 s | 0.002 s', LOW),
    ('milliseconds called seconds, with a sidecar', header(2000.0), f'{SIDECAR} | contradict | 2 s | 2000 s', LOW),
    ('a header next to 0', alone(1e-30), f'{BOLD} | --low-pass of 0.1 Hz is too close to 0', LOW),
    ('a header of ages', alone(1e30), f'{BOLD} | --low-pass 0.1 Hz | Nyquist', LOW),
    ('an argument of 0', nothing, '--tr must be a time above 0 s, not 0.0', '--tr 0'),
    ('an argument of NaN', nothing, '--tr must be a time above 0 s, not nan', '--tr nan'),
    ('an argument in milliseconds', nothing, '--low-pass 0.1 Hz | 0.00025 Hz for --tr 2000 s', f'--tr 2000 {LOW}'),
    ('uneven volumes, filtered', UNEVEN, f'{SIDECAR}: volumes are unevenly spaced (2 to 8 s | --tr', LOW),
    ('uneven volumes, detrended', UNEVEN, f'{SIDECAR}: volumes are unevenly spaced (2 to 8 s | --tr', '--detrend'),
)
def test_invalid_repetition_times_are_refused(case, refuse):
    refuse(case)


@cases(
    ('missing', remove(SIDECAR), f'no such file | {SIDECAR}'),
    ('a folder', folder(SIDECAR), f'no such file | {SIDECAR}'),
    ('empty', sidecar(''), NO_JSON),
    ('cut short', sidecar('{"RepetitionTime": 2.0'), NO_JSON),
    ('more behind', sidecar('{"RepetitionTime": 2.0} {}'), NO_JSON),
    ('junk', sidecar(bytes(range(256))), NO_JSON),
    ('packed', sidecar(gzip.compress(b'{}')), NO_JSON),
    ('UTF-16', sidecar('{"RepetitionTime": 2.0}'.encode('utf-16')), NO_JSON),
    ('Latin-1', sidecar('{"TaskName": "é"}'.encode('latin-1')), NO_JSON),
    ('a NUL byte', sidecar('{"RepetitionTime": 2.0}\0'), NO_JSON),
    ('a list', sidecar('[2.0]'), NO_OBJECT),
    ('a number', sidecar('2.0'), NO_OBJECT),
    ('null', sidecar('null'), NO_OBJECT),
    ('a word for a time', t_r('"two"'), NO_TIME),
    ('a list for a time', t_r('[2.0]'), NO_TIME),
    ('an object for a time', t_r('{}'), NO_TIME),
    ('a flag for a time', t_r('true'), NO_TIME),
    ('a time of 0', t_r('0'), f'RepetitionTime of | {SIDECAR} must be a time above 0 s, not 0.0'),
    ('a time of NaN', t_r('NaN'), f'{SIDECAR} must be a time above 0 s, not nan'),
    ('a time beyond floats', t_r('1e999'), f'{SIDECAR} must be a time above 0 s, not inf'),
    ('a time beyond integers', t_r('9' * 5000), NO_JSON),
    ('a time beyond floats that is an integer', t_r('9' * 400), NO_TIME),
    ('a flag for a time, and nothing that contradicts', both(t_r('true'), header(0.0)), NO_TIME),
    ('objects without end', sidecar('{"a":' * 200_000), NO_JSON),
    ('milliseconds', t_r('2000'), f'{SIDECAR} | contradict: the sidecar says 2000 s, the header says 2 s', LOW),
    ('another time', t_r('2.05'), f'{SIDECAR} | contradict: the sidecar says 2.05 s, the header says 2 s', LOW),
    ('two times', sidecar('{"RepetitionTime": 2, "RepetitionTime": 1}'), f'{SIDECAR} | contradict | 1 s | 2 s', LOW),
    (
        'next to the series, cut short',
        both(ask(sidecar=None), text('bold.json', '{')),
        'bold.json cannot',
    ),
)
def test_an_invalid_sidecar_is_refused(case, refuse):
    refuse(case)


@cases(
    ('a time of NaN', header(NAN)),
    ('a unit of time that does not exist', header(2.0, 56)),
    ('a unit of space that does not exist', fields(BOLD, xyzt_units=7 | SECONDS)),
    ('a sidecar without a time', sidecar('{"TaskName": "rest"}')),
    ('a sidecar with null', t_r('null')),
    ('no sidecar', ask(sidecar=None)),
    ('times that contradict each other, of which none is used', t_r('2000')),
    ('an argument that contradicts both', nothing, '', '--tr 3'),
    ('uneven volumes that nothing filters', UNEVEN),
    ('a folder next to the series', both(ask(sidecar=None), lambda given: (given / 'bold.json').mkdir())),
)
def test_unusual_but_valid_headers_and_sidecars_change_no_byte(case, unchanged):
    unchanged(case)


@pytest.mark.parametrize('damage', [alone(2000.0, MILLISECONDS), alone(2e6, MICROSECONDS), alone(2.0, NO_UNIT)])
def test_a_header_alone_is_understood_in_its_unit(damage, accept):
    given = accept(Case('alone', damage, options=LOW))
    assert json.loads((given / 'out' / 'cleaning.json').read_text())['Parameters']['t_r'] == 2.0


@cases(
    (
        'reversed',
        nothing,
        'no band is left between --high-pass 0.1 Hz and --low-pass 0.05',
        '--low-pass 0.05 --high-pass 0.1',
    ),
    (
        'for no filter',
        nothing,
        '--low-pass given, but --filter none would not use them',
        '--low-pass 0.1 --filter none',
    ),
    ('none for a filter by cosines', nothing, '--filter cosine takes a --high-pass cut-off', '--filter cosine'),
    (
        'drifts that leave nothing',
        nothing,
        'confounds.tsv | leave no degree of freedom (columns: 44, rank: 37, retained volumes: 38)',
        '--filter cosine --high-pass 0.2499',
    ),
)
def test_cut_offs_that_cannot_be_used_are_refused(case, refuse):
    refuse(case)


@cases(
    ('one volume for z-scores', short(1), '--standardize zscore needs two volumes or more', '--standardize zscore'),
    ('a volume short of a filter', short(18), 'a lowpass filter needs 19 volumes or more, not 18', LOW),
    ('one volume for what varies', short(1), f'{BOLD}: no voxel varies more', '--high-variance-confounds'),
    ('two volumes for connectivity', short(2), 'connectivity needs 3 volumes', '--connectivity correlation'),
    (
        'fewer volumes than regions',
        both(short(3), ask(confounds=None)),
        'the empirical covariance of 3 regions in 3 volumes has no inverse',
        '--connectivity precision --covariance-estimator empirical',
    ),
)
def test_series_that_are_too_short_are_refused(case, refuse):
    case = Case(case.name, both(case.damage, ask(confounds=None)), case.words, case.options)
    refuse(case)


@pytest.mark.parametrize('axes', [3, 4])
def test_one_volume_has_its_signals(axes, accept, earlier):
    damage = both(
        image(BOLD, lambda data: data[..., 0] if axes == 3 else data[..., :1]),
        ask(confounds=None, sample_mask=None),
    )
    given = accept(Case('one', damage, options='--project labels'))
    _, whole = read_signals(earlier / 'out' / 'atlas' / 'timeseries_raw.tsv')
    _, signals = read_signals(given / 'out' / 'atlas' / 'timeseries.tsv')
    np.testing.assert_array_equal(signals, whole[:1])
