# SPDX-License-Identifier: BSD-3-Clause
"""Workflow factories take keywords, and document the fields of inputnode and outputnode."""

import inspect

import pytest
from contract_cases import FIELDS, entries, read_docstring

from nipype_labels import workflows
from nipype_labels.bids.run import Run
from nipype_labels.cli.atlases import NamedAtlas
from nipype_labels.workflows.run import init_run_wf

#: Nodes whose fields a section documents.
NODES = dict(zip(FIELDS, ('inputnode', 'outputnode'), strict=True))

#: Arguments without a default.
NEEDED = {
    'init_labels_derivatives_wf': {
        'out_dir': 'out',
        'source': 'sub-01/func/sub-01_task-rest_desc-preproc_bold.nii.gz',
        'atlas_labels': ['AAL'],
        'parameters': {},
    },
}


@pytest.mark.parametrize('name', workflows.__all__)
def test_a_factory_takes_keywords(name):
    kinds = {each.kind for each in inspect.signature(getattr(workflows, name)).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize('name', workflows.__all__)
@pytest.mark.parametrize('section', NODES)
def test_a_factory_documents_the_fields_of_its_graph(section, name):
    factory = getattr(workflows, name)
    node = factory(**NEEDED.get(name, {})).get_node(NODES[section])
    documented = entries(read_docstring(factory), section)
    fields = [] if node is None else list(node.interface._fields)
    assert list(documented) == fields
    assert all(kind for kind, _ in documented.values())
    assert node is None or sorted(node.inputs.copyable_trait_names()) == sorted(fields)


def test_the_graph_of_a_run_has_no_fields(tmp_path):
    run = Run(tmp_path, tmp_path / 'sub-01' / 'func' / 'sub-01_task-rest_desc-preproc_bold.nii.gz')
    parameters = {'use_mask': False, 'use_confounds': False}
    groups = {'labels_0_wf': [NamedAtlas('AAL', 'AAL.nii')]}
    graph = init_run_wf(run=run, groups=groups, parameters=parameters, out_dir=str(tmp_path), reports=False)
    assert [graph.get_node(name) for name in NODES.values()] == [None, None]
