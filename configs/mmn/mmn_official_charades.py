# MMN on Charades-STA exactly as the official code runs it: overlapping candidates of the same video add exp(0) each to
# the denominator of the sentence's loss, and the last clip of a video is left out.
_base_ = ['./mmn_charades.py']
model = dict(projector=dict(last='excluded'), criterion=dict(losses=dict(sent=dict(removed='zero'))))
