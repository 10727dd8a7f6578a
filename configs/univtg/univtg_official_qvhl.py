# UniVTG on QVHighlights exactly as the official code runs it: points half a clip late (half the clip length in seconds is
# added to the number of a clip), convolutions that read padding, the loss within a video also across the batch, positions
# multiplied with the annotated duration, the cosine of highlight scores in half precision.
_base_ = ['./univtg_qvhl.py']
model = dict(
    point_generator=dict(offset=1.0),
    point_head=dict(tower=dict(padding='keep')),
    saliency_head=dict(half=True),
    criterion=dict(losses=dict(clip_intra=dict(directions=('clips', 'batch')))),
    postprocessor=dict(scale='duration'),
)
