"""Losses on candidate moments and relations: two processes over gloo have those of one process with the joint batch."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from run_helpers import in_two_processes

from mmvmr.models import MomentToSentenceLoss, ProposalHead, ProposalIoULoss, SentenceToMomentLoss
from mmvmr.models.losses.injection_losses import relation
from mmvmr.structures import Features, JointSpace, Memory, MomentTargets, Outputs, Proposals, Tokens, to_center_width

pytestmark = pytest.mark.slow

#: Video of every sentence; process 0 has videos 0 and 1 with four sentences, process 1 has video 2 with two.
ROWS = torch.tensor([0, 0, 0, 1, 2, 2])
PARTS = [(slice(0, 2), slice(0, 4)), (slice(2, 3), slice(4, 6))]
WINDOWS = torch.tensor([[0.1, 0.5], [0.12, 0.5], [0.6, 0.9], [0.0, 0.3], [0.45, 0.9], [0.5, 0.9]])
WITH_MOMENT = torch.tensor([True, True, False, True, True, True])
LOSSES = {
    'iou': ProposalIoULoss(0.3, 0.7),
    'vid': MomentToSentenceLoss(top_k=2),
    'sent': SentenceToMomentLoss(top_k=2),
    'zero': SentenceToMomentLoss(removed='zero'),
}


def compute(videos=slice(None), sentences=slice(None)):
    """Losses of a part of the batch, and the gradients of its moments and sentences."""
    generator = torch.Generator().manual_seed(0)
    moments = torch.randn(3, 10, 4, generator=generator)[videos].clone().requires_grad_()
    words = torch.randn(6, 4, generator=generator)[sentences].clone().requires_grad_()
    cells = torch.ones(4, 4).triu().nonzero()
    spans = to_center_width((cells + torch.tensor([0, 1])) / 4).expand(len(moments), -1, -1)
    rows = ROWS[sentences] - ROWS[sentences].min()
    space = JointSpace(moments, words)
    clips = Tokens(torch.zeros(len(moments), 4, 1), torch.ones(len(moments), 4).bool())
    memory = Memory(clips, clips, proposals=Proposals(spans, space, space))
    outputs = Outputs(Features(clips, clips, rows=rows), memory, None, None, ProposalHead()(memory, rows))
    none = torch.zeros(len(rows), 4)
    targets = MomentTargets(
        to_center_width(WINDOWS[sentences]).unsqueeze(1),
        WITH_MOMENT[sentences].unsqueeze(1),
        none,
        none > 1,
        torch.full((len(rows), 2, 1), -1),
        none < 1,
        rows,
        ['main'] * len(rows),
    )
    found = {}
    for name, loss in LOSSES.items():
        value = loss(outputs, targets)
        gradients = torch.autograd.grad(value, (moments, words), retain_graph=True)
        found[name] = (value.detach(), *gradients)
    # The relation between videos and sentences of VDI, here between two halves of the sentences' channels.
    for distance in ('mse', 'kl'):
        value = relation(words[:, :2], words[:, 2:], WITH_MOMENT[sentences], distance, 0.5)
        (gradient,) = torch.autograd.grad(value, words, retain_graph=True)
        found[distance] = (value.detach(), torch.zeros_like(moments), gradient)
    return found


def worker(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    torch.save(compute(*PARTS[rank]), Path(folder) / f'{rank}.pt')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def processes(tmp_path_factory):
    """What two processes found."""
    folder = tmp_path_factory.mktemp('gloo')
    return in_two_processes(worker, folder)


@pytest.mark.parametrize('name', [*LOSSES, 'mse', 'kl'])
def test_two_processes_equal_one(processes, name):
    value, moments, words = compute()[name]
    first, second = (part[name] for part in processes)
    torch.testing.assert_close((first[0] + second[0]) / 2, value)
    # Gradients are averaged over processes, and each of them holds its own features.
    for own, joint in ((torch.cat((first[1], second[1])), moments), (torch.cat((first[2], second[2])), words)):
        torch.testing.assert_close(own / 2, joint)
    assert not torch.isclose(first[0], second[0], rtol=1e-2), 'not a comparison between equal halves'
