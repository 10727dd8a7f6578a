"""Calibration of existence scores: probabilities that mean what they say, and a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from mmvmr.evaluation.functional.padding import Bools, Floats
from mmvmr.evaluation.functional.validation import EXIST_KEY, check_predictions
from mmvmr.evaluation.functional.values import InputError, Row

#: Prediction files have six decimals.
_LEAST = 1e-6


@dataclass(frozen=True)
class Calibration:
    """Parameters of an existence head.

    Attributes:
        temperature: Divides the logit.
        threshold: Calibrated probability up to which a query is rejected.
    """

    temperature: float
    threshold: float


def _log_loss(logits: Floats, positive: Bools) -> float:
    return float(np.logaddexp(0.0, np.where(positive, -logits, logits)).mean())


def best_threshold(positive: Bools, probability: Floats) -> float:
    """Threshold at which the mean of both recalls is highest, whatever share of the queries has a moment.

    It is halfway between two of the calibrated probabilities (Q,); ``positive`` (Q,) says which queries have a moment.
    """
    values = np.unique(probability)
    edges = np.concatenate(([values[0] / 2], (values[:-1] + values[1:]) / 2))
    rejected = probability <= edges[:, None]
    gain = rejected[:, ~positive].mean(1) - rejected[:, positive].mean(1)
    return float(edges[gain.argmax()])


def calibrate(
    predictions: Sequence[Row],
    annotations: Sequence[Row],
    temperature: float = 1.0,
    source: str = 'predictions',
    reference: str = 'the annotations',
) -> tuple[Calibration, dict[str, float]]:
    """Fit temperature and threshold to the predictions of a validation split.

    Args:
        predictions: Rows with ``pred_exist_score``.
        annotations: Rows with ``relevant_windows``, empty for queries without a moment.
        temperature: That of the head which made the predictions.
        source: Name of the prediction file, for messages.
        reference: Name of the annotation file, for messages.

    Returns:
        The calibration, and the mean log loss ``before`` and ``after`` it.

    Raises:
        InputError: If a file is invalid, has no existence scores, or not both kinds of queries.
    """
    check_predictions(predictions, annotations, source, reference)
    truth = {row['qid']: row.get('relevant_windows') for row in annotations}
    if predictions[0].get(EXIST_KEY) is None:
        raise InputError(f'{source}: no {EXIST_KEY}; predict with a model that has an existence head')
    labelled = [row for row in predictions if truth[row['qid']] is not None]
    positive = np.array([bool(truth[row['qid']]) for row in labelled], dtype=bool)
    if positive.all() or not positive.any():
        raise InputError(
            f'{reference}: {int(positive.sum())} of {len(positive)} queries have a moment; expected some with and some '
            'without one (relevant_windows [])'
        )
    score = np.clip(np.array([row[EXIST_KEY] for row in labelled], dtype=np.float64), _LEAST, 1 - _LEAST)
    logits = temperature * np.log(score / (1 - score))
    optimum = minimize_scalar(lambda t: _log_loss(logits / np.exp(t), positive), bounds=(-4.0, 4.0), method='bounded')
    fitted = float(np.exp(optimum.x))
    threshold = best_threshold(positive, 1 / (1 + np.exp(-logits / fitted)))
    losses = {'before': _log_loss(logits / temperature, positive), 'after': _log_loss(logits / fitted, positive)}
    return Calibration(fitted, threshold), losses
