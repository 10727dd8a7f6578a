# SnAG on Ego4D natural language queries (EgoVLP), as the official options have it: every second vector of 32 frames every
# 8, words as they come.
_base_ = ['./snag_nlq.py']
model = dict(
    shared=dict(embed_dims=384, text_embed_dims=768),
    encoder=dict(text=dict(_delete_=True, type='MeanTextToken')),
)
feature_spec = dict(streams=dict(slowfast=None, egovlp=dict(dim=256, normalise='none')), clip_len=8 / 30)
stores = dict(
    egovlp=dict(type='FolderStore', folder='egovlp_features/video', template='{vid}.npy'),
    text=dict(folder='egovlp_features/text/token_768d'),
)
_dataset = dict(pipeline=dict(load=dict(step=2)))
train_dataloader = dict(sampler=dict(epochs=7, step=2), dataset=_dataset)
val_dataloader = dict(dataset=_dataset)
test_dataloader = dict(dataset=_dataset)
train_cfg = dict(max_epochs=7)
