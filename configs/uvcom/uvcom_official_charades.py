# UVCOM on Charades-STA exactly as the official code runs it: see uvcom_official_qvhl.py; 75 clips at most, and windows
# rounded to 2 s although clips last 1 s.
_base_ = ['./uvcom_charades.py']
model = dict(
    encoder=dict(
        sampler=dict(exclude_same_video=False, padding='include'),
        word_positions='kept',
        encoder=dict(
            fusion=dict(to_video=dict(mask_layout='head_major'), to_text=dict(mask_layout='head_major')),
            sentence=dict(padding='include'),
            text_clusters=dict(padding='include'),
            video_clusters=dict(padding='include'),
            local=dict(padding='input'),
            relation=dict(padding='include'),
        ),
    ),
    query_initializer=dict(start='equal', slots=dict(padding='uniform')),
    criterion=dict(
        losses=dict(saliency_margin=dict(missing_low='zero'), clip_sentence=dict(windows='first', padding='include'))
    ),
    postprocessor=dict(scale='duration', clamp=(0, 150), round_to=2.0),
)
feature_spec = dict(max_clips=75)
_dataset = dict(pipeline=dict(targets=dict(grid='clip_len', short='preceding')))
train_dataloader = dict(dataset=_dataset)
val_dataloader = dict(dataset=_dataset)
test_dataloader = val_dataloader
