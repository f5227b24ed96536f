# SPDX-License-Identifier: BSD-3-Clause
"""README and documentation agree with the code."""

import inspect
import re
import runpy
from pathlib import Path

import pytest
from masker_cases import AAL, MASK, SERIES
from real_files import is_runnable

from nipype_labels import NiftiLabelsMasker
from nipype_labels.cli.main import build_parser
from nipype_labels.workflows import init_labels_wf

ROOT = Path(__file__).parents[1]

#: Warnings about lost regions are ignored here.
QUIET = pytest.mark.filterwarnings('ignore:.*regions without a signal:UserWarning')


def table_rows(text):
    """Cells of the rows of Markdown tables, without headings and rulers."""
    lines = [line for line in text.splitlines() if line.startswith('| `') and '`NiftiLabelsMasker`' not in line]
    rows = [line.strip('|').split('|') for line in lines]
    return [[cell.strip() for cell in row] for row in rows]


@pytest.fixture(scope='module')
def page():
    return (ROOT / 'docs' / 'parameters.md').read_text(encoding='utf-8')


def options():
    """All options of the command's extract."""
    (commands,) = (action for action in build_parser()._actions if action.choices)
    return {option for action in commands.choices['extract']._actions for option in action.option_strings}


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
    assert len(pages) == 4
    assert [path.name for path in pages if fill(text := path.read_text(encoding='utf-8')) != text] == []


def write_signature(method):
    """Return the signature of a method as users call it, without types."""
    _, *parameters = inspect.signature(method).parameters.values()
    return str(inspect.Signature([each.replace(annotation=inspect.Parameter.empty) for each in parameters]))


def test_the_page_has_the_methods_of_the_class_and_no_others(page):
    _, of_class = page.split('## Methods and attributes of the masker')
    listed = [call for row in table_rows(of_class) if len(row) == 2 for call in re.findall(r'`(\w+\(.*?\))`', row[0])]
    methods = inspect.getmembers(NiftiLabelsMasker, inspect.isfunction)
    found = [name + write_signature(method) for name, method in methods if not name.startswith('_')]
    assert sorted(listed) == sorted(found)


@QUIET
def test_the_page_has_the_attributes_of_the_class_and_no_others(page):
    _, of_class = page.split('## Methods and attributes of the masker')
    listed = [name for row in table_rows(of_class) if len(row) == 2 for name in re.findall(r'`(\w+_)`', row[0])]
    masker = NiftiLabelsMasker(AAL, mask_img=MASK, high_variance_confounds=True, memory=None)
    masker.fit_transform(SERIES)
    found = {name for name in dir(masker) if name.endswith('_') and not name.startswith('_')}
    assert sorted(listed) == sorted(found)


@QUIET
def test_code_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    blocks = re.findall(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(encoding='utf-8'), re.DOTALL)
    assert [len(code.strip().splitlines()) <= 12 for code in blocks] == [True, True, True]
    monkeypatch.chdir(tmp_path)
    for code, words in zip(blocks, ('AAL3_timeseries.tsv', '(20, 116)', '(20, 2)\n(20, 113)'), strict=True):
        if is_runnable(code):
            exec(compile(code, 'README.md', 'exec'), {})
            assert words in capsys.readouterr().out


def test_the_readme_has_no_relative_links():
    """A package index shows it without the repository; paths are named as code, and exist."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert re.findall(r'\]\((?!https://)([^)]+)\)', text) == []
    paths = re.findall(r'^\| `([\w./]+)`', text, re.MULTILINE)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert len(paths) > 12
