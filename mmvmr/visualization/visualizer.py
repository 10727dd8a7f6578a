"""The registered visualizer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import master_only
from mmengine.visualization import Visualizer

from mmvmr.registry import VISUALIZERS
from mmvmr.visualization.figures import draw_moments, moments_of


@VISUALIZERS.register_module()
class MomentVisualizer(Visualizer):
    """Writes scalars to its backends and draws predicted against true moments.

    Args:
        name: Name of the instance.
        vis_backends: Named backends, e.g. ``dict(local=dict(type='LocalVisBackend'), tensorboard=None)``; None
            removes an entry. A list, as mmengine has it, is accepted too, but a child config cannot extend a list.
        **kwargs: As for ``mmengine.visualization.Visualizer``.
    """

    def __init__(self, name: str = 'visualizer', vis_backends: Any = None, **kwargs: Any) -> None:
        if isinstance(vis_backends, dict) and 'type' not in vis_backends:
            vis_backends = [dict(backend) for backend in vis_backends.values() if backend]
        super().__init__(name, vis_backends=vis_backends, **kwargs)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray | None = None,
        data_sample: Any = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: int = 0,
        step: int = 0,
    ) -> None:
        """Draw one query and pass the image to every backend.

        Args:
            name: Name of the image.
            image: Unused; part of mmengine's interface.
            data_sample: A :class:`mmvmr.structures.MomentDataSample` with predictions.
            draw_gt: Draw the true moments.
            draw_pred: Draw the predictions.
            show: Open a window.
            wait_time: Seconds the window stays; 0 = until it is closed.
            step: Step under which backends file the image.
        """
        item = moments_of(data_sample.cpu())
        if not draw_gt:
            item.true = []
        if not draw_pred:
            item.predicted, item.scores, item.saliency = [], [], None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'moments.png'
            draw_moments([item], path)
            from matplotlib.image import imread

            drawn = (imread(path)[..., :3] * 255).astype(np.uint8)
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        self.add_image(name, drawn, step)
