"""The Python interface: ask a video a question, get moments in seconds."""

from mmvmr.apis.answers import Answer, Answers, Moment
from mmvmr.apis.finder import EncodedVideo, MomentFinder
from mmvmr.apis.folders import EncodedFolder

__all__ = ['Answer', 'Answers', 'EncodedFolder', 'EncodedVideo', 'Moment', 'MomentFinder']
