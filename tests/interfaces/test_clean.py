# SPDX-License-Identifier: BSD-3-Clause
"""The node that cleans signals: nilearn's numbers with fMRIPrep's tables, and scrubbing that leaves no trace."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nilearn import signal
from nipype.interfaces.base import isdefined
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.errors import ConfoundsError, LabelsError, SignalError
from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import CleanSignal, HighVarianceConfounds

FMRIPREP = {
    'current': 'interfaces/fmriprep/data/test_desc-confounds_regressors.tsv',
    'steady': 'interfaces/fmriprep/data/no_nonsteady_desc-confounds_regressors.tsv',
    'v21': 'interfaces/fmriprep/data/test-v21_desc-confounds_timeseries.tsv',
}
MOTION = ['trans_x', 'trans_y', 'trans_z', 'rot_x', 'rot_y', 'rot_z']
WITH_DERIVATIVES = [base + end for end in ('', '_derivative1', '_power2', '_derivative1_power2') for base in MOTION]


@pytest.fixture(params=FMRIPREP)
def fmriprep(request, installed):
    """A confounds table of fMRIPrep's, of 30 volumes."""
    return installed('nilearn', FMRIPREP[request.param])


@pytest.fixture
def steady(installed):
    """The table whose first volumes are in steady state."""
    return installed('nilearn', FMRIPREP['steady'])


def series(n_volumes=30, n_regions=4):
    """Signals that drift and have a mean."""
    rng = np.random.default_rng(10)
    time = np.arange(n_volumes)[:, None]
    return (
        500
        + 40 * rng.normal(size=n_regions)
        + time * rng.normal(size=n_regions)
        + rng.normal(size=(n_volumes, n_regions))
    )


def cleaned(outputs, which=0):
    return read_signals(outputs.out_files[which])[1]


def report(outputs):
    return json.loads(Path(outputs.cleaning_file).read_text(encoding='utf-8'))


def volumes(outputs):
    return pd.read_csv(outputs.kept_volumes_file, sep='\t', na_values=['n/a'], keep_default_na=False)


@pytest.mark.parametrize('standardize', ['none', 'zscore_sample', 'psc'])
@pytest.mark.parametrize('detrend', [False, True])
@pytest.mark.parametrize(
    ('strategy', 'columns'), [('6P', MOTION), ('24P', WITH_DERIVATIVES), ('GSR', ['global_signal'])]
)
def test_strategies_clean_as_nilearn_does_with_their_columns(
    strategy, columns, detrend, standardize, fmriprep, signals, run, quietly
):
    """On real tables, missing first values as 0."""
    table = pd.read_csv(fmriprep, sep='\t')
    node = CleanSignal(
        signals_files=signals(series()),
        confounds_files=fmriprep,
        confounds_strategy=[strategy],
        confounds_na='zero',
        detrend=detrend,
        standardize=standardize,
    )
    outputs = run(node)
    expected = quietly(
        signal.clean,
        series(),
        confounds=table[columns].fillna(0).to_numpy(),
        detrend=detrend,
        standardize=None if standardize == 'none' else standardize,
        standardize_confounds=True,
    )
    assert_allclose(cleaned(outputs), expected, rtol=1e-7, atol=1e-7)
    told = report(outputs)
    assert sorted(told['ConfoundsColumns']) == sorted(columns)
    assert told['NumberOfConfounds'] == len(columns)
    assert told['RankOfConfounds'] == np.linalg.matrix_rank(
        (lambda c: c - c.mean(axis=0))(table[columns].fillna(0).to_numpy())
    )
    assert told['NumberOfVolumes'] == told['NumberOfVolumesKept'] == 30
    assert told['DegreesOfFreedom'] == 30 - told['RankOfConfounds'] - (2 if detrend else 0)


def test_36_parameters_take_the_tissues_and_all_derivatives(fmriprep, signals, run):
    """And 30 volumes have no degree of freedom left, which nilearn does not mind (X14)."""
    node = CleanSignal(
        signals_files=signals(series()), confounds_files=fmriprep, confounds_strategy=['36P'], confounds_na='zero'
    )
    with pytest.raises(SignalError, match=r'36 confounds of rank .* leave no degree of freedom in the 30 volumes'):
        run(node)


