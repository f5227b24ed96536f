# SPDX-License-Identifier: BSD-3-Clause
"""Private names of Nipype that this package uses exist in the installed Nipype, and are listed."""

import ast
import inspect
from pathlib import Path
from pkgutil import resolve_name

import nipype
import pytest
from nipype.interfaces.utility import IdentityInterface
from nipype.pipeline import engine
from nipype.pipeline.plugins import MultiProcPlugin

import nipype_labels
from nipype_labels.interfaces.nipype_private import ATTRIBUTES, FUNCTIONS, HASH_FILES, result_name

#: Private names of others: Python's own modules, and image classes of nibabel.
OF_OTHERS = {'_exit', '_getframe', '_compressed_suffixes'}

#: An instance of each class whose attributes are listed.
INSTANCES = {
    'pipeline.engine:Workflow': lambda: engine.Workflow('wf'),
    'pipeline.plugins:MultiProcPlugin': lambda: MultiProcPlugin(plugin_args={'n_procs': 1}),
}


@pytest.mark.parametrize('name', FUNCTIONS)
def test_nipype_has_the_function(name):
    function = resolve_name(f'nipype.{name}')
    assert tuple(inspect.signature(function).parameters)[1:] == FUNCTIONS[name], f'changed in {nipype.__version__}'


@pytest.mark.parametrize('name', ATTRIBUTES)
def test_nipype_has_the_attributes(name):
    instance = INSTANCES[name]()
    assert [each for each in ATTRIBUTES[name] if not hasattr(instance, each)] == [], f'changed in {nipype.__version__}'


def test_nipype_writes_the_files(tmp_path):
    node = engine.Node(IdentityInterface(['x']), 'node', base_dir=tmp_path)
    node.inputs.x = 1
    node.run()
    folder = tmp_path / 'node'
    assert len([*folder.glob(HASH_FILES)]) == 1
    assert (folder / result_name('node')).is_file()


def private_names():
    """Private names that the package reads from parent classes, or that it does not define itself."""
    trees = [ast.parse(path.read_text(encoding='utf-8')) for path in Path(nipype_labels.__file__).parent.rglob('*.py')]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    read = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr.startswith('_')]
    defined |= {node.attr for node in read if isinstance(node.ctx, ast.Store)}
    defined |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inherited = {node.attr for node in read if ast.unparse(node.value) == 'super()'}
    names = inherited | {node.attr for node in read} - defined
    return {name for name in names if not name.startswith('__')} - OF_OTHERS


def test_all_private_names_are_listed():
    listed = {name.rsplit('.', 1)[-1] for name in FUNCTIONS} | {each for names in ATTRIBUTES.values() for each in names}
    assert private_names() <= listed
