# SPDX-License-Identifier: BSD-3-Clause
"""The masker of surfaces and CIFTI: files as the command reads them, and the numbers of loops and of nilearn."""

import gzip
import pickle
import re
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn import maskers
from nilearn.surface import InMemoryMesh, SurfaceImage
from numpy.testing import assert_allclose, assert_array_equal
from surface_cases import (
    DLABEL,
    TSERIES,
    desikan,
    elements,
    noise,
    real_pair,
    save_dlabel,
    save_dscalar,
    save_func_gii,
    save_label_gii,
    save_tseries,
)

from nipype_labels import SurfaceLabelsMasker
from nipype_labels.cli.main import main
from nipype_labels.files.tables import read_signals
from nipype_labels.model.errors import ImageError, LabelsError

#: Three regions of the 15 elements of the small files.
LABELS = np.arange(15) % 4


@pytest.fixture
def bold(tmp_path):
    values = noise(40)
    values[:, 5] = 0
    return save_tseries(tmp_path / TSERIES, values)


@pytest.fixture
def atlas(tmp_path):
    return save_dlabel(tmp_path / DLABEL, {'m': (LABELS, {0: '???', 1: 'a', 2: 'b', 3: 'c'})})


@pytest.fixture
def pair(tmp_path):
    """Series and labels of both hemispheres, which have an id in common."""
    files = {'bold': [], 'labels': []}
    for number, side in enumerate('LR'):
        values = noise(40, 12, number)
        files['bold'].append(save_func_gii(tmp_path / f's_hemi-{side}_bold.func.gii', values, side=side))
        table = {0: '???', 1: 'x', 2 + number: 'y'}
        labels = np.array([0, 1, 2 + number] * 4)
        files['labels'].append(save_label_gii(tmp_path / f'a.{side}.label.gii', labels, table, side=side))
    return files


def test_time_series_of_cifti_are_those_of_a_loop_over_regions(bold, atlas):
    masker = SurfaceLabelsMasker(atlas)
    signals = masker.fit_transform(bold)
    data = noise(40).astype(float)
    used = np.arange(15) != 5
    assert_allclose(signals, [[row[used & (i == LABELS)].mean() for i in (1, 2, 3)] for row in data], rtol=1e-13)
    assert masker.get_feature_names_out().tolist() == ['a', 'b', 'c']
    assert masker.regions_['n_zero'].tolist() == [1, 0, 0]
    assert masker.regions_['index_file'].tolist() == [1, 2, 3]
    assert_array_equal(masker.transform(nib.load(bold)), signals)
    assert_array_equal(SurfaceLabelsMasker(nib.load(atlas)).fit(bold).transform(bold), signals)
    assert_array_equal(pickle.loads(pickle.dumps(masker)).transform(bold), signals)


def test_values_are_mapped_back_to_cifti(bold, atlas):
    masker = SurfaceLabelsMasker(atlas)
    signals = masker.fit_transform(bold)
    image = masker.inverse_transform(signals)
    expected = np.column_stack([np.zeros(40), signals])[:, LABELS]
    assert_array_equal(image.get_fdata(), expected)
    series, brain = (image.header.get_axis(i) for i in (0, 1))
    assert (brain, series.step) == (elements(), 0.72)
    one = masker.inverse_transform(pd.Series([1.0, 2.0, 3.0], ['c', 'b', 'a']))
    assert_array_equal(one.get_fdata(), [np.array([0, 3, 2, 1])[LABELS]])
    assert_array_equal(masker.labels_img_.get_fdata()[0], LABELS)


def test_pairs_keep_regions_of_hemispheres_apart(pair):
    masker = SurfaceLabelsMasker(pair['labels'][1])
    signals = masker.fit_transform(pair['bold'])
    assert list(masker.regions_['name']) == ['L_x', 'L_y', 'R_x', 'R_y']
    assert list(masker.regions_['hemisphere']) == list('LLRR')
    assert list(masker.regions_['index_file']) == [1, 2, 1, 3]
    assert_array_equal(SurfaceLabelsMasker(pair['labels']).fit_transform(pair['bold'][0]), signals)
    for number, side in enumerate(('left', 'right')):
        parts = {name: nib.load(files[number]) for name, files in pair.items()}
        data = parts['bold'].agg_data().astype(float)
        mesh = {side: InMemoryMesh(np.eye(12, 3), np.array([[0, 1, 2]]))}
        labels = SurfaceImage(mesh, {side: parts['labels'].agg_data()})
        theirs = maskers.SurfaceLabelsMasker(labels, standardize=None).fit_transform(SurfaceImage(mesh, {side: data}))
        assert_allclose(signals[:, 2 * number : 2 * number + 2], theirs, rtol=1e-13)