@pytest.mark.parametrize('n_compcor', [2, 5])
def test_acompcor_takes_its_first_components_and_the_drifts(n_compcor, steady, signals, run, quietly):
    """As many as asked for, whatever else the table holds."""
    outputs = run(
        CleanSignal(
            signals_files=signals(series()),
            confounds_files=steady,
            confounds_strategy=['aCompCor'],
            n_compcor=n_compcor,
        )
    )
    table = pd.read_csv(steady, sep='\t')
    chosen = report(outputs)['ConfoundsColumns']
    components = [name for name in chosen if name.startswith('a_comp_cor')]
    assert components == [f'a_comp_cor_{i:02d}' for i in range(n_compcor)]
    assert [name for name in chosen if name not in components] == [name for name in table if name.startswith('cosine')]
    expected = quietly(signal.clean, series(), confounds=table[chosen].to_numpy(), detrend=False, standardize=None)
    assert_allclose(cleaned(outputs), expected, rtol=1e-9)


def test_strategies_and_columns_add_up(steady, signals, run):
    """In the order of the table, none twice."""
    node = CleanSignal(
        signals_files=signals(series()),
        confounds_files=steady,
        confounds_strategy=['6P', 'GSR'],
        confounds_columns=['csf', 'rot_.', 'global_signal'],
    )
    chosen = report(run(node))['ConfoundsColumns']
    table = pd.read_csv(steady, sep='\t')
    wanted = {*MOTION, 'global_signal', 'csf'}
    assert chosen == [name for name in table if name in wanted]


def test_a_missing_value_is_refused_by_column_and_row(steady, signals, run):
    """Unless it is said what it becomes."""
    node = CleanSignal(signals_files=signals(series()), confounds_files=steady, confounds_columns=['rot_x_derivative1'])
    with pytest.raises(ConfoundsError, match=r"regressors\.tsv: column 'rot_x_derivative1' is n/a in row 0"):
        run(node)


@pytest.mark.parametrize(('policy', 'first'), [('zero', 0.0), ('mean', None)])
def test_missing_first_values_become_what_is_asked(policy, first, steady, signals, text, run):
    """Zero, or the mean of the column."""
    column = pd.read_csv(steady, sep='\t')['rot_x_derivative1'].to_numpy(copy=True)
    column[0] = column[1:].mean() if first is None else first
    filled = text('filled.tsv', 'rot_x_derivative1\n' + '\n'.join(map(repr, column.tolist())) + '\n')
    inputs = {'signals_files': signals(series()), 'confounds_columns': ['rot_x_derivative1']}
    ours = cleaned(run(CleanSignal(confounds_files=steady, confounds_na=policy, **inputs)))
    assert_allclose(ours, cleaned(run(CleanSignal(confounds_files=filled, **inputs))), rtol=1e-12)


@pytest.mark.parametrize('policy', ['raise', 'zero', 'mean'])
def test_a_missing_value_amid_others_is_always_refused(policy, signals, text, run):
    """It is no derivative's first."""
    rows = ['csf', *map(str, range(30))]
    rows[11] = 'n/a'
    node = CleanSignal(
        signals_files=signals(series()),
        confounds_files=text('confounds.tsv', '\n'.join(rows) + '\n'),
        confounds_na=policy,
    )
    with pytest.raises(ConfoundsError, match="column 'csf' has no finite value in row 10"):
        run(node)


def test_a_column_that_is_not_there_is_refused(steady, signals, run):
    """With the ones that are near."""
    node = CleanSignal(signals_files=signals(series()), confounds_files=steady, confounds_columns=['rotx'])
    with pytest.raises(ConfoundsError, match=r"regressors\.tsv has no column 'rotx'; did you mean .*rot_x"):
        run(node)


def test_a_table_of_another_length_is_refused(steady, signals, run):
    """Both lengths are told."""
    node = CleanSignal(signals_files=signals(series(29)), confounds_files=steady, confounds_strategy=['6P'])
    with pytest.raises(ConfoundsError, match='has 30 rows, the signals have 29 volumes'):
        run(node)


def test_columns_without_a_table_are_refused(signals, run):
    """They would do nothing."""
    for asked in ({'confounds_columns': ['csf']}, {'confounds_strategy': ['6P']}):
        with pytest.raises(ConfoundsError, match='there is no confounds file'):
            run(CleanSignal(signals_files=signals(series()), **asked))


