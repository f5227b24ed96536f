# SPDX-License-Identifier: BSD-3-Clause
"""Write the tables of pages that describe parameters, outputs and columns: ``python docs/_ext/tables.py``.

A table is between the lines ``<!-- table: NAME -->`` and ``<!-- end -->``; a test compares pages with the code.
"""

import inspect
import re
from pathlib import Path

from nipype_labels import NiftiLabelsMasker, init_labels_wf, interfaces
from nipype_labels.bids.outputs import plan_files
from nipype_labels.cli import RunError
from nipype_labels.model import errors as model_errors
from nipype_labels.model.columns import CENSORING, COVERAGE, STATUSES
from nipype_labels.model.confounds import PRESETS
from nipype_labels.model.outputs import DRAWN, NODE_OUTPUTS
from nipype_labels.model.parameters import PARAMETERS

#: Nodes that a parameter of the workflow adds; they have no trait of its name.
ADDED = {
    'high_variance_confounds': ['HighVarianceConfounds'],
    'project': ['InverseProject'],
    'cifti_outputs': ['WriteParcels'],
    'reports': ['LabelsReport'],
}

#: Run whose derivatives are listed.
RUN = 'sub-01_task-rest'


def code(text):
    """Return text as code; an empty text stays empty."""
    return f'`{text}`' if text else ''


def table(heads, rows):
    """Return a Markdown table."""
    return ''.join(f'| {" | ".join(row)} |\n' for row in (heads, ['---'] * len(heads), *rows))


def parameters(kind):
    """Return the table of the masker's parameters of a kind; with None, that of the parameters it does not have."""
    of_class, of_factory = (inspect.signature(each).parameters for each in (NiftiLabelsMasker, init_labels_wf))
    names = [name for name, each in of_class.items() if each.kind is kind]
    names = names if kind else [name for name in of_factory if name not in of_class]
    return table(
        ('parameter', 'meaning', 'default', 'nodes'),
        [describe_parameter(PARAMETERS[name]) for name in names if name in PARAMETERS],
    )


def describe_parameter(parameter):
    """Return the cells of a parameter."""
    name, nodes = parameter.name, []
    for node in interfaces.__all__:
        # Traits of SaveDerivatives record values of the workflow.
        if node != 'SaveDerivatives' and name in getattr(interfaces, node).input_spec().copyable_trait_names():
            nodes.append(node)
    sentences = [f'{parameter.help[0].upper()}{parameter.help[1:]}.', parameter.more.replace('``', '`')]
    if parameter.choices:
        sentences.append(f'Choices: {", ".join(map(code, parameter.choices))}.')
    if parameter.when:
        sentences.append(f'Acts only with {parameter.when.text}.')
    default = parameter.default_text
    if parameter.defaults:
        default += f'; {" and ".join(parameter.defaults)}: {"yes" if all(parameter.defaults.values()) else "no"}'
    return code(name), ' '.join(filter(None, sentences)), default, ', '.join(map(code, nodes or ADDED.get(name, ())))


def inputs():
    """Return the table of the fields of inputnode, from the docstring of the factory."""
    section = inspect.getdoc(init_labels_wf).split('Inputs\n------\n')[1].split('\n\n')[0]
    entries = re.findall(r'^(\w+) : (.*)\n((?:    .*\n?)+)', section, re.MULTILINE)
    rows = [(code(name), kind, ' '.join(text.replace('``', '`').split())) for name, kind, text in entries]
    return table(('field of `inputnode`', 'type', 'content'), rows)


def outputs():
    """Return the table of the files of an extraction."""
    rows = []
    for output in NODE_OUTPUTS:
        file_name = f'{"ATLAS/" if output.per_atlas else ""}{output.file_name}' if output.file_name else ''
        condition = f' With {" and ".join(map(code, output.needs))}.' if output.needs else ''
        rows.append((code(file_name), code(output.key), f'{output.description}.{condition}'))
    return table(('file of `nipype-labels extract`', 'field of `outputnode`', 'content'), rows)


def derivatives():
    """Return the table of the files of a run in a dataset of derivatives."""
    everything = {'strategy': 'mean', 'connectivity': 'correlation', 'project': 'labels'}
    everything |= dict.fromkeys(('high_variance_confounds', 'use_confounds'), True)
    planned = plan_files(f'sub-01/func/{RUN}_desc-preproc_bold.nii.gz', ['AAL'], everything, drawn=DRAWN)
    planned += plan_files(f'sub-01/func/{RUN}_hemi-L_bold.func.gii', ['AAL'], everything, drawn=DRAWN)
    everything['cifti_outputs'] = True
    planned += plan_files(f'sub-01/func/{RUN}_bold.dtseries.nii', ['AAL'], everything, drawn=DRAWN)
    first = {file.key: file for file in reversed(planned)}
    rows = [
        (code(file.path.replace(f'sub-01/func/{RUN}', 'NAME').replace(RUN, 'NAME')), file.output.description)
        for file in planned
        if file is first[file.key]
    ]
    return table(('file', 'content'), rows)


def presets():
    """Return the table of presets, with links to their references."""
    rows = []
    for name, preset in PRESETS.items():
        parameters = ', '.join(f'{parameter}={value!r}' for parameter, value in preset.parameters.items())
        references = '; '.join(f'[{work}](https://doi.org/{doi})' for work, doi in preset.references)
        rows.append((code(name), code(parameters), f'{preset.purpose[0].upper()}{preset.purpose[1:]}', references))
    return table(('preset', 'parameters', 'use it for', 'references'), rows)


def errors():
    """Return the table of errors, from their docstrings."""
    found = [*inspect.getmembers(model_errors, inspect.isclass), ('RunError', RunError)]
    texts = {name: inspect.getdoc(each).replace('``', '`') for name, each in found if issubclass(each, Exception)}
    rows = [(code(name), *' '.join(text.split()).split(' Fix: ')) for name, text in texts.items()]
    return table(('error', 'cause', 'fix'), rows)


def columns(described):
    """Return the table of the columns of a table."""
    rows = []
    for name, column in described.items():
        unit = f', in {column["Units"]}' if 'Units' in column else ''
        rows.append((code(name), f'{column["Description"]}{unit}'))
    return table(('column', 'meaning'), rows)


#: Tables by name.
TABLES = {
    'parameters of nilearn': lambda: parameters(inspect.Parameter.POSITIONAL_OR_KEYWORD),
    'further parameters': lambda: parameters(inspect.Parameter.KEYWORD_ONLY),
    'parameters without masker': lambda: parameters(None),
    'inputs': inputs,
    'outputs': outputs,
    'derivatives': derivatives,
    'presets': presets,
    'errors': errors,
    'censoring': lambda: columns(CENSORING),
    'coverage': lambda: columns(COVERAGE),
    'statuses': lambda: table(('status', 'meaning'), [(code(name), text) for name, text in STATUSES.items()]),
}


def fill(text):
    """Return a page with its tables."""
    pattern = r'(?<=<!-- table: )([\w ]+) -->\n.*?(?=<!-- end -->)'
    return re.sub(pattern, lambda found: f'{found[1]} -->\n{TABLES[found[1]]()}', text, flags=re.DOTALL)


if __name__ == '__main__':
    for page in Path(__file__).parents[1].glob('*.md'):
        page.write_text(fill(page.read_text(encoding='utf-8')), encoding='utf-8')
