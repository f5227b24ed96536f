# SPDX-License-Identifier: BSD-3-Clause
"""Files of TemplateFlow, by its client; nothing else imports the client."""

import os
import warnings
from contextlib import nullcontext

from ..files.locks import locked
from ..files.paths import expand
from ..model.errors import INSTALL, LabelsError

#: Names that the client has for entities; it takes the others, and numbers, as they are in file names.
_ARGUMENTS = {'res': 'resolution', 'den': 'density', 'seg': 'segmentation', 'tpl': 'template'}

#: All entities that the client distinguishes.
_ENTITIES = ('cohort', 'res', 'den', 'atlas', 'seg', 'scale', 'roi', 'label', 'desc', 'space', 'hemi')


class Archive:
    """TemplateFlow's folder: all names are in it, contents are downloaded when needed.

    ``settings`` are those of ``templateflow.TemplateFlowClient``.
    """

    def __init__(self, home=None, **settings):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', ResourceWarning)  # says that the folder is new
                from templateflow import TemplateFlowClient
            self._client = TemplateFlowClient(root=home and expand(home).absolute(), **settings)
            self._client.cache.ensure()
        except ImportError as e:
            raise LabelsError(f'TemplateFlow is not installed. Run: {INSTALL % "templateflow"}') from e
        except OSError as e:
            where = f'{e.filename}: {e.strerror}'
            raise LabelsError(f'the folder of TemplateFlow cannot be used ({where}). Set TEMPLATEFLOW_HOME') from e
        self.root = self._client.cache.config.root

    def fetch(self, file):
        """Download the content of a File unless it exists; jobs that need one file wait for one another."""
        path = self.root / file.path
        with locked(self.root / '.nipype_labels.lock') if os.access(self.root, os.W_OK) else nullcontext():
            if not path.is_file() or not path.stat().st_size:
                self._download(file, path)

    def _download(self, file, path):
        """Let the client download what has the entities of a file."""
        given = {key: label for key, label in file.entities.items() if key in _ENTITIES}
        given |= {key: int(given[key]) for key in ('cohort', 'res') if key in given}
        wanted = {_ARGUMENTS.get(key, key): given.get(key) for key in _ENTITIES}
        wanted |= {'suffix': file.suffix, 'extension': file.extension}
        try:
            self._client.get(file.entities['tpl'], **wanted)
        except (OSError, RuntimeError) as e:
            reason = str(e) if isinstance(e, RuntimeError) else getattr(e, 'strerror', None) or 'no connection'
            shown = {key: value for key, value in wanted.items() if value is not None and key != 'resolution'}
            shown.pop('extension')
            arguments = ''.join(f', {key}={value!r}' for key, value in shown.items())
            raise LabelsError(
                f'{path} has not been downloaded yet, and downloading it failed: {" ".join(reason.split())}. '
                f'Where the network is available, run: python -c "from templateflow.api import get; '
                f'get({file.entities["tpl"]!r}{arguments})". For computers without network, copy the folder '
                f'{self.root} and set TEMPLATEFLOW_HOME to the copy'
            ) from e
