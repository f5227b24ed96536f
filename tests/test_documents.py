# SPDX-License-Identifier: BSD-3-Clause
"""README and docs say what is so."""

import inspect
import io
import re
import runpy
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import nibabel
import numpy as np
import pytest
from masker_cases import AAL, MASK, SERIES, confounds

from nipype_labels import NiftiLabelsMasker, interfaces
from nipype_labels.cli.main import build_parser
from nipype_labels.core.strategies import STRATEGIES
from nipype_labels.model.errors import LabelsError
from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.nodes import INPUTS

ROOT = Path(__file__).parents[1]

#: Regions that are lost are said to be, and not looked at here.
QUIET = pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning')

#: Parameters of nilearn 0.10.0's NiftiLabelsMasker.
SEED = [
    'labels_img',
    'labels',
    'background_label',
    'mask_img',
    'smoothing_fwhm',
    'standardize',
    'standardize_confounds',
    'high_variance_confounds',
    'detrend',
    'low_pass',
    'high_pass',
    't_r',
    'dtype',
    'resampling_target',
    'memory',
    'memory_level',
    'verbose',
    'strategy',
    'reports',
]


def table_rows(text):
    """Cells of the rows of Markdown tables, headings and rulers left out."""
    lines = [line for line in text.splitlines() if line.startswith('| `') and '`NiftiLabelsMasker`' not in line]
    rows = [line.strip('|').split('|') for line in lines]
    return [[cell.strip() for cell in row] for row in rows]


@pytest.fixture(scope='module')
def page():
    return (ROOT / 'docs' / 'parameters.md').read_text(encoding='utf-8')


@pytest.fixture(scope='module')
def parameters(page):
    return [row for row in table_rows(page) if len(row) == 4]


def options():
    """All options of the command's extract."""
    (commands,) = (action for action in build_parser()._actions if action.choices)
    return {option for action in commands.choices['extract']._actions for option in action.option_strings}


def test_every_parameter_of_the_seed_has_a_row(page):
    listed = [name for row in table_rows(page) for name in re.findall(r'`(\w+)`', row[0])]
    assert set(SEED) <= set(listed)


def test_traits_in_the_table_of_parameters_exist(parameters):
    named = [name for row in parameters for name in re.findall(r'`([A-Z]\w+)\.(\w+)`', row[1])]
    assert named
    missing = [n for n in named if n[1] not in getattr(interfaces, n[0]).input_spec().copyable_trait_names()]
    assert not missing


def test_arguments_in_the_table_of_parameters_exist(parameters):
    arguments = inspect.signature(init_labels_wf).parameters
    for row in parameters:
        assert all(field in INPUTS for field in re.findall(r'`inputnode\.(\w+)`', row[2]))
        named = re.findall(r'`([a-z_]+)`', row[2])
        assert all(name in arguments for name in named), named


def test_options_in_the_table_of_parameters_exist(parameters):
    named = [option for row in parameters for option in re.findall(r'`(--[\w-]+)`', row[3])]
    assert named
    assert set(named) <= options()


def test_every_argument_of_the_factory_but_its_resources_is_an_option():
    # Filled in from the files and resources that the command is given.
    own = [
        'use_mask',
        'use_luts',
        'use_confounds',
        'use_sample_mask',
        'atlas_names',
        'sizes',
        'num_threads',
        'name',
    ]
    arguments = set(inspect.signature(init_labels_wf).parameters) - set(own)
    names = {option.lstrip('-').removeprefix('no-').replace('-', '_') for option in options()}
    assert arguments <= names


def test_tables_of_pages_are_those_of_the_code():
    """If not, run ``python docs/_ext/tables.py``."""
    fill = runpy.run_path(str(ROOT / 'docs' / '_ext' / 'tables.py'))['fill']
    pages = [path for path in (ROOT / 'docs').glob('*.md') if '<!-- table: ' in path.read_text(encoding='utf-8')]
    assert len(pages) == 2
    assert [path.name for path in pages if fill(text := path.read_text(encoding='utf-8')) != text] == []


def test_the_page_has_the_methods_of_the_class_and_no_others(page):
    _, of_class = page.split('## Methods and attributes of the masker')
    listed = [call for row in table_rows(of_class) if len(row) == 2 for call in re.findall(r'`(\w+\(.*?\))`', row[0])]
    methods = inspect.getmembers(NiftiLabelsMasker, inspect.isfunction)
    found = [name + str(inspect.signature(method)) for name, method in methods if not name.startswith('_')]
    assert sorted(listed) == sorted(call.replace('(self, ', '(') for call in found)


@QUIET
def test_the_page_has_the_attributes_of_the_class_and_no_others(page):
    _, of_class = page.split('## Methods and attributes of the masker')
    listed = [name for row in table_rows(of_class) if len(row) == 2 for name in re.findall(r'`(\w+_)`', row[0])]
    masker = NiftiLabelsMasker(AAL, mask_img=MASK, high_variance_confounds=True, memory=None)
    masker.fit_transform(SERIES)
    found = {name for name in dir(masker) if name.endswith('_') and not name.startswith('_')}
    assert sorted(listed) == sorted(found)


@cache
def few(*ids, spread=1.0):
    """Some regions of AAL on the grid of the series, or with voxels of another size."""
    volume = nibabel.load(SERIES).slicer[..., 0]
    coarse = nibabel.Nifti1Image(np.zeros(volume.shape, 'uint8'), volume.affine @ np.diag([spread] * 3 + [1]))
    labels = NiftiLabelsMasker(AAL).fit(coarse).labels_img_
    values = np.asarray(labels.dataobj)
    return nibabel.Nifti1Image(np.where(np.isin(values, ids), values, 0).astype('int16'), labels.affine)


