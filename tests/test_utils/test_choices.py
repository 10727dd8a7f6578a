import pytest

from mmvmr.utils import check_choice


def test_a_choice_is_returned():
    assert check_choice('Layer', 'padding', 'zero', ('zero', 'mask')) == 'zero'


@pytest.mark.parametrize(
    ('value', 'choices', 'message'),
    [
        (
            'zeros',
            ('zero', 'mask'),
            "Layer: padding='zeros' is unknown, expected 'zero' or 'mask'; did you mean 'zero'?",
        ),
        (7, ('zero', 'mask', 'none'), "Layer: padding=7 is unknown, expected 'zero', 'mask' or 'none'"),
        ([], {'zero': 1}, "Layer: padding=[] is unknown, expected 'zero'"),
        (2, (False, 'some'), "Layer: padding=2 is unknown, expected False or 'some'"),
    ],
)
def test_messages(value, choices, message):
    with pytest.raises(ValueError) as error:
        check_choice('Layer', 'padding', value, choices)
    assert str(error.value) == message


def test_the_owner_may_be_an_object_and_the_error_another_one():
    with pytest.raises(KeyError, match='Owner: mode='):
        check_choice(type('Owner', (), {})(), 'mode', 'a', ('b',), error=KeyError)
