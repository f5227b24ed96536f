# SPDX-License-Identifier: BSD-3-Clause
"""How ``make docs`` makes pages of this folder, of docstrings, and of the scripts in workflows/."""

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

from numpydoc.xref import DEFAULT_LINKS

sys.path.insert(0, str(Path(__file__).parent / '_ext'))

import nipype_labels
from nipype_labels import core

project = 'nipype_labels'
author = 'The nipype_labels developers'
copyright = author
version = release = nipype_labels.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.viewcode',
    'numpydoc',
    'sphinx_gallery.gen_gallery',
    'command_reference',
    'complete',
    'graphs',
    'node_reference',
    'sections',
    'sources',
]
exclude_patterns = ['_build', '**.ipynb', 'gallery/**.py', '**sg_execution_times.rst']
source_suffix = {'.md': 'markdown', '.rst': 'restructuredtext'}

# Two hyphens are two hyphens: options have them.
smartquotes = False

# Pages link to headings by the anchors that GitHub gives them.
myst_heading_anchors = 3

autodoc_member_order = 'bysource'
autosummary_generate = True
templates_path = ['_templates']
numpydoc_show_class_members = False


def own_classes():
    """Classes of the core, which docstrings name as types, with their full names."""
    found = {}
    for module in pkgutil.iter_modules(core.__path__, f'{core.__name__}.'):
        for name, member in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(member) and member.__module__ == module.name:
                found[name] = f'{module.name}.{name}'
    return found


# In types, names of our own classes are links; other words stay words, so that no other project's index is needed.
numpydoc_xref_param_type = True
numpydoc_xref_ignore = 'all'
numpydoc_xref_aliases = (
    {name: name for name in DEFAULT_LINKS}
    | own_classes()
    | {
        'NiftiLabelsMasker': 'nipype_labels.NiftiLabelsMasker',
        'Report': 'nipype_labels.reports.Report',
        'Sizes': 'nipype_labels.workflows.resources.Sizes',
    }
)

# Types in signatures are their authors' own.
nitpick_ignore_regex = [('py:class', r'numpy\..*')]

sphinx_gallery_conf = {
    'examples_dirs': '../workflows',
    'gallery_dirs': 'gallery',
    'filename_pattern': r'/plot_',
    'ignore_pattern': r'^(?!plot_)',
    'within_subsection_order': 'example_order.ExampleOrder',
    'download_all_examples': False,
    'show_memory': False,
    'show_signature': False,
    'min_reported_time': 1e6,
}

html_theme = 'furo'
pygments_dark_style = 'github-dark'
html_title = 'nipype_labels'
html_static_path = ['_static']
html_css_files = ['docs.css']
html_show_sphinx = False
html_copy_source = False
html_theme_options = {'navigation_with_keys': True}
