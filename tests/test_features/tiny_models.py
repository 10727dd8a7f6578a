"""Random checkpoints in the real formats, small enough to be made by a test."""

from __future__ import annotations

import json

import torch

TOKENS, VISION = 16, 20
PROJECTED = 12


def write_clip(folder, image=32, projected=PROJECTED):
    """A CLIP with tokenizer and image processor, as ``save_pretrained`` writes it."""
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,'!?"
    vocabulary = [*letters, *(f'{c}</w>' for c in letters), 'th', 'the</w>', '<|startoftext|>', '<|endoftext|>']
    (folder / 'vocab.json').write_text(json.dumps({word: i for i, word in enumerate(vocabulary)}))
    (folder / 'merges.txt').write_text('#version: 0.2\nt h\nth e</w>\n')
    tokenizer = transformers.CLIPTokenizer(str(folder / 'vocab.json'), str(folder / 'merges.txt'), model_max_length=24)
    tokenizer.save_pretrained(folder)
    sizes = dict(intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, projection_dim=projected)
    end = len(vocabulary) - 1
    torch.manual_seed(0)
    config = transformers.CLIPConfig(
        text_config=dict(
            hidden_size=TOKENS,
            vocab_size=len(vocabulary),
            max_position_embeddings=24,
            bos_token_id=end - 1,
            eos_token_id=end,
            pad_token_id=end,
            **sizes,
        ),
        vision_config=dict(hidden_size=VISION, image_size=image, patch_size=image // 4, **sizes),
        projection_dim=projected,
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    crop = {'height': image, 'width': image}
    processor = {'image_processor_type': 'CLIPImageProcessor', 'size': {'shortest_edge': image}, 'crop_size': crop}
    (folder / 'preprocessor_config.json').write_text(json.dumps(processor))
    return folder


def write_bert(folder, dim=TOKENS):
    """A BERT with its tokenizer, as sentence-transformers checkpoints have them."""
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *'abcdefghijklmnopqrstuvwxyz', 'the', 'door', '##s', '.']
    (folder / 'vocab.txt').write_text('\n'.join(words))
    transformers.BertTokenizer(str(folder / 'vocab.txt'), model_max_length=20).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=dim,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=20,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder
