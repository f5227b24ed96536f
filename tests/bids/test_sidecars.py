# SPDX-License-Identifier: BSD-3-Clause
"""Sidecars: their keys and types, and names of regions that equal keys."""

import dataclasses
import json

import pytest

from nipype_labels.bids.outputs import plan_files
from nipype_labels.bids.sidecars import KEYS, AtlasSource, Provenance, describe_file, to_json
from nipype_labels.model.columns import STATUSES
from nipype_labels.model.outputs import DRAWN

schema = pytest.importorskip('bidsschematools.schema')

SOURCE = 'sub-01/func/sub-01_task-rest_space-T1w_res-2_desc-preproc_bold.nii.gz'
SERIES_URI = f'bids:preprocessed:{SOURCE}'
CLEANING = {
    'Parameters': {'detrend': True, 'filter': 'butterworth', 'low_pass': 0.1, 'high_pass': 0.01, 't_r': 0.8},
    'ConfoundsColumns': ['rot_x', 'csf'],
    'ConfoundsStrategy': ['scrubbing'],
    'ConfoundsMissing': 'raise',
    'ScrubbingThresholds': {'framewise_displacement': 0.5, 'std_dvars': 1.5},
    'NumberOfConfounds': 2,
    'RankOfConfounds': 2,
    'NumberOfVolumes': 100,
    'NumberOfVolumesRetained': 90,
    'VolumesCensored': {'sample_mask': 0, 'framewise_displacement': 10},
    'DegreesOfFreedom': 61.5,
    'UnavailableRegions': [{}],
}
FULL = {
    'strategy': 'mean',
    'standardize': 'psc',
    'connectivity': 'partial correlation',
    'fisher_z': True,
    'project': 'labels',
    'high_variance_confounds': True,
    'resampling_target': 'data',
    'smoothing_fwhm': 6.0,
    'censored_output': 'drop',
}


@pytest.fixture
def run():
    return Provenance(
        source=SOURCE,
        parameters=dict(FULL),
        methods='Signals were cleaned.',
        cleaning=json.loads(json.dumps(CLEANING)),
        series={'RepetitionTime': 0.8, 'StartTime': 0.39, 'TaskName': 'rest', 'SkullStripped': False},
        versions={'nipype_labels': '1.2.3'},
        more_sources=('sub-01/func/sub-01_task-rest_desc-confounds_timeseries.tsv',),
    )


def describe(run, names=('Left', 'Right'), parameters=None):
    """Sidecars of all files, by role."""
    run = dataclasses.replace(run, parameters=run.parameters | (parameters or {}))
    atlas = AtlasSource('AAL', 'AAL.nii', 'ab' * 32, {name: 10 * i for i, name in enumerate(names, 1)})
    planned = plan_files(SOURCE, ['AAL'], run.parameters, drawn=DRAWN)
    return {
        file.key: describe_file(
            file, planned, run, None if file.atlas is None else atlas, names if file.atlas is not None else ()
        )
        for file in planned
        if file.key not in DRAWN
    }


def test_times_are_numbers_in_seconds_and_hertz(run):
    for role in ('raw_timeseries', 'timeseries', 'projected', 'high_variance_confounds'):
        sidecar = describe(run)[role]
        assert (sidecar['RepetitionTime'], sidecar['SamplingFrequency'], sidecar['StartTime']) == (0.8, 1.25, 0.39)
        assert sidecar['NumberOfVolumes'] == 100


def test_unknown_times_are_not_in_the_sidecar(run):
    del run.cleaning['Parameters']['t_r']
    sidecar = describe(dataclasses.replace(run, series={'StartTime': True}))['timeseries']
    assert not {'RepetitionTime', 'SamplingFrequency', 'StartTime', 'TaskName'} & set(sidecar)


def test_dropped_volumes_are_counted_and_described(run):
    sidecar = describe(run)['timeseries']
    assert (sidecar['NumberOfVolumesRetained'], sidecar['NumberOfVolumesDropped']) == (90, 10)
    assert '10 of 100 volumes have no row' in sidecar['Description']
    assert (
        sidecar['CensoringTable'] == 'bids::sub-01/func/sub-01_task-rest_space-T1w_res-2_desc-censoring_timeseries.tsv'
    )
    kept = describe(run, parameters={'censored_output': 'nan'})['timeseries']
    assert kept['NumberOfVolumesDropped'] == 0
    assert 'no row' not in kept['Description']


def test_sources_are_uris_of_the_files_used(run):
    sidecars, stem = describe(run), 'bids::sub-01/func/sub-01_task-rest_space-T1w_atlas-AAL_res-2'
    confounds = 'bids:preprocessed:sub-01/func/sub-01_task-rest_desc-confounds_timeseries.tsv'
    high_variance = 'bids::sub-01/func/sub-01_task-rest_space-T1w_res-2_desc-highvariance_timeseries.tsv'
    assert {role: sidecar['Sources'] for role, sidecar in sidecars.items() if role != 'lookup'} == {
        'raw_timeseries': [SERIES_URI, f'{stem}_dseg.nii.gz'],
        'timeseries': [f'{stem}_stat-mean_desc-raw_timeseries.tsv', confounds, high_variance],
        'regions': [SERIES_URI, f'{stem}_dseg.nii.gz'],
        'labels': [SERIES_URI],
        'projected': [f'{stem}_stat-mean_timeseries.tsv', f'{stem}_dseg.nii.gz'],
        'connectivity': [f'{stem}_stat-mean_timeseries.tsv'],
        'mean_volume': [SERIES_URI],
        'censoring': [SERIES_URI, confounds],
        'high_variance_confounds': [SERIES_URI],
    }


def test_files_computed_from_the_series_list_it_first_among_sources(run):
    sidecars = describe(run)
    planned = plan_files(SOURCE, ['AAL'], run.parameters, drawn=DRAWN)
    direct = [file.key for file in planned if file.is_direct]
    assert direct == [role for role, sidecar in sidecars.items() if sidecar['Sources'][0] == SERIES_URI]


#: Description of every Butterworth filter.
BUTTERWORTH = {'Order': 5, 'Passes': 2, 'GainAtCutoff': '-6 dB', 'CensoredVolumesFilled': 'linear'}


def test_sidecars_describe_denoising_as_the_node_did(run):
    sidecar = describe(run)['timeseries']
    assert sidecar['DegreesOfFreedom'] == CLEANING['DegreesOfFreedom']
    assert sidecar['Confounds']['Columns'] == CLEANING['ConfoundsColumns']
    assert sidecar['Confounds']['Rank'] == 2
    assert sidecar['Censoring']['Thresholds'] == CLEANING['ScrubbingThresholds']
    assert sidecar['Censoring']['VolumesCensored'] == CLEANING['VolumesCensored']
    assert sidecar['SoftwareFilters'] == {
        'LinearTrend': {},
        'Butterworth': BUTTERWORTH | {'HighPassCutoff': 0.01, 'LowPassCutoff': 0.1, 'Units': 'Hz'},
    }
    assert sidecar['Methods'] == 'Signals were cleaned.'
    assert sidecar['Software'] == {'nipype_labels': '1.2.3'}


@pytest.mark.parametrize(
    ('settings', 'filters'),
    [
        ({'detrend': False, 'low_pass': None, 'high_pass': None}, {}),
        ({'detrend': False, 'low_pass': None}, {'Butterworth': BUTTERWORTH | {'HighPassCutoff': 0.01}}),
        ({'detrend': False, 'filter': 'cosine', 'low_pass': None}, {'DiscreteCosine': {'HighPassCutoff': 0.01}}),
        ({'detrend': True, 'filter': 'none', 'low_pass': None, 'high_pass': None}, {'LinearTrend': {}}),
    ],
)
def test_filters_are_those_that_acted(settings, filters, run):
    run.cleaning['Parameters'].update(settings)
    found = describe(run)['timeseries']['SoftwareFilters']
    assert {name: {k: v for k, v in kind.items() if k != 'Units'} for name, kind in found.items()} == filters


def test_a_matrix_says_what_it_holds(run):
    sidecar = describe(run)['connectivity']
    assert (sidecar['Measure'], sidecar['FisherZ']) == ('partial correlation', True)
    assert sidecar['CovarianceEstimator'] == 'ledoit_wolf'
    assert sidecar['NumberOfVolumes'] == 90
    assert sidecar['Left'] == {'Description': 'Region 10 of AAL', 'Index': 10}


def test_sidecars_describe_columns_with_units_besides_other_keys(run):
    sidecars = describe(run)
    assert sidecars['raw_timeseries']['Left']['Units'] == 'arbitrary'
    assert sidecars['timeseries']['Left'] == {'Description': 'Region 10 of AAL', 'Index': 10, 'Units': '%'}
    assert list(sidecars['timeseries'])[-2:] == ['Left', 'Right']


