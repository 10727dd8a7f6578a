"""The gated fusion of EaTR."""

from __future__ import annotations

from torch import Tensor, nn

from mmvmr.models.layers import Dropout, MultiheadAttention, sentence_token
from mmvmr.registry import MODELS
from mmvmr.structures import Memory


@MODELS.register_module()
class GatedFusion(nn.Module):
    """Bring the sentence into the queries, more into those that it describes (EaTR, section 3.3).

    ``a = cross(C, s)``, ``u = self(C + a)``, ``C <- norm(ReLU(W(sigmoid(C * a) * u)) + C)``. The sentence being the
    only key, every query attends to the same projection of it. Encoders without a sentence token offer a mean instead,
    see :func:`sentence_token`.

    Args:
        embed_dims: Channels D.
        dropout: Dropout of the update.
        attn_dropout: Dropout on the attention weights, 0.1 in the official code whatever the rest of the model has.
    """

    def __init__(self, embed_dims: int, dropout: float = 0.1, attn_dropout: float = 0.1):
        super().__init__()
        self.cross_attn = MultiheadAttention(embed_dims, 1, attn_dropout)
        self.self_attn = MultiheadAttention(embed_dims, 1, attn_dropout)
        self.linear = nn.Linear(embed_dims, embed_dims)
        self.norm = nn.LayerNorm(embed_dims)
        self.dropout = Dropout(dropout)

    def forward(
        self, content: Tensor, memory: Memory, anchors: Tensor | None, attn_mask: Tensor | None = None
    ) -> Tensor:
        """Fuse the content (B, N, D) with the memory; anchors are unused."""
        sentence = sentence_token(memory).unsqueeze(1)
        read = self.cross_attn(content, sentence, sentence)
        mixed = content + read
        gated = (content * read).sigmoid() * self.self_attn(mixed, mixed, mixed, attn_mask)
        return self.norm(self.dropout(self.linear(gated).relu()) + content)
