# SPDX-License-Identifier: BSD-3-Clause
"""The graph of a masker uses the images and tables of the masker, in all forms."""

import nibabel
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from small_cases import atlas, run

from nipype_labels import NiftiLabelsMasker
from nipype_labels.files.tables import read_signals
from nipype_labels.model.errors import LabelsError

pytestmark = [
    pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning'),
    pytest.mark.filterwarnings('ignore:.*no look-up table in its header:UserWarning'),
]

MASK = nibabel.Nifti1Image((np.random.default_rng(5).random((5, 4, 3)) < 0.8).astype('uint8'), np.eye(4))


@pytest.fixture
def series(tmp_path):
    """Path of a series."""
    image = nibabel.Nifti1Image(run().get_fdata().astype('float32'), np.eye(4), run().header)
    nibabel.save(image, tmp_path / 'bold.nii.gz')
    return str(tmp_path / 'bold.nii.gz')


def compare(masker, series, work, **more):
    """Names and signals of masker and graph are the same."""
    signals = masker.fit_transform(series)
    wf = masker.to_workflow(**more)
    wf.base_dir, wf.inputs.inputnode.bold_file = str(work / 'work'), series
    (clean,) = [node for node in wf.run().nodes() if node.name == 'clean']
    names, of_graph = read_signals(clean.result.outputs.out_files[0])
    assert names == masker.get_feature_names_out().tolist()
    assert_array_equal(of_graph, signals)
    return wf


@pytest.mark.parametrize(
    'parameters',
    [
        {'smoothing_fwhm': np.array([2.0]), 'detrend': np.True_, 't_r': np.float64(2)},
        {'smoothing_fwhm': (2, 2, 0), 'dtype': np.float32, 'standardize_confounds': False},
        {'missing_labels': 'zero', 'standardize': True, 'background_label': 2, 'mask_img': MASK},
        {'resampling_target': None, 'labels': tuple('abcd'), 'confounds_na': 'zero', 'reports': False},
        {'lut': pd.DataFrame({'index': [4, 1, 2, 3], 'name': list('dabc')}), 'missing_labels': 'drop'},
        {'resampling_target': 'labels', 'interpolation': 'linear', 'strategy': 'sum', 'num_threads': 2},
    ],
)
def test_the_graph_takes_what_the_masker_takes(parameters, series, tmp_path):
    compare(NiftiLabelsMasker(atlas(), **parameters), series, tmp_path, folder=tmp_path / 'files')


@pytest.mark.parametrize('change', ['cache', 'array', 'affine', 'file'])
def test_an_atlas_that_was_saved_and_changed_since_is_not_the_file(change, series, tmp_path):
    image = atlas()
    nibabel.save(image, tmp_path / 'atlas.nii')
    if change == 'cache':
        image = nibabel.load(tmp_path / 'atlas.nii')
        image.get_fdata()[:2] = 0
    elif change == 'array':
        image.dataobj[:2] = 0
    elif change == 'affine':
        image = nibabel.load(tmp_path / 'atlas.nii')
        image.affine[0, 3] += 1
    else:
        nibabel.save(atlas(seed=3), tmp_path / 'atlas.nii')
    with pytest.raises(LabelsError, match=r'labels_img is in memory.* folder'):
        NiftiLabelsMasker(image).to_workflow()
    wf = compare(NiftiLabelsMasker(image), series, tmp_path, folder=tmp_path / 'files')
    assert wf.inputs.inputnode.atlas_files != [str(tmp_path / 'atlas.nii')]


@pytest.mark.slow
def test_an_atlas_that_was_not_changed_is_its_file(series, tmp_path, monkeypatch):
    saved = atlas()
    nibabel.save(saved, tmp_path / 'atlas.nii')
    loaded = nibabel.load(tmp_path / 'atlas.nii')
    loaded.get_fdata()
    monkeypatch.setenv('HOME', str(tmp_path))
    for given in (tmp_path / 'atlas.nii', '~/atl?s.nii', '~/atlas.nii', saved, loaded, [loaded]):
        wf = compare(NiftiLabelsMasker(given), series, tmp_path)
        assert wf.inputs.inputnode.atlas_files == [str(tmp_path / 'atlas.nii')]
    loaded.to_filename(tmp_path / 'again.nii')
    (tmp_path / 'again.nii').unlink()
    wf = NiftiLabelsMasker(loaded).to_workflow()
    assert wf.inputs.inputnode.atlas_files == [str(tmp_path / 'atlas.nii')]


@pytest.mark.parametrize('name', ['labels_img', 'mask_img'])
def test_a_file_that_was_changed_since_it_was_read_is_refused(name, series, tmp_path):
    nibabel.save({'labels_img': atlas(), 'mask_img': MASK}[name], tmp_path / 'image.nii')
    masker = NiftiLabelsMasker(**{'labels_img': atlas(), name: tmp_path / 'image.nii'}).fit(series)
    nibabel.save(nibabel.Nifti1Image(np.ones((5, 4, 3), 'uint8'), np.eye(4)), tmp_path / 'image.nii')
    with pytest.raises(LabelsError, match=f'{name} was changed after fit read it: call fit again'):
        masker.to_workflow(folder=tmp_path)
    compare(masker.fit(), series, tmp_path, folder=tmp_path / 'files')


def test_names_in_a_header_in_memory_go_to_the_graph(series, tmp_path):
    image = atlas()
    nibabel.save(image, tmp_path / 'atlas.nii')
    pairs = ' '.join(f'"{i}" "region {i}"' for i in (1, 2, 3, 4))
    text = f'<VALUE_LABEL_DTABLE ni_dimen="4">{pairs}</VALUE_LABEL_DTABLE>'
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(4, text.encode()))
    compare(NiftiLabelsMasker(image), series, tmp_path, folder=tmp_path / 'files')
    (tmp_path / 'lut.tsv').write_text('index\tname\n1\ta\n2\tb\n3\tc\n4\td\n')
    masker = NiftiLabelsMasker(tmp_path / 'atlas.nii', lut=tmp_path / 'lut.tsv').fit()
    (tmp_path / 'lut.tsv').write_text('index\tname\n1\tz\n2\tb\n3\tc\n4\td\n')
    with pytest.raises(LabelsError, match='look-up table was changed after fit'):
        masker.to_workflow()


def test_names_in_memory_go_to_the_graph(series, tmp_path):
    lut = pd.DataFrame({'index': [1, 2, 3, 4], 'name': list('abcd')})
    nibabel.save(atlas(), tmp_path / 'atlas.nii')
    masker = NiftiLabelsMasker(tmp_path / 'atlas.nii', lut=lut)
    with pytest.raises(LabelsError, match='lut is in memory'):
        masker.to_workflow()
    one, other = (masker.to_workflow(folder=tmp_path / 'files').inputs.inputnode.atlas_luts for _ in range(2))
    assert one == other
    assert len(list((tmp_path / 'files').iterdir())) == 1
    with pytest.raises(LabelsError, match='strategy must be one of'):
        masker.set_params(strategy='mode').to_workflow(folder=tmp_path)