@pytest.mark.parametrize('name', [*KEYS, 'Columns'])
def test_a_region_with_the_name_of_a_key_keeps_the_key(name, run):
    usual, sidecars = describe(run), describe(run, ('Left', name))
    for role in ('raw_timeseries', 'timeseries', 'connectivity'):
        keys = {key: value for key, value in usual[role].items() if key not in ('Left', 'Right')}
        assert {key: value for key, value in sidecars[role].items() if key != 'Columns'} == keys
        assert list(sidecars[role]['Columns']) == ['Left', name]
        assert sidecars[role]['Columns'][name]['Index'] == 20


def test_keys_have_the_order_of_the_list_and_all_are_in_it(run):
    """A region could have the name of a key that is missing from the list."""
    for sidecar in describe(run, ()).values():
        keys = [key for key in sidecar if not isinstance(sidecar[key], dict) or 'Description' not in sidecar[key]]
        assert keys == [key for key in KEYS if key in keys]


def test_keys_that_bids_knows_are_used_as_it_knows_them(run):
    """All other keys must be missing from BIDS, where they could have another meaning."""
    known = schema.load_schema().objects.metadata
    numbers = ('RepetitionTime', 'SamplingFrequency', 'StartTime')
    texts = ('Description', 'TaskName', 'SpatialReference', 'Resolution', 'Density')
    others = ('Sources', 'SkullStripped', 'SoftwareFilters')
    assert {key for key in KEYS if key in known} == {*numbers, *texts, *others}
    for sidecar in describe(run).values():
        assert all(isinstance(sidecar.get(key, 0), int | float) for key in numbers)
        assert all(isinstance(sidecar.get(key, ''), str) for key in texts)
        assert all(isinstance(uri, str) for uri in sidecar['Sources'])
        assert isinstance(sidecar.get('SkullStripped', True), bool)
        assert all(isinstance(kind, dict) for kind in sidecar.get('SoftwareFilters', {}).values())


def test_inherited_keys_are_overridden_for_raw_time_series(run):
    sidecars = describe(run)
    assert set(sidecars['timeseries']) <= set(sidecars['raw_timeseries'])
    assert sidecars['raw_timeseries']['Confounds'] == sidecars['raw_timeseries']['SoftwareFilters'] == {}
    assert sidecars['raw_timeseries']['Parameters'] == {
        'strategy': 'mean',
        'resampling_target': 'data',
        'smoothing_fwhm': 6.0,
    }


def test_space_and_resolution_are_those_of_the_series_or_refer_to_it(run):
    for role, sidecar in describe(run).items():
        assert sidecar['SpatialReference'] == SERIES_URI, role
        assert sidecar['Resolution'] == 'That of the preprocessed series', role
    series = {'SpatialReference': 'bids::x', 'Resolution': '2 mm'}
    for sidecar in describe(dataclasses.replace(run, series=series)).values():
        assert (sidecar['SpatialReference'], sidecar['Resolution']) == ('bids::x', '2 mm')


@pytest.mark.parametrize(
    ('parameters', 'roles'),
    [
        ({'resampling_target': 'labels'}, {'labels', 'lookup', 'projected'}),
        ({'project': 'atlas'}, {'projected'}),
    ],
)
def test_files_on_the_grid_of_the_atlas_name_this_grid(parameters, roles, run):
    sidecars = describe(run, parameters=parameters)
    assert {role for role, sidecar in sidecars.items() if 'atlas' in sidecar['Resolution']} == roles


def test_only_images_say_whether_skulls_were_stripped(run):
    assert {role for role, sidecar in describe(run).items() if 'SkullStripped' in sidecar} == {
        'mean_volume',
        'projected',
    }


def test_each_status_of_regions_is_explained(run):
    names = ('index', 'name', 'status', 'tsnr')
    atlas = AtlasSource('AAL', 'AAL.nii', 'ab' * 32)
    planned = plan_files(SOURCE, ['AAL'], run.parameters)
    (file,) = (file for file in planned if file.key == 'regions')
    sidecar = describe_file(file, planned, run, atlas, names)
    assert sidecar['status']['Levels'] == STATUSES
    assert set(names) <= set(sidecar)
    assert 'coverage' not in sidecar


def test_text_is_the_same_for_the_same_content_and_always_json(run):
    odd = {'fill_value': float('nan'), 'labels': ['Rés', '"quoted"']}
    texts = [to_json(describe(run, parameters=odd)['timeseries']) for _ in range(2)]
    assert texts[0] == texts[1]
    assert 'Rés' in texts[0]
    parsed = json.loads(texts[0], parse_constant=lambda name: pytest.fail(f'{name} is no JSON'))
    assert parsed['Parameters']['fill_value'] == 'n/a'
    assert texts[0].endswith('}\n')
