"""Set-up before a runner is built: registration, distributed start, data roots."""

from __future__ import annotations

import copy
import datetime
import importlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import init_dist, is_distributed
from mmengine.registry import DefaultScope, init_default_scope

from mmvmr.utils.checkpoint import install_safe_loader
from mmvmr.utils.config import nested_dicts  # Config.fromfile reads the configs of mmvmr with this module
from mmvmr.utils.dependencies import require_mmcv
from mmvmr.utils.errors import UserError
from mmvmr.utils.paths import below

_MMENGINE_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')
_INFERENCE = ('datasets', 'models')


def register_all_modules(init_scope: bool = True) -> None:
    """Import everything that registers itself, and load checkpoints only in the safe way.

    Args:
        init_scope: Also make ``mmvmr`` the default scope, so that a config finds its types.

    Raises:
        ImportError: If mmcv is missing.
    """
    _import_registered(('engine', *_INFERENCE, 'evaluation.metrics', 'visualization'), init_scope)
    install_safe_loader()


def register_inference_modules() -> None:
    """Import what turns features into answers: models and data pipelines, nothing that trains, scores or draws.

    Raises:
        ImportError: If mmcv is missing.
    """
    _import_registered(_INFERENCE)


def _import_registered(packages: Sequence[str], init_scope: bool = True) -> None:
    require_mmcv()
    for name in packages:
        importlib.import_module(f'mmvmr.{name}')
    if init_scope and not DefaultScope.check_instance_created('mmvmr'):
        init_default_scope('mmvmr')


def setup_env(cfg: Config, launcher: str = 'none') -> None:
    """Prepare the process for ``Runner.from_cfg(cfg)``.

    Args:
        cfg: The config; changed in place (launcher, data roots, model wrapper).
        launcher: ``none``, ``pytorch`` (torchrun) or ``slurm``.

    Raises:
        UserError: If the process was not started by its launcher.
    """
    register_all_modules()
    if (needed := {'pytorch': 'RANK', 'slurm': 'SLURM_PROCID'}.get(launcher)) and needed not in os.environ:
        tool = 'torchrun or tools/dist_train.sh' if launcher == 'pytorch' else 'srun or tools/slurm_train.sh'
        raise UserError(f'--launcher {launcher}: {needed} is not set; processes of this launcher are started by {tool}')
    cfg.launcher = launcher
    apply_data_root(cfg)
    _drop_removed_hooks(cfg)
    if launcher != 'none':
        _set_wrapper(cfg)
    if launcher != 'none' and not torch.cuda.is_available():
        _init_gloo(launcher, cfg)
    elif launcher != 'none' and not is_distributed():
        # As the runner would, but earlier: processes agree on folders before it is built.
        init_dist(launcher, **(cfg.get('env_cfg') or {}).get('dist_cfg', {}), **_store_of_attempt())


def _drop_removed_hooks(cfg: Config) -> None:
    """Let None remove any hook: mmengine understands that for its own six names only."""
    hooks = cfg.get('default_hooks') or {}
    for name in [name for name, hook in hooks.items() if hook is None and name not in _MMENGINE_HOOKS]:
        del hooks[name]


def _store_of_attempt() -> dict[str, Any]:
    """Arguments of ``init_process_group`` after a restart by torchrun; none in a first attempt.

    torchrun keeps its store when it restarts the processes. In it they would find the addresses of those that are gone,
    and wait for them.
    """
    env = os.environ
    attempt = int(env.get('TORCHELASTIC_RESTART_COUNT', '0'))
    if attempt == 0 or env.get('TORCHELASTIC_USE_AGENT_STORE') != 'True':
        return {}
    store = torch.distributed.TCPStore(env['MASTER_ADDR'], int(env['MASTER_PORT']), is_master=False)
    prefixed = torch.distributed.PrefixStore(f'attempt_{attempt}', store)
    return {'store': prefixed, 'rank': int(env['RANK']), 'world_size': int(env['WORLD_SIZE'])}


def _init_gloo(launcher: str, cfg: Config) -> None:
    """Start the process group on CPUs: mmengine would call ``torch.cuda.set_device`` and force ``device_ids``."""
    if launcher == 'slurm':
        _environment_from_slurm()
    if not torch.distributed.is_initialized():
        seconds = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('timeout', 1800)
        limit = datetime.timedelta(seconds=seconds)
        torch.distributed.init_process_group('gloo', timeout=limit, **_store_of_attempt())