def test_scrubbing_leaves_out_what_moves_too_much(steady, signals, run):
    """By the thresholds, and says why for each volume."""
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
    assert told['kept'].tolist() == kept.tolist()
    reasons = [
        ','.join(n for n, f in (('framewise_displacement', m), ('std_dvars', c)) if f) or None
        for m, c in zip(moves, changes, strict=True)
    ]
    assert [None if pd.isna(r) else r for r in told['reason']] == reasons
    assert len(cleaned(outputs)) == kept.sum() == report(outputs)['NumberOfVolumesKept']
    left_out = report(outputs)['VolumesLeftOut']
    assert left_out == {
        'sample_mask': 0,
        'framewise_displacement': moves.sum(),
        'std_dvars': changes.sum(),
        'non_steady_state': 0,
    }


def test_scrubbing_leaves_out_volumes_before_the_steady_state(installed, signals, run):
    """fMRIPrep marks them by columns of their own."""
    table = installed('nilearn', FMRIPREP['v21'])
    outputs = run(
        CleanSignal(
            signals_files=signals(series()),
            confounds_files=table,
            confounds_strategy=['scrubbing'],
            fd_threshold=100.0,
            dvars_threshold=100.0,
        )
    )
    assert volumes(outputs)['kept'].tolist() == [False] * 3 + [True] * 27
    assert report(outputs)['NumberOfConfounds'] == 0


FILTERS = {
    'none': {},
    'detrend': {'detrend': True},
    'butterworth': {'high_pass': 0.01, 'low_pass': 0.1, 't_r': 2.0},
    'cosine': {'filter': 'cosine', 'high_pass': 0.02, 't_r': 2.0},
}


@pytest.mark.parametrize('censored', ['drop', 'nan'])
@pytest.mark.parametrize('standardize', ['none', 'zscore', 'zscore_sample', 'psc'])
@pytest.mark.parametrize('steps', FILTERS)
def test_a_volume_left_out_has_no_influence(steps, standardize, censored, signals, text, run):
    """At the ends, amid others, and mirrored, where nilearn lets outliers into its filter (X1)."""
    rng = np.random.default_rng(11)
    values, motion = series(80), rng.normal(size=(80, 3))
    left_out = [0, 1, 30, 31, 49, 60, 79]
    mask = [volume not in left_out for volume in range(80)]

    def clean(values, motion):
        table = '\n'.join(['a\tb\tc', *('\t'.join(map(repr, row)) for row in motion.tolist())]) + '\n'
        return run(
            CleanSignal(
                signals_files=signals(values),
                confounds_files=text('confounds.tsv', table),
                sample_mask=mask,
                standardize=standardize,
                censored_output=censored,
                **FILTERS[steps],
            )
        )

    before = clean(values, motion)
    values[left_out] = 1e6 * rng.normal(size=(7, 4))
    motion[left_out] = 1e4 * rng.normal(size=(7, 3))
    after = clean(values, motion)
    assert len(cleaned(before)) == (73 if censored == 'drop' else 80)
    assert Path(before.out_files[0]).read_bytes() == Path(after.out_files[0]).read_bytes()


def test_an_outlier_that_scrubbing_finds_has_no_influence(steady, signals, text, run):
    """Found by the table, gone without a trace."""
    table = pd.read_csv(steady, sep='\t', dtype=str, keep_default_na=False)
    table.loc[[7, 8], 'framewise_displacement'] = '3.5'
    confounds = text('confounds.tsv', table.to_csv(sep='\t', index=False))
    values = series()

    def clean(values):
        return run(
            CleanSignal(
                signals_files=signals(values),
                confounds_files=confounds,
                confounds_strategy=['6P', 'scrubbing'],
                detrend=True,
                standardize='zscore',
            )
        )

    before = clean(values)
    values[[7, 8]] += 1e7
    after = clean(values)
    assert volumes(before)['volume'][~volumes(before)['kept']].tolist() == [7, 8]
    assert Path(before.out_files[0]).read_bytes() == Path(after.out_files[0]).read_bytes()


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
        'table of flags': lambda: text('mask.tsv', '\n'.join(['volume\tkept\treason', *rows]) + '\n'),
        'table of indices': lambda: text('mask.tsv', '\n'.join(['volume', *map(str, KEPT)]) + '\n'),
        'array of flags': lambda: saved(np.array(flags)),
        'array of indices': lambda: saved(np.array(KEPT)),
    }
    return lambda form: forms[form]()


