# UVCOM on QVHighlights exactly as the official code runs it: word and clip masks laid out head by head, padding inside
# means, clusters, random walk and convolutions, slots that start equal and stay so, negatives that may be the sample's
# own sentence, clip targets from the first window alone, windows clamped to 150 s.
_base_ = ['./uvcom_qvhl.py']
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
    postprocessor=dict(scale='duration', clamp=(0, 150)),
)