def _set_wrapper(cfg: Config) -> None:
    """Complete the options of DistributedDataParallel; those of the config go first.

    Raises:
        UserError: If the config asks for another wrapper, or for options that exclude each other.
    """
    wrapper = {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
        **(cfg.get('model_wrapper_cfg') or {}),
    }
    if wrapper['type'] != 'MMDistributedDataParallel':
        raise UserError(
            f'model_wrapper_cfg.type={wrapper["type"]!r}: expected MMDistributedDataParallel, the only wrapper under '
            'which clipping sees whole gradients and a checkpoint holds the whole state of the optimizer'
        )
    if wrapper.get('static_graph') and (cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1) > 1:
        raise UserError(
            'model_wrapper_cfg.static_graph=True and optim_wrapper.accumulative_counts > 1 exclude each other: torch '
            'learns the graph in the first step, in which no gradients are exchanged then; leave static_graph out'
        )
    if not torch.cuda.is_available():
        wrapper['device_ids'] = None
    cfg.model_wrapper_cfg = wrapper


def _environment_from_slurm() -> None:
    """Set the variables torchrun would set."""
    env = os.environ
    env['RANK'] = env['SLURM_PROCID']
    env['WORLD_SIZE'] = env['SLURM_NTASKS']
    env.setdefault('LOCAL_RANK', env.get('SLURM_LOCALID', '0'))
    env.setdefault('MASTER_PORT', '29500')
    if 'MASTER_ADDR' not in env:
        nodes = subprocess.run(
            ['scontrol', 'show', 'hostnames', env['SLURM_NODELIST']], capture_output=True, text=True, check=True
        )
        env['MASTER_ADDR'] = nodes.stdout.split()[0]


def apply_data_root(cfg: Config) -> None:
    """Push the top-level ``data_root`` and ``domain`` into every data set and evaluator that has the key.

    Configs write ``data_root=data_root`` into each data set, which Python evaluates once: without this,
    ``--cfg-options data_root=...`` would change the top-level name only.

    Args:
        cfg: The config; changed in place. Without these top-level keys nothing happens.
    """
    for key in ('data_root', 'domain'):
        value = cfg.get(key)
        if value is None:
            continue
        if key == 'data_root':
            value = os.path.expanduser(value)
        for split in ('train', 'val', 'test'):
            for part in ('dataloader', 'evaluator'):
                for _, node in nested_dicts(cfg.get(f'{split}_{part}')):
                    if key in node:
                        node[key] = value


def input_files(cfg: Config) -> set[Path]:
    """Files that a config reads: every file that one of its values names, by itself or below a root of data.

    Args:
        cfg: The config; a copy gets the data root.
    """
    cfg = copy.deepcopy(cfg)
    apply_data_root(cfg)
    content = cfg.to_dict()
    nodes = [node for _, node in nested_dicts(content)]
    roots = {'', *(node['data_root'] for node in nodes if isinstance(node.get('data_root'), str))}
    values = (value for node in nodes for entry in node.values() for value in _listed(entry) if isinstance(value, str))
    return {path for value in values for root in roots if os.path.isfile(path := below(root, value))}


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [value]


def check_data_roots(cfg: Config) -> None:
    """Make sure that the folders of the data are there, before anything is built.

    Args:
        cfg: The config, after :func:`apply_data_root`.

    Raises:
        FileNotFoundError: If one is absent; the message says what to do.
    """
    nodes = (node for split in ('train', 'val', 'test') for _, node in nested_dicts(cfg.get(f'{split}_dataloader')))
    for root in sorted({root for node in nodes if isinstance(root := node.get('data_root'), str) and root}):
        if not below(root).is_dir():
            raise FileNotFoundError(
                f'data_root {root!r}: there is no such folder ({below(root).absolute()}). Give yours with '
                '--cfg-options data_root=FOLDER; docs/user_guides/data.md says what it holds, and how surrogate '
                'features try a config without the real ones (tools/dataset_converters/make_surrogate_features.py)'
            )
