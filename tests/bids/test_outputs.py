# SPDX-License-Identifier: BSD-3-Clause
"""Plans of outputs: a file for each output of a run, and no two outputs with one path."""

import itertools

import pytest

from nipype_labels.bids.names import parse_name
from nipype_labels.bids.outputs import OWN_DESCS, check_plans, list_paths, plan_files, plan_others
from nipype_labels.core.connectivity import CONNECTIVITIES
from nipype_labels.model.errors import LabelsError
from nipype_labels.model.outputs import DRAWN

STEM = 'sub-01_ses-a_task-rest_run-1_space-MNI152NLin2009cAsym'
SOURCE = f'sub-01/ses-a/func/{STEM}_res-2_desc-preproc_bold.nii.gz'
FULL = {
    'strategy': 'standard_deviation',
    'high_variance_confounds': True,
    'project': 'labels',
    'connectivity': 'partial correlation',
}


def by_role(*arguments, **options):
    return {file.key: file for file in plan_files(*arguments, **options)}


def test_files_of_a_run_keep_the_entities_of_the_source_but_desc():
    planned = by_role(SOURCE, ['AAL'], FULL, drawn=DRAWN)
    of_atlas, stat = f'{STEM}_atlas-AAL_res-2', 'stat-standarddeviation'
    expected = {
        'raw_timeseries': f'func/{of_atlas}_{stat}_desc-raw_timeseries.tsv',
        'timeseries': f'func/{of_atlas}_{stat}_timeseries.tsv',
        'regions': f'func/{of_atlas}_stat-coverage_bold.tsv',
        'labels': f'func/{of_atlas}_dseg.nii.gz',
        'lookup': f'func/{of_atlas}_dseg.tsv',
        'projected': f'func/{of_atlas}_{stat}_desc-projected_bold.nii.gz',
        'connectivity': f'func/{of_atlas}_stat-partialcorrelation_relmat.tsv',
        'mean_volume': f'func/{STEM}_res-2_desc-mean_boldref.nii.gz',
        'censoring': f'func/{STEM}_res-2_desc-censoring_timeseries.tsv',
        'high_variance_confounds': f'func/{STEM}_res-2_desc-highvariance_timeseries.tsv',
        'report': f'func/{STEM}_res-2_report.html',
    }
    assert {role: planned[role].path.removeprefix('sub-01/ses-a/') for role in expected} == expected
    figures = {role: planned[role].path for role in ('contours', 'carpets', 'spectra', 'connectivity_figures')}
    descs = {'contours': 'contours', 'carpets': 'carpet', 'spectra': 'spectra', 'connectivity_figures': 'connectivity'}
    assert figures == {role: f'sub-01/figures/{of_atlas}_desc-{desc}_bold.svg' for role, desc in descs.items()}
    assert set(planned) == {*expected, *figures}


def test_each_file_except_figures_has_a_sidecar():
    for file in plan_files(SOURCE, ['AAL'], FULL, drawn=DRAWN):
        if file.key in DRAWN:
            assert file.sidecar is None
        else:
            entities, suffix, _ = parse_name(file.path)
            assert parse_name(file.sidecar) == (entities, suffix, '.json')
    paths = list_paths(plan_files(SOURCE, ['AAL'], FULL, drawn=DRAWN))
    assert len(paths) == len(set(paths)) == 15 + 9


@pytest.mark.parametrize(
    ('parameters', 'label'),
    [
        ({'connectivity': 'correlation'}, 'correlation'),
        ({'connectivity': 'partial correlation'}, 'partialcorrelation'),
        ({'connectivity': 'covariance'}, 'covariance'),
        ({'connectivity': 'precision'}, 'precision'),
        ({'connectivity': 'correlation', 'fisher_z': True}, 'fisherz'),
        ({'connectivity': 'partial correlation', 'fisher_z': True}, 'partialfisherz'),
    ],
)
def test_stat_says_which_connectivity(parameters, label):
    assert parse_name(by_role(SOURCE, ['A'], parameters)['connectivity'].path)[0]['stat'] == label


def test_outputs_that_are_not_requested_are_not_planned():
    assert set(by_role(SOURCE, ['A'], {})) == {
        'raw_timeseries',
        'timeseries',
        'regions',
        'labels',
        'lookup',
        'mean_volume',
        'censoring',
    }


