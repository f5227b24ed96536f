# SPDX-License-Identifier: BSD-3-Clause
"""The description for package indexes: the README without its pictures and links into the repository.

Package indexes show the README alone. All other settings are in pyproject.toml and setup.cfg.
"""

import re
from pathlib import Path

from setuptools import setup

text = Path(__file__).with_name('README.md').read_text(encoding='utf-8')
text = re.sub(r'!\[[^]]*\]\((?!https:)[^)]*\)\n\n', '', text)
setup(
    long_description=re.sub(r'\[([^]]*)\]\((?!https:)([^)]*)\)', r'\1 (`\2`)', text),
    long_description_content_type='text/markdown',
)
