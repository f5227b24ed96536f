# SPDX-License-Identifier: BSD-3-Clause
"""Runs of a list are denoised separately: the same bytes as run by run, each with its own confounds and masks."""

import re

import nibabel
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from small_cases import atlas, run, tables

from nipype_labels import NiftiLabelsMasker, __version__
from nipype_labels.files.tables import read_signals, write_signals
from nipype_labels.model.errors import LabelsError

pytestmark = [
    pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning'),
    pytest.mark.filterwarnings('ignore:.*no look-up table in its header:UserWarning'),
]

PARAMETERS = [
    {},
    {'detrend': True, 'standardize': 'zscore_sample'},
    {'low_pass': 0.1, 'high_pass': 0.02, 'standardize': 'psc'},
    {'filter': 'cosine', 'high_pass': 0.02, 'high_variance_confounds': True},
    {'smoothing_fwhm': 2.0, 'strategy': 'median', 'detrend': True, 'missing_labels': 'zero', 'standardize': True},
]

LENGTHS = (40, 55, 37)


def images():
    return [run(seed, length) for seed, length in enumerate(LENGTHS)]


def masks():
    return [None, np.arange(55) % 9 > 0, np.arange(36)]


@pytest.mark.parametrize('parameters', PARAMETERS)
def test_a_list_of_runs_gives_the_bytes_of_each_run(parameters):
    given = dict(confounds=tables(*LENGTHS), sample_mask=masks())
    together = NiftiLabelsMasker(atlas(), **parameters).fit_transform(images(), **given)
    alone = [
        NiftiLabelsMasker(atlas(), **parameters).fit_transform(image, confounds=table, sample_mask=mask)
        for image, table, mask in zip(images(), *given.values(), strict=True)
    ]
    assert_array_equal(together, np.concatenate(alone))
    assert len(together) == 40 + 48 + 36


def test_runs_are_taken_in_all_forms(tmp_path):
    expected = NiftiLabelsMasker(atlas(), detrend=True).fit_transform(
        images(), confounds=tables(*LENGTHS), sample_mask=masks()
    )
    for i, image in enumerate(images()):
        nibabel.save(image, tmp_path / f'run-{i}.nii.gz')
        write_signals(tmp_path / f'run-{i}.tsv', ['a', 'b'], tables(*LENGTHS)[i])
        np.save(tmp_path / f'run-{i}.npy', [np.arange(40), *masks()[1:]][i])
    joined = np.concatenate(tables(*LENGTHS))
    flags = np.concatenate([np.ones(40, bool), masks()[1], np.arange(37) < 36])
    paths = [tmp_path / f'run-{i}.nii.gz' for i in range(3)]
    for imgs, confounds, mask in [
        (paths, [path.with_name(path.name[:5] + '.tsv') for path in paths], masks()),
        (str(tmp_path / 'run-*.nii.gz'), joined, flags),
        (images(), pd.DataFrame(joined), np.flatnonzero(flags)),
        (tuple(map(str, paths)), [[table[:, :1], table[:, 1:]] for table in tables(*LENGTHS)], flags.tolist()),
        (paths, tables(*LENGTHS), [tmp_path / f'run-{i}.npy' for i in range(3)]),
        (paths, tables(*LENGTHS), [str(tmp_path / f'run-{i}.npy') for i in range(3)]),
        (str(tmp_path / 'run-?.nii.gz'), tables(*LENGTHS), masks()),
    ]:
        signals = NiftiLabelsMasker(atlas(), detrend=True).fit(imgs).transform(imgs, confounds, mask)
        assert_array_equal(signals, expected)


