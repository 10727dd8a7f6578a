"""UVCOM, https://github.com/EasonXiao-888/UVCOM."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.conversion.detr_family import SALIENCY
from mmvmr.conversion.methods.uvcom import METHOD
from mmvmr.models.losses import ClipSentenceLoss
from mmvmr.models.projectors.linear_projector import TEF_DIMS
from mmvmr.structures import Features, Memory, Outputs, Similarities
from parity.methods import detr_family as family
from parity.model import at_epoch
from parity.recording import Case, Recording, Tensors, below, load_arrays, read_inputs, split_indices, targets_of


def _inputs(folder: Path) -> Tensors:
    """The recorded inputs as a preprocessed batch: here the endpoint features of the clips serve video and audio."""
    inputs, arrays = read_inputs(folder), load_arrays(folder / 'inputs.npz')
    if 'src_aud' in arrays:
        (sight, tef), (sound, again) = (
            (arrays[name][..., :-TEF_DIMS], arrays[name][..., -TEF_DIMS:]) for name in ('src_vid', 'src_aud')
        )
        if not torch.equal(tef, again):
            raise ValueError(
                f'{folder}/inputs.npz: the last {TEF_DIMS} channels of src_vid and src_aud differ, expected the '
                'temporal endpoint features of the clips behind both'
            )
        inputs['video'] = torch.cat((sight, sound, tef), dim=-1)
    return inputs


def _one_pass(model: nn.Module, features: Features, number: int) -> Tensors:
    """What the official module CIM computes in its first or second pass, under the names of the recording."""
    inner = model.encoder.encoder
    parts = {name: getattr(inner, name) for name in ('text_clusters', 'video_clusters', 'local', 'relation', 'layers')}
    parts.update(fusion=inner.fusion, words=inner.sentence.norm, slots=model.query_initializer.slots)
    memory = inner(features)
    decoded = model.decoder(model.query_initializer(memory), memory)
    caught = family.outputs_while(lambda: model.query_initializer(inner(features)), parts)
    fused, suffix = caught['fusion'], f'@{number}' if number else ''
    return {
        f'inter.hook/CIM.t2v_encoder{suffix}': _sequence_first(fused.video.feat, features.text.feat),
        f'inter.hook/CIM.v2t_encoder{suffix}': _sequence_first(features.video.feat, fused.text.feat),
        f'inter.hook/CIM.feature_proj{suffix}': _sequence_first(caught['words']),
        f'inter.hook/CIM.conv_local{suffix}': caught['local'].transpose(1, 2),
        f'inter.hook/CIM.GKA_Module{suffix}': _sequence_first(caught['layers']),
        f'inter.hook/CIM.processer_for_tgt{suffix}': caught['slots'],
        f'inter.hook/CIM{suffix}:0': decoded.hidden,
        f'inter.hook/CIM{suffix}:1': decoded.refined,
        f'inter.hook/CIM{suffix}:2': memory.video.feat,
        f'inter.hook/CIM{suffix}:3': memory.global_token,
        f'inter.fn/EM_RBF@{2 * number}': caught['text_clusters'],
        f'inter.fn/EM_RBF@{2 * number + 1}': caught['video_clusters'],
        f'inter.fn/BMRW@{number}': caught['relation'],  # the relation is either of the two
        f'inter.hook/CIM.moment_fusion{suffix}': _sequence_first(caught['relation']),
    }


def _sequence_first(*parts: Tensor) -> Tensor:
    return torch.cat(parts, dim=1).transpose(0, 1)


def _similarities(model: nn.Module, memory: Memory, mask: Tensor) -> Tensors:
    similarity = memory.extra(Similarities, 'parity')
    sentence = similarity.sentence
    return {
        'sim.VLA_Sim': similarity.video @ sentence.t(),
        'sim.CTA_Sim_0': (similarity.clips @ sentence.unsqueeze(-1)).squeeze(-1),
        'sim.CTA_Sim_1': mask,
        'sim.negative_idx': model.encoder.sampler.choose(memory, _no_targets(mask))[0],
    }


def _no_targets(mask: Tensor) -> Any:
    count = torch.zeros(len(mask), dtype=torch.long)
    return targets_of({'spans_cat': torch.zeros(0, 2), 'spans_count': count}, mask)


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    features, memory, mask = outputs.features, outputs.memory, inputs['video_mask']
    text, _ = model.encoder.negatives(features, _no_targets(mask), memory)
    return {
        **family.prediction_arrays(outputs),
        **_similarities(model, memory, mask),
        'saliency_scores_neg': outputs.negative_saliency,
        'video_mask': mask.float(),
        'inter.hook/input_vid_proj': features.video.feat,
        'inter.hook/input_txt_proj': features.text.feat,
        'inter.hook/position_embed': features.video.position(),
        **_one_pass(model, features, 0),
        **_one_pass(model, dataclasses.replace(features, text=text), 1),
    }


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    losses = family.family_losses(terms, SALIENCY)
    if 'video_sentence' in terms:
        losses['loss_sim'] = 0.5 * (terms['video_sentence'][1] + terms['clip_sentence'][1])
    return losses


def _outputs(recorded: Tensors) -> Tensors:
    """Recorded outputs with intermediates marked as such; the unused token in front of both fusions is left out."""
    named = {}
    for name, value in recorded.items():
        if name.startswith(('hook/CIM.t2v_encoder', 'hook/CIM.v2t_encoder')):
            value = value[1:]
        named[f'inter.{name}' if name.startswith(('hook/', 'fn/')) else name] = value
    return named


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    outputs, recorded = load_arrays(folder / 'outputs.npz'), load_arrays(folder / 'losses.npz')
    variants = ('hl/', 'neg1/', 'late/', 'gt_clip_intra')
    losses, indices = split_indices({k: v for k, v in recorded.items() if not k.startswith(variants)})
    late, early = at_epoch(config['args']['neg_choose_epoch']), at_epoch(0)
    cases = [
        Case('', _outputs(below(outputs, 'early/')), losses, indices, prepare=early),
        Case('_late', _outputs(below(outputs, 'late/')), below(recorded, 'late/'), prepare=late),
        Case('_hl', losses=below(recorded, 'hl/'), options={'dset_name': 'tvsum'}, prepare=early),
    ]
    without = below(recorded, 'neg1/')
    if without:
        arrays = load_arrays(folder / 'targets.npz')
        pairs = torch.stack((arrays['saliency_pos_labels'], arrays['saliency_neg_labels']), dim=1)
        pairs[0, 1, 1] = -1
        cases.append(Case('_neg1', losses=without, targets={'pairs': pairs}, prepare=early))
    return [case for case in cases if case.outputs or case.losses]


def _extra(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Tensors, Tensors]]:
    """The targets of the clip loss."""
    recorded = load_arrays(folder / 'losses.npz')
    if 'gt_clip_intra' in recorded:
        mask = load_arrays(folder / 'inputs.npz')['src_vid_mask'].bool()
        targets = targets_of(load_arrays(folder / 'targets.npz'), mask)
        ours = ClipSentenceLoss(windows='first').moment_clips(targets).float()
        yield 'clip targets', {'gt_clip_intra': ours}, {'gt_clip_intra': recorded['gt_clip_intra']}


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    cases=_cases,
    extra=_extra,
    inputs=_inputs,
)
