# MMN with DistilBERT trained along, as published.
_base_ = ['./mmn.py']
model = dict(
    projector=dict(
        text_encoder=dict(
            type='TransformersTextEncoder',
            architecture=dict(model_type='distilbert'),
            pretrained='distilbert-base-uncased',
        ),
    )
)
