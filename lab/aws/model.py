"""botocore's model of the ECR API: which parameters a call has, and what a value of a shape may be."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from .errors import AwsError


@lru_cache(maxsize=1)
def ecr() -> ServiceModel:
    """Return the service's model."""
    return botocore.session.get_session().get_service_model("ecr")


def problems(value: Any, shape: str) -> str:
    """Return what is wrong with *value* as a *shape* of the model, "" when nothing is."""
    return str(ParamValidator().validate(value, ecr().shape_for(shape)).generate_report())


def check(operation: str, parameters: Any) -> None:
    """Raise InvalidParameterException for parameters that are missing, unknown, or of another type."""
    shape = ecr().operation_model(operation).input_shape
    if shape is None:
        return
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        raise AwsError("InvalidParameterException", str(report.generate_report()))
