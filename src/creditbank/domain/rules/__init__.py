"""The rulebook engine: conversion and exemption rules as data, evaluated without a line of code per rule.

`check` reports faults and warnings, `compile` makes rules ready, `evaluate` decides, `explain` says it in words.
"""

from __future__ import annotations

from creditbank.domain.rules.awards import AwardDecision, Missing
from creditbank.domain.rules.compiled import PRIMITIVES, CompiledRules, check, compile, json_schema
from creditbank.domain.rules.decision import CapState, Decision, Grant, Refusal
from creditbank.domain.rules.evaluate import check_award, credit_points, evaluate
from creditbank.domain.rules.explain import explain
from creditbank.domain.rules.faults import Caution, Fault, InvalidRulebook, Report
from creditbank.domain.rules.situation import InvalidSituation
from creditbank.domain.rules.workflow import Approval

__all__ = [
    "PRIMITIVES",
    "Approval",
    "AwardDecision",
    "CapState",
    "Caution",
    "CompiledRules",
    "Decision",
    "Fault",
    "Grant",
    "InvalidRulebook",
    "InvalidSituation",
    "Missing",
    "Refusal",
    "Report",
    "check",
    "check_award",
    "compile",
    "credit_points",
    "evaluate",
    "explain",
    "json_schema",
]