def test_differences_from_nilearn_are_those_that_the_page_lists(pair, tmp_path):
    """Ids in both hemispheres, vertices of 0, values that are not finite, and a region outside the mask."""
    data = [noise(40, 12, number) for number in range(2)]
    data[0][:, 1] = 0
    data[1][3, 5] = np.nan
    series = [save_func_gii(tmp_path / f'x.{side}.func.gii', values) for side, values in zip('LR', data, strict=True)]
    labels = [nib.load(path).agg_data() for path in pair['labels']]
    mesh = {side: InMemoryMesh(np.eye(12, 3), np.array([[0, 1, 2]])) for side in ('left', 'right')}

    def image(parts):
        return SurfaceImage(mesh, dict(zip(mesh, parts, strict=True)))

    def extract(**options):
        masker = maskers.SurfaceLabelsMasker(image(labels), standardize=None, **options)
        return masker.fit_transform(image([values.T.astype(float) for values in data]))

    def loop(side, number, omit=()):
        vertices = [vertex for vertex in np.flatnonzero(labels[side] == number) if vertex not in omit]
        return data[side].astype(float)[:, vertices]

    theirs = extract()
    assert_allclose(theirs[:, 0], np.hstack([loop(0, 1), loop(1, 1)]).mean(axis=1), rtol=1e-9)
    assert np.isnan(theirs).sum() == np.isnan(theirs[3]).sum() == 1
    ours = SurfaceLabelsMasker(pair['labels'])
    expected = [loop(0, 1, [1]), loop(0, 2), loop(1, 1), loop(1, 3)]
    expected = np.stack([np.nanmean(values, axis=1) for values in expected], axis=1)
    assert_allclose(ours.fit_transform(series), expected, rtol=1e-13)
    assert ours.regions_['n_zero'].tolist() == [1, 0, 0, 0]
    kept = SurfaceLabelsMasker(pair['labels'], zeros='keep').fit_transform(series)
    assert_allclose(kept[:, 0], loop(0, 1).mean(axis=1), rtol=1e-13)

    inside = [np.where(of_side == 2, 0, 1) for of_side in labels]
    with pytest.warns(UserWarning, match='labels were removed'):
        assert extract(mask_img=image([part.astype(bool) for part in inside])).shape[1] == theirs.shape[1] - 1
    mask = [
        save_label_gii(tmp_path / f'mask.{side}.label.gii', part, {0: '???', 1: 'cortex'})
        for side, part in zip('LR', inside, strict=True)
    ]
    masked = SurfaceLabelsMasker(pair['labels'], mask_img=mask)
    with pytest.warns(UserWarning, match='outside_mask: L_y'):
        assert np.isnan(masked.fit_transform(series)).all(axis=0).tolist() == [False, True, False, False]
    dropped = SurfaceLabelsMasker(pair['labels'], mask_img=mask, missing_labels='drop')
    with pytest.warns(UserWarning, match='outside_mask: L_y'):
        assert dropped.fit_transform(series).shape == (40, 3)


def test_a_list_of_runs_is_denoised_one_by_one(bold, pair, atlas, tmp_path):
    other = save_tseries(tmp_path / 'other.dtseries.nii', noise(30, seed=1))
    masker = SurfaceLabelsMasker(atlas, detrend=True)
    both = masker.fit_transform([bold, other])
    assert masker.regions_['n_zero'].tolist() == [1, 0, 0]
    assert_array_equal(both, np.concatenate([masker.transform(bold), masker.transform(other)]))
    with pytest.raises(LabelsError, match='same vertices and voxels'):
        masker.transform([bold, pair['bold'][0]])


def test_a_mask_and_a_cache_act_on_cifti(bold, atlas, tmp_path):
    mask = save_dscalar(tmp_path / 'mask.dscalar.nii', (np.arange(15.0)[None] > 6).astype('f4'))
    masker = SurfaceLabelsMasker(atlas, mask_img=mask, memory=tmp_path / 'cache')
    signals = masker.fit_transform(bold)
    assert_array_equal(signals, masker.fit_transform(bold))
    inside = np.arange(15) > 6
    expected = [noise(40)[:, inside & (i == LABELS)].astype(float).mean(axis=1) for i in (1, 2, 3)]
    assert_allclose(signals.T, expected, rtol=1e-13)
    assert_array_equal(masker.mask_img_.get_fdata()[0], inside)
    kept = SurfaceLabelsMasker(atlas, zeros='keep', memory=tmp_path / 'cache').fit_transform(bold)
    assert not np.array_equal(kept, SurfaceLabelsMasker(atlas, memory=tmp_path / 'cache').fit_transform(bold))


@pytest.mark.parametrize('options', [{'smoothing_fwhm': 4.0}, {'high_variance_confounds': True}])
def test_parameters_of_volumes_are_refused(bold, atlas, options):
    with pytest.raises(LabelsError, match=f'{next(iter(options))} given, but it only acts with volumes'):
        SurfaceLabelsMasker(atlas, **options).fit_transform(bold)