FORMS = ['flags', 'indices', 'file of flags', 'file of indices', 'table of flags', 'table of indices']


@pytest.mark.parametrize('form', [*FORMS, 'array of flags', 'array of indices'])
def test_sample_masks_of_all_forms_keep_the_same_volumes(form, sample_mask, signals, run):
    """And say so in a table that is itself such a mask."""
    path = signals(series(12))
    outputs = run(CleanSignal(signals_files=path, sample_mask=sample_mask(form), detrend=True))
    assert np.flatnonzero(volumes(outputs)['kept']).tolist() == KEPT
    assert volumes(outputs)['reason'].dropna().unique().tolist() == ['sample_mask']
    assert len(cleaned(outputs)) == len(KEPT)
    again = run(CleanSignal(signals_files=path, sample_mask=outputs.kept_volumes_file, detrend=True))
    assert Path(outputs.out_files[0]).read_bytes() == Path(again.out_files[0]).read_bytes()


def test_volumes_left_out_may_stay_as_rows_without_values(sample_mask, signals, run):
    """So that rows are volumes; the others are what they are without."""
    inputs = {'signals_files': signals(series(12)), 'sample_mask': sample_mask('flags'), 'standardize': 'zscore'}
    short, full = (run(CleanSignal(censored_output=form, **inputs)) for form in ('drop', 'nan'))
    rows = cleaned(full)
    assert rows.shape == (12, 4)
    assert_array_equal(rows[KEPT], cleaned(short))
    assert np.isnan(np.delete(rows, KEPT, axis=0)).all()
    lines = Path(full.out_files[0]).read_text().splitlines()
    assert lines[3] == '\t'.join(['n/a'] * 4)


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        ([0, 1, 12], 'indices from 0 to 12; the volumes are 0 to 11'),
        ([1, 1, 3], 'must rise'),
        ([True] * 11, '11 flags for 12 volumes'),
        ([False] * 12, 'keeps no volume'),
        ([-1, 4], 'indices from -1 to 4'),
    ],
)
def test_a_wrong_sample_mask_is_refused(mask, message, signals, run):
    """nilearn takes some of these silently (X3)."""
    with pytest.raises(SignalError, match=message):
        run(CleanSignal(signals_files=signals(series(12)), sample_mask=mask))


def test_high_variance_confounds_join_the_others(steady, installed, signals, run, quietly):
    """All of their columns, whatever is chosen of the table."""
    real = installed('nipype', 'testing/data/ds003_sub-01_mc.nii.gz')
    found = run(HighVarianceConfounds(in_file=real)).out_file
    table = pd.read_csv(steady, sep='\t').iloc[:20]
    short = signals(table[MOTION].to_numpy(), 'motion.tsv', MOTION)
    outputs = run(
        CleanSignal(
            signals_files=signals(series(20)),
            confounds_files=short,
            confounds_columns=['trans_.'],
            high_variance_file=found,
            detrend=True,
        )
    )
    both = np.column_stack([table[MOTION[:3]].to_numpy(), read_signals(found)[1]])
    expected = quietly(signal.clean, series(20), confounds=both, detrend=True, standardize=None)
    assert_allclose(cleaned(outputs), expected, rtol=1e-8, atol=1e-8)
    assert report(outputs)['ConfoundsColumns'] == [*MOTION[:3], *(f'high_variance_{i:02d}' for i in range(5))]


def test_tables_stand_side_by_side(signals, run, quietly):
    """As one."""
    motion = np.random.default_rng(12).normal(size=(30, 4))
    files = [signals(motion[:, :2], 'one.tsv', ['a', 'b']), signals(motion[:, 2:], 'two.tsv', ['c', 'd'])]
    ours = cleaned(run(CleanSignal(signals_files=signals(series()), confounds_files=files)))
    expected = quietly(signal.clean, series(), confounds=motion, detrend=False, standardize=None)
    assert_allclose(ours, expected, rtol=1e-10)


