# SPDX-License-Identifier: BSD-3-Clause
"""Contradictions between the names of files that are used together."""

from pathlib import Path

import pytest

from nipype_labels.model.entities import NATIVE, find_contradictions

MNI = 'sub-01_task-rest_run-1_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz'
T1W = 'sub-01_task-rest_run-1_space-T1w_desc-preproc_bold.nii.gz'
MASK = 'sub-01_task-rest_run-1_space-MNI152NLin2009cAsym_desc-brain_mask.nii.gz'
NATIVE_MASK = 'sub-01_task-rest_run-1_desc-brain_mask.nii.gz'
TABLE = 'sub-01_task-rest_run-1_desc-confounds_timeseries.tsv'
ATLAS = 'tpl-MNI152NLin2009cAsym_res-02_atlas-Schaefer2018_desc-100Parcels7Networks_dseg.nii.gz'


@pytest.mark.parametrize(
    'given',
    [
        {'bold': MNI, 'mask': MASK, 'tables': [TABLE], 'atlases': [ATLAS]},
        {'bold': MNI, 'atlases': ['AAL.nii', 'Schaefer2018_100Parcels_7Networks_order_FSLMNI152_2mm.nii.gz']},
        {'bold': 'bold.nii.gz', 'mask': MASK, 'tables': [TABLE]},
        {'bold': MNI.replace('run-1', 'run-01'), 'tables': [TABLE]},
        {'bold': MNI, 'tables': ['confounds.tsv', None, [1, 2], TABLE.replace('_run-1', '')]},
        {'bold': T1W, 'mask': 'sub-01_desc-brain_mask.nii.gz'},
        {'bold': 'sub-01_task-rest_bold.nii.gz', 'atlases': [ATLAS]},
        {'bold': MNI.replace('Asym', 'Asym_res-2'), 'atlases': [ATLAS]},
        {'bold': 'sub-01_space-MNIInfant_cohort-1_bold.nii.gz', 'atlases': ['tpl-MNIInfant_cohort-1_dseg.nii.gz']},
        {'bold': Path('run-2') / MNI, 'tables': [Path('run-3') / TABLE]},
        {'bold': None, 'atlases': [object()]},
        {},
    ],
)
def test_names_that_agree_or_have_no_entities_do_not_contradict(given):
    assert find_contradictions(**given) == []


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ({'bold': MNI, 'tables': [TABLE.replace('run-1', 'run-2')]}, 'run-1 run-2'),
        ({'bold': MNI, 'tables': [TABLE.replace('sub-01', 'sub-1')]}, 'sub-01 sub-1'),
        ({'bold': MNI, 'tables': [TABLE.replace('rest', 'nback')]}, 'task-rest task-nback'),
        ({'bold': f'ses-a_{MNI}', 'mask': f'ses-b_{MASK}'}, 'ses-a ses-b'),
        ({'bold': f'dir-AP_{MNI}', 'tables': [f'dir-PA_{TABLE}']}, 'dir-AP dir-PA'),
        ({'bold': f'acq-a_{MNI}', 'tables': [f'acq-b_{TABLE}']}, 'acq-a acq-b'),
        ({'bold': T1W, 'mask': MASK}, 'space-T1w space-MNI152NLin2009cAsym'),
        ({'bold': MNI, 'mask': NATIVE_MASK}, f'space-MNI152NLin2009cAsym {NATIVE}'),
        (
            {'bold': NATIVE_MASK.replace('brain_mask', 'preproc_bold'), 'atlases': [ATLAS]},
            f'{NATIVE} tpl-MNI152NLin2009cAsym',
        ),
        (
            {'bold': MNI, 'atlases': ['x.nii', 'tpl-MNI152NLin6Asym_dseg.nii']},
            'space-MNI152NLin2009cAsym tpl-MNI152NLin6Asym',
        ),
        ({'bold': 'b.nii', 'mask': MASK, 'atlases': ['tpl-X_dseg.nii']}, 'space-MNI152NLin2009cAsym tpl-X'),
        ({'bold': 'space-I_cohort-1_bold.nii', 'atlases': ['tpl-I_cohort-2_dseg.nii']}, 'cohort-1 cohort-2'),
        ({'bold': 'space-I_cohort-1_bold.nii', 'atlases': ['tpl-J_cohort-2_dseg.nii']}, 'space-I tpl-J'),
        ({'tables': [TABLE, TABLE.replace('run-1', 'run-2')]}, 'run-1 run-2'),
        ({'bold': MNI, 'atlases': ['sub-02_space-MNI152NLin2009cAsym_dseg.nii']}, 'sub-01 sub-02'),
    ],
)
def test_names_with_different_entities_contradict_each_other(given, expected):
    (found,) = find_contradictions(**given)
    assert f'{found.has} {found.but_has}' == expected
    assert str(found) == f'{found.first} has {found.has}, but {found.second} has {found.but_has}'


def test_every_entity_and_every_file_counts():
    tables = [TABLE.replace('run-1', 'run-2'), TABLE.replace('sub-01_task-rest', 'sub-02_task-x')]
    found = find_contradictions(T1W, MASK, tables, [ATLAS])
    assert [each.but_has for each in found] == [
        'space-MNI152NLin2009cAsym',
        'run-2',
        'sub-02',
        'task-x',
        'tpl-MNI152NLin2009cAsym',
    ]
    assert {each.first for each in found} == {T1W}
