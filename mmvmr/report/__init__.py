"""HTML pages that show moments on their videos; one file each, without server and network."""

from mmvmr.report.page import Page, PageAnswer, PageQuery, PageVideo, write_page
from mmvmr.report.predictions import write_prediction_report
from mmvmr.report.sources import answer_page, write_answer_report

__all__ = [
    'Page',
    'PageAnswer',
    'PageQuery',
    'PageVideo',
    'answer_page',
    'write_answer_report',
    'write_page',
    'write_prediction_report',
]
