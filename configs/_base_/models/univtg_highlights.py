# UniVTG where clips are labelled and no moments are: the point of every clip learns its label, distances learn nothing.
_base_ = ['./univtg.py']
model = dict(
    criterion=dict(
        assigner=None,
        losses=dict(
            foreground=dict(_delete_=True, type='ClipForegroundLoss', weight=10.0, background_weight=0.1),
            span=None,
            giou=None,
        ),
    )
)