@pytest.mark.parametrize('standardize_confounds', [True, False])
@pytest.mark.parametrize(
    'band',
    [
        {'high_pass': 0.01, 'low_pass': 0.1},
        {'high_pass': 0.02},
        {'low_pass': 0.1},
        {'high_pass': 0.02, 'filter': 'cosine'},
    ],
)
def test_bands_are_kept_as_by_nilearn(band, standardize_confounds, signals, run, quietly):
    """Of signals and confounds alike."""
    values, motion = series(100), np.random.default_rng(12).normal(size=(100, 3))
    outputs = run(
        CleanSignal(
            signals_files=signals(values),
            confounds_files=signals(motion, 'motion.tsv'),
            standardize_confounds=standardize_confounds,
            detrend=True,
            header_t_r=2.0,
            standardize='zscore_sample',
            **band,
        )
    )
    expected = quietly(
        signal.clean,
        values,
        confounds=motion,
        standardize_confounds=standardize_confounds,
        detrend=True,
        t_r=2.0,
        standardize='zscore_sample',
        **band,
    )
    assert_allclose(cleaned(outputs), expected, rtol=1e-6, atol=1e-6)


def test_z_scores_are_of_the_population_unless_of_the_sample(signals, run):
    """ddof 0 and 1."""
    values = series()
    for name, ddof in (('zscore', 0), ('zscore_sample', 1)):
        ours = cleaned(run(CleanSignal(signals_files=signals(values), standardize=name)))
        assert_allclose(ours, (values - values.mean(axis=0)) / values.std(axis=0, ddof=ddof), rtol=1e-8, atol=1e-10)


def test_without_a_task_signals_stay_as_they_are(signals, run):
    """To the last bit."""
    assert_array_equal(cleaned(run(CleanSignal(signals_files=signals(series())))), series())


@pytest.mark.parametrize('standardize', ['zscore', 'psc', 'none'])
def test_regions_without_values_stay_without_and_do_not_touch_others(standardize, signals, run):
    """Missing ones, constant ones and ones that lack a value."""
    values = series(n_regions=5)
    alone = cleaned(run(CleanSignal(signals_files=signals(values[:, :2]), standardize=standardize, detrend=True)))
    values[:, 2], values[:, 3], values[5, 4] = np.nan, 7, np.nan
    outputs = run(CleanSignal(signals_files=signals(values), standardize=standardize, detrend=True))
    ours = cleaned(outputs)
    assert_allclose(ours[:, :2], alone, rtol=1e-12)
    assert np.isnan(ours[:, [2, 4]]).all()
    assert np.isnan(ours[:, 3]).all() == (standardize != 'none')
    expected = {'not_finite': ['R5']} | ({'constant': ['R4']} if standardize != 'none' else {})
    assert report(outputs)['UnavailableRegions'] == [expected]


def test_several_tables_are_cleaned_each_as_if_alone(signals, text, run):
    """With the same confounds and volumes."""
    paths = [signals(series(n_regions=2), 'one.tsv'), signals(series(n_regions=6), 'two.tsv')]
    settings = {
        'confounds_files': text('confounds.tsv', 'a\n' + '\n'.join(str(i * i % 7) for i in range(30)) + '\n'),
        'sample_mask': [i not in (3, 4) for i in range(30)],
        'standardize': 'zscore',
    }
    both = run(CleanSignal(signals_files=paths, **settings))
    for i, path in enumerate(paths):
        alone = run(CleanSignal(signals_files=path, **settings))
        assert Path(both.out_files[i]).read_bytes() == Path(alone.out_files[0]).read_bytes()


def test_tables_of_several_lengths_are_refused(signals, run):
    """They are of one series."""
    paths = [signals(series(30), 'one.tsv'), signals(series(29), 'two.tsv')]
    with pytest.raises(SignalError, match=r'must have as many rows: .*one\.tsv, .*two\.tsv'):
        run(CleanSignal(signals_files=paths))


