# SnAG on TACoS exactly as the official code runs it: positional encodings of videos longer than 2304 clips are
# stretched to the padded length, so that they depend on the padding.
_base_ = ['./snag_tacos.py']
model = dict(encoder=dict(video=dict(position='padded')))