def test_figures_of_connectivity_and_confounds_need_connectivity_and_confounds():
    for none in ({}, {'connectivity': 'none'}, {'connectivity': None}):
        planned = by_role(SOURCE, ['A'], none, drawn=DRAWN)
        # Figures of coverage are of surfaces.
        assert set(DRAWN) - set(planned) == {'connectivity_figures', 'confounds_figure', 'coverage_figures'}
        assert 'connectivity' not in planned


def test_each_atlas_has_its_files_and_its_scale():
    planned = plan_files(SOURCE, ['A', 'B', 'B'], {}, atlas_scales=[None, '100', '200'])
    found = [parse_name(file.path)[0] for file in planned if file.key == 'timeseries']
    assert [(entities['atlas'], entities.get('scale')) for entities in found] == [
        ('A', None),
        ('B', '100'),
        ('B', '200'),
    ]
    assert [file.atlas for file in planned if file.key == 'timeseries'] == [0, 1, 2]


def test_two_atlases_of_one_label_are_refused_by_place():
    with pytest.raises(LabelsError, match="atlases 1 and 3 would write the same files: both are labelled 'A'"):
        plan_files(SOURCE, ['A', 'B', 'A'], {})
    with pytest.raises(LabelsError, match='2 scales are given for 1 atlases'):
        plan_files(SOURCE, ['A'], {}, atlas_scales=['1', '2'])


def test_no_two_labels_of_desc_share_a_file():
    """For any other difference, since other parameters may censor other volumes or smooth before the reduction."""
    for one, other in itertools.combinations([None, 'low', 'high', 'lowhigh'], 2):
        paths = [set(list_paths(plan_files(SOURCE, ['A'], FULL, desc, drawn=DRAWN))) for desc in (one, other)]
        assert not paths[0] & paths[1]


@pytest.mark.parametrize('desc', ['', 'a+b', 'a b', '../x', 'é', 'x\n', 1])
def test_a_desc_that_is_not_alphanumeric_is_refused(desc):
    with pytest.raises(LabelsError, match='desc must consist of letters and digits'):
        plan_files(SOURCE, ['A'], {}, desc)


@pytest.mark.parametrize('desc', OWN_DESCS)
def test_a_desc_that_is_our_own_is_refused(desc):
    with pytest.raises(LabelsError, match='Choose another desc'):
        plan_files(SOURCE, ['A'], {}, desc)


@pytest.mark.parametrize(
    'source',
    [
        '/sub-01/func/sub-01_bold.nii.gz',
        '../sub-01/func/sub-01_bold.nii.gz',
        'sub-01/../../sub-01_bold.nii.gz',
        'sub-01//sub-01_bold.nii.gz',
        'sub-01\\sub-01_bold.nii.gz',
    ],
)
def test_a_source_outside_its_dataset_is_refused(source):
    with pytest.raises(LabelsError, match='within its dataset'):
        plan_files(source, ['A'], {})


def test_sources_that_would_write_one_file_are_refused_by_name():
    others = [
        SOURCE.replace('desc-preproc', 'desc-smoothed'),
        SOURCE.replace('.nii.gz', '.nii'),
        SOURCE.replace('sub-01/', 'elsewhere/'),
    ]
    for other in others:
        plans = [(source, plan_files(source, ['A'], {})) for source in (SOURCE, other)]
        with pytest.raises(LabelsError) as caught:
            check_plans(plans)
        assert SOURCE in str(caught.value)
        assert other in str(caught.value)


def test_runs_that_differ_in_other_entities_are_grouped():
    sources = [
        SOURCE,
        *(SOURCE.replace(*pair) for pair in (('run-1', 'run-01'), ('res-2', 'res-1'), ('ses-a', 'ses-b'))),
    ]
    check_plans([(source, plan_files(source, ['A', 'B'], FULL, drawn=DRAWN)) for source in sources])


def test_obsolete_files_are_those_of_other_parameters():
    arguments = (SOURCE, ['A'], {'connectivity': 'correlation'})
    planned = plan_files(*arguments)
    others = plan_others(planned, *arguments)
    stats = [parse_name(file.path)[0]['stat'] for file in others if file.key == 'connectivity']
    assert sorted(stats) == sorted(
        [*(kind.replace(' ', '') for kind in CONNECTIVITIES if kind != 'correlation'), 'fisherz', 'partialfisherz']
    )
    figures = set(DRAWN) - {'coverage_figures'}
    assert {file.key for file in others} == {'connectivity', 'projected', 'high_variance_confounds', *figures}
    assert not {file.path for file in others} & {file.path for file in planned}