@pytest.mark.parametrize('as_file', [True, False])
def test_runs_are_cleaned_each_for_itself(as_file, signals, text, run):
    """As if they were series of their own."""
    values = series(40)
    settings = {'detrend': True, 'standardize': 'zscore'}
    runs = [1] * 15 + [2] * 25
    runs = text('runs.txt', '\n'.join(map(str, runs))) if as_file else runs
    together = cleaned(run(CleanSignal(signals_files=signals(values), runs=runs, **settings)))
    parts = [cleaned(run(CleanSignal(signals_files=signals(part), **settings))) for part in (values[:15], values[15:])]
    assert_allclose(together, np.concatenate(parts), rtol=1e-12)


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ({'t_r': 0.8, 'sidecar': 0.801, 'header_t_r': 0.799}, 0.8),
        ({'sidecar': 0.801, 'header_t_r': 0.799}, 0.801),
        ({'header_t_r': 0.799}, 0.799),
        ({'sidecar': None, 'header_t_r': 0.799}, 0.799),
        ({}, None),
    ],
)
def test_the_repetition_time_is_the_parameters_else_the_sidecars_else_the_headers(given, expected, signals, text, run):
    """And is handed on."""
    inputs = dict(given)
    if 'sidecar' in inputs:
        value = inputs.pop('sidecar')
        fields = {'TaskName': 'rest'} if value is None else {'RepetitionTime': value}
        inputs['sidecar_file'] = text('bold.json', json.dumps(fields))
    outputs = run(CleanSignal(signals_files=signals(series()), **inputs))
    assert outputs.t_r == expected if expected else not isdefined(outputs.t_r)
    assert report(outputs)['Parameters']['t_r'] == expected


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'t_r': 2.0, 'header_t_r': 0.8}, 't_r says 2 s, the header says 0.8 s'),
        ({'sidecar': 2.0, 'header_t_r': 0.8}, 'the sidecar says 2 s, the header says 0.8 s'),
        ({'t_r': 2.0, 'sidecar': 2.1, 'header_t_r': 2.0}, 't_r says 2 s, the sidecar says 2.1 s'),
    ],
)
def test_repetition_times_that_contradict_are_refused(given, message, signals, text, run):
    """Above 1 %; both are shown."""
    inputs = dict(given)
    if 'sidecar' in inputs:
        inputs['sidecar_file'] = text('bold.json', json.dumps({'RepetitionTime': inputs.pop('sidecar')}))
    with pytest.raises(SignalError, match=message):
        run(CleanSignal(signals_files=signals(series()), **inputs))


def test_a_filter_without_a_repetition_time_is_refused(signals, run):
    """Hertz need seconds."""
    with pytest.raises(SignalError, match='set t_r'):
        run(CleanSignal(signals_files=signals(series()), high_pass=0.01))


@pytest.mark.parametrize(
    ('band', 'message'), [({'low_pass': 0.3}, 'Nyquist'), ({'high_pass': 0.2, 'low_pass': 0.1}, 'no band')]
)
def test_bands_that_can_not_be_are_refused(band, message, signals, run):
    """nilearn lowers the one (with a warning) and refuses the other."""
    with pytest.raises(SignalError, match=message):
        run(CleanSignal(signals_files=signals(series(60)), t_r=2.0, **band))


def test_too_few_volumes_for_the_filter_are_refused(signals, run):
    """With the number it takes."""
    with pytest.raises(SignalError, match='30 volumes are too few for a bandpass filter, it needs 34 or more'):
        run(CleanSignal(signals_files=signals(series()), t_r=2.0, high_pass=0.01, low_pass=0.1))


def test_the_report_holds_every_parameter(signals, run):
    """As it acted."""
    settings = {'detrend': True, 'filter': 'cosine', 'high_pass': 0.02, 'standardize': 'psc', 't_r': 2.0}
    told = report(run(CleanSignal(signals_files=signals(series(60)), **settings)))
    for name, value in {**settings, 'standardize_confounds': True}.items():
        assert told['Parameters'][name] == value
    # Two minutes hold four drifts below 0.02 Hz.
    assert told['RankOfConfounds'] == 4
    assert told['DegreesOfFreedom'] == 60 - 4 - 2


def test_names_go_with_their_columns(signals, run):
    """In any script, and with spaces."""
    names = ['Gyrus frontalis', 'Füße', '前頭葉', '4']
    path = signals(series(), columns=names)
    ours, values = read_signals(run(CleanSignal(signals_files=path)).out_files[0])
    assert ours == names
    assert_array_equal(values, series())


def test_what_is_no_table_is_named(text, run):
    """Rather than cleaned."""
    with pytest.raises(LabelsError, match=r'signals\.tsv is no table of signals'):
        run(CleanSignal(signals_files=text('signals.tsv', 'A\tB\n1\tx\n')))


def test_two_runs_give_the_same_bytes(steady, signals, run, contents):
    """Of all files."""
    inputs = {'signals_files': signals(series()), 'confounds_files': steady, 'confounds_strategy': ['6P', 'aCompCor']}
    assert contents(run(CleanSignal(**inputs))) == contents(run(CleanSignal(**inputs)))