def test_a_list_of_runs_has_the_time_series_of_a_graph_that_is_given_runs(tmp_path):
    parameters = {'detrend': True, 'low_pass': 0.1, 'standardize': 'zscore'}
    nibabel.save(atlas(), tmp_path / 'atlas.nii')
    joined = nibabel.Nifti1Image(np.concatenate([i.get_fdata() for i in images()], axis=3), np.eye(4), run().header)
    nibabel.save(joined, tmp_path / 'joined.nii')
    of_one = [nibabel.load(tmp_path / 'joined.nii').slicer[..., a:b] for a, b in ((0, 40), (40, 95), (95, 132))]
    masker = NiftiLabelsMasker(tmp_path / 'atlas.nii', **parameters)
    signals = masker.fit_transform(of_one)
    wf = masker.to_workflow()
    wf.base_dir = str(tmp_path / 'work')
    wf.inputs.inputnode.bold_file = str(tmp_path / 'joined.nii')
    wf.inputs.inputnode.runs = np.repeat([1, 2, 3], LENGTHS).tolist()
    (clean,) = [node for node in wf.run().nodes() if node.name == 'clean']
    assert_array_equal(read_signals(clean.result.outputs.out_files[0])[1], signals)


def test_lists_of_volumes_are_one_run():
    image = run()
    expected = NiftiLabelsMasker(atlas(), detrend=True).fit_transform(image)
    volumes = nibabel.four_to_three(image)
    for form in (volumes, [image], [volumes], [[image]]):
        assert_array_equal(NiftiLabelsMasker(atlas(), detrend=True).fit_transform(form), expected)
    again = NiftiLabelsMasker(atlas(), detrend=True).fit_transform([volumes, image])
    assert_array_equal(again, np.concatenate([expected, expected]))


@pytest.mark.parametrize(
    ('imgs', 'given', 'words'),
    [
        ([run(), run().slicer[..., 0]], {}, 'not both'),
        ([run(), run(shape=(5, 4, 4))], {}, 'must have one grid'),
        ([run(), run(t_r=3.0)], {}, 'must have one repetition time'),
        ([run(), run(1)], {'confounds': tables(40)}, 'confounds has 1 entries for 2 runs'),
        ([run(), run(1)], {'confounds': tables(40)[0]}, 'or a table with 80 rows'),
        ([run(), run(1)], {'confounds': tables(40, 39)}, '39 rows, the series has 40 volumes'),
        ([run(), run(1)], {'confounds': 'confounds.tsv'}, 'a list with an entry per run'),
        ([run(), run(1)], {'sample_mask': [np.arange(9)]}, 'sample_mask has 1 entries for 2 runs'),
        ([run(), run(1)], {'sample_mask': np.ones(79, bool)}, '80 flags, one per volume, not 79'),
        ([run(), run(1)], {'sample_mask': np.arange(20)}, 'keeps no volume'),
        ([run(), run(1)], {'sample_mask': [None, np.arange(41)]}, 'the volumes are 0 to 39'),
        ([], {}, 'must not be empty'),
    ],
)
def test_runs_that_disagree_are_refused(imgs, given, words):
    with pytest.raises(LabelsError, match=words):
        NiftiLabelsMasker(atlas()).fit_transform(imgs, **given)


def test_a_region_missing_in_one_run_keeps_its_column():
    given = [run(0), run(1, without=[2])]
    masker = NiftiLabelsMasker(atlas())
    signals = masker.fit_transform(given)
    assert np.isfinite(signals[:40]).all()
    assert_array_equal(np.isnan(signals[40:]), np.tile([False, True, False, False], (40, 1)))
    assert masker.regions_['status'].tolist() == ['ok', 'not_finite', 'ok', 'ok']
    assert masker.regions_['n_volumes'].tolist() == [80, 40, 80, 80]
    assert masker.regions_['n_voxels_used'][1] == 0
    with pytest.raises(LabelsError, match=r"must have the same columns.* 2; use missing_labels='nan'"):
        NiftiLabelsMasker(atlas(), missing_labels='drop').fit_transform(given)
    both = [run(0, without=[2]), run(1, without=[2])]
    assert NiftiLabelsMasker(atlas(), missing_labels='drop').fit_transform(both).shape == (80, 3)


def test_back_in_space_runs_keep_the_repetition_time_and_units():
    masker = NiftiLabelsMasker(atlas())
    image = masker.inverse_transform(masker.fit_transform([run(t_r=1.5), run(1, t_r=1.5)]))
    assert image.shape[3] == 80
    assert image.header.get_zooms()[3] == 1.5
    assert image.header.get_xyzt_units() == ('mm', 'sec')
    unknown = nibabel.Nifti1Image(run().get_fdata(), np.eye(4))
    assert masker.inverse_transform(masker.fit_transform(unknown)).header.get_zooms()[3] == 0
    assert masker.set_params(t_r=0.8).inverse_transform(masker.fit_transform(unknown)).header['pixdim'][4] == 0.8


