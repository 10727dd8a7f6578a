"""Settings of the documentation site; ``make docs`` builds it.

The source folder is the top of the checkout, so that README files of methods and projects are pages of the site and
links between them and the guides mean the same here as in an editor or on a code host.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')

project = 'mmvmr'
author = 'the authors of mmvmr'
copyright = author
extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx_copybutton',
    'site_pages',
]

root_doc = 'docs/index'
include_patterns = ['*.md', 'docs/**', 'configs/*/README.md', 'projects/*/README.md']
exclude_patterns = ['docs/images/README.md', 'docs/site', '.*', 'mmvmr', 'tests', 'tools', 'work_dirs', 'data', 'build']
html_extra_path = ['index.html']

myst_enable_extensions = ['colon_fence']
myst_heading_anchors = 4

# Everything stands where it is defined: names that a module hands on (`__all__`) are not described twice.
autodoc_default_options = {
    'members': True,
    'ignore-module-all': True,
    'show-inheritance': True,
    'member-order': 'bysource',
}
# Small helper types of one name in two modules (Place, Split) are told apart by their modules, not by annotations.
suppress_warnings = ['ref.python']
autodoc_typehints_format = 'short'
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = 'furo'
html_title = 'mmvmr'
html_static_path = ['method.css']
html_css_files = ['method.css']
html_copy_source = False
toc_object_entries = False
