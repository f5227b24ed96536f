# SPDX-License-Identifier: BSD-3-Clause
"""Nodes refuse to resample images of unknown orientation, unless it is accepted."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nipype.interfaces.base import isdefined

from nipype_labels import NiftiLabelsMasker
from nipype_labels.files.grids import read_grid
from nipype_labels.interfaces import CleanSignal, Resample
from nipype_labels.model.errors import GridError, LabelsError
from nipype_labels.workflows import init_labels_wf

SHAPE = (4, 5, 6)
MOVED = np.diag([2.0, 2, 2, 1]) + np.array([[0, 0, 0, -3], [0, 0, 0, -5], [0, 0, 0, -4], [0, 0, 0, 0]])


@pytest.fixture
def save(tmp_path):
    """Write an image of known or unknown orientation."""

    def write(name, data, affine=None, known=True, qform=None):
        written = nibabel.Nifti1Image(data, affine)
        written.header.set_zooms((2, 2, 2, 2)[: data.ndim])
        if affine is not None:
            written.header.set_sform(affine, 1)
        if qform is not None:
            written.header.set_qform(qform, 1)
        nibabel.save(written, tmp_path / name)
        assert bool(read_grid(tmp_path / name).doubt) is not known
        return str(tmp_path / name)

    return write


@pytest.fixture
def series(save):
    return save('bold.nii', np.random.default_rng(1).normal(size=(*SHAPE, 30)).astype(np.float32), known=False)


def labels(shape=SHAPE):
    ids = np.ones(shape, np.int16)
    ids[shape[0] // 2 :] = 2
    return ids


@pytest.mark.parametrize('unknown', ['in_files', 'reference_files', 'both'])
@pytest.mark.parametrize('interpolation', ['nearest', 'linear'])
def test_an_image_of_unknown_orientation_is_not_resampled(unknown, interpolation, save, run):
    one = save('a.nii', labels(), None if unknown != 'reference_files' else MOVED, unknown == 'reference_files')
    other = save('b.nii', labels((5, 5, 5)), None if unknown != 'in_files' else MOVED, unknown == 'in_files')
    given = {'in_files': one, 'reference_files': other, 'interpolation': interpolation}
    with pytest.raises(GridError, match=r"left and right are unknown .*pass unknown_orientation='accept'"):
        run(Resample(**given))
    (resampled,) = run(Resample(**given, unknown_orientation='accept')).out_files
    assert read_grid(resampled).matches(read_grid(other))
    assert bool(read_grid(resampled).doubt) is (unknown != 'in_files')


def test_an_image_of_unknown_orientation_is_used_on_its_own_grid(save, run):
    one, other = save('a.nii', labels(), known=False), save('b.nii', labels(), known=False)
    assert run(Resample(in_files=one, reference_files=other)).out_files == [one]


def graph(tmp_path, **parameters):
    wf = init_labels_wf(**parameters)
    wf.base_dir = str(tmp_path / 'work')
    return wf


@pytest.mark.parametrize('target', ['data', 'labels'])
@pytest.mark.parametrize('unknown', ['bold', 'atlas'])
def test_a_graph_refuses_or_records_an_unknown_orientation(target, unknown, save, tmp_path):
    data = np.random.default_rng(1).normal(size=(*SHAPE, 30)).astype(np.float32)
    bold = save('bold.nii', data, None if unknown == 'bold' else MOVED, unknown != 'bold')
    atlas = save('atlas.nii', labels((5, 6, 6)), None if unknown == 'atlas' else MOVED, unknown != 'atlas')

    def call(**more):
        wf = graph(tmp_path, resampling_target=target, **more)
        wf.inputs.inputnode.bold_file, wf.inputs.inputnode.atlas_files = bold, [atlas]
        return {node.name: node for node in wf.run().nodes()}

    with pytest.raises(RuntimeError, match='left and right are unknown'):
        call()
    nodes = call(unknown_orientation='accept')
    report = json.loads(Path(nodes['clean'].result.outputs.cleaning_file).read_text())
    assert report['Parameters']['unknown_orientation'] == 'accept'
    assert bool(read_grid(nodes['reduce'].result.outputs.mean_file).doubt) is (unknown == 'bold')


def test_nothing_is_recorded_unless_it_was_accepted(signals, run):
    outputs = run(CleanSignal(signals_files=signals(np.random.default_rng(0).normal(size=(9, 2)))))
    assert isdefined(outputs.cleaning_file)
    assert 'unknown_orientation' not in Path(outputs.cleaning_file).read_text()


def test_without_resampling_there_is_nothing_to_accept():
    with pytest.raises(LabelsError, match='unknown_orientation given, but it only acts with resampling_target'):
        init_labels_wf(resampling_target=None, unknown_orientation='accept')
    with pytest.raises(LabelsError, match="one of raise, accept, not 'ignore'"):
        init_labels_wf(unknown_orientation='ignore')


@pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning')
@pytest.mark.parametrize('target', ['data', 'labels'])
def test_the_masker_refuses_an_unknown_orientation(target, series, save, tmp_path):
    atlas = save('atlas.nii', labels((5, 6, 6)), MOVED)
    given = {'labels_img': atlas, 'labels': ['A', 'B'], 'resampling_target': target, 'memory': str(tmp_path / 'memory')}
    image = nibabel.load(series)
    known = nibabel.Nifti1Image(image.get_fdata(), image.affine)
    masker = NiftiLabelsMasker(**given).fit()
    expected = masker.transform(known)
    for call in (masker.transform, NiftiLabelsMasker(**given).fit_transform):
        with pytest.raises(GridError, match=r"bold\.nii: left and right are unknown .*unknown_orientation='accept'"):
            call(series)
    accepted = NiftiLabelsMasker(**given, unknown_orientation='accept').fit_transform(series)
    np.testing.assert_allclose(accepted, expected)
    with pytest.raises(GridError, match='left and right are unknown'):
        masker.transform(series)
    with pytest.raises(LabelsError, match='unknown_orientation must be one of'):
        NiftiLabelsMasker(**given, unknown_orientation='ignore').fit()


@pytest.mark.parametrize('what', ['bold', 'mask', 'atlas'])
def test_the_masker_warns_of_a_contradiction(what, save, tmp_path):
    data = {'bold': np.random.default_rng(1).normal(size=(*SHAPE, 9)), 'mask': np.ones(SHAPE), 'atlas': labels()}
    files = {
        name: save(f'{name}.nii', values.astype(np.float32), MOVED, qform=np.eye(4) if name == what else None)
        for name, values in data.items()
    }
    with pytest.warns(UserWarning, match=rf'{what}\.nii: sform and qform contradict each other by up to'):
        NiftiLabelsMasker(files['atlas'], ['A', 'B'], mask_img=files['mask']).fit_transform(files['bold'])
    NiftiLabelsMasker(files['atlas'], ['A', 'B'], mask_img=files['mask']).fit_transform(files['bold'])