def differs(one, other):
    """Signals of the two are not the same."""
    signals = [masker.fit_transform(SERIES, confounds=confounds()) for masker in (one, other)]
    assert signals[0].shape != signals[1].shape or not np.array_equal(*signals, equal_nan=True)


def rounds(one, other):
    """Signals of a series in double precision are the same to seven digits."""
    image = nibabel.load(SERIES)
    thirds = nibabel.Nifti1Image(image.get_fdata() / 3, image.affine, image.header)
    signals = [masker.fit_transform(thirds) for masker in (one, other)]
    assert not np.array_equal(*signals)
    np.testing.assert_allclose(*signals, rtol=1e-7)


def untimed(one, other):
    """Signals of a series whose header has no repetition time are not the same."""
    image = nibabel.load(SERIES)
    image.header['pixdim'][4] = 0
    held = nibabel.Nifti1Image(image.get_fdata(), image.affine, image.header)
    assert not np.array_equal(*(masker.fit_transform(held) for masker in (one, other)))


def warns(one, other):
    """The second says what the first does not."""
    one.fit_transform(SERIES)
    with pytest.warns(UserWarning, match='t_r is used'):
        other.fit_transform(SERIES)


def refuses(one, other):
    """The second raises an error, the first does not."""
    one.fit_transform(SERIES)
    with pytest.raises(LabelsError):
        other.fit_transform(SERIES)


def renames(one, other):
    """The columns have other names."""
    assert one.fit(SERIES).region_names_ != other.fit(SERIES).region_names_


def keeps(one, other):
    """The second leaves files in a folder, the first does not."""
    for masker, kept in ((one, False), (other, True)):
        masker.fit_transform(SERIES)
        assert bool(list(Path('kept').rglob('output.pkl'))) == kept


def prints(one, other):
    """The second prints something, the first does not."""
    for masker, said in ((one, False), (other, True)):
        out = io.StringIO()
        with redirect_stdout(out):
            masker.fit_transform(SERIES)
        assert bool(out.getvalue()) == said


def reports(one, other):
    """The second has a report to show, the first has none."""
    for masker in (one, other):
        masker.fit_transform(SERIES)
    assert '<html' in other.generate_report()._repr_html_()
    with pytest.raises(LabelsError):
        one.generate_report()


#: For each parameter of the seed: two values, what they are compared by, and what else is given for it to matter.
ACTS = [
    ('labels_img', few(1, 2), few(1, 86), differs, {}),
    ('labels', None, ['one', 'two', 'three'], renames, {}),
    ('labels', None, ['one'], refuses, {}),
    ('background_label', 0, 2, differs, {}),
    ('background_label', 0, 0.5, refuses, {}),
    ('mask_img', None, MASK, differs, {}),
    ('smoothing_fwhm', None, 20.0, differs, {}),
    ('smoothing_fwhm', 20.0, [20.0, 20.0, 0.0], differs, {}),
    *[('standardize', False, value, differs, {}) for value in (True, 'zscore', 'zscore_sample', 'psc')],
    ('standardize_confounds', True, False, differs, {}),
    ('high_variance_confounds', False, True, differs, {}),
    ('detrend', False, True, differs, {}),
    ('low_pass', None, 0.1, differs, {}),
    ('low_pass', 0.1, 0.05, differs, {}),
    ('high_pass', None, 0.05, differs, {}),
    ('high_pass', 0.05, 0.1, differs, {'filter': 'cosine'}),
    ('t_r', 2.0, 3.0, untimed, {'low_pass': 0.1}),
    ('t_r', None, 3.0, warns, {}),
    ('t_r', 2.0, 0.0, refuses, {}),
    ('dtype', None, 'int8', refuses, {}),
    ('dtype', None, np.float32, rounds, {}),
    ('resampling_target', 'data', 'labels', differs, {'labels_img': few(1, 2, 86, spread=1.1)}),
    ('resampling_target', 'data', None, refuses, {'labels_img': AAL}),
    ('memory', None, 'kept', keeps, {}),
    ('memory_level', 0, 1, keeps, {'memory': 'kept'}),
    ('verbose', 0, 1, prints, {}),
    *[('strategy', 'mean', value, differs, {}) for value in list(STRATEGIES)[1:]],
    ('reports', False, True, reports, {}),
]


def test_every_parameter_of_the_seed_is_tried():
    assert list(dict.fromkeys(name for name, *_ in ACTS)) == SEED


@QUIET
@pytest.mark.parametrize(
    ('name', 'value', 'other', 'compare', 'more'),
    ACTS,
    ids=[f'{name}-{place}' for place, (name, *_) in enumerate(ACTS)],
)
def test_a_parameter_of_the_seed_acts_on_the_class(name, value, other, compare, more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {'labels_img': few(1, 2, 86)} | more
    compare(*(NiftiLabelsMasker(**given | {name: each}) for each in (value, other)))


@QUIET
def test_code_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    blocks = re.findall(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(encoding='utf-8'), re.DOTALL)
    assert [len(code.strip().splitlines()) <= 12 for code in blocks] == [True, True]
    monkeypatch.chdir(tmp_path)
    for code, words in zip(blocks, ('cleaned-0.tsv', '(20, 116)'), strict=True):
        exec(compile(code, 'README.md', 'exec'), {})
        assert words in capsys.readouterr().out


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r'\]\((?!http)([^)]+)\)', (ROOT / 'README.md').read_text(encoding='utf-8'))
    assert links
    assert all((ROOT / link).exists() for link in links)
