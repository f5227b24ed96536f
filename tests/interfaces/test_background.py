# SPDX-License-Identifier: BSD-3-Clause
"""Background labels other than 0, in label images of integers and of floats with NaN voxels, in every node."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from coverage_frames import read_regions
from numpy.testing import assert_allclose, assert_array_equal
from pairwise import pairwise

from nipype_labels.files.tables import read_signals
from nipype_labels.interfaces import ApplyMask, InverseProject, ReduceLabels
from nipype_labels.model.errors import LabelsError
from nipype_labels.workflows import init_labels_wf

FINE, COARSE = np.diag([1.5, 1.5, 1.5, 1]), np.diag([3.0, 3, 3, 1])


def atlas_of(background, dtype):
    """Regions 0, 3 and 8 in slabs of a fine grid, then background; NaN at one end of a float atlas."""
    data = np.full((16, 8, 8), background, dtype=dtype)
    data[2:6], data[6:10], data[10:14] = 0, 3, 8
    if background == 0:
        data[2:6] = 1
    if data.dtype.kind == 'f':
        data[:2] = np.nan
    return data


@pytest.fixture
def series():
    """Values that differ between all voxels."""
    return np.random.default_rng(11).normal(100, 10, (8, 4, 4, 5))


@pairwise(
    background=[0, -1, 5, 255],
    dtype=['int16', 'float32'],
    target=['data', 'labels', None],
    project=['labels', 'atlas'],
)
def test_background_is_never_a_region_from_atlas_to_projection(
    background, dtype, target, project, image, series, tmp_path, monkeypatch
):
    fine = atlas_of(background, dtype)
    coarse = fine[::2, ::2, ::2]
    atlas = image('atlas.nii.gz', *((coarse, COARSE) if target is None else (fine, FINE)))
    wf = init_labels_wf(
        background_label=background,
        resampling_target=target,
        interpolation='nearest' if target == 'labels' else 'cubic',
        project=project,
    )
    wf.base_dir = str(tmp_path)
    wf.inputs.inputnode.bold_file = image('series.nii.gz', series, COARSE, t_r=2.0)
    wf.inputs.inputnode.atlas_files = [atlas]
    nodes = {node.name: node.result.outputs for node in wf.run().nodes()}
    table = read_regions(nodes['reduce'].regions_files[0])
    regions = [1 if background == 0 else 0, 3, 8]
    assert table['index'].tolist() == regions
    _, signals = read_signals(nodes['clean'].out_files[0])
    if target is None:
        assert_allclose(signals, [[series[coarse == i, t].mean() for i in regions] for t in range(5)])
    shown = nibabel.load(nodes['project'].out_files[0]).get_fdata()
    used = np.nan_to_num(np.asarray(nibabel.load(nodes['apply_mask'].out_files[0]).dataobj), nan=background)
    labels = used if project == 'labels' else np.nan_to_num(np.asarray(nibabel.load(atlas).dataobj), nan=background)
    expected = np.zeros((*labels.shape, 5))
    for column, region in zip(signals.T, regions, strict=True):
        expected[labels == region] = column
    assert_allclose(shown, expected, rtol=1e-6)


@pytest.mark.parametrize(('background', 'dtype'), [(0, 'float32'), (-1, 'int16'), (5, 'float32'), (255, 'int16')])
def test_labels_without_a_coverage_table_are_reduced_by_their_ids(background, dtype, image, series, run):
    labels = atlas_of(background, dtype)[::2, ::2, ::2]
    labels_file, in_file = image('labels.nii.gz', labels), image('series.nii.gz', series)
    alone = run(ReduceLabels(in_file=in_file, labels_files=labels_file, background_label=background))
    placed = run(ApplyMask(labels_files=labels_file, background_label=background))
    tables = {'labels_files': placed.out_files, 'regions_files': placed.regions_files}
    both = run(ReduceLabels(in_file=in_file, background_label=background, **tables))
    for one, other in ((alone.out_files, both.out_files), (alone.regions_files, both.regions_files)):
        assert Path(one[0]).read_bytes() == Path(other[0]).read_bytes()
    names, signals = read_signals(alone.out_files[0])
    assert_allclose(signals, [[series[labels == int(i), t].mean() for i in names] for t in range(5)])


def test_raw_labels_with_a_coverage_table_do_not_join_their_nan_to_a_region(image, series, run):
    labels = atlas_of(-1, 'float32')[::2, ::2, ::2]
    labels_file = image('labels.nii.gz', labels)
    tables = run(ApplyMask(labels_files=labels_file, background_label=-1)).regions_files
    reduced = run(ReduceLabels(in_file=image('series.nii.gz', series), labels_files=labels_file, regions_files=tables))
    assert_allclose(read_signals(reduced.out_files[0])[1][:, 0], series[labels == 0].mean(axis=0))
    shown = run(InverseProject(signals_files=reduced.out_files, labels_files=labels_file, regions_files=tables))
    assert_array_equal(nibabel.load(shown.out_files[0]).get_fdata()[np.isnan(labels)], 0)


def test_a_background_that_is_a_region_of_the_coverage_table_is_refused(image, series, run):
    placed = run(
        ApplyMask(labels_files=image('labels.nii.gz', atlas_of(-1, 'int16')[::2, ::2, ::2]), background_label=-1)
    )
    tables = {'labels_files': placed.out_files, 'regions_files': placed.regions_files}
    with pytest.raises(LabelsError, match=r'labels_regions\.tsv lists the region 3, which is the background_label'):
        run(ReduceLabels(in_file=image('series.nii.gz', series), background_label=3, **tables))
