"""Models as ONNX files, which onnxruntime runs: the stages are in the file, padding and post-processing stay here."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models import MomentDetector, PointDetector
from mmvmr.registry import MODELS
from mmvmr.structures import FeatureSpec, MomentDataSample, Outputs, PredictionSet
from mmvmr.utils.dependencies import require

_INPUTS = ('video', 'video_mask', 'text', 'text_mask')
#: Key of the metadata of a file that holds :func:`mmvmr.utils.inference_meta.inference_meta` as JSON.
META_KEY = 'mmvmr'
_INSTALL = 'pip install onnxruntime onnxscript'


class _Stages(nn.Module):
    """The stages of a detector as a function of tensors, returning tensors.

    Args:
        model: The detector.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Spans, and of logits, quality and saliency those that the model has."""
        return tuple(_tensors(self.model.predict_sets(dict(zip(_INPUTS, inputs)))).values())


def _tensors(outputs: Outputs) -> dict[str, Tensor]:
    final = outputs.final
    values = {'logits': final.logits, 'quality': final.quality, 'saliency': outputs.saliency}
    return {'spans': final.spans, **{name: value for name, value in values.items() if value is not None}}


class OnnxDetector(nn.Module):
    """A detector whose stages run in onnxruntime on the CPU.

    Args:
        path: The file.
        entry: What :func:`mmvmr.utils.inference_meta.inference_meta` returned.
        session: The session of onnxruntime.
    """

    def __init__(self, path: Path, entry: Mapping[str, Any], session: Any) -> None:
        super().__init__()
        model = entry['model']
        self.path, self.session = path, session
        self.data_preprocessor = MODELS.build(model.get('data_preprocessor') or {'type': 'MomentDataPreprocessor'})
        self.postprocessor = MODELS.build(model.get('postprocessor') or {'type': 'MomentPostProcessor'})

    def test_step(self, data: dict[str, Any]) -> list[MomentDataSample]:
        """Predict a collated batch."""
        batch = self.data_preprocessor(data, False)
        inputs = dict(batch['inputs'])
        if (index := inputs.pop('video_index', None)) is not None:
            inputs.update(video=inputs['video'][index], video_mask=inputs['video_mask'][index])
        return self.postprocessor(self.predict_sets(inputs), batch['data_samples'])

    def predict_sets(self, inputs: Mapping[str, Tensor]) -> Outputs:
        """Run all stages; arguments as of :meth:`mmvmr.models.BaseDetector.predict_sets`."""
        names = [output.name for output in self.session.get_outputs()]
        arrays = self.session.run(names, {name: inputs[name].numpy(force=True) for name in _INPUTS})
        values = {name: torch.from_numpy(array) for name, array in zip(names, arrays)}
        saliency = values.pop('saliency', None)
        final = PredictionSet('direct', values.pop('spans'), final=True, **values)
        return Outputs(None, None, None, None, [final], saliency)  # type: ignore[arg-type]  # nothing reads the stages


def read_onnx(path: str | os.PathLike[str]) -> tuple[dict[str, Any], OnnxDetector]:
    """Open a file that :func:`export_onnx` wrote.

    Args:
        path: The file.

    Returns:
        The description of the model, and the model.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If onnxruntime is not installed.
        ValueError: If the file is damaged or of another program.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: no such file')
    ort = require('onnxruntime', str(path), 'pip install onnxruntime')
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    try:
        session = ort.InferenceSession(os.fspath(path), options, providers=['CPUExecutionProvider'])
    except Exception as error:  # the errors of onnxruntime derive from Exception directly
        raise ValueError(f'{path}: onnxruntime cannot open it: {str(error).splitlines()[0]}') from error
    text = session.get_modelmeta().custom_metadata_map.get(META_KEY)
    if text is None:
        raise ValueError(f'{path}: not written by `mmvmr export`: its metadata have no {META_KEY!r}')
    entry = json.loads(text)
    return entry, OnnxDetector(Path(path), entry, session)


def export_onnx(model: nn.Module, entry: Mapping[str, Any], target: Path, int8: bool = False) -> float:
    """Write a detector as an ONNX file with dynamic numbers of pairs, clips and text tokens.

    Args:
        model: The detector on the CPU, in eval mode.
        entry: What :func:`mmvmr.utils.inference_meta.inference_meta` returned of it.
        target: The file.
        int8: Matrix products in 8 bits, activations scaled as they come (dynamic quantisation).

    Returns:
        Largest difference of an output from that of torch, on random inputs of other sizes than those exported.

    Raises:
        ImportError: If a package is missing.
        ValueError: If the model has parts that are not a function of tensors, or computes something else in ONNX.
    """
    require('onnxruntime', 'mmvmr export', _INSTALL)
    require('onnxscript', 'mmvmr export', _INSTALL)
    if not isinstance(model, (MomentDetector, PointDetector)) or getattr(model, 'late', False) or model.existence_head:
        raise ValueError(
            f'{entry["name"]}: only models of one pass per sentence are exported; those that encode a video once '
            '(SnAG, MMN), without training or with an existence head run in torch'
        )
    spec = FeatureSpec.from_dict(entry['feature_spec'])
    dims = spec.video_dim, spec.text_dim
    pair, clip, token = (torch.export.Dim(name, min=2) for name in ('pairs', 'clips', 'tokens'))
    shapes = [{0: pair, 1: clip}] * 2 + [{0: pair, 1: token}] * 2
    example = random_inputs(dims, 3, 32, 11)
    names = list(_tensors(model.predict_sets(dict(zip(_INPUTS, example)))))
    with torch.no_grad(), _silence():
        program = torch.onnx.export(
            _Stages(model), example, dynamo=True, dynamic_shapes=(tuple(shapes),), input_names=list(_INPUTS),
            output_names=names, verbose=False,
        )  # fmt: skip
    program.model.metadata_props[META_KEY] = json.dumps(entry)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / 'model.onnx'
        program.save(made, external_data=False)
        if int8:
            from onnxruntime.quantization import QuantType, quantize_dynamic

            made = Path(folder) / 'int8.onnx'
            with _silence():
                quantize_dynamic(Path(folder) / 'model.onnx', made, weight_type=QuantType.QInt8)
        _, exported = read_onnx(made)
        other = dict(zip(_INPUTS, random_inputs(dims, 2, 24, 7)))
        with torch.inference_mode():
            pairs = zip(_tensors(model.predict_sets(other)).values(), _tensors(exported.predict_sets(other)).values())
        largest = max(float((a - b).abs().max()) for a, b in pairs)
        if not int8 and not largest < 1e-3:
            raise ValueError(f'{entry["name"]}: the exported model differs from that of torch by {largest:.2g}')
        os.replace(made, target)
    return largest


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """No warnings about the insides of torch and onnx."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(logging.NOTSET)


def random_inputs(dims: tuple[int, int], pairs: int, clips: int, tokens: int) -> tuple[Tensor, ...]:
    """Random inputs of a detector in the order of an exported model; the last video and sentence are shorter.

    Args:
        dims: Channels of clips and of text tokens.
        pairs: Number of pairs.
        clips: Of the longest video.
        tokens: Of the longest sentence.
    """
    generator, inputs = torch.Generator().manual_seed(0), []
    for length, channels in zip((clips, tokens), dims):
        mask = torch.ones(pairs, length, dtype=torch.bool)
        mask[-1, -2:] = False
        inputs += [torch.randn(pairs, length, channels, generator=generator) * mask.unsqueeze(-1), mask]
    return tuple(inputs)
