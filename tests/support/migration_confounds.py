# SPDX-License-Identifier: BSD-3-Clause
"""Check each line of the migration page about nilearn's ``load_confounds``, line by line."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from migration_data import assert_same, atlas, both, refused, series
from nilearn.interfaces.fmriprep import load_confounds, load_confounds_strategy
from nilearn.signal import clean

from nipype_labels import NiftiLabelsMasker
from nipype_labels.core.validation import expand_preset
from nipype_labels.files.tables import read_signals, write_signals
from nipype_labels.interfaces import CleanSignal

N_VOLUMES, N_STEADY = 60, 3
NAMES = ['a', 'b', 'c']


def fmriprep(folder, n_volumes=N_VOLUMES):
    """Write a table with the columns of fMRIPrep; return the path of its series."""
    rng = np.random.default_rng(70)
    source = files('nilearn.interfaces.fmriprep') / 'data' / 'test-v21_desc-confounds_timeseries.tsv'
    known = pd.read_csv(str(source), sep='\t')
    columns = [name for name in known if not name.startswith(('motion_outlier', 'non_steady'))]
    columns += [f'aroma_motion_0{i}' for i in range(3)] + [f'a_comp_cor_0{i}' for i in range(5, 8)]
    table = pd.DataFrame(rng.normal(size=(n_volumes, len(columns))), columns=columns)
    table['framewise_displacement'] = rng.uniform(0, 0.55, n_volumes)
    table['std_dvars'] = rng.uniform(0.5, 1.6, n_volumes)
    for i in range(N_STEADY):
        table[f'non_steady_state_outlier0{i}'] = np.eye(n_volumes)[i]
    late = [name for name in table if name.endswith(('derivative1', 'derivative1_power2'))]
    table.loc[0, [*late, 'framewise_displacement', 'std_dvars']] = np.nan
    stem = folder / 'sub-01_task-rest'
    table.to_csv(f'{stem}_desc-confounds_timeseries.tsv', sep='\t', index=False, na_rep='n/a')
    masks = {name: {'Mask': 'combined'} for name in columns if name.startswith('a_comp_cor')}
    masks |= {
        name: {'Mask': {'c': 'CSF', 'w': 'WM'}[name[0]]}
        for name in columns
        if name[1:].startswith('_comp_cor') and name[0] in 'cw'
    }
    masks |= {name: {} for name in columns if name.startswith('t_comp_cor')}
    folder.joinpath(f'{stem.name}_desc-confounds_timeseries.json').write_text(json.dumps(masks))
    return f'{stem}_desc-preproc_bold.nii.gz'


def raw(n_volumes=N_VOLUMES):
    return np.random.default_rng(71).normal(500, 10, size=(n_volumes, len(NAMES)))


def cleaned(bench, table, **parameters):
    """Time series denoised by our node, with a row of n/a for each censored volume."""
    write_signals(bench.folder / 'raw.tsv', NAMES, raw())
    node = CleanSignal(signals_files=[str(bench.folder / 'raw.tsv')], confounds_files=[str(table)], **parameters)
    done = node.run(cwd=str(bench.folder))
    return read_signals(done.outputs.out_files[0])[1]


def table_of(image):
    return image.replace('preproc_bold.nii.gz', 'confounds_timeseries.tsv')


def regressed(image, kept, **theirs):
    """Time series of these volumes, denoised by nilearn."""
    confounds, _ = load_confounds(image, demean=False, **theirs)
    if confounds is None or not confounds.size:
        return raw()[kept]
    return clean(raw(), confounds=confounds, sample_mask=kept, detrend=False, standardize=None)


def chosen(theirs, **ours):
    """Check that both select the same columns, by denoised time series without the first row, which may be n/a."""

    def check(bench):
        image, kept = fmriprep(bench.folder), np.arange(N_STEADY, N_VOLUMES)
        signals = cleaned(bench, table_of(image), sample_mask=kept.tolist(), **ours)
        expected = bench.quietly(regressed, image, kept, **theirs)
        assert_same(signals, expected)
        assert not np.allclose(signals, raw()[kept])

    return check


def as_it_is(bench):
    image = fmriprep(bench.folder, 20)
    confounds, kept = bench.quietly(load_confounds, image, strategy=['high_pass', 'scrub'], scrub=0)
    ours = bench.quietly(NiftiLabelsMasker(atlas()).fit_transform, series(), confounds=confounds, sample_mask=kept)
    expected = bench.theirs(atlas(), series(), given={'confounds': confounds, 'sample_mask': kept})
    assert 5 < len(kept) < 20
    assert_same(ours, expected)


def scrubbed(bench, more=None, **theirs):
    """Volumes that nilearn retains, and those that we retain."""
    image = fmriprep(bench.folder)
    _, kept = bench.quietly(load_confounds, image, strategy=['high_pass', 'scrub'], **theirs)
    parameters = {'confounds_strategy': ['scrubbing'], 'censored_output': 'nan'}
    found = cleaned(bench, table_of(image), fd_threshold=0.5, dvars_threshold=1.5, **parameters, **(more or {}))
    return kept.tolist(), np.flatnonzero(np.isfinite(found).all(axis=1)).tolist()


def scrubbing(bench):
    theirs, ours = scrubbed(bench, scrub=0, fd_threshold=0.5, std_dvars_threshold=1.5)
    assert theirs == ours
    assert N_VOLUMES // 2 < len(ours) < N_VOLUMES - N_STEADY


def short_segments(bench):
    theirs, ours = scrubbed(bench, {'min_segment': 5})
    assert theirs == ours
    assert set(theirs) < set(scrubbed(bench)[1])


def steady_state(bench):
    _, ours = scrubbed(bench)
    assert not set(range(N_STEADY)) & set(ours)
    image = fmriprep(bench.folder)
    _, kept = bench.quietly(load_confounds, image, strategy=['high_pass'])
    assert kept.tolist() == list(range(N_STEADY, N_VOLUMES))
    for choice, retained in (('censor', kept), ('keep', np.arange(N_VOLUMES))):
        found = cleaned(
            bench, table_of(image), confounds_columns=['csf'], censored_output='nan', non_steady_state=choice
        )
        assert np.flatnonzero(np.isfinite(found).all(axis=1)).tolist() == retained.tolist()


def presets(bench):
    image = fmriprep(bench.folder)
    for preset in ('simple', 'scrubbing', 'compcor', 'ica_aroma'):
        series_of = image.replace('preproc', 'smoothAROMAnonaggr') if preset == 'ica_aroma' else image
        Path(series_of).touch()
        confounds, kept = bench.quietly(load_confounds_strategy, series_of, denoise_strategy=preset, demean=False)
        found = cleaned(bench, table_of(image), **expand_preset(preset), bold_file=series_of)
        # Of the first row's missing values nothing is left, since these volumes are censored.
        expected = bench.quietly(clean, raw(), confounds=confounds, sample_mask=kept, detrend=False, standardize=None)
        assert_same(found, expected)


def aroma_full(bench):
    folder = bench.folder
    fmriprep(folder)
    image = str(folder / 'sub-01_task-rest_desc-smoothAROMAnonaggr_bold.nii.gz')
    Path(image).touch()
    confounds, _ = bench.quietly(load_confounds, image, strategy=['ica_aroma'], ica_aroma='full')
    assert not confounds.size
    found = cleaned(
        bench,
        table_of(image.replace('smoothAROMAnonaggr', 'preproc')),
        confounds_strategy=['ICA-AROMA'],
        confounds_columns=['csf'],
        bold_file=image,
    )
    assert len(found) == N_VOLUMES - N_STEADY


def tedana(bench):
    data = files('nilearn.interfaces.fmriprep') / 'data'
    for end in ('ICA_mixing', 'tedana_metrics'):
        (bench.folder / f'sub-01_desc-{end}.tsv').write_bytes((data / f'test_desc-{end}.tsv').read_bytes())
    image = str(bench.folder / 'sub-01_desc-optcom_bold.nii.gz')
    confounds, _ = bench.quietly(load_confounds, image, strategy=['tedana'], demean=False)
    rejected = [name.removeprefix('rejected_') for name in confounds][:20]
    n_volumes = len(confounds)
    write_signals(bench.folder / 'raw.tsv', NAMES, raw(n_volumes))
    mixing = str(bench.folder / 'sub-01_desc-ICA_mixing.tsv')
    node = CleanSignal(signals_files=[str(bench.folder / 'raw.tsv')], confounds_files=[mixing])
    done = node.run(cwd=str(bench.folder), confounds_columns=rejected)
    values = confounds.iloc[:, : len(rejected)].to_numpy()
    expected = bench.quietly(clean, raw(n_volumes), confounds=values, detrend=False, standardize=None)
    assert_same(read_signals(done.outputs.out_files[0])[1], expected)


def demean(bench):
    image, kept = fmriprep(bench.folder), np.arange(N_STEADY, N_VOLUMES)
    ours = cleaned(bench, table_of(image), sample_mask=kept.tolist(), confounds_columns=['csf', 'white_matter'])
    for value in (True, False):
        confounds, _ = load_confounds(image, strategy=['wm_csf'], demean=value)
        expected = clean(raw(), confounds=confounds, sample_mask=kept, detrend=False, standardize=None)
        assert_same(ours, expected)


def missing(bench):
    image = fmriprep(bench.folder)
    columns = {'confounds_columns': ['csf', 'csf_derivative1'], 'non_steady_state': 'keep'}
    with refused("'csf_derivative1' is n/a in row 0"):
        cleaned(bench, table_of(image), **columns)
    table = pd.read_csv(table_of(image), sep='\t')[columns['confounds_columns']]
    later = table['csf_derivative1'][1:]
    for policy, value in (('zero', 0.0), ('mean', later.mean()), ('backfill', later[1])):
        filled = table.fillna(value).to_numpy()
        expected = bench.quietly(clean, raw(), confounds=filled, detrend=False, standardize=None)
        assert_same(cleaned(bench, table_of(image), confounds_na=policy, **columns), expected)
    theirs, _ = load_confounds(image, strategy=['wm_csf'], wm_csf='full', demean=False)
    assert theirs['csf_derivative1'][0] == later[1]


def full(*names):
    return {'strategy': list(names), 'motion': 'full', 'wm_csf': 'full', 'global_signal': 'full'}


COMPCOR = {'strategy': ['high_pass', 'compcor'], 'compcor': 'anat_combined'}

CONFOUNDS = {
    '`confounds, sample_mask = load_confounds(file)`': as_it_is,
    "`strategy=['motion'], motion='basic'`": chosen(
        {'strategy': ['motion'], 'motion': 'basic'}, confounds_strategy=['6P']
    ),
    "`strategy=['motion'], motion='full'`": chosen(full('motion'), confounds_strategy=['24P']),
    "`strategy=['motion'], motion='derivatives'`": chosen(
        {'strategy': ['motion'], 'motion': 'derivatives'},
        confounds_columns=['trans_.(_derivative1)?', 'rot_.(_derivative1)?'],
    ),
    "`strategy=['motion'], motion='power2'`": chosen(
        {'strategy': ['motion'], 'motion': 'power2'}, confounds_columns=['trans_.(_power2)?', 'rot_.(_power2)?']
    ),
    "`strategy=['wm_csf'], wm_csf='basic'`": chosen({'strategy': ['wm_csf']}, confounds_strategy=['2Phys']),
    "`strategy=['global_signal'], global_signal='basic'`": chosen(
        {'strategy': ['global_signal']}, confounds_strategy=['GSR']
    ),
    "`strategy=['motion', 'wm_csf', 'global_signal']`, all `'full'`": chosen(
        full('motion', 'wm_csf', 'global_signal'), confounds_strategy=['36P']
    ),
    "`strategy=['high_pass']`": chosen({'strategy': ['high_pass']}, confounds_strategy=['cosines']),
    "`strategy=['high_pass', 'compcor'], compcor='anat_combined', n_compcor=5`": both(
        chosen(COMPCOR | {'n_compcor': 5}, confounds_strategy=['aCompCor'], n_compcor=5),
        chosen(COMPCOR | {'n_compcor': 5}, confounds_strategy=['aCompCor']),
        chosen(COMPCOR | {'n_compcor': 'all'}, confounds_strategy=['aCompCor'], n_compcor='all'),
    ),
    "`strategy=['high_pass', 'compcor'], compcor='anat_separated'`": chosen(
        COMPCOR | {'compcor': 'anat_separated'},
        confounds_strategy=['aCompCor'],
        acompcor='separated',
        n_compcor='all',
    ),
    "`strategy=['high_pass', 'compcor'], compcor='temporal'`": chosen(
        COMPCOR | {'compcor': 'temporal'}, confounds_columns=['cosine[0-9]+', 't_comp_cor_[0-9]+']
    ),
    "`strategy=['scrub'], scrub=0, fd_threshold=0.5, std_dvars_threshold=1.5`": scrubbing,
    "`strategy=['scrub'], scrub=5`, the default": short_segments,
    'volumes before the steady state': steady_state,
    "`load_confounds_strategy(file, denoise_strategy='simple')`; `'scrubbing'`, `'compcor'`, `'ica_aroma'`": presets,
    "`strategy=['ica_aroma'], ica_aroma='full'`": aroma_full,
    "`strategy=['ica_aroma'], ica_aroma='basic'`": chosen(
        {'strategy': ['ica_aroma'], 'ica_aroma': 'basic'}, confounds_columns=['aroma_motion_[0-9]+']
    ),
    "`strategy=['tedana']`": tedana,
    '`demean=True`': demean,
    'n/a in the first row': missing,
}
