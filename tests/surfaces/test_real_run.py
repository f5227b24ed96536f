# SPDX-License-Identifier: BSD-3-Clause
"""The real run on fsaverage5 that brainspace ships, with its confounds, by both commands and by loops of numpy."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from named_cases import describe
from numpy.testing import assert_allclose
from real_files import need
from surface_cases import desikan, real_pair, save_func_gii

from nipype_labels.files.coverage import read_coverage
from nipype_labels.files.tables import read_signals

pytestmark = pytest.mark.slow

RUN = 'sub-010188_ses-02_task-rest_acq-AP_run-01'


@pytest.fixture(scope='module')
def pair():
    return [need('brainspace', 'datasets', 'preprocessing', f'{RUN}.fsa5.{side}h.mgz') for side in 'lr']


@pytest.fixture(scope='module')
def atlas():
    return desikan()


@pytest.fixture(scope='module')
def confounds():
    return np.loadtxt(need('brainspace', 'datasets', 'preprocessing', f'{RUN}_confounds.txt'))[:, :26]


def read_values(path):
    """Values of a hemisphere, shape (V, T)."""
    return np.asarray(nib.load(path).dataobj)[:, 0, 0].astype(float)


def read_labels(path):
    """Labels of the vertices of a hemisphere, and names by their ids."""
    image = nib.GiftiImage.from_bytes(gzip.decompress(Path(path).read_bytes()))
    return image.agg_data(), image.labeltable.get_labels_as_dict()


@pytest.fixture(scope='module')
def expected(pair, atlas):
    """Names and means of the regions of both hemispheres, of vertices that are not always 0."""
    means = {}
    for side, path, labels in zip('LR', pair, atlas, strict=True):
        values, (of_vertex, names) = read_values(path), read_labels(labels)
        kept = values.any(axis=1)
        for key, name in names.items():
            if key and key in of_vertex:
                means[f'{side}_{name}'] = values[kept & (of_vertex == key)].mean(axis=0)
    return list(means), np.stack(list(means.values()), axis=1)


def test_extract_returns_the_68_means_that_a_loop_returns(atlas, expected, in_process, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, *_ = in_process('extract', str(real_pair(40)[1]), '--atlas', atlas[0], '-o', 'out')
    names, signals = read_signals(tmp_path / 'out' / 'atlas-desikankilliany' / 'timeseries_raw.tsv')
    assert (status, names) == (0, expected[0])
    assert_allclose(signals, expected[1][:40], rtol=1e-13)


def save_annot(folder, atlas):
    """Write the atlas as FreeSurfer does; the path of the left hemisphere."""
    for side, path in zip('lr', atlas, strict=True):
        of_vertex, names = read_labels(path)
        used = [0, *(key for key in names if key in of_vertex and key)]
        colors = np.array([[n, 2 * n, 3 * n, 0] for n in range(len(used))])
        rows = np.searchsorted(used, np.where(np.isin(of_vertex, used), of_vertex, 0))
        words = ['unknown', *(names[key] for key in used[1:])]
        nib.freesurfer.write_annot(folder / f'{side}h.aparc.annot', rows, colors, words, fill_ctab=True)
    return folder / 'lh.aparc.annot'


def save_dataset(root, pair, confounds):
    """Write the run as fMRIPrep names it."""
    func = root / 'sub-010188' / 'ses-02' / 'func'
    func.mkdir(parents=True)
    describe(root)
    for side, path in zip('LR', pair, strict=True):
        stem = func / f'{RUN}_hemi-{side}_space-fsaverage5_bold'
        save_func_gii(f'{stem}.func.gii', np.asarray(nib.load(path).dataobj)[:, 0, 0].T.astype('f4'), side=side)
        Path(f'{stem}.json').write_text('{"RepetitionTime": 1.4}', encoding='utf-8')
    names = '\t'.join(f'confound_{number:02}' for number in range(26))
    np.savetxt(func / f'{RUN}_desc-confounds_timeseries.tsv', confounds, '%.18g', '\t', header=names, comments='')
    return root


def regress(signals, confounds):
    """Time series without confounds, z-scored."""
    design = np.column_stack([np.ones(len(confounds)), confounds])
    residuals = signals - design @ np.linalg.lstsq(design, signals, rcond=None)[0]
    return residuals / residuals.std(axis=0, ddof=1)


def test_derivatives_are_those_of_loops_and_have_a_report_with_views(
    pair, atlas, confounds, expected, in_process, tmp_path
):
    root = save_dataset(tmp_path / 'fmriprep', pair, confounds)
    annot = save_annot(tmp_path, atlas)
    surfaces = []
    for side in ('left', 'right'):
        packed = Path(need('nilearn', 'datasets', 'data', 'fsaverage5', f'infl_{side}.gii.gz')).read_bytes()
        surfaces.append(tmp_path / f'{side[0]}h.surf.gii')
        surfaces[-1].write_bytes(gzip.decompress(packed))
    options = ['--space', 'fsaverage5', '--atlas', f'Desikan={annot}', '--surface', *surfaces]
    options += ['--confounds-columns', 'confound_.*', '--standardize', 'zscore_sample', '--connectivity', 'correlation']
    status, said, told = in_process('derivatives', *map(str, [root, tmp_path / 'out', 'participant', *options]))
    assert status == 0, said + told
    stem = tmp_path / 'out' / 'sub-010188' / 'ses-02' / 'func' / f'{RUN}_space-fsaverage5_atlas-Desikan_stat'
    names, raw = read_signals(f'{stem}-mean_desc-raw_timeseries.tsv')
    assert sorted(names) == sorted(expected[0])
    ours = expected[1][:, [expected[0].index(name) for name in names]]
    assert_allclose(raw, ours, rtol=1e-13)
    assert (read_coverage(f'{stem}-coverage_bold.tsv').status == 'ok').all()
    denoised = regress(ours, confounds)
    assert_allclose(read_signals(f'{stem}-mean_timeseries.tsv')[1], denoised, rtol=0, atol=1e-10)
    matrix = read_signals(f'{stem}-correlation_relmat.tsv')[1]
    assert_allclose(matrix, np.corrcoef(denoised.T), rtol=0, atol=1e-10)
    (figure,) = (tmp_path / 'out').rglob('*_desc-coverage_bold.svg')
    assert figure.read_text(encoding='utf-8').count('class="view"') == 4
    (report,) = (tmp_path / 'out').rglob('*_report.html')
    assert report.read_text(encoding='utf-8').count('class="view"') == 4
