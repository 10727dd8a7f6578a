# EaTR on QVHighlights exactly as the official code runs it: padding takes part in slots, sentences and the threshold of
# pseudo events, one list of boundaries for the whole batch, windows clamped to 150 s whatever the duration, highlight
# scores in half precision.
_base_ = ['./eatr_qvhl.py']
model = dict(
    encoder=dict(pool='padded', events=dict(scope='batch')),
    query_initializer=dict(padding='uniform'),
    postprocessor=dict(scale='duration', clamp=(0, 150), half_saliency=True),
)
val_dataloader = dict(batch_size=50)
test_dataloader = val_dataloader
