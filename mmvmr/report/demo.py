"""A page in the browser that asks videos; the answers are shown by the report page."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mmvmr.report.page import render_page
from mmvmr.report.sources import answer_page
from mmvmr.utils.dependencies import require
from mmvmr.utils.errors import describe

if TYPE_CHECKING:
    from mmvmr.apis import Answers, MomentFinder

#: What a wrong video, sentence or model raises.
_MISTAKES = (ImportError, OSError, RuntimeError, ValueError)
FORMATS = ('jsonl', 'csv', 'srt', 'vtt', 'edl', 'chapters', 'clips')


def build_demo(finder: MomentFinder, videos: Mapping[str, Path], folder: Path) -> Any:
    """Build the page.

    Args:
        finder: The model that answers.
        videos: Name to file of the videos that can be chosen; none leaves uploads only.
        folder: Folder for the files that are exported.

    Returns:
        The ``gradio.Blocks``.

    Raises:
        ImportError: If Gradio is not installed.
    """
    gr = require('gradio', 'mmvmr demo', "pip install 'gradio>=6,<7' (in a checkout: pip install -e '.[demo]')")
    with gr.Blocks(title='mmvmr', analytics_enabled=False, fill_width=True) as demo:
        gr.Markdown(f'# Ask a video\nModel: {escape(finder.file.name)}')
        with gr.Row():
            with gr.Column():
                upload = gr.File(label='Video', file_types=['video'], height=140)
                chosen = gr.Dropdown(list(videos), label='or one of these, without upload', visible=bool(videos))
            with gr.Column():
                sentences = gr.Textbox(label='Sentences, one per line, in English', lines=5)
                find = gr.Button('Find', variant='primary')
        message = gr.HTML(elem_id='message', padding=False)
        answer = gr.HTML(elem_id='answer', padding=False, min_height=80)
        with gr.Row():
            with gr.Column():
                formats = gr.CheckboxGroup(FORMATS, value=['csv'], label='Files for other programs')
                export = gr.Button('Export')
            files = gr.File(label='Files', file_count='multiple', interactive=False, visible=False)
        answers = gr.State(None)
        # No endpoints for programs: those use the Python interface. One question at a time, as there is one model.
        options = {'concurrency_limit': 1, 'api_visibility': 'private'}
        find.click(
            partial(_ask, finder, videos),
            [upload, chosen, sentences],
            [message, answer, answers],
            show_progress_on=[answer],
            **options,
        )
        export.click(partial(_export, folder), [answers, formats], [message, files], **options)
    return demo


def launch_demo(demo: Any, videos: Mapping[str, Path], host: str, port: int | None, open_browser: bool) -> None:
    """Serve the page until the process is interrupted.

    Args:
        demo: The page.
        videos: The videos that can be chosen; no other file is served.
        host: Address to listen on.
        port: Port; None takes the first free one from 7860 on.
        open_browser: Open the page in a browser.
    """
    from gradio.themes import Base

    _, address, _ = demo.launch(
        server_name=host,
        server_port=port,
        inbrowser=open_browser,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        footer_links=[],
        # Fonts of the system: nothing is loaded from elsewhere.
        theme=Base(font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace']),
        allowed_paths=[str(path.absolute()) for path in videos.values()],
    )
    print(f'ask videos at {address} (Ctrl+C ends)', flush=True)
    demo.block_thread()


def _ask(
    finder: MomentFinder, videos: Mapping[str, Path], upload: str | None, chosen: str | None, text: str | None
) -> tuple[str, str, Answers | None]:
    """Message, page and answers; one of message and page is empty."""
    path = Path(upload) if upload else videos.get(chosen or '')
    if path is None:
        return _message('no video: upload one'), '', None
    try:
        answers = finder.encode(path).find(*filter(str.strip, (text or '').splitlines()))
        html = render_page(answer_page([answers]), _served)
    except _MISTAKES as error:
        return _message(describe(error).replace(str(path), path.name)), '', None
    # A sandbox without origin: the answer can neither touch this page nor ask the server for more than the video.
    frame = (
        '<iframe title="Moments" sandbox="allow-scripts" allow="autoplay; fullscreen" '
        f'style="width: 100%; height: 52rem; max-height: 95vh; border: 0" srcdoc="{escape(html)}"></iframe>'
    )
    return '', frame, answers


def _export(folder: Path, answers: Answers | None, formats: list[str]) -> tuple[str, Any]:
    """Message and files."""
    from gradio import File

    if answers is None or not formats:
        return _message('nothing to export: ask a video first, and choose a format'), File(visible=False)
    try:
        files = answers.export(tempfile.mkdtemp(dir=folder), formats)
    except _MISTAKES as error:
        return _message(describe(error)), File(visible=False)
    return '', File([str(path) for path in files], visible=True)


def _served(path: Path) -> str:
    """Address of a video on this server, relative to the page."""
    return f'gradio_api/file={quote(str(path.absolute()))}'


def _message(text: str) -> str:
    return f'<p role="alert"><strong>{escape(text)}</strong></p>'
