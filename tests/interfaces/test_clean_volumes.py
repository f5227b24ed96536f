# SPDX-License-Identifier: BSD-3-Clause
"""The node that cleans signals leaves volumes out, by scrubbing or by a mask, without a trace."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clean_node_cases import cleaned, report, series, volumes
from numpy.testing import assert_array_equal

from nipype_labels.interfaces import CleanSignal


def test_scrubbing_leaves_out_what_moves_too_much(steady, signals, run):
    table = pd.read_csv(steady, sep='\t')
    fd, dvars = 0.15, 1.1
    outputs = run(
        CleanSignal(
            signals_files=signals(series()),
            confounds_files=steady,
            confounds_strategy=['6P', 'scrubbing'],
            fd_threshold=fd,
            dvars_threshold=dvars,
        )
    )
    moves, changes = table['framewise_displacement'] > fd, table['std_dvars'] > dvars
    kept = ~(moves | changes)
    assert moves.any()
    assert changes.any()
    assert 5 < kept.sum() < 30
    told = volumes(outputs)
    assert told['volume'].tolist() == list(range(30))
    assert told['retained'].tolist() == kept.tolist()
    reasons = [
        ','.join(n for n, f in (('framewise_displacement', m), ('std_dvars', c)) if f) or None
        for m, c in zip(moves, changes, strict=True)
    ]
    assert [None if pd.isna(r) else r for r in told['reason']] == reasons
    assert len(cleaned(outputs)) == kept.sum() == report(outputs)['NumberOfVolumesRetained']
    left_out = report(outputs)['VolumesCensored']
    assert left_out == {
        'sample_mask': 0,
        'framewise_displacement': moves.sum(),
        'std_dvars': changes.sum(),
    }


KEPT = [0, 1, 3, 4, 5, 6, 9, 11]


@pytest.fixture
def sample_mask(text, tmp_path):
    """One mask of 12 volumes in the form asked for."""
    flags = [volume in KEPT for volume in range(12)]
    rows = [f'{volume}\t{str(flag).lower()}\tn/a' for volume, flag in enumerate(flags)]

    def saved(values):
        np.save(tmp_path / 'mask.npy', values)
        return str(tmp_path / 'mask.npy')

    forms = {
        'flags': lambda: flags,
        'indices': lambda: KEPT,
        'file of flags': lambda: text('mask.txt', '\n'.join(str(flag) for flag in flags)),
        'file of indices': lambda: text('mask.txt', '\n'.join(map(str, KEPT))),
        'table of flags': lambda: text('mask.tsv', '\n'.join(['volume\tretained\treason', *rows]) + '\n'),
        'table of indices': lambda: text('mask.tsv', '\n'.join(['volume', *map(str, KEPT)]) + '\n'),
        'array of flags': lambda: saved(np.array(flags)),
        'array of indices': lambda: saved(np.array(KEPT)),
    }
    return lambda form: forms[form]()


FORMS = ['flags', 'indices', 'file of flags', 'file of indices', 'table of flags', 'table of indices']


@pytest.mark.parametrize('form', [*FORMS, 'array of flags', 'array of indices'])
def test_sample_masks_of_all_forms_keep_the_same_volumes(form, sample_mask, signals, run):
    path = signals(series(12))
    outputs = run(CleanSignal(signals_files=path, sample_mask=sample_mask(form), detrend=True))
    assert np.flatnonzero(volumes(outputs)['retained']).tolist() == KEPT
    assert volumes(outputs)['reason'].dropna().unique().tolist() == ['sample_mask']
    assert len(cleaned(outputs)) == len(KEPT)
    again = run(CleanSignal(signals_files=path, sample_mask=outputs.censoring_file, detrend=True))
    assert Path(outputs.out_files[0]).read_bytes() == Path(again.out_files[0]).read_bytes()


def test_volumes_left_out_may_stay_as_rows_without_values(sample_mask, signals, run):
    inputs = {'signals_files': signals(series(12)), 'sample_mask': sample_mask('flags'), 'standardize': 'zscore'}
    short, full = (run(CleanSignal(censored_output=form, **inputs)) for form in ('drop', 'nan'))
    rows = cleaned(full)
    assert rows.shape == (12, 4)
    assert_array_equal(rows[KEPT], cleaned(short))
    assert np.isnan(np.delete(rows, KEPT, axis=0)).all()
    lines = Path(full.out_files[0]).read_text().splitlines()
    assert lines[3] == '\t'.join(['n/a'] * 4)
