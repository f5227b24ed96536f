# SPDX-License-Identifier: BSD-3-Clause
"""Settings of Sphinx for the pages of this folder, the docstrings, and the scripts in workflows/."""

import re
import sys
from html import escape
from pathlib import Path

from docutils.nodes import paragraph, section
from sphinx_gallery.sorting import ExplicitOrder

sys.path.insert(0, str(Path(__file__).parent / '_ext'))

import nipype_labels

project = 'nipype_labels'
author = 'The nipype_labels developers'
copyright = author
version = release = nipype_labels.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.viewcode',
    'sphinx_gallery.gen_gallery',
    'sphinx_argparse_cli',
    # Numpydoc docstrings, and tables of the traits of nodes.
    'nipype.sphinxext.apidoc',
    'graphs',
]
exclude_patterns = ['_build', '**.ipynb', 'gallery/**.py', '**sg_execution_times.rst']
source_suffix = {'.md': 'markdown', '.rst': 'restructuredtext'}

# Keep the two hyphens of options.
smartquotes = False

# Pages link to headings by GitHub's anchors.
myst_heading_anchors = 3

autodoc_member_order = 'bysource'
#: Docstrings have the types, with shapes and units.
autodoc_typehints = 'none'
autosummary_generate = True

# Types are words, not links: "array, shape (T, L)".
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [
    (section, 'params_style') for section in ('Inputs', 'Mandatory Inputs', 'Optional Inputs', 'Outputs')
]
# So are types of attributes; errors of other packages have no page here.
nitpick_ignore_regex = [('py:class', r'(numpy|collections)\..*|.* .*|array|shape|[A-Z]'), ('py:exc', 'TraitError')]

sphinx_gallery_conf = {
    'examples_dirs': '../workflows',
    'gallery_dirs': 'gallery',
    'filename_pattern': r'/plot_',
    'ignore_pattern': r'^(?!plot_)',
    'within_subsection_order': ExplicitOrder(
        [
            'plot_signals.py',
            'plot_fmriprep.py',
            'plot_nilearn.py',
            'plot_nipype_graph.py',
            'plot_group_connectomes.py',
            'plot_surfaces.py',
            '*',
        ]
    ),
    'download_all_examples': False,
    'remove_config_comments': True,
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


#: Pages that include files of the folder above.
INCLUDING = {'README': 'index', 'CHANGES': 'changes', 'CONTRIBUTING': 'contributing'}


def link_pages(app, docname, source):
    """Let links to these files and to examples, which work in the repository, lead to the pages that show them."""
    link = rf'\]\(\.\./({"|".join(INCLUDING)})\.md(#[\w-]+)?\)'
    source[0] = re.sub(link, lambda found: f']({INCLUDING[found[1]]}.md)', source[0])
    source[0] = re.sub(r'\]\(\.\./workflows/(plot_\w+)\.py\)', r'](gallery/\1.rst)', source[0])


def describe_page(app, pagename, templatename, context, doctree):
    """Use the first paragraph of a page as its description, which search engines show."""
    # Not those of notes, such as the link to the download of an example.
    own = (each for each in doctree.findall(paragraph) if isinstance(each.parent, section)) if doctree else ()
    if first := next(iter(own), None):
        text = escape(' '.join(first.astext().split()))
        context['metatags'] = f'{context.get("metatags", "")}<meta name="description" content="{text}">'


def setup(app):
    """Register the replacement and the descriptions."""
    app.connect('source-read', link_pages)
    app.connect('html-page-context', describe_page)