def test_a_report_names_the_files_of_all_runs_and_the_confounds(tmp_path):
    images, names = [], []
    for number in (1, 2):
        images.append(tmp_path / f'run-{number}_bold.nii.gz')
        names.append(tmp_path / f'run-{number}_confounds.tsv')
        nibabel.save(run(number), images[-1])
        pd.DataFrame(tables(40)[0], columns=['csf', 'wm']).to_csv(names[-1], sep='\t', index=False)
    nibabel.save(atlas(), tmp_path / 'parcels.nii.gz')
    masker = NiftiLabelsMasker(tmp_path / 'parcels.nii.gz', labels=list('abcd'))
    masker.fit_transform(images, confounds=names)
    page = str(masker.generate_report())
    for name in (
        'run-1_bold.nii.gz',
        'run-2_bold.nii.gz',
        'run-1_confounds.tsv',
        'run-2_confounds.tsv',
        'parcels.nii.gz',
    ):
        assert name in page
    assert 'csf, wm' in page
    assert re.search(r'Number of confounds\s*<[^>]*>\s*<[^>]*>\s*4\s*<', page)
    with pytest.warns(UserWarning, match='fit_transform was given confounds, and transform is given none'):
        masker.transform(images[1])
    page = str(masker.generate_report())
    assert 'run-2_bold.nii.gz' in page
    assert 'run-1' not in page
    assert 'confounds.tsv' not in page


def test_a_report_shows_all_runs():
    masker = NiftiLabelsMasker(atlas(), detrend=True)
    masker.fit_transform([run(), run(1)], sample_mask=[np.arange(5, 40), None])
    assert '75 of 80 volumes retained' in masker.generate_report()._repr_html_()


def test_a_report_has_date_versions_and_the_motion_of_all_runs():
    moved = pd.DataFrame({'framewise_displacement': [np.nan, *[0.1] * 37, 0.9, 0.9], 'std_dvars': 1.0})
    still = moved.assign(framewise_displacement=0.1)
    masker = NiftiLabelsMasker(atlas(), confounds_strategy=['scrubbing'], t_r=2.0)
    masker.fit_transform([run(), run(1)], confounds=[moved, still])
    page = str(masker.generate_report())
    assert f'<dt>Date</dt><dd>2023-11-14 22:13, nipype_labels {__version__}</dd>' in page
    assert f'numpy {np.__version__}' in page
    # The mean of 0.1 (77 volumes) and 0.9 (2 volumes); the first volume has none.
    assert 'mean 0.12, largest 0.90; 2 volumes above 0.5' in page
    assert '2 runs as one time course' in page
    masker = NiftiLabelsMasker(atlas())
    task = still[['std_dvars']] + tables(40)[0][:, :1]
    masker.fit_transform([run(), run(1)], confounds=[moved[['framewise_displacement']].fillna(0), task])
    page = str(masker.generate_report())
    assert 'mean 0.14, largest 0.90</text>' in page


def test_runs_of_a_pattern_are_compared_with_their_confounds(tmp_path):
    for number in (1, 2):
        nibabel.save(run(number), tmp_path / f'sub-1_run-{number}_bold.nii.gz')
        write_signals(tmp_path / f'sub-1_run-{number}_confounds.tsv', ['a', 'b'], tables(40)[0])
    swapped = [tmp_path / f'sub-1_run-{number}_confounds.tsv' for number in (2, 1)]
    with pytest.warns(UserWarning, match='files that may not belong together') as caught:
        NiftiLabelsMasker(atlas()).fit_transform(str(tmp_path / '*_bold.nii.gz'), confounds=swapped)
    assert [str(each.message).partition(': ')[2] for each in caught] == [
        f'sub-1_run-{one}_bold.nii.gz has run-{one}, but sub-1_run-{other}_confounds.tsv has run-{other}'
        for one, other in ((1, 2), (2, 1))
    ]