def test_images_in_memory_are_refused(bold, atlas):
    image = nib.load(bold)
    image.get_fdata()
    with pytest.raises(LabelsError, match='save it, and pass its path'):
        SurfaceLabelsMasker(atlas).fit_transform(image)
    with pytest.raises(LabelsError, match='is needed, not ndarray'):
        SurfaceLabelsMasker(atlas).fit(np.zeros((3, 3)))
    with pytest.raises(LabelsError, match='must not be empty'):
        SurfaceLabelsMasker(atlas).fit_transform([])


@pytest.mark.parametrize('name', ['x.nii', 'x.nii.gz', 'x.hdr', 'x.img'])
def test_volumes_are_refused_with_the_masker_for_them(bold, atlas, tmp_path, name):
    kind = nib.Nifti1Image if '.nii' in name else nib.AnalyzeImage
    nib.save(kind(np.ones((2, 2, 2, 3), 'int16'), np.eye(4)), tmp_path / name)
    said = re.escape(f'{name} is a volume, not surface data (CIFTI, GIFTI, .annot): use NiftiLabelsMasker')
    for masker, series in ((SurfaceLabelsMasker(tmp_path / name), bold), (SurfaceLabelsMasker(atlas), tmp_path / name)):
        with pytest.raises(ImageError, match=said):
            masker.fit_transform(series)


def test_a_missing_file_is_named_as_missing(atlas, tmp_path):
    with pytest.raises(ImageError, match=r'no such file: .*none\.nii\.gz'):
        SurfaceLabelsMasker(atlas).fit_transform(tmp_path / 'none.nii.gz')


def test_cifti_labels_may_have_the_name_of_a_volume(bold, atlas, tmp_path):
    renamed = Path(shutil.copy(atlas, tmp_path / 'renamed.nii'))
    assert_array_equal(SurfaceLabelsMasker(renamed).fit_transform(bold), SurfaceLabelsMasker(atlas).fit_transform(bold))


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['cifti', 'pair'])
@pytest.mark.parametrize(
    'parameters',
    [{'standardize': 'zscore'}, {'strategy': 'median', 'detrend': True}, {'zeros': 'keep', 'min_coverage': 0.4}],
)
def test_masker_graph_and_command_give_equal_bytes(kind, parameters, bold, atlas, pair, tmp_path):
    series, labels = (bold, atlas) if kind == 'cifti' else (pair['bold'][0], pair['labels'][0])
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=['p', 'q'])
    table.to_csv(tmp_path / 'c.tsv', sep='\t', index=False)
    masker = SurfaceLabelsMasker(labels, **parameters)
    signals = masker.fit_transform(series, confounds=tmp_path / 'c.tsv')
    wf = masker.to_workflow(use_confounds=True)
    wf.base_dir = tmp_path
    wf.inputs.inputnode.bold_file = series
    wf.inputs.inputnode.confounds_file = [str(tmp_path / 'c.tsv')]
    outputs = {node.name: node.result.outputs for node in wf.run().nodes() if node.result}
    names, by_graph = read_signals(outputs['clean'].out_files[0])
    assert (list(names), by_graph.tobytes()) == (masker.get_feature_names_out().tolist(), signals.tobytes())
    options = [
        f'--{name.replace("_", "-")}' + (f'={value}' if value is not True else '') for name, value in parameters.items()
    ]
    arguments = [
        'extract',
        series,
        '--atlas',
        labels,
        '--confounds',
        tmp_path / 'c.tsv',
        *options,
        '-o',
        tmp_path / 'o',
    ]
    assert main([str(argument) for argument in arguments]) == 0
    (written,) = (tmp_path / 'o').glob('*/timeseries.tsv')
    assert read_signals(written)[1].tobytes() == signals.tobytes()


@pytest.mark.slow
def test_time_series_of_desikan_regions_are_those_of_nilearn(tmp_path):
    """68 time series of a run that brainspace ships, as nilearn computes them for each hemisphere."""
    pair, atlas = real_pair(40), desikan()
    signals = SurfaceLabelsMasker(atlas[0], zeros='keep').fit_transform(pair)
    theirs = []
    for side, series, labels in zip(('left', 'right'), pair, atlas, strict=True):
        data = np.asarray(nib.load(series).dataobj)[:, 0, 0].astype(float)
        of_vertex = nib.GiftiImage.from_bytes(gzip.decompress(Path(labels).read_bytes())).agg_data()
        mesh = {side: InMemoryMesh(np.eye(len(data), 3), np.array([[0, 1, 2]]))}
        reference = maskers.SurfaceLabelsMasker(SurfaceImage(mesh, {side: of_vertex}), standardize=None)
        theirs.append(reference.fit_transform(SurfaceImage(mesh, {side: data})))
    assert signals.shape == (40, 68)
    assert_allclose(signals, np.concatenate(theirs, axis=1), rtol=1e-9, atol=1e-12)
