# SPDX-License-Identifier: BSD-3-Clause
"""A factory's docstring tells its arguments and the fields of its graph: all, in their order, and no others."""

import inspect

import pytest
from contract_cases import FIELDS, entries, modules, read_docstring
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from nipype_labels import workflows
from nipype_labels.bids.runs import Run
from nipype_labels.cli.atlases import Atlas
from nipype_labels.workflows.run import init_run_wf

#: Nodes that hold the fields that a section tells.
NODES = dict(zip(FIELDS, ('inputnode', 'outputnode'), strict=True))

#: What factories can not do without.
NEEDED = {
    'init_labels_derivatives_wf': {
        'out_dir': 'out',
        'source': 'sub-01/func/sub-01_task-rest_desc-preproc_bold.nii.gz',
        'atlas_labels': ['AAL'],
        'parameters': {},
    },
}


def factories():
    """Functions that build a graph, by name."""
    found = [value for module in modules() for value in vars(module).values() if inspect.isfunction(value)]
    ours = [each for each in dict.fromkeys(found) if each.__module__.startswith('nipype_labels.')]
    return {each.__name__: each for each in ours if each.__name__.startswith('init_') and each.__name__.endswith('_wf')}


def check_arguments(factory):
    """What is wrong with how a factory tells its arguments."""
    parameters = inspect.signature(factory).parameters
    documented = list(entries(read_docstring(factory), 'Parameters'))
    if documented != list(parameters):
        yield f'Parameters: {documented} are documented, {list(parameters)} are taken'
    positional = [name for name, each in parameters.items() if each.kind is not each.KEYWORD_ONLY]
    if positional:
        yield f'{positional} may be given by place'


def check_fields(factory, graph):
    """What is wrong with how a factory tells the fields of its graph."""
    docstring = read_docstring(factory)
    for section, name in NODES.items():
        node, documented = graph.get_node(name), list(entries(docstring, section))
        fields = [] if node is None else list(node.interface._fields)
        if documented != fields:
            yield f'{section}: {documented} are documented, {fields} are fields of {name}'
        untyped = [field for field, (kind, _) in entries(docstring, section).items() if not kind]
        if untyped:
            yield f'{section}: {untyped} have no type'


def test_there_are_factories():
    """What the room gives to others is among them, and all that it gives is a factory."""
    assert set(workflows.__all__) <= set(factories())


@pytest.mark.parametrize('name', workflows.__all__)
def test_a_factory_documents_its_arguments(name):
    """All, in their order, and none is taken by place."""
    assert not list(check_arguments(factories()[name]))


@pytest.mark.parametrize('name', workflows.__all__)
def test_a_factory_documents_the_fields_of_its_graph(name):
    """All, in their order, with their types."""
    factory = factories()[name]
    assert not list(check_fields(factory, factory(**NEEDED.get(name, {}))))


@pytest.mark.parametrize('name', workflows.__all__)
def test_fields_are_inputs_and_no_others_are(name):
    """Those with a type of their own come first."""
    graph = factories()[name](**NEEDED.get(name, {}))
    for node in NODES.values():
        assert sorted(graph.get_node(node).inputs.copyable_trait_names()) == sorted(
            graph.get_node(node).interface._fields
        )


def test_the_graph_of_a_run_has_no_fields(tmp_path):
    """It knows what goes in and writes what comes out."""
    run = Run(tmp_path, tmp_path / 'sub-01' / 'func' / 'sub-01_task-rest_desc-preproc_bold.nii.gz')
    parameters = {'use_mask': False, 'use_confounds': False}
    groups = {'labels_0_wf': [Atlas('AAL', 'AAL.nii')]}
    graph = init_run_wf(run=run, groups=groups, parameters=parameters, out_dir=str(tmp_path), reports=False)
    assert not list(check_fields(init_run_wf, graph))


def right(*, one, two=2):
    """Build nothing.

    Parameters
    ----------
    one, two : int

    Returns
    -------
    Workflow

    Inputs
    ------
    a, b : str

    Outputs
    -------
    c : list of str
        What comes out.
    """


def build(inputs, outputs):
    """A graph of two nodes."""
    graph = pe.Workflow(name='graph')
    for name, fields in {'inputnode': inputs, 'outputnode': outputs}.items():
        graph.add_nodes([pe.Node(niu.IdentityInterface(fields=fields), name=name)])
    return graph


def test_a_factory_that_tells_all_is_right():
    """The checks complain of nothing else."""
    assert not [*check_arguments(right), *check_fields(right, build(['a', 'b'], ['c']))]


@pytest.mark.parametrize(
    ('inputs', 'outputs'), [('a', 'c'), ('ba', 'c'), ('abd', 'c'), ('ab', 'cd'), ('ab', 'd')], ids=str
)
def test_a_field_that_is_told_otherwise_is_found(inputs, outputs):
    """One that is lacking, one too many, and another order."""
    assert len(list(check_fields(right, build(list(inputs), list(outputs))))) == 1


@pytest.mark.parametrize(
    'code', ['*, two=2, one', '*, one', '*, one, two=2, three=3', '*, one, too=2', 'one, *, two=2'], ids=str
)
def test_an_argument_that_is_told_otherwise_is_found(code):
    """One that is lacking, one too many, another name, another order, and one that is taken by place."""
    scope = {}
    exec(f'def wrong({code}): pass', scope)
    scope['wrong'].__doc__ = right.__doc__
    assert len(list(check_arguments(scope['wrong']))) == 1


def test_a_field_without_a_type_is_found():
    """A name alone does not say what to connect."""

    def wrong():
        pass

    wrong.__doc__ = right.__doc__.replace('a, b : str', 'a, b')
    assert 'have no type' in next(check_fields(wrong, build(['a', 'b'], ['c'])))
