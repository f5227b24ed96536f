# SPDX-License-Identifier: BSD-3-Clause
"""Messages name options and files of the user."""

import pytest

from nipype_labels.cli.messages import in_files, in_options

MESSAGES = [
    ("set confounds_na='zero' or confounds_na='mean'", 'set --confounds-na zero or --confounds-na mean'),
    ('low_pass=0.3 Hz is not below 0.25 Hz for t_r=2 s', '--low-pass 0.3 Hz is not below 0.25 Hz for --tr 2 s'),
    ('resampling_target=None refuses it', '--resampling-target none refuses it'),
    ("filter='cosine' needs high_pass; a filter does not", '--filter cosine needs --high-pass; a filter does not'),
    ('CleanSignal.confounds_files: no such file', '--confounds: no such file'),
    ('num_threads must be 1 or more', '--nprocs must be 1 or more'),
    ("sets confounds_strategy=['24P', '2Phys']. Pass", 'sets --confounds-strategy 24P 2Phys. Pass'),
    ("preset='36P+scrubbing' is a preset", '--preset 36P+scrubbing is a preset'),
    ('with detrend=True', 'with --detrend'),
    ("/a/low_pass/confounds_na.tsv: column 't_r'", "/a/low_pass/confounds_na.tsv: column 't_r'"),
    ('high_variance_confounds.tsv has 3 rows', 'high_variance_confounds.tsv has 3 rows'),
    ('the mask, the labels and the runs', 'the mask, the labels and the runs'),
]


@pytest.mark.parametrize(('message', 'told'), MESSAGES)
def test_parameters_become_options(message, told):
    assert in_options(message) == told
    assert in_options(told) == told


FILES = [
    ('/out/work/labels_wf/reduce/b_timeseries_raw.tsv: x', '/in/bold.nii (atlas /in/b.nii): x'),
    ('/out/work/labels_wf/clean/a_timeseries.tsv: x', '/in/bold.nii (atlas /in/a.nii): x'),
    ('/out/work/labels_wf/apply_mask/b_labels.nii.gz: x', '/in/b.nii: x'),
    ('/out/work/labels_wf/resample_labels/a_resampled.nii.gz: x', '/in/a.nii: x'),
    ('/out/work/labels_wf/resample_labels/b_resampled.npz: x', '/in/b.nii: x'),
    ('/out/work/labels_wf/apply_mask/a_labels.npz: x', '/in/a.nii: x'),
    ('/out/work/labels_wf/resample_mask/mask_resampled.nii.gz: x', '/in/mask.nii: x'),
    ('/out/work/runs/sub-01/labels_1_wf/apply_mask/c_labels.nii.gz: x', '/in/c.nii: x'),
    ('/other/work/labels_wf/reduce/b_timeseries_raw.tsv: x', '/other/work/labels_wf/reduce/b_timeseries_raw.tsv: x'),
]


@pytest.mark.parametrize(('message', 'told'), FILES)
def test_files_in_the_work_folder_become_those_they_were_made_from(message, told):
    atlases = {'labels_wf': ['/in/a.nii', '/in/b.nii'], 'labels_1_wf': ['/in/c.nii']}
    assert in_files(message, '/out/work', '/in/bold.nii', '/in/mask.nii', atlases) == told
