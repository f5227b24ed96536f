# SPDX-License-Identifier: BSD-3-Clause
"""Logs of failed runs: the first line is the reason, the traceback follows if there is one. Also citations."""

from pathlib import Path

from ..bids.manifest import name_manifest
from ..files.atomic import copy_content, create_folder, has_content, write_atomically
from ..model.references import BIBLIOGRAPHY

#: Folder of the logs in the dataset.
FOLDER = 'logs'


def name_log(run_name, desc=None):
    """Return the path of the log of a run within the dataset of derivatives; its name is that of the manifest."""
    return f'{FOLDER}/{Path(name_manifest(run_name, desc)).stem}.txt'


def write_log(path, reason, details=''):
    """Write why a run failed."""
    create_folder(path.parent)
    with write_atomically(path) as partial:
        partial.write_text(f'{" ".join(reason.split())}\n{details}', encoding='utf-8')


def read_reason(path):
    """Return why a run failed, None if it has no log."""
    try:
        with path.open(encoding='utf-8', errors='replace') as stream:
            return stream.readline().strip()
    except FileNotFoundError:
        return None


def write_citation(out, methods, desc=None):
    """Write the methods boilerplate, with keys of citations for Pandoc, and the bibliography, as fMRIPrep does."""
    text = f'{methods.strip()}\n\n### References\n'
    names = {f'CITATION{f"_desc-{desc}" if desc else ""}.md': text.encode(), 'CITATION.bib': BIBLIOGRAPHY.read_bytes()}
    create_folder(out / FOLDER)
    for name, content in names.items():
        path = out / FOLDER / name
        if not has_content(path, content):
            with write_atomically(path) as partial:
                copy_content(content, partial)
